"""An explanation as LaTeX: a document, or its body to be put into one."""

import re
from collections.abc import Iterator

from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX
from chainrule.network import statements as told
from chainrule.network.pages.latex import document_of
from chainrule.network.telling import distinct, left_side, written
from chainrule.report.figures import Grid, grid
from chainrule.report.paper import LatexPaper, numbers_for
from chainrule.report.pieces import Display, Element, Heading, Paragraph, Phrase, Table
from chainrule.report.story import Derived, Story
from chainrule.report.worked import Form, Given, NumberedLine, Worked

MARKS = {True: r"\checkmark", False: r"\boldsymbol{\times}", None: ""}
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
_LONG = 56
"""What is said about a formula with more letters than this stands below it."""
_HAN = re.compile("[\u2e80-\u9fff\uff00-\uffef]")


def latex_page(explanation: Worked, language: str, *, document: bool = True) -> str:
    """Return an explanation as LaTeX, for pdflatex, or for xelatex where it holds Chinese."""
    page = _Page(explanation, language)
    body = "\n".join(page.body())
    if not document:
        return body + "\n"
    # Chinese names of columns need its class in an English text, too.
    return document_of(body, "zh" if _HAN.search(body) else language)


class _Page:
    def __init__(self, explanation: Worked, language: str) -> None:
        self.explanation = explanation
        self.paper = LatexPaper(explanation, language)
        self.way = self.paper.medium
        self.rows: list[str] = []

    def body(self) -> Iterator[str]:
        """Yield the body; equations that follow each other share one display."""
        for element in Story(self.explanation).elements():
            if isinstance(element, NumberedLine):
                self.rows.extend(self._numbered(element))
            elif isinstance(element, Given):
                name = self.way.style.symbol(element.symbol.name)
                self.rows.extend(self._valued(name, grid(element.value), ""))
            else:
                yield from self._display()
                yield from self._other(element)
        yield from self._display()

    def _display(self) -> Iterator[str]:
        if self.rows:
            yield "\\begin{align*}\n" + " \\\\\n".join(self.rows) + "\n\\end{align*}"
            self.rows = []

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
                yield f"\\[ {self.paper.mathematics(element.piece)} \\]"
            case Table():
                yield self._table(element)

    # -- equations -----------------------------------------------------------------------------

    def _numbered(self, line: NumberedLine) -> Iterator[str]:
        statement = line.statement
        left = left_side(statement, self.way.style)
        sign = LATEX.arrow.strip() if statement.assigns else "="
        shown = distinct(statement)
        forms = [form for form in line.forms if form.equal in shown]
        for place, form in enumerate(forms):
            formula = written(form.equal.formula, statement, self.way.style, braces=True)
            note = self._note(form, last=place + 1 == len(forms))
            yield from _noted(f"{left if place == 0 else ''} &{sign} {formula}", note)
        if line.value is None:
            return
        put_in = numbers_for(self.paper, [form.equal.formula for form in forms])
        if put_in is not None:
            yield f"&= {put_in}"
        yield from self._valued(left, grid(line.value), MARKS[forms[-1].passed])

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

    def _valued(self, left: str, value: Grid, mark: str) -> Iterator[str]:
        size = "" if value.shape == (1, 1) else rf"{value.shape[0]} \times {value.shape[1]}"
        said = r"\quad ".join(part for part in (size, mark) if part)
        numbers = self.paper.value(value)
        yield f"{left} &= {numbers}" + (f" && {said}" if said else "")
        if value.summary is not None:
            low, high, norm = value.summary
            given = {"low": low, "high": high, "norm": norm}
            yield rf"&\quad\text{{\small {self.paper.words(Phrase('summary', given))}}}"

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: Table) -> str:
        columns = "".join("r" if p in table.numbers else "l" for p in range(len(table.head)))
        rows = [" & ".join(map(self.paper.said, table.head)) + r" \\ \hline"]
        body = [" & ".join(map(self.paper.said, row)) + r" \\" for row in table.rows]
        if table.foot:
            body[-1] += r" \hline"
            body.append(" & ".join(map(self.paper.said, table.foot)) + r" \\")
        inside = "\n".join([*rows, *body])
        return (
            "\\begin{center}\\renewcommand{\\arraystretch}{1.45}\\footnotesize\n"
            f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n{inside}\n\\end{{tabular}}\n\\end{{center}}"
        )


def _noted(row: str, note: str) -> Iterator[str]:
    """Yield a row of a display with what is said about it, beside it or below it."""
    if not note:
        yield row
    elif len(re.sub(r"\\\w+|[{}_^ ]", "", row)) <= _LONG:
        yield rf"{row} && \text{{{note}}}"
    else:
        yield row
        yield rf"&\quad\text{{{note}}}"
