"""Documents as text for a terminal, of 80 columns unless stated, as far as the formulas allow.

Sentences are wrapped.  A formula stands on one line of up to a hundred columns, or the
terminal's width where it is stated, so that it can be copied, and a longer one on several; notes
(dimensions, rules, marks) stand beside it if there is room, otherwise below it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from chainrule.arrays import Array
from chainrule.documents.column_widths import shared
from chainrule.documents.document_writer import DocumentWriter, ExplicitProducts, Styles
from chainrule.documents.elements import (
    Display,
    Element,
    Equal,
    EvaluatedStatement,
    GivenValue,
    Heading,
    Paragraph,
    Phrase,
    Piece,
    Statement,
    Substituted,
    TableBlock,
    with_proofs,
)
from chainrule.documents.numerals import Grid, Numeral, aligned, fitting
from chainrule.documents.wording import distinct, left_side, multiplied, written
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import TEXT, Style, Writer
from chainrule.formulas.render.breaking import broken_text
from chainrule.language.text_columns import columns_of, divided, padded, wrapped
from chainrule.validation import checked_integer

_NO_BREAK = "\u00a0"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Line ends within a name would break a table, and a terminal obeys what follows an escape."""
LEAST = 40
"""The narrowest terminal."""
_NOTES = 46
"""The column where notes begin if the formula leaves room."""
_RULES = {1: "═", 2: "─"}
_MARKS = {True: "✓", False: "✗", None: " "}


def text_of(elements: Iterable[Element], language: str, width: int | None = None) -> str:
    """Return a document as text; no line is longer than ``width``, where a formula can be broken.

    Raises ``InputError`` for a width below 40.
    """
    writer = TextWriter(language)
    if width is not None:
        writer.width = writer.longest = checked_integer("width", width, LEAST)
    return "\n".join(writer.lines(elements)) + "\n"


@dataclass(frozen=True)
class _NumericText(ExplicitProducts, Style):
    pass


