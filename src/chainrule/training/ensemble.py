"""Many networks trained at once, on folds or from different seeds, and their mean.

The members share nothing but the data, so each thread trains one of them at a time, and each has
the bits of a run of its own.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data.splits import fold_numbers
from chainrule.errors import InputError, InputTypeError, NonFiniteLoss
from chainrule.kernels.backend import Backend
from chainrule.kernels.threads import threads_of
from chainrule.kernels.trainer import PERIOD
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.training.epoch_bar import epochs_shown
from chainrule.training.inputs import Arrays, inputs_of, targets_of, weights_of
from chainrule.training.loop import train
from chainrule.training.results import Epoch, Progress, Result
from chainrule.training.schedules import EarlyStopping, ReduceOnPlateau, Schedule
from chainrule.validation import checked_integer, checked_seed, is_integer, requirement

Fold: TypeAlias = tuple[IntArray, IntArray]
"""Rows to train on, and rows held out."""


@dataclass(frozen=True)
class Ensemble:
    """Trained networks whose predictions are averaged.

    ``held_rows`` are the rows that a member did not see, none without folds; ``out_of_fold`` is for
    each row the mean of the members that did not see it, NaN where there is none, and None without
    folds: what the ensemble is worth on new rows can be computed from it.
    """

    members: tuple[Result, ...]
    held_rows: tuple[IntArray, ...]
    out_of_fold: Any = field(repr=False)

    def predict(self, X: Arrays) -> Any:
        """Return the mean of the members' outputs, (samples, outputs); of several heads a tuple."""
        return _each_head(lambda stacked: stacked.mean(axis=0), self.predict_each(X))

    def spread(self, X: Arrays) -> Any:
        """Return the standard deviation of the members' outputs around their mean.

        It is the uncertainty about the network, not about the target: noise of the target is in no
        member's output.
        """
        return _each_head(lambda stacked: stacked.std(axis=0), self.predict_each(X))

    def predict_each(self, X: Arrays) -> Any:
        """Return the outputs of every member, (members, samples, outputs)."""
        return _stacked([result.predict(X) for result in self.members])

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)} networks, {self.members[0].network}>"


