"""Numbers in a line that are values of the optimizer's constants: 0.9 for β_1, 0.1 for 1 − β_1."""

from collections.abc import Iterator, Mapping
from itertools import product as combinations
from math import isclose

from chainrule.marking.quantities import Quantity
from chainrule.marking.syntax import Binary, Constant, Name, Tree, nodes, replaced

MAX_NUMBERS = 6
"""The largest count of numbers of a line that are replaced."""


def with_named(tree: Tree, constant: Quantity) -> Iterator[tuple[Tree, Constant]]:
    """Yield the line with one positive number other than 1 replaced by a constant, and the number.

    >>> from chainrule.marking.quantities import LEARNING_RATE
    >>> line = Binary("product", Constant(0.1, "0.1"), Constant(1.0, "1"))
    >>> [number.text for _, number in with_named(line, LEARNING_RATE)]
    ['0.1']
    """
    numbers = [node for node in nodes(tree) if isinstance(node, Constant)]
    for node in numbers[:MAX_NUMBERS]:
        if node.value > 0 and node.value != 1:
            name = Name(constant, constant.symbol, span=node.span)
            yield replaced(tree, node, name), node


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
