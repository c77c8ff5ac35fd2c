"""An explanation as one HTML file: MathML, no script; what is wide scrolls in its own box."""

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files

from chainrule.documents import elements as told
from chainrule.documents.html_writer import document_of, kept, part_of
from chainrule.documents.wording import left_side, written
from chainrule.explanation.build_document import Derived, Story
from chainrule.explanation.document_parts import (
    Display,
    Element,
    Heading,
    Paragraph,
    Phrase,
    Piece,
    Table,
)
from chainrule.explanation.evaluated_lines import Form, Given, NumberedLine
from chainrule.explanation.ledger_format import Grid, grid
from chainrule.explanation.paper import HtmlPaper, TextPaper, numbers_for
from chainrule.explanation.worked import Worked
from chainrule.formulas.matrices import Matrix

_TAGS = re.compile(r"<[^>]+>|&#\w+;")
_LONG = 28
"""A formula with more letters than this may not fit a phone: its box can be reached by keyboard."""
_TEXTS = {True: "✓", False: "✗", None: ""}


@cache
def _style_sheet() -> str:
    sheet = files("chainrule.explanation").joinpath("explanation.css")
    return sheet.read_text(encoding="utf-8").strip()


def html_page(explanation: Worked, language: str, *, document: bool = True) -> str:
    """Return an explanation as HTML: a whole file, or a part of a page (a notebook's, say)."""
    page = _Page(explanation, language, numbered=document)
    body = "\n".join(page.body())
    if not document:
        return part_of(body, language, _style_sheet())
    return document_of(body, page.title, language, _style_sheet())


