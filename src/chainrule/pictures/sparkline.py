"""A curve in one line of text: one character for each value, as high as the value."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.pictures.scales import LARGEST, Scale, usable

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-~=+*#"
"""For streams whose encoding has no blocks."""
_NOT_FINITE = "x"
_LOG_RATIO = 10.0


def sparkline(values: ArrayLike, width: int = 40, encoding: str | None = "utf-8") -> str:
    """Return values as characters from the lowest to the highest, at most ``width`` of them.

    Of more values each character is the mean of some, and "x" where one is not finite. Positive
    values that differ by a factor of more than 10 are shown by their logarithm. ``encoding`` is
    that of the stream; one in memory has none, and holds everything.

    >>> sparkline([8, 5, 3, 2, 1, 1.8])
    '█▅▃▂▁▂'
    >>> sparkline([8, 5, 3, 2, 1, 1.8], encoding="ascii")
    '#=-._.'
    """
    levels = BLOCKS if _holds(encoding, BLOCKS) else ASCII
    means = _means(values, max(1, width))
    found = [value for value in means if usable(value)]
    if not found:
        return _NOT_FINITE * len(means)
    low, high = min(found), max(found)
    scale = Scale(low, high, log=low > 0.0 and high / low > _LOG_RATIO) if high > low else None
    texts = []
    for value in means:
        share = scale.position(value) if scale is not None and usable(value) else 0.0
        level = levels[min(len(levels) - 1, max(0, round(share * (len(levels) - 1))))]
        texts.append(level if usable(value) else _NOT_FINITE)
    return "".join(texts)


def _holds(encoding: str | None, text: str) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _means(values: ArrayLike, width: int) -> list[float]:
    """Return at most ``width`` means of values that follow each other; NaN cannot be drawn."""
    given = np.asarray(values, dtype=np.float64)
    given = np.where(np.abs(given) <= LARGEST, given, np.nan)
    parts = np.array_split(given, min(width, max(1, len(given))))
    return [float(np.mean(part)) for part in parts if len(part)]
