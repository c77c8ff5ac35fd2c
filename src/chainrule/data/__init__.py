"""Tables in, matrices out: reading, deciding kinds and targets, preprocessing, splitting.

Order of use::

    table = decide_kinds(read_table("people.csv"))       # cells, then numbers and categories
    reading = table.reading                              # what was decided, for later tables
    target = decide_targets(table, "species")            # classes or regression
    summary = summarize(table, target)                   # what was read
    train, held_out = holdout(table.n_rows, 0.2, seed=0, classes=target.codes(table))
    preprocessor = Preprocessor.fit(table.take(train), exclude=target.names)
    X, Y = preprocessor.transform(table.take(train)), target.encode(table.take(train))

At prediction `preprocessor.apply(reading.apply(read_table(...)))` and
`target.decode(outputs)`. Of chainrule
this package imports only `errors`, `validation` and `arrays`; polars and narwhals are imported only
when a table is read.
"""

from chainrule.data.column_readings import ColumnReading, TableReading
from chainrule.data.columns import Kind, column_kinds, decide_kinds, numbers, texts
from chainrule.data.preprocessing import (
    CategoricalColumn,
    DroppedColumn,
    NumericColumn,
    Preprocessor,
    Transformed,
)
from chainrule.data.reading import TableFile, as_table, read_table
from chainrule.data.scaling import TargetScaler
from chainrule.data.splits import holdout, random_order
from chainrule.data.summary import Summary, summarize
from chainrule.data.tables import Table
from chainrule.data.targets import (
    ClassTarget,
    NumberTarget,
    TargetKind,
    decide_targets,
    parse_target,
    target_from_dict,
)

__all__ = [
    "CategoricalColumn",
    "ClassTarget",
    "ColumnReading",
    "DroppedColumn",
    "Kind",
    "NumberTarget",
    "NumericColumn",
    "Preprocessor",
    "Summary",
    "Table",
    "TableFile",
    "TableReading",
    "TargetKind",
    "TargetScaler",
    "Transformed",
    "as_table",
    "column_kinds",
    "decide_kinds",
    "decide_targets",
    "holdout",
    "numbers",
    "parse_target",
    "random_order",
    "read_table",
    "summarize",
    "target_from_dict",
    "texts",
]
