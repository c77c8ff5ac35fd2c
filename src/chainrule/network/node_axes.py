"""The axes of a network's nodes: i for inputs, h with the layer's number, o for outputs."""

from collections.abc import Sequence

from chainrule.formulas.axes import Axis
from chainrule.network.graph import Node
from chainrule.network.layers import InputLayer


def axes_of(
    nodes: Sequence[Node], inputs: Sequence[Node], outputs: Sequence[Node], *, is_dense: bool
) -> dict[int, Axis]:
    """Return the axis of each node with units of its own, by the node's id.

    A dense network has the names of the source page: h alone where there is one hidden layer.
    Others leave a position free between two axes, for those inside a layer.
    """
    ends = _ends(outputs, nodes)
    own = [node for node in nodes if node.layer.has_own_axis]
    hidden = [n for n in own if not isinstance(n.layer, InputLayer) and n not in ends]
    axes: dict[int, Axis] = {}
    for position, node in enumerate(own):
        if isinstance(node.layer, InputLayer):
            label = _counted("i", inputs, node)
        elif node in ends:
            label = _counted("o", ends, node)
        else:
            label = "h" if is_dense and len(hidden) == 1 else f"h{nodes.index(node)}"
        size = "n" if label == "o" else f"n_{label}"
        axes[id(node)] = Axis(label, position if is_dense else 2 * position, size)
    return axes


def _counted(letter: str, nodes: Sequence[Node], node: Node) -> str:
    return letter if len(nodes) == 1 else f"{letter}{list(nodes).index(node) + 1}"


def _ends(outputs: Sequence[Node], nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return for each output the node whose units it has."""
    found: list[Node] = []
    for output in outputs:
        node = output
        while not node.layer.has_own_axis:
            # A sum has the units of its latest source.
            node = max(node.sources, key=nodes.index)
        if node not in found and not isinstance(node.layer, InputLayer):
            found.append(node)
    return tuple(found)
