"""A chain of layers with their arrays: what every other library's sequential model is read into.

A `Link` is one layer and its arrays by the letters of its parameters (``W``, ``b``, ``γ``, ...).
`joined` makes a network of links, `links_of` takes one apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import Array, RealArray
from chainrule.errors import InputError, InputTypeError, shown
from chainrule.network import activations
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import Activate, CategoryLayer, Dense, Input, PReLU
from chainrule.network.losses import Loss
from chainrule.network.parameters import Parameters, gathered
from chainrule.training.results import Result

__all__ = [
    "Link",
    "dense",
    "joined",
    "links_of",
    "network_and_parameters",
    "with_activation",
    "with_scaled_inputs",
    "with_scaled_outputs",
]


@dataclass(frozen=True)
class Link:
    """A layer, and its arrays by the letters of its parameters."""

    layer: Layer
    arrays: Mapping[str, Array] = field(default_factory=dict)

    def activated(self, activation: str | Activation) -> Link:
        """Return a dense link with this activation in place of none."""
        assert isinstance(self.layer, Dense)
        return Link(Dense(self.layer.units, activation, bias=self.layer.bias), self.arrays)


def dense(weights: ArrayLike, bias: ArrayLike | None) -> Link:
    """Return a dense link without activation; ``weights`` are (inputs, outputs)."""
    W = np.asarray(weights)
    arrays = {"W": W} if bias is None else {"W": W, "b": np.asarray(bias)}
    return Link(Dense(W.shape[1], "identity", bias=bias is not None), arrays)


def with_scaled_inputs(link: Link, factor: ArrayLike, offset: ArrayLike) -> Link:
    """Return the dense link of x that computes what ``link`` does of factor · x + offset.

    With z = (f ⊙ x + o) W + b the weights are f ⊙ W by rows, and the bias is o W + b.
    """
    assert isinstance(link.layer, Dense)
    W = link.arrays["W"]
    f, o = (np.broadcast_to(np.asarray(given, W.dtype), W.shape[:1]) for given in (factor, offset))
    bias = o @ W + link.arrays.get("b", np.zeros(W.shape[1], W.dtype))
    layer = Dense(link.layer.units, link.layer.activation, bias=True)
    return Link(layer, {"W": f[:, None] * W, "b": bias})


def with_scaled_outputs(links: list[Link], factor: ArrayLike, offset: ArrayLike) -> None:
    """Append factor · a + offset: in the last layer where it has no activation, else as a layer."""
    last = links[-1]
    if not isinstance(last.layer, Dense) or last.layer.functions[0].name != "identity":
        units = getattr(last.layer, "units", np.size(factor))
        last = dense(np.eye(units), np.zeros(units))
        links.append(last)
    W, b = last.arrays["W"], last.arrays.get("b", np.zeros(last.arrays["W"].shape[1]))
    f, o = np.broadcast_to(factor, b.shape), np.broadcast_to(offset, b.shape)
    links[-1] = dense(W * f, b * f + o)


def with_activation(links: list[Link], activation: str | Activation) -> None:
    """Append an activation: as that of a dense layer that has none, else as a layer."""
    last = links[-1].layer if links else None
    if isinstance(last, Dense) and last.activation == activations.find("identity"):
        links[-1] = links[-1].activated(activation)
        return
    links.append(Link(Activate(activation)))


def joined(inputs: int, links: Sequence[Link], loss: str | Loss = "auto") -> Result:
    """Return the network of a chain of layers, with its parameters.

    ``loss`` "auto" is log_loss after softmax and sigmoid, else mse. With log_loss after a dense
    layer without activation its outputs are logits: softmax is appended, of one output sigmoid.

    >>> link = dense([[1.0], [2.0]], [0.5])
    >>> joined(2, [link]).predict([[1.0, 1.0]])
    array([[3.5]])
    """
    chain = list(links)
    last = chain[-1].layer.functions if chain else ()
    name = last[-1].name if last else "identity"
    if loss == "auto":
        loss = "log_loss" if name in ("softmax", "sigmoid") else "mse"
    elif (loss if isinstance(loss, str) else loss.name) == "log_loss" and name == "identity":
        units = getattr(chain[-1].layer, "units", 0) if chain else inputs
        with_activation(chain, "sigmoid" if units == 1 else "softmax")
    x: Node = Input(inputs)
    node = x
    for link in chain:
        node = link.layer(node)
    network = Network(x, node, loss)
    return Result(network, _parameters(network, chain))


def _parameters(network: Network, links: Sequence[Link]) -> Parameters:
    """Return the arrays of the links by the names that the network gives them."""
    arrays = {id(link.layer): link.arrays for link in links}
    given = {}
    for stated in network.stated_parameters:
        name = stated.symbol.name
        array = arrays[id(stated.layer)][_letter(name)]
        shared = isinstance(stated.layer, PReLU) and array.shape == (1,)
        given[name] = np.repeat(array, network.parameter_shapes[name]) if shared else array
    return gathered(given, network.parameter_shapes)


def _letter(name: str) -> str:
    """Return a parameter's name without the number or the names of its layers."""
    return name.rpartition("_")[0]


def network_and_parameters(model: Any) -> tuple[Network, Mapping[str, RealArray]]:
    """Return a model's network and its parameters.

    A model is a Result, a pair (network, parameters), or a fitted MLPClassifier or MLPRegressor.
    """
    if isinstance(model, Result):
        return model.network, model.parameters
    if isinstance(model, tuple) and len(model) == 2 and isinstance(model[0], Network):
        network: Network = model[0]
        return network, gathered(model[1], network.parameter_shapes)
    if hasattr(model, "coefs_") and hasattr(model, "_packed"):
        dtype = model.coefs_[0].dtype
        network = model._network(dtype)
        return network, model._packed(network, dtype)
    raise InputTypeError(
        "`model` must be the Result of train, a pair (network, parameters) or a fitted "
        f"MLPClassifier or MLPRegressor, got {shown(model)}"
    )


def links_of(network: Network, parameters: Mapping[str, RealArray]) -> Iterator[Link]:
    """Yield the layers of a network that is one chain, with their arrays.

    Raises ``InputError`` for any other graph.
    """
    if isinstance(network.nodes[0].layer, CategoryLayer):
        raise InputError("`model` must have numbers as inputs, got categories. Export it instead")
    for below, node in zip(network.nodes[:-1], network.nodes[1:], strict=True):
        if node.sources != (below,):
            raise InputError(
                f"`model` must be a chain of layers, got {node.layer} of "
                f"{len(node.sources)} nodes in {network}. Export it (cr.export) instead"
            )
        arrays = {
            _letter(stated.symbol.name): parameters[stated.symbol.name]
            for stated in network.stated_parameters
            if stated.layer is node.layer
        }
        yield Link(node.layer, arrays)
