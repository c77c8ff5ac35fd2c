"""A network whose parameters the caller holds, as one step of a prediction: for exports that learn.

Elsewhere parameters are constants of a prediction's steps; here they change, so that the network
stays whole and its operations are those of its Plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.arrays import Array, FloatArray
from chainrule.errors import InputError, shown
from chainrule.exports.prediction_steps import Part, Prediction, Step, needed
from chainrule.exports.step_list import StepList
from chainrule.kernels.plan_cache import prediction_plan, training_plan
from chainrule.network.architecture import Network
from chainrule.network.layers import CategoryLayer
from chainrule.network.optimizers import SGD
from chainrule.network.parameters import Parameters, gathered
from chainrule.plans.operations import DrawRandom, General
from chainrule.plans.plan import Plan
from chainrule.training.single_pass import predict

__all__ = [
    "Learned",
    "LearnedSteps",
    "input_widths",
    "learned_of",
    "steps_after",
    "steps_before",
]


@dataclass(frozen=True, eq=False)
class Learned(Step):
    """The outputs of a network's heads, one after the other, for the inputs in ``source``."""

    source: str
    network: Network
    parameters: Parameters

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def forward(self) -> Plan:
        """The operations of a prediction."""
        return prediction_plan(self.network)

    @property
    def training(self) -> Plan:
        """The operations of one step of SGD, and its loss."""
        plan = training_plan(self.network, SGD())
        updated = (operation.target for operation in plan.operations if operation.stage == "update")
        return plan.only(plan.loss, *updated)

    @property
    def real(self) -> str:
        """The type of C that holds the parameters."""
        return "float" if self.parameters.flat.dtype == np.float32 else "double"

    def values(self, x: FloatArray) -> FloatArray:
        """Return the outputs, (rows, width), for inputs (rows, inputs), in double precision."""
        ends = np.cumsum(input_widths(self.network))[:-1]
        parts = np.split(x, ends, axis=1)
        flat = self.parameters.flat.astype(np.float64)
        double = Parameters(self.network.parameter_shapes, flat)
        found = predict(self.network, double, parts if len(parts) > 1 else parts[0])
        return np.hstack(found) if isinstance(found, tuple) else found


class LearnedSteps(StepList):
    """Steps of a model with one network, which stays whole."""

    def learned(
        self, network: Network, parameters: Mapping[str, Array], inputs: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Add a network; return the values with the outputs of its heads.

        Raises InputError for a second network and for one that no step of SGD in C trains.

        >>> steps = LearnedSteps()
        >>> network = Network.dense([2, 1], "tanh")
        >>> steps.learned(network, network.initialize(seed=0), {"X": steps.read([0, 1])})
        ('t2',)
        """
        if any(isinstance(step, Learned) for step in self.steps):
            raise InputError(
                "`training` must be False for a model of several networks, got True. Export a "
                "model of one network (--hidden)."
            )
        _check(network)
        widths = zip(network.input_names, input_widths(network), strict=True)
        parts = [Part(inputs[name], 0, width) for name, width in widths]
        source = self.gather(parts, "the inputs of the network")
        given = gathered(parameters, network.parameter_shapes)
        heads = [node.width for node in network.outputs]
        whole = self._added(
            Learned(self._fresh(), sum(heads), "the network", source, network, given)
        )
        starts = np.cumsum([0, *heads]).tolist()
        return tuple(
            self.gather([Part(whole, start, width)], "the outputs of a head")
            for start, width in zip(starts, heads, strict=False)
        )


def _check(network: Network) -> None:
    """Raise InputError, with the names of the layers, for what no step of SGD in C trains."""
    plans = (prediction_plan(network), training_plan(network, SGD()))
    operations = [operation for plan in plans for operation in plan.operations]
    random = [str(op) for op in operations if isinstance(op, DrawRandom)]
    named = [str(op) for op in operations if isinstance(op, General)]
    averaged = list(network.running_names)
    for found, what in (
        (random, "that draws nothing at random (Dropout, GaussianNoise)"),
        (averaged, "without running statistics (BatchNorm)"),
        (named, "whose equations are all products of matrices and formulas of entries"),
    ):
        if found:
            raise InputError(
                f"`training` must be False except for a network {what}, got True and "
                f"{shown(found[0])}. Export it without, or train a network of dense "
                "layers (--hidden)."
            )


def input_widths(network: Network) -> list[int]:
    """Return how many numbers of a row each input takes; a code is one number."""
    return [1 if isinstance(n.layer, CategoryLayer) else n.width for n in network.inputs]


def learned_of(prediction: Prediction) -> Learned | None:
    """Return the step of a network that stays whole, None where there is none."""
    return next((step for step in prediction.steps if isinstance(step, Learned)), None)


def steps_before(prediction: Prediction, learned: Learned) -> tuple[Step, ...]:
    """Return the steps that make the network's inputs."""
    return tuple(needed(prediction.steps, learned.source))


def steps_after(prediction: Prediction, learned: Learned) -> tuple[Step, ...]:
    """Return the network's step and those that follow; none reads a value from before it."""
    return prediction.steps[prediction.steps.index(learned) :]
