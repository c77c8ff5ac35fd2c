"""Named columns of numbers or text, with the position of each row in the source.

A Table holds a polars DataFrame whose columns are only ever ``Float64`` or ``String``, missing
cells being null, and stores the position of each row in its source, so that a message can name the
line of the file. A CSV file's cells stay text (``decided`` is False) until `columns.decide_kinds`
determines which columns are numeric. Columns of Parquet files and data frames have a type, which
``types`` retains where the cells do not show it.

Errors: names that are empty or appear twice, and cells that are neither numbers nor text (lists,
structures, bytes, durations). Dates, times, booleans and integers that float64 cannot represent
become text, as they are in a CSV file, so that one rule decides about all formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.arrays import IntArray
from chainrule.data.forked_processes import refuse_dead_threads
from chainrule.data.unpacked_sizes import LONGEST_CELL
from chainrule.errors import DataError, InputTypeError, one_line, shown, unknown_name

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw
    import polars as pl

    from chainrule.data.column_readings import TableReading

__all__ = ["ColumnKind", "Table"]

ColumnKind = Literal["numeric", "categorical", "date", "date_dmy", "date_mdy", "drop"]
"""What a column can be declared to be; dmy: the day is first, mdy: the month is."""
LARGEST_EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Table:
    """Rows and named columns, with the position in the source of every row.

    ``rows[i]`` is the number of row i in messages: its line in the file as an editor counts
    (``row_word`` "line"; the line on which it starts, where a quoted cell spans several), or its
    position counting from 0 (``row_word`` "row") for a data frame or Parquet file, which have no
    lines.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame({"age": [31, 8], "city": ["Ulm", None]}))
    >>> table.n_rows, table.columns
    (2, ('age', 'city'))
    >>> table.take([1]).location(0, "city")
    "the table, row 1, column 'city'"
    """

    frame: pl.DataFrame
    source: str
    rows: IntArray
    row_word: Literal["line", "row"]
    decided: bool
    types: Mapping[str, str] = field(default_factory=dict)
    """The type of a data frame's column, where it is "text", "category" or "boolean"."""
    reading: TableReading | None = None
    """How the columns were read, where the table is decided."""

    def __post_init__(self) -> None:
        refuse_dead_threads(self.source)

    @classmethod
    def from_frame(cls, frame: Any, source: str = "the table") -> Table:
        """Make a Table from a polars, pandas or pyarrow table (or another that narwhals supports).

        The columns keep the kind that their type states: a column of text that is all plain numbers
        stays text. Cells that the frame's own library treats as
        missing (NaN in pandas) are missing. Raises InputTypeError unless ``frame`` is a data frame.
        """
        import narwhals.stable.v2 as nw

        refuse_dead_threads(source)
        try:
            wrapped: nw.DataFrame[Any] = nw.from_native(frame, eager_only=True)
            names = [str(name) for name in wrapped.columns]
        except TypeError as error:
            raise InputTypeError(
                f"{source}: must be a data frame of polars, pandas or pyarrow in memory, "
                f"got {type(frame).__name__}; convert it (for a lazy frame, call collect())"
            ) from error
        except Exception as error:  # the classes of narwhals' errors depend on its version
            raise DataError(
                f"{source}: cannot be read as a data frame ({one_line(error)}); "
                "give every column a unique name"
            ) from error
        refuse_names(names, source)
        if wrapped.implementation.is_polars() or wrapped.implementation.is_pyarrow():
            in_polars = wrapped.to_polars()
        else:
            in_polars = _by_columns(wrapped, source)
        return cls.from_polars(
            in_polars.rename(dict(zip(in_polars.columns, names, strict=True))), source
        )

    @classmethod
    def from_polars(cls, frame: pl.DataFrame, source: str) -> Table:
        """Make a Table from a polars DataFrame, its types brought to Float64 and String."""
        refuse_names(frame.columns, source)
        if frame.width == 0 or frame.height == 0:
            raise DataError(
                f"{source}: has {frame.height} rows and {frame.width} columns; "
                "give at least one of each"
            )
        import polars as pl

        columns = frame.get_columns()
        plain = pl.DataFrame([_plain(series, source) for series in columns])
        refuse_long_cells(plain, lambda row: f"{source}, row {row}")
        return cls(
            frame=plain,
            source=source,
            rows=np.arange(frame.height, dtype=np.int64),
            row_word="row",
            decided=False,
            types={series.name: stated for series in columns if (stated := _type(series))},
        )

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the source."""
        return tuple(self.frame.columns)

    @property
    def n_rows(self) -> int:
        """The number of rows, the header not counted."""
        return self.frame.height

    def series(self, name: str) -> pl.Series:
        """Return one column; raise DataError with the nearest name where it does not exist."""
        if name not in self._names:
            was = None if self.reading is None else self.reading.column(name)
            if was is not None and was.kind == "date":
                raise DataError(
                    f"{self.source}: column {shown(name)} holds dates, which are inputs only; name "
                    "a column of numbers, such as the days from a date"
                )
            unknown = unknown_name("column", name, self.columns, DataError)
            raise DataError(f"{self.source}: {unknown}")
        return self.frame.get_column(name)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.columns)

    def location(self, row: int, column: str | None = None) -> str:
        """Return the location of a cell or a row, with which a message about it begins."""
        at_row = f"{self.source}, {self.row_word} {self.rows[row]}"
        return at_row if column is None else f"{at_row}, column {shown(column)}"

    def take(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> Table:
        """Return the table of the given rows (from 0), which retain their numbers in the source."""
        positions = np.asarray(rows, dtype=np.int64)
        return replace(self, frame=self.frame[positions], rows=self.rows[positions])

    def blocks(self, most: int) -> Iterator[Table]:
        """Yield the table in parts of at most so many rows, which share its memory."""
        for start in range(0, self.n_rows, most):
            rows = self.rows[start : start + most]
            yield replace(self, frame=self.frame.slice(start, len(rows)), rows=rows)

    def only(self, name: str) -> Table:
        """Return the table of one column; raise DataError where it does not exist."""
        types = {name: self.types[name]} if name in self.types else {}
        return replace(self, frame=self.series(name).to_frame(), types=types, reading=None)

    def with_columns(self, frame: pl.DataFrame, reading: TableReading | None = None) -> Table:
        """Return the same rows with other cells, whose kinds are now decided."""
        return replace(self, frame=frame, decided=True, types={}, reading=reading)

    def undecided(self, types: Mapping[str, str]) -> Table:
        """Return the same cells as a table that is to be decided again."""
        return replace(self, decided=False, types=types, reading=None)


def refuse_names(names: Sequence[str], where: str) -> None:
    """Raise DataError where a column's name is empty or appears a second time."""
    first: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise DataError(
                f"{where}: column {position} of {len(names)} has no name; name it, or write "
                "the table without it if it is the index of a data frame"
            )
        if name in first:
            raise DataError(
                f"{where}: columns {first[name]} and {position} are both named {shown(name)}; "
                "give every column a unique name"
            )
        first[name] = position
        if len(name) > LONGEST_CELL:
            raise DataError(
                f"{where}: the name of column {position} has {len(name)} characters; give it a "
                f"name of at most {LONGEST_CELL}"
            )


