"""Documents as LaTeX: for pdflatex (English) or xelatex (Chinese), or the body alone."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from chainrule.arrays import Array
from chainrule.documents.column_widths import shared
from chainrule.documents.document_writer import (
    DocumentWriter,
    ExplicitProducts,
    Styles,
    minus_gaps,
    signed_columns,
)
from chainrule.documents.elements import (
    Display,
    Element,
    Equal,
    Equation,
    EvaluatedStatement,
    Formula,
    GivenValue,
    Heading,
    Paragraph,
    Statement,
    TableBlock,
    with_proofs,
)
from chainrule.documents.numerals import Grid, Numeral, fitting
from chainrule.documents.wording import distinct, left_side, written
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import LATEX
from chainrule.formulas.render.breaking import broken_latex
from chainrule.formulas.render.latex_text import escaped_latex
from chainrule.formulas.render.latex_width import units, width
from chainrule.formulas.render.styles import Latex
from chainrule.network.drawing import NetworkDrawing

_MARKS = {True: r"\checkmark", False: r"\boldsymbol{\times}", None: ""}
_SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
_WIDEST_PLAIN = 4
"""Matrices with more columns are set small, to stay on the page."""
_HAN = re.compile("[\u2e80-\u9fff\uff00-\uffef]")

_PREAMBLE = {
    # Without Latin Modern, T1 fonts may come as bitmaps.
    "en": "\\documentclass[fleqn]{article}\n"
    "\\usepackage[T1]{fontenc}\n\\usepackage[utf8]{inputenc}\n"
    "\\IfFileExists{lmodern.sty}{\\usepackage{lmodern}}{}\n",
    "zh": "\\documentclass[fleqn]{ctexart}\n",
}
_PAGE = (
    "\\usepackage[margin=25mm]{geometry}\n"
    "\\usepackage{amsmath,amssymb}\n\\allowdisplaybreaks\n\\setlength{\\jot}{6pt}\n"
    # A line may be set wider if a formula in it would reach into the margin otherwise.
    "\\setlength{\\emergencystretch}{3em}\n"
)


def latex_of(
    elements: Iterable[Element],
    language: str,
    *,
    document: bool = True,
    drawing: NetworkDrawing | None = None,
) -> str:
    """Return a document as LaTeX, whole or its body to be put into another.

    ``drawing`` stands below the title, in TikZ.
    """
    listed = list(elements)
    body = "\n".join(LatexWriter(language, drawing).blocks(listed))
    if not document:
        return body + "\n"
    # Chinese names of columns need the class for Chinese in an English text, too.
    preamble = _PREAMBLE["zh" if needs_chinese(body) else language] + _PAGE
    preamble += "".join(f"\\usepackage{{{name}}}\n" for name in packages(listed, drawing))
    return f"{preamble}\\begin{{document}}\n{body}\n\\end{{document}}\n"


def needs_chinese(body: str) -> bool:
    """Return whether a text has Chinese letters."""
    return _HAN.search(body) is not None


def packages(elements: Iterable[Element], drawing: NetworkDrawing | None) -> tuple[str, ...]:
    """Return the packages that a body needs beside those of mathematics."""
    has_table = any(isinstance(each, TableBlock) for each in elements)
    drawn = drawing is not None
    return ("graphicx",) * (has_table or drawn) + ("tikz",) * drawn


@dataclass(frozen=True)
class _NumericLatex(ExplicitProducts, Latex):
    pass


class LatexWriter(DocumentWriter):
    """LaTeX; mathematics in prose stands between dollar signs."""

    styles = Styles(LATEX, _NumericLatex())
    path_arrow = r" \leftarrow "

    def __init__(self, language: str, drawing: NetworkDrawing | None = None) -> None:
        super().__init__(language)
        self.drawing = drawing

    def prose(self, text: str) -> str:
        """Escape text; names of columns and classes may hold anything."""
        return escaped_latex(text)

    def in_prose(self, mathematics: str) -> str:
        return f"${mathematics}$"

    def numeral(self, shown: Numeral) -> str:
        digits = shown.digits.replace("∞", r"\infty").replace("NaN", r"\mathrm{NaN}")
        return rf"{digits}\times 10^{{{shown.exponent}}}" if shown.exponent else digits

    def grid(self, shown: Grid) -> str:
        signed = signed_columns(shown)
        rows = []
        for row in shown.cells:
            dots = r"\vdots" if all(cell is None for cell in row) else r"\cdots"
            cells = (
                dots if cell is None else (r"\phantom{-}" if gap else "") + self.numeral(cell)
                for cell, gap in zip(row, minus_gaps(row, signed), strict=True)
            )
            rows.append(" & ".join(cells))
        inside = r" \\ ".join(rows)
        if len(shown.cells[0]) > _WIDEST_PLAIN:
            return rf"\left(\begin{{smallmatrix}} {inside} \end{{smallmatrix}}\right)"
        return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"

    # -- blocks --------------------------------------------------------------------------------

    def blocks(self, elements: Iterable[Element]) -> Iterator[str]:
        """Yield the body; equations that follow each other share one display."""
        for kind, group in groupby(with_proofs(elements), key=lambda pair: _kind(pair[0])):
            if kind == "equations":
                yield from self._displays(list(group))
                continue
            listed = [element for element, _ in group]
            if kind == "items":
                yield from self._items(e for e in listed if isinstance(e, Paragraph))
                continue
            for element in listed:
                match element:
                    case Heading():
                        yield f"\\{_SECTIONS[element.level]}*{{{self.text(element)}}}"
                        if element.level == 1 and self.drawing is not None:
                            yield _shrunk(self.drawing.to_tikz().rstrip("\n"), "")
                    case Paragraph():
                        yield self.text(element) + "\n"
                    case Display():
                        yield self._alone(element)
                    case TableBlock():
                        yield self._table(element)

    def _items(self, paragraphs: Iterable[Paragraph]) -> Iterator[str]:
        yield "\\begin{itemize}\\setlength{\\itemsep}{0pt}"
        yield from (f"\\item {self.text(paragraph)}" for paragraph in paragraphs)
        yield "\\end{itemize}"

    def _proof(self, proof: Sequence[Paragraph]) -> Iterator[str]:
        yield "\\begin{quote}\\small\\setlength{\\parindent}{0pt}"
        for item, group in groupby(proof, key=lambda paragraph: paragraph.item):
            if item:
                yield from self._items(group)
            else:
                yield from (f"{self.text(paragraph)}\\par" for paragraph in group)
        yield "\\end{quote}"

    # -- equations -----------------------------------------------------------------------------

    def _displays(self, group: list[tuple[Element, tuple[Paragraph, ...]]]) -> Iterator[str]:
        """Yield equations in one display, interrupted where a proof follows one of them."""
        room = self._room(self._left(element) for element, _ in group)
        rows: list[str] = []
        for element, proof in group:
            rows.extend(self._equation(element, room))
            if proof:
                yield self._aligned(rows)
                rows = []
                yield from self._proof(proof)
        if rows:
            yield self._aligned(rows)

    def _room(self, lefts: Iterable[str]) -> float:
        """Return the points that a display leaves beside the widest of its left sides."""
        return room_beside(lefts, self.language)

    def _aligned(self, rows: list[str]) -> str:
        return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"

    def _alone(self, display: Display) -> str:
        formula = self.mathematics(display.piece)
        lines = hanging(formula, self._room(()))
        if len(lines) == 1:
            return f"\\[ {formula} \\]"
        return self._aligned([f"& {lines[0]}", *lines[1:]])

    def _equation(self, element: Element, room: float) -> Iterator[str]:
        """Yield the rows of an equation in a display."""
        match element:
            case Statement():
                yield from self._statement(element, room)
            case EvaluatedStatement():
                yield from self._evaluated(element, room)
            case GivenValue():
                yield from self._valued(self._left(element), element.value, "", room)

    def _left(self, element: Element) -> str:
        match element:
            case Statement():
                return left_side(element, self.style)
            case EvaluatedStatement():
                return left_side(element.statement, self.style)
            case GivenValue():
                return self.style.symbol(element.symbol.name)
        raise TypeError(f"{type(element).__name__} is no equation")

    def _rows(
        self, statement: Statement, shown: Iterable[Equal], room: float
    ) -> Iterator[tuple[Equal, list[str]]]:
        """Yield each shown formula with its rows of the display."""
        left = left_side(statement, self.style)
        sign = LATEX.arrow.strip() if statement.assigns else "="
        for equal in shown:
            first, *rest = self._formula_lines(statement, equal.formula, room)
            yield equal, [f"{left} &{sign} {first}", *rest]
            left = ""

    def _formula_lines(self, statement: Statement, formula: Formula, room: float) -> list[str]:
        """Return a formula in lines that fit a display; without braces where one is too wide.

        A factor over a brace cannot be broken; its dimensions stand at the end of the line.
        """
        braced = written(formula, statement, self.style, braces=True)
        if width(braced) <= room:
            return [braced]
        if max(unit.width for unit in units(braced)) > room - _HANGING:
            return hanging(written(formula, statement, self.style), room)
        return hanging(braced, room)

    def _statement(self, statement: Statement, room: float) -> Iterator[str]:
        for equal, (*above, last) in self._rows(statement, distinct(statement), room):
            parts = []
            if isinstance(equal.formula, Matrix):
                parts.append(f"${self.writer.dimensions(*equal.formula.sides)}$")
            if equal.reason:
                parts.append(self.phrase(equal.reason))
            if equal.holds is False:
                parts.append(rf"\textbf{{{self.phrase('step_failed')}}}")
            yield from above
            yield from self._with_note(last, "; ".join(parts), room)

    def _with_note(self, row: str, note: str, room: float) -> list[str]:
        """Return a row with its note at the margin."""
        return [f"{row} \\tag*{{\\small {note}}}" if note else row]

    def _evaluated(self, element: EvaluatedStatement, room: float) -> Iterator[str]:
        statement = element.statement
        rows = self._rows(statement, [equal for equal, _ in element.shown], room)
        for number, (equal, (*above, last)) in enumerate(rows, 1):
            passed = element.shown[number - 1][1]
            parts = []
            if isinstance(equal.formula, Matrix):
                parts.append(r"${} \times {}$".format(*element.shape(equal.formula)))
            # The mark of the last formula stands beside the value.
            if number < len(element.shown) and passed is not None:
                parts.append(f"${_MARKS[passed]}$")
            if equal.reason:
                parts.append(self.phrase(equal.reason))
            yield from above
            yield from noted(last, r"\quad ".join(parts), room)
        if element.value is None:
            return
        if element.substituted is not None:
            first, *rest = hanging(self.mathematics(element.substituted), room)
            yield from (f"&= {first}", *rest)
        left = left_side(statement, self.style)
        yield from self._valued(left, element.value, _MARKS[element.verdict], room)

    def _valued(self, left: str, value: Array, mark: str, room: float) -> Iterator[str]:
        def note(shown: Grid) -> str:
            size = "" if shown.shape == (1, 1) else rf"{shown.shape[0]} \times {shown.shape[1]}"
            parts = r"\quad ".join(part for part in (size, mark) if part)
            return rf"\qquad {parts}" if parts else ""

        shown = fitting(value, lambda grid: width(self.value(grid) + note(grid)) <= room)
        yield f"{left} &= {self.value(shown)}{note(shown)}"
        summary = self.summary(shown)
        if summary is not None:
            yield rf"&\quad\text{{\small {summary}}}"

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: TableBlock) -> str:
        alignment = "".join("r" if c in table.numbers else "l" for c in range(len(table.head)))
        cells = [list(map(self.piece, row)) for row in (table.head, *table.rows)]
        if table.foot:
            cells.append(list(map(self.piece, table.foot)))
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
        box = f"\\begin{{tabular}}{{@{{}}{alignment}@{{}}}}\n{inside}\n\\end{{tabular}}"
        return _shrunk(box, "\\renewcommand{\\arraystretch}{1.7}\\footnotesize\n")


def _kind(element: Element) -> str:
    if isinstance(element, Equation):
        return "equations"
    return "items" if isinstance(element, Paragraph) and element.item else "others"


def noted(row: str, note: str, room: float) -> list[str]:
    """Return a row of a display with its note, beside it or below it.

    The longest formula would push a column of notes off the page.
    """
    if not note:
        return [row]
    set_note = rf"\qquad\text{{\small {note}}}"
    right = row.partition("&")[2]
    if width(right) + width(set_note) <= room:
        return [f"{row} {set_note}"]
    return [row, f"&{set_note}"]


_ROOM = {"en": 425.0, "zh": 400.0}
"""Points between the indentation of a display and the margin; Chinese is set in larger letters."""
_SIGN, _HANGING = 14.0, 20.0


def room_beside(lefts: Iterable[str], language: str) -> float:
    """Return the points that a display leaves beside the widest of its left sides."""
    return _ROOM[language] - max(map(width, lefts), default=0.0) - _SIGN


def hanging(formula: str, room: float) -> list[str]:
    """Return a formula in lines of a display, the second and those below it indented."""
    if width(formula) <= room:
        return [formula]
    first, *rest = broken_latex(formula, room - _HANGING)
    return [first, *(rf"&\qquad {line}" for line in rest)]


def _shrunk(box: str, settings: str) -> str:
    """Return a box that is scaled down where it is wider than the page; needs graphicx."""
    return (
        f"\\begin{{center}}\n{settings}\\sbox0{{{box}}}%\n"
        "\\ifdim\\wd0>\\linewidth\\resizebox{\\linewidth}{!}{\\usebox0}\\else\\usebox0\\fi\n"
        "\\end{center}"
    )


_TABLE_ROOM, _COLUMN_GAP = 520.0, 15.0
"""The width of a page and the gap between columns, in points at a letter size of ten."""


def _cell_width(cell: str) -> float:
    return width(cell.replace("$", ""))


def _cell(cell: str, room: float) -> str:
    """Return a cell of a table, a formula that is too wide for its column on several lines."""
    formula = cell[1:-1]
    if _cell_width(cell) <= room or not cell.startswith("$") or "$" in formula:
        return cell
    lines = r" \\ ".join(f"${line}$" for line in broken_latex(formula, room))
    return rf"\begin{{tabular}}{{@{{}}l@{{}}}}{lines}\end{{tabular}}"
