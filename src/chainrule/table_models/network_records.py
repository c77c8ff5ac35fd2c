"""A Network as plain values for JSON, and back, with a check of every value.

Only entries of the catalogues can be written: a network with an activation, a loss or a penalty of
the user's own is an error, because its formula would be code, and loading a model runs no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import InputError, ModelFileError, shown
from chainrule.network import activations, losses, penalties
from chainrule.network.architecture import Network

__all__ = ["network_from_dict", "network_to_dict"]


def network_to_dict(network: Network) -> dict[str, Any]:
    """Return the description of a network.

    Raises InputError for an entry that is in no catalogue.

    >>> network_to_dict(Network.dense([2, 1], activation="identity"))["activations"]
    ['identity']
    """
    for activation in network.activations:
        if activations.CATALOGUE.get(activation.name) is not activation:
            raise _of_the_user("activation", activation.name)
    _refuse_other_loss(network.loss)
    for penalty in network.penalties:
        if type(penalty) not in penalties.STORED.values():
            raise _of_the_user("penalty", penalty.name or type(penalty).__name__)
    return {
        "layers": list(network.layers),
        "activations": [activation.name for activation in network.activations],
        "loss": {"name": network.loss.name, "settings": dict(network.loss.settings)},
        "penalties": [
            {"name": penalty.name, "strength": float(penalty.strength)}
            for penalty in network.penalties
        ],
        "trainable": {
            _numbered(network, name): option for name, option in (network.trainable or {}).items()
        },
    }


def network_from_dict(record: object) -> Network:
    """Return the network that `network_to_dict` described; raise ModelFileError where damaged.

    >>> network = Network.dense([2, 3, 1], loss="log_loss", penalty=penalties.L2(0.5))
    >>> str(network_from_dict(network_to_dict(network))) == str(network)
    True
    """
    try:
        return _network(record)
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
    letters = [f"{letter}_{layer}" for layer in range(1, len(network.layers)) for letter in "Wb"]
    return dict(zip(network.parameter_names, letters, strict=True))


def _numbered(network: Network, name: str) -> str:
    return numbered_names(network)[name]


def _network(record: object) -> Network:
    if not isinstance(record, Mapping):
        raise InputError(f"it must be a dictionary, got {shown(record)}")
    names, layers = record["activations"], record["layers"]
    if not isinstance(layers, list) or not isinstance(names, list):
        raise InputError("'layers' and 'activations' must be lists")
    described = Network.dense(
        layers,
        [activations.CATALOGUE[name] for name in names],
        losses.CATALOGUE[record["loss"]["name"]](**record["loss"]["settings"]),
        penalty=[
            penalties.STORED[item["name"]](_finite(item["strength"]))
            for item in record["penalties"]
        ],
    )
    own = {number: name for name, number in numbered_names(described).items()}
    trainable = {own[number]: option for number, option in record["trainable"].items()}
    if not trainable:
        return described
    return Network.dense(
        described.layers,
        described.activations,
        described.loss,
        penalty=described.penalties,
        trainable=trainable,
    )


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"a strength must be a number, got {shown(value)}")
    return float(value)


def _refuse_other_loss(loss: losses.Loss) -> None:
    """Raise InputError for a loss that differs from the catalogue's of its name and settings."""
    made = losses.CATALOGUE.get(loss.name)
    if made is None:
        raise _of_the_user("loss", loss.name)
    try:
        same = _statement(made(**loss.settings)) == _statement(loss)
    except (InputError, TypeError):
        same = False
    if not same:
        raise _of_the_user("loss", loss.name)


def _statement(loss: losses.Loss) -> list[tuple[object, ...]]:
    return [tuple(vars(form).values()) for form in loss.forms]


def _of_the_user(kind: str, name: str) -> InputError:
    return InputError(
        f"save: the {kind} {shown(name)} is not the catalogue's, and a model file has no code; "
        f"use a {kind} of the catalogue, or store the parameters yourself (numpy.savez)"
    )
