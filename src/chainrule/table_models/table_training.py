"""From a table to a trained model, each decision by a stated rule.

- The task is that of the target: `chainrule.data.targets` distinguishes classes and numbers.
- A share of the rows (20 %) is held out before anything is fitted, stratified by class.
- Inputs are standardized; so are targets that are numbers, inside the model, where the loss
  admits it (see `table_networks`, which also chooses the loss and the last layer).
- One hidden layer of 64 rectifiers, Adam at 0.003, 50 epochs, at least 200 steps in each if there
  are enough rows: good results on small tables, and a starting point for large ones.

The parameters are those after the last epoch. The score is on rows that were not used for training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from chainrule.arrays import FloatArray, IntArray
from chainrule.data import (
    ClassTarget,
    NumberTarget,
    Preprocessor,
    Summary,
    Table,
    TargetScaler,
    as_table,
    decide_kinds,
    decide_targets,
    holdout,
    summarize,
)
from chainrule.errors import DataError, InputError, InputTypeError, shown
from chainrule.kernels.backend import Backend
from chainrule.network import optimizers
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.losses import Loss
from chainrule.network.optimizers import Optimizer
from chainrule.network.penalties import L2
from chainrule.table_models.table_model import TableModel, versions
from chainrule.table_models.table_networks import learns_scaled, network_for, refuse_unsuited
from chainrule.training.loop import Epoch, Progress, train
from chainrule.training.metrics import Score, finite
from chainrule.validation import checked_integer, checked_number, checked_seed, requirement

__all__ = ["TableRun", "TableTask", "train_table"]

LEARNING_RATES = {"sgd": 0.1, "adam": 0.003, "adam_hat": 0.003, "adamw": 0.003, "rmsprop": 0.003}
"""For standardized inputs; other optimizers have the rate of their catalogue entry."""
SMALLEST_BATCH, LARGEST_BATCH, STEPS = 32, 200, 200


@dataclass(frozen=True)
class TableTask:
    """What is about to be trained: the data, the model and the settings."""

    summary: Summary
    model: TableModel
    """With its initial parameters; training replaces them."""
    training_rows: int
    held_out_rows: int
    optimizer: Optimizer
    batch_size: int
    epochs: int
    seed: int

    @property
    def network(self) -> Network:
        """The network that is to be trained."""
        return self.model.network


@dataclass(frozen=True)
class TableRun:
    """A finished run: the model, its losses by epoch, and its score.

    ``history`` is that of `loop.Result`; losses of scaled targets are without units. ``score`` is
    on the rows held out where ``held_out`` is true, else on the training rows themselves.
    """

    task: TableTask
    model: TableModel
    history: dict[str, list[float]]
    score: Score
    held_out: bool
    seconds: float


def train_table(
    table: Any,
    targets: str | Sequence[str],
    *,
    hidden: Sequence[int] = (64,),
    activation: str | Activation | Sequence[str | Activation] = "relu",
    loss: str | Loss = "auto",
    optimizer: str | Optimizer = "adam",
    learning_rate: float | None = None,
    batch_size: int | Literal["auto"] = "auto",
    epochs: int = 50,
    validation: float = 0.2,
    seed: int = 0,
    l2: float = 0.0,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    na: Sequence[str] = (),
    decimal: str | None = None,
    drop: Sequence[str] = (),
    threads: int | None = None,
    backend: Backend = "auto",
    on_start: Callable[[TableTask], None] | None = None,
    on_epoch: Callable[[Epoch], bool | None] | None = None,
    on_progress: Callable[[Progress], bool | None] | None = None,
) -> TableRun:
    """Train a network on a table: a path (CSV or Parquet), a data frame or a Table.

    ``targets`` names the columns to predict, each with or without ``:class`` or ``:number``.
    ``hidden`` are the widths of the hidden layers, ``activation`` one name for all of them or a
    list, which may have one more for the last layer. ``learning_rate`` is by default 0.003, with
    sgd 0.1. ``batch_size="auto"`` is a 200th of the training rows, at least 32 and at most 200.
    ``validation`` is the share of the rows held out; 0 trains on all of them. ``l2`` is λ of
    ½λ‖W‖². ``categorical`` and ``numeric`` name columns whose kind is declared, ``columns``
    declares kinds by name ("numeric", "categorical", "date", "drop"); ``drop`` names columns to
    leave out, ``na`` further marks of missing, ``decimal`` the decimal sign. ``on_start`` is
    called with the task before training, ``on_epoch`` after each epoch, ``on_progress`` with the
    epochs finished so far, at most twenty times a second; a true result of the last two ends the
    run.

    Raises DataError for a table that cannot be used, InputError for settings that are not allowed,
    NonFiniteLoss if training diverges.

    >>> import polars
    >>> table = polars.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0], "y": [1.5, 3.0, 5.0, 7.0, 9.0]})
    >>> run = train_table(table, "y", hidden=(8,), validation=0, epochs=2)
    >>> print(run.model.network)
    1-8-1, relu then identity, mse, 25 parameters
    >>> run.score[0].rows, run.held_out
    (5, False)
    """
    seed = checked_seed(seed)
    read = decide_kinds(
        as_table(table), categorical, numeric, columns=columns, na=na, decimal=decimal, drop=drop
    )
    target = decide_targets(read, targets)
    rows, held = _split(read, target, validation, seed)
    part = read.take(rows)
    preprocessor = Preprocessor.fit(part, exclude=target.names)
    penalty = L2(checked_number("l2", l2, "a finite number of at least 0")) if l2 else ()
    network = network_for(
        target, preprocessor.n_features, _widths(hidden), activation, loss, penalty
    )
    Y = target.encode(read)
    if isinstance(target, NumberTarget):
        refuse_unsuited(network, target, read, Y)
    scaler = TargetScaler.fit(Y[rows]) if learns_scaled(network, target) else None
    chosen = _optimizer(optimizer, learning_rate)
    if threads is not None:
        checked_integer("threads", threads)
    size = _batch_size(batch_size, len(rows))
    task = TableTask(
        summary=summarize(read, target),
        model=TableModel(
            network=network,
            parameters=network.initialize(seed),
            preprocessor=preprocessor,
            target=target,
            scaler=scaler,
            naive=_naive(target, part),
            training={
                "optimizer": {"name": chosen.name, **chosen.settings()},
                "batch_size": size,
                "epochs": checked_integer("epochs", epochs),
                "validation": float(validation),
                "seed": seed,
                "training_rows": len(rows),
                "held_out_rows": len(held),
            },
            versions=versions(),
            reading=read.reading,
        ),
        training_rows=len(rows),
        held_out_rows=len(held),
        optimizer=chosen,
        batch_size=size,
        epochs=epochs,
        seed=seed,
    )
    if on_start is not None:
        on_start(task)
    return _run(
        task,
        read,
        rows,
        held,
        threads=threads,
        backend=backend,
        on_epoch=on_epoch,
        on_progress=on_progress,
    )


def _run(
    task: TableTask,
    table: Table,
    rows: IntArray,
    held: IntArray,
    *,
    threads: int | None,
    backend: Backend,
    on_epoch: Callable[[Epoch], bool | None] | None,
    on_progress: Callable[[Progress], bool | None] | None,
) -> TableRun:
    model = task.model
    X, Y = _matrices(model, table.take(rows))
    started = time.perf_counter()
    result = train(
        task.network,
        X,
        Y,
        parameters=model.parameters,
        optimizer=task.optimizer,
        batch_size=task.batch_size,
        epochs=task.epochs,
        seed=task.seed,
        validation=_matrices(model, table.take(held)) if len(held) else None,
        threads=threads,
        backend=backend,
        on_epoch=on_epoch,
        on_progress=on_progress,
    )
    seconds = time.perf_counter() - started
    trained = replace(model, parameters=result.parameters)
    score = trained.evaluate(table.take(held if len(held) else rows))
    listed = score if isinstance(score, tuple) else (score,)
    training = {
        **model.training,
        "epochs": len(result.history["loss"]),
        "score": {
            "rows": "held out" if len(held) else "training",
            "targets": [finite(entry.to_dict()) for entry in listed],
        },
    }
    return TableRun(
        task=task,
        model=replace(trained, training=training),
        history=result.history,
        score=score,
        held_out=bool(len(held)),
        seconds=seconds,
    )


def _matrices(model: TableModel, table: Table) -> tuple[FloatArray, FloatArray]:
    """Return the inputs, (rows, features), and the targets of the network, (rows, outputs)."""
    Y = model.target.encode(table)
    return model.transform(table).matrix, Y if model.scaler is None else model.scaler.transform(Y)


# -- rows ------------------------------------------------------------------------------------------


def _split(
    table: Table, target: ClassTarget | NumberTarget, validation: float, seed: int
) -> tuple[IntArray, IntArray]:
    """Return the positions of the rows to train on and of those to hold out."""
    allowed = "a fraction from 0 (no rows held out) up to but not including 1"
    if not 0.0 <= checked_number("validation", validation, allowed) < 1.0:
        raise InputError(requirement("validation", allowed, validation, "For example, give 0.2."))
    if validation == 0.0:
        return np.arange(table.n_rows), np.arange(0)
    codes = target.codes(table) if isinstance(target, ClassTarget) else None
    try:
        return holdout(table.n_rows, validation, seed, codes)
    except InputTypeError:
        raise
    except InputError as error:
        raise DataError(f"{table.source}: {error}, or hold out no rows (validation 0)") from error


def _naive(target: ClassTarget | NumberTarget, part: Table) -> tuple[float, ...]:
    """Return the naive prediction: the index of the most frequent class, or the means."""
    if isinstance(target, ClassTarget):
        counts = np.bincount(target.codes(part), minlength=len(target.labels))
        return (float(counts.argmax()),)
    return TargetScaler.fit(target.encode(part)).mean


# -- settings --------------------------------------------------------------------------------------


def _optimizer(given: str | Optimizer, learning_rate: float | None) -> Optimizer:
    if isinstance(given, Optimizer):
        if learning_rate is not None:
            raise InputError(
                "`learning_rate` must be None beside an optimizer that has its own, "
                f"{shown(given.learning_rate)}, got {shown(learning_rate)}. Leave one of them out."
            )
        return given
    rate = LEARNING_RATES.get(given) if learning_rate is None else learning_rate
    return optimizers.find(given) if rate is None else optimizers.find(given, learning_rate=rate)


def _batch_size(given: int | Literal["auto"], rows: int) -> int:
    if given == "auto":
        return min(LARGEST_BATCH, max(SMALLEST_BATCH, rows // STEPS))
    return checked_integer("batch_size", given)


def _widths(hidden: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(hidden)
    except TypeError:
        allowed = "a list of widths, such as (64, 64)"
        raise InputTypeError(requirement("hidden", allowed, hidden)) from None
