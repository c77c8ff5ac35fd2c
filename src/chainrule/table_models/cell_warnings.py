"""The warning of cells whose category the training rows did not have."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from chainrule.errors import LONGEST_LIST, DataWarning, shown

__all__ = ["warn_of_unknown"]


def warn_of_unknown(unknown: Mapping[str, int], stacklevel: int = 3) -> None:
    """Give a DataWarning that names the columns and their counts, unless there are none.

    ``stacklevel`` 3 is the caller of the function that calls this one.

    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_of_unknown({"color": 2, "city": 1})
    >>> print(caught[0].message)
    cells have a category that the training rows did not have: 'color' 2, 'city' 1; their \
predictions are from the other columns
    """
    if not unknown:
        return
    listed = ", ".join(f"{shown(name)} {n:,}" for name, n in list(unknown.items())[:LONGEST_LIST])
    if len(unknown) > LONGEST_LIST:
        listed += f" and {len(unknown) - LONGEST_LIST} more columns"
    warnings.warn(
        f"cells have a category that the training rows did not have: {listed}; their predictions "
        "are from the other columns",
        DataWarning,
        stacklevel=stacklevel,
    )
