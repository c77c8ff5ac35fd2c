"""Scores of predictions: the metrics by name, and the scores that a training run reports.

`METRICS` holds the metrics of classes and of numbers. A training run reports a few of them with
the score of a naive prediction that ignores the inputs. Classes: the accuracy, and that of always
predicting the class most frequent in training. Numbers: RMSE and MAE in the target's own units, R²,
and the RMSE of always predicting the mean of the training rows. A score has a meaning only in
comparison: 95 % is poor if 97 % of the rows are of one class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import Array, FloatArray, IntArray, RealArray
from chainrule.errors import InputError, shown, unknown_name
from chainrule.training import metric_functions
from chainrule.validation import checked_choice, requirement

__all__ = [
    "METRICS",
    "ClassScore",
    "Metric",
    "NumberScore",
    "Score",
    "Task",
    "find_metric",
    "finite",
    "score_classes",
    "score_numbers",
]

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Metric:
    """A metric: its task, whether larger is better, and its formula in one line.

    In a formula y is what is actual and a what is predicted, for classes p a probability and TP, FP
    and FN the counts of a class's true positives, false positives and false negatives.

    >>> METRICS["rmse"].formula, METRICS["rmse"].larger_is_better
    ('√(mean (y − a)²)', False)
    >>> METRICS["rmse"]([1.0, 2.0], [1.0, 4.0], sample_weight=[3.0, 1.0])
    1.0
    >>> METRICS["accuracy"]([0, 1], [[0.9, 0.1], [0.6, 0.4]])
    0.5
    """

    name: str
    task: Task
    larger_is_better: bool
    formula: str
    function: Callable[[Array, FloatArray, FloatArray], FloatArray]
    """From actual, predicted and weights (draws, rows) to (draws,): see `metric_functions`."""
    uses: Literal["answers", "probabilities", "numbers"] = "numbers"
    """What of a prediction it depends on: the most probable class alone, or every probability."""

    def __call__(
        self, actual: ArrayLike, predicted: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the value on rows; NaN where it is undefined.

        Classes: ``actual`` are codes from 0, (rows,), ``predicted`` probabilities, (rows, classes).
        Numbers: both are (rows,). ``sample_weight``, (rows,), is 1 by default. Raises InputError
        for other shapes and for weights that are negative or all zero.
        """
        truth = np.asarray(actual, dtype=np.int64 if self.task == "classification" else np.float64)
        given = np.asarray(predicted, dtype=np.float64)
        self._refuse_shapes(truth, given)
        weights = np.ones(len(truth))
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=np.float64)
            allowed = f"{len(truth)} finite numbers of at least 0, not all 0"
            fits = weights.shape == truth.shape and bool(np.all(np.isfinite(weights)))
            if not fits or weights.min() < 0 or weights.max() == 0:
                raise InputError(requirement("sample_weight", allowed, sample_weight))
        return float(self.of_weights(truth, given, weights[np.newaxis])[0])

    def of_weights(self, actual: Array, predicted: FloatArray, weights: FloatArray) -> FloatArray:
        """Return a value for each weighting, (draws,) of (draws, rows); arrays are not checked."""
        with np.errstate(over="ignore", invalid="ignore"):  # beyond 1e308 an error is infinite
            return self.function(actual, predicted, weights)

    def _refuse_shapes(self, actual: Array, predicted: FloatArray) -> None:
        if actual.ndim != 1 or len(actual) == 0:
            allowed = "of the shape (rows,) with at least one row"
            raise InputError(requirement("actual", allowed, actual.shape))
        rows = len(actual)
        if self.task == "regression":
            if predicted.shape != (rows,):
                raise InputError(requirement("predicted", f"of shape ({rows},)", predicted.shape))
            return
        if predicted.ndim != 2 or len(predicted) != rows or predicted.shape[1] < 2:
            allowed = f"probabilities of shape ({rows}, classes) with two classes or more"
            raise InputError(requirement("predicted", allowed, predicted.shape))
        if actual.min() < 0 or actual.max() >= predicted.shape[1]:
            allowed = f"class codes from 0 to {predicted.shape[1] - 1}"
            code = actual.min() if actual.min() < 0 else actual.max()
            raise InputError(requirement("actual", allowed, code))


