"""Which cases of a large parametrized test run where: all of them in CI, a sample in the edit loop.

Cases carry their names, so that a failure names the one that failed.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import cycle
from typing import Any

import pytest
from hypothesis import settings

LOOP = False
"""Whether slow tests are left out (``-m "not slow"``); tests/conftest.py sets it."""


def sampled(cases: Iterable[Any], every: int, name: Callable[[Any], str] = str) -> list[Any]:
    """Return the cases as parameters; all but each ``every``-th are marked as slow."""
    return [
        pytest.param(case, id=name(case), marks=[] if number % every == 0 else pytest.mark.slow)
        for number, case in enumerate(cases)
    ]


def in_turn(cases: Iterable[Any], *others: Sequence[Any], every: int = 1) -> list[Any]:
    """Return each case with one element of every other list, taken in turn; all are in its name.

    All but each ``every``-th are marked as slow.
    """
    rows = zip(cases, *map(cycle, others), strict=False)
    return [
        pytest.param(
            *row,
            id=", ".join(map(str, row)),
            marks=[] if number % every == 0 else pytest.mark.slow,
        )
        for number, row in enumerate(rows)
    ]


def examples(count: int) -> settings:
    """Return hypothesis's settings for a number of examples; a fifth of them in the edit loop."""
    return settings(max_examples=max(10, count // 5) if LOOP else count, deadline=None)
