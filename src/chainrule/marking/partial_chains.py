"""Chains of partial derivatives in a line: ∂Loss/∂a × ∂a/∂z × ∂z/∂W."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from chainrule.marking.examples import Example
from chainrule.marking.quantities import (
    LOSS,
    Quantity,
    Role,
    cotangent,
    differentiable,
)
from chainrule.marking.syntax import Binary, Name, PartialDerivative, Tree, nodes
from chainrule.marking.verdict_messages import MessagePart

Link: TypeAlias = tuple[Quantity, Quantity]
"""The two ends (above, below) of a derivative ∂above/∂below."""


def links_of(tree: Tree) -> list[Link] | None:
    """Return the links of a chain of partial derivatives, None for any other tree.

    δ_o is the link ∂Loss/∂z_o.
    """
    if not any(isinstance(node, PartialDerivative) for node in nodes(tree)):
        return None
    found: list[Link] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Binary) and node.operation in ("entrywise", "matrix", "product"):
            pending += [node.right, node.left]
        elif isinstance(node, PartialDerivative):
            found.append((node.above, node.below))
        elif (
            isinstance(node, Name)
            and node.quantity.role is Role.COTANGENT
            and node.quantity.of is not None
        ):
            found.append((LOSS, node.quantity.of))
        else:
            return None
    return _from_loss(found)


def _from_loss(links: list[Link]) -> list[Link]:
    """Return the links from the loss on, whatever their order; unchanged where one has a gap.

    The chain rule is a product of derivatives: ∂z/∂b ∂Loss/∂z is ∂Loss/∂z ∂z/∂b.
    """
    rest, found, reached = [*links], list[Link](), LOSS
    while rest:
        following = next((link for link in rest if link[0] == reached), None)
        if following is None:
            return links
        rest.remove(following)
        found.append(following)
        reached = following[1]
    return found


def chains_of(tree: Tree) -> list[list[Link]] | None:
    """Return the links of each term of a sum of chains, None for any other tree."""
    if isinstance(tree, Binary) and tree.operation == "add":
        left, right = chains_of(tree.left), chains_of(tree.right)
        return None if left is None or right is None else left + right
    links = links_of(tree)
    return None if links is None else [links]


def sum_fault(
    chains: Sequence[Sequence[Link]], target: Quantity, example: Example
) -> MessagePart | None:
    """Return what is wrong with a sum of chains: one for every path from the loss."""
    for links in chains:
        fault = chain_fault(links, target, example)
        if fault is not None:
            return fault
    paths = [tuple(below for _, below in links) for links in chains]
    return _missing_path(paths, example.context.consumers)


def _missing_path(
    paths: Sequence[tuple[Quantity, ...]], consumers: Mapping[Quantity, tuple[Quantity, ...]]
) -> MessagePart | None:
    """Return what is missing in paths with one end, that of ∂Loss/∂(its first quantity) is whole.

    The loss depends on a quantity through everything whose equation contains it.
    """
    end = paths[0][-1]
    if len(paths) == 1 and len(paths[0]) == 1:
        return None
    before: dict[Quantity | None, list[tuple[Quantity, ...]]] = {}
    for path in paths:
        before.setdefault(path[-2] if len(path) > 1 else None, []).append(path[:-1])
    needed = [each for each in consumers.get(end, ()) if each.role is not Role.LOSS]
    surplus = len({*paths}) < len(paths) or None in before
    if surplus or {*before} != {*needed}:
        return MessagePart(
            "chain_paths", {"name": str(end), "names": tuple(str(each) for each in needed)}
        )
    faults = (_missing_path(each, consumers) for each in before.values())
    return next((fault for fault in faults if fault is not None), None)


def chain_fault(links: Sequence[Link], target: Quantity, example: Example) -> MessagePart | None:
    """Return what is wrong with a chain from the loss to the left side, ``target``."""
    network, values = example.context.network, example.values
    known = {*values.partials}
    for below, consumers in example.context.consumers.items():
        known |= {(above, below) for above in consumers}
    ends = {cotangent(quantity): quantity for quantity in differentiable(network)}
    reached = LOSS
    for above, below in links:
        link = f"∂{above}/∂{below}"
        if above != reached:
            return MessagePart("chain_gap", {"before": str(reached), "after": link})
        if above != LOSS and (above, below) not in known:
            return MessagePart("chain_far", {"after": link})
        reached = below
    if reached != ends.get(target):
        return MessagePart("chain_end", {"before": str(reached)})
    return None
