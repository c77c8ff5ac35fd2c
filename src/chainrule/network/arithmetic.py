"""Sums, differences and products of nodes, and of a node with a number: residual connections."""

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.errors import InputError
from chainrule.formulas.expressions import Expression, Operand, Symbol, expression
from chainrule.network.domains import REALS, Domain, checked
from chainrule.network.graph import Layer, Node
from chainrule.network.scope import Scope

_OPERATIONS: dict[str, tuple[str, Callable[[Expression, Expression], Expression]]] = {
    "Sum": ("+", lambda x, y: x + y),
    "Difference": ("−", lambda x, y: x - y),
    "Product": ("*", lambda x, y: x * y),
}


class Combination(Layer):
    """Two nodes of equal width, entry by entry: H = X + A."""

    most_sources = 2

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def width_of(self, sources: tuple[Node, ...]) -> int:
        left, right = sources
        if left.width != right.width:
            sign = _OPERATIONS[self.kind][0]
            raise InputError(
                f"`{sign}` must join nodes of equal width, got {left.layer} with {left.width} "
                f"values and {right.layer} with {right.width}. Project one of them, as in "
                f"cr.Dense({right.width}, bias=False)(x)"
            )
        return left.width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        axis = max((scope.units(symbol) for symbol in sources), key=lambda axis: axis.position)
        left, right = (scope.with_units(symbol, axis) for symbol in sources)
        return scope.define("h", (axis,), _OPERATIONS[self.kind][1](left, right))

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.kind,)

    def __str__(self) -> str:
        return self.kind

    @property
    def settings(self) -> dict[str, Any]:
        return {"kind": self.kind}


class _WithNumber(Layer):
    letter = "h"

    def __init__(self, value: Operand) -> None:
        self.value = checked(value, "operand", REALS, "such as 0.5")

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        return scope.define(self.letter, (scope.units(x),), self.formula(x))

    def formula(self, x: Expression) -> Expression:
        """Return the outputs as a formula of the inputs."""
        raise NotImplementedError

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.value,)

    @property
    def range(self) -> Domain:
        return REALS

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.value:g})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"value": self.value}


class Scaled(_WithNumber):
    """A node times a number."""

    def formula(self, x: Expression) -> Expression:
        return expression(self.value) * x


class Shifted(_WithNumber):
    """A node plus a number."""

    def formula(self, x: Expression) -> Expression:
        return x + self.value
