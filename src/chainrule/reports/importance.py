"""What the columns are worth: permutation importance, and the outputs along one column.

Importance: the cells of a column are exchanged between rows that the networks have not seen, and
the error that is added is measured; what the column knows alone is lost, what other columns know
too is not. Source: Breiman 2001, "Random forests", section 10. Both take a sample of the rows and
end at a time limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import ClassTarget, NumericColumn
from chainrule.reports.subject import Subject
from chainrule.table_models.table_model import TableModel
from chainrule.training.metrics import METRICS

__all__ = ["Dependence", "Importance", "measure_dependence", "measure_importance", "unseen_outputs"]

MOST_ROWS = 500
MOST_REPEATS = 5
_DEPENDENCE_ROWS = 100
_POINTS = 20
_MOST_CATEGORIES = 12


@dataclass(frozen=True)
class Importance:
    """The error that exchanging each column adds, with its deviation over the repeats.

    ``metric`` is log_loss for classes and rmse for numbers, of several targets in their deviations.
    The columns are those that were measured in time, of ``columns`` in all.
    """

    metric: str
    names: tuple[str, ...]
    added: FloatArray
    deviations: FloatArray
    rows: int
    repeats: int
    columns: int


@dataclass(frozen=True)
class Dependence:
    """The mean output over rows where one column is set to each value of ``at``.

    ``at`` are numbers, or the categories; ``means`` is (values, outputs): of classes the
    probabilities of all.
    """

    name: str
    at: tuple[float, ...] | tuple[str, ...]
    means: FloatArray


def unseen_outputs(subject: Subject, rows: IntArray, matrix: FloatArray) -> RealArray:
    """Return outputs for changed inputs of rows of the score, by networks that saw none of them.

    ``rows`` are positions in the table's rows of the score, (n,), ``matrix`` their inputs,
    (n, features). Where every network is allowed, or has seen the rows, it is all of them.
    """
    assert subject.rows is not None
    folds = subject.rows.folds
    if subject.scored != "out of fold" or len(subject.model.members) % len(folds):
        return subject.model.outputs(matrix)
    positions = subject.rows.scored[rows]
    found = np.full((len(rows), subject.model.target.n_outputs), np.nan)
    for number, (_, held) in enumerate(folds):
        of_fold = np.isin(positions, held)
        if of_fold.any():
            found[of_fold] = _of_fold(subject.model, number, len(folds)).outputs(matrix[of_fold])
    return found


def _of_fold(model: TableModel, number: int, folds: int) -> TableModel:
    """Return the model of the networks that were trained without a fold: every ``folds``th."""
    members = tuple(
        replace(member, weight=member.weight * folds) for member in model.members[number::folds]
    )
    return replace(model, members=members)


def measure_importance(subject: Subject, seconds: float) -> Importance:
    """Return the importance of each column, measured within about so many seconds."""
    assert subject.rows is not None
    generator = np.random.default_rng(0)
    count = len(subject.rows.scored)
    rows = np.sort(generator.permutation(count)[:MOST_ROWS])
    matrix = subject.matrix[subject.rows.scored[rows]]
    ends = time.perf_counter() + seconds
    base = _error(subject, rows, unseen_outputs(subject, rows, matrix))
    spans = dict(feature_spans(subject.model))
    added: dict[str, list[float]] = {}
    for repeat in range(MOST_REPEATS):
        for name, span in spans.items():
            if time.perf_counter() > ends:
                break
            if repeat and name not in added:
                continue
            changed = matrix.copy()
            changed[:, span] = matrix[generator.permutation(len(rows))][:, span]
            error = _error(subject, rows, unseen_outputs(subject, rows, changed))
            added.setdefault(name, []).append(error - base)
    return Importance(
        metric="log_loss" if subject.model.classes is not None else "rmse",
        names=tuple(added),
        added=np.array([np.mean(values) for values in added.values()]),
        deviations=np.array([np.std(values) for values in added.values()]),
        rows=len(rows),
        repeats=min(map(len, added.values()), default=0),
        columns=len(spans),
    )


def measure_dependence(subject: Subject, name: str) -> Dependence:
    """Return the mean output along one column, over a sample of the rows of the score."""
    assert subject.rows is not None
    model = subject.model
    column = next(each for each in model.preprocessor.columns if each.name == name)
    span = dict(feature_spans(model))[name]
    chosen = np.random.default_rng(1).permutation(subject.rows.scored)[:_DEPENDENCE_ROWS]
    at: tuple[float, ...] | tuple[str, ...]
    if isinstance(column, NumericColumn):
        cells = subject.rows.table.series(name).drop_nulls().to_numpy().astype(np.float64)
        levels = np.quantile(cells, np.linspace(0.02, 0.98, _POINTS)) if len(cells) else []
        values = np.unique(levels)
        at = tuple(values.tolist())
        features = np.zeros((len(values), span.stop - span.start))
        features[:, 0] = column.scaled(values)
    else:
        listed = column.categories[:_MOST_CATEGORIES]
        at = tuple("∅" if category is None else category for category in listed)
        features = np.eye(len(column.categories))[: len(listed)]
    matrix = np.repeat(subject.matrix[chosen][np.newaxis], len(at), axis=0)
    matrix[:, :, span] = features[:, np.newaxis, :]
    outputs = model.outputs(matrix.reshape(-1, matrix.shape[-1]))
    if model.classes is not None:
        outputs = model.class_probabilities(outputs)
    means = outputs.reshape(len(at), len(chosen), -1).mean(axis=1)
    return Dependence(name, at, np.asarray(means, np.float64))


def feature_spans(model: TableModel) -> Iterator[tuple[str, slice]]:
    """Yield each column with its features' positions in the networks' inputs."""
    start = 0
    for column in model.preprocessor.columns:
        end = start + len(column.feature_names)
        yield column.name, slice(start, end)
        start = end


def _error(subject: Subject, rows: IntArray, outputs: RealArray) -> float:
    """Return the log-loss, or the root mean squared error, on rows of the score."""
    model = subject.model
    if isinstance(model.target, ClassTarget):
        return METRICS["log_loss"](subject.codes[rows], model.class_probabilities(outputs))
    actual = subject.actual[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.sqrt(((outputs - actual) ** 2).mean(axis=0))
        if actual.shape[1] > 1:
            errors = errors / np.maximum(subject.actual.std(axis=0), 1e-300)
        return float(errors.mean())
