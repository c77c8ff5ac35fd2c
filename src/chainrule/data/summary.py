"""What was read, in figures: rows, columns by kind, missing cells and targets.

Counts only; cells are checked elsewhere. The command line determines the layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.data.columns import column_kinds, decide_kinds
from chainrule.data.tables import Table
from chainrule.data.targets import ClassTarget, NumberTarget
from chainrule.errors import shown
from chainrule.language.printed_phrases import Wording

__all__ = ["Summary", "summarize"]

NAMES_SHOWN = 6


@dataclass(frozen=True)
class Summary:
    """Rows, columns by kind (the targets not counted), missing cells and the targets.

    >>> import polars
    >>> table = Table.from_frame(polars.DataFrame(
    ...     {"size": [1.5, None, 2.5], "color": ["red", "red", None], "sold": ["no", "yes", "no"]}))
    >>> for line in summarize(table, ClassTarget("sold", ("no", "yes"))).lines():
    ...     print(line)
    3 rows, 3 columns: 1 numeric, 1 categorical, 1 target
    target 'sold' of 2 classes: 'no' 2, 'yes' 1
    2 missing cells: 'size' 1, 'color' 1
    """

    source: str
    n_rows: int
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    dates: tuple[str, ...]
    """Columns of dates, of which the table has several columns of numbers each."""
    empty: tuple[str, ...]
    targets: tuple[str, ...]
    missing: dict[str, int]
    """Missing cells of every column that has any, in the order of the table."""
    classes: dict[str | int | float, int] | None
    """Rows per class; None where the targets are numbers."""

    @property
    def n_columns(self) -> int:
        """The number of columns, targets included."""
        kinds = (self.numeric, self.categorical, self.dates, self.empty, self.targets)
        return sum(map(len, kinds))

    def lines(self, language: str = "en") -> list[str]:
        """Return the summary as a few plain lines of English or Chinese."""
        words = Wording("tables", language)
        kinds = [
            words(kind, count=len(names))
            for kind, names in (
                ("numeric", self.numeric),
                ("categorical", self.categorical),
                ("of_dates", self.dates),
                ("empty", self.empty),
            )
            if names
        ]
        kinds.append(words.counted("targets", len(self.targets)))
        lines = [
            words(
                "size",
                rows=words.counted("rows", self.n_rows),
                columns=words.counted("columns", self.n_columns),
                kinds=words("comma").join(kinds),
            )
        ]
        names = words("comma").join(map(shown, self.targets))
        if self.classes is None:
            lines.append(words("target_numbers", names=names))
        else:
            listed = _listed(self.classes, words)
            lines.append(
                words("target_classes", name=names, count=len(self.classes), listed=listed)
            )
        missing = sum(self.missing.values())
        if missing:
            listed = _listed(self.missing, words)
            lines.append(words.counted("missing_cells", missing, listed=listed))
        else:
            lines.append(words("none_missing"))
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON; classes as pairs, because keys in JSON cannot be numbers."""
        return {
            "source": self.source,
            "rows": self.n_rows,
            "columns": self.n_columns,
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "dates": list(self.dates),
            "empty": list(self.empty),
            "targets": list(self.targets),
            "missing": dict(self.missing),
            "classes": None
            if self.classes is None
            else [list(pair) for pair in self.classes.items()],
        }


def summarize(table: Table, target: ClassTarget | NumberTarget) -> Summary:
    """Return what was read: the whole table, before any row is held out."""
    if not table.decided:
        table = decide_kinds(table)
    readings = () if table.reading is None else table.reading.columns
    dates = {read.name: read.columns for read in readings if read.kind == "date"}
    of_dates = {part: name for name, parts in dates.items() for part in parts}
    apart = {*target.names, *of_dates}
    kinds = {name: kind for name, kind in column_kinds(table).items() if name not in apart}
    missing = {of_dates.get(n, n): table.series(n).null_count() for n in table.columns}
    return Summary(
        source=table.source,
        n_rows=table.n_rows,
        numeric=tuple(name for name, kind in kinds.items() if kind == "numeric"),
        categorical=tuple(name for name, kind in kinds.items() if kind == "categorical"),
        dates=tuple(dates),
        empty=tuple(name for name, kind in kinds.items() if kind == "empty"),
        targets=target.names,
        missing={name: count for name, count in missing.items() if count},
        classes=target.counts(table) if isinstance(target, ClassTarget) else None,
    )


def _listed(counts: Mapping[str, int] | Mapping[str | int | float, int], words: Wording) -> str:
    listed = [f"{shown(name)} {count:,}" for name, count in list(counts.items())[:NAMES_SHOWN]]
    rest = len(counts) - NAMES_SHOWN
    if rest > 0:
        listed.append(words("more_listed", count=rest))
    return words("comma").join(listed)
