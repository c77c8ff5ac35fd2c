"""Training in the core: any number of epochs in one call."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from chainrule.arrays import Array
from chainrule.kernels import core_library
from chainrule.kernels.end_of_interpreter import begin_nothing_at_the_end, running
from chainrule.kernels.format import RunEnding, SampleOrder, StoppingRow
from chainrule.kernels.orders import Given, Legacy, Seeded, Unshuffled, given_indices
from chainrule.kernels.plan_cache import loss_plan
from chainrule.kernels.reference import Execution
from chainrule.kernels.runner import PIECE, Runner
from chainrule.kernels.trainer import (
    Diverged,
    Ending,
    Listener,
    Records,
    Run,
    Trainer,
    first_not_finite,
    memory_shapes,
)
from chainrule.network.loss_equations import WEIGHTS
from chainrule.network.parameters import Parameters

if core_library.available():
    from chainrule.kernels import _core


class CompiledTrainer(Trainer):
    """A run in the core: any number of epochs in one call."""

    def __init__(self, run: Run) -> None:
        begin_nothing_at_the_end()
        super().__init__(run)
        plan = run.plan
        dtype = run.parameters.flat.dtype
        fixed = run.network.constants
        self.batch = min(run.batch, run.samples)
        self.runner = Runner(
            plan,
            [plan.loss, plan.data_loss],
            {**run.parameters, **fixed, **run.optimizer.constants},
            run.data,
            dtype,
            self.batch,
            whole_rows=self.indices is None,
            threads=run.threads,
        )
        held: Runner | None = None
        held_rows = 0 if run.held is None else len(next(iter(run.held.values())))
        if run.held is not None:
            held_plan = loss_plan(run.network, weighted=WEIGHTS.name in run.held)
            held = Runner(
                held_plan,
                [held_plan.data_loss],
                {**run.parameters, **fixed},
                run.held,
                dtype,
                min(held_rows, PIECE),
                whole_rows=True,
                threads=run.threads,
            )
        self.training = _core.Training(
            self.runner.machine,
            self.runner.sources,
            run.samples,
            self.batch,
            self._parts(run.parameters),
            [] if self.best is None else self._parts(self.best),
            None if held is None else held.machine,
            [] if held is None else held.sources,
            held_rows,
            min(held_rows, PIECE),
            -1 if held is None else held.source_of(WEIGHTS.name),
            _NOTHING_SHARED if held is None else self._shared(held),
            self._state(),
        )
        slot = self.runner.program.scalar_slots.get(run.optimizer.letters["learning_rate"])
        self.rate_slot = -1 if slot is None else slot
        self.rules = np.array(
            [
                StoppingRow(
                    held_out=rule.monitor == "validation_loss",
                    data_weight=rule.data_weight,
                    patience=rule.patience,
                    tolerance=rule.tolerance,
                    divisor=rule.divisor,
                    smallest_rate=rule.smallest_rate,
                    restores_best=rule.restore_best,
                )
                for rule in run.stopping
            ],
            np.float64,
        ).reshape(-1, len(StoppingRow._fields))

    @property
    def _changing(self) -> tuple[str, ...]:
        """The parameters that a step changes, running statistics included."""
        network = self.given.network
        return (*network.trainable_names, *network.running_names)

    def _parts(self, parameters: Parameters) -> list[tuple[int, bool, Array]]:
        """Return each parameter that a step changes: number, whether transposed, and its matrix.

        A scalar has −1 − the number of its slot, and the shape (1, 1).  The matrices are views of
        ``parameters``.
        """
        parts: list[tuple[int, bool, Array]] = []
        for name in self._changing:
            site = self.runner.prepared.site(name)
            if site is None:
                continue
            array = parameters[name]
            if site.view is None:
                parts.append((-1 - site.number, False, array.reshape(1, 1)))
            else:
                parts.append((site.number, site.transposed, site.view(array)))
        return parts

    def _state(self) -> NDArray[np.int64]:
        """Return the numbers of parameters and memory, which steps change, (values, 1)."""
        stored = self.runner.program.stored
        names = [*self._changing, *memory_shapes(self.runner.plan, self.given)]
        numbers = [stored[name].number for name in names if name in stored]
        return np.array(numbers, np.int64).reshape(-1, 1)

    def _shared(self, held: Runner) -> NDArray[np.int64]:
        """Return the parameters of both programs, (parameters, 2): number here, number there.

        The slot of a scalar is −1 − its number here.
        """
        here, there = self.runner.program, held.program
        pairs = []
        for name in self._changing:
            if name in here.stored and name in there.stored:
                pairs.append((here.stored[name].number, there.stored[name].number))
            elif name in here.scalar_slots and name in there.scalar_slots:
                pairs.append((-1 - here.scalar_slots[name], there.scalar_slots[name]))
        return np.array(pairs, np.int64).reshape(-1, 2)

    def collect(self) -> None:
        """Copy the parameters out of the core."""
        self.training.collect()

    def _memory(self) -> dict[str, Array]:
        """Return copies of the optimizer's memory by name, in the shapes of the parameters."""
        found: dict[str, Array] = {}
        for name, shape in memory_shapes(self.runner.plan, self.given).items():
            found[name] = np.zeros(shape, self.runner.dtype)
            self.runner.read_parameter(name, found[name])
        return found

    def _write(self, values: Mapping[str, Array]) -> None:
        """Set parameters or memory, in the shapes of the parameters."""
        for name, value in values.items():
            self.runner.write(name, value)

    def _epochs(
        self, first: int, records: Records, listener: Listener | None
    ) -> tuple[Ending, int, BaseException | None]:
        run, seed, twister, live = self.given, 0, None, False
        lock: AbstractContextManager[object] = nullcontext()
        match run.order:
            case Seeded(seed):
                pass
            case Legacy():
                twister = live_words(run.order.random_state)
                live = twister is not None
                if twister is None:
                    twister = run.order.words()
                lock = run.order.random_state._bit_generator.lock
            case Given():
                self.indices = given_indices(run.order, run.samples)
        rates = None
        if run.rate is not None:
            epochs = range(first, first + len(records))
            rates = np.fromiter(map(run.rate, epochs), np.float64, len(records))
        if self.counts:
            self.rules[:, _COUNTS] = [
                (c.best, c.best_epoch, c.epochs, c.reductions) for c in self.counts
            ]
        with lock, running(listener, records) as watched:
            ending, done, steps, batch, raised = self.training.run(
                first,
                len(records),
                self.steps,
                _ORDERS[type(run.order)],
                seed,
                run.seed,
                self.indices,
                twister,
                run.optimizer.learning_rate,
                rates,
                self.rate_slot,
                self.rules,
                records,
                watched,
            )
        self.steps += steps
        if isinstance(run.order, Legacy) and twister is not None and not live:
            run.order.set_words(twister)
        for row, count in zip(self.rules.tolist(), self.counts, strict=True):
            rule = StoppingRow(*row)
            count.best = rule.best
            count.best_epoch = int(rule.best_epoch)
            count.epochs = int(rule.not_improved)
            count.reductions = int(rule.reductions)
        error = raised if isinstance(raised, BaseException) else None
        if ending == RunEnding.NOT_FINITE:
            error = self._diverged(first + done, batch)
        return _ENDINGS.get(ending, "finished"), done, error

    def _diverged(self, epoch: int, batch: int) -> Diverged:
        """Return the exception, with the first symbol that is not finite.

        The reference runs the batch again, from the same state.
        """
        run = self.given
        plan = run.plan.only(run.plan.loss, run.plan.data_loss)
        execution = Execution(plan, dtype=run.parameters.flat.dtype)
        execution.seed, execution.step_number = run.seed, self.steps + 1
        rows = self.batch_rows(batch)
        execution.give({**run.parameters, **run.network.constants})
        execution.give({name: array[rows] for name, array in run.data.items()})
        with np.errstate(all="ignore"):
            for operation in plan.operations:
                if operation.stage == "forward":
                    execution.step(operation)
        loss = self.runner.scalar(plan.loss)
        return Diverged(epoch, batch, loss, first_not_finite(execution))


