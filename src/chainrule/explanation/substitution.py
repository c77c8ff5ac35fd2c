"""Formulas with numbers: symbols replaced by their values, sizes by their lengths."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import prod

from chainrule.documents.elements import Substituted
from chainrule.documents.numerals import grid, numeral
from chainrule.documents.text_writer import shortest_substitution
from chainrule.explanation.evaluated_lines import EvaluatedLine
from chainrule.formulas.arrange import Layout, orient
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import (
    Expression,
    Number,
    Size,
    Symbol,
    children,
    substitute,
    symbols,
)
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    MatrixSymbol,
    Multiply,
    Pointwise,
    Relabeled,
    Transpose,
    every,
)
from chainrule.formulas.positional import laid_out

MOST_ENTRIES, LONGEST_SIDE = 24, 4
"""Numbers are substituted into a formula if all its matrices are that small."""
LONGEST = 90
"""Longer formulas of numbers, measured as plain text, are left out."""


def substituted(line: EvaluatedLine, layout: Layout) -> Substituted | None:
    """Return the shortest of a line's matrix formulas with numbers; None if all are large."""
    matrices = (form.equal.formula for form in line.forms)
    found = (_substituted(m, line.named, layout) for m in matrices if isinstance(m, Matrix))
    return shortest_substitution((each for each in found if each is not None), LONGEST)


def _substituted(formula: Matrix, named: Evaluation, layout: Layout) -> Substituted | None:
    inside = {node.symbol for node in every(formula) if isinstance(node, MatrixSymbol)}
    shapes = [[named.size(axis) for axis in symbol.axes] for symbol in inside]
    longest = max((length for shape in shapes for length in shape), default=1)
    indexed = any(isinstance(node, Indexed) for node in every(formula))
    if sum(map(prod, shapes)) > MOST_ENTRIES or longest > LONGEST_SIDE or indexed:
        return None
    values = {
        symbol: grid(laid_out(named(symbol), symbol.axes, orient(symbol.axes, layout)))
        if symbol.axes
        else numeral(float(named(symbol)))
        for symbol in inside | _scalars(formula)
    }
    return Substituted(_sized_matrix(formula, named), values)


def _scalars(formula: Matrix) -> set[Symbol]:
    """Return the symbols that entrywise formulas contain by name, not as an operand."""
    pointwise = (node for node in every(formula) if isinstance(node, Pointwise))
    return {
        symbol
        for node in pointwise
        for symbol in symbols(node.formula) - {operand for operand, _ in node.operands}
    }


def sized(tree: Expression, named: Evaluation) -> Expression:
    """Return an expression with the lengths of axes in place of their sizes."""
    lengths = {node: named.size(node.axis) for node in _nodes(tree) if isinstance(node, Size)}
    return substitute(tree, {size: Number(Fraction(n), str(n)) for size, n in lengths.items()})


def _sized_matrix(matrix: Matrix, named: Evaluation) -> Matrix:
    match matrix:
        case Transpose() | Layerwise() | Extreme() | Relabeled():
            return replace(matrix, operand=_sized_matrix(matrix.operand, named))
        case Multiply():
            return Multiply(tuple(_sized_matrix(factor, named) for factor in matrix.factors))
        case Pointwise():
            operands = tuple((s, _sized_matrix(m, named)) for s, m in matrix.operands)
            return replace(matrix, formula=sized(matrix.formula, named), operands=operands)
    return matrix


def _nodes(tree: Expression) -> Iterator[Expression]:
    yield tree
    for part in children(tree):
        yield from _nodes(part)
