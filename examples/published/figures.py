"""Published figures as text: one is reproduced where it is met within one unit of its last digit.

A figure is typed as its source prints it, so its precision is read off the text.  One without a
decimal point is exact.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np


def unit(figure: str) -> Decimal:
    """Return the unit of the last printed digit.

    >>> unit(".298371109")
    Decimal('1E-9')
    """
    return Decimal(1).scaleb(int(Decimal(figure).as_tuple().exponent))


def agrees(found: float, figure: str) -> bool:
    """Return whether a number is within one unit of the last printed digit of a figure."""
    if not math.isfinite(found):
        return False
    allowed = unit(figure) if "." in figure else Decimal(0)
    return abs(Decimal(float(found)) - Decimal(figure)) <= allowed


@dataclass(frozen=True)
class Figure:
    """One published figure, and what was found for it."""

    what: str
    """What the source prints there, in its own letters."""
    published: str
    found: float

    @property
    def holds(self) -> bool:
        """Whether the figure is what it is claimed to be."""
        return agrees(self.found, self.published)

    @property
    def difference(self) -> str:
        """Found − published, in units of the last printed digit."""
        if "." not in self.published:
            return "0" if self.holds else f"{self.found - float(self.published):+.2g}"
        apart = (Decimal(float(self.found)) - Decimal(self.published)) / unit(self.published)
        return _signed(apart)


@dataclass(frozen=True)
class Erratum(Figure):
    """A figure that does not follow from what its source says: it has to be missed."""

    @property
    def holds(self) -> bool:
        """Whether the number found is another one, by more than rounding explains."""
        return math.isfinite(self.found) and not agrees(self.found, self.published)


@dataclass(frozen=True)
class Chance(Figure):
    """A figure of one run from a random start: another run comes near it, to ``spread``."""

    spread: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the number found is within the spread of runs."""
        return abs(self.found - float(self.published)) <= self.spread


def row(names: str | Iterable[str], found: Any, published: str) -> list[Figure]:
    """Return a figure for each number; names and published figures may be separated by blanks.

    >>> [figure.holds for figure in row("x y", [0.25, -0.5], ".25 -.5")]
    [True, True]
    """
    called = names.split() if isinstance(names, str) else list(names)
    texts, numbers = published.split(), np.ravel(found).tolist()
    return [Figure(*of_one) for of_one in zip(called, texts, numbers, strict=True)]


def _signed(apart: Decimal) -> str:
    if abs(apart) >= 100:
        return f"{apart:+,.0f}".replace("-", "−")
    return f"{apart:+.2f}".replace("-", "−")
