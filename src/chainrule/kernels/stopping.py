"""Early stopping and reductions of the learning rate: the rule, and its state.

The rule is scikit-learn's (``BaseMultilayerPerceptron._update_no_improvement_count``), for a value
that is to fall.  This is its definition for every backend.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Monitor = Literal["loss", "validation_loss"]


@dataclass(frozen=True)
class Stopping:
    """A value that is monitored after each epoch, and the action when it no longer falls.

    An epoch improves where the value is at most the best one so far minus ``tolerance``; after more
    than ``patience`` epochs in a row that do not, the run ends.  With a ``divisor`` the learning
    rate is divided by it instead and the count starts again, and the run ends where the rate was
    at ``smallest_rate`` or below already.  The best value is the lowest, by however little;
    ``restore_best`` stores the parameters after its epoch.  For the monitor "loss" the value is
    ``data_weight`` · data loss + penalties.
    """

    monitor: Monitor = "loss"
    patience: int = 10
    tolerance: float = 0.0
    restore_best: bool = False
    data_weight: float = 1.0
    divisor: float = 0.0
    smallest_rate: float = 1e-6


@dataclass
class Count:
    """The state of a `Stopping`.

    >>> count = Count()
    >>> rule = Stopping(patience=1, tolerance=0.1)
    >>> [count.ends(rule, n, loss, rate=1.0) for n, loss in enumerate([3, 2, 1.95, 1.92], 1)]
    [False, False, False, True]
    >>> count.best, count.best_epoch
    (1.92, 4)
    """

    best: float = np.inf
    best_epoch: int = 0
    epochs: int = 0
    """In a row, without improvement."""
    reductions: int = 0
    """How often the learning rate was divided."""
    is_best: bool = field(default=False, compare=False, repr=False)
    """Whether the last epoch had the best value."""

    def ends(self, stopping: Stopping, epoch: int, value: float, rate: float) -> bool:
        """Update the state after an epoch at this learning rate; return whether the run ends."""
        improved = value <= self.best - stopping.tolerance  # never where it is NaN
        self.epochs = 0 if improved else self.epochs + 1
        self.is_best = value < self.best
        if self.is_best:
            self.best, self.best_epoch = value, epoch
        if self.epochs <= stopping.patience:
            return False
        if not stopping.divisor or rate <= stopping.smallest_rate:
            return True
        self.reductions += 1
        self.epochs = 0
        return False


def monitored(stopping: Stopping, loss: float, data_loss: float, validation_loss: float) -> float:
    """Return the value that is monitored."""
    if stopping.monitor == "validation_loss":
        return validation_loss
    if stopping.data_weight == 1.0:
        return loss
    return stopping.data_weight * data_loss + (loss - data_loss)


def reduced(rate: float, rules: tuple[Stopping, ...], counts: list[Count]) -> float:
    """Return a learning rate after all reductions.

    The divisions are separate, as in scikit-learn: the product of divisors rounds differently.
    """
    for stopping, count in zip(rules, counts, strict=True):
        for _ in range(count.reductions):
            rate /= stopping.divisor
    return rate
