"""The arguments and results of a training run, the same for every backend.

`Trainer` holds the counts and losses that all backends share; `ReferenceTrainer` is the run in
NumPy and the definition of a run.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from chainrule.arrays import Array, FloatArray, IntArray
from chainrule.errors import ChainruleError, InputError
from chainrule.kernels.orders import UNSHUFFLED, Legacy, Order, Unshuffled, next_indices
from chainrule.kernels.plan_cache import loss_plan, training_plan
from chainrule.kernels.reference import Execution
from chainrule.kernels.stopping import Count, Stopping, monitored, reduced
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.parameters import Parameters
from chainrule.plans.plan import Plan
from chainrule.validation import requirement

Records = FloatArray
"""A row for each epoch: loss, data loss, validation loss, learning rate."""
Listener = Callable[[Records], object]
"""Gets the epochs that a call has finished so far; a true result ends the run."""
Ending = Literal["finished", "no_better", "asked"]
"""All epochs were run; the monitored value no longer fell; the listener requested the end."""

PERIOD = 0.05
"""The least number of seconds between two calls of a listener."""


@dataclass(frozen=True)
class Criterion:
    """A rule about a value that is computed after each epoch, from the current parameters.

    The value is to fall; the rule's own monitor has no meaning.
    """

    rule: Stopping
    value: Callable[[], float]


@dataclass(frozen=True)
class Run:
    """A network with its initial parameters, its data, and the size of a batch.

    ``parameters`` are changed in place.  ``held`` is held-out data.  ``rate`` is the learning rate
    by epoch (numbered from 1); without one it is the optimizer's.  ``stopping`` are the rules by
    which the run ends early or slows down, ``criterion`` is one more, about a value that backends
    do not know; at most one of all restores the best parameters.  At most ``threads`` threads share
    a step.  ``seed`` is that of what is drawn at random in a step, from 0 to 2⁶⁴ − 1.
    """

    network: Network
    optimizer: Optimizer
    parameters: Parameters
    data: Mapping[str, Array]
    batch: int
    order: Order = UNSHUFFLED
    held: Mapping[str, Array] | None = None
    rate: Callable[[int], float] | None = None
    stopping: tuple[Stopping, ...] = ()
    threads: int = 1
    seed: int = 0
    criterion: Criterion | None = None

    def __post_init__(self) -> None:
        size = min(self.batch, self.samples)
        if self.network.needs_batch and 1 in (size, self.samples % size):
            raise InputError(
                "`batch_size` must leave no batch of a single sample with batch normalization, "
                f"whose deviations from the mean would all be 0; got {self.batch} for "
                f"{self.samples} samples"
            )

    @property
    def samples(self) -> int:
        """How many samples an epoch has."""
        return len(next(iter(self.data.values())))

    @property
    def plan(self) -> Plan:
        """The Plan of one step."""
        return training_plan(self.network, self.optimizer, weighted="w" in self.data)

    @property
    def varies(self) -> bool:
        """Whether the learning rate may change."""
        return self.rate is not None or any(rule.divisor for rule in self.stopping)


@dataclass
class Losses:
    """Means by epoch, each batch taken at the parameters before its own step.

    ``rate`` is the learning rate by epoch, where it may change, ``criterion`` the value of the
    `Criterion`.  ``best`` is the lowest value that it, or without one the first `Stopping`, was
    given, and ``best_epoch`` its epoch (0: none yet).
    """

    loss: list[float] = field(default_factory=list)
    data_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    criterion: list[float] = field(default_factory=list)
    ending: Ending = "finished"
    best: float = np.inf
    best_epoch: int = 0

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)


@dataclass
class State:
    """What a run needs to continue exactly from its last epoch, beside its parameters.

    ``memory`` are the optimizer's moments by the names of the Plan (``m_W_ih``), ``best`` the best
    parameters as one vector, ``indices`` the order of the last epoch if the next depends on it.
    """

    steps: int
    epochs: int
    memory: dict[str, Array]
    counts: list[Count]
    best: Array | None = None
    indices: IntArray | None = None
    criterion: Count | None = None


class Diverged(ChainruleError, ArithmeticError):  # noqa: N818 - names what happened
    """A loss became NaN or infinite, in this ``epoch``, ``batch`` and ``symbol``."""

    def __init__(self, epoch: int, batch: int, loss: float, symbol: str) -> None:
        super().__init__(f"loss {loss} in epoch {epoch}, batch {batch}, first in {symbol}")
        self.epoch, self.batch, self.loss, self.symbol = epoch, batch, loss, symbol


class Trainer(ABC):
    """A backend's run, continued by each call.

    ``losses`` are those of all finished epochs of all calls.
    """

    def __init__(self, run: Run) -> None:
        needed = {*run.network.input_names, *run.network.target_names}
        for data in filter(None, (run.data, run.held)):
            if data.keys() - {"w"} != needed:
                raise InputError(requirement("data", f"the arrays {sorted(needed)}", sorted(data)))
        self.given = run
        self.steps = 0
        self.epochs = 0
        self.losses = Losses()
        self.counts = [Count() for _ in run.stopping]
        unshuffled = isinstance(run.order, Unshuffled)
        self.indices: IntArray | None = None if unshuffled else np.arange(run.samples)
        self.criterion_count = Count()
        restores = any(rule.restore_best for rule, _ in self._rules())
        self.best: Parameters | None = run.parameters.copy() if restores else None

    def run(self, first: int, epochs: int, listener: Listener | None = None) -> Losses:
        """Run epochs ``first``, ``first + 1`` …; return their losses, with the parameters current.

        Raises ``Diverged`` where a loss is not finite and ``KeyboardInterrupt`` on Ctrl-C, both
        with the parameters of the last complete step, and with finished epochs in ``losses``.
        ``listener`` is called at most twenty times a second, and only when an epoch was finished.
        """
        records = np.zeros((epochs, 4))
        if self.given.criterion is None:
            ending, done, error = self._epochs(first, records, listener)
        else:
            ending, done, error = self._judged(self.given.criterion, first, records, listener)
        self.epochs += done
        lists = records[:done].T.tolist()
        found = Losses(lists[0], lists[1], ending=ending)
        if self.given.held is not None:
            found.validation_loss = lists[2]
        if self.given.varies:
            found.rate = lists[3]
        whole = self.losses
        first_count = next((count for _, count in self._rules()), None)
        if first_count is not None:
            found.best, found.best_epoch = first_count.best, first_count.best_epoch
            whole.best, whole.best_epoch = found.best, found.best_epoch
        whole.ending = ending
        whole.loss += found.loss
        whole.data_loss += found.data_loss
        whole.validation_loss += found.validation_loss
        whole.rate += found.rate
        if error is not None:
            raise error
        return found

    def _rules(self) -> Iterator[tuple[Stopping, Count]]:
        """Yield the rules with their states, the criterion's first."""
        if self.given.criterion is not None:
            yield self.given.criterion.rule, self.criterion_count
        yield from zip(self.given.stopping, self.counts, strict=True)

    def _judged(
        self, criterion: Criterion, first: int, records: Records, listener: Listener | None
    ) -> tuple[Ending, int, BaseException | None]:
        """Run one epoch after another, with the criterion's value after each; as `_epochs`."""
        count, last_call = self.criterion_count, time.monotonic()
        for done in range(len(records)):
            epoch = first + done
            ending, finished, error = self._epochs(epoch, records[done : done + 1], None)
            if error is not None:
                return ending, done + finished, error
            try:
                value = float(criterion.value())
            except BaseException as raised:  # raised again when the losses are complete
                return ending, done + 1, raised
            self.losses.criterion.append(value)
            ends = count.ends(criterion.rule, epoch, value, float(records[done, 3]))
            if count.is_best and criterion.rule.restore_best and self.best is not None:
                self.best.flat[...] = self.given.parameters.flat
            if ends or ending != "finished":
                return "no_better", done + 1, None
            if listener is not None and time.monotonic() - last_call >= PERIOD:
                requested, last_call = listener(records[: done + 1]), time.monotonic()
                if requested:
                    return "asked", done + 1, None
        return "finished", len(records), None

    def batch_rows(self, batch: int) -> slice | Array:
        """Return the rows of a batch (from 1) of the latest epoch, to index the data with."""
        rows = slice((batch - 1) * self.given.batch, batch * self.given.batch)
        return rows if self.indices is None else self.indices[rows]

    def restore_best(self) -> bool:
        """Restore the parameters after the best epoch; return whether there are any."""
        stored = any(rule.restore_best and count.best_epoch for rule, count in self._rules())
        if stored and self.best is not None:
            self.set_parameters(self.best.flat)
        return stored

    def set_parameters(self, flat: Array) -> None:
        """Set all parameters, given as one vector."""
        self.given.parameters.flat[...] = flat
        self._write(self.given.parameters)

    def state(self) -> State:
        """Return what the run needs to continue, as copies."""
        return State(
            self.steps,
            self.epochs,
            self._memory(),
            [replace(count) for count in self.counts],
            None if self.best is None else self.best.flat.copy(),
            self.indices.copy()
            if self.indices is not None and isinstance(self.given.order, Legacy)
            else None,
            None if self.given.criterion is None else replace(self.criterion_count),
        )

    def restore(self, state: State) -> None:
        """Continue from a state, with the current parameters of the run.

        In a state without memory every moment is zero.  Raises ``InputError`` if the state is
        that of another run: other moments, or another number of rules.
        """
        if state.memory:
            expected = memory_shapes(self.given.plan, self.given)
            shapes = {name: np.shape(array) for name, array in state.memory.items()}
            if shapes != expected:
                message = requirement("state.memory", f"arrays of the shapes {expected}", shapes)
                raise InputError(message)
        if len(state.counts) != len(self.counts):
            allowed = f"{len(self.counts)} counts, one for each rule of stopping"
            raise InputError(requirement("state.counts", allowed, len(state.counts)))
        if state.memory:
            self._write(state.memory)
        elif self.steps:  # before the first step every moment is zero anyway
            shapes = memory_shapes(self.given.plan, self.given)
            self._write({name: np.zeros(shape) for name, shape in shapes.items()})
        self.steps, self.epochs = state.steps, state.epochs
        self.counts[:] = [replace(count) for count in state.counts]
        if state.criterion is not None:
            self.criterion_count = replace(state.criterion)
        if self.best is not None and state.best is not None:
            self.best.flat[...] = state.best
        if state.indices is not None and self.indices is not None:
            self.indices[...] = state.indices

    @abstractmethod
    def collect(self) -> None:
        """Set the parameters to those after the last complete step, after any interruption."""

    @abstractmethod
    def _epochs(
        self, first: int, records: Records, listener: Listener | None
    ) -> tuple[Ending, int, BaseException | None]:
        """Run an epoch for each record; return the ending, epochs done, an exception to raise."""

    @abstractmethod
    def _memory(self) -> dict[str, Array]:
        """Return copies of the optimizer's memory by name, in the shapes of the parameters."""

    @abstractmethod
    def _write(self, values: Mapping[str, Array]) -> None:
        """Set parameters or memory by name, in the shapes of the parameters."""


