"""How good a model is on a table that has the target: metrics, their uncertainty, the errors.

Every metric has a percentile bootstrap interval: the rows are drawn again with replacement, as many
as there are, the metric is computed on each such resample, and the interval reaches from the 2.5th
to the 97.5th percentile of these values. The AUC of more than two classes, which takes longer, has
the first 200 of the resamples. Where a metric is undefined on the rows, it has no interval; nor has
the calibration error, which resampling makes larger: a bin's mean label differs from its mean
probability the more, the fewer different rows it has. The interval is the uncertainty of a finite
number of rows, not that of another training run. Rows that belong together (several of one patient)
are not independent: name their column in ``group``, and whole groups are drawn.

Beside each metric is that of the naive prediction, which ignores the inputs. Numbers: the mean of
the training rows. Classes: the most frequent class in training; where a metric depends on the
probabilities, the shares of the classes in the rows evaluated, the best constant probabilities.
These have no calibration error by definition, so that it has no naive value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.arrays import Array, FloatArray, IntArray, RealArray
from chainrule.data import ClassTarget, NumberTarget, Table, as_table
from chainrule.errors import DataError, InputError, InputTypeError, nearest, shown
from chainrule.table_models.bootstrap import Resamples, interval
from chainrule.table_models.evaluation_text import naive_rule, written
from chainrule.table_models.row_roles import group_codes
from chainrule.table_models.table_model import TableModel
from chainrule.training.metrics import METRICS, Metric, Task, find_metric, finite
from chainrule.validation import checked_integer, checked_seed, requirement

__all__ = ["ClassDetail", "Estimate", "Evaluation", "evaluate", "evaluate_outputs"]

MOST_AUC_RESAMPLES = 200
"""Of more than two classes: each class needs sorted sums of its own, 0.6 ms for 20,000 rows."""

_WITHOUT_INTERVAL = ("calibration_error",)


@dataclass(frozen=True)
class Estimate:
    """A metric's value on the rows with its 95 % interval, and the value of the naive prediction.

    A number is None where it is undefined: `Metric` states when. ``target`` is the column,
    ``resamples`` how many the interval is from, 0 without one.
    """

    metric: str
    target: str
    value: float | None
    low: float | None
    high: float | None
    naive: float | None
    resamples: int


@dataclass(frozen=True)
class ClassDetail:
    """A class: its rows, and how often it is right where it is predicted and where it is actual.

    precision = TP / (TP + FP), None if the class is never predicted; recall = TP / (TP + FN), None
    if it has no rows; f1 = 2 TP / (2 TP + FP + FN), None if both.
    """

    label: str | int | float
    rows: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`: estimates, and for classes the details and the confusion matrix.

    ``confusion[i][j]`` counts the rows of class i that are predicted as class j, in the order of
    ``classes``; both are empty for numbers. ``unknown`` counts the cells by column whose category
    the training rows did not have, ``filled`` the missing numbers, and ``missing`` the missing
    texts of columns that had none in training.
    """

    source: str
    rows: int
    task: Task
    estimates: tuple[Estimate, ...]
    resamples: int
    seed: int
    group: str | None
    naive_label: str | int | float | None
    """The class that the naive prediction always gives, None for numbers."""
    classes: tuple[ClassDetail, ...]
    confusion: tuple[tuple[int, ...], ...]
    filled: Mapping[str, int]
    unknown: Mapping[str, int]
    missing: Mapping[str, int]

    def __getitem__(self, metric: str) -> Estimate:
        """Return the estimate of a metric of a model with one target."""
        found = [estimate for estimate in self.estimates if estimate.metric == metric]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(dict.fromkeys(shown(estimate.metric) for estimate in self.estimates))
        hint = "There are several targets: look through `estimates`." if found else ""
        raise InputError(requirement("metric", f"one of {listed}", metric, hint))

    def __repr__(self) -> str:
        first = self.estimates[0]
        value = "undefined" if first.value is None else f"{first.value:.4g}"
        return f"Evaluation({self.source}, {self.rows:,} rows, {first.metric} {value})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, language: str = "en") -> list[str]:
        """Return all of it as lines of at most 80 columns; more than 12 classes are folded."""
        return written(self, language)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values for JSON."""
        names = dict.fromkeys(estimate.metric for estimate in self.estimates)
        record = {
            "source": self.source,
            "rows": self.rows,
            "task": self.task,
            "metrics": [vars(estimate) for estimate in self.estimates],
            "larger_is_better": {name: METRICS[name].larger_is_better for name in names},
            "interval": {
                "level": 0.95,
                "method": "percentile bootstrap",
                "resamples": self.resamples,
                "seed": self.seed,
                "group": self.group,
            },
            "naive": naive_rule(self, "en"),
            "classes": [vars(detail) for detail in self.classes],
            "confusion": [list(counts) for counts in self.confusion],
            "filled": dict(self.filled),
            "unknown": dict(self.unknown),
            "missing": dict(self.missing),
        }
        plain: dict[str, Any] = finite(record)
        return plain


def evaluate(
    model: TableModel,
    table: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    group: str | None = None,
) -> Evaluation:
    """Evaluate a model on a table with its target: a path (CSV, Parquet), a data frame or a Table.

    ``metrics`` are names of `METRICS`, by default all of the model's task. ``resamples`` are those
    of the bootstrap, 0 for no intervals; an interval depends on the seed, not on which other
    metrics are asked for. ``group`` names a column: rows that are equal in it
    are drawn together.

    Raises DataError for a table without the target or with other classes, InputError for an unknown
    metric or one of the other task.

    >>> import polars
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0], "sold": [0, 0, 1, 1]})
    >>> model = train_table(table, "sold", hidden=(4,), validation=0).model
    >>> found = evaluate(model, table, ["accuracy", "log_loss"], resamples=100)
    >>> found["accuracy"].value, found["accuracy"].naive, found.confusion
    (1.0, 0.5, ((2, 0), (0, 2)))
    """
    checked_integer("resamples", resamples, 0)
    seed = checked_seed(seed)
    chosen = _chosen(metrics, model.task)
    whole = as_table(table)
    _refuse_missing_targets(whole, model.target.names)
    drawn_together = None if group is None else group_codes(whole, group)
    given = model.read(whole, targets=True)
    transformed = model.transform(given)
    samples = Resamples(given.n_rows, resamples, seed, drawn_together)
    found = evaluate_outputs(model, model.outputs(transformed.matrix), given, chosen, samples)
    return replace(
        found,
        group=group,
        filled=dict(transformed.filled),
        unknown=dict(transformed.unknown),
        missing=dict(transformed.missing),
    )


def evaluate_outputs(
    model: TableModel,
    outputs: RealArray,
    given: Table,
    metrics: Sequence[Metric],
    samples: Resamples,
) -> Evaluation:
    """Evaluate outputs of a model, (rows, outputs), on a table as the model reads it.

    They may be those of a part of its networks: of the ones that did not see a row.
    """
    cases = list(_cases(model, outputs, given))
    confusion = np.zeros((0, 0), dtype=np.int64)
    if isinstance(model.target, ClassTarget):
        confusion = _confusion(cases[0].actual, cases[0].predicted)
    return Evaluation(
        source=given.source,
        rows=given.n_rows,
        task=model.task,
        estimates=tuple(
            estimate for case in cases for estimate in _estimates(case, metrics, samples)
        ),
        resamples=samples.number,
        seed=samples.seed,
        group=None,
        naive_label=None if model.classes is None else model.classes[int(model.naive[0])],
        classes=tuple(_details(model.classes or (), confusion)),
        confusion=tuple(tuple(counts) for counts in confusion.tolist()),
        filled={},
        unknown={},
        missing={},
    )


# -- what is compared ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """One target: its actual values, (rows,), what is predicted, and the naive predictions."""

    target: str
    actual: Array
    predicted: FloatArray
    naive: Mapping[str, FloatArray]
    """By what a metric uses: `Metric.uses`."""


def _cases(model: TableModel, outputs: Array, table: Table) -> Iterator[_Case]:
    target = model.target
    if isinstance(target, NumberTarget):
        actual = target.encode(table)
        for column, name in enumerate(target.names):
            constant = np.full(table.n_rows, model.naive[column])
            predicted = np.asarray(outputs[:, column], dtype=np.float64)
            yield _Case(name, actual[:, column], predicted, {"numbers": constant})
        return
    codes = target.codes(table)
    predicted = np.asarray(model.class_probabilities(outputs), dtype=np.float64)
    classes = predicted.shape[1]
    most_frequent = np.eye(classes)[int(model.naive[0])]
    shares = np.bincount(codes, minlength=classes) / len(codes)
    naive = {"answers": most_frequent, "probabilities": shares}
    constant_rows = {use: np.tile(one, (len(codes), 1)) for use, one in naive.items()}
    yield _Case(target.name, codes, predicted, constant_rows)


def _confusion(actual: IntArray, predicted: FloatArray) -> IntArray:
    """Return the counts by actual and predicted class, (classes, classes)."""
    classes = predicted.shape[1]
    cells = actual * classes + predicted.argmax(axis=1)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def _details(labels: Sequence[str | int | float], confusion: IntArray) -> Iterator[ClassDetail]:
    for k, label in enumerate(labels):
        hits, actual = int(confusion[k, k]), int(confusion[k].sum())
        answers = int(confusion[:, k].sum())
        yield ClassDetail(
            label=label,
            rows=actual,
            precision=hits / answers if answers else None,
            recall=hits / actual if actual else None,
            f1=2 * hits / (answers + actual) if answers + actual else None,
        )


# -- intervals -------------------------------------------------------------------------------------


def _estimates(case: _Case, metrics: Sequence[Metric], samples: Resamples) -> Iterator[Estimate]:
    bounded = [metric for metric in metrics if metric.name not in _WITHOUT_INTERVAL]
    found: dict[str, list[FloatArray]] = {metric.name: [] for metric in bounded}
    classes = case.predicted.shape[-1] if case.predicted.ndim == 2 else 0
    most = {"auc": MOST_AUC_RESAMPLES} if classes > 2 else {}
    done = 0
    for weights in samples.chunks():
        for metric in bounded:
            left = weights[: max(0, most.get(metric.name, samples.number) - done)]
            if len(left):
                found[metric.name].append(metric.of_weights(case.actual, case.predicted, left))
        done += len(weights)
    for metric in metrics:
        value = _defined(metric(case.actual, case.predicted))
        drawn = [] if value is None else found.get(metric.name, [])
        low, high = map(_defined, interval(drawn)) if drawn else (None, None)
        constant = None if metric.name == "calibration_error" else case.naive[metric.uses]
        yield Estimate(
            metric=metric.name,
            target=case.target,
            value=value,
            low=low,
            high=high,
            naive=None if constant is None else _defined(metric(case.actual, constant)),
            resamples=sum(map(len, drawn)),
        )


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value


# -- arguments -------------------------------------------------------------------------------------


def _chosen(metrics: str | Sequence[str] | None, task: Task) -> list[Metric]:
    if metrics is None:
        return [metric for metric in METRICS.values() if metric.task == task]
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    if not all(isinstance(name, str) for name in names):
        raise InputTypeError(requirement("metrics", "names of metrics", metrics))
    if not names:
        hint = "None is all metrics of the task."
        raise InputError(requirement("metrics", "one name or more, or None", metrics, hint))
    return [find_metric(name, task) for name in dict.fromkeys(names)]


def _refuse_missing_targets(table: Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            suggestion = nearest(name, table.columns)
            remedy = f"rename {shown(suggestion)}?" if suggestion else "add it,"
            raise DataError(
                f"{table.source}: the target {shown(name)} is missing, and an evaluation compares "
                f"predictions with it; {remedy} or only predict"
            )
