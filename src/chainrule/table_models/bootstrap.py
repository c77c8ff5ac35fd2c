"""The percentile bootstrap: rows drawn again with replacement, as counts of every row.

Metrics are functions of weighted rows (`metric_functions`), so that a resample is a row of weights,
and a chunk of resamples a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.arrays import FloatArray, IntArray

__all__ = ["Resamples", "interval"]

PERCENTILES = (2.5, 97.5)
LARGEST_CHUNK = 1 << 20
"""Weights in memory at once, resamples times rows; more is slower, because of the caches."""


@dataclass(frozen=True, eq=False)
class Resamples:
    """The resamples as weights: how often each row is in each of them.

    >>> weights, = Resamples(rows=4, number=2, seed=0).chunks()
    >>> weights.sum(axis=1).tolist()
    [4.0, 4.0]
    """

    rows: int
    number: int
    seed: int
    groups: IntArray | None = None
    """The group of each row, (rows,), counted from 0."""

    def chunks(self) -> Iterator[FloatArray]:
        """Return the weights in chunks, (draws, rows), the same in every call."""
        generator = np.random.default_rng(self.seed)
        units = self.rows if self.groups is None else int(self.groups.max()) + 1
        size = max(1, LARGEST_CHUNK // self.rows)
        for start in range(0, self.number, size):
            draws = min(size, self.number - start)
            counts = np.empty((draws, units))
            for draw in range(draws):
                drawn = generator.integers(0, units, units)
                counts[draw] = np.bincount(drawn, minlength=units)
            yield counts if self.groups is None else counts[:, self.groups]


def interval(values: Sequence[FloatArray]) -> tuple[float, float]:
    """Return the percentiles of the resamples in which a metric is defined; NaN if there are none.

    >>> interval([np.arange(101.0), np.array([np.nan])])
    (2.5, 97.5)
    """
    defined = np.concatenate([*values, np.empty(0)])
    defined = defined[~np.isnan(defined)]
    if not len(defined):
        return np.nan, np.nan
    with np.errstate(invalid="ignore"):  # between two infinite values
        low, high = np.percentile(defined, PERCENTILES)
    return float(low), float(high)