def live_words(random_state: np.random.RandomState) -> NDArray[np.uint32] | None:
    """Return the state of a RandomState's generator without a copy, if its layout is known.

    To get and set the state takes 170 µs in NumPy, as long as a small run.
    """
    if not _layout_known():
        return None
    words: NDArray[np.uint32] = _core.generator_words(random_state._bit_generator.capsule, 625)
    return words


@cache
def _layout_known() -> bool:
    """Return whether NumPy stores 624 words and then how many are used; checked once."""
    random_state = np.random.RandomState(20061126)
    expected = []
    try:
        words = _core.generator_words(random_state._bit_generator.capsule, 625)
        for _ in range(2):
            random_state.random_sample(5)
            expected.append(np.array_equal(words, Legacy(random_state).words()))
    except (AttributeError, TypeError, ValueError):
        return False
    return all(expected)


_NOTHING_SHARED = np.zeros((0, 2), np.int64)
_COUNTS = slice(StoppingRow._fields.index("best"), len(StoppingRow._fields))
"""The fields of a rule that a run updates."""
_ORDERS: dict[type, SampleOrder] = {
    Unshuffled: SampleOrder.UNSHUFFLED,
    Seeded: SampleOrder.PHILOX,
    Legacy: SampleOrder.MERSENNE_TWISTER,
    Given: SampleOrder.GIVEN,
}
_ENDINGS: dict[int, Ending] = {
    RunEnding.NOT_IMPROVED: "no_better",
    RunEnding.REQUESTED: "asked",
}
