"""Matrices: an expression laid out in rows and columns.

The axis walk (``arrange``) turns an expression over named axes into these nodes.  Each has a row
axis and a column axis (``None`` is the unit axis); a product whose inner axes differ raises
``ValueError``.

================  ==========================================================================
``MatrixSymbol``  a symbol, as this layout stores it
``OnesMatrix``    a row, a column or a matrix of ones
``Transpose``     rows and columns exchanged
``Multiply``      a matrix product, in the order of the walk
``Pointwise``     a scalar formula applied entry by entry, ⊙ included, with broadcasting
``Layerwise``     a function of a whole layer (softmax) applied to each sample
``Extreme``       the largest entry of each row or column
``Relabeled``     the same matrix with other names of its axes
``Indexed``       an expression with no matrix form, in index notation
================  ==========================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, permutations, product

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import Expression, Symbol
from chainrule.formulas.functions import Function
from chainrule.formulas.printing import Printed


class Matrix(Printed):
    """A formula laid out in rows and columns."""

    rows: Axis | None
    columns: Axis | None

    @property
    def sides(self) -> Sides:
        """The row axis and the column axis."""
        return (self.rows, self.columns)


@dataclass(frozen=True, repr=False)
class MatrixSymbol(Matrix):
    """A symbol laid out as this layout stores it."""

    symbol: Symbol
    rows: Axis | None
    columns: Axis | None


@dataclass(frozen=True, repr=False)
class OnesMatrix(Matrix):
    """Ones everywhere."""

    rows: Axis | None
    columns: Axis | None


@dataclass(frozen=True, repr=False)
class Transpose(Matrix):
    """The operand with rows and columns exchanged."""

    operand: Matrix

    @property
    def rows(self) -> Axis | None:  # type: ignore[override]
        return self.operand.columns

    @property
    def columns(self) -> Axis | None:  # type: ignore[override]
        return self.operand.rows


@dataclass(frozen=True)
class Passed:
    """One factor of the axis walk: the axis it was entered by and the axis it was left by.

    ``indexed`` is the factor in index notation, ``stored`` its matrix as this layout stores it.
    """

    indexed: Expression
    enter: Axis | None
    leave: Axis | None
    stored: Matrix

    @property
    def transposed(self) -> bool:
        """Whether the factor was entered by its second axis."""
        return self.stored.sides != (self.enter, self.leave)

    @property
    def factor(self) -> Matrix:
        """The factor as it appears in the product."""
        return turned(self.stored) if self.transposed else self.stored


@dataclass(frozen=True, repr=False)
class Multiply(Matrix):
    """A product of two or more matrices; neighbors share their inner axis.

    ``walk`` is the recorded path from the row axis to the column axis: the proof of the order and
    of the transposes.  It does not count in a comparison of two products.
    """

    factors: tuple[Matrix, ...]
    walk: tuple[Passed, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for left, right in pairwise(self.factors):
            if left.columns != right.rows:
                raise ValueError(f"matrix product: axis {left.columns} meets axis {right.rows}")

    @property
    def rows(self) -> Axis | None:  # type: ignore[override]
        return self.factors[0].rows

    @property
    def columns(self) -> Axis | None:  # type: ignore[override]
        return self.factors[-1].columns


@dataclass(frozen=True, repr=False)
class Pointwise(Matrix):
    """A scalar formula, entry by entry; ``operands`` are its symbols and their matrices."""

    formula: Expression
    operands: tuple[tuple[Symbol, Matrix], ...]
    rows: Axis | None
    columns: Axis | None


@dataclass(frozen=True, repr=False)
class Layerwise(Matrix):
    """A function of a whole layer, along ``axis``."""

    function: Function
    operand: Matrix
    axis: Axis

    @property
    def rows(self) -> Axis | None:  # type: ignore[override]
        return self.operand.rows

    @property
    def columns(self) -> Axis | None:  # type: ignore[override]
        return self.operand.columns


@dataclass(frozen=True, repr=False)
class Extreme(Matrix):
    """The largest entry along ``axis``, which becomes the unit axis."""

    operand: Matrix
    axis: Axis

    @property
    def rows(self) -> Axis | None:  # type: ignore[override]
        return None if self.operand.rows == self.axis else self.operand.rows

    @property
    def columns(self) -> Axis | None:  # type: ignore[override]
        return None if self.operand.columns == self.axis else self.operand.columns


@dataclass(frozen=True, repr=False)
class Relabeled(Matrix):
    """The operand, whose axes have other names here: it is added to a matrix with those axes."""

    operand: Matrix
    rows: Axis | None
    columns: Axis | None


@dataclass(frozen=True, repr=False)
class Indexed(Matrix):
    """An expression for which no arrangement in rows and columns exists."""

    expression: Expression
    rows: Axis | None
    columns: Axis | None


def below(matrix: Matrix) -> tuple[Matrix, ...]:
    """Return the matrices directly below a node."""
    match matrix:
        case Transpose() | Layerwise() | Extreme() | Relabeled():
            return (matrix.operand,)
        case Multiply():
            return matrix.factors
        case Pointwise():
            return tuple(operand for _, operand in matrix.operands)
    return ()


def every(matrix: Matrix) -> Iterator[Matrix]:
    """Yield the node and everything below it."""
    yield matrix
    for part in below(matrix):
        yield from every(part)


def turned(matrix: Matrix) -> Matrix:
    """Return the transpose; that of a ``Transpose`` is its operand, that of ones is ones."""
    if isinstance(matrix, OnesMatrix):
        return OnesMatrix(matrix.columns, matrix.rows)
    return matrix.operand if isinstance(matrix, Transpose) else Transpose(matrix)


def relabeled(matrix: Matrix, rows: Axis | None, columns: Axis | None) -> Matrix:
    """Return the matrix with other names of its axes; a transpose stays outside.

    >>> h, o = Axis("h", 1), Axis("o", 2)
    >>> print(relabeled(Transpose(MatrixSymbol(Symbol("x"), None, h)), o, None))
    xᵀ
    """
    if isinstance(matrix, Transpose):
        return turned(relabeled(matrix.operand, columns, rows))
    if isinstance(matrix, Relabeled):
        matrix = matrix.operand
    return matrix if matrix.sides == (rows, columns) else Relabeled(matrix, rows, columns)


@dataclass(frozen=True)
class Rejected:
    """Another arrangement of the same factors, and the axes by which it is not the product."""

    factors: tuple[Matrix, ...]
    meets: tuple[Axis | None, Axis | None] | None
    """Two neighboring inner axes that differ; None where all inner axes agree."""
    gives: Sides | None
    """The sides of the result where the inner axes agree but the result is not the wanted one."""


def rejected(chosen: Multiply) -> list[Rejected]:
    """Return every other order and transposition of the factors, with the axes that differ.

    The transpose of the whole product is rejected too: its row and column axes are exchanged.
    """
    plain = [turned(f) if isinstance(f, Transpose) else f for f in chosen.factors]
    refused = []
    for order in permutations(plain):
        for flips in product((False, True), repeat=len(order)):
            factors = tuple(turned(f) if flip else f for f, flip in zip(order, flips, strict=True))
            if factors == chosen.factors:
                continue
            clash = next(
                (
                    (left.columns, right.rows)
                    for left, right in pairwise(factors)
                    if left.columns != right.rows
                ),
                None,
            )
            gives = None if clash else (factors[0].rows, factors[-1].columns)
            if gives == chosen.sides:
                continue  # vectors: the transpose of a unit axis is the same matrix
            refused.append(Rejected(factors, clash, gives))
    return refused