def _classes(name: str, larger: bool, formula: str, uses: Any, function: Any) -> Metric:
    return Metric(name, "classification", larger, formula, function, uses)


def _numbers(name: str, larger: bool, formula: str, function: Any) -> Metric:
    return Metric(name, "regression", larger, formula, function)


_F = metric_functions
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _classes("accuracy", True, "correct rows / rows", "answers", _F.accuracy),
        _classes(
            "balanced_accuracy", True, "mean over classes of TP / (TP + FN)", "answers",
            _F.balanced_accuracy,
        ),
        _classes(
            "auc", True, "P(p of a row of the class > p of another row), ties ½; mean over classes",
            "probabilities", _F.area_under_curve,
        ),
        _classes("log_loss", False, "−mean log p(actual class)", "probabilities", _F.log_loss),
        _classes(
            "brier", False, "mean (p − y)² of the second class; of more than two, Σ over classes",
            "probabilities", _F.brier,
        ),
        _classes(
            "f1", True, "2 TP / (2 TP + FP + FN) of the second class; of more, mean over classes",
            "answers", _F.f1,
        ),
        _classes(
            "calibration_error", False, "Σ over 15 bins of p: rows / all · |mean y − mean p|",
            "probabilities", _F.calibration_error,
        ),
        _numbers("rmse", False, "√(mean (y − a)²)", _F.root_mean_squared_error),
        _numbers("mae", False, "mean |y − a|", _F.mean_absolute_error),
        _numbers("r2", True, "1 − Σ(y − a)² / Σ(y − ȳ)²", _F.r_squared),
        _numbers("mape", False, "mean |y − a| / |y|", _F.mean_absolute_percentage_error),
    )
}  # fmt: skip
"""The metrics by name, those of classes first, in the order in which they are shown."""


def find_metric(name: str, task: Task) -> Metric:
    """Return a metric by its name.

    Raises InputError for an unknown name, with the nearest one, and for a metric of the other task.

    >>> find_metric("mae", "regression").formula
    'mean |y − a|'
    >>> find_metric("acuracy", "classification")
    Traceback (most recent call last):
    chainrule.errors.InputError: unknown metric 'acuracy'. Did you mean 'accuracy'? Available: \
'accuracy', 'balanced_accuracy', 'auc', 'log_loss', 'brier', 'f1', 'calibration_error'
    >>> find_metric("auc", "regression")
    Traceback (most recent call last):
    chainrule.errors.InputError: `metric` auc is for classes, but the target is numbers; use \
'rmse', 'mae', 'r2' or 'mape'
    """
    checked_choice("task", task, get_args(Task))
    suited = [metric.name for metric in METRICS.values() if metric.task == task]
    if name not in METRICS:
        raise unknown_name("metric", name, suited)
    if name not in suited:
        kinds = ("classes", "numbers") if task == "regression" else ("numbers", "classes")
        listed = f"{', '.join(map(shown, suited[:-1]))} or {shown(suited[-1])}"
        raise InputError(
            f"`metric` {name} is for {kinds[0]}, but the target is {kinds[1]}; use {listed}"
        )
    return METRICS[name]


