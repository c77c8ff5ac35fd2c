"""Numbers for people: four significant digits, and separators of thousands."""

from __future__ import annotations

import math

__all__ = ["figure", "percent"]

DIGITS = 4


def figure(value: float) -> str:
    """Return a number with four significant digits, without an exponent for common sizes.

    >>> figure(52630.4), figure(5.26304), figure(0.0123456), figure(1.5e-9), figure(-250.0)
    ('52,630', '5.263', '0.01235', '1.5e-09', '-250')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 9:
        return f"{value:.{DIGITS}g}"
    text = f"{value:,.{max(0, DIGITS - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal.

    >>> percent(28 / 30)
    '93.3 %'
    """
    return f"{100 * share:.1f} %"