class TextWriter(DocumentWriter):
    """Plain Unicode."""

    styles = Styles(TEXT, _NumericText())
    path_arrow = " ← "
    width, longest = 80, 100
    """The width of a terminal, and how long a formula's line may be before it is broken."""

    def prose(self, text: str) -> str:
        return _CONTROLS.sub(" ", text)

    def in_prose(self, mathematics: str) -> str:
        return mathematics.replace(" ", _NO_BREAK)  # formulas in sentences are not broken

    def numeral(self, shown: Numeral) -> str:
        return str(shown)

    def grid(self, shown: Grid) -> str:
        rows = ("  ".join("…" if c is None else str(c) for c in line) for line in shown.cells)
        return f"[{'; '.join(rows)}]"

    # -- blocks --------------------------------------------------------------------------------

    def lines(self, elements: Iterable[Element]) -> Iterator[str]:
        """Yield the lines of a document."""
        first = True
        for element, proof in with_proofs(elements):
            match element:
                case Heading():
                    yield from self._heading(element, first=first)
                case Paragraph():
                    yield from self._paragraph(element, "  ")
                case Statement():
                    yield from self._statement(element)
                    for paragraph in proof:
                        yield from self._paragraph(paragraph, " " * (6 if paragraph.item else 8))
                case EvaluatedStatement():
                    yield from self._evaluated(element)
                case GivenValue():
                    yield from self._valued(f"    {element.symbol.name}", element.value, "")
                case Display():
                    yield from self._formula_lines("    ", self.mathematics(element.piece))
                case TableBlock():
                    yield from self._table(element)
            first = False

    def _heading(self, heading: Heading, *, first: bool) -> Iterator[str]:
        if not first:
            yield ""
        lines = _wrapped(self.text(heading), "", self.width)
        yield from lines
        if heading.level in _RULES:
            yield _RULES[heading.level] * min(self.width, max(map(columns_of, lines)))

    def _paragraph(self, paragraph: Paragraph, indent: str) -> list[str]:
        if not paragraph.item:
            return _wrapped(self.text(paragraph), indent, self.width)
        lines = _wrapped(self.text(paragraph), indent + "  ", self.width)
        return [f"{indent}• {lines[0].lstrip()}", *lines[1:]]

    # -- equations -----------------------------------------------------------------------------

    def _rows(
        self, statement: Statement, shown: Iterable[Equal]
    ) -> Iterator[tuple[Equal, list[str]]]:
        """Yield each shown formula with its lines, behind the left side or below it."""
        left = f"    {left_side(statement, self.style)}"
        sign = TEXT.arrow if statement.assigns else TEXT.equals
        start = left
        for equal in shown:
            formula = written(equal.formula, statement, self.style)
            yield equal, self._formula_lines(start + sign, formula)
            start = " " * len(left)

    def _statement(self, statement: Statement) -> Iterator[str]:
        for equal, (*above, last) in self._rows(statement, distinct(statement)):
            failed = self.phrase("step_failed") if equal.holds is False else ""
            yield from above
            yield from self._beside_or_right(
                last, self._note("   ", self._dimensions(equal), self._reason(equal), failed)
            )

    def _reason(self, equal: Equal) -> str:
        return self.phrase(equal.reason) if equal.reason else ""

    def _note(self, gap: str, *parts: str) -> str:
        return gap.join(part for part in parts if part.strip()).replace(_NO_BREAK, " ")

    def _dimensions(self, equal: Equal) -> str:
        """Return the dimensions of a matrix, of a product by factor: (h×B)(B×o) = (h×o)."""
        return _by_factor(equal, lambda m: f"({Writer(TEXT).dimensions(*m.sides)})")

    def _evaluated(self, element: EvaluatedStatement) -> Iterator[str]:
        statement = element.statement
        verdicts = [passed for _, passed in element.shown]
        rows = list(self._rows(statement, [equal for equal, _ in element.shown]))
        for number, (equal, (*above, last)) in enumerate(rows, 1):
            # The mark of the last formula stands beside the value.
            mark = "" if number == len(rows) else _MARKS[verdicts[number - 1]]
            sizes = _by_factor(equal, lambda m: "({}×{})".format(*element.shape(m)))
            yield from above
            yield from self._beside_or_below(
                last, self._note("  ", sizes, mark, self._reason(equal))
            )
        if element.value is None:
            return
        left = f"    {left_side(statement, self.style)}"
        if element.substituted is not None:
            numbers = self.mathematics(element.substituted)
            yield from self._formula_lines(" " * len(left) + TEXT.equals, numbers)
        yield from self._valued(left, element.value, _MARKS[element.verdict])

    def _valued(self, start: str, value: Array, mark: str) -> Iterator[str]:
        """Yield symbol, numbers, dimensions and mark; the rows of a matrix below each other."""

        def note(shown: Grid) -> str:
            size = "" if shown.shape == (1, 1) else f"({shown.shape[0]}×{shown.shape[1]})"
            return "  ".join(part for part in (size, mark.strip()) if part)

        def fits(shown: Grid) -> bool:
            return len(start) + 3 + len(_matrix(shown)[0]) + 2 + len(note(shown)) <= self.longest

        shown = fitting(value, fits)
        rows, middle = _matrix(shown), (len(shown.cells) - 1) // 2
        blank = " " * (len(start) + 3)
        for number, row in enumerate(rows):
            if number == middle:
                yield _beside(f"{start}{TEXT.equals}{row}", note(shown))
            else:
                yield f"{blank}{row}"
        summary = self.summary(shown)
        if summary is not None:
            yield blank + summary.replace(_NO_BREAK, " ")

    # -- lines ---------------------------------------------------------------------------------

    def _formula_lines(self, start: str, formula: str) -> list[str]:
        """Return a formula behind its start, on lines that fit if one would be too long.

        The lines below the first are indented behind the sign.
        """
        if len(start) + len(formula) <= self.longest:
            return [start + formula]
        indent = len(start) + 2
        first, *rest = broken_text(formula, self.width - indent)
        return [start + first, *(" " * indent + line for line in rest)]

    def _beside_or_right(self, line: str, note: str) -> list[str]:
        """Return a formula's line with its note, which ends at the margin where it is long."""
        room = self.width - columns_of(note)
        if not note:
            return [line]
        if len(line) + 2 <= room:
            return [f"{line:<{max(len(line) + 2, min(_NOTES, room))}}{note}"]
        if room < 8:
            return [line, *_wrapped(note, " " * 8, self.width)]
        return [line, " " * max(8, min(_NOTES, room)) + note]

    def _beside_or_below(self, line: str, note: str) -> Iterator[str]:
        """Yield a formula's line with its note, beside it or wrapped below it."""
        if max(len(line), _NOTES) + 2 + columns_of(note) <= self.longest:
            yield _beside(line, note)
            return
        yield line
        yield from _wrapped(note, " " * 8, self.width)

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: TableBlock) -> Iterator[str]:
        pieces = [table.head, *table.rows, *([table.foot] if table.foot else [])]
        head, *body = ([self.piece(cell).replace(_NO_BREAK, " ") for cell in row] for row in pieces)
        for column in table.numbers:
            for row, text in zip(body, aligned([row[column] for row in body]), strict=True):
                row[column] = text
        longest = [max(map(columns_of, column)) for column in zip(head, *body, strict=True)]
        room = self.longest - 4 - 3 * (len(head) - 1)
        widths = [int(width) for width in shared(longest, room)]
        rule = "    " + "   ".join("─" * width for width in widths)
        for number, (line, cells) in enumerate(zip(pieces, [head, *body], strict=True)):
            if number == 1 or (table.foot and number == len(body)):
                yield rule
            yield from _table_row(line, cells, widths)


