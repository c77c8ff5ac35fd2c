"""Chains of partial derivatives in a line: ∂Loss/∂a × ∂a/∂z × ∂z/∂W."""

from chainrule.marking.syntax import Binary, Name, Partial, Tree, every
from chainrule.marking.vocabulary import LOSS

Link = tuple[str, str]
"""What is differentiated, and by what, by their keys."""


def links_of(tree: Tree) -> list[Link] | None:
    """Return the links of a chain of partial derivatives, None where the tree is no mere chain.

    δ_o is the link ∂Loss/∂z_o.
    """
    if not any(isinstance(node, Partial) for node in every(tree)):
        return None
    found: list[Link] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Binary) and node.operation in ("entrywise", "matrix", "product"):
            pending += [node.right, node.left]
        elif isinstance(node, Partial):
            found.append((node.above, node.below))
        elif isinstance(node, Name) and node.key.startswith(f"∂{LOSS}/∂"):
            found.append((LOSS, node.key.removeprefix(f"∂{LOSS}/∂")))
        elif isinstance(node, Name) and node.key.startswith("δ_"):
            found.append((LOSS, f"z_{node.key[2:]}"))
        else:
            return None
    return found
