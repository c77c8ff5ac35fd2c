"""An explanation as LaTeX: a document, or its body to be put into one."""

import re
from collections.abc import Iterator

from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX
from chainrule.network import statements as told
from chainrule.network.pages.latex import document_of
from chainrule.network.telling import left_side, written
from chainrule.report.figures import Grid, grid
from chainrule.report.lines import Form, Given, NumberedLine
from chainrule.report.paper import LatexPaper, numbers_for
from chainrule.report.pieces import Display, Element, Heading, Paragraph, Phrase, Table
from chainrule.report.story import Derived, Story
from chainrule.report.worked import Worked

MARKS = {True: r"\checkmark", False: r"\boldsymbol{\times}", None: ""}
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
_LONGEST = 78
"""What is said about a formula stands below it where the two have more letters than this."""
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
        forms = line.shown
        for place, form in enumerate(forms):
            formula = written(form.equal.formula, statement, self.way.style, braces=True)
            note = self._note(form, last=place + 1 == len(forms))
            yield from _noted(f"{left if place == 0 else ''} &{sign} {formula}", note)
        if line.value is None:
            return
        put_in = numbers_for(self.paper, line)
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
        beside = rf"\qquad {said}" if said else ""
        yield f"{left} &= {self.paper.value(value)}{beside}"
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
        box = f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n{inside}\n\\end{{tabular}}"
        return _TABLE.replace("TABULAR", box)


_TABLE = r"""\begin{center}
\renewcommand{\arraystretch}{1.7}\footnotesize
\sbox0{TABULAR}%
\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi
\end{center}"""
"""A table that is made smaller where it is wider than the page; the body needs graphicx."""


def _noted(row: str, note: str) -> Iterator[str]:
    """Yield a row of a display with what is said about it, beside it or below it.

    A column of its own for the notes would be pushed off the page by the longest formula.
    """
    if note and _letters(row) + _letters(note) > _LONGEST:
        yield row
        yield rf"&\qquad\text{{\small {note}}}"
    else:
        yield rf"{row} \qquad\text{{\small {note}}}" if note else row


def _letters(tex: str) -> int:
    """Return about how many letters wide a piece is: of a fraction only one of the two counts."""
    plain = re.sub(r"\\frac\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "", tex)
    plain = re.sub(r"_\{[^{}]*\}(?=[ }$])", "", re.sub(r"\\(quad|qquad)", "    ", plain))
    return len(re.sub(r"\\[a-zA-Z]+|[{}_^$&]", "", plain))
