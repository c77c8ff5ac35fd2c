"""A Network as plain values for JSON, and back, with a check of every value.

Entries of the catalogues are written by name, an activation or a loss of the user's own as its
formula.  Loading builds formulas and runs no code; a penalty or a layer of the user's own is code,
so it is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import InputError, ModelFileError, shown
from chainrule.marking.network_text import network_from
from chainrule.network import activations, losses, penalties
from chainrule.network.architecture import Network
from chainrule.network.arithmetic import Combination, Scaled, Shifted
from chainrule.network.embeddings import Embedding, Periodic, PiecewiseLinear
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import (
    Activate,
    CategoryLayer,
    Dense,
    Gated,
    InputLayer,
    PReLU,
    Scale,
    Tied,
)
from chainrule.network.normalization import BatchNorm, LayerNorm
from chainrule.network.random_layers import Dropout, GaussianNoise
from chainrule.table_models.function_records import (
    function_from_record,
    function_to_record,
    loss_from_record,
    loss_to_record,
)
from chainrule.validation import is_integer

__all__ = ["MOST_PARTS", "count_of_parts", "network_from_dict", "network_to_dict"]


def network_to_dict(network: Network) -> dict[str, Any]:
    """Return the description of a network.

    Raises InputError for an entry that is in no catalogue.

    >>> network_to_dict(Network.dense([2, 1], activation="identity"))["activations"]
    ['identity']
    """
    for penalty in network.penalties:
        if type(penalty) not in penalties.STORED.values():
            raise _of_the_user("penalty", penalty.name or type(penalty).__name__)
    if network.is_dense:
        described = {
            "layers": list(network.layers),
            "activations": [function_to_record(function) for function in network.activations],
            "loss": loss_to_record(network.loss),
        }
    elif network.stated is not None:
        formulas, sizes = network.stated
        losses_of = [loss_to_record(loss) for loss in network.losses]
        described = {"formulas": formulas, "sizes": dict(sizes), "losses": losses_of}
    else:
        described = graph_to_dict(network)
    return {
        **described,
        "penalties": [
            {"name": penalty.name, "strength": float(penalty.strength)}
            for penalty in network.penalties
        ],
        "trainable": {
            _numbered(network, name): option for name, option in (network.trainable or {}).items()
        },
    }


def network_from_dict(record: object, entries: int = 0) -> Network:
    """Return the network that `network_to_dict` described; raise ModelFileError where damaged.

    ``entries`` is the number of all parameters that are there for it: a network whose constants
    need much more memory than they do is refused before they are computed.

    >>> network = Network.dense([2, 3, 1], loss="log_loss", penalty=penalties.L2(0.5))
    >>> str(network_from_dict(network_to_dict(network))) == str(network)
    True
    """
    try:
        return _network(record, entries)
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(
            f"its network is damaged: {reason}; fetch the file again or train anew"
        ) from error


def numbered_names(network: Network) -> dict[str, str]:
    """Return the name in files, W_1 b_1 W_2 b_2 ..., of each parameter, by its own name.

    >>> numbered_names(Network.dense([2, 3, 1]))
    {'W_ih': 'W_1', 'b_ih': 'b_1', 'W_ho': 'W_2', 'b_ho': 'b_2'}
    """
    if not network.is_dense:
        return {name: name for name in network.parameter_names}
    letters = [f"{letter}_{layer}" for layer in range(1, len(network.layers)) for letter in "Wb"]
    return dict(zip(network.parameter_names, letters, strict=True))


def _numbered(network: Network, name: str) -> str:
    return numbered_names(network)[name]


# -- graphs of layers ------------------------------------------------------------------------------

LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        *(InputLayer, CategoryLayer, Dense, Tied, Activate, PReLU, Scale, Gated),
        *(LayerNorm, BatchNorm, Dropout, GaussianNoise),
        *(Embedding, PiecewiseLinear, Periodic, Combination, Scaled, Shifted),
    )
}
"""The layers that a model file may name."""
MOST_PARTS = 5_000
"""Of all networks of a model: layers and nodes beyond those that have arrays."""

MOST_CONSTANTS = 4_000_000
"""Of the encodings of a network, beyond four for each of its parameters."""


def count_of_parts(record: object) -> int:
    """Return how many layers or nodes a described network would have, without building it.

    >>> count_of_parts({"layers": [2, 3, 1]}), count_of_parts(None)
    (3, 0)
    """
    found = [record.get(key) for key in ("layers", "nodes")] if isinstance(record, Mapping) else []
    return max((len(item) for item in found if isinstance(item, list)), default=0)


def graph_to_dict(network: Network) -> dict[str, Any]:
    """Return layers with their settings, and nodes as the number of a layer and of its sources."""
    layers: dict[int, int] = {}
    described: list[dict[str, Any]] = []
    numbers = {id(node): number for number, node in enumerate(network.nodes)}
    for node in network.nodes:
        layer = node.layer
        if id(layer) in layers:
            continue
        kind = type(layer).__name__
        if LAYERS.get(kind) is not type(layer):
            raise _of_the_user("layer", kind)
        settings = {key: _plain(value, layers) for key, value in layer.settings.items()}
        layers[id(layer)] = len(described)
        described.append({"layer": kind, "settings": settings})
    return {
        "layers": described,
        "nodes": [
            {
                "layer": layers[id(node.layer)],
                "sources": [numbers[id(source)] for source in node.sources],
            }
            for node in network.nodes
        ],
        "inputs": [numbers[id(node)] for node in network.inputs],
        "outputs": [numbers[id(node)] for node in network.outputs],
        "losses": [loss_to_record(loss) for loss in network.losses],
        "loss_weights": list(network.loss_weights),
    }


def _plain(value: Any, layers: Mapping[int, int]) -> Any:
    if isinstance(value, Layer):
        return {"layer": layers[id(value)]}
    if isinstance(value, activations.Activation):
        return {"function": function_to_record(value)}
    if value is None or isinstance(value, str | bool | int | float | list):
        return value
    raise InputError(
        f"save: the setting {shown(value)} is not a plain value, and a model file has no code; "
        "initialize the parameters yourself"
    )


def _graph(
    record: Mapping[str, Any], entries: int
) -> tuple[list[Node], list[Node], list[losses.Loss]]:
    """Return inputs, outputs and losses of a record of `graph_to_dict`."""
    listed, described = record["layers"], record["nodes"]
    if not isinstance(listed, list) or not isinstance(described, list):
        raise InputError("'layers' and 'nodes' must be lists")
    layers: list[Layer] = []
    for item in listed:
        settings = {key: _setting(value, layers) for key, value in item["settings"].items()}
        layers.append(LAYERS[item["layer"]](**settings))
    nodes: list[Node] = []
    for item in described:
        layer = layers[_index(item["layer"], layers)]
        sources = [nodes[_index(number, nodes)] for number in item["sources"]]
        if isinstance(layer, InputLayer):
            nodes.append(Node(layer, (), layer.width))
        else:
            nodes.append(layer(*sources))
    constants = sum(map(_constants, nodes))
    if constants > MOST_CONSTANTS + 4 * entries:
        raise InputError(f"its encodings have {constants:,} constants, more than its parameters")
    ends = [[nodes[_index(n, nodes)] for n in record[key]] for key in ("inputs", "outputs")]
    return ends[0], ends[1], [loss_from_record(item) for item in record["losses"]]


def _constants(node: Node) -> int:
    """Return how many entries the constants of a node's equations have, without building them."""
    layer = node.layer
    if isinstance(layer, CategoryLayer):
        return node.width
    width = node.sources[0].width if node.sources else 0
    if isinstance(layer, Periodic):
        return width * layer.frequencies * width * (1 + layer.units)
    if isinstance(layer, PiecewiseLinear):
        bins = sum(len(column) - 1 for column in layer.edges)
        return bins * width * (1 + (layer.units or 0))
    return 0


