"""The base of all writers: phrases with their pieces, and inline mathematics.

A subclass says how its medium spells a number, an index and a matrix of numbers, and how it lays
out blocks.  Formulas are written by ``formulas.render``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from chainrule.documents.elements import (
    Arrangement,
    ArrayEntry,
    EntryFormula,
    EntryPath,
    Equals,
    Factors,
    Listed,
    Partial,
    Phrase,
    Piece,
    Plain,
    Sides,
    Substituted,
    SymbolName,
    Walk,
)
from chainrule.documents.numerals import Grid, Numeral, numeral
from chainrule.documents.wording import inline, localized, phrases
from chainrule.formulas.expressions import Expression, Power, Symbol, children
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render import Style, Writer


class ExplicitProducts:
    """Mixed into a style: factors beside each other have a sign between them.

    Numbers need one: 2 × 3, not 23.  It is no style itself, or the fields of ``Style`` would hide
    those of the style that it is mixed into.
    """

    times: str

    def fronted(self, number: str, rest: str) -> str:
        return number + self.times + rest

    def beside(self, left: str, right: str) -> str:
        return left + self.times + right


@dataclass(frozen=True)
class Styles:
    """How a medium writes formulas: with names, and with numbers in place of the names."""

    named: Style
    numeric: Style


class DocumentWriter:
    """Writes pieces in one medium and one language."""

    styles: ClassVar[Styles]
    path_arrow: ClassVar[str]
    """From an entry to the one below it on a path."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.phrases = phrases(language)
        self.style = localized(self.styles.named, language)
        self.numeric_style = localized(self.styles.numeric, language)
        self.writer = Writer(self.style)

    # -- what a medium spells ------------------------------------------------------------------

    def prose(self, text: str) -> str:
        """Return plain text, escaped."""
        raise NotImplementedError

    def in_prose(self, mathematics: str) -> str:
        """Return mathematics to be placed inside prose."""
        raise NotImplementedError

    def indexed(self, name: str, index: tuple[int, ...]) -> str:
        """Return a name with the indices of one of its entries."""
        return f"{name}[{','.join(map(str, index))}]"

    def numeral(self, shown: Numeral) -> str:
        """Return a number."""
        raise NotImplementedError

    def grid(self, shown: Grid) -> str:
        """Return a matrix of numbers."""
        raise NotImplementedError

    # -- prose ---------------------------------------------------------------------------------

    def phrase(self, key: str, given: Mapping[str, Piece] | None = None) -> str:
        """Return a phrase with its pieces; what stands between dollars is mathematics."""
        return "".join(
            self.in_prose(inline(part, self.style))
            if number % 2
            else self._substituted(part, given or {})
            for number, part in enumerate(self.phrases[key].split("$"))
        )

    def text(self, phrase: Phrase) -> str:
        """Return a phrase, the text of a heading or of a paragraph."""
        return self.phrase(phrase.key, phrase.given)

    def _substituted(self, text: str, given: Mapping[str, Piece]) -> str:
        return "".join(
            self.piece(given[part]) if number % 2 else self.prose(part)
            for number, part in enumerate(re.split(r"\{(\w+)\}", text))
        )

    def piece(self, piece: Piece) -> str:
        """Return a piece as it stands in a sentence or in a cell."""
        match piece:
            case str():
                return self.prose(piece)
            case Phrase():
                return self.text(piece)
            case Listed():
                return self.phrase(piece.joint).join(map(self.piece, piece.items))
        return self.in_prose(self.mathematics(piece))

    # -- mathematics ---------------------------------------------------------------------------

    def mathematics(self, piece: Piece) -> str:
        """Return a piece of mathematics, without what delimits mathematics in prose."""
        match piece:
            case Plain():
                return inline(piece.text, self.style)
            case SymbolName():
                return self.style.symbol(piece.symbol.name)
            case Sides():
                return self.writer.dimensions(piece.rows, piece.columns)
            case Arrangement():
                return self.writer.arrangement(piece.factors)
            case Walk():
                return self.writer.route(piece.product)
            case Expression() | Matrix():
                return self.writer.write(piece)
            case ArrayEntry():
                name = self.style.symbol(piece.symbol.name)
                return self.indexed(name, piece.index) if piece.position else name
            case Partial():
                return self.style.partial(
                    self.mathematics(piece.above), self.mathematics(piece.below)
                )
            case Numeral():
                return self.numeral(piece)
            case Grid():
                return self.grid(piece)
            case EntryFormula():
                return self._entry_formula(piece)
            case Substituted():
                return self._with_numbers(piece)
            case Factors():
                return self.style.times.join(map(self._factor, piece.factors))
            case Equals():
                first, *others = map(self.mathematics, piece.sides)
                sign = self.style.arrow if piece.assigns else self.style.equals
                return self.style.equals.join([f"{first}{sign}{others[0]}", *others[1:]])
            case EntryPath():
                return self.path_arrow.join(map(self.mathematics, piece.entries))
        raise TypeError(f"no rule writes {type(piece).__name__} as mathematics")

    def _factor(self, piece: Piece) -> str:
        factor = self.mathematics(piece)
        negative = isinstance(piece, Numeral) and piece.negative
        return self.style.brackets(factor) if negative else factor

    def _entry_formula(self, piece: EntryFormula) -> str:
        numbers = piece.numbers
        raised = {node.base for node in _nodes(piece.expression) if isinstance(node, Power)}

        def spell(symbol: Symbol) -> str | None:
            if numbers is not None and symbol in numbers:
                return self._factor(numeral(numbers[symbol]))
            named = piece.named.get(symbol)
            if named is not None:
                name = self.mathematics(named)
                atomic = isinstance(named, ArrayEntry) or symbol not in raised
                return name if atomic else self.style.brackets(name)
            if symbol.axes:
                position = tuple((axis, piece.at[axis]) for axis in symbol.axes)
                return self.mathematics(ArrayEntry(symbol, position))
            return None

        style = self.style if numbers is None else self.numeric_style
        return Writer(style, spell).write(piece.expression)

    def _with_numbers(self, piece: Substituted) -> str:
        def spell(symbol: Symbol) -> str:
            value = piece.values[symbol]
            return self._factor(value) if isinstance(value, Numeral) else self.small_grid(value)

        return Writer(self.numeric_style, spell).write(piece.formula)

    def small_grid(self, shown: Grid) -> str:
        """Return a matrix of numbers inside a formula."""
        return self.grid(shown)

    def value(self, shown: Grid) -> str:
        """Return the value of an equation: a matrix, or a number."""
        only = shown.cells[0][0] if shown.shape == (1, 1) else None
        return self.grid(shown) if only is None else self.numeral(only)

    def summary(self, shown: Grid) -> str | None:
        """Return the range and the norm of a matrix of which only a corner is shown."""
        if shown.summary is None:
            return None
        low, high, norm = shown.summary
        return self.phrase("summary", {"low": low, "high": high, "norm": norm})


def _nodes(tree: Expression) -> Iterator[Expression]:
    yield tree
    for part in children(tree):
        yield from _nodes(part)


def signed_columns(shown: Grid) -> list[bool]:
    """Return for each column whether it has a negative number."""
    columns = zip(*shown.cells, strict=True)
    return [any(cell is not None and cell.negative for cell in column) for column in columns]


def minus_gaps(row: tuple[Numeral | None, ...], signed: list[bool]) -> list[bool]:
    """Return for each cell whether it leaves room for a minus sign, so that digits align."""
    return [
        minus and cell is not None and not cell.negative
        for cell, minus in zip(row, signed, strict=True)
    ]
