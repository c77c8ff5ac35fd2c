"""Numbers in a line that are values of the optimizer's constants: 0.9 for β_1, 0.1 for 1 − β_1."""

from collections.abc import Iterator, Mapping
from itertools import islice
from itertools import product as combinations
from math import isclose
from typing import TypeGuard

from chainrule.marking.quantities import Quantity
from chainrule.marking.syntax import Binary, Constant, Name, Tree, nodes, replaced

ONE = Constant(1.0, "1")
MAX_NUMBERS = 6
"""The largest count of numbers of a line that are replaced."""


def with_named(tree: Tree, constant: Quantity) -> Iterator[tuple[Tree, Tree]]:
    """Yield the line with one positive number other than 1 replaced by a constant, and the number.

    A number that divides is its inverse: x/10 is 1/10 times x.

    >>> from chainrule.marking.quantities import LEARNING_RATE, Role
    >>> from chainrule.marking.syntax import written
    >>> gradient = Name(Quantity("dW", Role.COTANGENT), "dW")
    >>> line = Binary("divide", Binary("product", Constant(0.1, "0.1"), gradient), Constant(8, "8"))
    >>> for named, number in with_named(line, LEARNING_RATE):
    ...     print(written(named, "numpy"), "with", written(number, "numpy"))
    alpha * dW / 8 with 0.1
    0.1 * dW / alpha with 8
    alpha * (0.1 * dW) with 1 / 8
    """
    numbers = [node for node in nodes(tree) if isinstance(node, Constant)]
    for node in numbers[:MAX_NUMBERS]:
        if node.value > 0 and node.value != 1:
            name = Name(constant, constant.symbol, span=node.span)
            yield replaced(tree, node, name), node
    for quotient in islice(filter(_divides, nodes(tree)), MAX_NUMBERS):
        above, below = quotient.left, quotient.right
        name = Name(constant, constant.symbol, span=below.span)
        is_one = isinstance(above, Constant) and above.value == 1
        new: Tree = name if is_one else Binary("product", name, above, span=quotient.span)
        yield replaced(tree, quotient, new), Binary("divide", ONE, below, span=below.span)


def _divides(node: Tree) -> TypeGuard[Binary]:
    """Return whether a node is a quotient by a positive number other than 1."""
    if not (isinstance(node, Binary) and node.operation == "divide"):
        return False
    return isinstance(node.right, Constant) and node.right.value not in (0, 1)


def with_constants(
    tree: Tree, constants: Mapping[Quantity, float]
) -> Iterator[tuple[Tree, set[Quantity]]]:
    """Yield the line with numbers replaced by the constants of that value, and these constants.

    A number that is the value of several constants is replaced by each of them in turn, and may be
    none of them: the 2 of 2/n is not a learning rate of 2.

    >>> from chainrule.marking.quantities import Role, constant
    >>> line = Binary("product", Constant(0.1, "0.1"), Name(Quantity("v", Role.MEMORY), "v"))
    >>> values = {constant("β_1"): 0.9, constant("β_2"): 0.999}
    >>> [[str(letter) for letter in letters] for _, letters in with_constants(line, values)]
    [['β_1']]
    """
    choices: list[list[tuple[Tree, Tree, Quantity] | None]] = []
    for node in nodes(tree):
        if not isinstance(node, Constant):
            continue
        options: list[tuple[Tree, Tree, Quantity] | None] = []
        for constant, value in constants.items():
            name = Name(constant, constant.symbol, span=node.span)
            if isclose(node.value, value, rel_tol=1e-9):
                options.append((node, name, constant))
            elif isclose(node.value, 1 - value, rel_tol=1e-9):
                rest = Binary("subtract", Constant(1.0, "1"), name, span=node.span)
                options.append((node, rest, constant))
        if options:
            choices.append([*options, None])
    for chosen in combinations(*choices[:MAX_NUMBERS]):
        found = [choice for choice in chosen if choice is not None]
        if not found:
            continue
        changed = tree
        for old, new, _ in found:
            changed = replaced(changed, old, new)
        yield changed, {constant for _, _, constant in found}
