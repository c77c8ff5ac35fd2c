"""The numbers that multiply and divide a product: cancelled, and written in front or below."""

import math
from collections.abc import Sequence

from chainrule.marking.syntax import Binary, Constant, Name, Negative, Operation, Tree, is_number

PRODUCTS: tuple[Operation, ...] = ("entrywise", "matrix", "product")


def times_number(number: Tree, node: Tree) -> Tree:
    """Return a number times a product, with what cancels omitted.

    The numbers of the product that are not inside of its other factors are collected; where the
    product only had a divisor behind it, the divisor stays there.

    >>> from chainrule.marking.quantities import OUTPUT_COUNT, SAMPLE_COUNT, Quantity, Role
    >>> from chainrule.marking.syntax import written
    >>> n, b = Name(OUTPUT_COUNT, "n"), Name(SAMPLE_COUNT, "B")
    >>> error = Name(Quantity("e", Role.ERROR), "e")
    >>> line = Binary("entrywise", Binary("divide", Constant(1.0, "1"), n), error)
    >>> print(written(times_number(Constant(2.0, "2"), line), "numpy"))
    2 / n * e
    >>> line = Binary("divide", error, n)
    >>> print(written(times_number(Binary("divide", n, b), line), "numpy"))
    e / B
    """
    if isinstance(node, Negative):
        return Negative(times_number(number, node.operand), span=node.span)
    above, below = _parts(number)
    begins = number if node is number else _first(node)
    rest = _without_numbers(node, above, below)
    if rest is None:
        return _quotient(above, below)
    above, below = _cancelled(above, below)
    if not above and not is_number(begins):
        return rest if not below else Binary("divide", rest, _product(below), span=node.span)
    if not (above or below):
        return rest
    return _in_front(_quotient(above, below), rest)


def _first(node: Tree) -> Tree:
    while isinstance(node, Binary) and node.operation in (*PRODUCTS, "divide"):
        node = node.left
    return node


def _without_numbers(node: Tree, above: list[Tree], below: list[Tree]) -> Tree | None:
    """Return the product without its numbers, which are added to the lists; None if it is one."""
    if is_number(node):
        more_above, more_below = _parts(node)
        above += more_above
        below += more_below
        return None
    if not (isinstance(node, Binary) and node.operation in (*PRODUCTS, "divide")):
        return node
    right: Tree | None = node.right
    if is_number(node.right) and node.operation != "matrix":
        more_above, more_below = _parts(node.right)
        above += more_below if node.operation == "divide" else more_above
        below += more_above if node.operation == "divide" else more_below
        right = None
    left = _without_numbers(node.left, above, below)
    if right is None or left is None:
        if left is None and right is not None and node.operation == "divide":
            return Binary("divide", Constant(1.0, "1"), right, span=node.span)
        return left if right is None else right
    return Binary(node.operation, left, right, span=node.span)


def _parts(number: Tree) -> tuple[list[Tree], list[Tree]]:
    """Return what multiplies and what divides in a number."""
    if isinstance(number, Binary) and number.operation in (*PRODUCTS, "divide"):
        above, below = _parts(number.left)
        more_above, more_below = _parts(number.right)
        if number.operation == "divide":
            more_above, more_below = more_below, more_above
        return [*above, *more_above], [*below, *more_below]
    is_one = isinstance(number, Constant) and number.value == 1
    return ([] if is_one else [number]), []


def _cancelled(above: Sequence[Tree], below: Sequence[Tree]) -> tuple[list[Tree], list[Tree]]:
    """Return numerator and denominator without what is in both."""
    left, rest = list(above), []
    for divisor in below:
        same = next((each for each in left if _are_same(each, divisor)), None)
        if same is None:
            rest.append(divisor)
        else:
            left.remove(same)
    top, bottom = _constants(left), _constants(rest)
    if not (top and bottom and math.isfinite(top) and math.isfinite(bottom)):
        return left, rest
    if top != 1 and bottom != 1 and top % bottom == 0:
        top, bottom = top / bottom, 1.0
    elif top != 1 and bottom % top == 0:
        top, bottom = 1.0, bottom / top
    return _with_constant(top, left), _with_constant(bottom, rest)


def _constants(factors: Sequence[Tree]) -> float:
    """Return the product of the numbers written out."""
    return math.prod(factor.value for factor in factors if isinstance(factor, Constant))


def _with_constant(value: float, factors: Sequence[Tree]) -> list[Tree]:
    """Return factors with one number written out, none for 1."""
    written = [factor for factor in factors if isinstance(factor, Constant)]
    others = [factor for factor in factors if not isinstance(factor, Constant)]
    if len(written) == 1 and written[0].value == value:
        return [written[0], *others]
    return others if value == 1 else [Constant(value, f"{value:.12g}"), *others]


def _are_same(one: Tree, other: Tree) -> bool:
    if isinstance(one, Name) and isinstance(other, Name):
        return one.quantity == other.quantity
    both = isinstance(one, Constant) and isinstance(other, Constant)
    return both and one.value == other.value  # type: ignore[attr-defined]


def _product(factors: Sequence[Tree]) -> Tree:
    found = factors[0]
    for factor in factors[1:]:
        found = Binary("product", found, factor)
    return found


def _quotient(above: Sequence[Tree], below: Sequence[Tree]) -> Tree:
    top = _product(above) if above else Constant(1.0, "1")
    return Binary("divide", top, _product(below)) if below else top


def _in_front(number: Tree, node: Tree) -> Tree:
    """Return a product with a number before its first factor."""
    if isinstance(node, Binary) and node.operation in (*PRODUCTS, "divide"):
        left = _in_front(number, node.left)
        return Binary(node.operation, left, node.right, span=node.span)
    return Binary("product", number, node, span=node.span)
