"""From a table to the matrix that a network reads, fitted on the training rows alone.

- Numbers: a missing cell becomes the median of the training rows; then x ↦ (x - center) / scale
  with mean and deviation, or "robust" with the median and the range of the middle half, followed
  by x ↦ x / √(1 + (x/3)²), which keeps every value within ±3.
- A robust column with missing cells has a second feature, 1 where the cell is missing.
- Text: one-hot, categories sorted; missing is a category of its own where the training rows
  have missing cells. A category that the training rows do not have is all zeros, and counted, as
  is a missing cell where they have none.
- Dropped, and reported by name with the reason: columns that are empty or constant in the training
  rows, and text that looks like a name or a key (more than 50 categories, and more than one to
  every two cells). Of other text at most the 200 most frequent categories get a feature each.

At prediction columns are found by name: their order is irrelevant, and others are ignored.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from chainrule.arrays import BoolArray, FloatArray, IntArray
from chainrule.data.columns import column_kinds, decide_kinds, numbers, texts
from chainrule.data.record_fields import choice, field, number, unreadable
from chainrule.data.scaling import mean_and_deviation, middle_range
from chainrule.data.tables import Table
from chainrule.errors import DataError, nearest, shown

if TYPE_CHECKING:
    import polars as pl

    from chainrule.data.column_readings import TableReading

__all__ = [
    "CategoricalColumn",
    "DroppedColumn",
    "NumericColumn",
    "Preprocessor",
    "Transformed",
]

Reason = Literal["empty", "constant", "identifier"]
REASONS: tuple[Reason, ...] = ("empty", "constant", "identifier")
# Above both of these, text looks like a name or a key: one-hot features would only number the rows.
MANY_CATEGORIES, MANY_CATEGORIES_SHARE = 50, 0.5
MOST_CATEGORIES = 200


class Transformed(NamedTuple):
    """The matrix for a network, and the counts of filled, unknown and missing cells by column."""

    matrix: FloatArray
    filled: dict[str, int]
    """Missing numbers that became the median."""
    unknown: dict[str, int]
    """Text cells of a category that has no feature."""
    missing: dict[str, int]
    """Missing text cells of columns that had none in training: they have no feature either."""


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers, and its scaling; if ``marked``, missing cells have a feature.

    ``binary`` is whether it has two values only.

    The center and the scale are the training rows' mean and population deviation, or if it is
    ``robust`` their median and the range of their middle half.
    """

    name: str
    center: float
    scale: float
    median: float
    robust: bool = False
    marked: bool = False
    binary: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of its feature, and of the one for missing cells."""
        return (self.name, f"{self.name}=(missing)") if self.marked else (self.name,)

    def scaled(self, values: FloatArray) -> FloatArray:
        """Return values, (rows,), as the network takes them."""
        z: FloatArray = (values - self.center) / self.scale
        return _clipped(z) if self.robust else z


@dataclass(frozen=True)
class CategoricalColumn:
    """A column of text: the categories that have a feature, sorted, None (missing) last.

    ``rare`` is the number of rarer ones in the training rows, which have none.
    """

    name: str
    categories: tuple[str | None, ...]
    rare: int = 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per category, ``color=red``."""
        return tuple(
            f"{self.name}=(missing)" if category is None else f"{self.name}={category}"
            for category in self.categories
        )


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is not used, and why: it is empty, constant or an identifier."""

    name: str
    reason: Reason


@dataclass(frozen=True)
class Preprocessor:
    """The fitted mapping from a table's cells to features; frozen, and stored in the model file.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame({
    ...     "size": [1.0, 3.0, None, 4.0], "color": ["red", "blue", "red", "red"],
    ...     "unit": ["m", "m", "m", "m"]}))
    >>> preprocessor = Preprocessor.fit(table)
    >>> preprocessor.feature_names
    ('size', 'color=blue', 'color=red')
    >>> preprocessor.dropped
    (DroppedColumn(name='unit', reason='constant'),)
    >>> preprocessor.transform(table).shape
    (4, 3)
    >>> preprocessor.apply(table).filled
    {'size': 1}
    """

    columns: tuple[NumericColumn | CategoricalColumn, ...]
    dropped: tuple[DroppedColumn, ...] = ()

    @classmethod
    def fit(
        cls,
        table: Table,
        exclude: Collection[str] = (),
        *,
        rows: IntArray | None = None,
        robust: bool = False,
    ) -> Preprocessor:
        """Fit on the training rows: the positions ``rows`` of a table, or all that it has.

        ``robust`` chooses the scaling of numbers. ``exclude`` names the columns that are not
        features: the targets. Decide the kinds of the columns on the whole table before it is
        split (`columns.decide_kinds`); an undecided table is decided here. Raises DataError where
        no column is left to learn from.
        """
        if not table.decided:
            table = decide_kinds(table)
        for name in exclude:
            table.series(name)
        columns: list[NumericColumn | CategoricalColumn] = []
        dropped: list[DroppedColumn] = []
        for name in table.columns:
            if name in exclude:
                continue
            # Column by column: the training rows of a large table are as large as its file.
            part = table.only(name) if rows is None else table.only(name).take(rows)
            kind = column_kinds(part)[name]
            fitted: NumericColumn | CategoricalColumn | DroppedColumn
            if kind == "empty":
                fitted = DroppedColumn(name, "empty")
            elif kind == "numeric":
                fitted = _fit_numbers(name, numbers(part, name), robust=robust)
            else:
                fitted = _fit_texts(texts(part, name))
            if isinstance(fitted, DroppedColumn):
                dropped.append(fitted)
            else:
                columns.append(fitted)
        if not columns:
            why = "; ".join(f"{shown(d.name)} is {_worded(d.reason)}" for d in dropped[:5])
            raise DataError(
                f"{table.source}: no column is left to learn from"
                f"{f' ({why})' if why else ' beside the target'}; give at least one column of "
                "numbers or categories that varies"
            )
        return cls(tuple(columns), tuple(dropped))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the matrix's columns."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def sources(self, reading: TableReading | None) -> tuple[str, ...]:
        """Return the columns of the file from which the features come, as it was read."""
        names = tuple(column.name for column in self.columns)
        return names if reading is None else reading.sources(names)

    @property
    def rare(self) -> dict[str, int]:
        """The number of categories without a feature, by the columns that have such."""
        columns = (column for column in self.columns if isinstance(column, CategoricalColumn))
        return {column.name: column.rare for column in columns if column.rare}

    @property
    def n_features(self) -> int:
        """The width of the matrix."""
        return sum(len(column.feature_names) for column in self.columns)

    @cached_property
    def numeric_features(self) -> tuple[int, ...]:
        """The columns of the matrix with more than two values, not those of categories."""
        found, start = [], 0
        for column in self.columns:
            if isinstance(column, NumericColumn) and not column.binary:
                found.append(start)
            start += len(column.feature_names)
        return tuple(found)

    def transform(self, table: Table) -> FloatArray:
        """Return the features, float64 and C-contiguous, (rows, n_features)."""
        return self.apply(table).matrix

    def apply(self, table: Table) -> Transformed:
        """Return the features with the counts of cells that were filled, unknown or missing.

        Give a CSV file's table undecided, as it was read: the fitted columns determine which are
        numeric. Raises DataError for a missing column, with the nearest name, and for a cell that
        is not a finite number in a numeric column.
        """
        self._refuse_missing_columns(table)
        matrix = np.zeros((table.n_rows, self.n_features))
        filled: dict[str, int] = {}
        unknown: dict[str, int] = {}
        without: dict[str, int] = {}
        start = 0
        for column in self.columns:
            if isinstance(column, NumericColumn):
                values = numbers(table, column.name)
                missing = np.isnan(values)
                values[missing] = column.median
                matrix[:, start] = column.scaled(values)
                if column.marked:
                    matrix[:, start + 1] = missing
                _count(filled, column.name, missing)
            else:
                cells = texts(table, column.name)
                codes = _codes(cells, column.categories)
                known = np.flatnonzero(codes >= 0)
                matrix[known, start + codes[known]] = 1.0
                missing = cells.is_null().to_numpy()
                _count(unknown, column.name, (codes < 0) & ~missing)
                _count(without, column.name, (codes < 0) & missing)
            start += len(column.feature_names)
        return Transformed(matrix, filled, unknown, without)

    def _refuse_missing_columns(self, table: Table) -> None:
        present = set(table.columns)
        missing = [column.name for column in self.columns if column.name not in present]
        if not missing:
            return
        suggestion = nearest(missing[0], present - {column.name for column in self.columns})
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        remedy = f"rename {shown(suggestion)}?" if suggestion else "add it."
        raise DataError(
            f"{table.source}: the model needs the column {shown(missing[0])}{others}, which is "
            f"missing; {remedy} The model's columns: "
            f"{', '.join(shown(column.name) for column in self.columns[:12])}"
            f"{', ...' if len(self.columns) > 12 else ''}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the preprocessing as plain values for JSON, every float exact."""
        return {
            "columns": [
                {
                    "kind": "numeric",
                    "name": column.name,
                    "center": column.center,
                    "scale": column.scale,
                    "median": column.median,
                    "robust": column.robust,
                    "marked": column.marked,
                    "binary": column.binary,
                }
                if isinstance(column, NumericColumn)
                else {
                    "kind": "categorical",
                    "name": column.name,
                    "categories": list(column.categories),
                    "rare": column.rare,
                }
                for column in self.columns
            ],
            "dropped": [{"name": d.name, "reason": d.reason} for d in self.dropped],
        }

    @classmethod
    def from_dict(cls, record: object) -> Preprocessor:
        """Return what `to_dict` wrote; raise ModelFileError where it is damaged."""
        columns = tuple(_column_from(item) for item in field(record, "columns", list))
        dropped = tuple(
            DroppedColumn(field(item, "name", str), cast(Reason, choice(item, "reason", REASONS)))
            for item in field(record, "dropped", list)
        )
        names = [column.name for column in columns]
        if not names or len(set(names)) < len(names):
            raise unreadable(f"'columns' must be one or more, each named once, got {shown(names)}")
        return cls(columns, dropped)


