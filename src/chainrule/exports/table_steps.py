"""A table model's prediction as steps: preprocessing, networks, calibration, limits.

The formulas of what surrounds the networks (scaling, soft clipping, calibration, the scale of the
targets) are stated here as expressions, because `data` and `table_models` compute them with NumPy;
tests compare the two on the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.data import CategoricalColumn, ClassTarget, ColumnReading, NumericColumn
from chainrule.data.number_texts import PLAIN
from chainrule.exports.calendar_steps import add_date_part
from chainrule.exports.date_cells import seconds_of_iso
from chainrule.exports.network_steps import add_network
from chainrule.exports.prediction_steps import Column, DateReading, Part
from chainrule.exports.step_list import StepList
from chainrule.formulas.expressions import Expression, Symbol, add, expression, power, square_root
from chainrule.formulas.functions import equal, maximum, minimum, where
from chainrule.table_models.calibration import LEAST
from chainrule.table_models.table_model import Member, TableModel

__all__ = ["add_table_model", "columns_of", "with_both_classes"]

_FLAT = 1e9
"""Beyond it z/√(1 + (z/3)²) is ±3 to the last bit, and a square could overflow."""

x, y, m = Symbol("x"), Symbol("y"), Symbol("m")


def columns_of(model: TableModel) -> tuple[Column, ...]:
    """Return the columns of a table that a model reads, in its order; of a date one."""
    found: dict[str, Column] = {}
    for column in model.preprocessor.columns:
        reading = _reading(model, column.name)
        name = reading.name if reading else column.name
        marks = reading.marks if reading else ()
        if reading and reading.kind == "date":
            start = seconds_of_iso(reading.earliest)
            date = DateReading(reading.date_form, reading.times, start, reading.zone)
            found[name] = Column(name, "date", marks, date=date)
        elif isinstance(column, CategoricalColumn):
            found[name] = Column(name, "text", marks)
        elif reading and reading.kind == "boolean":
            found[name] = Column(name, "boolean", marks, PLAIN)
        else:
            found[name] = Column(name, "number", marks, reading.form if reading else None)
    return tuple(found.values())


def add_table_model(steps: StepList, model: TableModel, columns: Sequence[Column]) -> str:
    """Add a model's steps; return the value with a probability for each class, or the numbers."""
    features = _features(steps, model, columns)
    finished = [_finished(steps, model, member, features) for member in model.members]
    output = finished[0]
    if len(finished) > 1:
        operands = {f"y{number}": value for number, value in enumerate(finished, start=1)}
        terms = (
            expression(float(member.weight)) * Symbol(name)
            for member, name in zip(model.members, operands, strict=True)
        )
        width = steps.widths[output]
        output = steps.entrywise(add(*terms), operands, width, "the weighted mean of the networks")
    if isinstance(model.target, ClassTarget) and model.target.n_outputs == 1:
        return with_both_classes(steps, output)
    return output


def with_both_classes(steps: StepList, output: str) -> str:
    """Add the probability of the first of two classes, 1 − p."""
    other = steps.entrywise(1 - x, {"x": output}, 1, "the probability of the first class")
    return steps.gather([Part(other, 0, 1), Part(output, 0, 1)], "the probability of each class")


# -- before the networks ---------------------------------------------------------------------------


def _reading(model: TableModel, name: str) -> ColumnReading | None:
    """Return how the cells of a column are read, or those that it is made of."""
    if model.reading is None:
        return None
    return next((each for each in model.reading.columns if name in each.columns), None)


def _features(steps: StepList, model: TableModel, columns: Sequence[Column]) -> list[Part]:
    """Add the preprocessing; return each feature of the networks as a part of a value."""
    fitted = model.preprocessor.columns
    features: list[list[Part]] = [[] for _ in fitted]
    groups: dict[tuple[bool, tuple[float, ...]], list[int]] = {}
    sources = _sources(model, columns)
    for index, column in enumerate(fitted):
        if isinstance(column, CategoricalColumn):
            at = sources[index]
            value = steps.one_hot(at, column.categories, "the category of a cell")
            features[index] = [Part(value, at, 1) for at in range(len(column.categories))]
        else:
            key = (column.robust, _numeric_marks(columns[sources[index]]))
            groups.setdefault(key, []).append(index)
    for (robust, marks), indices in groups.items():
        group = [fitted[index] for index in indices]
        chosen = [column for column in group if isinstance(column, NumericColumn)]
        given = _cells(steps, model, columns, indices)
        scaled, missing = _scaled(steps, *given, chosen, marks, robust=robust)
        for at, (index, column) in enumerate(zip(indices, chosen, strict=True)):
            features[index] = [Part(scaled, at, 1)]
            if column.marked:
                features[index].append(Part(missing, at, 1))
    return [part for parts in features for part in parts]


def _sources(model: TableModel, columns: Sequence[Column]) -> list[int]:
    """Return the index of the table's column that each column of the preprocessing is made of."""
    indices = {column.name: index for index, column in enumerate(columns)}
    found = []
    for column in model.preprocessor.columns:
        reading = _reading(model, column.name)
        found.append(indices[reading.name if reading else column.name])
    return found


