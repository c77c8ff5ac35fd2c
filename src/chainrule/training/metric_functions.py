"""Metrics as functions of weighted rows, for many weightings at once.

Every function takes the actual values, (rows,), the predicted ones and weights, (draws, rows), and
returns (draws,): one value for each weighting, NaN where the metric is undefined. Scores of a table
have one weighting; a bootstrap has one for each resample, the counts of the rows in it. This is why
they are stated here and are not scikit-learn's functions, which take one weighting per call and are
more than a hundred times slower: one definition serves both, and tests compare it with theirs.

Nearly all are functions of means over rows, so that all resamples need one matrix product.
"""

from __future__ import annotations

import numpy as np

from chainrule.arrays import BoolArray, FloatArray, IntArray

__all__ = [
    "CALIBRATION_BINS",
    "accuracy",
    "area_under_curve",
    "balanced_accuracy",
    "brier",
    "calibration_error",
    "f1",
    "log_loss",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "r_squared",
    "root_mean_squared_error",
]

CALIBRATION_BINS = 15
SMALLEST_PROBABILITY = np.finfo(np.float64).eps  # as scikit-learn bounds them: log(0) is infinite
# Of the mean square: what rounding leaves of the variance of equal numbers.
NO_VARIANCE = 1e-14

# -- classes: actual are codes, (rows,), predicted are probabilities, (rows, classes) --------------


def accuracy(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the share of the rows whose most probable class is the actual one."""
    return _means(predicted.argmax(axis=1) == actual, weights)


def balanced_accuracy(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the mean recall of the classes that occur."""
    hits, _, supports = _class_counts(actual, predicted, weights)
    return _mean_of_defined(hits, supports)


def f1(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return 2 TP / (2 TP + FP + FN) of the second of two classes; of more, the classes' mean."""
    hits, answers, supports = _class_counts(actual, predicted, weights)
    if predicted.shape[1] == 2:
        total = answers[:, 1] + supports[:, 1]
        return 2.0 * hits[:, 1] / np.where(total > 0, total, 1.0)  # 0 where there is no positive
    return _mean_of_defined(2.0 * hits, answers + supports)


def log_loss(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return −mean log p of the actual class, p at least the rounding unit of a double."""
    of_actual = predicted[np.arange(len(actual)), actual]
    return _means(-np.log(np.clip(of_actual, SMALLEST_PROBABILITY, 1.0)), weights)


def brier(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return mean (p − y)² of two classes; of more, that of all classes summed."""
    if predicted.shape[1] == 2:
        return _means((predicted[:, 1] - actual) ** 2, weights)
    return _means(((predicted - _one_hot(actual, predicted.shape[1])) ** 2).sum(axis=1), weights)


def calibration_error(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return Σ |mean correct − mean p| · share over 15 bins of equal width of the probability p.

    p is that of the second of two classes, else that of the most probable class.
    """
    if predicted.shape[1] == 2:
        probability, correct = predicted[:, 1], actual == 1
    else:
        probability, correct = predicted.max(axis=1), predicted.argmax(axis=1) == actual
    bins = np.clip((probability * CALIBRATION_BINS).astype(np.int64), 0, CALIBRATION_BINS - 1)
    # A bin's share times its difference of means is the sum of its differences over all rows.
    differences = _one_hot(bins, CALIBRATION_BINS) * (correct - probability)[:, np.newaxis]
    errors: FloatArray = np.abs(_means(differences, weights)).sum(axis=1)
    return errors


def area_under_curve(actual: IntArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the share of pairs of rows that are ordered rightly by p; equal ones count half.

    A pair has one row of the class and one of another. Of more than two classes it is the mean over
    those that occur.
    """
    if predicted.shape[1] == 2:
        return _ordered_pairs(actual == 1, predicted[:, 1], weights)
    each = np.stack(
        [_ordered_pairs(actual == k, predicted[:, k], weights) for k in range(predicted.shape[1])]
    )
    return _mean_of_defined(np.nan_to_num(each).T, np.isfinite(each).T.astype(np.float64))


def _ordered_pairs(positive: BoolArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the AUC of one class, (draws,), from (rows,) and weights (draws, rows)."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))  # of the groups of equal scores
    sorted_weights = weights[:, order]
    of_positive = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    of_negative = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    below = np.cumsum(of_negative, axis=1) - 0.5 * of_negative
    pairs = of_positive.sum(axis=1) * of_negative.sum(axis=1)
    right = (of_positive * below).sum(axis=1)
    return np.where(pairs > 0, right / np.where(pairs > 0, pairs, 1.0), np.nan)


def _class_counts(
    actual: IntArray, predicted: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return how often a class is found, answered and actual, each (draws, classes)."""
    classes = predicted.shape[1]
    truth, answer = _one_hot(actual, classes), _one_hot(predicted.argmax(axis=1), classes)
    return weights @ (truth * answer), weights @ answer, weights @ truth


# -- numbers: actual and predicted are (rows,) -----------------------------------------------------


def root_mean_squared_error(
    actual: FloatArray, predicted: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return √(mean (y − a)²)."""
    errors = actual - predicted
    scale = _largest(errors)  # no square over- or underflows
    return scale * np.sqrt(_means((errors / scale) ** 2, weights))


def mean_absolute_error(
    actual: FloatArray, predicted: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return mean |y − a|."""
    return _means(np.abs(actual - predicted), weights)


def r_squared(actual: FloatArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """Return 1 − Σ(y − a)² / Σ(y − ȳ)², undefined where all y are equal."""
    # Centered first: the difference of two mean squares would lose the digits of a small spread.
    centered = actual - actual.mean()
    scale = _largest(centered)
    centered, errors = centered / scale, (actual - predicted) / scale
    squares = _means(centered**2, weights)
    variance = squares - _means(centered, weights) ** 2
    varies = variance > NO_VARIANCE * squares
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(varies, 1.0 - _means(errors**2, weights) / variance, np.nan)


def mean_absolute_percentage_error(
    actual: FloatArray, predicted: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return mean |y − a| / |y|, undefined where a y is 0."""
    zero = actual == 0
    shares = np.abs(actual - predicted) / np.where(zero, 1.0, np.abs(actual))
    return np.where(weights @ zero.astype(np.float64) > 0, np.nan, _means(shares, weights))


# -- weighted rows ---------------------------------------------------------------------------------


def _means(terms: FloatArray | BoolArray, weights: FloatArray) -> FloatArray:
    """Return the weighted means, (draws,) or (draws, terms), of (rows,) or (rows, terms)."""
    sums: FloatArray = (weights @ terms.astype(np.float64)).T / weights.sum(axis=1)
    return sums.T


def _one_hot(codes: IntArray, width: int) -> FloatArray:
    """Return (rows, width) with a 1 at each row's code."""
    hot = np.zeros((len(codes), width))
    hot[np.arange(len(codes)), codes] = 1.0
    return hot


def _mean_of_defined(numerators: FloatArray, denominators: FloatArray) -> FloatArray:
    """Return the mean quotient by row of (draws, classes), zero denominators left out."""
    defined = denominators > 0
    quotients = np.where(defined, numerators / np.where(defined, denominators, 1.0), 0.0)
    counts = defined.sum(axis=1)
    return np.where(counts > 0, quotients.sum(axis=1) / np.maximum(counts, 1), np.nan)


def _largest(values: FloatArray) -> float:
    """Return the largest size of (rows,), or 1 where it cannot divide."""
    largest = float(np.max(np.abs(values)))
    return largest if 0.0 < largest < np.inf else 1.0
