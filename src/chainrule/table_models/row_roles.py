"""Columns that state something about the rows: their group, their time, their weight.

Each is the name of a column, or an array with one entry per row. A missing entry is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.arrays import FloatArray, IntArray
from chainrule.data import ClassTarget, NumberTarget, Table
from chainrule.data.columns import decide_kinds
from chainrule.data.targets import parse_target
from chainrule.errors import DataError, InputError, InputTypeError, shown
from chainrule.table_models.row_division import RowDivision
from chainrule.training.inputs import weights_of
from chainrule.validation import requirement

__all__ = ["RowRoles", "class_weights", "group_codes", "row_times", "row_weights"]

Target = ClassTarget | NumberTarget


@dataclass(frozen=True)
class RowRoles:
    """The columns or arrays that are the rows' groups, times and weights; None for none."""

    group: Any = None
    time: Any = None
    weights: Any = None

    def __post_init__(self) -> None:
        if self.group is not None and self.time is not None:
            raise InputError(
                "`group` must be None beside `time`: rows are divided by one of them. Leave one "
                "out."
            )

    def _refuse_targets(self, table: Table, targets: str | Sequence[str]) -> None:
        """Raise InputError where a column of theirs is a target."""
        listed = [targets] if isinstance(targets, str) else targets
        names = {parse_target(text, table)[0] for text in listed}
        for role, given in (("group", self.group), ("time", self.time), ("weights", self.weights)):
            if isinstance(given, str) and given in names:
                allowed = "a column that is not the target"
                raise InputError(requirement(role, allowed, given))

    def read(
        self, given: Table, targets: str | Sequence[str], drop: Sequence[str], **kinds: Any
    ) -> Table:
        """Return the table with its kinds decided, without the columns that networks do not read.

        ``kinds`` are arguments of `decide_kinds`. Raises InputError where a column of theirs is a
        target.
        """
        self._refuse_targets(given, targets)
        return decide_kinds(given, drop=[*drop, *self._no_inputs(drop)], **kinds)

    def _no_inputs(self, drop: Sequence[str]) -> list[str]:
        """Return the columns that networks do not read, beside those that are left out anyway."""
        named = [given for given in (self.group, self.weights) if isinstance(given, str)]
        return [name for name in dict.fromkeys(named) if name not in drop]

    def weights_of(
        self, given: Table, read: Table, target: Target, class_weight: Any
    ) -> FloatArray | None:
        """Return the weight of each row, (rows,), from its own and that of its class."""
        weights = None if self.weights is None else row_weights(given, self.weights)
        if class_weight is None:
            return weights
        of_classes = class_weights(target, read, class_weight)
        return of_classes if weights is None else weights * of_classes

    def division(
        self, given: Table, read: Table, target: Target, columns: Mapping[str, str] | None
    ) -> RowDivision:
        """Return how the rows are divided; ``columns`` are the declared kinds of columns."""
        return RowDivision(
            read.n_rows,
            classes=target.codes(read) if isinstance(target, ClassTarget) else None,
            labels=target.labels if isinstance(target, ClassTarget) else (),
            groups=None if self.group is None else group_codes(given, self.group),
            times=None if self.time is None else row_times(given, self.time, columns),
        )


def group_codes(table: Table, given: Any) -> IntArray:
    """Return the group of each row, (rows,), counted from 0.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame({"patient": ["b", "a", "b"]}))
    >>> group_codes(table, "patient").tolist()
    [1, 0, 1]
    """
    import polars as pl

    part = _one_column(table, given, "group")
    name = part.columns[0]
    cells = part.series(name).cast(pl.String)
    _refuse_missing(part, name, cells, "group")
    codes: IntArray = np.unique(cells.to_numpy(), return_inverse=True)[1].reshape(-1)
    return codes.astype(np.int64)


