"""Scales from data to pixels, and their ticks: 1, 2 or 5 times a power of ten.

A linear scale ends where it is asked to, or at ticks (`Scale.around`); a logarithmic one has the
same positions for equal ratios. Values that are not finite have no position, nor have those beyond
1e300, whose differences overflow.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

LARGEST = 1e300
_LOG_RATIO = 50.0
"""Positive values whose largest is this many times the smallest have a logarithmic scale."""
_LEAST_SPAN = 1e-9
"""The smallest range, relative to the values: below it ticks would differ in the tenth digit."""


def usable(value: float) -> bool:
    """Return whether a value can be drawn: finite, and not so large that differences overflow."""
    return math.isfinite(value) and abs(value) <= LARGEST


@dataclass(frozen=True)
class Scale:
    """A scale over [low, high]; ``position`` gives the share of the way from low to high.

    >>> Scale(0.0, 10.0).position(2.5), Scale(1.0, 100.0, log=True).position(10.0)
    (0.25, 0.5)
    """

    low: float
    high: float
    log: bool = False
    step: tuple[int, int] | None = field(default=None, repr=False, compare=False)
    """The step of ticks that both ends are multiples of, as 1, 2 or 5 and an exponent of ten."""

    @classmethod
    def around(cls, values: Iterable[float], *, log: bool | None = None, most: int = 6) -> "Scale":
        """Return a scale that holds the values, up to a billionth of its range, and ends at ticks.

        With ``log`` None it is logarithmic if all values are positive and differ by a factor of
        more than 50. Values that cannot be drawn do not count.

        >>> Scale.around([0.3, 9.2])
        Scale(low=0.0, high=10.0, log=False)
        >>> Scale.around([0.003, 9.2]).ticks(6)
        [0.01, 0.1, 1.0, 10.0]
        """
        found = [value for value in values if usable(value)]
        low, high = (min(found), max(found)) if found else (0.0, 1.0)
        if log is None:
            log = low > 0.0 and high / low > _LOG_RATIO if low > 1e-290 else False
        if log:
            return cls(_tick_below(low), _tick_above(high), log=True)
        low, high = _widened(low, high)
        factor, exponent = _step(low, high, most, outward=True)
        first, last = _multiples(low, high, _times(factor, exponent), outward=True)
        ends = _times(factor * first, exponent), _times(factor * last, exponent)
        return cls(*ends, step=(factor, exponent))

    def position(self, value: float) -> float:
        """Return 0 for the low end, 1 for the high one; linear, or linear in the logarithm."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[float]:
        """Return at most ``most`` ticks within the scale; of two decades up to eight.

        >>> Scale(1.0, 37.0).ticks(5)
        [10.0, 20.0, 30.0]
        """
        if self.log:
            return _log_ticks(self.low, self.high, most)
        factor, exponent = self.step or _step(self.low, self.high, most)
        first, last = _multiples(self.low, self.high, _times(factor, exponent))
        if last - first + 1 > most:
            factor, exponent = _step(self.low, self.high, most)
            first, last = _multiples(self.low, self.high, _times(factor, exponent))
        found = [_times(factor * number, exponent) for number in range(first, last + 1)]
        return found[: max(1, most)]

    def whole_ticks(self, most: int) -> list[float]:
        """Return the ticks that are whole numbers: epochs and counts have no others."""
        found = [tick for tick in self.ticks(most) if tick == round(tick)]
        return found or [float(round((self.low + self.high) / 2))]

    def labels(self, ticks: list[float]) -> list[str]:
        """Return the texts of ticks, on a linear scale with equal digits.

        >>> Scale(0.0, 1.0).labels([0.0, 0.5, 1.0]), Scale(0.0, 2e7).labels([0.0, 1e7, 2e7])
        (['0.0', '0.5', '1.0'], ['0', '1e7', '2e7'])
        """
        if self.log or len(ticks) < 2:
            return [number_text(tick) for tick in ticks]
        spacing = min(after - before for before, after in pairwise(ticks))
        return _equal_digits(ticks, spacing)


def number_text(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits, for people.

    >>> number_text(0.034567), number_text(-1234567.0), number_text(2e-7), number_text(12000.0)
    ('0.03457', '−1.235e6', '2e−7', '12,000')
    >>> number_text(1987.0)  # years are among the numbers of four digits
    '1987'
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and not 1e-4 <= size < 1e6:
        return _tidy(f"{value:.{digits - 1}e}")
    text = _grouped(value, max(0, digits - 1 - _size(value))) if value else "0"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def _grouped(value: float, decimals: int, largest: float = 0.0) -> str:
    """Return a number with separators of thousands, from the first of five digits."""
    separator = "," if max(abs(value), largest) >= 9999.5 else ""
    return f"{value:{separator}.{decimals}f}"


def _tidy(text: str) -> str:
    """Return 1.500e-07 as 1.5e−7."""
    mantissa, _, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def _equal_digits(ticks: list[float], spacing: float) -> list[str]:
    largest = max(map(abs, ticks))
    # The exponent of the last digit that a tick has: a multiple of the spacing has no later one.
    last = _size(spacing)
    if largest >= 1e6 or largest < 1e-4:
        return [
            _tidy(f"{tick:.{max(0, _size(tick) - last)}e}") if abs(tick) > spacing / 2 else "0"
            for tick in ticks
        ]
    texts = [_grouped(tick, max(0, -last), largest) for tick in ticks]
    return [text.replace("-", "−") for text in texts]


def _size(value: float) -> int:
    """Return the exponent of the first digit, as printed: 0.1 has −1."""
    return int(f"{value:.9e}".partition("e")[2]) if value else 0


def _times(whole: int, exponent: int) -> float:
    """Return whole · 10^exponent, correctly rounded, which 0.1 · 3 is not."""
    return float(f"{whole}e{exponent}")


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return a range that is wide enough for ticks to differ."""
    least = max(abs(low), abs(high)) * _LEAST_SPAN or 1e-290
    if high - low > least:
        return low, high
    pad = max(0.1 * max(abs(low), abs(high)), 1e-290) if low or high else 0.5
    return low - pad, high + pad


def _multiples(low: float, high: float, step: float, *, outward: bool = False) -> tuple[int, int]:
    """Return the first and the last multiple of a step within a range, or just around it."""
    if outward:
        return math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)


def _step(low: float, high: float, most: int, *, outward: bool = False) -> tuple[int, int]:
    """Return the smallest step of the form 1, 2 or 5 times 10^k with at most ``most`` multiples."""
    exponent = _size((high - low) / max(1, most)) - 1
    while True:
        for factor in (1, 2, 5):
            step = _times(factor, exponent)
            if step > 0.0:
                first, last = _multiples(low, high, step, outward=outward)
                if last - first + 1 <= max(2, most):
                    return factor, exponent
        exponent += 1


def _tick_below(value: float) -> float:
    exponent = _size(value)
    return max(t for f in (1, 2, 5) if (t := _times(f, exponent)) <= value * (1 + 1e-9))


def _tick_above(value: float) -> float:
    exponent = _size(value)
    larger = [_times(f, exponent) for f in (1, 2, 5, 10)]
    return min(t for t in larger if t >= value * (1 - 1e-9))


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return powers of ten, every nth of many; of one or two decades also 2 and 5 times them."""

    def within(factor: int) -> list[float]:
        found = [_times(factor, exponent) for exponent in range(_size(low), _size(high) + 1)]
        return [tick for tick in found if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]

    decades = within(1)
    if len(decades) < 3:
        return sorted([*decades, *within(2), *within(5)])
    return decades[:: -(-len(decades) // max(1, most))]
