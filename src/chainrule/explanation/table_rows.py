"""``explain_table``: a trained table model explained on rows of a table, by the columns' names.

The cells are preprocessed by the model, and the true values scaled as its targets, so that the
values are those of training.  The optimizer is the one that the model was trained with; its memory
is empty, because model files do not contain it.  Errors: rows that do not exist, tables without the
target's column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data import CategoricalColumn, ClassTarget, NumericColumn, Table, as_table
from chainrule.documents.numerals import numeral
from chainrule.errors import DataError, nearest, shown
from chainrule.explanation.explanation import Explanation, explain, rows_of
from chainrule.explanation.sample_labels import Cell, SampleLabels
from chainrule.formulas.arrange import Layout
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.table_models.table_model import TableModel


def explain_table(
    model: TableModel,
    table: Any,
    *,
    row: int | None = None,
    rows: Sequence[int] | None = None,
    weight: str | None = None,
    optimizer: str | Optimizer | None = None,
    learning_rate: float | None = None,
    layout: Layout = "rows",
) -> Explanation:
    """Explain one step of a table model on chosen rows: a path, a data frame or a Table.

    ``row`` and ``rows`` count from 0 and do not count the header; all rows are taken where neither
    is given.  ``weight`` may use the names of features and classes (``"W_ih[age,2]"``).
    ``optimizer`` is by default the one the model was trained with, its memory empty;
    ``learning_rate`` replaces that of the optimizer.

    Raises ``DataError`` for a table that lacks a column of the model or its target, ``InputError``
    for a row that does not exist and for an unknown weight.

    >>> import polars
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0], "sold": [0, 0, 1, 1]})
    >>> model = train_table(table, "sold", hidden=(4,), validation=0).model
    >>> explanation = explain_table(model, table, row=3, weight="W_ih[x,1]")
    >>> explanation.passed, explanation.labels.truth
    (True, '1')
    """
    given = as_table(table)
    chosen = rows_of(row, rows, given.n_rows, given.source)
    part = given.take(np.array(chosen))
    _refuse_missing_targets(model, part)
    part = model.read(part, targets=True)
    matrix = model.transform(part).matrix
    targets = model.target.encode(part)
    if model.scaler is not None:
        targets = model.scaler.transform(targets)
    found = _optimizer(model, optimizer, learning_rate)
    return explain(
        model.network,
        model.parameters,
        matrix,
        targets,
        weight=weight,
        optimizer=found,
        layout=layout,
        labels=_labels(model, part, chosen, matrix, targets),
    )


def _optimizer(
    model: TableModel, given: str | Optimizer | None, learning_rate: float | None
) -> Optimizer:
    record = model.training.get("optimizer")
    found: Optimizer
    if given is not None:
        found = find_optimizer(given)
    elif isinstance(record, Mapping) and "name" in record:
        settings = {key: value for key, value in record.items() if key != "name"}
        found = find_optimizer(record["name"], **settings)
    else:
        found = SGD(0.1)
    return found if learning_rate is None else replace(found, learning_rate=learning_rate)


def _refuse_missing_targets(model: TableModel, table: Table) -> None:
    for name in model.target.names:
        if name in table.columns:
            continue
        features = {column.name for column in model.preprocessor.columns}
        suggestion = nearest(name, set(table.columns) - features)
        meant = f"rename {shown(suggestion)}? " if suggestion else ""
        raise DataError(
            f"{table.source}: the model's target {shown(name)} is no column; {meant}an explanation "
            "compares the output with the true value, so add it (`chainrule predict` needs none)"
        )


# -- names -----------------------------------------------------------------------------------------


def _labels(
    model: TableModel, part: Table, chosen: tuple[int, ...], matrix: FloatArray, targets: FloatArray
) -> SampleLabels:
    """Return the labels of chosen rows: ``matrix`` (rows, inputs), ``targets`` (rows, outputs)."""
    outputs = _output_names(model)
    lines = tuple(int(line) for line in part.rows) if part.row_word == "line" else ()
    labels = SampleLabels(model.feature_names, outputs, chosen, lines)
    if len(chosen) > 1:
        return labels
    cells = [*_inputs(model, part, matrix[0]), *_targets(model, part, targets[0], outputs)]
    answers = np.atleast_2d(model.answers(model.outputs(matrix)))[0]
    return replace(
        labels,
        cells=tuple(cells),
        answer=", ".join(map(_written, answers.tolist())),
        truth=", ".join(_cell(part, name) for name in model.target.names),
    )


def _output_names(model: TableModel) -> tuple[str, ...]:
    if isinstance(model.target, ClassTarget):
        labels = tuple(map(str, model.target.labels))
        return labels[1:] if model.target.n_outputs == 1 else labels
    return model.target.names


def _inputs(model: TableModel, part: Table, values: FloatArray) -> list[Cell]:
    """Return a cell for each column; ``values`` are one row's features, (inputs,)."""
    cells: list[Cell] = []
    start = 0
    for column in model.preprocessor.columns:
        text = _cell(part, column.name)
        features = column.feature_names
        if isinstance(column, NumericColumn):
            cells.append(
                Cell(column.name, text, features[0], float(values[start]), filled=not text)
            )
        elif isinstance(column, CategoricalColumn):
            index = next((p for p in range(len(features)) if values[start + p]), None)
            known = "" if index is None else features[index]
            cells.append(Cell(column.name, text, known, None if index is None else 1.0))
        start += len(features)
    return cells


def _targets(
    model: TableModel, part: Table, values: FloatArray, outputs: tuple[str, ...]
) -> list[Cell]:
    """Return a cell for each target; ``values`` are one row's targets, (outputs,)."""
    if isinstance(model.target, ClassTarget):
        name, text = model.target.name, _cell(part, model.target.name)
        if model.target.n_outputs == 1:
            return [Cell(name, text, outputs[0], float(values[0]), target=True)]
        index = int(np.argmax(values))
        return [Cell(name, text, outputs[index], float(values[index]), target=True)]
    return [
        Cell(name, _cell(part, name), name, float(value), target=True)
        for name, value in zip(model.target.names, values, strict=True)
    ]


def _cell(part: Table, name: str) -> str:
    """Return the first cell of a column as text, empty where it is missing."""
    value = part.series(name)[0]
    return "" if value is None else _written(value)


def _written(value: object) -> str:
    if isinstance(value, float):
        return str(numeral(value, 9))
    return str(value).strip()
