"""Numbers in a line that stand for the optimizer's constants: 0.9 for β_1, 0.1 for 1 − β_1."""

from collections.abc import Iterator, Mapping
from itertools import product as combinations
from math import isclose

from chainrule.marking.syntax import Binary, Constant, Name, Tree, every, exchanged

MOST = 6
"""Numbers of a line that are looked at."""


def named(tree: Tree, constants: Mapping[str, float]) -> Iterator[tuple[Tree, set[str]]]:
    """Yield a line with names for the numbers that are constants, and the letters of these.

    A number that may be several constants comes as each of them in turn.

    >>> line = Binary("product", Constant(0.1, "0.1"), Name("v", "v"))
    >>> [sorted(letters) for _, letters in named(line, {"β_1": 0.9, "β_2": 0.999})]
    [['β_1']]
    """
    numbers: list[list[tuple[Tree, Tree, str]]] = []
    for node in every(tree):
        if not isinstance(node, Constant):
            continue
        ways: list[tuple[Tree, Tree, str]] = []
        for letter, value in constants.items():
            name = Name(letter, letter, span=node.span)
            if isclose(node.value, value, rel_tol=1e-9):
                ways.append((node, name, letter))
            elif isclose(node.value, 1 - value, rel_tol=1e-9):
                rest = Binary("subtract", Constant(1.0, "1"), name, span=node.span)
                ways.append((node, rest, letter))
        if ways:
            numbers.append(ways)
    if not numbers:
        return
    for chosen in combinations(*numbers[:MOST]):
        changed = tree
        for old, new, _ in chosen:
            changed = exchanged(changed, old, new)
        yield changed, {letter for _, _, letter in chosen}
