"""An explanation as LaTeX: a document, or its body to be put into one."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from chainrule.documents import elements as told
from chainrule.documents.latex_writer import document_of, formula_lines, hanging, room_beside
from chainrule.documents.wording import left_side
from chainrule.explanation.build_document import Derived, Story
from chainrule.explanation.column_widths import shared
from chainrule.explanation.document_parts import Display, Element, Heading, Paragraph, Phrase, Table
from chainrule.explanation.evaluated_lines import Form, Given, NumberedLine
from chainrule.explanation.ledger_format import Grid, fitting
from chainrule.explanation.paper import LatexPaper, numbers_for
from chainrule.explanation.worked import Worked
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX
from chainrule.formulas.render.breaking import broken_latex
from chainrule.formulas.render.latex_width import width

MARKS = {True: r"\checkmark", False: r"\boldsymbol{\times}", None: ""}
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
_PACKAGES = "\\usepackage{graphicx}\n\\begin{document}"
_HAN = re.compile("[\u2e80-\u9fff\uff00-\uffef]")


def latex_page(explanation: Worked, language: str, *, document: bool = True) -> str:
    """Return an explanation as LaTeX, for pdflatex, or for xelatex where it holds Chinese."""
    page = _Page(explanation, language)
    body = "\n".join(page.body())
    if not document:
        return body + "\n"
    # Chinese names of columns need its class in an English text, too.
    whole = document_of(body, "zh" if _HAN.search(body) else language)
    return whole.replace(r"\begin{document}", _PACKAGES, 1)


class _Page:
    def __init__(self, explanation: Worked, language: str) -> None:
        self.explanation = explanation
        self.paper = LatexPaper(explanation, language)
        self.way = self.paper.medium
        self.room = 0.0

    def body(self) -> Iterator[str]:
        """Yield the body; equations that follow each other share one display."""
        elements = Story(self.explanation).elements()
        for equations, group in groupby(elements, lambda e: isinstance(e, NumberedLine | Given)):
            if equations:
                yield self._display([e for e in group if isinstance(e, NumberedLine | Given)])
            else:
                for element in group:
                    if not isinstance(element, NumberedLine | Given):
                        yield from self._other(element)

    def _display(self, group: Sequence[NumberedLine | Given]) -> str:
        """Return one display, its formulas broken where they do not fit beside its left sides."""
        self.room = room_beside(map(self._left, group), self.paper.language)
        rows: list[str] = []
        for element in group:
            if isinstance(element, NumberedLine):
                rows.extend(self._numbered(element))
            else:
                rows.extend(self._valued(self._left(element), element.value, ""))
        return _aligned(rows)

    def _left(self, element: NumberedLine | Given) -> str:
        if isinstance(element, NumberedLine):
            return left_side(element.statement, self.way.style)
        return self.way.style.symbol(element.symbol.name)

    def _other(self, element: "Element | Derived") -> Iterator[str]:
        match element:
            case Heading():
                yield f"\\{_SECTIONS[element.level]}*{{{self.paper.words(element.phrase)}}}"
            case told.Heading():
                yield f"\\{_SECTIONS[element.level]}*{{{self.way.said(element)}}}"
            case Paragraph():
                yield self.paper.words(element.phrase) + "\n"
            case told.Sentence():
                yield self.way.said(element) + "\n"
            case Display():
                yield self._alone(self.paper.mathematics(element.piece))
            case Table():
                yield self._table(element)

    def _alone(self, formula: str) -> str:
        lines = hanging(formula, room_beside((), self.paper.language))
        return f"\\[ {formula} \\]" if len(lines) == 1 else _aligned([f"& {lines[0]}", *lines[1:]])

    # -- equations -----------------------------------------------------------------------------

    def _numbered(self, line: NumberedLine) -> Iterator[str]:
        statement = line.statement
        left = left_side(statement, self.way.style)
        sign = LATEX.arrow.strip() if statement.assigns else "="
        forms = line.shown
        for place, form in enumerate(forms):
            first, *rest = formula_lines(statement, form.equal.formula, self.way, self.room)
            *above, row = [f"{left if place == 0 else ''} &{sign} {first}", *rest]
            note = self._note(form, last=place + 1 == len(forms))
            yield from above
            yield from self._noted(row, note)
        if line.value is None:
            return
        put_in = numbers_for(self.paper, line)
        if put_in is not None:
            first, *rest = hanging(put_in, self.room)
            yield from (f"&= {first}", *rest)
        yield from self._valued(left, line.value, MARKS[forms[-1].passed])

    def _note(self, form: Form, *, last: bool) -> str:
        parts = []
        if isinstance(form.equal.formula, Matrix):
            rows, columns = self.explanation.shape(form.equal.formula.sides)
            parts.append(rf"${rows} \times {columns}$")
        if not last and form.passed is not None:
            parts.append(f"${MARKS[form.passed]}$")
        if form.equal.reason:
            parts.append(self.way.phrase(form.equal.reason))
        return r"\quad ".join(parts)

    def _noted(self, row: str, note: str) -> Iterator[str]:
        """Yield a row of a display with what is said about it, beside it or below it.

        A column of its own for the notes would be pushed off the page by the longest formula.
        """
        said = rf"\qquad\text{{\small {note}}}"
        right = row.partition("&")[2]
        if not note:
            yield row
        elif width(right) + width(said) <= self.room:
            yield f"{row} {said}"
        else:
            yield row
            yield f"&{said}"

    def _valued(self, left: str, whole: Any, mark: str) -> Iterator[str]:
        def beside(value: Grid) -> str:
            size = "" if value.shape == (1, 1) else rf"{value.shape[0]} \times {value.shape[1]}"
            said = r"\quad ".join(part for part in (size, mark) if part)
            return rf"\qquad {said}" if said else ""

        def fits(value: Grid) -> bool:
            return width(self.paper.value(value) + beside(value)) <= self.room

        value = fitting(whole, fits)
        yield f"{left} &= {self.paper.value(value)}{beside(value)}"
        if value.summary is not None:
            low, high, norm = value.summary
            given = {"low": low, "high": high, "norm": norm}
            yield rf"&\quad\text{{\small {self.paper.words(Phrase('summary', given))}}}"

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: Table) -> str:
        columns = "".join("r" if p in table.numbers else "l" for p in range(len(table.head)))
        cells = [list(map(self.paper.said, row)) for row in (table.head, *table.rows)]
        if table.foot:
            cells.append(list(map(self.paper.said, table.foot)))
        widths = [max(map(_cell_width, column)) for column in zip(*cells, strict=True)]
        shares = shared(widths, _TABLE_ROOM - _COLUMN_GAP * (len(widths) - 1))
        lines = [
            " & ".join(_cell(cell, share) for cell, share in zip(row, shares, strict=True)) + r" \\"
            for row in cells
        ]
        lines[0] += r" \hline"
        if table.foot:
            lines[-2] += r" \hline"
        inside = "\n".join(lines)
        box = f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n{inside}\n\\end{{tabular}}"
        return _TABLE.replace("TABULAR", box)


_TABLE = r"""\begin{center}
\renewcommand{\arraystretch}{1.7}\footnotesize
\sbox0{TABULAR}%
\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi
\end{center}"""
"""A table that is made smaller where it is wider than the page; the body needs graphicx."""


_TABLE_ROOM, _COLUMN_GAP = 520.0, 15.0
"""The width of a page, and what lies between two columns, in points of letters set at ten."""


def _cell_width(cell: str) -> float:
    return width(cell.replace("$", ""))


def _cell(cell: str, room: float) -> str:
    """Return a cell of a table, a formula that is too wide for its column on several lines."""
    formula = cell[1:-1]
    if _cell_width(cell) <= room or not cell.startswith("$") or "$" in formula:
        return cell
    lines = r" \\ ".join(f"${line}$" for line in broken_latex(formula, room))
    return rf"\begin{{tabular}}{{@{{}}l@{{}}}}{lines}\end{{tabular}}"


def _aligned(rows: list[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