def train_many(
    network: Network,
    X: Arrays,
    Y: Arrays,
    *,
    members: int | None = None,
    folds: int | Iterable[tuple[ArrayLike, ArrayLike]] | None = None,
    dtype: DTypeLike = np.float64,
    optimizer: str | Optimizer | None = None,
    batch_size: int | None = 32,
    epochs: int = 100,
    shuffle: bool = True,
    seed: int = 0,
    sample_weight: ArrayLike | None = None,
    early_stopping: bool | EarlyStopping | None = None,
    schedule: Schedule | ReduceOnPlateau | Callable[[int], float] | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    verbose: bool | int | Literal["bar"] = False,
    on_epoch: Callable[[int, Epoch], object] | None = None,
    on_progress: Callable[[Sequence[Progress | None]], object] | None = None,
) -> Ensemble:
    """Train several networks of one description at once, and return their ensemble.

    Member m is the run of `train` with the seed ``seed`` + m: of all rows, or with ``folds`` of the
    rows of its fold, whose held-out rows are its validation data. ``folds`` is a number K, for K
    random parts of which each is held out once, or pairs of row numbers (rows to train on, rows
    held out), such as the splits of scikit-learn give. There are as many ``members`` as folds, or
    without folds 8; with more members than folds, K draws new parts, and pairs are used again.

    The other arguments are those of `train`; each member has a folder of its own in ``checkpoint``,
    and a member that has finished is not trained again by ``resume``. Every thread trains one
    member at a time; each has the same bits as when it is trained alone, for any number of threads.
    Only the rows of the members in training are copied.

    ``verbose`` prints the mean losses of the members by epoch, as that of `train` does: where some
    are behind, their latest losses, and as many epochs as all members have finished in the mean.

    ``on_epoch`` is called after each epoch of each member with its number and the `Epoch`, in the
    thread that trains it; a true result ends that run. ``on_progress`` is called about twenty times
    a second, and at the end, with the `Progress` of
    each member, None for one that has not begun. A true result ends all runs: the ensemble is that
    of the members begun so far.

    Ctrl-C ends all runs; the KeyboardInterrupt is raised, and its attribute ``result`` is the
    ensemble of the members begun so far, or None. Raises ``InputError`` and ``NonFiniteLoss`` as
    `train` does, the latter with a note on the member.

    Source: Lakshminarayanan, Pritzel and Blundell 2017, "Simple and scalable predictive uncertainty
    estimation using deep ensembles".

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> ensemble = train_many(Network.dense([1, 4, 1], "tanh"), X, X[:, 0] ** 2, folds=4, epochs=5)
    >>> ensemble
    <Ensemble of 4 networks, 1-4-1, tanh, mse, 13 parameters>
    >>> ensemble.predict(X).shape, ensemble.spread(X).shape, ensemble.out_of_fold.shape
    ((40, 1), (40, 1), (40, 1))
    >>> [len(rows) for rows in ensemble.held_rows]
    [10, 10, 10, 10]
    """
    lines = epochs_shown(verbose)
    data = _Data.of(network, X, Y, sample_weight, np.dtype(dtype))
    first = checked_seed(seed)
    parts = _parts(folds, members, data.samples, first)
    stopping = threading.Event()
    latest: list[Progress | None] = [None] * len(parts)

    def member(position: int, fold: Fold | None) -> _Run:
        own = (first + position) % 2**64
        rows, held_rows = (slice(None), None) if fold is None else fold
        held = None if held_rows is None else data.rows(held_rows)
        validation: Any = held
        if held is not None and data.weights is not None:
            validation = (*held, data.weights[held_rows])
        inputs, targets = data.rows(rows)

        def noted(progress: Progress) -> bool:
            latest[position] = progress
            return stopping.is_set()

        try:
            result = train(
                network,
                inputs,
                targets,
                parameters=network.initialize(own, dtype=dtype),
                optimizer=optimizer,
                batch_size=batch_size,
                epochs=epochs,
                shuffle=shuffle,
                seed=own,
                sample_weight=None if data.weights is None else data.weights[rows],
                validation=validation,
                early_stopping=early_stopping,
                schedule=schedule,
                threads=1,
                backend=backend,
                checkpoint=None if checkpoint is None else Path(checkpoint) / f"member-{position}",
                checkpoint_every=checkpoint_every,
                resume=resume,
                on_epoch=None if on_epoch is None else partial(on_epoch, position),
                on_progress=noted,
            )
        except NonFiniteLoss as error:
            error.add_note(f"in member {position} of {len(parts)}, whose seed is {own}")
            raise
        if held_rows is None or held is None:
            return _Run(result, np.arange(0), ())
        outputs = result.predict(held[0])
        return _Run(result, held_rows, outputs if isinstance(outputs, tuple) else (outputs,))

    def watched() -> object:
        if lines is not None:
            lines.show(_mean_history(latest), epochs)
        return on_progress is not None and on_progress(latest)

    with ThreadPoolExecutor(min(threads_of(threads), len(parts)), "chainrule") as pool:
        runs: list[Future[_Run]] = []
        try:
            runs += [pool.submit(member, *given) for given in enumerate(parts)]
            failed = _watch(runs, watched)
            begun = _end(runs, stopping)
        except KeyboardInterrupt as interrupt:
            begun = _end(runs, stopping)
            done = [run.result() for run in begun if run.exception() is None]
            found = _ensemble(done, data.samples) if done else None
            interrupt.result = found  # type: ignore[attr-defined]
            raise
        finally:
            if lines is not None:
                lines.show(_mean_history(latest), epochs, ended=True)
        if failed is not None:
            failed.result()
        return _ensemble([run.result() for run in begun], data.samples)


@dataclass(frozen=True)
class _Run:
    """A finished member, and its outputs for the rows held out."""

    result: Result
    held_rows: IntArray
    held_outputs: tuple[RealArray, ...]


@dataclass(frozen=True)
class _Data:
    """Checked arrays of which members take rows."""

    inputs: dict[str, RealArray]
    targets: dict[str, RealArray]
    weights: RealArray | None

    @classmethod
    def of(
        cls, network: Network, X: Arrays, Y: Arrays, weights: ArrayLike | None, dtype: Any
    ) -> "_Data":
        inputs = inputs_of(network, X, dtype)
        samples = len(next(iter(inputs.values())))
        checked = None if weights is None else weights_of(weights, samples, dtype)
        return cls(inputs, targets_of(network, Y, samples, dtype), checked)

    @property
    def samples(self) -> int:
        return len(next(iter(self.inputs.values())))

    def rows(self, rows: IntArray | slice) -> tuple[dict[str, RealArray], Any]:
        """Return X and Y of these rows as `train` takes them."""
        targets = [array[rows] for array in self.targets.values()]
        inputs = {name: array[rows] for name, array in self.inputs.items()}
        return inputs, targets[0] if len(targets) == 1 else targets


# -- folds -----------------------------------------------------------------------------------------


