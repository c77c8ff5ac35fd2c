"""Which columns are numeric and which are categorical: the convenience over `column_readings`.

`column_decisions` states the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from chainrule.data.cells import number_text, numbers, texts
from chainrule.data.column_readings import decided_table
from chainrule.data.tables import Table
from chainrule.errors import InputError, shown

__all__ = ["Kind", "column_kinds", "decide_kinds", "number_text", "numbers", "texts"]

Kind = Literal["numeric", "categorical", "empty"]


def decide_kinds(
    table: Table,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    *,
    columns: Mapping[str, str] | None = None,
    na: Sequence[str] = (),
    decimal: str | None = None,
    drop: Sequence[str] = (),
) -> Table:
    """Return the table with every column decided: Float64 for numbers, String for categories.

    Missing cells are null; ``reading`` of the result states what was decided. ``categorical`` and
    ``numeric`` name columns whose kind is declared, the other arguments are those of
    `TableReading.decide`. Raises DataError for a cell that breaks the rule and for an unknown
    column, InputError for a column that is declared twice.

    >>> import numpy, polars
    >>> raw = Table(polars.DataFrame({"age": ["31", " 8", ""], "zip": ["01067", "89073", "1"]}),
    ...             "people.csv", numpy.array([2, 3, 4]), "line", decided=False)
    >>> decide_kinds(raw).frame.rows()
    [(31.0, '01067'), (8.0, '89073'), (None, '1')]
    >>> column_kinds(decide_kinds(raw, numeric=["zip"]))
    {'age': 'numeric', 'zip': 'numeric'}
    """
    declared = dict(columns or {})
    for names, kind in ((categorical, "categorical"), (numeric, "numeric")):
        for name in names:
            if declared.setdefault(name, kind) != kind:
                table.series(name)
                raise InputError(
                    f"column {shown(name)} is declared both {declared[name]} and {kind}; choose one"
                )
    return decided_table(table, columns=declared, na=na, decimal=decimal, drop=drop)


def column_kinds(table: Table) -> dict[str, Kind]:
    """Return the kind of every column of a decided table; "empty" where every cell is missing."""
    import polars as pl

    kinds: dict[str, Kind] = {}
    for series in table.frame.get_columns():
        if series.null_count() == len(series):
            kinds[series.name] = "empty"
        else:
            kinds[series.name] = "numeric" if series.dtype == pl.Float64 else "categorical"
    return kinds