@dataclass(frozen=True)
class ClassScore:
    """The rows classified, how many correctly, and how many by the most frequent class."""

    rows: int
    correct: int
    baseline_label: str | int | float
    baseline_correct: int

    @property
    def accuracy(self) -> float:
        """The share of the rows that are classified correctly, from 0 to 1."""
        return self.correct / self.rows

    @property
    def baseline_accuracy(self) -> float:
        """The share of the rows that are of the class most frequent in training."""
        return self.baseline_correct / self.rows

    def to_dict(self) -> dict[str, Any]:
        """Return the score for JSON."""
        return {
            "rows": self.rows,
            "accuracy": self.accuracy,
            "baseline": {
                "rule": "most frequent class",
                "class": self.baseline_label,
                "accuracy": self.baseline_accuracy,
            },
        }


@dataclass(frozen=True)
class NumberScore:
    """The errors of one target's predictions, in its units.

    ``r2`` is 1 − Σ(y − ŷ)² / Σ(y − ȳ)² with ȳ the mean of the rows that are scored; None if they
    are all equal.
    """

    target: str
    rows: int
    rmse: float
    mae: float
    r2: float | None
    baseline_mean: float
    baseline_rmse: float

    def to_dict(self) -> dict[str, Any]:
        """Return the score for JSON."""
        return {
            "target": self.target,
            "rows": self.rows,
            "rmse": self.rmse,
            "mae": self.mae,
            "r2": self.r2,
            "baseline": {
                "rule": "mean of the training rows",
                "mean": self.baseline_mean,
                "rmse": self.baseline_rmse,
            },
        }


Score = ClassScore | tuple[NumberScore, ...]
"""Of classes, or of one or more targets that are numbers."""


def score_classes(
    predicted: IntArray,
    actual: IntArray,
    labels: Sequence[str | int | float],
    most_frequent: int,
) -> ClassScore:
    """Return the score of classes given as indices of the labels, shape (rows,).

    >>> score = score_classes(np.array([0, 1, 1]), np.array([0, 1, 0]), ("no", "yes"), 0)
    >>> score.correct, score.baseline_correct
    (2, 2)
    """
    return ClassScore(
        rows=len(actual),
        correct=int(np.sum(predicted == actual)),
        baseline_label=labels[most_frequent],
        baseline_correct=int(np.sum(actual == most_frequent)),
    )


def score_numbers(
    predicted: RealArray, actual: RealArray, names: Sequence[str], means: Sequence[float]
) -> tuple[NumberScore, ...]:
    """Return the score of each target; arrays are (rows, targets), ``means`` of the training rows.

    >>> score, = score_numbers(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]]), ["y"], [3.0])
    >>> score.rmse, score.mae, score.r2, score.baseline_rmse
    (1.0, 1.0, 0.0, 1.0)
    """
    with np.errstate(over="ignore", invalid="ignore"):  # beyond 1e308 an error is infinite
        return tuple(
            _score_column(predicted[:, column], actual[:, column], name, means[column])
            for column, name in enumerate(names)
        )


def finite(value: Any) -> Any:
    """Return plain values with None for every number that JSON cannot represent.

    >>> finite({"rmse": float("inf"), "r2": [0.5]})
    {'rmse': None, 'r2': [0.5]}
    """
    if isinstance(value, Mapping):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _score_column(predicted: RealArray, actual: RealArray, name: str, mean: float) -> NumberScore:
    """Return the score of one target; both arrays are (rows,)."""
    errors = actual - predicted
    spread = _root_mean_square(actual - actual.mean()) if actual.min() < actual.max() else 0.0
    rmse = _root_mean_square(errors)
    known = 0.0 < spread < np.inf and np.isfinite(rmse)
    return NumberScore(
        target=name,
        rows=len(actual),
        rmse=rmse,
        mae=float(np.mean(np.abs(errors))),
        r2=1.0 - (rmse / spread) ** 2 if known else None,
        baseline_mean=float(mean),
        baseline_rmse=_root_mean_square(actual - mean),
    )


def _root_mean_square(errors: RealArray) -> float:
    """Return √(Σe² / n) of (n,), scaled by the largest so that no square over- or underflows."""
    largest = float(np.max(np.abs(errors)))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean((errors / largest) ** 2)))
