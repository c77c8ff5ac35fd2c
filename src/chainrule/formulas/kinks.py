"""Kinks of a formula: expressions whose zeros are jumps of the derivative.

Finite differences and the complex step are valid only away from these zeros.
"""

from collections.abc import Iterator

from chainrule.formulas.expressions import Apply, Expression, Symbol, children, symbols
from chainrule.formulas.functions import Function


def margins(tree: Expression, varying: set[Symbol]) -> Iterator[Expression]:
    """Yield every expression in the varying symbols that is 0 where the formula has a kink.

    |x| and sign(x) yield x; max, min and greater of x and y yield x − y.

    >>> from chainrule.formulas.functions import absolute, maximum
    >>> y, a = Symbol("y"), Symbol("a")
    >>> [str(margin) for margin in margins(absolute(y - a) + maximum(y, 0), {a})]
    ['y − a']
    """
    if isinstance(tree, Apply):
        function = tree.function
        if isinstance(function, Function):
            (argument,) = tree.arguments
            axis = function.layer_axis(argument)
            yield from margins(function.body(function.value, {"z": argument}, axis), varying)
        elif function.name in ("abs", "sign"):
            yield from _varying(tree.arguments[0], varying)
        elif function.name in ("maximum", "minimum", "greater"):
            yield from _varying(tree.arguments[0] - tree.arguments[1], varying)
    for part in children(tree):
        yield from margins(part, varying)


def _varying(margin: Expression, varying: set[Symbol]) -> Iterator[Expression]:
    if symbols(margin) & varying:
        yield margin