def refuse_long_cells(frame: pl.DataFrame, where: Callable[[int], str]) -> None:
    """Raise DataError for the first cell that is too long to be a value; ``where`` names its row.

    Cells are stored in model files, messages and pages.
    """
    import polars as pl

    longest = frame.select(pl.col(pl.String).str.len_bytes().max())
    for name, length in zip(longest.columns, longest.row(0) if longest.width else (), strict=True):
        if length is not None and length > LONGEST_CELL:
            lengths = frame[name].str.len_bytes()
            row = int(np.flatnonzero((lengths > LONGEST_CELL).fill_null(False).to_numpy())[0])
            raise DataError(
                f"{where(row)}, column {shown(name)}: the cell has {lengths[row]} bytes, at most "
                f"{LONGEST_CELL} can be read; shorten it, or write the table without the column"
            )


def _plain(series: pl.Series, source: str) -> pl.Series:
    """Return the column as Float64 or String, or raise DataError."""
    import polars as pl

    kind = series.dtype
    if kind.is_integer() and _beyond(series.min(), series.max()):
        return series.cast(pl.String)
    if kind.is_numeric() or kind == pl.Null:
        return series.cast(pl.Float64)
    if kind == pl.String:
        return series
    if kind in (pl.Boolean, pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    if kind == pl.Datetime and getattr(kind, "time_zone", None) is not None:
        return series.dt.to_string("%Y-%m-%d %H:%M:%S%.6f%:z")
    if kind in (pl.Date, pl.Datetime, pl.Time):
        return series.cast(pl.String)
    if kind == pl.Object:
        return _plain(_from_objects(series.name, series.to_list(), source), source)
    raise DataError(
        f"{source}: column {shown(series.name)} holds {kind}; a column must hold numbers, text, "
        "booleans or dates: convert the column, or leave it out"
    )


def _type(series: pl.Series) -> str | None:
    """Return the type that a column's cells do not show once they are text."""
    import polars as pl

    kind = series.dtype
    if kind == pl.Boolean:
        return "boolean"
    if kind in (pl.Categorical, pl.Enum):
        return "category"
    return "text" if kind == pl.String else None


def _beyond(*extremes: object) -> bool:
    return any(isinstance(e, int) and abs(e) > LARGEST_EXACT for e in extremes)


def _by_columns(wrapped: nw.DataFrame[Any], source: str) -> pl.DataFrame:
    """Return a polars frame of a pandas-like one without pyarrow, which is not a dependency.

    The conversion of pandas frames in polars requires pyarrow.
    """
    import narwhals.stable.v2 as nw
    import polars as pl

    columns: list[pl.Series] = []
    for name in wrapped.columns:
        series = wrapped.get_column(name)  # wrapped[0] would be a row
        missing = series.is_null().to_numpy().astype(bool)
        if series.dtype.is_integer() and _beyond(*_extremes(series)):
            whole = [
                None if gone else int(cell)
                for cell, gone in zip(series.to_list(), missing, strict=True)
            ]
            columns.append(pl.Series(str(name), whole))
            continue
        if series.dtype.is_numeric():
            numbers = np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
            column = pl.Series(str(name), numbers)
            columns.append(
                pl.select(pl.when(pl.Series(~missing)).then(column).alias(str(name))).to_series()
            )
            continue
        cells = [
            None if gone else cell for cell, gone in zip(series.to_list(), missing, strict=True)
        ]
        if series.dtype in (nw.Date, nw.Datetime, nw.Time):
            cells = [None if cell is None else str(cell) for cell in cells]
        made = _from_objects(str(name), cells, source)
        if series.dtype in (nw.Categorical, nw.Enum) and made.dtype == pl.String:
            made = made.cast(pl.Categorical)
        columns.append(made)
    return pl.DataFrame(columns)


def _extremes(series: nw.Series[Any]) -> tuple[int, int]:
    present = series.drop_nulls()
    return (int(present.min()), int(present.max())) if len(present) else (0, 0)


def _from_objects(name: str, cells: list[Any], source: str) -> pl.Series:
    """Return a column of Python objects as text, booleans or numbers, but not a mixture."""
    import polars as pl

    present = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, str) for cell in present):
        return pl.Series(name, cells, dtype=pl.String)
    if all(isinstance(cell, bool | np.bool_) for cell in present):
        return pl.Series(name, [None if c is None else bool(c) for c in cells], dtype=pl.Boolean)
    if all(isinstance(c, int | np.integer) for c in present) and _beyond(*map(int, present)):
        return pl.Series(name, [None if c is None else str(c) for c in cells], dtype=pl.String)
    if all(isinstance(c, int | float | np.number) and not isinstance(c, bool) for c in present):
        return pl.Series(name, [None if c is None else float(c) for c in cells], dtype=pl.Float64)
    kinds = sorted({type(cell).__name__ for cell in present})
    raise DataError(
        f"{source}: column {shown(name)} holds Python objects ({', '.join(kinds)}); "
        "make all of its cells numbers or all of them text"
    )
