"""Changes of a line: replace a node, multiply by a number, multiply by a derivative."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chainrule.marking.quantities import LEARNING_RATE, OUTPUT_COUNT, SAMPLE_COUNT, Quantity
from chainrule.marking.syntax import (
    Binary,
    Constant,
    Name,
    Negative,
    Operation,
    Tree,
    children,
    nodes,
    with_children,
)
from chainrule.marking.verdict_messages import MessageValue

PRODUCTS: tuple[Operation, ...] = ("entrywise", "matrix", "product")
RepairValue: TypeAlias = MessageValue | Tree
"""A value in the message about a repair; a tree is written in the notation of the line."""
ONE = Constant(1.0, "1")
TWO = Constant(2.0, "2")


@dataclass(frozen=True)
class Repair:
    """A changed tree: the phrase of the change, the node at fault, and the message's values."""

    kind: str
    tree: Tree
    node: Tree
    values: Mapping[str, RepairValue] = field(default_factory=dict)


@dataclass(frozen=True)
class MissingFactor:
    """A number that may be missing: its text, its tree, and the quantities in it."""

    label: str
    tree: Tree
    contains: frozenset[Quantity]
    has_two: bool = False


def name_of(quantity: Quantity) -> Name:
    """Return a node for a quantity, with its symbol as its text."""
    return Name(quantity, quantity.symbol)


def missing_factors(letters: Sequence[Quantity]) -> list[MissingFactor]:
    """Return the numbers that may be missing: 2, the letters, and quotients of two of these."""
    plain: list[tuple[str, Tree, frozenset[Quantity]]] = [("2", TWO, frozenset())]
    plain += [(letter.typed, name_of(letter), frozenset({letter})) for letter in letters]
    found: list[MissingFactor] = []
    for label, tree, contains in plain:
        has_two = tree is TWO
        inverse = Binary("divide", ONE, tree)
        found.append(MissingFactor(f"1/{label}", inverse, contains, has_two))
        found.append(MissingFactor(label, tree, contains, has_two))
    for above, top, first in plain:
        for below, bottom, second in plain:
            contains = first | second
            if above != below and LEARNING_RATE not in contains:
                quotient = Binary("divide", top, bottom)
                has_two = TWO in (top, bottom)
                found.append(MissingFactor(f"{above}/{below}", quotient, contains, has_two))
    counts = frozenset({OUTPUT_COUNT, SAMPLE_COUNT})
    if counts <= {*letters}:
        both = Binary("product", name_of(SAMPLE_COUNT), name_of(OUTPUT_COUNT))
        for top in (ONE, TWO):
            quotient = Binary("divide", top, both)
            found.append(MissingFactor(f"{top.text}/(B n)", quotient, counts, top is TWO))
    return found


def multiplied(factor: MissingFactor, node: Tree) -> Tree:
    """Return a node multiplied by a number, which is written before the node's first factor.

    Factors that cancel are omitted: 1/α times α W is W.
    """
    number = factor.tree
    if isinstance(node, Negative):
        return Negative(multiplied(factor, node.operand), span=node.span)
    if isinstance(node, Binary) and node.operation in PRODUCTS and _cancels(number, node.left):
        return node.right
    if isinstance(node, Binary) and node.operation in (*PRODUCTS, "divide"):
        return with_children(node, (multiplied(factor, node.left), node.right))
    if isinstance(node, Constant) and isinstance(number, Binary) and _is_one(number.left):
        return Binary("divide", node, number.right, span=node.span)  # 2/n, not 1/n 2
    return Binary("product", number, node, span=node.span)


def with_slope(node: Tree, slope: Tree) -> Tree:
    """Return a node multiplied elementwise by a derivative, one factor after the other."""
    if isinstance(slope, Binary) and slope.operation == "entrywise":
        first = with_slope(node, slope.left)
        return Binary("entrywise", first, slope.right, span=node.span)
    return Binary("entrywise", node, slope, span=node.span)


def _cancels(number: Tree, node: Tree) -> bool:
    """Return whether the number is the inverse of a name."""
    return (
        isinstance(number, Binary)
        and number.operation == "divide"
        and _is_one(number.left)
        and isinstance(number.right, Name)
        and isinstance(node, Name)
        and node.quantity == number.right.quantity
    )


def _is_one(node: Tree) -> bool:
    return isinstance(node, Constant) and node.value == 1


class TreeEditor:
    """Replaces single nodes of one tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.nodes = list(nodes(tree))
        self._parents = {id(part): node for node in self.nodes for part in children(node)}

    def parent(self, node: Tree) -> Tree | None:
        """Return the node directly above, None for the root."""
        return self._parents.get(id(node))

    def changed(self, kind: str, node: Tree, new: Tree, **values: RepairValue) -> Repair:
        """Return the repair that replaces one node."""
        before, tree = node, new
        above = self.parent(node)
        while above is not None:
            parts = tuple(tree if part is before else part for part in children(above))
            before, tree = above, with_children(above, parts)
            above = self.parent(before)
        return Repair(kind, tree, node, values)