class _Page:
    """Writes the body; ``numbered`` headings have an id and are listed under the title."""

    def __init__(self, explanation: Worked, language: str, *, numbered: bool) -> None:
        self.explanation = explanation
        self.numbered = numbered
        self.paper = HtmlPaper(explanation, language)
        self.way = self.paper.medium
        self.plain = TextPaper(explanation, language)
        self.title = ""
        self.sections = 0

    def body(self) -> Iterator[str]:
        """Yield the body, sections inside sections as the headings say."""
        elements = list(Story(self.explanation).elements())
        opened: list[int] = []
        for element in elements:
            if isinstance(element, Heading | told.Heading):
                while opened and opened[-1] >= element.level:
                    opened.pop()
                    yield "</section>"
                yield from self._heading(element)
                if element.level > 1:
                    opened.append(element.level)
                elif self.numbered:
                    yield from self._contents(elements)
            else:
                yield from self._element(element)
        yield from ("</section>" for _ in opened)

    def _said(self, heading: Heading | told.Heading) -> str:
        return (
            self.paper.words(heading.phrase)
            if isinstance(heading, Heading)
            else self.way.said(heading)
        )

    def _heading(self, heading: Heading | told.Heading) -> Iterator[str]:
        said = self._said(heading)
        if heading.level == 1:
            if isinstance(heading, told.Heading):
                self.title = self.plain.medium.said(heading)
            yield f"<h1>{said}</h1>"
            return
        if not self.numbered:
            yield f"<section><h{heading.level}>{said}</h{heading.level}>"
            return
        self.sections += 1
        name = f"section-{self.sections}"
        yield f'<section aria-labelledby="{name}">'
        yield f'<h{heading.level} id="{name}">{said}</h{heading.level}>'

    def _contents(self, elements: list["Element | Derived"]) -> Iterator[str]:
        headings = [e for e in elements if isinstance(e, Heading | told.Heading) and e.level > 1]
        yield f'<nav aria-label="{escape(self.way.phrase("contents"))}"><ul>'
        for number, heading in enumerate(headings, 1):
            if heading.level == 2:
                yield f'<li><a href="#section-{number}">{self._said(heading)}</a></li>'
        yield "</ul></nav>"

    def _element(self, element: "Element | Derived") -> Iterator[str]:
        match element:
            case Paragraph():
                yield f"<p>{kept(self.paper.words(element.phrase))}</p>"
            case told.Sentence():
                yield f"<p>{kept(self.way.said(element))}</p>"
            case Display():
                yield self._box(self.paper.mathematics(element.piece))
            case Table():
                yield from self._table(element)
            case Given():
                name = self.way.style.symbol(element.symbol.name)
                yield '<div class="statement">'
                yield from self._valued(name, grid(element.value), None)
                yield "</div>"
            case NumberedLine():
                yield '<div class="statement">'
                yield from self._numbered(element)
                yield "</div>"

    def _box(self, mathematics: str) -> str:
        reach = ""
        if len(_TAGS.sub("", mathematics)) > _LONG:
            label = escape(self.way.phrase("long_formula"))
            reach = f' tabindex="0" role="group" aria-label="{label}"'
        return f'<div class="formula"{reach}><math display="block">{mathematics}</math></div>'

    # -- equations -----------------------------------------------------------------------------

    def _numbered(self, line: NumberedLine) -> Iterator[str]:
        statement, style = line.statement, self.way.style
        left = left_side(statement, style)
        sign = style.arrow if statement.assigns else style.equals
        blank = f"<mphantom>{left}</mphantom>"
        forms = line.shown
        for place, form in enumerate(forms):
            formula = written(form.equal.formula, statement, style, braces=True)
            start = left if place == 0 else blank
            note = self._note(form, last=place + 1 == len(forms))
            yield self._step(f"{start}{sign}{formula}", note)
        if line.value is None:
            return
        put_in = numbers_for(self.paper, line)
        if put_in is not None:
            said = escape(self.paper.known["substituted"])
            yield self._step(f"{blank}{style.equals}{put_in}", f'<span class="rule">{said}</span>')
        yield from self._valued(left, grid(line.value), forms[-1].passed)

    def _step(self, mathematics: str, note: str) -> str:
        said = f'<div class="note">{note}</div>' if note else ""
        return f'<div class="step">{self._box(mathematics)}{said}</div>'

    def _note(self, form: Form, *, last: bool) -> str:
        parts = []
        if isinstance(form.equal.formula, Matrix):
            parts.append(self._size(self.explanation.shape(form.equal.formula.sides)))
        if not last:
            parts.append(self._mark(form.passed))
        if form.equal.reason:
            parts.append(f'<span class="rule">{self.way.phrase(form.equal.reason)}</span>')
        return " ".join(part for part in parts if part)

    def _size(self, shape: tuple[int, int]) -> str:
        return f'<span class="dimensions">{shape[0]}×{shape[1]}</span>'

    def _mark(self, passed: bool | None) -> str:
        if passed is None:
            return ""
        kind = "right" if passed else "wrong"
        word = escape(self.paper.known[f"mark_{kind}"])
        sign = _TEXTS[passed]
        return f'<span class="mark {kind}" role="img" aria-label="{word}">{sign}</span>'

    def _valued(self, left: str, value: Grid, passed: bool | None) -> Iterator[str]:
        size = "" if value.shape == (1, 1) else self._size(value.shape)
        note = " ".join(part for part in (size, self._mark(passed)) if part)
        numbers = self.paper.value(value)
        yield self._step(f"{left}{self.way.style.equals}{numbers}", note)
        if value.summary is not None:
            low, high, norm = value.summary
            given: dict[str, Piece] = {"low": low, "high": high, "norm": norm}
            yield f'<p class="summary">{self.paper.words(Phrase("summary", given))}</p>'

    # -- tables --------------------------------------------------------------------------------

    def _table(self, table: Table) -> Iterator[str]:
        label = escape(self.way.phrase("long_formula"))
        yield f'<div class="wide" tabindex="0" role="group" aria-label="{label}"><table>'
        yield self._row(table.head, table.numbers, "th")
        for row in table.rows:
            yield self._row(row, table.numbers, "td")
        if table.foot:
            yield self._row(table.foot, table.numbers, "td", "sum")
        yield "</table></div>"

    def _row(
        self, cells: tuple[Piece, ...], numbers: frozenset[int], tag: str, kind: str = ""
    ) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        inside = "".join(
            f"<{tag}{scope}"
            + (' class="number"' if place in numbers else "")
            + f">{self.paper.said(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )
        return f'<tr class="{kind}">{inside}</tr>' if kind else f"<tr>{inside}</tr>"