def _cells(
    steps: StepList, model: TableModel, columns: Sequence[Column], indices: Sequence[int]
) -> tuple[str, str]:
    """Add the numbers of columns and of the parts of dates, and which of them are missing."""
    sources = _sources(model, columns)
    numbers = [sources[index] for index in indices if columns[sources[index]].kind != "date"]
    read = steps.read(numbers, "the cells of the columns of numbers") if numbers else ""
    parts, missing = [], []
    for index in indices:
        column = columns[sources[index]]
        if column.date is None:
            at = numbers.index(sources[index])
            parts.append(Part(read, at, 1))
            missing.append(Part(steps.missing(read, "1 where a cell is missing"), at, 1))
            continue
        seconds = steps.read_date(sources[index], "a date: seconds since 1970-01-01 00:00 UTC")
        lacks = steps.missing(seconds, "1 where there is no date")
        operands = {"m": lacks, "x": seconds}
        seconds = steps.entrywise(where(m, expression(0), x), operands, 1, "then any other date")
        if column.date.zone:
            local = x + 60.0 * column.date.zone
            seconds = steps.entrywise(local, {"x": seconds}, 1, "in the local time of training")
        name = model.preprocessor.columns[index].name.removeprefix(f"{column.name}.")
        parts.append(Part(add_date_part(steps, seconds, name, column.date), 0, 1))
        missing.append(Part(lacks, 0, 1))
    return (
        steps.gather(parts, "the cells of the columns of numbers and the parts of dates"),
        steps.gather(missing, "1 where one is missing"),
    )


def _scaled(
    steps: StepList,
    cells: str,
    missing: str,
    columns: Sequence[NumericColumn],
    marks: tuple[float, ...],
    *,
    robust: bool,
) -> tuple[str, str]:
    """Add the scaling of columns of numbers; return the values and which of them were missing."""
    width = len(columns)
    if marks:
        formula: Expression = m
        for mark in marks:
            formula = maximum(formula, equal(x, mark))
        missing = steps.entrywise(
            formula, {"m": missing, "x": cells}, width, "or holds a mark of missing"
        )
    medians = steps.constant([column.median for column in columns])
    operands = {"m": missing, "y": medians, "x": cells}
    cells = steps.entrywise(where(m, y, x), operands, width, "the median where a cell is missing")
    operands = {
        "x": cells,
        "y": steps.constant([column.center for column in columns]),
        "m": steps.constant([column.scale for column in columns]),
    }
    scaled = steps.entrywise((x - y) / m, operands, width, "(cell - center) / scale")
    if robust:
        bounded = steps.entrywise(
            minimum(maximum(x, -_FLAT), _FLAT), {"x": scaled}, width, "bounded, so that squares are"
        )
        soft = x / square_root(1 + (x / 3) ** 2)
        scaled = steps.entrywise(soft, {"x": bounded}, width, "softly clipped to -3 ... 3")
    return scaled, missing


def _numeric_marks(column: Column) -> tuple[float, ...]:
    """Return the declared marks of missing that are numbers; a date is none."""
    found = []
    for mark in column.marks if column.kind != "date" else ():
        try:
            found.append(float(mark))
        except ValueError:
            continue
    return tuple(value for value in found if np.isfinite(value))


# -- a network and what follows --------------------------------------------------------------------


def _finished(steps: StepList, model: TableModel, member: Member, features: list[Part]) -> str:
    """Add a member's network; return its outputs, calibrated or in the targets' own units."""
    (output,) = add_network(
        steps, member.network, member.parameters, _inputs(steps, model, member, features)
    )
    width = steps.widths[output]
    if isinstance(model.target, ClassTarget):
        return output if model.temperature == 1.0 else _calibrated(steps, model.temperature, output)
    if model.scaler is not None:
        operands = {
            "x": output,
            "y": steps.constant(model.scaler.mean),
            "m": steps.constant(model.scaler.deviation),
        }
        output = steps.entrywise(x * m + y, operands, width, "in the target's own units")
    if model.limits is not None:
        low, high = np.transpose(model.limits)
        operands = {"x": output, "y": steps.constant(low), "m": steps.constant(high)}
        output = steps.entrywise(
            minimum(maximum(x, y), m), operands, width, "within the range seen in training"
        )
    return output


def _inputs(
    steps: StepList, model: TableModel, member: Member, features: list[Part]
) -> dict[str, str]:
    """Return the values of a network's inputs, as `table_networks.inputs_for` divides them."""
    names = member.network.input_names
    if len(names) == 1:
        return {names[0]: steps.gather(features, "the features")}
    numeric = model.preprocessor.numeric_features
    others = [index for index in range(len(features)) if index not in set(numeric)]
    return {
        names[0]: steps.gather([features[index] for index in numeric], "the numbers"),
        names[1]: steps.gather([features[index] for index in others], "the other features"),
    }


def _calibrated(steps: StepList, temperature: float, output: str) -> str:
    """Add p^(1/T) / Σ p^(1/T); a single probability is that of the second of two classes."""
    width, exponent = steps.widths[output], expression(1.0 / temperature)
    bounded = steps.entrywise(
        minimum(maximum(x, LEAST), 1), {"x": output}, width, "a probability above 0"
    )
    powers = steps.entrywise(power(x, exponent), {"x": bounded}, width, "to the power 1/T")
    if width > 1:
        whole = steps.total(powers, "the sum")
    else:
        other = power(minimum(maximum(1 - x, LEAST), 1), exponent) + y
        whole = steps.entrywise(other, {"x": bounded, "y": powers}, 1, "the sum of both classes")
    return steps.entrywise(x / y, {"x": powers, "y": whole}, width, "calibrated")
