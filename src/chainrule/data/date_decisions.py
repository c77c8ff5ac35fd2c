"""How the dates of a column are written, decided over all of its cells."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.cells import LEAVE_EMPTY, first_row
from chainrule.data.column_reading import ColumnReading
from chainrule.data.date_texts import CERTAIN, date_form, offsets, parse, parse_certain
from chainrule.data.reading_texts import date_words
from chainrule.data.remarks import Remark
from chainrule.data.tables import Table
from chainrule.errors import DataError, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["date_reading"]


def date_reading(
    table: Table,
    plain: ColumnReading,
    cells: pl.Series,
    found: pl.Series,
    dates: pl.Series,
    noted: tuple[Remark, ...],
    stated: str | None = None,
) -> ColumnReading:
    """Return the reading of a column of dates.

    ``found`` are the different cells that are no marks of missing, ``dates`` which of them look
    like dates, ``noted`` what to state about marks, ``stated`` the form that is declared.
    Raises DataError for a cell that is no date, and where the day cannot be distinguished from the
    month.
    """
    name = plain.name
    if not dates.all():
        raise _no_date(table, name, cells, found.filter(~dates), "iso")
    form = date_form(found) if stated is None else stated
    if form is None:
        row = first_row(cells, found)
        raise DataError(
            f"{table.location(row, name)}: {shown(cells[row])} may have the day or the month "
            "first, and no cell of the column shows which; declare the column date_dmy (--column "
            "NAME:date_dmy) or date_mdy, or write dates as 2020-03-31"
        )
    read = parse_certain(found, form) if form in CERTAIN else parse(found, form)
    if read.null_count():
        raise _no_date(table, name, cells, found.filter(read.is_null()), form)
    zones = offsets(found)
    zone = zones[0] if len(zones) == 1 and zones[0] else 0
    if len(zones) > 1 and any(zones):
        noted = (Remark("offsets_differ"), *noted)
    read = read + timedelta(minutes=zone)
    earliest = read.min()
    times = bool(np.any(read.dt.time().cast(int).to_numpy()))
    return replace(
        plain,
        kind="date",
        date_form=form,
        times=times,
        earliest=earliest.isoformat(),  # type: ignore[union-attr]
        zone=zone,
        remarks=noted,
    )


def _no_date(table: Table, name: str, cells: pl.Series, others: pl.Series, form: str) -> DataError:
    row = first_row(cells, others)
    return DataError(
        f"{table.location(row, name)}: {shown(cells[row])} is not a date ({date_words(form)}), but "
        f"the column is of dates; correct the cell ({LEAVE_EMPTY}), or declare the column "
        "categorical"
    )
