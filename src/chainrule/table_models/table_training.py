"""From a table to a trained model, each decision by a stated rule.

- The task is that of the target: `chainrule.data.targets` distinguishes classes and numbers.
- The networks and their training are those of a recipe (see `recipes`): of a preset, the candidates
  are trained on folds of the rows, so that every row is used for training, and the score is on the
  outputs of networks that did not see a row. With ``hidden`` it is one network of the user's own,
  and a share of the rows (20 %) is held out for the score, before anything is fitted.
- Folds and rows held out have the same share of each class.
- Targets that are numbers are scaled where the loss admits it (see `table_networks`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import (
    ClassTarget,
    NumberTarget,
    Preprocessor,
    Summary,
    Table,
    TableReading,
    TargetScaler,
    as_table,
    decide_kinds,
    decide_targets,
    holdout,
    summarize,
)
from chainrule.data.splits import fold_numbers
from chainrule.errors import DataError, InputError, InputTypeError, shown
from chainrule.kernels.backend import Backend
from chainrule.network import optimizers
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.losses import Loss
from chainrule.network.optimizers import Optimizer
from chainrule.network.penalties import L2
from chainrule.table_models.candidates import Run, Trained, TrainingData, train_candidates
from chainrule.table_models.recipes import (
    ENCODINGS,
    Candidate,
    Encoding,
    Preset,
    Recipe,
    plain,
    recipe_for,
)
from chainrule.table_models.table_model import PERCENTILES, TableModel, versions
from chainrule.table_models.table_networks import learns_scaled, network_for, refuse_unsuited
from chainrule.training.inputs import weights_of
from chainrule.training.metrics import Score, finite
from chainrule.training.schedules import EarlyStopping
from chainrule.validation import checked_integer, checked_number, checked_seed, requirement

__all__ = ["TableRun", "TableTask", "train_table"]

LEARNING_RATES = {"sgd": 0.1, "adam": 0.003, "adam_hat": 0.003, "adamw": 0.003, "rmsprop": 0.003}
"""Of a named optimizer; others have the rate of their catalogue entry."""
HELD_OUT = 0.2
FEWEST_ROWS = 4

Target = ClassTarget | NumberTarget
Folds = list[tuple[IntArray, IntArray]]


@dataclass(frozen=True)
class TableTask:
    """What is about to be trained: the data, the networks and the settings."""

    summary: Summary
    reading: TableReading | None
    """How the columns' cells are read; None for a table that was decided before."""
    preprocessor: Preprocessor
    recipe: Recipe
    networks: tuple[Network, ...]
    """One for each candidate of the recipe."""
    training_rows: int
    held_out_rows: int
    seed: int

    @property
    def network(self) -> Network:
        """The network of the first candidate."""
        return self.networks[0]


@dataclass(frozen=True)
class TableRun:
    """A finished run: the model, its losses by epoch, and its score.

    ``history`` are the losses of the first candidate, means over its members; losses of scaled
    targets are without units. ``score`` is on rows that were not used for training where
    ``scored`` is "held out" or "out of fold", else on the training rows themselves ("training").
    ``ended`` is whether the time limit, a listener or Ctrl-C ended the training.
    """

    task: TableTask
    model: TableModel
    history: dict[str, list[float]]
    score: Score
    scored: Literal["held out", "out of fold", "training"]
    seconds: float
    ended: bool

    @property
    def held_out(self) -> bool:
        """Whether the score is on rows that were not used for training."""
        return self.scored != "training"

    def __repr__(self) -> str:
        return f"<TableRun {self.model}; {self.seconds:.1f} s>"