def _fit_numbers(name: str, values: FloatArray, *, robust: bool) -> NumericColumn | DroppedColumn:
    """Fit the scaling to values, (rows,), after the median is filled in, in place.

    The features of the training rows then have mean 0 and deviation 1, if not ``robust``.
    """
    missing = np.isnan(values)
    # Halved, because the mean of two middle values beyond 1e307 would overflow.
    median = 2.0 * float(np.median(0.5 * values[~missing]))
    values[missing] = median
    marked = robust and bool(missing.any())
    center, scale = mean_and_deviation(values)
    if robust and scale:
        center, scale = median, middle_range(values)
    if scale == 0.0:
        return DroppedColumn(name, "constant")
    binary = bool(((values == values.min()) | (values == values.max())).all())
    return NumericColumn(name, center, scale, median, robust, marked, binary)


def _clipped(z: FloatArray) -> FloatArray:
    """Return z / √(1 + (z/3)²), without the overflow of a square."""
    return z / np.hypot(1.0, z / 3.0)


def _fit_texts(cells: pl.Series) -> CategoricalColumn | DroppedColumn:
    present = cells.drop_nulls().alias("cell")
    counted = present.value_counts(name="count")
    if len(counted) > max(MANY_CATEGORIES, MANY_CATEGORIES_SHARE * len(present)):
        return DroppedColumn(cells.name, "identifier")
    # By name first, so that equally frequent categories have a fixed order.
    ranked = counted.sort("cell").sort("count", descending=True, maintain_order=True)
    categories: list[str | None] = sorted(ranked["cell"].head(MOST_CATEGORIES).to_list())
    if len(present) < len(cells):
        categories.append(None)
    if len(categories) == 1:
        return DroppedColumn(cells.name, "constant")
    return CategoricalColumn(cells.name, tuple(categories), max(0, len(ranked) - MOST_CATEGORIES))


