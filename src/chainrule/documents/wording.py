"""Phrases of a language, and the formulas of equations in any style: what all media share."""

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from chainrule.documents.elements import (
    ChainFactors,
    Equal,
    Formula,
    Partials,
    Scalar,
    Statement,
)
from chainrule.formulas.matrices import Matrix, Multiply, Pointwise
from chainrule.formulas.render import TEXT, Style, Writer
from chainrule.language.phrase_books import phrases_of

BOOKS = ("derivation", "explanation")
"""The phrase books that documents are written from; a key occurs in one of them."""


@cache
def phrases(language: str) -> Mapping[str, str]:
    """Return every phrase of documents in a language by its key."""
    return ChainMap(*(dict(phrases_of(book, language)) for book in BOOKS))


@cache
def localized(style: Style, language: str) -> Style:
    """Return a style whose few words ("if", "otherwise") are those of a language."""
    known = phrases(language)
    otherwise = "else" if type(style) is Style else "otherwise"
    return replace(style, when=known["when"], otherwise=known[otherwise])


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
        token = match.group()
        name = match.lastgroup in ("name", "digits")
        if name and after_name:
            out += style.product
        if match.lastgroup == "name":
            out += style.symbol(token)
        elif match.lastgroup == "digits":
            out += style.digits(token)
        elif match.lastgroup == "mark":
            out += marks[token]
        after_name = name or (after_name and match.lastgroup is None)
    return out.strip()


def written(formula: Formula, statement: Statement, style: Style, *, braces: bool = False) -> str:
    """Return one formula of a statement."""
    writer = Writer(style, counted=statement.counted, braces=braces)
    match formula:
        case Partials():
            return style.plus.join(_products(formula, statement, writer))
        case ChainFactors():
            return writer.chain(formula.factors)
        case Scalar():
            whole = writer.equation(statement.left, formula.expression)
            return whole.split(style.equals, 1)[1]
        case Matrix():
            return writer.write(formula)
    raise TypeError(f"no rule writes {type(formula).__name__}")


def _products(partials: Partials, statement: Statement, writer: Writer) -> list[str]:
    """Return the product of partial derivatives along each path."""
    style = writer.style
    products = []
    for path in partials.paths:
        links = [
            (above, below)
            for above, below in zip((partials.loss, *path), path, strict=False)
            if above != below
        ]
        if statement.indexed:
            products.append(writer.path((partials.loss, *path), path[-1], partials.coupled))
        else:
            names = (style.symbol(f"∂{above.name}/∂{below.name}") for above, below in links)
            products.append(style.times.join(names))
    if partials.direct is not None:
        products.append(written(partials.direct, statement, style))
    return products


def left_side(statement: Statement, style: Style) -> str:
    """Return the left side of a statement."""
    if statement.indexed:
        return Writer(style, counted=statement.counted).left(statement.left)
    return style.symbol(statement.left.name)


def distinct(statement: Statement) -> list[Equal]:
    """Return the formulas of a statement without those that print like the one before."""
    shown: list[Equal] = []
    before = None
    for equal in statement.rights:
        now = written(equal.formula, statement, TEXT)
        if now != before:
            shown.append(equal)
        before = now
    return shown


def multiplied(formula: Formula) -> Multiply | None:
    """Return the one matrix product that a formula consists of, apart from numbers in front."""
    match formula:
        case Multiply():
            return formula
        case Pointwise(operands=((_, Multiply() as inner),)):
            return inner
    return None
