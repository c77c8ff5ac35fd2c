"""Numbers as documents show them: significant digits, matrices whole or by a corner.

Everything is computed unrounded; only what is shown is rounded.  ``Numeral`` is a number as it is
printed, ``Grid`` a matrix of them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

SCALAR_DIGITS, MATRIX_DIGITS = 9, 6
"""Digits that count, of a single number and of a number in a matrix."""
FEWER_DIGITS = 4
"""Digits of a number in a matrix that would be too wide with more."""
PLAIN = (1e-4, 1e6)
"""Numbers of a size between these are written without a power of ten."""
MOST_ROWS, MOST_COLUMNS = 10, 8
"""Larger matrices are summarized: the corner, the range and the norm."""
CORNER_ROWS, CORNER_COLUMNS = 3, 4


@dataclass(frozen=True)
class Numeral:
    """A number as it is shown: digits, and the power of ten beside them."""

    digits: str
    exponent: int = 0

    @property
    def negative(self) -> bool:
        """Whether it begins with a minus sign."""
        return self.digits.startswith("-")

    @property
    def value(self) -> Fraction:
        """The number that is shown, exactly; the shown one is a decimal fraction."""
        return Fraction(self.digits) * Fraction(10) ** self.exponent

    def __str__(self) -> str:
        shown = self.digits.replace("-", "−")
        power = str(self.exponent).replace("-", "−")
        return f"{shown}e{power}" if self.exponent else shown


def numeral(value: float, digits: int = SCALAR_DIGITS) -> Numeral:
    """Return a number with that many digits that count, fewer where fewer say it exactly.

    >>> print(numeral(0.0821670407), numeral(0.35), numeral(-250.0), numeral(1 / 3e8), numeral(0.0))
    0.0821670407 0.35 −250 3.33333333e−9 0
    """
    value = float(value)
    if value == 0:
        return Numeral("0")
    if not math.isfinite(value):
        return Numeral("NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞"))
    rounded = f"{value:.{digits - 1}e}"
    mantissa, _, power = rounded.partition("e")
    exponent = int(power)
    if PLAIN[0] <= abs(float(rounded)) < PLAIN[1]:
        shown = f"{Decimal(rounded):f}"
        return Numeral(_trimmed(shown) if float(rounded) == value else shown)
    return Numeral(_trimmed(mantissa) if float(rounded) == value else mantissa, exponent)


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


@dataclass(frozen=True)
class Grid:
    """A matrix as it is shown; ``None`` stands for what is left out.

    ``summary`` has the smallest and the largest entry and the root of the sum of squares, where
    something is left out.
    """

    cells: tuple[tuple[Numeral | None, ...], ...]
    shape: tuple[int, int]
    summary: tuple[Numeral, Numeral, Numeral] | None = None


def grid(matrix: ArrayLike, digits: int = MATRIX_DIGITS, most: int = MOST_COLUMNS) -> Grid:
    """Return a matrix as it is shown, whole up to ten rows and ``most`` columns.

    >>> shown = grid(np.arange(200.0).reshape(20, 10))
    >>> len(shown.cells), len(shown.cells[0]), [str(entry) for entry in shown.summary]
    (5, 6, ['0', '199', '1626.87'])
    """
    array = np.atleast_2d(np.asarray(matrix, dtype=float))
    rows, columns = array.shape
    if rows <= MOST_ROWS and columns <= most:
        whole = tuple(tuple(numeral(entry, digits) for entry in row) for row in array)
        return Grid(whole, (rows, columns))
    down, across = _shown_indices(rows, MOST_ROWS, CORNER_ROWS), _shown_indices(columns, most)
    cells = tuple(
        tuple(
            None if row is None or column is None else numeral(array[row, column], digits)
            for column in across
        )
        for row in down
    )
    measures = (float(array.min()), float(array.max()), float(np.linalg.norm(array)))
    low, high, norm = (numeral(measure, digits) for measure in measures)
    return Grid(cells, (rows, columns), (low, high, norm))


def fitting(matrix: ArrayLike, fits: Callable[[Grid], bool]) -> Grid:
    """Return a matrix as it is shown where there is little room.

    Where it does not fit its numbers have fewer digits, and where that does not suffice columns
    are left out.
    """
    ways = ((MATRIX_DIGITS, MOST_COLUMNS), (FEWER_DIGITS, MOST_COLUMNS), (FEWER_DIGITS, 5))
    shown = grid(matrix)
    for digits, most in ways:
        shown = grid(matrix, digits, most)
        if fits(shown):
            break
    return shown


def _shown_indices(length: int, most: int, first: int = CORNER_COLUMNS) -> list[int | None]:
    """Return the indices shown along one axis, None for those left out between them."""
    if length <= most:
        return list(range(length))
    return [*range(first), None, length - 1]


def aligned(shown: Sequence[str]) -> list[str]:
    """Pad numbers so that their decimal points stand below each other.

    >>> aligned(["−1.25", "10.5", "7"])
    ['−1.25', '10.5 ', ' 7   ']
    """
    split = [text.partition(".") for text in shown]
    before = max((len(head) for head, _, _ in split), default=0)
    after = max((len(point + tail) for _, point, tail in split), default=0)
    return [f"{head:>{before}}{point + tail:<{after}}" for head, point, tail in split]