def shortest_substitution(found: Iterable[Substituted], most: int) -> Substituted | None:
    """Return the formula with numbers that is the shortest as text; None if all are longer."""
    writer = TextWriter("en")
    lengths = [(len(writer.mathematics(each)), each) for each in found]
    length, shortest = min(lengths, key=lambda pair: pair[0], default=(most + 1, None))
    return shortest if length <= most else None


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    """Return a sentence as indented lines; formulas in it, with no-break spaces, are not broken."""
    lines = wrapped(text, width - len(indent))
    return [(indent + line).replace(_NO_BREAK, " ") for line in lines if line]


def _table_row(
    pieces: Sequence[Piece], cells: Sequence[str], widths: Sequence[int]
) -> Iterator[str]:
    """Yield the lines of a row: cells of text are wrapped, formulas broken at their signs."""
    columns = [
        [cell]
        if columns_of(cell) <= width
        else divided(cell, width)
        if isinstance(piece, str | Phrase)
        else broken_text(cell, width)
        for piece, cell, width in zip(pieces, cells, widths, strict=True)
    ]
    for parts in zip_longest(*columns, fillvalue=""):
        yield ("    " + "   ".join(map(padded, parts, widths))).rstrip()


def _by_factor(equal: Equal, size: Callable[[Matrix], str]) -> str:
    """Return the size of a matrix formula, of a product factor by factor."""
    formula = equal.formula
    if not isinstance(formula, Matrix):
        return ""
    product = multiplied(formula)
    if product is None:
        return size(formula)
    return "".join(map(size, product.factors)) + f" = {size(formula)}"


def _beside(line: str, note: str) -> str:
    return f"{line:<{_NOTES}}  {note}".rstrip() if note else line


def _matrix(shown: Grid) -> list[str]:
    """Return the rows of a matrix in tall brackets, decimal points aligned."""
    texts = [["⋯" if cell is None else str(cell) for cell in row] for row in shown.cells]
    across = [aligned(list(column)) for column in zip(*texts, strict=True)]
    rows = ["  ".join(cells) for cells in zip(*across, strict=True)]
    if shown.shape == (1, 1):
        return [rows[0].strip()]
    if len(rows) == 1:
        return [f"[{'  '.join(cell.strip() for cell in texts[0])}]"]
    sides = [("⎡", "⎤"), *[("⎢", "⎥")] * (len(rows) - 2), ("⎣", "⎦")]
    return [f"{left}{row}{right}" for (left, right), row in zip(sides, rows, strict=True)]
