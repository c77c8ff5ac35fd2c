"""Derivations in words: phrases of a language, and formulas inside them, in any style.

What every page shares.  ``pages`` puts lines on paper: text, LaTeX, HTML.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from chainrule.documents.elements import (
    Arrangement,
    Equal,
    Formula,
    Given,
    Heading,
    Key,
    Listed,
    Named,
    Partials,
    Plain,
    Route,
    Scalar,
    Sentence,
    Sides,
    Statement,
    Times,
)
from chainrule.formulas.expressions import Expression
from chainrule.formulas.matrices import Matrix, Multiply, Pointwise
from chainrule.formulas.render import TEXT, Style, Writer
from chainrule.language.phrase_books import phrases_of

phrases = partial(phrases_of, "derivation")
"""Every phrase of a language by its key."""


@cache
def spoken(style: Style, language: str) -> Style:
    """Return a style whose few words are those of a language."""
    known = phrases(language)
    otherwise = "else" if type(style) is Style else "otherwise"
    return replace(style, when=known["when"], otherwise=known[otherwise])


@dataclass(frozen=True)
class Medium:
    """How one medium writes prose in a language and puts mathematics into it."""

    style: Style
    language: str
    prose: Callable[[str], str]
    mathematics: Callable[[str], str]

    def said(self, line: Heading | Sentence) -> str:
        """Return a heading or a sentence in words."""
        return self.phrase(line.phrase, line.given)

    def phrase(self, key: str, given: Mapping[str, Given] | None = None) -> str:
        """Return a phrase with everything put in; what stands between dollars is mathematics."""
        parts = phrases(self.language)[key].split("$")
        return "".join(
            self.mathematics(inline(part, self.style))
            if place % 2
            else self._prose(part, given or {})
            for place, part in enumerate(parts)
        )

    def _prose(self, text: str, given: Mapping[str, Given]) -> str:
        pieces = re.split(r"\{(\w+)\}", text)
        return "".join(
            self._given(given[piece]) if place % 2 else self.prose(piece)
            for place, piece in enumerate(pieces)
        )

    def _given(self, value: Given) -> str:
        match value:
            case str():
                return self.prose(value)
            case Key():
                return self.phrase(value.phrase, value.given)
            case Listed():
                return self.phrase(value.joint).join(self._given(item) for item in value.items)
            case Plain():
                return self.mathematics(inline(value.text, self.style))
            case Named():
                return self.mathematics(self.style.symbol(value.symbol.name))
            case Sides():
                return self.mathematics(self.writer.dimensions(value.rows, value.columns))
            case Arrangement():
                return self.mathematics(self.writer.arrangement(value.factors))
            case Route():
                return self.mathematics(self.writer.route(value.product))
            case Expression() | Matrix():
                return self.mathematics(self.writer.write(value))

    @property
    def writer(self) -> Writer:
        """A writer in this style."""
        return Writer(self.style)


_INLINE = re.compile(r"(?P<name>[^\W\d_ᵀ]+(?:_\w+)?\d*)|(?P<digits>\d+(?:\.\d+)?)|(?P<mark>\S)|\s+")


def inline(text: str, style: Style) -> str:
    """Return the plain mathematics of a phrase, names and marks, in a style.

    >>> from chainrule.formulas.render import LATEX
    >>> print(inline("Z = X W_ih + b", LATEX))
    Z = X W_{ih} + b
    """
    if type(style) is Style:
        return text
    marks = {
        "=": style.equals,
        "+": style.plus,
        "×": style.times,
        "⊙": style.hadamard,
        "⊘": style.over,
        "ᵀ": style.transpose(style.nothing),
        "…": style.dots,
        "−": style.minus,
        ",": style.comma,
    }
    out, after_name = "", False
    for match in _INLINE.finditer(text):
        piece = match.group()
        name = match.lastgroup in ("name", "digits")
        if name and after_name:
            out += style.product
        if match.lastgroup == "name":
            out += style.symbol(piece)
        elif match.lastgroup == "digits":
            out += style.digits(piece)
        elif match.lastgroup == "mark":
            out += marks[piece]
        after_name = name or (after_name and match.lastgroup is None)
    return out.strip()


def written(formula: Formula, statement: Statement, style: Style, *, braces: bool = False) -> str:
    """Return one formula of a statement."""
    writer = Writer(style, counted=statement.counted, braces=braces)
    match formula:
        case Partials():
            return style.plus.join(_ways(formula, statement, writer))
        case Times():
            return writer.chain(formula.factors)
        case Scalar():
            whole = writer.equation(statement.left, formula.expression)
            return whole.split(style.equals, 1)[1]
        case Matrix():
            return writer.write(formula)
    raise TypeError(f"no rule writes {type(formula).__name__}")


def _ways(partials: Partials, statement: Statement, writer: Writer) -> list[str]:
    style = writer.style
    ways = []
    for way in partials.ways:
        links = [
            (above, below)
            for above, below in zip((partials.loss, *way), way, strict=False)
            if above != below
        ]
        if statement.indexed:
            ways.append(writer.way((partials.loss, *way), way[-1], partials.coupled))
        else:
            ways.append(style.times.join(style.symbol(f"∂{a.name}/∂{b.name}") for a, b in links))
    if partials.direct is not None:
        ways.append(written(partials.direct, statement, style))
    return ways


def left_side(statement: Statement, style: Style) -> str:
    """Return the left side of a statement."""
    if statement.indexed:
        return Writer(style, counted=statement.counted).left(statement.left)
    return style.symbol(statement.left.name)


def distinct(statement: Statement) -> list[Equal]:
    """Leave out a formula that reads like the one before it."""
    kept: list[Equal] = []
    before = None
    for equal in statement.rights:
        now = written(equal.formula, statement, TEXT)
        if now != before:
            kept.append(equal)
        before = now
    return kept


def multiplied(formula: Formula) -> Multiply | None:
    """Return the one matrix product that a formula consists of, apart from numbers in front."""
    match formula:
        case Multiply():
            return formula
        case Pointwise(operands=((_, Multiply() as inner),)):
            return inner
    return None