def _parts(
    folds: int | Iterable[tuple[ArrayLike, ArrayLike]] | None,
    members: int | None,
    samples: int,
    seed: int,
) -> list[Fold | None]:
    """Return the fold of each member, None for one that takes all rows."""
    number = None if members is None else checked_integer("members", members)
    if folds is None:
        return [None] * (8 if number is None else number)
    if is_integer(folds):
        parts = checked_integer("folds", folds, 2, samples)
        return list(islice(_random_folds(parts, samples, seed), number or parts))
    try:
        pairs = [(training, held) for training, held in folds]  # type: ignore[union-attr]
    except (TypeError, ValueError):
        raise InputTypeError(
            requirement("folds", "a number or pairs (rows to train on, rows held out)", folds)
        ) from None
    if not pairs:
        raise InputError(requirement("folds", "a number or at least one pair", pairs))
    checked = [_checked_fold(number, pair, samples) for number, pair in enumerate(pairs)]
    return list(islice(cycle(checked), number or len(checked)))


def _random_folds(parts: int, samples: int, seed: int) -> Iterator[Fold]:
    """Yield the folds of one random division into parts after another."""
    for division in count():
        numbers = fold_numbers(samples, parts, seed, division=division)
        for part in range(parts):
            yield np.flatnonzero(numbers != part), np.flatnonzero(numbers == part)


def _checked_fold(number: int, pair: tuple[ArrayLike, ArrayLike], samples: int) -> Fold:
    arrays = tuple(np.asarray(rows) for rows in pair)
    for rows in arrays:
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not rows.size:
            raise InputTypeError(
                f"`folds` must have one-dimensional arrays of row numbers, got {rows.dtype} of "
                f"shape {rows.shape} in fold {number}"
            )
        if rows.min() < 0 or rows.max() >= samples:
            raise InputError(
                f"`folds` must have row numbers from 0 to {samples - 1}, got "
                f"{rows.min() if rows.min() < 0 else rows.max()} in fold {number}"
            )
    both = np.intersect1d(arrays[0], arrays[1])
    if both.size:
        raise InputError(
            f"`folds` must not train on rows that are held out, got row {both[0]} in both parts of "
            f"fold {number}"
        )
    return arrays[0], arrays[1]


# -- results ---------------------------------------------------------------------------------------


def _watch(runs: Sequence[Future[_Run]], ends: Callable[[], object]) -> Future[_Run] | None:
    """Wait for all runs, for the first that fails, which is returned, or until ``ends()`` is true.

    The waiting is in turns, because signals are seen between them only.
    """
    while True:
        state = wait(runs, timeout=PERIOD, return_when=FIRST_EXCEPTION)
        failed = next((run for run in state.done if run.exception() is not None), None)
        begun = len(state.not_done) < len(runs) or any(run.running() for run in runs)
        ended = begun and ends()
        if failed is not None or ended or not state.not_done:
            return failed


def _end(runs: Sequence[Future[_Run]], stopping: threading.Event) -> list[Future[_Run]]:
    """End all runs, and return those that had begun."""
    stopping.set()
    begun = [run for run in runs if not run.cancel()]
    wait(begun)
    return begun


def _mean_history(members: Sequence[Progress | None]) -> dict[str, FloatArray]:
    """Return the mean losses of members: of one that is behind its latest, for each epoch.

    There are as many epochs as all members have finished in the mean.
    """
    begun = [member for member in members if member is not None and member.done]
    if not begun:
        return {}
    epochs = np.arange(max(1, sum(member.done for member in begun) // len(members)))
    names = [name for name in ("loss", "validation_loss") if name in begun[0].history]
    return {
        name: np.mean(
            [
                np.asarray(member.history[name], np.float64)[np.minimum(epochs, member.done - 1)]
                for member in begun
            ],
            axis=0,
        )
        for name in names
    }


def _ensemble(runs: Sequence[_Run], samples: int) -> Ensemble:
    return Ensemble(
        tuple(run.result for run in runs),
        tuple(run.held_rows for run in runs),
        _out_of_fold(runs, samples),
    )


def _out_of_fold(runs: Sequence[_Run], samples: int) -> Any:
    """Return the mean over the members that did not see a row, NaN where all did."""
    times = np.zeros((samples, 1))
    for run in runs:
        np.add.at(times, run.held_rows, 1)
    found = []
    for outputs in zip(*(run.held_outputs for run in runs), strict=True):
        total = np.zeros((samples, outputs[0].shape[1]))
        for run, output in zip(runs, outputs, strict=True):
            np.add.at(total, run.held_rows, output)
        with np.errstate(invalid="ignore"):
            found.append((total / times).astype(outputs[0].dtype))
    if not found:
        return None
    return found[0] if len(found) == 1 else tuple(found)


def _stacked(outputs: Sequence[Any]) -> Any:
    """Return the members' outputs as one array; of several heads one array for each."""
    if isinstance(outputs[0], tuple):
        return tuple(np.stack(head) for head in zip(*outputs, strict=True))
    return np.stack(outputs)


def _each_head(reduced: Callable[[Any], Any], stacked: Any) -> Any:
    if isinstance(stacked, tuple):
        return tuple(reduced(head) for head in stacked)
    return reduced(stacked)
