"""What a training run is given and what it gives back, whichever backend runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleError
from chainrule.kernels.plans import loss_plan, training_plan
from chainrule.kernels.reference import Execution
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.parameters import Parameters
from chainrule.network.plan import Plan

Array = NDArray[Any]


@dataclass(frozen=True)
class Run:
    """A network, where it starts, its data, and how they are cut into batches.

    ``parameters`` are changed in place.  ``seed`` orders the samples of each epoch by ``order``;
    without one they come as they lie.  ``held`` is held-out data.  ``threads`` may share a step.
    """

    network: Network
    optimizer: Optimizer
    parameters: Parameters
    data: Mapping[str, Array]
    batch: int
    order: Callable[[int], Array]
    seed: int | None = None
    held: Mapping[str, Array] | None = None
    threads: int = 1

    @property
    def samples(self) -> int:
        """How many samples an epoch has."""
        return len(self.data["X"])

    @property
    def plan(self) -> Plan:
        """The Plan of one step."""
        return training_plan(self.network, self.optimizer, weighted="w" in self.data)

    def rows(self, epoch: int, batch: int) -> Array:
        """Return the places of a batch's samples; epochs and batches count from 1."""
        return self.order(epoch)[(batch - 1) * self.batch : batch * self.batch]


@dataclass
class Losses:
    """Means by epoch, each batch taken at the parameters before its own step."""

    loss: list[float] = field(default_factory=list)
    data_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)


class Trainer(Protocol):
    """A backend's run, continued by each call."""

    def run(self, first: int, epochs: int) -> Losses:
        """Run epochs ``first``, ``first + 1`` ...; the parameters are current when it returns.

        Raises ``Diverged`` where a loss is not finite and ``KeyboardInterrupt`` on Ctrl-C, both
        with the parameters of the last complete step.
        """
        ...


class Diverged(ChainruleError, ArithmeticError):  # noqa: N818 - names what happened
    """A loss became NaN or infinite; ``epoch``, ``batch`` and ``symbol`` say where."""

    def __init__(self, epoch: int, batch: int, loss: float, symbol: str) -> None:
        super().__init__(f"loss {loss} in epoch {epoch}, batch {batch}, first in {symbol}")
        self.epoch, self.batch, self.loss, self.symbol = epoch, batch, loss, symbol


def first_not_finite(execution: Execution) -> str:
    """Return the first symbol on the way forward whose value is not finite."""
    for equation in execution.plan.formulation.equations:
        value = execution.values.get(equation.left.name)
        if value is not None and not np.isfinite(value).all():
            return equation.left.name
    return "the loss itself"


class ReferenceTrainer:
    """The run in NumPy, operation by operation: the definition of what a run is."""

    def __init__(self, run: Run) -> None:
        self.given = run
        self.plan = run.plan
        self.step = Execution(self.plan, dtype=run.parameters.flat.dtype)
        scalars = {**run.network.strengths, **run.optimizer.constants}
        self.step.give({**run.parameters, **scalars})
        shapes = run.network.parameter_shapes
        for symbol in self.plan.memory:
            owner = symbol.name.split("_", 1)[1]
            self.step.give({symbol.name: np.zeros(shapes[owner])})
        self.steps = 0

    def run(self, first: int, epochs: int) -> Losses:
        """Run epochs one batch after the other."""
        run, result = self.given, Losses()
        for epoch in range(first, first + epochs):
            places = run.order(epoch)
            total = np.zeros(2)
            for batch, start in enumerate(range(0, run.samples, run.batch), start=1):
                rows = places[start : start + run.batch]
                total += len(rows) * self._step(rows, epoch, batch)
            result.loss.append(float(total[0] / run.samples))
            result.data_loss.append(float(total[1] / run.samples))
            if run.held is not None:
                result.validation_loss.append(self._held(run.held))
        return result

    def _step(self, rows: Array, epoch: int, batch: int) -> Array:
        self.steps += 1
        self.step.give({name: array[rows] for name, array in self.given.data.items()})
        self.step.give({"t": self.steps})
        before = self.given.parameters.flat.copy()
        with np.errstate(all="ignore"):
            # A run that diverges is told below, with its place; NumPy's warnings would not be.
            self.step.all()
        losses = np.array(
            [self.step.scalar(name) for name in (self.plan.loss, self.plan.data_loss)]
        )
        if not np.isfinite(losses).all():
            self.given.parameters.flat[...] = before
            raise Diverged(epoch, batch, float(losses[0]), first_not_finite(self.step))
        return losses.astype(float)

    def _held(self, held: Mapping[str, Array]) -> float:
        network, parameters = self.given.network, self.given.parameters
        plan = loss_plan(network)
        execution = Execution(plan, dtype=parameters.flat.dtype)
        execution.give({**parameters, **network.strengths, **held})
        with np.errstate(all="ignore"):
            execution.all()
        return float(execution.scalar(plan.data_loss))
