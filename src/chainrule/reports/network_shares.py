"""The networks that a model is the mean of: it is mostly the one with the largest share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.network.architecture import Network
from chainrule.network.embeddings import Periodic, PiecewiseLinear
from chainrule.network.layers import Dense
from chainrule.network.random_layers import Dropout
from chainrule.table_models.table_model import Member, TableModel

__all__ = ["NetworkShare", "layer_settings", "network_shares"]


@dataclass(frozen=True)
class NetworkShare:
    """Members of equal layers: the first of them, how many they are, and their weight in all."""

    member: Member
    count: int
    share: float

    @property
    def network(self) -> Network:
        """The network of each of them."""
        return self.member.network


def network_shares(model: TableModel) -> tuple[NetworkShare, ...]:
    """Return the networks of a model with their shares, the largest first.

    >>> import polars
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0], "sold": [0, 0, 1, 1]})
    >>> (found,) = network_shares(train_table(table, "sold", hidden=(4,), epochs=1).model)
    >>> found.count, found.share, layer_settings(found.network)["hidden"]
    (1, 1.0, [4])
    """
    groups: dict[tuple[str, ...], list[Member]] = {}
    for member in model.members:
        layers = tuple(f"{node!r}" for node in member.network.nodes)
        groups.setdefault(layers, []).append(member)
    found = [
        NetworkShare(members[0], len(members), sum(member.weight for member in members))
        for members in groups.values()
    ]
    return tuple(sorted(found, key=lambda each: -each.share))


def layer_settings(network: Network) -> dict[str, Any]:
    """Return what the layers say of a training's settings: sizes, functions, encoding, dropout."""
    nodes = [node for node in network.nodes if node not in network.outputs]
    dense = [(node.width, node.layer) for node in nodes if isinstance(node.layer, Dense)]
    names = [function.name for _, layer in dense for function in layer.functions]
    kinds = [
        name
        for name, kind in (("piecewise", PiecewiseLinear), ("periodic", Periodic))
        if any(isinstance(node.layer, kind) for node in nodes)
    ]
    rates = [n.layer.settings["rate"] for n in nodes if isinstance(n.layer, Dropout)]
    return {
        "hidden": [width for width, _ in dense],
        "activation": names[:1] if len(set(names)) == 1 else names,
        "encoding": "both" if len(kinds) > 1 else kinds[0] if kinds else "none",
        "dropout": max(rates, default=0.0),
    }