def _setting(value: Any, layers: list[Layer]) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "function" in value:
        return function_from_record(value["function"])
    return layers[_index(value["layer"], layers)]


def _index(number: object, known: list[Any]) -> int:
    if not is_integer(number) or not 0 <= number < len(known):
        raise InputError(f"{shown(number)} is not the number of an earlier layer or node")
    return number


def _network(record: object, entries: int) -> Network:
    if not isinstance(record, Mapping):
        raise InputError(f"it must be a dictionary, got {shown(record)}")
    chosen = [
        penalties.STORED[item["name"]](_finite(item["strength"])) for item in record["penalties"]
    ]
    if "formulas" in record:
        (loss,) = map(loss_from_record, record["losses"])
        described = network_from(
            record["formulas"], sizes=record["sizes"], loss=loss, penalty=chosen
        )
    elif "nodes" in record:
        inputs, outputs, chosen_losses = _graph(record, entries)
        weights = [_finite(weight) for weight in record["loss_weights"]]
        described = Network(inputs, outputs, chosen_losses, loss_weights=weights, penalty=chosen)
    else:
        names, layers = record["activations"], record["layers"]
        if not isinstance(layers, list) or not isinstance(names, list):
            raise InputError("'layers' and 'activations' must be lists")
        described = Network.dense(
            layers,
            [function_from_record(item) for item in names],
            loss_from_record(record["loss"]),
            penalty=chosen,
        )
    own = {number: name for name, number in numbered_names(described).items()}
    trainable = {own[number]: option for number, option in record["trainable"].items()}
    return described.with_trainable(trainable) if trainable else described


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"a strength must be a number, got {shown(value)}")
    return float(value)


def _of_the_user(kind: str, name: str) -> InputError:
    return InputError(
        f"save: the {kind} {shown(name)} is not the catalogue's, and a model file has no code; "
        f"use a {kind} of the catalogue, or store the parameters yourself (numpy.savez)"
    )
