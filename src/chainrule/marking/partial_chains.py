"""Chains of partial derivatives in a line: ∂Loss/∂a × ∂a/∂z × ∂z/∂W."""

from collections.abc import Sequence
from typing import TypeAlias

from chainrule.marking.examples import Example
from chainrule.marking.quantities import (
    LOSS,
    Quantity,
    Role,
    applied_activations,
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
    return found


def chain_fault(links: Sequence[Link], target: Quantity, example: Example) -> MessagePart | None:
    """Return what is wrong with a chain from the loss to the left side, ``target``."""
    network, values = example.context.network, example.values
    known = {*values.partials}
    for applied in applied_activations(network):
        known.add((applied.output, applied.argument))
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
