"""A prediction as one SELECT for SQLite, DuckDB and PostgreSQL.

Each step is a common table expression that computes new numbers from the one before and passes on
those still needed; MATERIALIZED, because a database that merges them would repeat every formula as
often as its result is used. The answer is joined with the columns of the table by a row number.

Numbers are written with an exponent: DuckDB reads others as decimals. PostgreSQL raises an error
where a result is below the smallest number, so exponents below -300 give 0: products of two
exponentials are not below it either.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.errors import InputError, shown
from chainrule.exports.date_cells import refuse_named
from chainrule.exports.formula_text import Notation, harmless, written
from chainrule.exports.prediction_steps import (
    Column,
    DateReading,
    Entrywise,
    Gather,
    Label,
    Largest,
    MatrixProduct,
    Missing,
    OneHot,
    Prediction,
    ReadDate,
    ReadNumbers,
    Step,
    Total,
    last_uses,
)
from chainrule.exports.size_limits import check_weights
from chainrule.exports.sql_dates import date_levels
from chainrule.exports.sql_products import product_tables

__all__ = ["sql_select"]

MOST_COLUMNS = 1600
"""PostgreSQL takes 1,664 columns in a query, SQLite 2,000."""
MOST_WEIGHTS = 400_000
"""Expressions of larger networks are deeper than SQLite takes (a depth of 1,000)."""
MOST_IN_FORMULAS = 20_000
"""With more weights than these, those of large matrices are tables: databases plan long formulas
slowly."""
MOST_IN_FORMULA = 1_000
"""Weights of a matrix that are terms of formulas in such a query."""
_MOST_TERMS = 8
"""Terms of one sum; longer sums are sums of sums. SQLite limits the depth of a query to 1,000, and
counts the deepest formula of each table on the way to the answer, where n terms are n deep."""


def number(value: float) -> str:
    """Return a number as a literal of double precision.

    >>> number(0.5), number(-1e-30)
    ('0.5e0', '-1e-30')
    """
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


_EXP = "CASE WHEN {0} < -3e2 THEN 0e0 ELSE exp({0}) END"

NOTATION = Notation(
    "sql",
    {
        "exp": f"({_EXP})",
        "log": "ln({0})",
        "expm1": f"({_EXP} - 1e0)",
        "log1p": "ln(1e0 + {0})",
        "tanh": "tanh({0})",
        "sin": "sin({0})",
        "cos": "cos({0})",
        "abs": "abs({0})",
        "sign": "sign({0})",
        "floor": "floor({0})",
        "maximum": "(CASE WHEN {0} > {1} THEN {0} ELSE {1} END)",
        "minimum": "(CASE WHEN {0} < {1} THEN {0} ELSE {1} END)",
    },
    power="power({0}, {1})",
    choice="(CASE WHEN {0} THEN {1} ELSE {2} END)",
    equal="=",
    number=number,
    has_locals=False,
)


def sql_select(prediction: Prediction) -> str:
    """Return the text of a SELECT; raise InputError for what the databases cannot hold."""
    for column in prediction.columns:
        if "\0" in column.name:
            raise _without_nul(column.name)
    refuse_named(prediction, "sql")
    weights = _weights(prediction)
    check_weights(weights, "sql", MOST_WEIGHTS)
    return "\n".join(_Query(prediction).lines())


def _weights(prediction: Prediction) -> int:
    matrices = {step.matrix for step in prediction.steps if isinstance(step, MatrixProduct)}
    return sum(int(np.count_nonzero(prediction.constants[name])) for name in matrices)


class _Query:
    """The lines of a query; ``texts`` are the texts of the entries of each value."""

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        self.weights = _weights(prediction)
        self.texts: dict[str, list[str]] = {
            name: [number(value) for value in array.ravel().tolist()]
            for name, array in prediction.constants.items()
        }
        self.literals = frozenset(text for texts in self.texts.values() for text in texts)
        self.ends = last_uses(prediction)

    def lines(self) -> Iterator[str]:
        prediction = self.prediction
        yield from _comments(prediction)
        yield "WITH cr_rows AS MATERIALIZED ("
        yield "  SELECT row_number() OVER () AS cr_row, cr_given.* FROM my_table AS cr_given"
        yield ")"
        source = "cr_rows"
        live: list[str] = []
        pending: dict[str, str] = {}
        for index, step in enumerate(prediction.steps):
            live = [name for name in live if self.ends[name] >= index]
            if isinstance(step, Gather):  # other names of entries that are there
                parts = ((part, self.texts[part.source]) for part in step.parts)
                self.texts[step.target] = [
                    text for part, texts in parts for text in texts[part.start :][: part.count]
                ]
                self._extend(step)
                live.append(step.target)
                continue
            names = [f"cr_{step.target}_{at}" for at in range(step.width)]
            self.texts[step.target] = names
            live.append(step.target)
            passed = self._columns(live, [*pending, *names])
            width = len(passed) + len(pending) + len(names)
            if width > MOST_COLUMNS:
                raise InputError(
                    f"`to` must be a format that holds {width} values at a "
                    f"time, got 'sql', which holds {MOST_COLUMNS}. Choose another, or train a "
                    "narrower network."
                )
            if isinstance(step, OneHot) and isinstance(prediction.steps[index + 1], OneHot):
                # All in one table: one table for each column of text would be deep.
                pending.update(zip(names, self._entries(step), strict=True))
                continue
            yield f"-- {harmless(step.note)}"
            if isinstance(step, MatrixProduct) and self._is_large(step):
                table = f"cr_{step.target}"
                inputs, matrix = self.texts[step.source], prediction.constants[step.matrix]
                yield from product_tables(table, source, inputs, passed, matrix, number, _sum)
                source = table
                continue
            reads = isinstance(step, ReadNumbers | ReadDate | OneHot)
            *before, last = self._levels(step, names)
            last, pending = {**pending, **last}, {}
            for depth, level in enumerate([*before, last]):
                table = f"cr_{step.target}" + ("" if level is last else f"_level_{depth}")
                yield f", {table} AS MATERIALIZED ("
                yield "  SELECT"
                listed = [f"{text} AS {name}" for name, text in level.items()]
                yield "    " + ",\n    ".join([f"{source}.cr_row", *passed, *listed])
                joined = f" JOIN cr_rows ON cr_rows.cr_row = {source}.cr_row"
                is_joined = reads and depth == 0 and source != "cr_rows"
                yield f"  FROM {source}{joined if is_joined else ''}"
                yield ")"
                source = table
        yield from self._answer(source)

    def _extend(self, step: Gather) -> None:
        """Let the values that a Gather names again live as long as it does."""
        for name in step.sources:
            if name in self.ends:
                self.ends[name] = max(self.ends[name], self.ends[step.target])

    def _columns(self, live: list[str], own: list[str]) -> list[str]:
        """Return the columns of the values that are still needed, each once, without new ones."""
        found = dict.fromkeys(text for name in live for text in self.texts[name])
        return [text for text in found if text not in own and text not in self.literals]

    def _is_large(self, step: MatrixProduct) -> bool:
        """Return whether the weights of a product are a table."""
        weights = np.count_nonzero(self.prediction.constants[step.matrix])
        return self.weights > MOST_IN_FORMULAS and int(weights) > MOST_IN_FORMULA

    def _levels(self, step: Step, names: list[str]) -> list[dict[str, str]]:
        """Return the expressions of a step by name, in levels that refer to the one before."""
        if isinstance(step, ReadDate):
            column = self.prediction.columns[step.column]
            missing = [_text(mark) for mark in ("", *column.marks)]
            cell = f"cr_rows.{_quoted(column.name)}"
            *levels, last = date_levels(cell, missing, column.date or DateReading())
            return [*levels, {names[0]: last["seconds"]}]
        return [dict(zip(names, self._entries(step), strict=True))]

    def _entries(self, step: Step) -> list[str]:
        match step:
            case ReadNumbers():
                return [_cell(self.prediction.columns[index]) for index in step.columns]
            case OneHot():
                column = self.prediction.columns[step.column]
                return [_category(column, category) for category in step.categories]
            case Missing():
                return [f"CASE WHEN {x} IS NULL THEN 1e0 ELSE 0e0 END" for x in self._of(step)]
            case MatrixProduct():
                return self._products(step)
            case Total():
                return [_sum(list(self._of(step)))]
            case Largest():
                # Pairwise and not nested: a nested CASE repeats what it compares.
                return [_largest(list(self._of(step)))]
            case Entrywise():
                return [self._entry(step, at) for at in range(step.width)]
        raise TypeError(f"no expression for the step {type(step).__name__}")

    def _of(self, step: Missing | Total | Largest) -> list[str]:
        return self.texts[step.source]

    def _products(self, step: MatrixProduct) -> list[str]:
        matrix = self.prediction.constants[step.matrix]
        texts = self.texts[step.source]
        return [
            _sum([f"{x} * {number(w)}" for x, w in zip(texts, column, strict=True) if w])
            for column in matrix.T.tolist()
        ]

    def _entry(self, step: Entrywise, at: int) -> str:
        names = {
            symbol: _inside(self.texts[source][at if len(self.texts[source]) > 1 else 0])
            for symbol, source in step.operands
        }
        return written(step.formula, names, NOTATION)[1]

    def _answer(self, source: str) -> Iterator[str]:
        prediction = self.prediction
        texts = self.texts[prediction.output]
        if prediction.labels is None:
            names = [
                "prediction" if len(texts) == 1 else f"prediction_{name}"
                for name in prediction.outputs
            ]
            columns = [f"{x} AS {_quoted(n)}" for x, n in zip(texts, names, strict=True)]
        else:
            names = [f"probability_{name}" for name in prediction.outputs]
            columns = [f"{_best(texts, prediction.labels)} AS prediction"]
            columns += [f"{x} AS {_quoted(n)}" for x, n in zip(texts, names, strict=True)]
        yield "SELECT"
        yield "  " + ",\n  ".join(["cr_rows.*", *columns])
        yield f"FROM {source} JOIN cr_rows ON cr_rows.cr_row = {source}.cr_row"
        yield "ORDER BY cr_rows.cr_row;"


def _comments(prediction: Prediction) -> Iterator[str]:
    yield "-- A trained model as one SELECT for SQLite, DuckDB, PostgreSQL; written by chainrule."
    yield "--"
    yield f"-- Model: {harmless(prediction.title)}"
    yield "-- Replace my_table by the name of your table, which needs these columns:"
    for column in prediction.columns:
        yield f"--   {harmless(column.name)} ({_worded(column)})"
    if _weights(prediction) > MOST_IN_FORMULAS:
        yield "-- In PostgreSQL first: SET jit = off; compiling it takes minutes and saves nothing."
    yield "-- A missing cell is NULL. The result has all columns of the table, and the predictions."


def _worded(column: Column) -> str:
    if column.date is None:
        return column.kind
    others = {
        "iso": "",
        "chinese": " or 2020年3月31日",
        "dmy": " or day/month/year",
        "mdy": " or month/day/year",
    }
    return f"date: DATE, TIMESTAMP, or a text, year-month-day{others[column.date.form]}"


# -- expressions -----------------------------------------------------------------------------------


def _quoted(name: str) -> str:
    """Return a name as an identifier.

    >>> print(_quoted('a"b'))
    "a""b"
    """
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    """Return a text as a literal.

    >>> print(_text("it's"))
    'it''s'
    """
    if "\0" in text:
        raise _without_nul(text)
    return "'" + text.replace("'", "''") + "'"


def _without_nul(text: str) -> InputError:
    return InputError(
        "`to` must be a format whose texts may have the character NUL, got 'sql' and "
        f"{shown(text)}. Choose 'numpy'."
    )


def _cell(column: Column) -> str:
    """Return a cell as a number of double precision."""
    name = f"cr_rows.{_quoted(column.name)}"
    if column.kind == "boolean":
        return f"CASE WHEN {name} THEN 1e0 WHEN NOT {name} THEN 0e0 END"
    return f"CAST({name} AS DOUBLE PRECISION)"


def _category(column: Column, category: str | None) -> str:
    """Return 1 where a cell is of a category, else 0; an empty text is missing."""
    cell = f"trim(CAST(cr_rows.{_quoted(column.name)} AS TEXT))"
    if category is not None:
        return f"CASE WHEN {cell} = {_text(category.strip())} THEN 1e0 ELSE 0e0 END"
    missing = ", ".join(_text(mark) for mark in ("", *column.marks))
    return f"CASE WHEN {cell} IS NULL OR {cell} IN ({missing}) THEN 1e0 ELSE 0e0 END"


def _inside(text: str) -> str:
    """Return a number as part of a formula: a negative one in parentheses."""
    return f"({text})" if text.startswith("-") else text


def _sum(terms: list[str]) -> str:
    """Return a sum, of many terms in groups."""
    if not terms:
        return "0e0"
    while len(terms) > _MOST_TERMS:
        groups = range(0, len(terms), _MOST_TERMS)
        terms = [f"({' + '.join(terms[first : first + _MOST_TERMS])})" for first in groups]
    return " + ".join(terms)


def _largest(values: list[str]) -> str:
    """Return the largest of columns: the one that is not below any other."""
    if len(values) == 1:
        return values[0]
    cases = []
    for index, value in enumerate(values[:-1]):
        others = " AND ".join(f"{value} >= {other}" for other in values[index + 1 :])
        cases.append(f"WHEN {others} THEN {value}")
    return f"CASE {' '.join(cases)} ELSE {values[-1]} END"


def _best(values: list[str], labels: tuple[Label, ...]) -> str:
    """Return the label of the largest value, the first of equal ones."""
    written_labels = [_label(label) for label in labels]
    cases = []
    for index, value in enumerate(values[:-1]):
        others = " AND ".join(f"{value} >= {other}" for other in values[index + 1 :])
        cases.append(f"WHEN {others} THEN {written_labels[index]}")
    return f"CASE {' '.join(cases)} ELSE {written_labels[-1]} END"


def _label(label: Label) -> str:
    if isinstance(label, bool):
        return "TRUE" if label else "FALSE"
    if isinstance(label, str):
        return _text(label)
    return str(label) if isinstance(label, int) else number(label)
