"""The data of a report: the columns, what was decided about them, and the target's distribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data import ClassTarget, NumericColumn
from chainrule.network.drawing_elements import Drawing
from chainrule.pictures.charts import bars, histogram
from chainrule.reports.report_blocks import (
    Block,
    Folded,
    Grid,
    Pictures,
    Section,
    Text,
    name_text,
    percent,
    significant,
)
from chainrule.reports.subject import Subject

if TYPE_CHECKING:
    import polars as pl

__all__ = ["data_section"]

_MOST_COLUMNS = 100
_OPEN_COLUMNS = 12
"""More columns are folded."""
_MOST_CLASSES = 30


def data_section(subject: Subject, texts: Mapping[str, str], language: str) -> Section:
    """Return the columns, the decisions and the distribution of the target."""
    blocks: list[Block] = []
    reading = subject.model.reading
    if subject.rows is not None:
        table = subject.rows.table
        columns = table.columns if reading is None else reading.columns
        blocks.append(
            Text(
                texts["data_size"].format(
                    source=name_text(table.source),
                    rows=f"{table.n_rows:,}",
                    columns=f"{len(columns):,}",
                )
            )
        )
        blocks.append(Pictures(tuple(_targets(subject, texts, language))))
    grid = _columns(subject, texts)
    if len(grid.rows) > _OPEN_COLUMNS:
        preprocessor, targets = subject.model.preprocessor, subject.model.target.names
        count = len(preprocessor.columns) + len(preprocessor.dropped) + len(targets)
        key = "columns_folded" if count == len(grid.rows) else "some_columns_folded"
        title = texts[key].format(count=f"{count:,}", shown=f"{len(grid.rows):,}")
        blocks.append(Folded(title, (grid,)))
    else:
        blocks.append(grid)
    decided = () if reading is None else [c for c in reading.columns if c.decision(language)]
    if decided:
        rows = tuple((name_text(c.name), c.decision(language)) for c in decided[:_MOST_COLUMNS])
        blocks.append(Grid((texts["column"], texts["decisions"]), rows))
    return Section("data", texts["data"], tuple(blocks))


def _targets(subject: Subject, texts: Mapping[str, str], language: str) -> Iterator[Drawing]:
    assert subject.rows is not None
    table, target = subject.rows.table, subject.model.target
    if isinstance(target, ClassTarget):
        counts = target.counts(table)
        most = sorted(counts.items(), key=lambda pair: -pair[1])[:_MOST_CLASSES]
        chosen = most if len(counts) > _MOST_CLASSES else list(counts.items())
        title = texts["rows_by_class"].format(name=name_text(target.name))
        labels = [str(label) for label, _ in chosen]
        yield bars(labels, [count for _, count in chosen], title, language=language)
        return
    for name, values in zip(target.names, target.encode(table).T, strict=True):
        yield histogram(values, name_text(name), language)


def _columns(subject: Subject, texts: Mapping[str, str]) -> Grid:
    preprocessor = subject.model.preprocessor
    lines: list[tuple[str, ...]] = []
    table = None if subject.rows is None else subject.rows.table

    def line(name: str, kind: str, use: str, values: str = "") -> tuple[str, ...]:
        if table is None or name not in table.columns:
            return (name_text(name), kind, "–", "–", use)
        series = table.series(name)
        missing = series.null_count()
        share = f"{missing:,} ({percent(missing / len(series))})" if missing else "0"
        return (name_text(name), kind, share, values or _values(series, texts), use)

    classes = subject.model.classes is not None
    kind = texts["kind_classes" if classes else "kind_numbers"]
    values = texts["class_count"].format(count=len(subject.classes)) if classes else ""
    lines += [line(name, kind, texts["use_target"], values) for name in subject.model.target.names]
    for column in preprocessor.columns[:_MOST_COLUMNS]:
        if isinstance(column, NumericColumn):
            scaled = texts["use_robust" if column.robust else "use_scaled"].format(
                shift=_shift(column.center), scale=significant(column.scale)
            )
            lines.append(line(column.name, texts["kind_numbers"], scaled))
        else:
            key = "use_one_hot_rare" if column.rare else "use_one_hot"
            use = texts[key].format(count=len(column.categories), rare=f"{column.rare:,}")
            lines.append(line(column.name, texts["kind_text"], use))
    lines += [
        line(dropped.name, "–", texts[f"use_{dropped.reason}"])
        for dropped in preprocessor.dropped[:_MOST_COLUMNS]
    ]
    kinds = (preprocessor.columns, preprocessor.dropped)
    more = sum(max(0, len(kind) - _MOST_COLUMNS) for kind in kinds)
    caption = texts["more_columns"].format(count=more) if more > 0 else ""
    headings = tuple(texts[name] for name in ("column", "kind", "missing", "values", "use"))
    return Grid(headings, tuple(lines), frozenset({2}), caption=caption)


def _shift(center: float) -> str:
    """Return x less its center.

    >>> _shift(2.0), _shift(-2.0)
    ('x − 2', 'x + 2')
    """
    return f"x {'−' if center >= 0.0 else '+'} {significant(abs(center))}"


def _values(series: pl.Series, texts: Mapping[str, str]) -> str:
    """Return the range of numbers with their median, or the most frequent texts."""
    present = series.drop_nulls()
    if not len(present):
        return "–"
    if present.dtype.is_numeric():
        low, middle, high = np.quantile(present.to_numpy(), [0.0, 0.5, 1.0])
        return texts["value_range"].format(
            low=significant(low), median=significant(middle), high=significant(high)
        )
    counts = present.alias("cell").value_counts(name="count").sort("cell")
    counts = counts.sort("count", descending=True, maintain_order=True)
    listed = ", ".join(f"{name_text(cell)} {count:,}" for cell, count in counts.head(3).iter_rows())
    more = len(counts) - 3
    return listed + (texts["more_values"].format(count=f"{more:,}") if more > 0 else "")
