"""The operations of a Plan: everything that an executor needs.

Every value is a matrix in the rows layout with a name; a ``Reference`` to it may be transposed.

===================  ======================================================================
``MatrixProduct``    op(left) · op(right)
``ComputeTotal``     sum over the rows or over the columns (a product with **1**)
``Spread``           a row or a column repeated (an outer product with **1**)
``ComputeExtreme``   largest entry over the rows or the columns
``ComputePointwise``  a scalar formula entry by entry, operands broadcast by position
``ComputeLayerwise``  a function of each sample's layer, with the operations it consists of
``DrawRandom``       entries drawn from a distribution, new in each step
``General``          an expression with no matrix form, evaluated over its named axes
===================  ======================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import Expression, Symbol, substitute
from chainrule.formulas.functions import Function
from chainrule.formulas.matrices import Matrix, MatrixSymbol, Pointwise
from chainrule.formulas.render import TEXT, Writer
from chainrule.network.distributions import Distribution

Stage = Literal["forward", "backward", "update"]
Over = Literal["rows", "columns"]


@dataclass(frozen=True)
class Reference:
    """A value used by an operation, as stored or transposed."""

    name: str
    transposed: bool = False

    def turned(self) -> "Reference":
        """Return the transposed use."""
        return replace(self, transposed=not self.transposed)

    def __str__(self) -> str:
        return f"{self.name}ᵀ" if self.transposed else self.name


@dataclass(frozen=True)
class Operation:
    """One assignment: ``target`` is a matrix with the row and column axis ``sides``."""

    target: str
    sides: Sides
    stage: Stage

    @property
    def uses(self) -> tuple[Reference, ...]:
        """The values that the operation reads."""
        raise NotImplementedError

    @property
    def formula_text(self) -> str:
        """The right side as it is printed."""
        raise NotImplementedError

    def __str__(self) -> str:
        sign = " ← " if self.stage == "update" else " = "
        return f"{self.target}{sign}{self.formula_text}"


@dataclass(frozen=True)
class MatrixProduct(Operation):
    """op(left) · op(right)."""

    left: Reference
    right: Reference

    @property
    def uses(self) -> tuple[Reference, ...]:
        return (self.left, self.right)

    @property
    def formula_text(self) -> str:
        return f"{self.left} {self.right}"


@dataclass(frozen=True)
class _OneSource(Operation):
    source: Reference

    @property
    def uses(self) -> tuple[Reference, ...]:
        return (self.source,)


@dataclass(frozen=True)
class ComputeTotal(_OneSource):
    """The sum over the rows or over the columns of ``source``, which become the unit axis."""

    over: Over

    @property
    def formula_text(self) -> str:
        return f"1ᵀ {self.source}" if self.over == "rows" else f"{self.source} 1"


@dataclass(frozen=True)
class Spread(_OneSource):
    """``source`` repeated along its unit axis."""

    @property
    def formula_text(self) -> str:
        return f"{self.source} 1ᵀ" if self.sides[1] else f"1 {self.source}"


@dataclass(frozen=True)
class ComputeExtreme(_OneSource):
    """The largest entry over the rows or over the columns of ``source``."""

    over: Over

    @property
    def formula_text(self) -> str:
        return f"max of {self.source} over {self.over}"


@dataclass(frozen=True)
class ComputePointwise(Operation):
    """A scalar formula, entry by entry; ``operands`` are its symbols and their values."""

    formula: Expression
    operands: tuple[tuple[Symbol, Reference], ...]

    @property
    def uses(self) -> tuple[Reference, ...]:
        return tuple(reference for _, reference in self.operands)

    @property
    def formula_text(self) -> str:
        shown: tuple[tuple[Symbol, Matrix], ...] = tuple(
            (symbol, MatrixSymbol(Symbol(str(reference)), *self.sides))
            for symbol, reference in self.operands
            if symbol.axes
        )
        scalars: dict[Symbol, Expression] = {
            symbol: Symbol(str(reference)) for symbol, reference in self.operands if not symbol.axes
        }
        formula = substitute(self.formula, scalars)
        return Writer(TEXT).write(Pointwise(formula, shown, *self.sides))


@dataclass(frozen=True)
class ComputeLayerwise(_OneSource):
    """A function of each sample's layer along ``axis``; ``body`` computes it step by step."""

    function: Function
    axis: Axis
    body: tuple[Operation, ...]

    @property
    def formula_text(self) -> str:
        return f"{self.function.name}({self.source})"


@dataclass(frozen=True)
class DrawRandom(Operation):
    """Independent entries of a distribution, from the seed, the number of the step and ``stream``.

    ``stream`` tells the draws of one step apart.
    """

    distribution: Distribution
    stream: int

    @property
    def uses(self) -> tuple[Reference, ...]:
        return ()

    @property
    def formula_text(self) -> str:
        return f"{self.distribution.name}({self.distribution.parameter:g})"


@dataclass(frozen=True)
class General(Operation):
    """An expression over named axes; ``operands`` are its symbols and their values."""

    expression: Expression
    operands: tuple[tuple[Symbol, Reference], ...]

    @property
    def uses(self) -> tuple[Reference, ...]:
        return tuple(reference for _, reference in self.operands)

    @property
    def formula_text(self) -> str:
        return str(self.expression)


def names_used(operations: tuple[Operation, ...]) -> Iterator[str]:
    """Yield the name of every value that an operation uses."""
    for operation in operations:
        for reference in operation.uses:
            yield reference.name