def train_table(
    table: Any,
    targets: str | Sequence[str],
    *,
    preset: Preset = "default",
    hidden: Sequence[int] | None = None,
    activation: str | Activation | Sequence[str | Activation] | None = None,
    encoding: Encoding | None = None,
    dropout: float | None = None,
    loss: str | Loss = "auto",
    smoothing: float | None = None,
    optimizer: str | Optimizer | None = None,
    learning_rate: float | None = None,
    batch_size: int | Literal["auto"] = "auto",
    epochs: int | None = None,
    patience: int | None = None,
    folds: int | None = None,
    validation: float | None = None,
    time_limit: float | None = None,
    weights: ArrayLike | None = None,
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
    on_progress: Callable[[Run], object] | None = None,
) -> TableRun:
    """Train a model on a table: a path (CSV or Parquet), a data frame or a Table.

    ``targets`` names the columns to predict, each with or without ``:class`` or ``:number``.

    ``preset`` is "fast", "default" or "best": more networks and epochs are more accurate and take
    longer. Every part of its recipe is replaced by the argument of its name: ``encoding`` of
    numbers ("none", "piecewise", "periodic" or "both"), ``dropout`` (a probability), ``smoothing``
    of labels (0: none), ``batch_size``, ``epochs``, ``learning_rate``, ``folds`` (1: one network).
    ``hidden`` asks for a network of your own instead: dense layers of these widths, relu, no
    encoding, Adam at 0.003, 50 epochs, one fold; the other arguments apply to it too.

    ``activation`` is one name for the hidden layers or a list, which may have one more for the last
    layer. ``patience`` ends a run after so many epochs without a lower loss on the rows held out.
    ``validation`` is the share of the rows held out for the score: by default none with several
    folds, where the score is out of fold, and 0.2 with one; 0 trains on all. ``time_limit`` is in
    seconds. ``weights`` are those of the rows in the loss, (rows,); with them the last epoch is
    taken, not the best. ``l2`` is λ of ½λ‖W‖². ``categorical`` and ``numeric`` name columns whose
    kind is declared, ``columns`` declares kinds by name ("numeric", "categorical", "date", "drop");
    ``drop`` names columns to leave out, ``na`` further marks of missing, ``decimal`` the decimal
    sign. ``on_start`` is called with the task before training, ``on_progress``
    about twenty times a second; a true result of it ends the training, and the model so far is
    returned.

    Ctrl-C ends the training; the KeyboardInterrupt has the TableRun as its attribute ``result``.
    Raises DataError for a table that cannot be used, InputError for settings that are not allowed
    and for a time limit that is too short for one epoch, NonFiniteLoss if training diverges.

    >>> import polars
    >>> table = polars.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0], "y": [1.5, 3.0, 5.0, 7.0, 9.0]})
    >>> run = train_table(table, "y", hidden=(8,), validation=0, epochs=2)
    >>> print(run.model.network)
    1-8-1, relu then identity, mse, 25 parameters
    >>> run.score[0].rows, run.scored
    (5, 'training')
    """
    began = time.monotonic()
    seed = checked_seed(seed)
    read = decide_kinds(
        as_table(table), categorical, numeric, columns=columns, na=na, decimal=decimal, drop=drop
    )
    target = decide_targets(read, targets)
    recipe = _recipe(
        read, target, preset, loss, hidden=hidden, folds=folds, patience=patience, epochs=epochs,
        batch_size=batch_size, activation=activation, encoding=encoding, dropout=dropout,
        smoothing=smoothing, optimizer=optimizer, learning_rate=learning_rate,
    )  # fmt: skip
    given_weights = None if weights is None else weights_of(weights, read.n_rows, np.float64)
    deadline = None if time_limit is None else began + _seconds(time_limit)
    rows, held = _split(read, target, _share(validation, recipe), seed)
    part = read.take(rows)
    preprocessor = Preprocessor.fit(part, exclude=target.names, robust=recipe.robust)
    Y = target.encode(read)
    scored_rows = held if len(held) else rows
    one_fold = recipe.folds == 1
    table_of_runs = read if one_fold else part
    matrix = preprocessor.apply(table_of_runs).matrix
    penalty = L2(checked_number("l2", l2, "a finite number of at least 0")) if l2 else ()
    fitted = matrix[rows] if one_fold else matrix
    networks = tuple(
        network_for(target, fitted, preprocessor.numeric_features, candidate, loss, penalty)
        for candidate in recipe.candidates
    )
    if isinstance(target, NumberTarget):
        refuse_unsuited(networks[0], target, read, Y)
    scaled = learns_scaled(networks[0], target)
    of_training = Y[rows]
    data = TrainingData(
        matrix=matrix,
        targets=Y if one_fold else of_training,
        weights=None if given_weights is None else given_weights[slice(None) if one_fold else rows],
        numeric=preprocessor.numeric_features,
        target=target,
        scaler=TargetScaler.fit(of_training) if scaled else None,
        limits=_limits(of_training) if scaled and recipe.robust else None,
    )
    if threads is not None:
        checked_integer("threads", threads)
    task = TableTask(
        summary=summarize(read, target),
        reading=read.reading,
        preprocessor=preprocessor,
        recipe=recipe,
        networks=networks,
        training_rows=len(rows),
        held_out_rows=len(held),
        seed=seed,
    )
    for network in networks:
        np.empty(network.size)  # MemoryError, before anything is shown, where no memory holds it
    if on_start is not None:
        on_start(task)
    trained = train_candidates(
        list(zip(recipe.candidates, networks, strict=True)),
        data,
        _folds(recipe.folds, part, target, rows, held, seed),
        calibrate=recipe.robust and networks[0].loss.name == "log_loss",
        seed=seed,
        threads=threads,
        backend=backend,
        deadline=deadline,
        on_progress=on_progress,
    )
    model = TableModel(
        members=trained.members,
        preprocessor=preprocessor,
        target=target,
        scaler=data.scaler,
        naive=_naive(target, part),
        temperature=trained.temperature,
        limits=data.limits,
        versions=versions(),
        reading=read.reading,
    )
    run = _scored(task, model, trained, read, scored_rows)
    if trained.interrupt is not None:
        trained.interrupt.result = run  # type: ignore[attr-defined]
        raise trained.interrupt
    return run


