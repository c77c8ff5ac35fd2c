"""Changes of a line: replace a node, multiply by a number, multiply by a derivative."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chainrule.marking.number_factors import times_number
from chainrule.marking.quantities import LEARNING_RATE, OUTPUT_COUNT, SAMPLE_COUNT, Quantity
from chainrule.marking.syntax import (
    Binary,
    Constant,
    Name,
    Tree,
    children,
    nodes,
    with_children,
)
from chainrule.marking.verdict_messages import MessageValue

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
    """Return a node multiplied by a number; factors that cancel are omitted."""
    return times_number(factor.tree, node)


def with_slope(node: Tree, slope: Tree) -> Tree:
    """Return a node multiplied elementwise by a derivative, one factor after the other."""
    if isinstance(slope, Binary) and slope.operation == "entrywise":
        first = with_slope(node, slope.left)
        return Binary("entrywise", first, slope.right, span=node.span)
    return Binary("entrywise", node, slope, span=node.span)


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
