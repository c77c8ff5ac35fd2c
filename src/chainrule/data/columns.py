"""Which columns are numeric and which are categorical, by one stated rule, and their values.

The rule, for a column of a CSV file, whose cells all come as text:

- Spaces around a cell do not count, and a cell without anything is missing.
- Every cell a number: the column is numeric. A number is what Python's ``float`` reads, without
  underscores and with ASCII digits only: ``3``, ``-0.5``, ``+.5e-3``.
- At least 90 % of the cells numbers, but not all: an error that names the first other cell, because
  a mistyped cell is more likely than a column of categories. The same holds where the other cells
  are all common marks of a missing value (NA, null, ?, nan, ...), however many.
- Otherwise the column is categorical, each distinct text a category.
- NaN, infinity and numbers beyond ±1e150, whose squares a double cannot hold, are not
  accepted: in a column that is otherwise numeric they are an error.

``categorical=[...]`` and ``numeric=[...]`` override it. The columns of data frames and Parquet
files keep the kind that their type states, unless overridden.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data.tables import Table
from chainrule.errors import DataError, InputError, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Kind", "column_kinds", "decide_kinds", "number_text", "numbers", "texts"]

Kind = Literal["numeric", "categorical", "empty"]

NUMERIC_SHARE = 0.9
# Means, deviations, errors and the network's outputs are squared and summed.
LARGEST = 1e150
NOT_FINITE = {"nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
MARKS_OF_MISSING = NOT_FINITE | {"na", "n/a", "#n/a", "<na>", "null", "none", "nil", "?", "-", "."}
LEAVE_EMPTY = "leave the cell empty for a missing value"


def decide_kinds(
    table: Table, categorical: Sequence[str] = (), numeric: Sequence[str] = ()
) -> Table:
    """Return the table with every column decided: Float64 for numbers, String for categories.

    Missing cells are null. ``categorical`` and ``numeric`` name columns whose kind is declared.
    Raises DataError for a cell that breaks the rule above and for an unknown column, InputError
    for a column that is declared twice.

    >>> import polars
    >>> raw = Table(polars.DataFrame({"age": ["31", " 8", ""], "zip": ["01067", "89073", "1"]}),
    ...             "people.csv", np.array([2, 3, 4]), "line", decided=False)
    >>> decide_kinds(raw, categorical=["zip"]).frame.rows()
    [(31.0, '01067'), (8.0, '89073'), (None, '1')]
    >>> column_kinds(decide_kinds(raw))
    {'age': 'numeric', 'zip': 'numeric'}
    """
    import polars as pl

    for name in (*categorical, *numeric):
        table.series(name)
    twice = sorted(set(categorical) & set(numeric))
    if twice:
        raise InputError(
            f"column {shown(twice[0])} is declared both categorical and numeric; choose one"
        )
    decided = []
    for name in table.columns:
        if name in categorical:
            decided.append(texts(table, name))
        elif name in numeric or table.series(name).dtype == pl.Float64:
            decided.append(_checked_numbers(table, name))
        elif table.decided:
            decided.append(texts(table, name))
        else:
            decided.append(_decided(table, name))
    return table.with_columns(pl.DataFrame(decided))


def column_kinds(table: Table) -> dict[str, Kind]:
    """Return the kind of every column of a decided table; "empty" where every cell is missing."""
    import polars as pl

    kinds: dict[str, Kind] = {}
    for name in table.columns:
        series = table.series(name)
        if series.null_count() == len(series):
            kinds[name] = "empty"
        else:
            kinds[name] = "numeric" if series.dtype == pl.Float64 else "categorical"
    return kinds


def numbers(table: Table, name: str) -> FloatArray:
    """Return a column as float64 of shape (rows,), NaN where the cell is missing.

    Accepts decided and undecided tables: at prediction the fitted model, not the file, determines
    that a column is numeric. Raises DataError that names the first cell that is not a number.
    """
    return np.array(_checked_numbers(table, name).to_numpy(), dtype=np.float64)


def texts(table: Table, name: str) -> pl.Series:
    """Return a column as text, null where missing; numbers as `number_text` writes them."""
    import polars as pl

    series = table.series(name)
    if series.dtype == pl.Float64:
        _refuse_unusable(table, name, series, series)
        return pl.Series(
            name,
            [None if number is None else number_text(number) for number in series.to_list()],
            dtype=pl.String,
        )
    return _stripped(series)


def number_text(number: float) -> str:
    """Return the shortest text that reads back as the number, integers without a point.

    >>> number_text(3.0), number_text(0.1), number_text(-0.0)
    ('3', '0.1', '0')
    """
    number = float(number)  # the repr of NumPy's float contains its type
    return str(int(number)) if number.is_integer() and abs(number) < 1e16 else repr(number)


def _stripped(series: pl.Series) -> pl.Series:
    """Return the cells without surrounding spaces, empty ones as null."""
    stripped = series.str.strip_chars()
    return stripped.set(stripped == "", None)


def _read(series: pl.Series) -> pl.Series:
    """Return what polars reads as numbers, null elsewhere; "nan" and "inf" are read too."""
    import polars as pl

    return series.cast(pl.Float64, strict=False)


def _checked_numbers(table: Table, name: str) -> pl.Series:
    """Return the column as finite Float64 with nulls, or raise DataError."""
    import polars as pl

    series = table.series(name)
    if series.dtype == pl.Float64:
        _refuse_unusable(table, name, series, series)
        return series
    read, cells = _read_stripped(series)
    wrong = np.flatnonzero((cells.is_not_null() & read.is_null()).to_numpy())
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{table.location(row, name)}: {shown(cells[row])} is not a number, "
            f"but the column is numeric; correct the cell, or {LEAVE_EMPTY}"
        )
    _refuse_unusable(table, name, read, cells)
    return read


def _read_stripped(series: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return (numbers, cells), stripping spaces only where necessary.

    Stripping costs twice what reading does, and most columns have no such spaces.
    """
    read = _read(series)
    if read.null_count() == series.null_count():
        return read, series
    cells = _stripped(series)
    return _read(cells), cells


