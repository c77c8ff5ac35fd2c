"""Lines as one HTML file: MathML by our own writer, no script, nothing fetched.

Each formula has a box of its own, which scrolls sideways where the formula is wider than the
screen; the page itself never does.  Matrix products can be opened (``<details>``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby

from chainrule.documents.elements import Equal, Heading, Line, Proved, Sentence, Statement
from chainrule.documents.wording import Medium, distinct, left_side, spoken, written
from chainrule.formulas.expressions import Expression
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import MATHML, TEXT

_LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}
_LONG = 28
"""A formula with more letters than this may not fit a phone: its box can be reached by keyboard."""


_FORMULA = "<math>(?:(?!</math>).)*</math>"
_PUNCTUATED = re.compile(
    f"[（“(]+{_FORMULA}[，。；：、）”！？).,;:]*|{_FORMULA}[，。；：、）”！？).,;:]+"
)


def medium(language: str) -> Medium:
    """Return how HTML is written in a language."""
    return Medium(spoken(MATHML, language), language, escape, lambda piece: f"<math>{piece}</math>")


def kept(said: str) -> str:
    """Keep a formula and the punctuation around it on one line: browsers break between them."""
    return _PUNCTUATED.sub(lambda match: f'<span class="kept">{match.group()}</span>', said)


@cache
def style_sheet(name: str) -> str:
    """Return one of the style sheets beside this file."""
    sheet = files("chainrule.documents").joinpath(f"{name}.css")
    return sheet.read_text(encoding="utf-8").strip()


def html_of(
    lines: Sequence[Line],
    language: str,
    proved: Proved | None = None,
    *,
    document: bool = True,
) -> str:
    """Return lines as HTML: a whole file, or a part of a page (a notebook's, say)."""
    page = _Page(medium(language), proved, numbered=document)
    body = "\n".join(page.body(lines))
    if not document:
        return part_of(body, language)
    title = next((page.plain(line) for line in lines if isinstance(line, Heading)), "chainrule")
    return document_of(body, title, language)


def part_of(body: str, language: str, *sheets: str) -> str:
    """Return a body with its style sheets as a part of a page."""
    tag, style = _LANGUAGE_TAGS[language], "\n".join(("", *sheets)).rstrip()
    return (
        f'<div class="chainrule" lang="{tag}">\n<style>\n{style_sheet("derivation")}{style}\n'
        f"</style>\n{body}\n</div>\n"
    )


def document_of(body: str, title: str, language: str, *sheets: str) -> str:
    """Return a body with its style sheets as a whole file."""
    style = "\n".join((style_sheet("page"), style_sheet("derivation"), *sheets))
    return (
        f'<!doctype html>\n<html lang="{_LANGUAGE_TAGS[language]}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}\n</style>\n</head>\n"
        f'<body>\n<main class="chainrule">\n{body}\n</main>\n</body>\n</html>\n'
    )


class _Page:
    """Writes the body; ``numbered`` headings have an id and are listed under the title."""

    def __init__(self, way: Medium, proved: Proved | None, *, numbered: bool) -> None:
        self.way = way
        self.proved = proved
        self.numbered = numbered
        self.sections = 0

    def plain(self, line: Heading) -> str:
        """Return a heading without markup."""
        text = Medium(spoken(TEXT, self.way.language), self.way.language, str, str)
        return text.said(line)

    def body(self, lines: Sequence[Line]) -> Iterator[str]:
        """Yield the body, sections inside sections as the headings say."""
        opened: list[int] = []
        for kind, group in groupby(lines, key=type):
            if kind is Sentence:
                yield from self._sentences(line for line in group if isinstance(line, Sentence))
                continue
            for line in group:
                if isinstance(line, Statement):
                    yield from self._statement(line)
                elif isinstance(line, Heading):
                    while opened and opened[-1] >= line.level:
                        opened.pop()
                        yield "</section>"
                    yield from self._heading(line)
                    if line.level > 1:
                        opened.append(line.level)
                    elif self.numbered:
                        yield from self._contents(lines)
        yield from ("</section>" for _ in opened)

    def _sentences(self, lines: Iterable[Sentence]) -> Iterator[str]:
        for item, group in groupby(lines, key=lambda line: line.item):
            tag = "li" if item else "p"
            said = (
                f"<{tag}{self._reach(_longest(line))}>{kept(self.way.said(line))}</{tag}>"
                for line in group
            )
            yield from ("<ul>", *said, "</ul>") if item else said

    def _heading(self, line: Heading) -> Iterator[str]:
        said = self.way.said(line)
        if line.level == 1:
            yield f"<h1>{said}</h1>"
            return
        if not self.numbered:
            yield f"<section><h{line.level}>{said}</h{line.level}>"
            return
        self.sections += 1
        name = f"section-{self.sections}"
        yield f'<section aria-labelledby="{name}">'
        yield f'<h{line.level} id="{name}">{said}</h{line.level}>'

    def _contents(self, lines: Iterable[Line]) -> Iterator[str]:
        headings = [line for line in lines if isinstance(line, Heading) and line.level > 1]
        yield f'<nav aria-label="{escape(self.way.phrase("contents"))}"><ul>'
        for number, line in enumerate(headings, 1):
            if line.level == 2:
                yield f'<li><a href="#section-{number}">{self.way.said(line)}</a></li>'
        yield "</ul></nav>"

    def _statement(self, statement: Statement) -> Iterator[str]:
        left = left_side(statement, self.way.style)
        sign = self.way.style.arrow if statement.assigns else self.way.style.equals
        yield '<div class="statement">'
        for place, equal in enumerate(distinct(statement)):
            start = left if place == 0 else f"<mphantom>{left}</mphantom>"
            formula = written(equal.formula, statement, self.way.style, braces=True)
            letters = len(written(equal.formula, statement, TEXT))
            reach = self._reach(letters + (0 if place else len(statement.left.name)))
            yield '<div class="step">'
            yield f'<div class="formula"{reach}>'
            yield f'<math display="block">{start}{sign}{formula}</math></div>'
            yield from self._note(equal)
            yield "</div>"
        if self.proved is not None:
            yield from self._opened(self.proved(statement))
        yield "</div>"

    def _reach(self, letters: int) -> str:
        """Return what lets a box be reached by keyboard that may have to scroll sideways."""
        label = escape(self.way.phrase("long_formula"))
        return f' tabindex="0" role="group" aria-label="{label}"' if letters > _LONG else ""

    def _note(self, equal: Equal) -> Iterator[str]:
        parts = []
        if isinstance(equal.formula, Matrix):
            dimensions = self.way.mathematics(self.way.writer.dimensions(*equal.formula.sides))
            parts.append(f'<span class="dimensions">{dimensions}</span>')
        if equal.reason:
            parts.append(f'<span class="rule">{self.way.phrase(equal.reason)}</span>')
        if equal.holds is False:
            parts.append(f'<strong class="failed">{self.way.phrase("step_failed")}</strong>')
        if parts:
            yield f'<div class="note">{" ".join(parts)}</div>'

    def _opened(self, proof: Sequence[Sentence]) -> Iterator[str]:
        if not proof:
            return
        yield f"<details><summary>{self.way.phrase('proof')}</summary>"
        yield from self._sentences(proof)
        yield "</details>"


def _longest(line: Sentence) -> int:
    """Return how long the longest formula in a sentence is."""
    formulas = (value for value in line.given.values() if isinstance(value, Expression))
    return max((len(str(formula)) for formula in formulas), default=0)