def _scored(
    task: TableTask, model: TableModel, trained: Trained, table: Table, rows: IntArray
) -> TableRun:
    """Return the run with its score: out of fold, on rows held out, or on the training rows."""
    seen = trained.out_of_fold
    scored: Literal["held out", "out of fold", "training"]
    if task.held_out_rows or seen is None:
        scored = "held out" if task.held_out_rows else "training"
        part = table.take(rows)
        outputs: RealArray = model.outputs(model.transform(part).matrix)
    else:
        known = np.flatnonzero(~np.isnan(seen[:, 0]))
        scored, part, outputs = "out of fold", table.take(rows[known]), seen[known]
    score = model.score(outputs, part)
    deviations = None
    if scored != "training" and isinstance(model.target, NumberTarget):
        levels = np.linspace(0.0, 1.0, PERCENTILES)
        found = np.quantile(np.abs(outputs - model.target.encode(part)), levels, axis=0)
        deviations = tuple(map(tuple, found.T.tolist()))
    first = task.recipe.candidates[0]
    listed = score if isinstance(score, tuple) else (score,)
    history = trained.histories[0]
    training = {
        **first.to_dict(),
        "epochs": len(history["loss"]),
        "folds": task.recipe.folds,
        "networks": len(model.members),
        "seed": task.seed,
        "training_rows": task.training_rows,
        "held_out_rows": task.held_out_rows,
        "score": {
            "rows": scored,
            "targets": [finite(entry.to_dict()) for entry in listed],
        },
    }
    return TableRun(
        task=task,
        model=replace(model, training=training, deviations=deviations),
        history=history,
        score=score,
        scored=scored,
        seconds=trained.seconds,
        ended=trained.ended or trained.interrupt is not None,
    )


# -- rows ------------------------------------------------------------------------------------------


def _share(validation: float | None, recipe: Recipe) -> float:
    if validation is None:
        return HELD_OUT if recipe.folds == 1 else 0.0
    allowed = "a fraction from 0 (no rows held out) up to but not including 1"
    if not 0.0 <= checked_number("validation", validation, allowed) < 1.0:
        raise InputError(requirement("validation", allowed, validation, "For example, give 0.2."))
    return float(validation)


