"""How a network is written: layers that are applied to nodes, and nodes that are added up.

A `Layer` states its forward equations; applied to nodes it is a new `Node`, the values that it
computes.  A network is made of its input and output nodes and has no equations before it is asked
for them (`network.architecture`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.expressions import Symbol
from chainrule.network.domains import REALS, Domain
from chainrule.validation import requirement

if TYPE_CHECKING:
    from chainrule.network.activations import Activation
    from chainrule.network.scope import Scope


class Layer(ABC):
    """A part of a network: what it computes from one node or from several.

    ``has_own_axis`` is whether its outputs are units of its own, as those of `Dense`; those of an
    activation or a normalization are the units of the layer before.
    """

    has_own_axis = False
    most_sources: int | None = 1
    """How many nodes it may be applied to; None: any number."""
    needs_batch = False
    """Whether it is only defined for a batch, not for a single sample."""

    def __call__(self, *sources: "Node") -> "Node":
        """Return the node with this layer's outputs for the outputs of ``sources``.

        Raises ``InputError`` where sizes do not suit, naming the layers.
        """
        for source in sources:
            if not isinstance(source, Node):
                raise InputTypeError(
                    f"{self} must be applied to nodes such as cr.Input(8), got {shown(source)}"
                )
        if not sources:
            raise InputError(f"{self} must be applied to a node, as in {self}(x)")
        if self.most_sources is not None and len(sources) > self.most_sources:
            raise InputError(
                f"{self} must be applied to {_number(self.most_sources)}, got {len(sources)}. "
                "Dense takes several; other layers are applied to a sum or to each"
            )
        return Node(self, sources, self.width_of(sources))

    @abstractmethod
    def width_of(self, sources: "tuple[Node, ...]") -> int:
        """Return the number of outputs; raise ``InputError`` where the sources do not suit."""

    @abstractmethod
    def state(self, scope: "Scope", sources: Sequence[Symbol]) -> Symbol:
        """Add the forward equations to the scope; return the symbol of the outputs."""

    @property
    def range(self) -> Domain:
        """The values that outputs may take."""
        return REALS

    @property
    def functions(self) -> "tuple[Activation, ...]":
        """The activations in the equations."""
        return ()

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make this layer, for files."""
        return {}

    @property
    def statement(self) -> tuple[object, ...]:
        """What the equations depend on, beside the sizes."""
        return ()

    def __str__(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return str(self)


class Node:
    """The outputs of a layer for every sample: ``width`` values.

    Nodes of equal width are added, subtracted and multiplied entry by entry; numbers too.

    >>> from chainrule.network.layers import Dense, Input
    >>> x = Input(8)
    >>> h = Dense(8, "relu")(x)
    >>> h + x
    <8 values of Sum>
    """

    __array_ufunc__ = None  # an array times a node is an error, not an array of nodes

    def __init__(self, layer: Layer, sources: "tuple[Node, ...]", width: int) -> None:
        self.layer, self.sources, self.width = layer, sources, width

    def __add__(self, other: "Node | float") -> "Node":
        return self._combined("Sum", other)

    __radd__ = __add__

    def __sub__(self, other: "Node | float") -> "Node":
        return self._combined("Difference", other)

    def __mul__(self, other: "Node | float") -> "Node":
        return self._combined("Product", other)

    __rmul__ = __mul__

    def __rsub__(self, other: float) -> "Node":
        return -self + other

    def __neg__(self) -> "Node":
        return self * -1

    def __truediv__(self, other: object) -> "Node":
        if isinstance(other, (bool, Node)) or not isinstance(other, (int, float)) or other == 0:
            raise InputTypeError(requirement("operand", "a number other than 0", other))
        return self * (1 / other)

    def _combined(self, kind: str, other: "Node | float") -> "Node":
        from chainrule.network.arithmetic import Combination, Scaled, Shifted

        if isinstance(other, Node):
            return Combination(kind)(self, other)
        if isinstance(other, bool) or not isinstance(other, (int, float)):
            allowed = "another node, or a number"
            raise InputTypeError(requirement("operand", allowed, other))
        if kind == "Product":
            return Scaled(other)(self)
        return Shifted(other if kind == "Sum" else -other)(self)

    def __repr__(self) -> str:
        return f"<{self.width} values of {self.layer}>"


def in_order(outputs: Iterable[Node]) -> tuple[Node, ...]:
    """Return all nodes that the outputs depend on, each after its sources."""
    order: list[Node] = []
    seen: set[int] = set()
    pending = [(node, False) for node in reversed(tuple(outputs))]
    while pending:
        node, finished = pending.pop()
        if finished:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending += [(source, False) for source in reversed(node.sources)]
    return tuple(order)


def _number(count: int) -> str:
    return "one node" if count == 1 else f"{count} nodes"
