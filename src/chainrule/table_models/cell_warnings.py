"""The warnings of text cells that have no feature: a model predicts without them."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping

from chainrule.errors import LONGEST_LIST, DataWarning, shown

__all__ = ["warn_of_cells"]


def warn_of_cells(
    unknown: Mapping[str, int],
    missing: Mapping[str, int],
    rare: Collection[str] = (),
    stacklevel: int = 3,
) -> None:
    """Give a DataWarning of unknown categories, and one of missing cells, with columns and counts.

    ``rare`` are the columns of which training had further categories, too rare for a feature.
    ``stacklevel`` 3 is the caller of the function that calls this one.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_of_cells({"color": 2, "city": 1}, {"city": 3})
    >>> for warning in caught:
    ...     print(warning.message)
    cells have a category that the training rows did not have: 'color' 2, 'city' 1; their \
predictions are from the other columns
    text cells are missing where no training row had a missing one: 'city' 3; their predictions \
are from the other columns
    """
    new = {name: count for name, count in unknown.items() if name not in rare}
    others = {name: count for name, count in unknown.items() if name in rare}
    for what, counts in (
        ("cells have a category that the training rows did not have", new),
        (
            "cells have a category that was too rare in training to be retained, or not there",
            others,
        ),
        ("text cells are missing where no training row had a missing one", missing),
    ):
        if counts:
            warnings.warn(
                f"{what}: {_listed(counts)}; their predictions are from the other columns",
                DataWarning,
                stacklevel=stacklevel,
            )


def _listed(counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{shown(name)} {n:,}" for name, n in list(counts.items())[:LONGEST_LIST])
    rest = len(counts) - LONGEST_LIST
    return f"{listed} and {rest} more columns" if rest > 0 else listed
