"""Scores of predictions, with the score of a naive prediction that ignores the inputs.

Classes: the accuracy, and that of always predicting the class most frequent in training.
Numbers: RMSE and MAE in the target's own units, R², and the RMSE of always predicting the mean
of the training rows. A score has a meaning only in comparison: 95 % is poor if 97 % of the rows are
of one class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.arrays import IntArray, RealArray

__all__ = ["ClassScore", "NumberScore", "Score", "finite", "score_classes", "score_numbers"]


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
