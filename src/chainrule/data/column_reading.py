"""How one column is read: its kind, and how its cells are written. Frozen, stored in model files.

A reading that was decided on a training table is applied to every later one: a cell that does not
fit is an error that names its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from chainrule.data.cells import (
    LEAVE_EMPTY,
    blanked,
    checked_numbers,
    is_usable,
    not_a_number,
    number_text,
    read_stripped,
    refuse_unusable,
    stripped,
    texts,
)
from chainrule.data.date_texts import FORMS, PARTS, date_parts, has_offset
from chainrule.data.date_texts import parse_certain as parse_dates
from chainrule.data.number_texts import (
    MARKS_OF_MISSING,
    MULTIPLIERS,
    PLAIN,
    NumberForm,
    readings_of,
)
from chainrule.data.number_texts import parse_certain as parse_numbers
from chainrule.data.reading_texts import AS_STATED, date_words, decision, form_words, offset_words
from chainrule.data.record_fields import choice, field, unreadable
from chainrule.data.remarks import Remark
from chainrule.data.tables import Table
from chainrule.errors import DataError, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ColumnReading", "ReadingKind"]

ReadingKind = Literal["numeric", "categorical", "boolean", "date", "empty", "drop"]
KINDS = ("numeric", "categorical", "boolean", "date", "empty", "drop")
BOOLEANS = ("false", "true")


@dataclass(frozen=True)
class ColumnReading:
    """The kind of a column and how its cells are written.

    ``marks`` are declared marks of missing; the common ones (NA, null, ?, ...) are accepted in all
    columns but categorical ones. ``words`` are the texts of false and true of a boolean column, as
    they were written, and ``labels`` is what its cells are as labels of a target. ``date_form``,
    ``times``, ``earliest`` (an ISO date) and ``zone`` belong to dates: the offset from UTC, in
    minutes, that all cells have, whose hours are read; else they are those of UTC. ``remarks`` are
    what was found beside these.

    >>> reading = ColumnReading("price", "numeric", NumberForm(unit="$"))
    >>> ColumnReading.from_dict(reading.to_dict()) == reading
    True
    >>> print(reading.line)
    price: currency $, read as numbers
    >>> print(reading.line_in("zh"))
    price：货币 $，读作数值
    """

    name: str
    kind: ReadingKind
    form: NumberForm = PLAIN
    marks: tuple[str, ...] = ()
    labels: Literal["text", "integer", "boolean"] = "text"
    words: tuple[str, str] = ("false", "true")
    date_form: str = "iso"
    times: bool = False
    earliest: str = ""
    zone: int = 0
    remarks: tuple[Remark, ...] = ()

    @property
    def line(self) -> str:
        """The decision in one line of English; empty for plain numbers and plain text."""
        return self.line_in("en")

    def line_in(self, language: str) -> str:
        """Return the decision in one line of a language, with the column's name."""
        text = self.decision(language)
        return f"{self.name}{'：' if language == 'zh' else ': '}{text}" if text else ""

    def decision(self, language: str) -> str:
        """Return the decision in words; empty for plain numbers and plain text."""
        return decision(self, language)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that become of it."""
        if self.kind == "drop":
            return ()
        if self.kind != "date":
            return (self.name,)
        return tuple(f"{self.name}.{part}" for part in PARTS if part != "hour" or self.times)

    def apply(self, table: Table) -> list[pl.Series]:
        """Return the columns that become of the table's column, each Float64 or String.

        Raises DataError for the first cell that does not fit.
        """
        import polars as pl

        if self.kind == "drop":
            return []
        series = blanked(table.series(self.name), self.marks)
        if self.kind == "empty":
            return [pl.Series(self.name, [None] * len(series), dtype=pl.Float64)]
        if self.kind == "numeric":
            return [self._numbers(table, series)]
        if self.kind == "boolean":
            return [self._booleans(table, series)]
        if self.kind == "date":
            dates = self._dates(table, series) + timedelta(minutes=self.zone)
            return date_parts(dates, self.earliest, times=self.times).get_columns()
        return [texts(table.with_columns(series.to_frame()), self.name)]

    def _numbers(self, table: Table, series: pl.Series) -> pl.Series:
        import polars as pl

        if series.dtype == pl.Float64:
            return checked_numbers(table.with_columns(series.to_frame()), self.name)
        if self.form == PLAIN:
            read, cells = read_stripped(series)
            if read.null_count() == cells.null_count() and (
                is_usable(read) or read.is_finite().all()
            ):
                refuse_unusable(table, self.name, read, cells)
                return read
        cells = stripped(series)
        read = self._mapped(cells, lambda unique: parse_numbers(unique, self.form), pl.Float64)
        wrong = _first(cells.is_not_null() & read.is_null() & ~_are_marks(cells))
        if wrong is not None:
            raise self._not_a_number(table, cells, wrong)
        refuse_unusable(table, self.name, read, cells)
        return read

    def _not_a_number(self, table: Table, cells: pl.Series, row: int) -> DataError:
        if cells[row : row + 1].cast(float, strict=False).is_infinite().any():
            refuse_unusable(table, self.name, cells.cast(float, strict=False), cells)
        readings = readings_of(cells[row])
        if len(readings) > 1:
            either = " or ".join(map(number_text, readings))
            return DataError(
                f"{table.location(row, self.name)}: {shown(cells[row])} may be {either}, and the "
                f"training table does not show which; write it without separators, or {LEAVE_EMPTY}"
            )
        if self.form == PLAIN and not readings:
            return not_a_number(table, self.name, row, cells[row])
        return DataError(
            f"{table.location(row, self.name)}: {shown(cells[row])} is not a number as in the "
            f"training table ({', '.join(form_words(self.form)) or 'plain numbers'}); write it so, "
            f"or {LEAVE_EMPTY}"
        )

    def _booleans(self, table: Table, series: pl.Series) -> pl.Series:
        import polars as pl

        if series.dtype == pl.Float64:
            cells = series
            read = series.set(~series.is_in([0.0, 1.0]).fill_null(True), None)
            wrong = _first(series.is_not_null() & read.is_null())
        else:
            cells = stripped(series)
            lower = cells.str.to_lowercase()
            values = pl.select(
                pl.when(lower == "true").then(1.0).when(lower == "false").then(0.0)
            ).to_series()
            read = values.alias(self.name)
            wrong = _first(cells.is_not_null() & read.is_null() & ~_are_marks(cells))
        if wrong is not None:
            raise DataError(
                f"{table.location(wrong, self.name)}: {shown(cells[wrong])} is neither true nor "
                f"false, but the column is of booleans; correct the cell, or {LEAVE_EMPTY}"
            )
        return read

    def _dates(self, table: Table, series: pl.Series) -> pl.Series:
        import polars as pl

        kind = pl.Datetime("us")
        cells = series.cast(pl.String) if series.dtype == pl.Float64 else stripped(series)
        # ISO dates are what data frames write.
        read = self._mapped(cells, lambda unique: parse_dates(unique, self.date_form), kind)
        wrong = _first(cells.is_not_null() & read.is_null() & ~_are_marks(cells))
        if wrong is not None:
            raise DataError(
                f"{table.location(wrong, self.name)}: {shown(cells[wrong])} is not a date "
                f"({date_words(self.date_form)}), but the column is of dates; correct the cell, or "
                f"{LEAVE_EMPTY}"
            )
        if self.zone:
            self._refuse_without_offset(table, cells, read)
        return read

    def _refuse_without_offset(self, table: Table, cells: pl.Series, read: pl.Series) -> None:
        has = self._mapped(cells, has_offset, bool)
        wrong = _first(read.is_not_null() & ~has)
        if wrong is not None:
            raise DataError(
                f"{table.location(wrong, self.name)}: {shown(cells[wrong])} has no offset from "
                f"UTC, but all cells of the training table have {offset_words(self.zone)}; add the "
                "offset of this time"
            )

    def _mapped(self, cells: pl.Series, function: Any, kind: Any) -> pl.Series:
        """Return the function of every cell, which is computed once for equal cells."""
        import polars as pl

        unique = cells.drop_nulls().unique()
        if len(unique) == 0:
            return pl.Series(self.name, [None] * len(cells), dtype=kind)
        read = function(unique)
        return cells.replace_strict(unique, read, default=None, return_dtype=kind).alias(self.name)

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain values for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "decimal": self.form.decimal,
            "thousands": self.form.thousands,
            "unit": self.form.unit,
            "multipliers": list(self.form.multipliers),
            "marks": list(self.marks),
            "labels": self.labels,
            "words": list(self.words),
            "date_form": self.date_form,
            "times": self.times,
            "earliest": self.earliest,
            "zone": self.zone,
            "why": self.decision("en"),  # the first readers of this format ask for it
            "remarks": [remark.to_dict() for remark in self.remarks],
        }

    @classmethod
    def from_dict(cls, record: object) -> ColumnReading:
        """Return the reading that `to_dict` wrote; raise ModelFileError where it is damaged."""
        marks, words = field(record, "marks", list), field(record, "words", list)
        if not all(isinstance(text, str) for text in (*marks, *words)):
            raise unreadable(f"'marks' and 'words' must be texts, got {shown([*marks, *words])}")
        if tuple(word.lower() for word in words) != BOOLEANS:
            raise unreadable(f"'words' must be false and true, got {shown(words)}")
        kind = cast(ReadingKind, choice(record, "kind", KINDS))
        earliest = field(record, "earliest", str)
        if kind == "date" and not _is_iso_date(earliest):
            raise unreadable(f"'earliest' must be a date, got {shown(earliest)}")
        decimal = choice(record, "decimal", (".", ","))
        thousands = choice(record, "thousands", ("", ",", ".", " ", "'"))
        if decimal == thousands:
            raise unreadable(f"'thousands' must differ from 'decimal', got {shown(thousands)}")
        return cls(
            field(record, "name", str),
            kind,
            NumberForm(decimal, thousands, field(record, "unit", str), _multipliers(record)),
            tuple(marks),
            cast(Any, choice(record, "labels", ("text", "integer", "boolean"))),
            (words[0], words[1]),
            choice(record, "date_form", FORMS),
            field(record, "times", bool),
            earliest,
            _zone(record),
            _remarks(record),
        )


def _multipliers(record: object) -> tuple[str, ...]:
    """Return the multipliers of a record; the first files have none."""
    if not isinstance(record, dict) or "multipliers" not in record:
        return ()
    marks = field(record, "multipliers", list)
    if not all(mark in list(MULTIPLIERS) for mark in marks):
        raise unreadable(f"'multipliers' must be among {list(MULTIPLIERS)}, got {shown(marks)}")
    return tuple(marks)


def _zone(record: object) -> int:
    """Return the offset of a record from UTC; the first files have none."""
    if not isinstance(record, dict) or "zone" not in record:
        return 0
    zone = field(record, "zone", int)
    if abs(zone) >= 100 * 60:  # two digits of hours
        raise unreadable(f"'zone' must be an offset in minutes, got {shown(zone)}")
    return int(zone)


def _remarks(record: object) -> tuple[Remark, ...]:
    """Return the remarks of a record; the first files have the decision as one text."""
    if isinstance(record, dict) and "remarks" in record:
        return tuple(map(Remark.from_dict, field(record, "remarks", list)))
    why = field(record, "why", str)
    return (Remark(AS_STATED, (("text", why),)),) if why else ()


def _is_iso_date(text: str) -> bool:
    """Return whether a text is a date as `datetime.isoformat` writes it, without polars.

    A model loads in a forked process too, where polars' threads no longer answer.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None).isoformat() == text
    except ValueError:
        return False


def _are_marks(cells: pl.Series) -> pl.Series:
    """Return which stripped cells are common marks of missing."""
    return cells.str.to_lowercase().is_in(sorted(MARKS_OF_MISSING)).fill_null(False)


def _first(which: pl.Series) -> int | None:
    rows = np.flatnonzero(which.fill_null(False).to_numpy())
    return int(rows[0]) if len(rows) else None