def _refuse_unusable(table: Table, name: str, read: pl.Series, cells: pl.Series) -> None:
    # NaN compares as greater than every number.
    wrong = np.flatnonzero((read.abs() > LARGEST).fill_null(False).to_numpy())
    if not len(wrong):
        return
    row = int(wrong[0])
    if math.isfinite(read[row]):
        raise DataError(
            f"{table.location(row, name)}: {shown(cells[row])} is too large to compute with: "
            f"beyond {LARGEST:g} in magnitude; give the column in a larger unit, or {LEAVE_EMPTY}"
        )
    raise DataError(
        f"{table.location(row, name)}: {shown(cells[row])} is not a finite number; write a number, "
        f"or {LEAVE_EMPTY}"
    )


def _decided(table: Table, name: str) -> pl.Series:
    """Return the column decided by the rule of this module."""
    series = table.series(name)
    read, cells = _read_stripped(series)
    present = len(cells) - cells.null_count()
    finite = int(read.is_finite().sum() or 0)
    if finite == present:
        _refuse_unusable(table, name, read, cells)
        return read
    wrong = ~(read.is_finite().fill_null(False)) & cells.is_not_null()
    first = int(np.flatnonzero(wrong.to_numpy())[0])
    if finite and read.null_count() == cells.null_count():
        _refuse_unusable(table, name, read, cells)
    others = cells.filter(wrong).unique()
    _refuse_decimal_commas(table, name, first, others)
    if finite == 0:
        return cells
    if others.str.to_lowercase().is_in(list(MARKS_OF_MISSING)).all():
        raise DataError(
            f"{table.location(first, name)}: {shown(cells[first])} is not a number, and all other "
            f"cells are numbers or marks of a missing value; {LEAVE_EMPTY}, or declare the column "
            "categorical"
        )
    if finite >= NUMERIC_SHARE * present:
        raise DataError(
            f"{table.location(first, name)}: {shown(cells[first])} is not a number, but "
            f"{finite} of the column's {present} cells are; correct the cell ({LEAVE_EMPTY}), "
            "or declare the column categorical"
        )
    return cells


def _refuse_decimal_commas(table: Table, name: str, first: int, others: pl.Series) -> None:
    """Raise DataError where the other cells are numbers with commas; each would be a category."""
    if others.str.contains(r"^[+-]?[\d.]*,[\d,.]*\d$").all():
        raise DataError(
            f"{table.location(first, name)}: {shown(table.series(name)[first].strip())} is a "
            "number with a comma, as are all other cells that are not numbers; write numbers with "
            "a decimal point and no thousands separators, or declare the column categorical"
        )
