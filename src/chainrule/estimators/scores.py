"""The scores that early stopping watches: scikit-learn's numbers without its checks of input.

Called once per epoch on arrays that are known to be good; ``sklearn.metrics`` would take longer
than an epoch of a small network.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def accuracy(y: Array, answers: Array, sample_weight: Array | None = None) -> float:
    """Return the weighted share of right answers; with several labels all have to be right.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 0]))
    0.6666666666666666
    """
    right = y == answers
    if right.ndim == 2:
        right = right.all(axis=1)
    return float(np.average(right, weights=sample_weight))


def r_squared(y: Array, answers: Array, sample_weight: Array | None = None) -> float:
    """Return 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)², the mean over outputs.

    Where an output's targets are all equal it counts 1 if every answer is right, else 0.

    >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    y, answers = y.reshape(len(y), -1), answers.reshape(len(y), -1)
    weight = 1.0 if sample_weight is None else sample_weight[:, None]
    with np.errstate(over="ignore"):  # of a run that is about to diverge
        wrong = (weight * (y - answers) ** 2).sum(axis=0, dtype=np.float64)
    mean = np.average(y, axis=0, weights=sample_weight)
    spread = (weight * (y - mean) ** 2).sum(axis=0, dtype=np.float64)
    scores = np.ones(y.shape[1])
    known = spread != 0
    scores[known] = 1 - wrong[known] / spread[known]
    scores[~known & (wrong != 0)] = 0.0
    return float(np.average(scores))
