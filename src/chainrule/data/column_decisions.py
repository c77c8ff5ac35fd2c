"""What kind a column is of, decided from all of its cells, by one stated rule.

1. A column whose kind is declared, or stated by the type of a data frame, has that kind.
2. Every cell a plain number (what Python's ``float`` reads, ASCII digits): numeric. Codes are text:
   whole numbers of which one has a leading zero, or one that float64 cannot represent.
3. Common marks of missing (NA, null, ?, -, nan, ...) are missing where the other cells are
   numbers, booleans or dates; among text they are text.
4. Every other cell true or false: boolean. A date: date. A number with the same unit: numeric.
5. Numbers that can be read in two ways, and columns that are nearly numbers or nearly dates, are an
   error that names a row: a mistyped cell is more likely than a column of categories.
6. Otherwise categorical.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from chainrule.data.cells import (
    LARGEST,
    blanked,
    extremes,
    read_stripped,
    refuse_unusable,
    stripped,
)
from chainrule.data.column_reading import ColumnReading, ReadingKind
from chainrule.data.date_decisions import date_reading
from chainrule.data.date_texts import looks_like_dates
from chainrule.data.number_decisions import numeric_form
from chainrule.data.number_texts import (
    HEXADECIMAL,
    MARKS_OF_MISSING,
    PLAIN,
    parts_of,
    readable,
    signs_of,
)
from chainrule.data.remarks import Remark
from chainrule.data.tables import Table
from chainrule.errors import DataError, shown

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Declared", "decided_column"]

NEARLY = 0.9
LARGEST_EXACT = 2.0**53
INT64 = 2**63
_AMOUNT = r"[0-9]+(?:[.,][0-9]+)?\s?(?:d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)"
_OF_TEXT = {
    "hexadecimal": HEXADECIMAL,
    "clock_times": r"^[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?\s?(?:[AaPp]\.?[Mm]\.?)?$",
    "durations": rf"^(?:{_AMOUNT}\s?)+$",
}
"""What looks like numbers and is text, by the key of a remark."""
LEADING_ZEROS, BEYOND = "leading_zeros", "beyond"


@dataclass(frozen=True)
class Declared:
    """What is declared for one column: its kind, marks of missing, decimal sign, form of dates."""

    kind: ReadingKind | None = None
    marks: tuple[str, ...] = ()
    decimal: str | None = None
    date_form: str | None = None

    @classmethod
    def of(cls, kind: str | None, marks: tuple[str, ...], decimal: str | None) -> Declared:
        """Return what a kind as the user states it declares.

        >>> Declared.of("date_dmy", (), None)
        Declared(kind='date', marks=(), decimal=None, date_form='dmy')
        """
        read, _, form = (kind or "").partition("_")
        return cls(cast(ReadingKind, read) if kind else None, marks, decimal, form or None)


Decided = tuple[ColumnReading, "list[pl.Series] | None"]
"""A reading and the columns that become of it, where they were computed on the way."""

MOST_DIGITS = 300
"""Of a whole number: Python reads no text of more than 4,300 digits, and floats end at 309."""


def decided_column(table: Table, name: str, series: pl.Series, declared: Declared) -> Decided:
    """Return how a column of an undecided table is read; raise DataError where it cannot be."""
    import polars as pl

    plain = ColumnReading(name, "numeric", marks=declared.marks)
    categorical = replace(plain, kind="categorical")
    if declared.kind == "drop":
        return replace(plain, kind="drop"), []
    if declared.kind == "categorical":
        return categorical, None
    stated = table.types.get(name)
    series = blanked(series, declared.marks)
    if series.dtype == pl.Float64:
        if declared.kind == "date":
            raise DataError(
                f"{table.source}: column {shown(name)} holds numbers, but is declared as dates; "
                "give dates as text (2020-03-31), or declare it numeric"
            )
        refuse_unusable(table, name, series, series)
        return (plain if series.null_count() < len(series) else replace(plain, kind="empty")), [
            series
        ]
    if declared.kind is None:
        if stated == "category":
            return categorical, None
        if stated == "boolean":
            return replace(plain, kind="boolean", labels="boolean"), None
    read, cells = read_stripped(series)
    if cells.null_count() == len(cells):
        return replace(plain, kind="empty"), [read]
    if (
        declared.kind != "date"
        and read.null_count() == cells.null_count()
        and not (declared.decimal == "," and cells.str.contains(".", literal=True).any())
        and all(map(math.isfinite, extremes(read)))
    ):
        return _of_plain_numbers(table, plain, read, cells, declared, stated)
    return _of_texts(table, plain, stripped(cells), declared)


def _of_plain_numbers(
    table: Table,
    plain: ColumnReading,
    read: pl.Series,
    cells: pl.Series,
    declared: Declared,
    stated: str | None,
) -> Decided:
    """Return the reading of text that is all plain numbers."""
    smallest, largest = extremes(read)
    if not -LARGEST <= smallest <= largest <= LARGEST:
        refuse_unusable(table, plain.name, read, cells)
    if declared.kind == "numeric":
        return plain, [read]
    categorical = replace(plain, kind="categorical")
    code = _code(cells, read, max(-smallest, largest))
    if code:
        labels = "integer" if code == BEYOND and stated != "text" and _fits(cells) else "text"
        return replace(categorical, labels=labels, remarks=(Remark(code),)), None  # type: ignore[arg-type]
    if stated == "text":
        return replace(categorical, remarks=(Remark("text_numbers"),)), None
    return plain, [read]


def _code(cells: pl.Series, read: pl.Series, largest: float) -> str:
    """Return why text of plain numbers is a code, empty where it is not; cells are not stripped.

    It is the key of a remark.
    """
    # Few cells tell most columns of fractions from columns of codes.
    some = read.head(64).drop_nulls().to_numpy()
    if np.mod(some[np.isfinite(some)], 1.0).any():
        return ""
    if _has_leading_zeros(cells):
        return LEADING_ZEROS
    if largest < LARGEST_EXACT:
        return ""
    whole = cells.drop_nulls().unique().str.strip_chars()
    if not whole.str.contains("^[+-]?[0-9]+$").all():
        return ""
    return BEYOND if any(map(_is_rounded, whole.to_list())) else ""


def _is_rounded(cell: str) -> bool:
    """Return whether a float is not the whole number of a text; no float has 300 digits."""
    return len(cell) > MOST_DIGITS or int(float(cell)) != int(cell)


def _fits(cells: pl.Series) -> bool:
    """Return whether whole numbers fit into 64 bits; NumPy has no others."""
    found = cells.drop_nulls().unique().str.strip_chars().to_list()
    return all(len(cell) < MOST_DIGITS and -INT64 <= int(cell) < INT64 for cell in found)


def _has_leading_zeros(cells: pl.Series) -> bool:
    """Return whether text of plain numbers is whole numbers, one of them with a leading zero."""
    zeros = cells.filter(cells.str.starts_with("0").fill_null(False))
    if not (zeros.str.len_bytes() > 1).any() or not zeros.str.contains("^0[0-9]").any():
        return False
    return bool(cells.str.contains(r"^\s*[0-9]+\s*$").fill_null(True).all())


def _of_texts(table: Table, plain: ColumnReading, cells: pl.Series, declared: Declared) -> Decided:
    """Return the reading of stripped cells that are not all plain numbers."""
    import polars as pl

    name = plain.name
    counted = cells.drop_nulls().alias("cell").value_counts(name="count")
    lower = counted["cell"].str.to_lowercase()
    are_marks = lower.is_in(sorted(MARKS_OF_MISSING))
    marks, rest = counted.filter(are_marks), counted.filter(~are_marks)
    categorical = replace(plain, kind="categorical")
    if rest.height == 0:
        return (replace(plain, kind="empty") if declared.kind else categorical), None
    found = rest["cell"]
    noted = _noted(marks)
    if declared.kind is None and found.str.to_lowercase().is_in(["true", "false"]).all():
        return replace(plain, kind="boolean", words=_words(found), remarks=noted), None
    dates = looks_like_dates(found)
    share = float(rest["count"].filter(dates).sum()) / float(rest["count"].sum())
    if declared.kind == "date" or (declared.kind is None and share >= NEARLY):
        form = declared.date_form
        return date_reading(table, plain, cells, found, dates, noted, form), None
    parts = parts_of(found)
    numeric = readable(parts.digits).fill_null(False)
    if not numeric.any() and declared.kind is None:
        return replace(categorical, remarks=_remarks(found)), None
    numbers = numeric_form(
        table, name, cells, rest, parts, numeric, declared.kind, declared.decimal
    )
    if numbers is None:
        return replace(categorical, remarks=_remarks(found)), None
    if declared.kind is None and numbers == PLAIN and found.str.contains("^[0-9]+$").all():
        code = _code(found, found.cast(pl.Float64), LARGEST_EXACT)
        if code:  # with marks among them the labels are text
            return replace(categorical, remarks=(Remark(code),)), None
    return replace(plain, form=numbers, remarks=(*map(Remark, signs_of(found)), *noted)), None


def _remarks(found: pl.Series) -> tuple[Remark, ...]:
    """Return what looks like numbers about the cells of a column of text."""
    return tuple(Remark(key) for key, form in _OF_TEXT.items() if found.str.contains(form).all())


def _noted(marks: pl.DataFrame) -> tuple[Remark, ...]:
    """Return which marks count as missing."""
    if marks.height == 0:
        return ()
    ordered = marks.sort("count", "cell", descending=[True, False])
    listed = ", ".join(map(shown, ordered["cell"].head(3).to_list()))
    count = int(marks["count"].sum())
    key = "marks_more" if marks.height > 3 else "marks" if count > 1 else "marks_one"
    return (Remark(key, (("marks", listed), ("count", count))),)


def _words(found: pl.Series) -> tuple[str, str]:
    """Return how false and true are written; one that does not occur is written like the other."""
    written = sorted(found.to_list())
    false = next((word for word in written if word.lower() == "false"), None)
    true = next((word for word in written if word.lower() == "true"), None)

    def like(other: str | None, word: str) -> str:
        if other is not None and other.isupper():
            return word.upper()
        return word.title() if other is not None and other.istitle() else word

    return false or like(true, "false"), true or like(false, "true")
