"""The data of a training on a table, as networks learn it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import ClassTarget, TargetScaler
from chainrule.table_models.objectives import Objective

__all__ = ["TrainingData"]


@dataclass(frozen=True)
class TrainingData:
    """Features, (rows, features), and targets in their own units, (rows, outputs), of all rows."""

    matrix: RealArray
    targets: FloatArray
    weights: RealArray | None
    numeric: tuple[int, ...]
    objective: Objective
    scaler: TargetScaler | None
    limits: tuple[tuple[float, float], ...] | None

    def learned(self, smoothing: float) -> FloatArray:
        """Return the targets as a network learns them: scaled, or smoothed y (1 − s) + s / n."""
        if self.scaler is not None:
            return self.scaler.transform(self.targets)
        target = self.objective.target
        if not smoothing or not isinstance(target, ClassTarget):
            return self.targets
        return self.targets * (1.0 - smoothing) + smoothing / len(target.labels)

    def finished(self, outputs: FloatArray, rows: IntArray | None = None) -> FloatArray:
        """Return outputs in the targets' units and limits, (rows, outputs).

        With ``rows`` the limits are those of the targets in these rows.
        """
        found = outputs if self.scaler is None else self.scaler.inverse(outputs)
        if self.limits is None:
            return found
        ends = np.transpose(self.limits)
        if rows is not None:
            ends = np.array([self.targets[rows].min(axis=0), self.targets[rows].max(axis=0)])
        clipped: FloatArray = np.clip(found, *ends)
        return clipped
