"""What a table model is chosen by: the best epoch, the weights of the candidates, the smoothing.

By default it is the loss, for classes log_loss and for numbers the mean squared error. With a
metric, the epoch is restored at which the metric was best on the rows held out, candidates are
weighted by it, and labels are smoothed only where the metric depends on the answers alone, because
smoothing makes probabilities less extreme than they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import ClassTarget, NumberTarget, TargetScaler
from chainrule.table_models.calibration import log_loss
from chainrule.training.metrics import Metric, Task, find_metric
from chainrule.training.schedules import Measure

__all__ = ["Objective"]


@dataclass(frozen=True)
class Objective:
    """What a model for a target is chosen by.

    >>> objective = Objective.of(ClassTarget("sold", (0, 1)), "accuracy")
    >>> objective.error(np.array([[0.9], [0.2]]), np.array([[1.0], [1.0]]))
    -0.5
    >>> objective.smooths, Objective.of(ClassTarget("sold", (0, 1)), "auc").smooths
    (True, False)
    """

    target: ClassTarget | NumberTarget
    metric: Metric | None = None

    @classmethod
    def of(cls, target: ClassTarget | NumberTarget, metric: str | None) -> Objective:
        """Return the objective of a metric's name; raise InputError for one of the other task."""
        if metric is None:
            return cls(target)
        task: Task = "classification" if isinstance(target, ClassTarget) else "regression"
        return cls(target, find_metric(metric, task))

    @property
    def smooths(self) -> bool:
        """Whether labels are smoothed: the target is classes and the goal are the answers."""
        answers = self.metric is None or self.metric.uses == "answers"
        return isinstance(self.target, ClassTarget) and answers

    @property
    def name(self) -> str:
        """The name of what is compared."""
        if self.metric is not None:
            return self.metric.name
        return "log_loss" if isinstance(self.target, ClassTarget) else "relative_squared_error"

    def shown(self, error: float) -> float:
        """Return the value of what is compared from an error, which is to fall."""
        return -error if self.metric is not None and self.metric.larger_is_better else error

    def error(
        self, outputs: RealArray, targets: RealArray, weights: RealArray | None = None
    ) -> float:
        """Return a number that is to fall; arrays are (rows, outputs), in the targets' units."""
        given = np.ones(len(targets)) if weights is None else np.asarray(weights, np.float64)
        if self.metric is None:
            if isinstance(self.target, ClassTarget):
                return log_loss(outputs, targets, given)
            return _squared_error(outputs, targets, given)
        sign = -1.0 if self.metric.larger_is_better else 1.0
        return sign * self.value(outputs, targets, given)

    def value(
        self, outputs: RealArray, targets: RealArray, weights: RealArray | None = None
    ) -> float:
        """Return the metric; of several targets the mean, of rmse and mae in deviations of each."""
        assert self.metric is not None
        if isinstance(self.target, ClassTarget):
            return self.metric(_codes(targets), self.target.probabilities(outputs), weights)
        values = [
            self.metric(targets[:, n], outputs[:, n], weights) for n in range(targets.shape[1])
        ]
        if len(values) > 1 and self.metric.name in ("rmse", "mae"):
            values = list(np.array(values) / np.maximum(targets.std(axis=0), 1e-300))
        return float(np.mean(values))

    def measure(self, scaler: TargetScaler | None) -> Measure | None:
        """Return the function that early stopping monitors, None where it is the loss.

        ``scaler`` is that of the targets that the network learns.
        """
        if self.metric is None:
            return None

        def measured(targets: RealArray, outputs: RealArray, weights: RealArray | None) -> float:
            if scaler is not None:
                targets, outputs = scaler.inverse(targets), scaler.inverse(outputs)
            return self.error(np.asarray(outputs, np.float64), targets, weights)

        return measured


def _codes(targets: RealArray) -> IntArray:
    """Return the class of each row of one-hot targets, smoothed or not, (rows,)."""
    if targets.shape[1] == 1:
        return (targets[:, 0] > 0.5).astype(np.int64)
    return np.asarray(targets.argmax(axis=1), np.int64)


def _squared_error(outputs: RealArray, targets: RealArray, weights: FloatArray) -> float:
    """Return the mean over the targets of Σ w (a − y)² / Σ w relative to their variance."""
    variance = np.maximum(targets.var(axis=0), np.finfo(float).tiny)
    return float((weights @ (outputs - targets) ** 2 / weights.sum() / variance).mean())
