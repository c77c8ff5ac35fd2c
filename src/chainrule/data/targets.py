"""Regression or classification of the target columns, by one stated rule.

The rule, for one target column:

- text: classes;
- integers with at most ten distinct values: classes;
- other numbers: regression.

``name:class`` and ``name:number`` override it. Several targets are several outputs of a regression;
a class among several targets is an error. Classes are sorted, numbers by value and text by
code point, and labels that were integers are returned as integers, also those that float64 cannot
represent; booleans of a data frame as booleans, "True" and "FALSE" of a CSV file as they were
written. A cell of a target may not be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import FloatArray, IntArray, LabelArray
from chainrule.data.columns import decide_kinds, number_text, numbers, texts
from chainrule.data.record_fields import choice, field, number, unreadable
from chainrule.data.tables import Table
from chainrule.errors import DataError, InputError, shown
from chainrule.validation import requirement

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "ClassTarget",
    "NumberTarget",
    "TargetKind",
    "decide_targets",
    "parse_target",
    "target_from_dict",
]

TargetKind = Literal["class", "number"]
Label = str | int | float

MOST_CLASSES_OF_NUMBERS = 10
LARGEST_EXACT = 2**53
# Above both of these a text target looks like a name or a key, not like a class.
MANY_CLASSES, MANY_CLASSES_SHARE = 50, 0.5
OVERRIDE = "append ':class' or ':number' to its name to decide otherwise"


@dataclass(frozen=True)
class ClassTarget:
    """A target column of classes, with its sorted labels: two or more, all text or all numbers.

    >>> target = ClassTarget("sold", (0, 1))
    >>> target.decode([[0.2], [0.9]]).tolist()
    [0, 1]
    >>> target.probabilities([[0.25]]).tolist()
    [[0.75, 0.25]]
    """

    name: str
    labels: tuple[Label, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the target columns: this one."""
        return (self.name,)

    @property
    def n_outputs(self) -> int:
        """The width of the encoded target: 1 for two classes, else one column per class."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    def codes(self, table: Table) -> IntArray:
        """Return each row's class as its position in ``labels``, shape (rows,).

        Raises DataError for a missing cell and for a label that is not one of the classes.
        """
        import polars as pl

        _refuse_missing(table, self.name)
        if _are_booleans(self.labels):
            found = _booleans(table.series(self.name))
            unknown = found.is_null().to_numpy()
            codes = found.fill_null(0).to_numpy().astype(np.int64)
        elif isinstance(self.labels[0], str) or _are_beyond_exact(self.labels):
            cells = texts(table, self.name)
            # An Enum's physical values are the positions of its categories.
            found = cells.cast(
                pl.Enum([str(label) for label in self.labels]), strict=False
            ).to_physical()
            unknown = found.is_null().to_numpy()
            codes = found.fill_null(0).to_numpy().astype(np.int64)
        else:
            values = numbers(table, self.name)
            allowed = np.array(self.labels, dtype=np.float64)
            codes = np.minimum(np.searchsorted(allowed, values), len(allowed) - 1).astype(np.int64)
            unknown = allowed[codes] != values
        wrong = np.flatnonzero(unknown)
        if len(wrong):
            row = int(wrong[0])
            cell = table.series(self.name)[row]
            listed = ", ".join(shown(label) for label in self.labels[:12])
            more = f" and {len(self.labels) - 12} more" if len(self.labels) > 12 else ""
            raise DataError(
                f"{table.location(row, self.name)}: {shown(cell)} is not one of the classes "
                f"{listed}{more}; correct the cell or remove the row"
            )
        return codes

    def encode(self, table: Table) -> FloatArray:
        """Return the target as numbers, (rows, n_outputs).

        Two classes: one column, 1 for the second label. More: one-hot, one column per label.
        """
        codes = self.codes(table)
        if self.n_outputs == 1:
            return codes.astype(np.float64)[:, np.newaxis]
        return np.eye(len(self.labels))[codes]

    def counts(self, table: Table) -> dict[Label, int]:
        """Return how many rows each class has, in the order of the labels."""
        counts = np.bincount(self.codes(table), minlength=len(self.labels))
        return {label: int(count) for label, count in zip(self.labels, counts, strict=True)}

    def probabilities(self, outputs: ArrayLike) -> FloatArray:
        """Return a probability per class, (rows, classes), from a network's outputs.

        A single output p, (rows, 1), becomes the two columns 1 - p and p.
        """
        given = np.asarray(outputs, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != self.n_outputs:
            raise InputError(
                f"`outputs` must have the shape (rows, {self.n_outputs}), got {given.shape}. The "
                f"target {shown(self.name)} has {len(self.labels)} classes."
            )
        return np.hstack([1.0 - given, given]) if self.n_outputs == 1 else given

    def decode(self, outputs: ArrayLike) -> LabelArray:
        """Return the label of the most probable class per row; the earlier one of equals."""
        best = self.probabilities(outputs).argmax(axis=1)
        labels: LabelArray = np.array(self.labels)[best]
        return labels

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain values for JSON."""
        return {"kind": "class", "name": self.name, "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, record: object) -> ClassTarget:
        """Return the target that `to_dict` wrote; raise ModelFileError where it is damaged."""
        choice(record, "kind", ("class",))
        labels = field(record, "labels", list)
        of_text = all(isinstance(label, str) for label in labels)
        if not of_text and not (labels == [False, True] and _are_booleans(labels)):
            for label in labels:
                number(label, "labels")
        ascending = all(a < b for a, b in pairwise(labels))
        if len(labels) < 2 or not ascending:
            raise unreadable(
                f"'labels' must be two or more in ascending order, got {shown(labels)}"
            )
        return cls(field(record, "name", str), tuple(labels))


@dataclass(frozen=True)
class NumberTarget:
    """One or more target columns of numbers, an output each.

    >>> NumberTarget(("price",)).n_outputs
    1
    """

    names: tuple[str, ...]

    @property
    def n_outputs(self) -> int:
        """The width of the encoded target."""
        return len(self.names)

    def encode(self, table: Table) -> FloatArray:
        """Return the targets, (rows, n_outputs), as they are: `TargetScaler` scales them.

        Raises DataError for a missing cell and for one that is not a finite number.
        """
        for name in self.names:
            _refuse_missing(table, name)
        return np.column_stack([numbers(table, name) for name in self.names])

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain values for JSON."""
        return {"kind": "number", "names": list(self.names)}

    @classmethod
    def from_dict(cls, record: object) -> NumberTarget:
        """Return the target that `to_dict` wrote; raise ModelFileError where it is damaged."""
        choice(record, "kind", ("number",))
        names = field(record, "names", list)
        if not names or not all(isinstance(name, str) for name in names):
            raise unreadable(f"'names' must be one or more names, got {shown(names)}")
        return cls(tuple(names))


def target_from_dict(record: object) -> ClassTarget | NumberTarget:
    """Return the target of either kind that `to_dict` wrote.

    >>> target_from_dict(NumberTarget(("price",)).to_dict())
    NumberTarget(names=('price',))
    """
    if choice(record, "kind", ("class", "number")) == "class":
        return ClassTarget.from_dict(record)
    return NumberTarget.from_dict(record)


def parse_target(text: str, table: Table) -> tuple[str, TargetKind | None]:
    """Return the column and the kind that ``name``, ``name:class`` or ``name:number`` requests.

    A column whose own name ends in ``:class`` has priority. Raises DataError, with the
    nearest name, for an unknown column.

    >>> import polars
    >>> parse_target("sold:class", Table.from_frame(polars.DataFrame({"sold": [0, 1]})))
    ('sold', 'class')
    """
    name, colon, kind = text.rpartition(":")
    if text in table.columns or not colon:
        return table.series(text).name, None
    if kind not in ("class", "number"):
        if name in table.columns:
            raise InputError(
                f"target {shown(text)}: unknown kind {shown(kind)}; write '{name}:class' or "
                f"'{name}:number', or leave it out"
            )
        return table.series(text).name, None
    return table.series(name).name, cast(TargetKind, kind)


def decide_targets(table: Table, targets: str | Sequence[str]) -> ClassTarget | NumberTarget:
    """Return the kind of the target columns, by the rule of this module.

    ``targets`` are names, each with or without ``:class`` or ``:number``. Raises DataError for an
    unknown column, missing cells, one class only or a constant, InputError for a mixture of classes
    and numbers.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame(
    ...     {"species": ["b", "a", "b"], "grade": [3, 1, 2], "price": [9.5, 3.25, 1.0]}))
    >>> decide_targets(table, "species")
    ClassTarget(name='species', labels=('a', 'b'))
    >>> decide_targets(table, "grade").labels
    (1, 2, 3)
    >>> decide_targets(table, ["grade:number", "price"])
    NumberTarget(names=('grade', 'price'))
    """
    if not table.decided:
        table = decide_kinds(table)
    requested = [
        parse_target(text, table) for text in ([targets] if isinstance(targets, str) else targets)
    ]
    names = [name for name, _ in requested]
    if not names:
        raise InputError(requirement("targets", "one or more names of columns", targets))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"target {shown(twice)} is named twice; name every target once")
    for name in names:
        _refuse_missing(table, name)
    kinds = [kind or _natural_kind(table, name) for name, kind in requested]
    if "class" not in kinds:
        for name in names:
            _refuse_constant(table, name)
        return NumberTarget(tuple(names))
    if len(names) > 1:
        name = names[kinds.index("class")]
        raise InputError(
            f"target {shown(name)} is of classes, but {len(names)} targets are named; classes are "
            f"predicted for one target at a time: name it alone, or {OVERRIDE}"
        )
    return _class_target(table, names[0], explicit=requested[0][1] == "class")


def _natural_kind(table: Table, name: str) -> TargetKind:
    """Return the kind of a decided target column without missing cells."""
    import polars as pl

    if table.series(name).dtype == pl.String:
        return "class"
    values = table.series(name).unique().to_numpy()
    few = len(values) <= MOST_CLASSES_OF_NUMBERS
    return "class" if few and bool(np.all(values == np.floor(values))) else "number"


def _class_target(table: Table, name: str, *, explicit: bool) -> ClassTarget:
    import polars as pl

    series = table.series(name)
    reading = None if table.reading is None else table.reading.column(name)
    labels: tuple[Label, ...]
    if reading is not None and reading.kind == "boolean":
        values = np.unique(numbers(table, name)).astype(int).tolist()
        both = (False, True) if reading.labels == "boolean" else reading.words
        labels = tuple(both[value] for value in values)
    elif reading is not None and reading.labels == "integer":
        labels = tuple(sorted(map(int, texts(table, name).unique().to_list())))
    elif series.dtype == pl.Float64:
        values = np.unique(numbers(table, name)).tolist()
        labels = tuple(int(value) if value.is_integer() else value for value in values)
    else:
        labels = tuple(sorted(texts(table, name).unique().to_list()))
    if len(labels) == 1:
        raise DataError(
            f"{table.source}: the target {shown(name)} has one class only, {shown(labels[0])}, in "
            f"all {table.n_rows} rows; give rows of at least two classes"
        )
    many = max(MANY_CLASSES, MANY_CLASSES_SHARE * table.n_rows)
    if len(labels) > many and not explicit:
        raise DataError(
            f"{table.source}: the target {shown(name)} has {len(labels)} different values in "
            f"{table.n_rows} rows, like a name or a key; name another target, or {OVERRIDE}"
        )
    return ClassTarget(name, labels)


def _are_booleans(labels: Sequence[Label]) -> bool:
    """Return whether labels are false and true, as booleans or as text in any case."""
    types = {type(label) for label in labels}
    lower = tuple(str(label).lower() for label in labels)
    return len(types) == 1 and types <= {bool, str} and lower == ("false", "true")


def _are_beyond_exact(labels: Sequence[Label]) -> bool:
    return any(isinstance(label, int) and abs(label) > LARGEST_EXACT for label in labels)


def _booleans(series: pl.Series) -> pl.Series:
    """Return 0 for false and 1 for true, null elsewhere, of text or of numbers."""
    import polars as pl

    if series.dtype == pl.Float64:
        return series.set(~series.is_in([0.0, 1.0]).fill_null(True), None)
    lower = series.str.strip_chars().str.to_lowercase()
    return pl.select(
        pl.when(lower == "true").then(1.0).when(lower == "false").then(0.0)
    ).to_series()


def _refuse_missing(table: Table, name: str) -> None:
    import polars as pl

    series = table.series(name)
    missing = series.is_null()
    if not table.decided and series.dtype == pl.String:
        missing = missing | (series.str.strip_chars() == "")
    rows = np.flatnonzero(missing.to_numpy())
    if len(rows):
        raise DataError(
            f"{table.location(int(rows[0]), name)}: the target is missing, in "
            f"{len(rows)} of {table.n_rows} rows; fill the cells or remove the rows"
        )


def _refuse_constant(table: Table, name: str) -> None:
    values = numbers(table, name)
    if values.min() == values.max():
        raise DataError(
            f"{table.source}: the target {shown(name)} is {number_text(values[0])} in all "
            f"{table.n_rows} rows, so there is nothing to learn; give rows that differ, or another "
            "target"
        )
