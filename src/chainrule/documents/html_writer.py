"""Documents as one HTML file: MathML by our own writer, no script, nothing fetched.

Each formula has a box of its own, which scrolls sideways where the formula is wider than the
screen.  Proofs of matrix products can be opened (``<details>``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby

from chainrule.arrays import Array
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
    EvaluatedStatement,
    GivenValue,
    Heading,
    Paragraph,
    Phrase,
    Piece,
    Statement,
    TableBlock,
    with_proofs,
)
from chainrule.documents.numerals import Grid, Numeral, grid
from chainrule.documents.scrolling_box import scrolling_box
from chainrule.documents.text_writer import TextWriter
from chainrule.documents.wording import distinct, left_side, written
from chainrule.formulas.expressions import Expression
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import MATHML, TEXT
from chainrule.formulas.render.mathml import MathML, row
from chainrule.language.text_columns import columns_of
from chainrule.network.drawing import NetworkDrawing
from chainrule.network.drawing_elements import escaped

_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
"""What a file of SVG needs and HTML knows without."""
_LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}
_LONG = 28
"""A formula with more letters may not fit a phone: its box can be focused by keyboard.  A cell of
text with more columns has several lines."""
_TAGS = re.compile(r"<[^>]+>|&#\w+;")
_FORMULA = "<math>(?:(?!</math>).)*</math>"
_PUNCTUATED = re.compile(
    f"[（“(]+{_FORMULA}[，。；：、）”！？).,;:]*|{_FORMULA}[，。；：、）”！？).,;:]+"
)


@cache
def style_sheet(name: str) -> str:
    """Return one of the style sheets beside this file."""
    sheet = files("chainrule.documents").joinpath(f"{name}.css")
    return sheet.read_text(encoding="utf-8").strip()


def html_of(
    elements: Iterable[Element],
    language: str,
    *,
    document: bool = True,
    drawing: NetworkDrawing | None = None,
) -> str:
    """Return a document as HTML: a whole file, or a part of a page (a notebook's, say).

    ``drawing`` stands below the title.
    """
    listed = list(elements)
    body = "\n".join(HtmlWriter(language, numbered=document, drawing=drawing).blocks(listed))
    tag = _LANGUAGE_TAGS[language]
    if not document:
        return (
            f'<div class="chainrule" lang="{tag}">\n<style>\n{style_sheet("document")}\n'
            f"</style>\n{body}\n</div>\n"
        )
    headings = (element for element in listed if isinstance(element, Heading))
    title = next(map(TextWriter(language).text, headings), "chainrule")
    style = "\n".join((style_sheet("page"), style_sheet("document")))
    return (
        f'<!doctype html>\n<html lang="{tag}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}\n</style>\n</head>\n"
        f'<body>\n<main class="chainrule">\n{body}\n</main>\n</body>\n</html>\n'
    )


@dataclass(frozen=True)
class _NumericMathML(ExplicitProducts, MathML):
    pass


class HtmlWriter(DocumentWriter):
    """HTML with MathML; ``numbered`` headings have an id and are listed under the title."""

    styles = Styles(MATHML, _NumericMathML())
    path_arrow = '<mo stretchy="false">←</mo>'

    def __init__(
        self, language: str, *, numbered: bool, drawing: NetworkDrawing | None = None
    ) -> None:
        super().__init__(language)
        self.drawing = drawing
        self.numbered = numbered
        self.sections = 0
        self.box = scrolling_box(self.phrase("scroll_sideways"))

    def prose(self, text: str) -> str:
        return escaped(text)

    def in_prose(self, mathematics: str) -> str:
        return f"<math>{mathematics}</math>"

    def indexed(self, name: str, index: tuple[int, ...]) -> str:
        inside = "<mo>,</mo>".join(f"<mn>{number}</mn>" for number in index)
        opened, closed = ('<mo stretchy="false">[</mo>', '<mo stretchy="false">]</mo>')
        return f"<mrow>{name}{opened}{inside}{closed}</mrow>"

    def numeral(self, shown: Numeral) -> str:
        number = self.style.digits(shown.digits.removeprefix("-"))
        if shown.exponent:
            power = f"{'−' if shown.exponent < 0 else ''}{abs(shown.exponent)}"
            number += f"<mo>×</mo><msup><mn>10</mn><mn>{power}</mn></msup>"
        return f"<mrow>{self.style.minus}{number}</mrow>" if shown.negative else number

    def grid(self, shown: Grid) -> str:
        signed = signed_columns(shown)
        rows = ""
        for line in shown.cells:
            dots = "<mo>⋮</mo>" if all(cell is None for cell in line) else "<mo>⋯</mo>"
            cells = (
                dots
                if cell is None
                else (f"<mphantom>{self.style.minus}</mphantom>" if gap else "")
                + self.numeral(cell)
                for cell, gap in zip(line, minus_gaps(line, signed), strict=True)
            )
            rows += "<mtr>" + "".join(f"<mtd>{row(cell)}</mtd>" for cell in cells) + "</mtr>"
        return f'<mrow><mo>(</mo><mtable class="numbers">{rows}</mtable><mo>)</mo></mrow>'

    # -- blocks --------------------------------------------------------------------------------

    def blocks(self, elements: Sequence[Element]) -> Iterator[str]:
        """Yield the body, sections nested as the headings are."""
        opened: list[int] = []
        pairs = with_proofs(elements)
        for kind, group in groupby(pairs, key=lambda pair: type(pair[0])):
            if kind is Paragraph:
                yield from self._paragraphs(p for p, _ in group if isinstance(p, Paragraph))
                continue
            for element, proof in group:
                if not isinstance(element, Heading):
                    yield from self._block(element, proof)
                    continue
                while opened and opened[-1] >= element.level:
                    opened.pop()
                    yield "</section>"
                yield from self._heading(element)
                if element.level > 1:
                    opened.append(element.level)
                elif self.numbered:
                    yield from self._contents(elements)
        yield from ("</section>" for _ in opened)

    def _block(self, element: Element, proof: Sequence[Paragraph]) -> Iterator[str]:
        match element:
            case Statement() | EvaluatedStatement() | GivenValue():
                yield '<div class="statement">'
                yield from self._equation(element)
                if proof:
                    yield f"<details><summary>{self.phrase('proof')}</summary>"
                    yield from self._paragraphs(proof)
                    yield "</details>"
                yield "</div>"
            case Display():
                yield self._box(self.mathematics(element.piece))
            case TableBlock():
                yield from self._table(element)

    def _paragraphs(self, paragraphs: Iterable[Paragraph]) -> Iterator[str]:
        for item, group in groupby(paragraphs, key=lambda paragraph: paragraph.item):
            tag = "li" if item else "p"
            texts = (
                f"<{tag}{self._focusable(_longest(each))}>{unbroken(self.text(each))}</{tag}>"
                for each in group
            )
            yield from ("<ul>", *texts, "</ul>") if item else texts

    def _heading(self, heading: Heading) -> Iterator[str]:
        text, tag = self.text(heading), f"h{heading.level}"
        if heading.level == 1:
            yield f"<h1>{text}</h1>"
            if self.drawing is not None:
                inside = self.drawing.svg.replace(_NAMESPACE, "", 1)
                yield f'<div class="wide"{self.box}>{inside}</div>'
        elif not self.numbered:
            yield f"<section><{tag}>{text}</{tag}>"
        else:
            self.sections += 1
            name = f"section-{self.sections}"
            yield f'<section aria-labelledby="{name}">'
            yield f'<{tag} id="{name}">{text}</{tag}>'

    def _contents(self, elements: Iterable[Element]) -> Iterator[str]:
        headings = [e for e in elements if isinstance(e, Heading) and e.level > 1]
        yield f'<nav aria-label="{escape(self.phrase("contents"))}"><ul>'
        for number, heading in enumerate(headings, 1):
            if heading.level == 2:
                yield f'<li><a href="#section-{number}">{self.text(heading)}</a></li>'
        yield "</ul></nav>"

    def _focusable(self, letters: int) -> str:
        """Return the attributes of a formula's box: it may have to scroll if it is long."""
        return self.box if letters > _LONG else ""

    # -- equations -----------------------------------------------------------------------------

    def _equation(self, element: Statement | EvaluatedStatement | GivenValue) -> Iterator[str]:
        match element:
            case Statement():
                yield from self._statement(element)
            case EvaluatedStatement():
                yield from self._evaluated(element)
            case GivenValue():
                yield from self._valued(self.style.symbol(element.symbol.name), element.value, None)

    def _rows(self, statement: Statement, shown: Iterable[Equal]) -> Iterator[tuple[Equal, str]]:
        """Yield each shown formula as mathematics, behind the left side or below it."""
        left = left_side(statement, self.style)
        sign = self.style.arrow if statement.assigns else self.style.equals
        start = left
        for equal in shown:
            formula = written(equal.formula, statement, self.style, braces=True)
            yield equal, f"{start}{sign}{formula}"
            start = f"<mphantom>{left}</mphantom>"

    def _statement(self, statement: Statement) -> Iterator[str]:
        name = len(statement.left.name)
        for equal, mathematics in self._rows(statement, distinct(statement)):
            parts = []
            if isinstance(equal.formula, Matrix):
                dimensions = self.in_prose(self.writer.dimensions(*equal.formula.sides))
                parts.append(f'<span class="dimensions">{dimensions}</span>')
            parts.append(self._rule(equal))
            if equal.holds is False:
                parts.append(f'<strong class="failed">{self.phrase("step_failed")}</strong>')
            letters = name + len(written(equal.formula, statement, TEXT))
            yield self._step(mathematics, parts, letters)
            name = 0

    def _rule(self, equal: Equal) -> str:
        return f'<span class="rule">{self.phrase(equal.reason)}</span>' if equal.reason else ""

    def _evaluated(self, element: EvaluatedStatement) -> Iterator[str]:
        statement = element.statement
        rows = self._rows(statement, [equal for equal, _ in element.shown])
        for number, (equal, mathematics) in enumerate(rows, 1):
            parts = []
            if isinstance(equal.formula, Matrix):
                parts.append(_size(element.shape(equal.formula)))
            if number < len(element.shown):  # the mark of the last stands beside the value
                parts.append(self._mark(element.shown[number - 1][1]))
            yield self._step(mathematics, [*parts, self._rule(equal)])
        if element.value is None:
            return
        left = left_side(statement, self.style)
        if element.substituted is not None:
            numbers = self.mathematics(element.substituted)
            rule = f'<span class="rule">{self.phrase("substituted")}</span>'
            yield self._step(f"<mphantom>{left}</mphantom>{self.style.equals}{numbers}", [rule])
        yield from self._valued(left, element.value, element.verdict)

    def _valued(self, left: str, value: Array, passed: bool | None) -> Iterator[str]:
        shown = grid(value)
        size = "" if shown.shape == (1, 1) else _size(shown.shape)
        mathematics = f"{left}{self.style.equals}{self.value(shown)}"
        yield self._step(mathematics, [size, self._mark(passed)])
        summary = self.summary(shown)
        if summary is not None:
            yield f'<p class="summary">{summary}</p>'

    def _mark(self, passed: bool | None) -> str:
        if passed is None:
            return ""
        kind, sign = ("right", "✓") if passed else ("wrong", "✗")
        label = escape(self.phrases[f"mark_{kind}"])
        return f'<span class="mark {kind}" role="img" aria-label="{label}">{sign}</span>'

    def _step(self, mathematics: str, notes: Iterable[str], letters: int | None = None) -> str:
        """Return a formula in its box with the notes beside it."""
        note = " ".join(part for part in notes if part)
        beside = f'<div class="note">{note}</div>' if note else ""
        return f'<div class="step">{self._box(mathematics, letters)}{beside}</div>'

    def _box(self, mathematics: str, letters: int | None = None) -> str:
        length = len(_TAGS.sub("", mathematics)) if letters is None else letters
        inside = f'<math display="block">{mathematics}</math>'
        return f'<div class="formula"{self._focusable(length)}>{inside}</div>'

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: TableBlock) -> Iterator[str]:
        yield f'<div class="wide"{self.box}><table>'
        yield self._row(table.head, table.numbers, "th")
        for cells in table.rows:
            yield self._row(cells, table.numbers, "td")
        if table.foot:
            yield self._row(table.foot, table.numbers, "td", "sum")
        yield "</table></div>"

    def _row(
        self, cells: tuple[Piece, ...], numbers: frozenset[int], tag: str, kind: str = ""
    ) -> str:
        scope = ' scope="col"' if tag == "th" else ""

        def written_cell(column: int, cell: Piece) -> str:
            text, style = self.piece(cell), ""
            if column in numbers:
                style = ' class="number"'
            elif isinstance(cell, str | Phrase) and columns_of(_TAGS.sub("", text)) > _LONG:
                style = ' class="long"'
            return f"<{tag}{scope}{style}>{text}</{tag}>"

        inside = "".join(written_cell(column, cell) for column, cell in enumerate(cells))
        return f'<tr class="{kind}">{inside}</tr>' if kind else f"<tr>{inside}</tr>"


def unbroken(text: str) -> str:
    """Keep a formula and the punctuation around it on one line: browsers break between them."""
    return _PUNCTUATED.sub(lambda match: f'<span class="unbroken">{match.group()}</span>', text)


def _size(shape: tuple[int, int]) -> str:
    return f'<span class="dimensions">{shape[0]}×{shape[1]}</span>'


def _longest(paragraph: Paragraph) -> int:
    """Return the length of the longest formula in a paragraph."""
    formulas = (value for value in paragraph.given.values() if isinstance(value, Expression))
    return max((len(str(formula)) for formula in formulas), default=0)
