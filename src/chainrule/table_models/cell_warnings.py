"""The warnings of text cells that have no feature: a model predicts without them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from chainrule.errors import LONGEST_LIST, DataWarning, shown

__all__ = ["warn_of_cells"]


def warn_of_cells(
    unknown: Mapping[str, int], missing: Mapping[str, int], stacklevel: int = 3
) -> None:
    """Give a DataWarning of unknown categories, and one of missing cells, with columns and counts.

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
    for what, counts in (
        ("cells have a category that the training rows did not have", unknown),
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
