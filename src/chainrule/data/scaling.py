"""Mean and deviation of a column, and the scaling of regression targets with them.

Training works best on targets of mean 0 and deviation 1; predictions are converted back to the
targets' own units. A constant target is an error, because there is nothing to learn from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import FloatArray
from chainrule.data.record_fields import numbers_of, unreadable
from chainrule.errors import DataError, InputError
from chainrule.validation import requirement

__all__ = ["TargetScaler", "mean_and_deviation", "middle_range"]


def mean_and_deviation(values: FloatArray) -> tuple[float, float]:
    """Return the mean and the population deviation √(Σ(x - mean)² / n); exactly 0 for a constant.

    >>> mean_and_deviation(np.array([1e200, 3e200]))
    (2e+200, 1e+200)
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    # Squares of numbers beyond 1e154 overflow and below 1e-162 underflow. Scaling by a power of two
    # prevents both and changes no bit otherwise, because it is exact.
    scale = 2.0 ** int(np.clip(np.frexp(max(-low, high))[1], -1000, 1000))
    scaled = values / scale
    return float(scaled.mean() * scale), float(scaled.std() * scale)


def middle_range(values: FloatArray) -> float:
    """Return the range of the middle half, (n,); if it is 0, half the whole range.

    >>> middle_range(np.array([0.0, 1.0, 2.0, 3.0, 1e9]))
    2.0
    >>> middle_range(np.array([0.0, 0.0, 0.0, 0.0, 4.0]))
    2.0
    """
    # Halved, because a difference of numbers beyond 1e307 would overflow.
    low, high = np.quantile(0.5 * values, [0.25, 0.75])
    middle = 2.0 * float(high - low)
    return middle if middle > 0.0 else float(0.5 * values.max() - 0.5 * values.min())


@dataclass(frozen=True)
class TargetScaler:
    """Regression targets to mean 0 and deviation 1, output by output, and back.

    >>> scaler = TargetScaler.fit([[1.0], [3.0]])
    >>> scaler.transform([[1.0], [3.0]]).tolist()
    [[-1.0], [1.0]]
    >>> scaler.inverse([[0.0]]).tolist()
    [[2.0]]
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def fit(cls, targets: ArrayLike) -> TargetScaler:
        """Fit on the training rows' targets, (rows, outputs); refuse a constant output."""
        given = np.asarray(targets, dtype=np.float64)
        if given.ndim != 2 or given.shape[0] == 0:
            raise InputError(
                requirement(
                    "targets",
                    "an array of shape (rows, outputs) with at least one row",
                    given.shape,
                )
            )
        pairs = [mean_and_deviation(column) for column in given.T]
        for position, (mean, deviation) in enumerate(pairs):
            if deviation == 0.0:
                raise DataError(
                    f"target output {position} is {mean:g} in all {len(given)} training rows, so "
                    "there is nothing to learn; give rows that differ"
                )
        return cls(tuple(m for m, _ in pairs), tuple(d for _, d in pairs))

    def transform(self, targets: ArrayLike) -> FloatArray:
        """Return (targets - mean) / deviation, (rows, outputs)."""
        scaled: FloatArray = (self._checked("targets", targets) - np.array(self.mean)) / np.array(
            self.deviation
        )
        return scaled

    def inverse(self, outputs: ArrayLike) -> FloatArray:
        """Return outputs · deviation + mean: a network's outputs in the targets' own units."""
        restored: FloatArray = self._checked("outputs", outputs) * np.array(
            self.deviation
        ) + np.array(self.mean)
        return restored

    def _checked(self, name: str, given: ArrayLike) -> FloatArray:
        """Return a float64 array (rows, outputs), or raise InputError."""
        array = np.asarray(given, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self.mean):
            allowed = f"an array of shape (rows, {len(self.mean)})"
            raise InputError(requirement(name, allowed, array.shape))
        return array

    def to_dict(self) -> dict[str, Any]:
        """Return the scaling as plain values for JSON, every float exact."""
        return {"mean": list(self.mean), "deviation": list(self.deviation)}

    @classmethod
    def from_dict(cls, record: object) -> TargetScaler:
        """Return what `to_dict` wrote; raise ModelFileError where it is damaged."""
        mean, deviation = numbers_of(record, "mean"), numbers_of(record, "deviation")
        if not mean or len(mean) != len(deviation) or min(deviation) <= 0.0:
            raise unreadable("'mean' and 'deviation' must be equally long, deviations positive")
        return cls(mean, deviation)
