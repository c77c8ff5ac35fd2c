"""The scores that early stopping monitors: scikit-learn's values without its checks of input.

Called once per epoch on checked arrays; ``sklearn.metrics`` would take longer than an epoch of a
small network.
"""

import numpy as np

from chainrule.arrays import LabelArray, RealArray


def accuracy(y: LabelArray, answers: LabelArray, sample_weight: RealArray | None = None) -> float:
    """Return the weighted share of correct predictions; of several labels all must be correct.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 0]))
    0.6666666666666666
    """
    correct = y == answers
    if correct.ndim == 2:
        correct = correct.all(axis=1)
    return float(np.average(correct, weights=sample_weight))


def r_squared(y: RealArray, answers: RealArray, sample_weight: RealArray | None = None) -> float:
    """Return 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)², the mean over outputs.

    An output with equal targets counts 1 if every prediction is correct, else 0.

    >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    y, answers = y.reshape(len(y), -1), answers.reshape(len(y), -1)
    weight = 1.0 if sample_weight is None else sample_weight[:, None]
    with np.errstate(over="ignore"):  # in a run that diverges
        wrong = (weight * (y - answers) ** 2).sum(axis=0, dtype=np.float64)
    mean = np.average(y, axis=0, weights=sample_weight)
    spread = (weight * (y - mean) ** 2).sum(axis=0, dtype=np.float64)
    scores = np.ones(y.shape[1])
    known = spread != 0
    scores[known] = 1 - wrong[known] / spread[known]
    scores[~known & (wrong != 0)] = 0.0
    return float(np.average(scores))
