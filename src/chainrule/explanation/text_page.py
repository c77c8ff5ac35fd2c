"""An explanation as text for a terminal: formula, dimensions, numbers and mark side by side."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from chainrule.documents import elements as told
from chainrule.documents.text_writer import LONGEST, WIDTH, columns, formula_lines, wrapped
from chainrule.documents.wording import left_side, multiplied, written
from chainrule.explanation.build_document import Derived, Story
from chainrule.explanation.column_widths import shared
from chainrule.explanation.document_parts import Display, Element, Heading, Paragraph, Phrase, Table
from chainrule.explanation.evaluated_lines import Form, Given, NumberedLine
from chainrule.explanation.ledger_format import Grid, aligned, fitting
from chainrule.explanation.paper import TextPaper, numbers_for
from chainrule.explanation.worked import Worked
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import TEXT
from chainrule.formulas.render.breaking import broken_text

MARKS = {True: "✓", False: "✗", None: " "}
_NOTES = 46
"""Where dimensions and marks begin if the formula leaves room."""
_RULES = {1: "═", 2: "─"}


def text_page(explanation: Worked, language: str) -> str:
    """Return an explanation as text."""
    return "\n".join(_Page(explanation, language).lines()) + "\n"


class _Page:
    def __init__(self, explanation: Worked, language: str) -> None:
        self.explanation = explanation
        self.language = language
        self.paper = TextPaper(explanation, language)
        self.way = self.paper.medium

    def lines(self) -> Iterator[str]:
        first = True
        for element in Story(self.explanation).elements():
            yield from self._element(element, first)
            first = False

    def _element(self, element: "Element | Derived", first: bool) -> Iterator[str]:
        match element:
            case Heading():
                yield from self._heading(self.paper.words(element.phrase), element.level, first)
            case told.Heading():
                yield from self._heading(self.way.said(element), element.level, first)
            case Paragraph():
                yield from wrapped(self.paper.words(element.phrase), "  ")
            case told.Sentence():
                yield from wrapped(self.way.said(element), "  ")
            case Display():
                yield from formula_lines("    ", self.paper.mathematics(element.piece))
            case Table():
                yield from self._table(element)
            case Given():
                yield from self._valued(f"    {element.symbol.name}", element.value, "")
            case NumberedLine():
                yield from self._numbered(element)

    def _heading(self, said: str, level: int, first: bool) -> Iterator[str]:
        if not first:
            yield ""
        lines = wrapped(said, "")
        yield from lines
        if level in _RULES:
            yield _RULES[level] * min(WIDTH, max(map(columns, lines)))

    # -- equations -----------------------------------------------------------------------------

    def _numbered(self, line: NumberedLine) -> Iterator[str]:
        statement = line.statement
        left = left_side(statement, self.way.style)
        sign = TEXT.arrow if statement.assigns else TEXT.equals
        forms = line.shown
        blank = " " * (4 + len(left))
        for place, form in enumerate(forms):
            start = f"    {left}" if place == 0 else blank
            formula = written(form.equal.formula, statement, self.way.style)
            *above, body = formula_lines(start + sign, formula)
            yield from above
            yield from _noted(body, self._note(form, last=place + 1 == len(forms)))
        if line.value is None:
            return
        put_in = numbers_for(self.paper, line)
        if put_in is not None:
            yield from formula_lines(blank + TEXT.equals, put_in)
        yield from self._valued(f"    {left}", line.value, MARKS[forms[-1].passed])

    def _note(self, form: Form, *, last: bool) -> str:
        """Return dimensions, mark and rule; the last form's mark stands beside its value."""
        reason = self.way.phrase(form.equal.reason) if form.equal.reason else ""
        mark = "" if last else MARKS[form.passed]
        parts = (self._dimensions(form), mark, reason.replace("\u00a0", " "))
        return "  ".join(part for part in parts if part.strip())

    def _dimensions(self, form: Form) -> str:
        """Return the dimensions in numbers, of a product factor by factor."""
        formula = form.equal.formula
        if not isinstance(formula, Matrix):
            return ""
        whole = self._size(formula)
        product = multiplied(formula)
        if product is None:
            return whole
        return "".join(map(self._size, product.factors)) + f" = {whole}"

    def _size(self, matrix: Matrix) -> str:
        rows, across = self.explanation.shape(matrix.sides)
        return f"({rows}×{across})"

    def _valued(self, start: str, whole: Any, mark: str) -> Iterator[str]:
        """Yield symbol, numbers, dimensions and mark; the rows of a matrix below each other."""

        def beside(value: Grid) -> str:
            size = "" if value.shape == (1, 1) else f"({value.shape[0]}×{value.shape[1]})"
            return "  ".join(part for part in (size, mark.strip()) if part)

        def fits(value: Grid) -> bool:
            return len(start) + 3 + len(_matrix(value)[0]) + 2 + len(beside(value)) <= LONGEST

        value = fitting(whole, fits)
        rows, middle, said = _matrix(value), (len(value.cells) - 1) // 2, beside(value)
        for place, row in enumerate(rows):
            head = f"{start}{TEXT.equals}" if place == middle else " " * (len(start) + 3)
            yield _beside(f"{head}{row}", said) if place == middle else f"{head}{row}"
        if value.summary is not None:
            low, high, norm = value.summary
            given = {"low": low, "high": high, "norm": norm}
            text = self.paper.words(Phrase("summary", given)).replace("\u00a0", " ")
            yield f"{' ' * (len(start) + 3)}{text}"

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: Table) -> Iterator[str]:
        head = [self.paper.said(cell) for cell in table.head]
        body = [[self.paper.said(cell) for cell in row] for row in table.rows]
        if table.foot:
            body.append([self.paper.said(cell) for cell in table.foot])
        for place in table.numbers:
            for row, text in zip(body, aligned([row[place] for row in body]), strict=True):
                row[place] = text
        body = [[cell.replace("\u00a0", " ") for cell in row] for row in body]
        widths = [max(columns(row[place]) for row in [head, *body]) for place in range(len(head))]
        room = LONGEST - 4 - 3 * (len(head) - 1)
        widths = [int(width) for width in shared(widths, room)]

        def lines(cells: list[str]) -> Iterator[str]:
            pieces = [
                [cell] if columns(cell) <= width else broken_text(cell, width)
                for cell, width in zip(cells, widths, strict=True)
            ]
            for parts in zip_longest(*pieces, fillvalue=""):
                padded = (
                    part + " " * (width - columns(part))
                    for part, width in zip(parts, widths, strict=True)
                )
                yield ("    " + "   ".join(padded)).rstrip()

        yield from lines(head)
        yield "    " + "   ".join("─" * width for width in widths)
        for place, row in enumerate(body):
            if table.foot and place + 1 == len(body):
                yield "    " + "   ".join("─" * width for width in widths)
            yield from lines(row)


def _beside(body: str, said: str) -> str:
    return f"{body:<{_NOTES}}  {said}".rstrip() if said else body


def _noted(body: str, said: str) -> Iterator[str]:
    """Yield a formula with what is said about it, beside it or below it."""
    if max(len(body), _NOTES) + 2 + columns(said) <= LONGEST:
        yield _beside(body, said)
        return
    yield body
    yield from wrapped(said, " " * 8)


def _matrix(value: Grid) -> list[str]:
    """Return the rows of a matrix in tall brackets, decimal points below each other."""
    texts = [["⋯" if cell is None else str(cell) for cell in row] for row in value.cells]
    across = [aligned(list(column)) for column in zip(*texts, strict=True)]
    rows = ["  ".join(cells) for cells in zip(*across, strict=True)]
    if value.shape == (1, 1):
        return [rows[0].strip()]
    if len(rows) == 1:
        return [f"[{'  '.join(cell.strip() for cell in texts[0])}]"]
    sides = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(rows) - 2), ("⎣", "⎦")]
    return [f"{left}{row}{right}" for (left, right), row in zip(sides, rows, strict=True)]
