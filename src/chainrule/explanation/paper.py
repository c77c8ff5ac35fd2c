"""How a medium writes the pieces of an explanation: entries, numbers, matrices, formulas, phrases.

What all media share is here; ``TextPaper``, ``LatexPaper`` and ``HtmlPaper`` say how each spells a
number, an index and a matrix.  The formulas themselves are written by ``formulas.render``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from fractions import Fraction
from functools import partial, reduce

from chainrule.documents import html_writer, latex_writer, text_writer
from chainrule.documents.wording import Medium, inline, spoken
from chainrule.explanation.document_parts import (
    Equals,
    Formula,
    Partial,
    Phrase,
    Piece,
    Through,
    Times,
)
from chainrule.explanation.evaluated_lines import NumberedLine
from chainrule.explanation.ledger_format import Figure, Grid, figure, grid
from chainrule.explanation.weight_paths import Entry
from chainrule.explanation.worked import Worked
from chainrule.formulas.arrange import orient
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import (
    Expression,
    Number,
    Power,
    Size,
    Symbol,
    children,
    substitute,
)
from chainrule.formulas.matrices import (
    Entry as MatrixEntry,
)
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    Multiply,
    Pointwise,
    Transpose,
    every,
)
from chainrule.formulas.positional import laid_out
from chainrule.formulas.render import Style, Writer
from chainrule.formulas.render.mathml import MathML, row
from chainrule.formulas.render.styles import Latex
from chainrule.language.phrase_books import phrases_of

WIDEST_PLAIN = 4
"""Matrices with more columns are set small in LaTeX, to stay on the page."""
MOST_PUT_IN, LONGEST_SIDE = 24, 4
"""Numbers are put into a formula where all its matrices are that small."""


phrases = partial(phrases_of, "explanation")
"""Every phrase of a language by its key."""


class _Explicit:
    """A style in which numbers beside each other have a sign between them."""

    # No style itself: the fields of Style would hide those of the style that it is mixed into.
    times: str

    def fronted(self, number: str, rest: str) -> str:
        return number + self.times + rest

    def beside(self, left: str, right: str) -> str:
        return left + self.times + right


@dataclass(frozen=True)
class _ExplicitText(_Explicit, Style):
    pass


@dataclass(frozen=True)
class _ExplicitLatex(_Explicit, Latex):
    pass


@dataclass(frozen=True)
class _ExplicitMathML(_Explicit, MathML):
    pass


class Paper:
    """Pieces in one medium and one language, for one explanation."""

    def __init__(self, explanation: Worked, language: str, medium: Medium, explicit: Style) -> None:
        self.explanation = explanation
        self.language = language
        self.known = phrases(language)
        self.medium = medium
        self.style = medium.style
        self.explicit = spoken(explicit, language)

    # -- words ---------------------------------------------------------------------------------

    def words(self, phrase: Phrase) -> str:
        """Return a phrase with its pieces put in."""
        parts = self.known[phrase.key].split("$")
        return "".join(
            self.medium.mathematics(inline(part, self.style))
            if place % 2
            else self._prose(part, phrase.given)
            for place, part in enumerate(parts)
        )

    def _prose(self, text: str, given: Mapping[str, Piece]) -> str:
        pieces = re.split(r"\{(\w+)\}", text)
        return "".join(
            self.said(given[piece]) if place % 2 else self.medium.prose(piece)
            for place, piece in enumerate(pieces)
        )

    def said(self, piece: Piece) -> str:
        """Return a piece as it stands in a sentence or a cell."""
        match piece:
            case "":
                return ""
            case str():
                return self.medium.prose(piece)
            case Phrase():
                return self.words(piece)
        return self.medium.mathematics(self.mathematics(piece))

    # -- mathematics ---------------------------------------------------------------------------

    def mathematics(self, piece: Piece) -> str:
        """Return a piece of mathematics, without what marks it as mathematics."""
        match piece:
            case Entry():
                return self.entry(piece)
            case Partial():
                return self.style.partial(self.entry(piece.above), self.entry(piece.below))
            case Figure():
                return self.figure(piece)
            case Grid():
                return self.grid(piece)
            case Symbol():
                return self.style.symbol(piece.name)
            case Formula():
                return self.formula(piece)
            case Times():
                return self.style.times.join(map(self._factor, piece.factors))
            case Equals():
                first, *others = map(self.mathematics, piece.sides)
                sign = self.style.arrow if piece.assigns else self.style.equals
                head = f"{first}{sign}{others[0]}"
                return self.style.equals.join([head, *others[1:]])
            case Through():
                return self.arrow.join(map(self.mathematics, piece.entries))
        raise TypeError(f"no rule writes {type(piece).__name__} as mathematics")

    def _factor(self, piece: Piece) -> str:
        written = self.mathematics(piece)
        negative = isinstance(piece, Figure) and piece.negative
        return self.style.brackets(written) if negative else written

    def entry(self, entry: Entry) -> str:
        """Return ``W_ih[0,2]``."""
        name = self.style.symbol(entry.symbol.name)
        return self.indexed(name, entry.index) if entry.place else name

    def formula(self, piece: Formula) -> str:
        """Return an expression at one place, by names or by numbers."""
        tree = piece.expression
        if piece.numbers is not None:
            tree = self._sized(tree)
        raised = {node.base for node in _nodes(tree) if isinstance(node, Power)}

        def spell(symbol: Symbol) -> str | None:
            if piece.numbers is not None and symbol in piece.numbers:
                return self._number(piece.numbers[symbol])
            named = piece.named.get(symbol)
            if named is not None:
                written = self.mathematics(named)
                bare = isinstance(named, Entry) or symbol not in raised
                return written if bare else self.style.brackets(written)
            if symbol.axes:
                return self.entry(Entry(symbol, tuple((a, piece.at[a]) for a in symbol.axes)))
            return None

        style = self.explicit if piece.numbers is not None else self.style
        return Writer(style, spell).write(tree)

    def value(self, shown: Grid) -> str:
        """Return the value of a line: a matrix, or a number."""
        only = shown.cells[0][0] if shown.shape == (1, 1) else None
        return self.grid(shown) if only is None else self.figure(only)

    def put_in(self, formula: Matrix, named: Evaluation) -> str | None:
        """Return a matrix formula with numbers for its symbols; None where it would be large."""
        layout = self.explanation.derivation.layout
        inside = {node.symbol for node in every(formula) if isinstance(node, MatrixEntry)}
        shapes = [[named.size(axis) for axis in symbol.axes] for symbol in inside]
        entries = sum(reduce(lambda a, b: a * b, shape, 1) for shape in shapes)
        longest = max((length for shape in shapes for length in shape), default=1)
        indexed = any(isinstance(node, Indexed) for node in every(formula))
        if entries > MOST_PUT_IN or longest > LONGEST_SIDE or indexed:
            return None

        def spell(symbol: Symbol) -> str | None:
            value = named(symbol)
            if not symbol.axes:
                return self._number(float(value))
            sides = orient(symbol.axes, layout)
            return self.small_grid(grid(laid_out(value, symbol.axes, sides)))

        return Writer(self.explicit, spell).write(self._sized_matrix(formula))

    def _number(self, value: float) -> str:
        shown = figure(value)
        written = self.figure(shown)
        return self.style.brackets(written) if shown.negative else written

    def _sized(self, tree: Expression) -> Expression:
        """Put the lengths of axes in, as numbers that stay where they are."""
        sizes = {node.axis for node in _nodes(tree) if isinstance(node, Size)}
        lengths = {axis: self.explanation.batch.named.size(axis) for axis in sizes}
        return substitute(
            tree, {Size(axis): Number(Fraction(n), str(n)) for axis, n in lengths.items()}
        )

    def _sized_matrix(self, matrix: Matrix) -> Matrix:
        match matrix:
            case Transpose() | Layerwise() | Extreme():
                return changed(matrix, operand=self._sized_matrix(matrix.operand))
            case Multiply():
                return Multiply(tuple(map(self._sized_matrix, matrix.factors)))
            case Pointwise():
                operands = tuple((s, self._sized_matrix(m)) for s, m in matrix.operands)
                return changed(matrix, formula=self._sized(matrix.formula), operands=operands)
        return matrix

    # -- spelling ------------------------------------------------------------------------------

    @property
    def arrow(self) -> str:
        """From one unit back to the one before it."""
        raise NotImplementedError

    def indexed(self, name: str, index: tuple[int, ...]) -> str:
        """Return a name with the indices of one of its entries."""
        raise NotImplementedError

    def figure(self, shown: Figure) -> str:
        """Return a number."""
        raise NotImplementedError

    def grid(self, shown: Grid) -> str:
        """Return a matrix of numbers."""
        raise NotImplementedError

    def small_grid(self, shown: Grid) -> str:
        """Return a matrix of numbers inside a formula."""
        return self.grid(shown)


class TextPaper(Paper):
    """Plain Unicode."""

    def __init__(self, explanation: Worked, language: str) -> None:
        super().__init__(explanation, language, text_writer.medium(language), _ExplicitText())

    arrow = " ← "

    def indexed(self, name: str, index: tuple[int, ...]) -> str:
        return f"{name}[{','.join(map(str, index))}]"

    def figure(self, shown: Figure) -> str:
        return str(shown)

    def grid(self, shown: Grid) -> str:
        return self.small_grid(shown)

    def small_grid(self, shown: Grid) -> str:
        rows = ("  ".join("…" if c is None else str(c) for c in line) for line in shown.cells)
        return f"[{'; '.join(rows)}]"


_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "✓": r"$\checkmark$",
    "✗": r"$\boldsymbol{\times}$",
}


def _latex_prose(words: str) -> str:
    """Escape words, names of columns and classes among them, which may hold anything."""
    return "".join(_LATEX_SPECIAL.get(letter) or latex_writer.escaped(letter) for letter in words)


class LatexPaper(Paper):
    """LaTeX, between dollar signs."""

    def __init__(self, explanation: Worked, language: str) -> None:
        medium = changed(latex_writer.medium(language), prose=_latex_prose)
        super().__init__(explanation, language, medium, _ExplicitLatex())

    arrow = r" \leftarrow "

    def indexed(self, name: str, index: tuple[int, ...]) -> str:
        return f"{name}[{','.join(map(str, index))}]"

    def figure(self, shown: Figure) -> str:
        digits = shown.digits.replace("∞", r"\infty").replace("NaN", r"\mathrm{NaN}")
        return rf"{digits}\times 10^{{{shown.exponent}}}" if shown.exponent else digits

    def grid(self, shown: Grid) -> str:
        signed = _signed(shown)
        rows = []
        for line in shown.cells:
            dots = r"\vdots" if all(cell is None for cell in line) else r"\cdots"
            cells = (
                dots if cell is None else (r"\phantom{-}" if gap else "") + self.figure(cell)
                for cell, gap in zip(line, _gaps(line, signed), strict=True)
            )
            rows.append(" & ".join(cells))
        inside = r" \\ ".join(rows)
        if len(shown.cells[0]) > WIDEST_PLAIN:
            return rf"\left(\begin{{smallmatrix}} {inside} \end{{smallmatrix}}\right)"
        return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


class HtmlPaper(Paper):
    """MathML, inside ``<math>``."""

    def __init__(self, explanation: Worked, language: str) -> None:
        super().__init__(explanation, language, html_writer.medium(language), _ExplicitMathML())

    arrow = '<mo stretchy="false">←</mo>'

    def indexed(self, name: str, index: tuple[int, ...]) -> str:
        inside = "<mo>,</mo>".join(f"<mn>{place}</mn>" for place in index)
        opened, closed = ('<mo stretchy="false">[</mo>', '<mo stretchy="false">]</mo>')
        return f"<mrow>{name}{opened}{inside}{closed}</mrow>"

    def figure(self, shown: Figure) -> str:
        digits = shown.digits.removeprefix("-")
        written = self.style.digits(digits)
        if shown.exponent:
            power = f"{'−' if shown.exponent < 0 else ''}{abs(shown.exponent)}"
            ten = f"<msup><mn>10</mn><mn>{power}</mn></msup>"
            written = f"{written}<mo>×</mo>{ten}"
        return f"<mrow>{self.style.minus}{written}</mrow>" if shown.negative else written

    def grid(self, shown: Grid) -> str:
        signed = _signed(shown)
        rows = ""
        for line in shown.cells:
            dots = "<mo>⋮</mo>" if all(cell is None for cell in line) else "<mo>⋯</mo>"
            cells = (
                dots
                if cell is None
                else (f"<mphantom>{self.style.minus}</mphantom>" if gap else "") + self.figure(cell)
                for cell, gap in zip(line, _gaps(line, signed), strict=True)
            )
            rows += "<mtr>" + "".join(f"<mtd>{row(cell)}</mtd>" for cell in cells) + "</mtr>"
        return f'<mrow><mo>(</mo><mtable class="numbers">{rows}</mtable><mo>)</mo></mrow>'


def _signed(shown: Grid) -> list[bool]:
    """Return for each column whether it has a negative number."""
    columns = zip(*shown.cells, strict=True)
    return [any(cell is not None and cell.negative for cell in column) for column in columns]


def _gaps(line: tuple[Figure | None, ...], signed: list[bool]) -> list[bool]:
    """Return for each cell whether it leaves the room of a minus sign, to stand below others."""
    return [
        minus and cell is not None and not cell.negative
        for cell, minus in zip(line, signed, strict=True)
    ]


LONGEST = 90
"""Longer formulas of numbers, measured as plain text, are left out."""


def numbers_for(paper: Paper, line: NumberedLine) -> str | None:
    """Return the shortest of a line's formulas with numbers put in; None where all are long."""
    plain = TextPaper(paper.explanation, paper.language)
    short: list[tuple[int, Matrix]] = []
    for form in line.forms:
        formula = form.equal.formula
        if isinstance(formula, Matrix):
            text = plain.put_in(formula, line.named)
            if text is not None and len(text) <= LONGEST:
                short.append((len(text), formula))
    if not short:
        return None
    return paper.put_in(min(short, key=lambda pair: pair[0])[1], line.named)


def _nodes(tree: Expression) -> list[Expression]:
    found = [tree]
    for part in children(tree):
        found.extend(_nodes(part))
    return found
