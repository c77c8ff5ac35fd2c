"""How probabilities and answers of classes agree with what is actual: points of two curves."""

from __future__ import annotations

import numpy as np

from chainrule.arrays import BoolArray, FloatArray

__all__ = ["calibration_points", "roc_points"]

_PARTS, _FEWEST = 10, 5


def calibration_points(
    probability: FloatArray, happened: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Return the mean probability and the share that happened, of up to ten parts of the rows.

    Both are (rows,). The parts are equally large, in the order of the probability, with at least
    five rows each; equal probabilities are in one part.

    >>> predicted, actual = calibration_points(np.full(10, 0.25), np.arange(10) < 4)
    >>> predicted.tolist(), actual.tolist()
    ([0.25], [0.4])
    """
    parts = int(np.clip(len(probability) // _FEWEST, 1, _PARTS))
    edges = np.unique(np.quantile(probability, np.arange(1, parts) / parts))
    part = np.searchsorted(edges, probability, side="right")
    counts = np.bincount(part)
    known = counts > 0
    divisor = np.maximum(counts, 1)
    predicted = np.bincount(part, weights=probability) / divisor
    actual = np.bincount(part, weights=happened) / divisor
    return predicted[known], actual[known]


def roc_points(score: FloatArray, positive: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the false and the true positive rates of all thresholds, from (0, 0) to (1, 1).

    Both are (rows,). Empty where all rows are of one class.

    >>> roc_points(np.array([0.9, 0.6, 0.4]), np.array([True, False, True]))[1].tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return np.empty(0), np.empty(0)
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))  # of the rows of equal scores
    true = np.cumsum(positive[order])[last] / positives
    false = np.cumsum(~positive[order])[last] / negatives
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])
