"""The cells of one column: without spaces, as finite numbers, or as text.

Cells of a CSV file are text, those of data frames numbers or text. Numbers here are plain ones;
what else is a number, `number_texts` states.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data.tables import Table
from chainrule.errors import DataError, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "LARGEST",
    "LEAVE_EMPTY",
    "blanked",
    "checked_numbers",
    "extremes",
    "first_row",
    "is_usable",
    "number_text",
    "numbers",
    "read_stripped",
    "refuse_unusable",
    "stripped",
    "texts",
]

# Means, deviations, errors and the network's outputs are squared and summed.
LARGEST = 1e150
LEAVE_EMPTY = "leave the cell empty for a missing value"


def numbers(table: Table, name: str) -> FloatArray:
    """Return a column as float64 of shape (rows,), NaN where the cell is missing.

    Accepts decided and undecided tables. Raises DataError that names the first cell that is not a
    plain number.
    """
    return np.array(checked_numbers(table, name).to_numpy(), dtype=np.float64)


def texts(table: Table, name: str) -> pl.Series:
    """Return a column as text, null where missing; numbers as `number_text` writes them."""
    import polars as pl

    series = table.series(name)
    if series.dtype == pl.Float64:
        refuse_unusable(table, name, series, series)
        return pl.Series(
            name,
            [None if number is None else number_text(number) for number in series.to_list()],
            dtype=pl.String,
        )
    return stripped(series)


def number_text(number: float) -> str:
    """Return the shortest text that reads back as the number, integers without a point.

    >>> number_text(3.0), number_text(0.1), number_text(-0.0)
    ('3', '0.1', '0')
    """
    number = float(number)  # the repr of NumPy's float contains its type
    return str(int(number)) if number.is_integer() and abs(number) < 1e16 else repr(number)


def stripped(series: pl.Series) -> pl.Series:
    """Return text cells without surrounding spaces, empty ones as null."""
    cells = series.str.strip_chars()
    return cells.set(cells == "", None)


def blanked(series: pl.Series, marks: tuple[str, ...]) -> pl.Series:
    """Return the cells with null for those that are one of the declared marks of missing."""
    import polars as pl

    if not marks:
        return series
    if series.dtype == pl.String:
        cells = stripped(series)
        return cells.set(cells.is_in(list(marks)).fill_null(False), None)
    values = pl.Series(list(marks), dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    return series.set(series.is_in(values.implode()).fill_null(False), None)


def read_stripped(series: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return (numbers, cells) of text, stripping spaces only where necessary.

    The numbers are null where polars reads none; "nan" and "inf" are read. Stripping costs twice
    what reading does, and most columns have no such spaces.
    """
    import polars as pl

    read = series.cast(pl.Float64, strict=False)
    if read.null_count() == series.null_count():
        return read, series
    cells = stripped(series)
    return cells.cast(pl.Float64, strict=False), cells


def checked_numbers(table: Table, name: str) -> pl.Series:
    """Return the column as finite Float64 with nulls, or raise DataError."""
    import polars as pl

    series = table.series(name)
    if series.dtype == pl.Float64:
        refuse_unusable(table, name, series, series)
        return series
    read, cells = read_stripped(series)
    wrong = np.flatnonzero((cells.is_not_null() & read.is_null()).to_numpy())
    if len(wrong):
        row = int(wrong[0])
        raise not_a_number(table, name, row, cells[row])
    refuse_unusable(table, name, read, cells)
    return read


def not_a_number(table: Table, name: str, row: int, cell: str) -> DataError:
    """Return the error for a cell of a numeric column that is not a number."""
    return DataError(
        f"{table.location(row, name)}: {shown(cell)} is not a number, "
        f"but the column is numeric; correct the cell, or {LEAVE_EMPTY}"
    )


def refuse_unusable(table: Table, name: str, read: pl.Series, cells: pl.Series) -> None:
    """Raise DataError for the first number that is NaN, infinite or too large to be squared."""
    if is_usable(read):
        return
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


def extremes(read: pl.Series) -> tuple[float, float]:
    """Return the smallest and the largest number, NaN where a number is NaN, 0 where none is.

    NumPy takes a tenth of the time of polars for it.
    """
    values = (read.drop_nulls() if read.null_count() else read).to_numpy()
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def is_usable(read: pl.Series) -> bool:
    """Return whether all numbers are finite and small enough to be squared."""
    smallest, largest = extremes(read)
    return smallest >= -LARGEST and largest <= LARGEST


def first_row(cells: pl.Series, values: pl.Series) -> int:
    """Return the first row whose cell is one of the values; one of them has to be."""
    return int(np.flatnonzero(cells.is_in(values.implode()).fill_null(False).to_numpy())[0])
