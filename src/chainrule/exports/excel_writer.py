"""A prediction as a workbook for Excel and LibreOffice, whose cells compute it.

The sheet Prediction has a row for each row of a table: the model's columns, the answer, and to
their right the intermediate numbers, each in a cell of its own; matrix products are parts of the
formulas of the sums that they are added to. A row that is copied down predicts what
is typed into it. The sheet Model has the constants and categories, which formulas refer to; texts
of columns and classes are cells and never parts of a formula. The results are stored beside the
formulas.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from chainrule.errors import InputError, shown
from chainrule.exports.date_cells import refuse_named
from chainrule.exports.excel_dates import PIECES, date_formulas, date_pieces
from chainrule.exports.formula_text import Notation, written
from chainrule.exports.prediction_steps import (
    Cell,
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
)
from chainrule.exports.row_values import step_values
from chainrule.exports.size_limits import check_weights
from chainrule.formulas.expressions import Add, Symbol, children

__all__ = ["excel_workbook"]

MOST_COLUMNS = 16_384
MOST_WEIGHTS = 1_000_000
"""Every weight is a cell; with more of them a workbook opens slowly."""
_CREATED = datetime(2000, 1, 1)
LONGEST_TEXT = 32_767
"""Characters of a cell."""
NOTATION = Notation(
    "excel",
    {
        "exp": "EXP({0})",
        "log": "LN({0})",
        "expm1": "(EXP({0})-1)",
        "log1p": "LN(1+{0})",
        "tanh": "TANH({0})",
        "erf": "ERF({0})",
        "sin": "SIN({0})",
        "cos": "COS({0})",
        "abs": "ABS({0})",
        "sign": "SIGN({0})",
        "floor": "INT({0})",
        "maximum": "MAX({0},{1})",
        "minimum": "MIN({0},{1})",
    },
    power="POWER({0},{1})",
    choice="IF({0},{1},{2})",
    equal="=",
    root="SQRT({0})",
    has_locals=False,
)
_ABOUT = (
    "Written by chainrule. Type rows into the colored columns; an empty cell is a missing value.",
    "To predict more rows, copy the last row down, all its columns. The columns to the right of",
    "the answer compute it, step by step, from the constants in the sheet Model.",
)


def excel_workbook(prediction: Prediction) -> bytes:
    """Return the bytes of a .xlsx file; raise InputError for what a workbook cannot hold."""
    try:
        import xlsxwriter
    except ImportError:
        raise InputError(
            "`to` must be a format whose writer is installed, got 'excel', which needs "
            'xlsxwriter. Install it: pip install "chainrule[excel]"'
        ) from None
    refuse_named(prediction, "excel")
    _refuse(prediction)
    data = io.BytesIO()
    # Texts stay texts: neither formulas nor links are made of them.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(data, options) as book:
        book.set_properties({"created": _CREATED})  # equal models give equal bytes
        _Workbook(prediction, book).write()
    return data.getvalue()


def _refuse(prediction: Prediction) -> None:
    weights = sum(array.size for array in prediction.constants.values() if array.ndim == 2)
    check_weights(weights, "excel", MOST_WEIGHTS)
    added = added_products(prediction)
    width = sum(step.width for step in prediction.steps if step.target not in added)
    width += len(prediction.columns)
    width += len(PIECES) * sum(isinstance(step, ReadDate) for step in prediction.steps)
    if width + len(prediction.outputs) + 2 > MOST_COLUMNS:
        raise InputError(
            f"`to` must be a format that holds {width:,} values, got 'excel', which has "
            f"{MOST_COLUMNS:,} columns. Choose another, or train a narrower network."
        )
    texts = [column.name for column in prediction.columns] + [
        category
        for step in prediction.steps
        if isinstance(step, OneHot)
        for category in step.categories
        if category is not None
    ]
    for text in [*texts, *(label for label in prediction.labels or () if isinstance(label, str))]:
        if len(text) > LONGEST_TEXT or any(ord(c) < 32 and c not in "\t\n\r" for c in text):
            raise InputError(
                f"`to` must be a format for any text, got 'excel' and {shown(text)}. Choose "
                "'numpy'."
            )


class _Workbook:
    """The sheets; ``first`` are the columns where values begin, ``rows`` the rows of constants.

    ``dates`` are the formulas of dates in seconds, ``products`` those of the matrix products that
    have no cells of their own.
    """

    def __init__(self, prediction: Prediction, book: Any) -> None:
        self.prediction = prediction
        self.sheet, self.model = book.add_worksheet("Prediction"), book.add_worksheet("Model")
        self.about = book.add_worksheet("About")
        self.given = book.add_format({"bold": True, "bg_color": "#DDEBF7", "text_wrap": True})
        self.answer = book.add_format({"bold": True, "bg_color": "#E2EFDA", "text_wrap": True})
        self.computed = book.add_format({"font_color": "#808080"})
        self.cells, self.outputs = prediction.examples()
        self.values = step_values(prediction, self.cells)
        self.first: dict[str, int] = {}
        self.dates: dict[str, str] = {}
        self.products: dict[str, list[str]] = {}
        self.rows: dict[str, int] = {}
        self.next_row = 0

    def write(self) -> None:
        """Write all sheets."""
        prediction = self.prediction
        for at, column in enumerate(prediction.columns):
            self.sheet.write_string(0, at, column.name[:LONGEST_TEXT], self.given)
            for row, cell in enumerate(self.cells[at], start=1):
                _write_cell(self.sheet, row, at, cell)
        for name, array in prediction.constants.items():
            self._constant(name, np.atleast_2d(array.T if array.ndim == 2 else array))
        start = len(prediction.columns) + self._answers() + 1
        added = added_products(prediction)
        for step in prediction.steps:
            if step.target in added:
                self.products[step.target] = list(self._formulas(step))
                continue
            if isinstance(step, ReadDate):
                self._pieces(step, start)
                start += len(PIECES)
            self.first[step.target] = start
            self._step(step, start)
            start += step.width
        self._write_answers()
        self.sheet.set_column(0, len(prediction.columns) - 1, 14)
        self.sheet.freeze_panes(1, 0)
        for row, line in enumerate([prediction.title, *_ABOUT]):
            self.about.write_string(row, 0, line)

    def _answers(self) -> int:
        """Return how many columns the answer takes."""
        return len(self.prediction.outputs) + (self.prediction.labels is not None)

    # -- the sheet Model -----------------------------------------------------------------------

    def _constant(self, name: str, table: Any) -> None:
        """Write rows of numbers, of a matrix one for each of its columns; their name in front."""
        self.rows[name] = self.next_row
        for values in table.tolist():
            self.model.write_string(self.next_row, 0, name)
            for at, value in enumerate(values, start=1):
                self.model.write_number(self.next_row, at, value)
            self.next_row += 1

    def _texts(self, label: str, texts: list[Any]) -> int:
        """Write a row of texts and numbers; return its index."""
        row = self.next_row
        self.model.write_string(row, 0, label)
        for at, text in enumerate(texts, start=1):
            _write_cell(self.model, row, at, text)
        self.next_row += 1
        return row

    # -- the steps -----------------------------------------------------------------------------

    def _step(self, step: Step, start: int) -> None:
        self.sheet.write_string(0, start, f"{step.target}: {step.note}", self.computed)
        texts = list(self._formulas(step))
        for row, values in enumerate(self.values[step.target].tolist(), start=1):
            for at, (text, value) in enumerate(zip(texts, values, strict=True)):
                result = "" if value != value else value
                formula = "=" + text.replace("\0", str(row + 1))
                self.sheet.write_formula(row, start + at, formula, self.computed, result)

    def _pieces(self, step: ReadDate, start: int) -> None:
        """Write the cells into which the text of a date is cut."""
        reading = self.prediction.columns[step.column].date or DateReading()
        *formulas, self.dates[step.target] = date_formulas(
            f"${_letters(step.column)}\0",
            self._is_missing(step),
            lambda piece: f"${_letters(start + PIECES.index(piece))}\0",
            reading.form,
        )
        for at, piece in enumerate(PIECES, start=start):
            self.sheet.write_string(0, at, f"{step.target}: {piece}", self.computed)
        for row, cell in enumerate(self.cells[step.column], start=1):
            values = date_pieces(cell, reading)
            for at, (text, value) in enumerate(zip(formulas, values, strict=True), start=start):
                formula = "=" + text.replace("\0", str(row + 1))
                self.sheet.write_formula(row, at, formula, self.computed, value)

    def _is_missing(self, step: ReadDate | OneHot) -> str:
        """Return the condition that the cell of a step is empty or a mark of missing."""
        marks = self.prediction.columns[step.column].marks
        cell = f"${_letters(step.column)}\0"
        text = f'{cell}&""'
        if isinstance(step, OneHot):
            text = f'IF(ISLOGICAL({cell}),IF({cell},"true","false"),{text})'
        missing = f'TRIM({text})=""'
        if not marks:
            return missing
        row = self._texts(f"{step.target} marks", list(marks))
        known = f"Model!$B${row + 1}:{_absolute(row, len(marks))}"
        return f"OR({missing},SUMPRODUCT(--EXACT(TRIM({text}),{known}))>0)"

    def _formulas(self, step: Step) -> Iterator[str]:
        """Yield the formulas of a step's entries, with NUL for the number of the row."""
        match step:
            case ReadNumbers():
                for index in step.columns:
                    yield self._number_of(index)
            case ReadDate():
                yield self.dates[step.target]
            case OneHot():
                yield from self._categories(step)
            case Missing():
                for at in range(step.width):
                    yield f'IF({self._entry(step.source, at)}="",1,0)'
            case Gather():
                for part in step.parts:
                    for at in range(part.start, part.start + part.count):
                        yield self._entry(part.source, at)
            case MatrixProduct():
                count, row = self._width(step.source), self.rows[step.matrix]
                for at in range(step.width):
                    weights = f"Model!$B${row + at + 1}:{_absolute(row + at, count)}"
                    yield f"SUMPRODUCT({self._range(step.source)},{weights})"
            case Total():
                yield f"SUM({self._range(step.source)})"
            case Largest():
                yield f"MAX({self._range(step.source)})"
            case Entrywise():
                for at in range(step.width):
                    names = {
                        symbol: self._entry(source, at if self._width(source) > 1 else 0)
                        for symbol, source in step.operands
                    }
                    yield written(step.formula, names, NOTATION)[1]

    def _width(self, name: str) -> int:
        return self.prediction.widths[name]

    def _entry(self, name: str, at: int) -> str:
        """Return the cell of an entry of a value or of constants, or the formula of a product."""
        if name in self.products:
            return self.products[name][at]
        if name in self.rows:
            return f"Model!{_absolute(self.rows[name], at + 1)}"
        return f"${_letters(self.first[name] + at)}\0"

    def _range(self, name: str) -> str:
        return f"{self._entry(name, 0)}:{self._entry(name, self._width(name) - 1)}".replace(
            ":Model!", ":"
        )

    def _number_of(self, index: int) -> str:
        """Return a cell as a number, an empty text where it is missing, #N/A where it is none."""
        cell = f"${_letters(index)}\0"
        if self.prediction.columns[index].kind == "boolean":
            return f'IF(ISLOGICAL({cell}),IF({cell},1,0),IF(TRIM({cell})="","",NA()))'
        return f'IF(ISNUMBER({cell}),{cell},IF(TRIM({cell})="","",NA()))'

    def _categories(self, step: OneHot) -> Iterator[str]:
        """Yield formulas that are 1 for the category of a cell, else 0."""
        cell = f"${_letters(step.column)}\0"
        text = f'IF(ISLOGICAL({cell}),IF({cell},"true","false"),{cell}&"")'
        named = [c if c is None else c.strip() for c in step.categories]
        row = self._texts(f"{step.target} categories", ["" if c is None else c for c in named])
        is_missing = self._is_missing(step) if None in named else ""
        for at, category in enumerate(named, start=1):
            if category is None:
                yield f"IF({is_missing},1,0)"
            else:
                known = f"Model!{_absolute(row, at)}"
                yield f"IF(OR(EXACT({text},{known}),EXACT(TRIM({text}),{known})),1,0)"

    # -- the answer ----------------------------------------------------------------------------

    def _write_answers(self) -> None:
        prediction, at = self.prediction, len(self.prediction.columns)
        names = list(prediction.outputs)
        output = self._range(prediction.output)
        if prediction.labels is not None:
            names = [f"probability_{name}" for name in names]
            labels = [_cell_of(label) for label in prediction.labels]
            row = self._texts("labels", labels)
            known = f"Model!$B${row + 1}:{_absolute(row, len(labels))}"
            self.sheet.write_string(0, at, "prediction", self.answer)
            best = self.outputs.argmax(axis=1)
            for line in range(len(self.outputs)):
                here = output.replace("\0", str(line + 2))
                formula = f"=INDEX({known},1,MATCH(MAX({here}),{here},0))"
                self.sheet.write_formula(line + 1, at, formula, None, labels[best[line]])
            at += 1
        elif len(names) == 1:
            names = ["prediction"]
        for index, name in enumerate(names):
            self.sheet.write_string(0, at + index, name[:LONGEST_TEXT], self.answer)
            for line, value in enumerate(self.outputs[:, index].tolist()):
                cell = self._entry(prediction.output, index).replace("\0", str(line + 2))
                self.sheet.write_formula(line + 1, at + index, f"={cell}", None, value)


