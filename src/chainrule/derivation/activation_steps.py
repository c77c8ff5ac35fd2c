"""One activation: its formula and the steps to its slope, in the function's own z and a."""

from collections.abc import Iterator

from chainrule.documents.elements import ChainFactors, Equal, Scalar, Statement
from chainrule.formulas.differentiate import derivative, pull
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Number,
    Product,
    Symbol,
    product,
    symbols,
)
from chainrule.formulas.functions import Function, a, a_k, g_k, z, z_k
from chainrule.formulas.simplify import cancel, denominators, in_output, length, numerators

_LONGEST_SLOPE = 12
"""The slope as the rules give it is left out where it has more to read than this."""


def about(function: Function) -> Iterator[Statement]:
    """Yield a function's formula and the steps to its slope."""
    if function.pullback is not None:
        stated = Equal(Scalar(function.value), "reason_definition", function.value)
        yield Statement(a_k, (stated,), True, part="function", stage="function", function=function)
        image = Symbol("∂Loss/∂z", z_k.axes)
        given = Symbol("∂Loss/∂a", a_k.axes)
        pulled = function.body(function.pullback, {"z": z_k, "a": a_k, "g": given}, g_k.axes[0])
        chained = Equal(Scalar(pulled), "reason_chain", pulled)
        yield Statement(
            image, (chained,), True, part="function", stage="function", function=function
        )
        return
    assert function.slope is not None
    stated = Equal(Scalar(function.value), "reason_definition", function.value)
    yield Statement(a, (stated,), part="function", stage="function", function=function)
    yield Statement(
        Symbol("∂a/∂z"),
        tuple(_slope(function, function.slope)),
        part="function",
        stage="function",
        function=function,
    )


def _slope(function: Function, slope: Expression) -> Iterator[Equal]:
    derived = derivative(function.value, z)
    shown: list[Expression] = []
    factors = route(function.value)
    if factors is not None and len(factors) > 1:
        yield Equal(ChainFactors(factors), "reason_chain", product(*factors))
    known = denominators(derived) | numerators(function.value)
    if factors is None or len(factors) < 2:
        shorter = cancel(derived, known)
        given = min((derived, shorter), key=length)
        if length(given) <= _LONGEST_SLOPE and given != slope:
            shown.append(given)
            yield Equal(Scalar(given), "reason_rule", given)
    in_a = in_output(cancel(derived, known), function.value, z, a)
    if z not in symbols(in_a) and a in symbols(in_a):
        plain = in_output(derived, function.value, z, a)
        if z not in symbols(plain) and str(plain) not in (str(slope), *map(str, shown)):
            yield Equal(Scalar(plain), "reason_output", plain)
    yield Equal(Scalar(slope), "reason_simplify", slope)


def route(value: Expression) -> tuple[Expression, ...] | None:
    """Return the factors of d value/dz from outside in, if z occurs once.

    >>> from chainrule.formulas.functions import exp
    >>> [str(factor) for factor in route(1 / (1 + exp(-z)))]
    ['−1', '1/(1 + e^(−z))²', 'e^(−z)', '−1']
    """
    factors: list[Expression] = []
    node = value
    while node != z:
        below = [(part, given) for part, given in pull(node, node, ONE) if z in symbols(part)]
        if len(below) != 1:
            return None
        node, given = below[0]
        if isinstance(given, Product) and isinstance(given.factors[0], Number):
            rest = given.factors[1:]
            factors += [given.factors[0], rest[0] if len(rest) == 1 else Product(rest)]
        elif given != ONE:
            factors.append(given)
    return tuple(factors)
