"""The values of a prediction's steps for rows of a table, computed in NumPy.

Files whose cells hold formulas store their results beside them: programs that open such a file show
and use these until a cell changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array, FloatArray
from chainrule.exports.calendar_steps import floor
from chainrule.exports.date_cells import seconds_of
from chainrule.exports.learned_network import Learned
from chainrule.exports.prediction_steps import (
    Cell,
    Column,
    Entrywise,
    Gather,
    Largest,
    MatrixProduct,
    Missing,
    OneHot,
    Prediction,
    ReadDate,
    ReadNumbers,
    Step,
    Total,
)
from chainrule.exports.quantization import QuantizedProduct
from chainrule.formulas.evaluate import Numbers
from chainrule.formulas.positional import Entrywise as EntrywiseValues

__all__ = ["numbers_of", "step_values"]


class _WithFloor(Numbers):
    def primitive(self, name: str, *arguments: Array) -> Array:
        return np.floor(*arguments) if name == floor.name else super().primitive(name, *arguments)


_WITH_FLOOR = _WithFloor()


def step_values(prediction: Prediction, cells: Sequence[Sequence[Cell]]) -> dict[str, FloatArray]:
    """Return the value of each step by its name, (rows, width), for the cells of each column."""
    found: dict[str, FloatArray] = {
        name: array if array.ndim == 2 else np.atleast_2d(array)
        for name, array in prediction.constants.items()
    }
    with np.errstate(all="ignore"):
        for step in prediction.steps:
            found[step.target] = _value(step, prediction, cells, found)
    return {step.target: found[step.target] for step in prediction.steps}


def _value(
    step: Step,
    prediction: Prediction,
    cells: Sequence[Sequence[Cell]],
    found: dict[str, FloatArray],
) -> FloatArray:
    rows = len(cells[0])
    match step:
        case ReadNumbers():
            columns = [numbers_of(prediction.columns[at], cells[at]) for at in step.columns]
            return np.array(columns, float).reshape(len(columns), rows).T
        case ReadDate():
            column = prediction.columns[step.column]
            return np.array(numbers_of(column, cells[step.column]), float).reshape(rows, 1)
        case OneHot():
            marks = prediction.columns[step.column].marks
            read = [_text(cell, marks) for cell in cells[step.column]]
            categories = [c if c is None else c.strip() for c in step.categories]
            return np.array([[text == c for c in categories] for text in read], float)
        case Missing():
            return np.isnan(found[step.source]).astype(float)
        case Gather():
            parts = [found[p.source][:, p.start : p.start + p.count] for p in step.parts]
            return np.hstack([np.broadcast_to(p, (rows, p.shape[1])) for p in parts])
        case MatrixProduct():
            return found[step.source] @ found[step.matrix]
        case Total():
            return np.asarray(found[step.source].sum(axis=1, keepdims=True))
        case Largest():
            return np.asarray(found[step.source].max(axis=1, keepdims=True))
        case QuantizedProduct():
            return step.value(found[step.source], found[step.matrix], found[step.scales])
        case Learned():
            return step.values(found[step.source])
        case Entrywise():
            operands = {symbol: found[source] for symbol, source in step.operands}
            value = EntrywiseValues(operands, dtype=np.float64, numbers=_WITH_FLOOR)(step.formula)
            return np.broadcast_to(value, (rows, step.width))
    raise TypeError(f"no value of the step {type(step).__name__}")


def numbers_of(column: Column, cells: Sequence[Cell]) -> list[float]:
    """Return the cells of a column as numbers, dates in seconds since 1970; NaN is missing.

    >>> from chainrule.exports.prediction_steps import DateReading
    >>> numbers_of(Column("when", "date", date=DateReading("dmy")), ["2/1/1970", None])
    [86400.0, nan]
    """
    date = column.date
    if date is not None:
        return [seconds_of(None if cell in column.marks else cell, date) for cell in cells]
    return [float("nan") if cell is None else float(cell) for cell in cells]


def _text(cell: Cell, marks: Sequence[str]) -> str | None:
    """Return the category of a cell, None where it is missing."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    text = "" if cell is None else str(cell).strip()
    return None if text == "" or text in marks else text
