"""From a table to a trained model, each decision by a stated rule.

- The task is that of the target: `chainrule.data.targets` distinguishes classes and numbers.
- The networks and their training are those of a recipe (see `recipes`): of a preset, the candidates
  are trained on folds of the rows, so that every row is used for training, and the score is on the
  outputs of networks that did not see a row. With ``hidden`` it is one network of the user's own,
  and a share of the rows (20 %) is held out for the score, before anything is fitted.
- Folds and rows held out are those of `row_division`: random, by groups or by time.
- Targets that are numbers are scaled where the loss admits it (see `table_networks`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import (
    ClassTarget,
    NumberTarget,
    Preprocessor,
    Table,
    TargetScaler,
    as_table,
    decide_targets,
    summarize,
)
from chainrule.errors import DataError, InputError, InputTypeError
from chainrule.kernels.backend import Backend
from chainrule.network.activations import Activation
from chainrule.network.losses import Loss
from chainrule.network.optimizers import Optimizer
from chainrule.network.penalties import L2
from chainrule.table_models.candidates import Run, Trained, train_candidates
from chainrule.table_models.objectives import Objective
from chainrule.table_models.recipe_settings import RecipeSettings
from chainrule.table_models.recipes import Encoding, Preset, Recipe
from chainrule.table_models.row_division import Fold, RowDivision
from chainrule.table_models.row_roles import RowRoles
from chainrule.table_models.run_rows import RunRows, placed
from chainrule.table_models.table_model import PERCENTILES, TableModel, versions
from chainrule.table_models.table_networks import learns_scaled, network_for, refuse_unsuited
from chainrule.table_models.table_run import TableRun, TableTask
from chainrule.table_models.training_data import TrainingData
from chainrule.training.epoch_bar import epochs_shown
from chainrule.training.metrics import finite
from chainrule.validation import checked_integer, checked_number, checked_seed, requirement

__all__ = ["train_table"]

HELD_OUT = 0.2
FEWEST_ROWS = 4

Target = ClassTarget | NumberTarget


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
    trials: int | None = None,
    validation: float | None = None,
    metric: str | None = None,
    group: str | ArrayLike | None = None,
    time: str | ArrayLike | None = None,
    weights: str | ArrayLike | None = None,
    class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
    time_limit: float | None = None,
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
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    verbose: bool | int | Literal["bar"] = False,
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

    ``trials`` searches so many settings of width, activation, encoding, dropout, learning rate,
    weight decay and batch, the preset's first, at random by the seed; what is given is not
    searched. All are trained on the same folds, and ``trials`` of the run has them, best first; the
    model is a mean of the best five at most.

    ``activation`` is one name for the hidden layers or a list, which may have one more for the last
    layer. ``patience`` ends a run after so many epochs without a lower loss on the rows held out.
    ``validation`` is the share of the rows held out for the score: by default none with several
    folds, where the score is out of fold, and 0.2 with one or with ``time``; 0 trains on all.
    ``metric`` decides the best epoch and the weights of networks instead of the loss: a name of
    `evaluate`'s metrics. Rows of one ``group`` are never both trained on and held out; ``time``
    holds out the latest rows; each names a column, or is an array with one entry per row, as are
    ``weights``, those of the rows in the loss and the score of the best epoch. The columns of group
    and weights are no inputs. ``class_weight`` multiplies the weights: "balanced", or a mapping
    from labels. ``time_limit`` is in seconds: epochs are planned to fit. ``l2`` is λ of ½λ‖W‖².
    ``categorical`` and ``numeric`` name columns whose kind is declared, ``columns`` declares kinds
    by name ("numeric", "categorical", "date", "drop"); ``drop`` names columns to leave out, ``na``
    further marks of missing, ``decimal`` the decimal sign. ``checkpoint`` is a folder for the
    states of all networks after every ``checkpoint_every`` epochs, from which ``resume`` continues,
    as in `train`. ``verbose`` prints the mean losses of the networks in training by epoch, as that
    of `train` does. ``on_start`` is called with the task before training, ``on_progress`` about
    twenty times a second; a true result of it ends the training, and the model so far is returned.

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
    began = monotonic()
    seed = checked_seed(seed)
    epochs_shown(verbose)
    settings = RecipeSettings(
        preset, hidden, activation, encoding, dropout, smoothing, optimizer, learning_rate,
        batch_size, epochs, patience, folds, trials,
    )  # fmt: skip
    given = as_table(table)
    roles = RowRoles(group, time, weights)
    read = roles.read(
        given,
        targets,
        drop,
        categorical=categorical,
        numeric=numeric,
        columns=columns,
        na=na,
        decimal=decimal,
    )
    target = decide_targets(read, targets)
    objective = Objective.of(target, metric)
    recipe = settings.recipe(
        read.n_rows,
        _numeric(read, target),
        classes=isinstance(target, ClassTarget),
        smoothed=objective.smooths and loss == "auto",
        seed=seed,
    )
    if recipe.folds > 1 and read.n_rows < FEWEST_ROWS:
        raise DataError(
            f"{read.source}: {read.n_rows} rows are too few for folds: at least {FEWEST_ROWS} "
            "are needed; give more rows, or train one network on all of them (1 fold, validation 0)"
        )
    given_weights = roles.weights_of(given, read, target, class_weight)
    division = roles.division(given, read, target, columns)
    del given  # of a large table the text of its cells is larger than its file
    deadline = None if time_limit is None else began + _seconds(time_limit)
    if deadline is not None and checkpoint is not None:
        raise InputError(
            "`time_limit` must be None beside `checkpoint`: how many epochs fit into a time is "
            "never the same, so that a run could not continue. Leave one of them out."
        )
    rows, held = _split(division, _share(validation, recipe, division), seed, read.source)
    divided = division.part(rows)
    if recipe.folds > 1:
        recipe = replace(recipe, folds=_possible(recipe.folds, divided, chosen=folds is not None))
    training = rows if len(held) else None
    preprocessor = Preprocessor.fit(read, target.names, rows=training, robust=recipe.robust)
    Y = target.encode(read)
    scored_rows = held if len(held) else rows
    one_fold = recipe.folds == 1
    matrix = preprocessor.apply(read if one_fold or training is None else read.take(rows)).matrix
    penalty = L2(checked_number("l2", l2, "a finite number of at least 0")) if l2 else ()
    encoded = any(candidate.encoding != "none" for candidate in recipe.candidates)
    fitted = matrix[rows] if one_fold and encoded else matrix
    networks = tuple(
        network_for(target, fitted, preprocessor.numeric_features, candidate, loss, penalty)
        for candidate in recipe.candidates
    )
    if isinstance(target, NumberTarget):
        refuse_unsuited(networks[0], target, read, Y)
    scaled = learns_scaled(networks[0], target)
    of_training = Y[rows]
    del fitted
    data = TrainingData(
        matrix=matrix.astype(_precision(recipe), copy=False),
        targets=Y if one_fold else of_training,
        weights=None if given_weights is None else given_weights[slice(None) if one_fold else rows],
        numeric=preprocessor.numeric_features,
        objective=objective,
        scaler=TargetScaler.fit(of_training) if scaled else None,
        limits=_limits(of_training) if scaled and recipe.robust else None,
    )
    del matrix
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
        divided=division.rule,
        objective=objective,
        seed=seed,
    )
    parts: list[Fold] | None = [(rows, held)] if len(held) else None
    if recipe.folds > 1:
        parts = divided.folds(recipe.folds, seed)
    for network in networks:
        np.empty(network.size)  # MemoryError, before anything is shown, where no memory holds it
    if on_start is not None:
        on_start(task)
    trained = train_candidates(
        list(zip(recipe.candidates, networks, strict=True)),
        data,
        parts,
        calibrate=recipe.robust and networks[0].loss.name == "log_loss",
        seed=seed,
        threads=threads,
        backend=backend,
        deadline=deadline,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        checkpoint_every=checkpoint_every,
        resume=resume,
        verbose=verbose,
        on_progress=on_progress,
    )
    model = TableModel(
        members=trained.members,
        preprocessor=preprocessor,
        target=target,
        scaler=data.scaler,
        naive=_naive(target, of_training),
        temperature=trained.temperature,
        limits=data.limits,
        versions=versions(),
        reading=read.reading,
    )
    run = _scored(task, model, trained, read, scored_rows)
    assert run.rows is not None
    known = replace(
        run.rows,
        training=rows,
        folds=((rows, held),) if len(held) else placed(rows, parts or ()),
        groups=division.groups,
        weights=given_weights,
    )
    run = replace(run, rows=known)
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
        chosen, part = rows, table.take(rows)
        outputs: RealArray = model.outputs(model.transform(part).matrix)
    else:
        known = np.flatnonzero(~np.isnan(seen[:, 0]))
        chosen, scored, outputs = rows[known], "out of fold", seen[known]
        part = table.take(chosen)
    score, Y = model.score(outputs, part), model.target.encode(part)
    objective = task.objective
    deviations = None
    if scored != "training" and isinstance(model.target, NumberTarget):
        levels = np.linspace(0.0, 1.0, PERCENTILES)
        found = np.quantile(np.abs(outputs - Y), levels, axis=0)
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
        metric=None if objective.metric is None else objective.value(outputs, Y),
        trials=tuple(sorted(trained.trials, key=lambda trial: trial.error or 0.0)),
        seconds=trained.seconds,
        ended=trained.ended or trained.interrupt is not None,
        member_histories=trained.member_histories,
        rows=RunRows(table, rows, chosen, outputs),
    )


# -- rows ------------------------------------------------------------------------------------------


def _share(validation: float | None, recipe: Recipe, division: RowDivision) -> float:
    if validation is None:
        return HELD_OUT if recipe.folds == 1 or division.rule == "time" else 0.0
    allowed = "a fraction from 0 (no rows held out) up to but not including 1"
    if not 0.0 <= checked_number("validation", validation, allowed) < 1.0:
        raise InputError(requirement("validation", allowed, validation, "For example, give 0.2."))
    return float(validation)


def _split(division: RowDivision, share: float, seed: int, source: str) -> Fold:
    """Return the positions of the rows to train on and of those to hold out."""
    if share == 0.0:
        return np.arange(division.rows), np.arange(0)
    try:
        return division.held_out(share, seed)
    except (InputTypeError, DataError):
        raise
    except InputError as error:
        raise DataError(f"{source}: {error}, or hold out no rows (validation 0)") from error


def _possible(folds: int, division: RowDivision, *, chosen: bool) -> int:
    """Return the folds that the rows admit, of which a number not ``chosen`` has two rows each."""
    if chosen:
        return checked_integer("folds", folds, 1, division.rows)
    return max(2, min(folds, division.rows // 2, division.most_folds))


def _precision(recipe: Recipe) -> Literal["float32", "float64"]:
    """Return the type in which features are stored: the smallest in which all networks learn."""
    wide = any(candidate.precision == "float64" for candidate in recipe.candidates)
    return "float64" if wide else "float32"


def _numeric(table: Table, target: Target) -> int:
    """Return how many columns of a table beside the target are numbers."""
    names = (name for name in table.columns if name not in target.names)
    return sum(table.series(name).dtype.is_numeric() for name in names)


def _naive(target: Target, targets: FloatArray) -> tuple[float, ...]:
    """Return the naive prediction: the index of the most frequent class, or the means.

    ``targets`` are those of the training rows as numbers, (rows, outputs).
    """
    if not isinstance(target, ClassTarget):
        return TargetScaler.fit(targets).mean
    if targets.shape[1] == 1:
        return (float(targets.mean() > 0.5),)
    return (float(targets.sum(axis=0).argmax()),)


def _limits(targets: FloatArray) -> tuple[tuple[float, float], ...]:
    """Return the least and the largest value of each target, (rows, targets)."""
    return tuple(zip(targets.min(axis=0).tolist(), targets.max(axis=0).tolist(), strict=True))


def _seconds(limit: float) -> float:
    allowed = "a positive number of seconds"
    if not checked_number("time_limit", limit, allowed) > 0.0:
        raise InputError(requirement("time_limit", allowed, limit))
    return float(limit)