def _codes(cells: pl.Series, categories: tuple[str | None, ...]) -> IntArray:
    """Return each cell's index among the categories, (rows,), -1 where it is none of them."""
    import polars as pl

    named = [category for category in categories if category is not None]
    found = cells.cast(pl.Enum(named), strict=False).to_physical().cast(pl.Int64)
    if None in categories:
        found = found.set(cells.is_null(), len(named))
    return found.fill_null(-1).to_numpy().astype(np.int64)


def _count(counts: dict[str, int], name: str, which: BoolArray) -> None:
    """Store how many entries of (rows,) are true, unless none is."""
    if which.any():
        counts[name] = int(which.sum())


def _worded(reason: Reason) -> str:
    return {"empty": "empty", "constant": "constant", "identifier": "a name or a key"}[reason]


def _column_from(record: object) -> NumericColumn | CategoricalColumn:
    name = field(record, "name", str)
    if choice(record, "kind", ("numeric", "categorical")) == "numeric":
        center, scale, median = (
            number(field(record, key, object), key) for key in ("center", "scale", "median")
        )
        if scale <= 0.0:
            raise unreadable(f"'scale' must be positive, got {shown(scale)}")
        flags = (field(record, key, bool) for key in ("robust", "marked", "binary"))
        return NumericColumn(name, center, scale, median, *flags)
    categories = field(record, "categories", list)
    named = categories[:-1] if categories and categories[-1] is None else categories
    of_text = all(isinstance(category, str) for category in named)
    if not categories or not of_text or len(set(named)) < len(named):
        raise unreadable(f"'categories' must be different texts, got {shown(categories)}")
    rare = field(record, "rare", int) if "rare" in cast(dict[str, Any], record) else 0
    if rare < 0:  # the first files do not have it
        raise unreadable(f"'rare' must be a number of categories, got {shown(rare)}")
    return CategoricalColumn(name, tuple(categories), rare)