def first_not_finite(execution: Execution) -> str:
    """Return the first symbol of the forward pass whose value is not finite."""
    for equation in execution.plan.formulation.equations:
        value = execution.values.get(equation.left.name)
        if value is not None and not np.isfinite(value).all():
            return equation.left.name
    return "the loss itself"


def memory_shapes(plan: Plan, run: Run) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of the optimizer's memories: that of its parameter."""
    return {
        symbol.name: run.parameters[symbol.name.split("_", 1)[1]].shape for symbol in plan.memory
    }


class ReferenceTrainer(Trainer):
    """The run in NumPy, operation by operation: the definition of what a run is."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.plan = run.plan
        self.step = Execution(self.plan, dtype=run.parameters.flat.dtype)
        self.step.give({**run.parameters, **run.network.constants, **run.optimizer.constants})
        dtype = run.parameters.flat.dtype
        self.step.seed = run.seed
        self.memory = {
            name: np.zeros(shape, dtype) for name, shape in memory_shapes(self.plan, run).items()
        }
        self.step.give(self.memory)
        self._before: list[tuple[Array, Array]] = []

    def collect(self) -> None:
        """Undo a step that was not completed."""
        for array, before in self._before:
            array[...] = before
        self._before = []

    def _memory(self) -> dict[str, Array]:
        return {name: array.copy() for name, array in self.memory.items()}

    def _write(self, values: Mapping[str, Array]) -> None:
        for name, value in values.items():
            array = self.memory.get(name)
            if array is None:
                array = self.given.parameters[name]
            array[...] = value

    def _epochs(
        self, first: int, records: Records, listener: Listener | None
    ) -> tuple[Ending, int, BaseException | None]:
        last_call, done = time.monotonic(), 0
        try:
            for epoch in range(first, first + len(records)):
                ends = self._epoch(epoch, records[done])
                done += 1
                if ends:
                    return "no_better", done, None
                if listener is not None and time.monotonic() - last_call >= PERIOD:
                    requested = listener(records[:done])
                    last_call = time.monotonic()
                    if requested:
                        return "asked", done, None
        except BaseException as error:  # raised again when the losses are complete
            self.collect()
            return "finished", done, error
        return "finished", done, None

    def _epoch(self, epoch: int, record: Records) -> bool:
        """Run one epoch and fill its record, (4,); return whether a rule ends the run."""
        run = self.given
        if self.indices is not None:
            self.indices = next_indices(run.order, epoch, self.indices)
        rate = run.optimizer.learning_rate if run.rate is None else run.rate(epoch)
        rate = reduced(float(rate), run.stopping, self.counts)
        self.step.give({run.optimizer.letters["learning_rate"]: rate})
        total = np.zeros(2)
        for batch, start in enumerate(range(0, run.samples, run.batch), start=1):
            stop = min(start + run.batch, run.samples)
            rows: slice | IntArray = slice(start, stop)
            if self.indices is not None:
                rows = self.indices[start:stop]
            total += (stop - start) * self._step(rows, epoch, batch)
        held = 0.0 if run.held is None else self._held(run.held)
        record[:] = (*(total / run.samples), held, rate)
        ends = False
        for rule, count in zip(run.stopping, self.counts, strict=True):
            ends |= count.ends(rule, epoch, monitored(rule, *map(float, record[:3])), rate)
            if rule.restore_best and count.is_best and self.best is not None:
                self.best.flat[...] = run.parameters.flat
        return ends

    def _step(self, rows: slice | IntArray, epoch: int, batch: int) -> Array:
        """Run one step on these rows; return the loss and the data loss, (2,)."""
        changed = [self.given.parameters.flat, *self.memory.values()]
        self._before = [(array, array.copy()) for array in changed]
        self.step.give({name: array[rows] for name, array in self.given.data.items()})
        self.step.step_number = self.steps + 1
        self.step.give({"t": self.steps + 1})
        with np.errstate(all="ignore"):
            # `Diverged` is raised below with the symbol, which NumPy's warnings do not state.
            self.step.all()
        losses = np.array(
            [self.step.scalar(name) for name in (self.plan.loss, self.plan.data_loss)]
        )
        if not np.isfinite(losses).all():
            raise Diverged(epoch, batch, float(losses[0]), first_not_finite(self.step))
        self._before = []
        self.steps += 1
        return losses.astype(float)

    def _held(self, held: Mapping[str, Array]) -> float:
        """Return the data loss of held-out data: X (rows, inputs), targets (rows, outputs)."""
        network, parameters = self.given.network, self.given.parameters
        plan = loss_plan(network, weighted="w" in held)
        execution = Execution(plan, dtype=parameters.flat.dtype)
        execution.give({**parameters, **network.constants, **held})
        with np.errstate(all="ignore"):
            execution.all()
        return float(execution.scalar(plan.data_loss))
