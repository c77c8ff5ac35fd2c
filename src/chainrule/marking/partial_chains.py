"""Chains of partial derivatives in a line: ∂Loss/∂a × ∂a/∂z × ∂z/∂W."""

from typing import TypeAlias

from chainrule.marking.quantities import LOSS, Quantity, Role
from chainrule.marking.syntax import Binary, Name, PartialDerivative, Tree, nodes

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