def added_products(prediction: Prediction) -> frozenset[str]:
    """Return the matrix products that are used once, as a term of a sum.

    Each is one function of a sheet, so that it can stand where its result is added.
    """
    used = Counter(name for step in prediction.steps for name in step.sources)
    used[prediction.output] += 1
    terms = Counter(
        operands[term.name]
        for step in prediction.steps
        if isinstance(step, Entrywise) and isinstance(step.formula, Add)
        for operands in [dict(step.operands)]
        for term in children(step.formula)
        if isinstance(term, Symbol) and term.name in operands
    )
    return frozenset(
        step.target
        for step in prediction.steps
        if isinstance(step, MatrixProduct) and used[step.target] == terms[step.target] == 1
    )


def _cell_of(label: Label) -> Cell:
    return bool(label) if isinstance(label, bool) else label


def _write_cell(sheet: Any, row: int, column: int, cell: Cell) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif cell is not None:
        sheet.write_number(row, column, cell)


def _letters(column: int) -> str:
    """Return the letters of a column, which counts from 0.

    >>> _letters(0), _letters(25), _letters(26), _letters(16383)
    ('A', 'Z', 'AA', 'XFD')
    """
    letters = ""
    column += 1
    while column:
        column, left = divmod(column - 1, 26)
        letters = chr(ord("A") + left) + letters
    return letters


def _absolute(row: int, column: int) -> str:
    """Return a cell that stays the same when a formula is copied.

    >>> _absolute(0, 1)
    '$B$1'
    """
    return f"${_letters(column)}${row + 1}"
