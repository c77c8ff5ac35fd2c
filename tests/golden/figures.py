"""Holds numbers to published figures: one unit of the last printed digit is allowed."""

from typing import Any

import numpy as np

from examples.published.figures import agrees


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