def row_times(table: Table, given: Any, declared: Mapping[str, str] | None = None) -> FloatArray:
    """Return a number for each row that grows with time, (rows,): days, or the numbers given.

    ``declared`` are the kinds of columns as in `decide_kinds`.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame({"day": ["2020-03-02", "2020-03-01"]}))
    >>> row_times(table, "day").tolist()
    [1.0, 0.0]
    """
    part = _one_column(table, given, "time")
    name = part.columns[0]
    kind = {name: declared[name]} if declared and name in declared else {}
    kind = {} if kind.get(name) == "drop" else kind
    read = part if part.decided else decide_kinds(part, columns=kind)
    reading = None if read.reading is None else read.reading.column(name)
    column = f"{name}.age" if reading is not None and reading.kind == "date" else name
    series = read.series(column)
    if not series.dtype.is_numeric():
        raise DataError(
            f"{part.location(0, name)}: {shown(part.series(name)[0])} is neither a date nor a "
            "number, so that the rows have no order in time; name a column of dates or numbers"
        )
    _refuse_missing(part, name, series, "time")
    return series.to_numpy().astype(np.float64)


def row_weights(table: Table, given: Any) -> FloatArray:
    """Return the weight of each row, (rows,), of at least 0.

    >>> import polars
    >>> row_weights(Table.from_frame(polars.DataFrame({"n": [3, 1]})), "n").tolist()
    [3.0, 1.0]
    """
    if not isinstance(given, str):
        return weights_of(given, table.n_rows, np.float64).astype(np.float64)
    part = _one_column(table, given, "weights")
    read = part if part.decided else decide_kinds(part, numeric=[given])
    series = read.series(given)
    _refuse_missing(part, given, series, "weight")
    weights = series.to_numpy().astype(np.float64)
    wrong = np.flatnonzero(weights < 0.0)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{part.location(row, given)}: {weights[row]:g} is not a weight; weights are numbers "
            "of at least 0"
        )
    return weights_of(weights, table.n_rows, np.float64, given).astype(np.float64)


def class_weights(target: Target, table: Table, given: Any) -> FloatArray:
    """Return the weight of each row from that of its class, (rows,).

    ``given`` is "balanced", by which a class has the weight rows / (classes · its rows), or a
    mapping from labels to weights; labels that it leaves out have the weight 1.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame({"y": ["a", "a", "a", "b"]}))
    >>> class_weights(ClassTarget("y", ("a", "b")), table, "balanced").round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    if not isinstance(target, ClassTarget):
        raise InputError(
            "`class_weight` must be None for targets that are numbers. Weigh rows by `weights`."
        )
    codes = target.codes(table)
    if isinstance(given, str):
        if given != "balanced":
            allowed = "'balanced' or a mapping from labels to weights"
            raise InputError(requirement("class_weight", allowed, given))
        counts = np.bincount(codes, minlength=len(target.labels))
        return (len(codes) / (len(target.labels) * np.maximum(counts, 1)))[codes]
    if not isinstance(given, Mapping):
        allowed = "'balanced' or a mapping from labels to weights"
        raise InputTypeError(requirement("class_weight", allowed, given))
    texts = {str(label): position for position, label in enumerate(target.labels)}
    weights = np.ones(len(target.labels))
    for label, weight in given.items():
        if str(label) not in texts:
            listed = ", ".join(map(shown, target.labels[:12]))
            raise InputError(requirement("class_weight", f"for the labels {listed}", label))
        weights[texts[str(label)]] = weight
    return weights_of(weights, len(weights), np.float64, "class_weight")[codes].astype(np.float64)


def _one_column(table: Table, given: Any, role: str) -> Table:
    """Return a table of the one column that is named, or of the entries that are given."""
    import polars as pl

    if isinstance(given, str):
        return table.only(given)
    array = np.asarray(given)
    if array.shape != (table.n_rows,):
        allowed = f"the name of a column, or {table.n_rows} entries, one per row"
        raise InputError(requirement(role, allowed, array.shape))
    column = pl.Series(role, array.tolist() if array.dtype.kind == "O" else array)
    made = Table.from_polars(column.to_frame(), f"`{role}`")
    return replace(made, decided=array.dtype.kind in "iufb")


def _refuse_missing(table: Table, name: str, cells: Any, role: str) -> None:
    import polars as pl

    missing = cells.is_null()
    if cells.dtype.is_float():
        missing = missing | cells.is_nan()
    if cells.dtype == pl.String:
        missing = missing | (cells.str.strip_chars() == "")
    rows = np.flatnonzero(missing.to_numpy())
    if len(rows):
        raise DataError(
            f"{table.location(int(rows[0]), name)}: the {role} is missing; fill the cell or remove "
            "the row"
        )
