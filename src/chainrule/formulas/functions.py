"""Primitives, and functions stated once in terms of them.

A ``Primitive`` is an elementwise operation that every executor implements under its name.  A
``Function`` consists of expressions over primitives: the printed form, the evaluated form and the
derivative.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.errors import InputError
from chainrule.formulas.axes import Axis, in_order
from chainrule.formulas.expressions import (
    Apply,
    Expression,
    Named,
    Operand,
    Symbol,
    expression,
    substitute,
    with_axes,
)


@dataclass(frozen=True, slots=True)
class Primitive(Named):
    """An elementwise operation: a name and the number of its arguments.

    Calling it returns the expression; it raises ``InputError`` for a wrong number of arguments.
    """

    name: str
    arity: int = 1

    def __call__(self, *arguments: Operand) -> Expression:
        if len(arguments) != self.arity:
            raise InputError(f"{self.name} takes {self.arity} arguments, got {len(arguments)}")
        return Apply(self, tuple(map(expression, arguments)))


exp = Primitive("exp")
log = Primitive("log")
expm1 = Primitive("expm1")
log1p = Primitive("log1p")
tanh = Primitive("tanh")
erf = Primitive("erf")
sine = Primitive("sin")
cosine = Primitive("cos")
absolute = Primitive("abs")
sign = Primitive("sign")
maximum = Primitive("maximum", 2)
minimum = Primitive("minimum", 2)
greater = Primitive("greater", 2)
"""greater(x, y) is 1 where x > y and 0 elsewhere."""
equal = Primitive("equal", 2)
"""equal(x, y) is 1 where x = y and 0 elsewhere."""
where = Primitive("where", 3)
"""where(c, x, y) is x where the condition c is 1 and y elsewhere."""

PRIMITIVES = {
    primitive.name: primitive
    for primitive in (
        exp,
        log,
        expm1,
        log1p,
        tanh,
        erf,
        sine,
        cosine,
        absolute,
        sign,
        maximum,
        minimum,
        greater,
        equal,
        where,
    )
}

UNITS = Axis("k", position=0, size="n")
"""The formal axis of functions that look at a whole layer (softmax)."""

z = Symbol("z")
"""The argument of an elementwise function."""
a = Symbol("a")
"""Its output."""
z_k = Symbol("z", (UNITS,))
"""The argument of a function of a whole layer."""
a_k = Symbol("a", (UNITS,))
"""Its output."""
g_k = Symbol("g", (UNITS,))
"""The cotangent of its output."""


@dataclass(frozen=True, eq=False)
class Function(Named):
    """A function a = f(z) of one array, stated once.

    ``value`` is printed and differentiated; ``computed`` is the overflow-safe form that is
    evaluated (equal to ``value`` where that is safe).  ``slope`` is the derivative, written in the
    input ``z`` or the output ``a``.  A function of a whole layer has ``pullback`` instead: the
    cotangent of its input in terms of ``z_k``, ``a_k`` and the cotangent ``g_k`` of its output.
    ``logarithm`` and ``log_complement`` are safe forms of log f(z) and log(1 − f(z)), for losses.
    ``kinks`` lists where the slope jumps.
    """

    name: str
    value: Expression
    computed: Expression
    slope: Expression | None = None
    pullback: Expression | None = None
    logarithm: Expression | None = None
    log_complement: Expression | None = None
    kinks: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if (self.slope is None) == (self.pullback is None):
            raise InputError(
                f"function {self.name!r}: state a slope (elementwise) or a pullback (layer)"
            )

    @property
    def elementwise(self) -> bool:
        """Whether each output depends on one input only."""
        return self.slope is not None

    def __call__(self, argument: Expression) -> Expression:
        return Apply(self, (argument,))

    def body(
        self, formula: Expression, arguments: Mapping[str, Expression], axis: Axis | None = None
    ) -> Expression:
        """Return one of this function's formulas with ``z``, ``a`` and ``g`` substituted.

        ``axis`` is the axis of the layer; ``InputError`` where a function of a layer lacks it.
        """
        if self.elementwise:
            formal = {Symbol(name): value for name, value in arguments.items()}
            return substitute(formula, formal)
        if axis is None:
            raise InputError(f"{self.name}: the axis of the layer is needed to write it out")
        placed = with_axes(formula, {UNITS: axis})
        return substitute(placed, {Symbol(n, (axis,)): v for n, v in arguments.items()})

    def layer_axis(self, argument: Expression) -> Axis | None:
        """Return the axis of the layer, the last one of the argument; None if elementwise."""
        return None if self.elementwise else in_order(argument.axes)[-1]
