"""Sums that add up as printed: the shown parts and a rounding remainder give the shown total."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Generic, TypeVar

from chainrule.documents.numerals import PLAIN, SCALAR_DIGITS, Numeral, numeral

Label = TypeVar("Label")


@dataclass(frozen=True)
class LedgerEntry(Generic[Label]):
    """One part of a sum: what it is, its value, and how it is shown."""

    label: Label
    value: float
    shown: Numeral


@dataclass(frozen=True)
class Ledger(Generic[Label]):
    """A sum that can be added up by hand.

    The shown parts and ``unshown``, what rounding to the shown digits took away, add up to the
    shown total exactly, as decimal fractions.  ``remainder`` is what separates the unrounded
    parts from the unrounded total: the rounding of the floating-point sum.
    """

    parts: tuple[LedgerEntry[Label], ...]
    total: float
    shown: Numeral
    unshown: Numeral
    remainder: float

    @property
    def adds_up(self) -> bool:
        """Whether the shown column gives the shown total."""
        column = sum((part.shown.value for part in self.parts), start=self.unshown.value)
        return column == self.shown.value


def ledger(
    parts: Sequence[tuple[Label, float]], total: float, digits: int = SCALAR_DIGITS
) -> Ledger[Label]:
    """Return the parts of a total, all shown with the same number of decimals.

    >>> sum_ = ledger([("a", 1 / 3), ("b", 1 / 3), ("c", 1 / 3)], 1.0, digits=4)
    >>> [str(part.shown) for part in sum_.parts], str(sum_.unshown), str(sum_.shown)
    (['0.333', '0.333', '0.333'], '0.001', '1.000')
    """
    values = [float(value) for _, value in parts]
    if not all(map(math.isfinite, (*values, total))):
        shown = tuple(LedgerEntry(label, float(value), numeral(value)) for label, value in parts)
        return Ledger(shown, total, numeral(total), Numeral("0"), 0.0)
    largest = max(map(abs, (*values, total)), default=0.0)
    size = math.floor(math.log10(largest)) if largest else 0
    exponent = 0 if not largest or PLAIN[0] <= largest < PLAIN[1] else size
    decimals = digits - 1 - size + exponent
    quantum = Fraction(10) ** (size - digits + 1)
    whole = round(Fraction(total) / quantum)
    counts = [round(Fraction(value) / quantum) for value in values]

    def shown_as(count: int) -> Numeral:
        return Numeral(f"{Decimal(count).scaleb(-decimals):.{decimals}f}", exponent)

    exact = sum(map(Fraction, values), start=Fraction(0))
    return Ledger(
        tuple(
            LedgerEntry(label, value, shown_as(count) if value else Numeral("0"))
            for (label, _), value, count in zip(parts, values, counts, strict=True)
        ),
        total,
        shown_as(whole),
        Numeral("0") if whole == sum(counts) else shown_as(whole - sum(counts)),
        float(Fraction(total) - exact),
    )