def _split(table: Table, target: Target, share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Return the positions of the rows to train on and of those to hold out."""
    if share == 0.0:
        return np.arange(table.n_rows), np.arange(0)
    codes = target.codes(table) if isinstance(target, ClassTarget) else None
    try:
        return holdout(table.n_rows, share, seed, codes)
    except InputTypeError:
        raise
    except InputError as error:
        raise DataError(f"{table.source}: {error}, or hold out no rows (validation 0)") from error


def _folds(
    folds: int, part: Table, target: Target, rows: IntArray, held: IntArray, seed: int
) -> Folds | None:
    """Return rows to train on and rows held out, for each fold; None where none are held out."""
    if folds == 1:
        return [(rows, held)] if len(held) else None
    codes = target.codes(part) if isinstance(target, ClassTarget) else None
    count = min(folds, part.n_rows)
    numbers = fold_numbers(part.n_rows, count, seed, codes)
    return [(np.flatnonzero(numbers != n), np.flatnonzero(numbers == n)) for n in range(count)]


def _naive(target: Target, part: Table) -> tuple[float, ...]:
    """Return the naive prediction: the index of the most frequent class, or the means."""
    if isinstance(target, ClassTarget):
        counts = np.bincount(target.codes(part), minlength=len(target.labels))
        return (float(counts.argmax()),)
    return TargetScaler.fit(target.encode(part)).mean


def _limits(targets: FloatArray) -> tuple[tuple[float, float], ...]:
    """Return the least and the largest value of each target, (rows, targets)."""
    return tuple(zip(targets.min(axis=0).tolist(), targets.max(axis=0).tolist(), strict=True))


# -- settings --------------------------------------------------------------------------------------


def _recipe(
    table: Table,
    target: Target,
    preset: Preset,
    loss: str | Loss,
    *,
    hidden: Sequence[int] | None,
    folds: int | None,
    **given: Any,
) -> Recipe:
    """Return the recipe of the preset or of the user's own network, with what is given replaced."""
    if hidden is None:
        smoothed = isinstance(target, ClassTarget) and loss == "auto"
        numbers = sum(
            table.series(name).dtype.is_numeric()
            for name in table.columns
            if name not in target.names
        )
        recipe = recipe_for(preset, table.n_rows, numbers, smoothed=smoothed)
    else:
        recipe = plain(table.n_rows)
        own = replace(recipe.candidates[0], hidden=_widths(hidden))
        recipe = replace(recipe, candidates=(own,))
    rate = given.pop("learning_rate")
    changes = _changes(given, rate)
    candidates = [_changed(candidate, changes, rate) for candidate in recipe.candidates]
    distinct = [c for n, c in enumerate(candidates) if c not in candidates[:n]]
    count = recipe.folds if folds is None else checked_integer("folds", folds)
    if count > 1 and table.n_rows < FEWEST_ROWS:
        raise DataError(
            f"{table.source}: {table.n_rows} rows are too few for folds: at least {FEWEST_ROWS} "
            "are needed; give more rows, or train one network on all of them (1 fold, validation 0)"
        )
    most = table.n_rows // 2 if folds is None else table.n_rows
    return replace(recipe, candidates=tuple(distinct), folds=min(count, most))


def _changed(candidate: Candidate, changes: dict[str, Any], rate: float | None) -> Candidate:
    changed = replace(candidate, **changes)
    if rate is None or "optimizer" in changes:
        return changed
    return replace(changed, optimizer=replace(changed.optimizer, learning_rate=rate))


def _changes(given: dict[str, Any], rate: float | None) -> dict[str, Any]:
    """Return the settings of a candidate that are given, checked."""
    patience, optimizer = given.pop("patience"), given.pop("optimizer")
    batch = given.pop("batch_size")
    changes = {name: value for name, value in given.items() if value is not None}
    if batch != "auto":
        changes["batch_size"] = checked_integer("batch_size", batch)
    if "epochs" in changes:
        changes["epochs"] = checked_integer("epochs", changes["epochs"])
    if changes.get("encoding", "none") not in ENCODINGS:
        allowed = "'none', 'piecewise', 'periodic' or 'both'"
        raise InputError(requirement("encoding", allowed, changes["encoding"]))
    for name in ("dropout", "smoothing"):
        allowed = "a number of at least 0 and below 1"
        if name in changes and not 0.0 <= checked_number(name, changes[name], allowed) < 1.0:
            raise InputError(requirement(name, allowed, changes[name]))
    if patience is not None:
        changes["stopping"] = EarlyStopping(checked_integer("patience", patience, 0))
    if optimizer is not None:
        changes["optimizer"] = _optimizer(optimizer, rate)
    return changes


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


def _widths(hidden: Sequence[int]) -> tuple[int, ...]:
    try:
        return tuple(hidden)
    except TypeError:
        allowed = "a list of widths, such as (64, 64)"
        raise InputTypeError(requirement("hidden", allowed, hidden)) from None


def _seconds(limit: float) -> float:
    allowed = "a positive number of seconds"
    if not checked_number("time_limit", limit, allowed) > 0.0:
        raise InputError(requirement("time_limit", allowed, limit))
    return float(limit)
