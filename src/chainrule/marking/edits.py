"""A changed line: what a repair is, numbers that get lost, and how they are written in again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.marking.syntax import (
    Binary,
    Constant,
    Name,
    Negative,
    Tree,
    below,
    every,
    rebuilt,
)

PRODUCTS = ("entrywise", "matrix", "product")


@dataclass(frozen=True)
class Repair:
    """A changed tree, the kind of the change, the node at fault, and what to say about it."""

    kind: str
    tree: Tree
    node: Tree
    given: dict[str, str | Tree] = field(default_factory=dict)


@dataclass(frozen=True)
class Factor:
    """A number that is missing: ``label`` as it is written, and the tree that multiplies."""

    label: str
    tree: Tree
    counted: frozenset[str]
    """The letters in it."""


def factors(letters: Sequence[str]) -> list[Factor]:
    """Return the numbers that get lost: 2, n, B, α and their quotients, the plain ones first."""
    found = []
    plain = [("2", Constant(2.0, "2")), *((letter, Name(letter, letter)) for letter in letters)]
    names = {"α": "alpha"}
    for name, tree in plain:
        label = names.get(name, name)
        over = Binary("divide", Constant(1.0, "1"), tree)
        found.append(Factor(f"1/{label}", over, frozenset({name})))
        found.append(Factor(label, tree, frozenset({name})))
    for first, above in plain:
        for second, under in plain:
            if first != second and "α" not in (first, second):
                tree = Binary("divide", above, under)
                found.append(Factor(f"{first}/{second}", tree, frozenset({first, second})))
    if {"n", "B"} <= {*letters}:
        two, n, samples = plain[0][1], Name("n", "n"), Name("B", "B")
        both = Binary("product", samples, n)
        for top, tree in (("1", Constant(1.0, "1")), ("2", two)):
            whole = Binary("divide", tree, both)
            found.append(Factor(f"{top}/(B n)", whole, frozenset({top, "n", "B"} - {"1"})))
    return found


def times(factor: Factor, node: Tree) -> Tree:
    """Return a node multiplied with a number, which is put before its first factor.

    What would cancel is left out: 1/α times α W is W.
    """
    over = factor.tree
    if isinstance(node, Negative):
        return Negative(times(factor, node.operand), span=node.span)
    if isinstance(node, Binary) and node.operation in PRODUCTS and _cancels(over, node.left):
        return node.right
    if isinstance(node, Binary) and node.operation in (*PRODUCTS, "divide"):
        return rebuilt(node, (times(factor, node.left), node.right))
    if isinstance(node, Constant) and isinstance(over, Binary) and _is_one(over.left):
        return Binary("divide", node, over.right, span=node.span)  # 2/n, not 1/n 2
    return Binary("product", over, node, span=node.span)


def sloped(node: Tree, slope: Tree) -> Tree:
    """Return a node multiplied with a slope, factor by factor as it is written by hand."""
    if isinstance(slope, Binary) and slope.operation == "entrywise":
        first = sloped(node, slope.left)
        return Binary("entrywise", first, slope.right, span=node.span)
    return Binary("entrywise", node, slope, span=node.span)


def _cancels(over: Tree, node: Tree) -> bool:
    """Whether the number is one over this name."""
    return (
        isinstance(over, Binary)
        and over.operation == "divide"
        and _is_one(over.left)
        and isinstance(over.right, Name)
        and isinstance(node, Name)
        and node.key == over.right.key
    )


def _is_one(node: Tree) -> bool:
    return isinstance(node, Constant) and node.value == 1


class Changes:
    """One tree, and the exchange of a node in it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.nodes = list(every(tree))
        self.above = {id(part): node for node in self.nodes for part in below(node)}

    def changed(self, kind: str, node: Tree, new: Tree, **given: str | Tree) -> Repair:
        """Return the repair that puts another node in the place of one."""
        above = self.above.get(id(node))
        before, tree = node, new
        while above is not None:
            parts = tuple(tree if part is before else part for part in below(above))
            before, tree = above, rebuilt(above, parts)
            above = self.above.get(id(before))
        return Repair(kind, tree, node, given)
