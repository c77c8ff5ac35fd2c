"""Calibrated probabilities: one temperature, fitted on rows that a network did not see.

p ↦ p^(1/T) / Σ p^(1/T) leaves the most probable class, and makes probabilities of a network that is
too sure (T > 1) or not sure enough (T < 1) agree with frequencies. The negative log-likelihood is a
unimodal function of log T, so that a bounded search finds its minimum.

Source: Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import FloatArray, RealArray

__all__ = ["LEAST", "calibrated", "fitted_temperature", "log_loss"]

LEAST = 1e-12  # a probability of zero has no logarithm
_RANGE = (-1.5, 2.0)  # of log T


def calibrated(probabilities: RealArray, temperature: float) -> FloatArray:
    """Return probabilities at a temperature, (rows, classes); one column is that of a second class.

    >>> calibrated(np.array([[0.2, 0.8]]), 0.5).round(3).tolist()
    [[0.059, 0.941]]
    >>> calibrated(np.array([[0.8]]), 0.5).round(3).tolist()
    [[0.941]]
    """
    given = np.clip(np.asarray(probabilities, dtype=np.float64), LEAST, 1.0)
    if given.shape[1] == 1:
        power = given ** (1.0 / temperature)
        other = np.clip(1.0 - given, LEAST, 1.0) ** (1.0 / temperature)
        single: FloatArray = power / (power + other)
        return single
    scaled: FloatArray = given ** (1.0 / temperature)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def log_loss(
    probabilities: RealArray, targets: RealArray, weights: RealArray | None = None
) -> float:
    """Return -Σ w y log p / Σ w, both (rows, classes), or of two classes one column, (rows, 1).

    >>> round(log_loss(np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]])), 4)
    0.6931
    """
    p = np.clip(np.asarray(probabilities, dtype=np.float64), LEAST, 1.0)
    total = targets * np.log(p)
    if p.shape[1] == 1:
        total = total + (1.0 - targets) * np.log(np.clip(1.0 - p, LEAST, 1.0))
    return float(-np.average(total.sum(axis=1), weights=weights))


def fitted_temperature(
    outputs: Sequence[RealArray],
    shares: Sequence[float],
    targets: RealArray,
    weights: RealArray | None = None,
) -> float:
    """Return the temperature at which the weighted mean of outputs has the least log-loss.

    ``outputs`` are probabilities of several networks, rows and columns as in `log_loss`.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, (4000, 1))
    >>> y = (rng.uniform(size=p.shape) < p).astype(float)
    >>> abs(fitted_temperature([calibrated(p, 0.5)], [1.0], y) - 2.0) < 0.2
    True
    """
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        temperature = float(np.exp(logarithm))
        pairs = zip(shares, outputs, strict=True)
        mean = sum(share * calibrated(array, temperature) for share, array in pairs if share)
        return log_loss(np.asarray(mean), targets, weights)

    found = minimize_scalar(loss, bounds=_RANGE, method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))
