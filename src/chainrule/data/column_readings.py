"""How every column of a table is read: decided once, on the training table, and applied again.

`TableReading.decide` looks at all cells of all columns (the rule: `column_decisions`),
`TableReading.apply` makes of any later table one whose columns are only Float64 or String.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from chainrule.data.cells import checked_numbers
from chainrule.data.column_decisions import Declared, decided_column
from chainrule.data.column_reading import ColumnReading
from chainrule.data.record_fields import field, unreadable
from chainrule.data.tables import ColumnKind, Table
from chainrule.errors import DataError, InputError, shown
from chainrule.validation import requirement

__all__ = ["ColumnReading", "TableReading", "decided_table"]

DECLARABLE = get_args(ColumnKind)


@dataclass(frozen=True)
class TableReading:
    """The readings of a table's columns, in the order of the table.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame({"price": ["$1,200.50", "$3"], "n": [1, 2]}))
    >>> reading = TableReading.decide(table)
    >>> reading.lines
    ("price: currency $, thousands separator ',', read as numbers",)
    >>> reading.apply(table).frame.rows()
    [(1200.5, 1.0), (3.0, 2.0)]
    >>> TableReading.from_dict(reading.to_dict()) == reading
    True
    """

    columns: tuple[ColumnReading, ...]

    @classmethod
    def decide(
        cls,
        table: Table,
        *,
        columns: Mapping[str, str] | None = None,
        na: Sequence[str] = (),
        decimal: str | None = None,
        drop: Sequence[str] = (),
    ) -> TableReading:
        """Decide how the columns of a table are read.

        ``columns`` declares the kind of columns by name: "numeric", "categorical", "date",
        "date_dmy" or "date_mdy" (the day or the month is first), or "drop"; ``drop`` names columns
        to leave out, ``na`` further marks of missing, ``decimal`` the decimal sign. Raises
        DataError for an unknown column and for cells that cannot be decided, InputError for
        declarations that contradict each other.
        """
        made = decided_table(table, columns=columns, na=na, decimal=decimal, drop=drop)
        if made.reading is None:
            raise InputError("`table` must be undecided, as it was read. Give the table as it was.")
        return made.reading

    @property
    def lines(self) -> tuple[str, ...]:
        """One line of English for each column that is not plain numbers or plain text."""
        return self.lines_in("en")

    def lines_in(self, language: str) -> tuple[str, ...]:
        """Return a line of a language for each column that is not plain numbers or plain text."""
        return tuple(filter(None, (column.line_in(language) for column in self.columns)))

    def column(self, name: str) -> ColumnReading | None:
        """Return the reading of a column, or None where there is none of that name."""
        return next((column for column in self.columns if column.name == name), None)

    def sources(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the columns of the file from which the named columns of a decided table come."""
        wanted = set(names)
        return tuple(c.name for c in self.columns if not wanted.isdisjoint(c.columns))

    def apply(self, table: Table, only: Iterable[str] | None = None) -> Table:
        """Return the table as decided; columns without a reading are left out.

        ``only`` are the names of columns of the result that have to fit: no other cells are looked
        at, and other columns stay as they are, so that messages can name them. Raises DataError for
        the first cell that does not fit. A decided table is returned as it is.
        """
        import polars as pl

        if table.decided:
            return table
        wanted = {c.name for c in self.columns} if only is None else set(self.sources(only))
        present = set(table.columns)
        made: list[pl.Series] = []
        for column in self.columns:
            if column.name in wanted and column.name in present:
                made.extend(column.apply(table))
            elif column.name in wanted and column.kind == "date" and only is not None:
                raise DataError(
                    f"{table.source}: the column {shown(column.name)} of dates is missing; add it, "
                    "or rename the column that holds them"
                )
        if only is not None:
            names = {series.name for series in made} | wanted
            made.extend(s for s in table.frame.get_columns() if s.name not in names)
        return table.with_columns(pl.DataFrame(made), self)

    def to_dict(self) -> dict[str, Any]:
        """Return the readings as plain values for JSON."""
        return {"columns": [column.to_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, record: object) -> TableReading:
        """Return what `to_dict` wrote; raise ModelFileError where it is damaged."""
        columns = tuple(map(ColumnReading.from_dict, field(record, "columns", list)))
        names = [name for column in columns for name in column.columns]
        if len(set(names)) < len(names):
            raise unreadable(f"columns must be named once, got {shown(names)}")
        return cls(columns)


def decided_table(
    table: Table,
    *,
    columns: Mapping[str, str] | None = None,
    na: Sequence[str] = (),
    decimal: str | None = None,
    drop: Sequence[str] = (),
) -> Table:
    """Decide and apply at once, without reading plain numbers twice; the table has the reading.

    A table that is decided is checked and returned with the declared kinds alone.
    """
    import polars as pl

    kinds = _declared(table, columns or {}, drop)
    marks = _marks(na)
    if decimal not in (None, ".", ","):
        raise InputError(requirement("decimal", "'.' or ','", decimal))
    if table.decided and not kinds and not marks:
        for name in table.columns:
            if table.series(name).dtype == pl.Float64:
                checked_numbers(table, name)
        return table
    if table.decided:
        stated = {n: "category" for n in table.columns if table.series(n).dtype == pl.String}
        table = table.undecided(stated)
    readings, made = [], []
    for series in table.frame.get_columns():
        declared = Declared.of(kinds.get(series.name), marks, decimal)
        reading, decided = decided_column(table, series.name, series, declared)
        readings.append(reading)
        made.extend(reading.apply(table) if decided is None else decided)
    _refuse_collisions(table, readings)
    if not made:
        raise DataError(f"{table.source}: all columns are left out; leave fewer out")
    return table.with_columns(pl.DataFrame(made), TableReading(tuple(readings)))


def _declared(table: Table, columns: Mapping[str, str], drop: Sequence[str]) -> dict[str, str]:
    """Return the declared kind by column, every name and kind checked."""
    kinds = dict(columns)
    for name, kind in kinds.items():
        if kind not in DECLARABLE:
            allowed = ", ".join(map(repr, DECLARABLE))
            raise InputError(f"the kind of column {shown(name)} must be one of {allowed}, got "
                             f"{shown(kind)}. For example, give 'categorical'.")  # fmt: skip
    for name in drop:
        if kinds.setdefault(name, "drop") != "drop":
            raise InputError(
                f"column {shown(name)} is declared {kinds[name]} and to be left out; choose one"
            )
    for name in kinds:
        table.series(name)
    return kinds


def _marks(na: Sequence[str]) -> tuple[str, ...]:
    given: tuple[object, ...] = (na,) if isinstance(na, str) else tuple(na)
    marks = tuple(mark.strip() for mark in given if isinstance(mark, str))
    if len(marks) < len(given) or not all(marks):
        raise InputError(requirement("na", "texts that mark a missing value", na))
    return marks


def _refuse_collisions(table: Table, readings: Sequence[ColumnReading]) -> None:
    names: set[str] = set()
    for reading in readings:
        for name in reading.columns:
            if name in names:
                raise DataError(
                    f"{table.source}: the column {shown(reading.name)} becomes {shown(name)} and "
                    "others, but a column has that name; rename one of them"
                )
            names.add(name)
