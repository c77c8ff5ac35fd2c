"""Excel workbooks (.xlsx): the first sheet, through polars' reader, which needs fastexcel.

The first row holds the names of the columns; every one needs its own cell. Messages name rows as
Excel does. Cells have types, as in a data frame.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.tables import Table
from chainrule.data.unpacked_sizes import refuse_size
from chainrule.errors import DataError, one_line

if TYPE_CHECKING:
    import polars as pl

__all__ = ["is_workbook", "parse_workbook"]

ZIP = b"PK\x03\x04"
UNNAMED = "__UNNAMED__"
"""How fastexcel begins the name of a column whose heading is empty."""


def is_workbook(data: bytes) -> bool:
    """Return whether the bytes are those of an .xlsx file.

    >>> is_workbook(b"a,b")
    False
    """
    if not data.startswith(ZIP):
        return False
    try:
        return "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def parse_workbook(data: bytes, source: str) -> Table:
    """Return the first sheet of a workbook as a Table; raise DataError where it has no table."""
    unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    refuse_size(unpacked, len(data), source)
    if importlib.util.find_spec("fastexcel") is None:
        raise DataError(
            f"{source}: is an Excel workbook, which needs the package fastexcel; "
            'pip install "chainrule[excel]", or save the table as CSV'
        )
    frame = _frame(data, source)
    for position, name in enumerate(frame.columns, start=1):
        if name.startswith(UNNAMED) or not name.strip():
            raise DataError(
                f"{source}: column {position} of {frame.width} has no heading (its cell in the "
                "first row is empty or merged with another); write a name into every cell of the "
                "first row, and the table below it"
            )
    table = Table.from_polars(frame, source)
    return replace(table, rows=np.arange(2, 2 + frame.height, dtype=np.int64))


def _frame(data: bytes, source: str) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_excel(
            io.BytesIO(data),
            engine="calamine",
            drop_empty_rows=False,
            drop_empty_cols=False,
            raise_if_empty=False,
            infer_schema_length=None,
        )
    except Exception as error:  # the classes of fastexcel's errors are not polars'
        raise DataError(
            f"{source}: cannot be read as an Excel workbook ({one_line(error)}); "
            "save the table as CSV"
        ) from error
