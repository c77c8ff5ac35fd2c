"""The values of one step: every symbol of a derivation with its value, for chosen samples.

Values are computed by axis name from the index form of the equations, in float64 for any type of
the parameters, so they do not depend on the layout of a line in rows and columns.  The step itself
is run by the reference backend.  Errors: arrays that do not suit the network, an optimizer's memory
that does not suit its parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import InputError, InputTypeError, unknown_name
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.simplify import safe_logarithms
from chainrule.kernels.draws import drawn
from chainrule.kernels.plan_cache import training_plan
from chainrule.kernels.reference import Execution, named_array
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import Gradients
from chainrule.network.optimizers import STEPS, Optimizer
from chainrule.plans.plan import memory_of
from chainrule.validation import requirement


@dataclass(frozen=True)
class StepValues:
    """Chosen samples, the parameters, and the state of the optimizer.

    ``data`` are inputs (samples, inputs) and targets (samples, outputs) by symbol in either case;
    ``gradients`` are those of a single sample or of a batch.  ``memory`` is that of the optimizer
    before the step by name (``m_W_ih``), in the shapes of the parameters; ``step`` is the number of
    the step, from 1.  ``seed`` and ``step`` determine what is drawn at random.
    """

    network: Network
    gradients: Gradients
    optimizer: Optimizer
    parameters: Mapping[str, Array]
    data: Mapping[str, Array]
    memory: Mapping[str, Array] = field(default_factory=dict)
    step: int = 1
    seed: int = 0

    @property
    def formulation(self) -> Formulation:
        """The forward equations."""
        return self.gradients.formulation

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(next(iter(self.data.values())))

    @property
    def single(self) -> bool:
        """Whether this is one sample, without an axis of samples."""
        return not any(axis.is_samples for axis in self.formulation.axes)

    @cached_property
    def given(self) -> dict[str, Array | float]:
        """The values of everything that is not computed, by name, with the axes of its symbol."""
        data = {n: array[0] for n, array in self.data.items()} if self.single else self.data
        return {
            **data,
            **{name: np.asarray(array, dtype=float) for name, array in self.parameters.items()},
            **self.drawn,
            **self.network.constants,
            **self.optimizer.constants,
            **self.memory,
            STEPS.name: float(self.step),
        }

    @property
    def drawn(self) -> dict[str, Array]:
        """The masks and the noise of this step of a run with the seed."""
        found = {}
        for stream, (symbol, distribution) in enumerate(self.formulation.draws.items()):
            width = self.network.sizes[symbol.axes[-1]]
            values = drawn(
                distribution, self.seed, self.step, stream, self.samples, width, np.float64
            )
            found[symbol.name] = values[0] if self.single else values
        return found

    @cached_property
    def named(self) -> Evaluation:
        """The value of every symbol and of every cotangent, by axis name."""
        evaluation = Evaluation(self.given, dtype=np.float64)
        evaluation.measure((*self.formulation.inputs, *self.formulation.parameters))
        for equation in self.formulation.equations:
            stable = safe_logarithms(equation.right, self.formulation.defined)
            evaluation.define(equation.left, evaluation.spread(stable, equation.left.axes))
        for entry in self.gradients.backward:
            evaluation.define(entry.left, evaluation.spread(entry.right, entry.left.axes))
        return evaluation

    @cached_property
    def after(self) -> dict[str, Array]:
        """The parameters and the optimizer's memory after the step."""
        plan = self._step.plan
        changing = (*plan.formulation.parameters, *plan.memory)
        return {s.name: named_array(self._step.values[s.name], s) for s in changing}

    @cached_property
    def losses(self) -> dict[str, float]:
        """The loss, and the loss without penalties, at the parameters before the step."""
        plan = self._step.plan
        targets = {plan.formulation.loss: plan.loss, plan.formulation.data_loss: plan.data_loss}
        return {s.name: float(self._step.scalar(target)) for s, target in targets.items()}

    @cached_property
    def _step(self) -> Execution:
        """The step, run by the reference backend."""
        plan = training_plan(self.network, self.optimizer)
        run = Execution(plan, dtype=np.float64)
        run.seed, run.step_number = self.seed, self.step
        given = {**self.given, **self.data}
        changing = (*self.network.parameter_names, *(symbol.name for symbol in plan.memory))
        given.update({name: np.array(given[name]) for name in changing})
        run.give(given)
        with np.errstate(all="ignore"):  # values that are not finite are shown as such
            run.all()
        return run


def memory_from(
    network: Network,
    formulation: Formulation,
    optimizer: Optimizer,
    given: Mapping[str, Any] | None,
) -> dict[str, Array]:
    """Return the optimizer's memory by name, zeros where none is given.

    ``given`` maps the Plan's names (``v_W_ih``) to arrays of the parameters' shapes.  Raises
    ``InputError`` for a name or a shape that the optimizer does not have.
    """
    shapes: dict[str, tuple[int, ...]] = {
        symbol.name: network.parameter_shapes[parameter.name]
        for parameter in formulation.parameters
        for symbol in memory_of(parameter, optimizer)
    }
    if given is not None and not isinstance(given, Mapping):
        raise InputTypeError(
            requirement("state", "a mapping of names to arrays such as {'v_W_ih': ...}", given)
        )
    memory = {name: np.zeros(shape) for name, shape in shapes.items()}
    for name, value in (given or {}).items():
        if name not in shapes:
            raise unknown_name(f"state of {optimizer.name}", name, list(shapes))
        array = np.asarray(value, dtype=float)
        if array.shape != shapes[name]:
            raise InputError(
                f"`state[{name!r}]` must have the shape {shapes[name]} of its parameter, "
                f"got {array.shape}"
            )
        memory[name] = array
    return memory
