"""Numbers as a worked example shows them: digits that count, columns that add up.

Everything is computed unrounded; only what is shown is rounded.  ``Figure`` is a number as it is
printed, ``Grid`` a matrix of them, whole or a corner with a summary, ``Ledger`` a sum whose shown
parts add up to the shown total exactly, what rounding took away being a line of its own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

SCALAR_DIGITS, MATRIX_DIGITS = 9, 6
"""Digits that count, of a single number and of a number in a matrix."""
FEWER_DIGITS = 4
"""Digits of a number in a matrix that would be too wide with more."""
PLAIN = (1e-4, 1e6)
"""Numbers of a size between these are written without a power of ten."""
MOST_ROWS, MOST_COLUMNS = 10, 8
"""Larger matrices are summarized: the corner, the range and the norm."""
CORNER_ROWS, CORNER_COLUMNS = 3, 4

Array = NDArray[Any]
Label = TypeVar("Label")


@dataclass(frozen=True)
class Figure:
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


def figure(value: float, digits: int = SCALAR_DIGITS) -> Figure:
    """Return a number with that many digits that count, fewer where fewer say it exactly.

    >>> print(figure(0.0821670407), figure(0.35), figure(-250.0), figure(1 / 3e8), figure(0.0))
    0.0821670407 0.35 −250 3.33333333e−9 0
    """
    value = float(value)
    if value == 0:
        return Figure("0")
    if not math.isfinite(value):
        return Figure("NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞"))
    rounded = f"{value:.{digits - 1}e}"
    mantissa, _, power = rounded.partition("e")
    exponent = int(power)
    if PLAIN[0] <= abs(float(rounded)) < PLAIN[1]:
        shown = f"{Decimal(rounded):f}"
        return Figure(_trimmed(shown) if float(rounded) == value else shown)
    return Figure(_trimmed(mantissa) if float(rounded) == value else mantissa, exponent)


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


@dataclass(frozen=True)
class Grid:
    """A matrix as it is shown; ``None`` stands for what is left out.

    ``summary`` has the smallest and the largest entry and the root of the sum of squares, where
    something is left out.
    """

    cells: tuple[tuple[Figure | None, ...], ...]
    shape: tuple[int, int]
    summary: tuple[Figure, Figure, Figure] | None = None


def grid(matrix: Any, digits: int = MATRIX_DIGITS, most: int = MOST_COLUMNS) -> Grid:
    """Return a matrix as it is shown, whole up to ten rows and ``most`` columns.

    >>> shown = grid(np.arange(200.0).reshape(20, 10))
    >>> len(shown.cells), len(shown.cells[0]), [str(entry) for entry in shown.summary]
    (5, 6, ['0', '199', '1626.87'])
    """
    array = np.atleast_2d(np.asarray(matrix, dtype=float))
    rows, columns = array.shape
    if rows <= MOST_ROWS and columns <= most:
        whole = tuple(tuple(figure(entry, digits) for entry in row) for row in array)
        return Grid(whole, (rows, columns))
    down, across = _places(rows, MOST_ROWS, CORNER_ROWS), _places(columns, most)
    cells = tuple(
        tuple(
            None if row is None or column is None else figure(array[row, column], digits)
            for column in across
        )
        for row in down
    )
    measures = (float(array.min()), float(array.max()), float(np.linalg.norm(array)))
    low, high, norm = (figure(measure, digits) for measure in measures)
    return Grid(cells, (rows, columns), (low, high, norm))


def fitting(matrix: Any, fits: Callable[[Grid], bool]) -> Grid:
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


def _places(length: int, most: int, first: int = CORNER_COLUMNS) -> list[int | None]:
    """Return the places shown along one side, None for those left out between them."""
    if length <= most:
        return list(range(length))
    return [*range(first), None, length - 1]


@dataclass(frozen=True)
class Part(Generic[Label]):
    """One part of a sum: what it is, its value, and how it is shown."""

    label: Label
    value: float
    shown: Figure


@dataclass(frozen=True)
class Ledger(Generic[Label]):
    """A sum that can be added up by hand.

    The shown parts and ``unshown``, what rounding to the shown digits took away, add up to the
    shown total exactly, as decimal fractions.  ``remainder`` is what separates the unrounded
    parts from the unrounded total: the rounding of the floating-point sum.
    """

    parts: tuple[Part[Label], ...]
    total: float
    shown: Figure
    unshown: Figure
    remainder: float

    @property
    def adds_up(self) -> bool:
        """Whether the shown column gives the shown total."""
        column = sum((part.shown.value for part in self.parts), start=self.unshown.value)
        return column == self.shown.value


def ledger(
    parts: Sequence[tuple[Label, float]], total: float, digits: int = SCALAR_DIGITS
) -> Ledger[Label]:
    """Return the parts of a total, all shown to the same decimal place.

    >>> sum_ = ledger([("a", 1 / 3), ("b", 1 / 3), ("c", 1 / 3)], 1.0, digits=4)
    >>> [str(part.shown) for part in sum_.parts], str(sum_.unshown), str(sum_.shown)
    (['0.333', '0.333', '0.333'], '0.001', '1.000')
    """
    values = [float(value) for _, value in parts]
    if not all(map(math.isfinite, (*values, total))):
        shown = tuple(Part(label, float(value), figure(value)) for label, value in parts)
        return Ledger(shown, total, figure(total), Figure("0"), 0.0)
    largest = max(map(abs, (*values, total)), default=0.0)
    size = math.floor(math.log10(largest)) if largest else 0
    exponent = 0 if not largest or PLAIN[0] <= largest < PLAIN[1] else size
    places = digits - 1 - size + exponent
    quantum = Fraction(10) ** (size - digits + 1)
    whole = round(Fraction(total) / quantum)
    counts = [round(Fraction(value) / quantum) for value in values]

    def shown_as(count: int) -> Figure:
        return Figure(f"{Decimal(count).scaleb(-places):.{places}f}", exponent)

    exact = sum(map(Fraction, values), start=Fraction(0))
    return Ledger(
        tuple(
            Part(label, value, shown_as(count) if value else Figure("0"))
            for (label, _), value, count in zip(parts, values, counts, strict=True)
        ),
        total,
        shown_as(whole),
        Figure("0") if whole == sum(counts) else shown_as(whole - sum(counts)),
        float(Fraction(total) - exact),
    )


def aligned(shown: Sequence[str]) -> list[str]:
    """Pad numbers so that their decimal points stand below each other.

    >>> aligned(["−1.25", "10.5", "7"])
    ['−1.25', '10.5 ', ' 7   ']
    """
    split = [text.partition(".") for text in shown]
    before = max((len(head) for head, _, _ in split), default=0)
    after = max((len(point + tail) for _, point, tail in split), default=0)
    return [f"{head:>{before}}{point + tail:<{after}}" for head, point, tail in split]
