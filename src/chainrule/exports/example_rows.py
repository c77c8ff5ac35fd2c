"""A few rows with a model's own answers: test vectors for programs in other languages.

No rows of the training table are in a model, so these are made of what it stores: centers and
scales of numbers, categories, missing cells where there is a category or a mark for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data import CategoricalColumn, NumericColumn
from chainrule.exports.date_cells import DAY, date_text
from chainrule.exports.prediction_steps import Cell, Column, DateReading
from chainrule.table_models.table_model import TableModel

__all__ = ["COUNT", "Examples", "number_examples", "table_examples"]

COUNT = 8
"""How many rows there are."""
_LATEST = DAY * 1_800_000
"""A day of the year 6898: workbooks hold no date beyond 9999."""


class Examples(NamedTuple):
    """Cells by column, each of `COUNT` rows, and the answers, (rows, outputs)."""

    cells: tuple[tuple[Cell, ...], ...]
    outputs: FloatArray


def table_examples(model: TableModel, columns: Sequence[Column]) -> Examples:
    """Return rows for a table model, and its probabilities or numbers."""
    import polars as pl

    cells = tuple(
        _dates(model, column, at) if column.kind == "date" else _cells(model, column, at)
        for at, column in enumerate(columns)
    )
    frame = pl.DataFrame(
        [pl.Series(c.name, list(values)) for c, values in zip(columns, cells, strict=True)]
    )
    outputs = model.outputs(model.transform(frame).matrix)
    if model.classes is not None:
        outputs = model.class_probabilities(outputs)
    return Examples(cells, np.asarray(outputs, dtype=np.float64))


def number_examples(levels: Sequence[int | None], answers: Callable[[FloatArray], Any]) -> Examples:
    """Return rows of numbers, of codes below a level where there is one, and their answers.

    >>> number_examples([None, 3], lambda X: X.sum(axis=1, keepdims=True)).cells[1]
    (0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0)
    """
    draw = np.random.default_rng(0)
    X = np.column_stack(
        [
            np.round(draw.normal(size=COUNT), 3) if level is None else np.arange(COUNT) % level
            for level in levels
        ]
    ).astype(np.float64)
    outputs = np.asarray(answers(X), dtype=np.float64)
    return Examples(tuple(tuple(column) for column in X.T.tolist()), outputs.reshape(COUNT, -1))


def _cells(model: TableModel, column: Column, at: int) -> tuple[Cell, ...]:
    """Return the cells of the column number ``at``; columns differ in where they begin."""
    fitted = next(each for each in model.preprocessor.columns if each.name == column.name)
    choices: Sequence[Cell]
    if isinstance(fitted, CategoricalColumn):
        choices = fitted.categories
    elif column.kind == "boolean":
        choices = (True, False, None) if fitted.marked else (True, False)
    else:
        choices = [*_numbers(fitted), None]
    return _rotated(choices, at)


def _dates(model: TableModel, column: Column, at: int) -> tuple[Cell, ...]:
    """Return the cells of a column of dates: by their age where the model knows it."""
    form = column.date or DateReading()
    ages = next(
        (
            _numbers(fitted)
            for fitted in model.preprocessor.columns
            if fitted.name == f"{column.name}.age" and isinstance(fitted, NumericColumn)
        ),
        [0.0, 30.0, 60.0, 365.0],
    )
    unit = 3600.0 if form.times else DAY
    seconds = [
        min(unit * round((form.earliest + DAY * max(age, 0.0)) / unit), _LATEST) for age in ages
    ]
    return _rotated([*(date_text(each, form) for each in seconds), None], at)


def _numbers(fitted: NumericColumn) -> list[float]:
    steps = (0.0, 1.0, -0.5, 0.25, -2.0, 3.5)
    return [float(fitted.center + step * fitted.scale) for step in steps]


def _rotated(choices: Sequence[Cell], at: int) -> tuple[Cell, ...]:
    return tuple(choices[(at + row) % len(choices)] for row in range(COUNT))
