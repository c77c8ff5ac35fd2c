"""Published figures as text: one is reproduced where it is met within one unit of its last digit.

A figure is typed as its source prints it, so its precision is read off the text.  One without a
decimal point is exact.
"""

import math
from decimal import Decimal
from typing import Any

import numpy as np


def agrees(found: float, figure: str) -> bool:
    """Return whether a number is within one unit of the last printed digit of a figure."""
    if not math.isfinite(found):
        return False
    published = Decimal(figure)
    unit = Decimal(1).scaleb(int(published.as_tuple().exponent)) if "." in figure else Decimal(0)
    return abs(Decimal(float(found)) - published) <= unit


def check(found: Any, figures: str) -> None:
    """Fail unless each number agrees with its figure; figures are separated by blanks."""
    numbers = np.ravel(found).tolist()
    texts = figures.split()
    assert len(numbers) == len(texts), f"{len(numbers)} numbers came for {len(texts)} figures"
    wrong = [
        f"{number!r} was found where {text} is published"
        for number, text in zip(numbers, texts, strict=True)
        if not agrees(number, text)
    ]
    assert not wrong, "; ".join(wrong)
