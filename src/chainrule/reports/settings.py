"""The settings of a training, as model files hold them, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.pictures.scales import number_text
from chainrule.reports.network_shares import layer_settings, network_shares
from chainrule.reports.report_blocks import name_text
from chainrule.reports.subject import Subject

__all__ = ["SETTINGS", "largest_settings", "settings_of"]

SETTINGS = (
    "hidden", "activation", "encoding", "dropout", "smoothing", "optimizer", "schedule",
    "batch_size", "epochs", "folds", "networks", "seed", "training_rows", "held_out_rows",
)  # fmt: skip
"""The names in the order in which they are shown."""


def settings_of(training: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a training as texts by name.

    >>> settings_of({"hidden": [8, 8], "optimizer": {"name": "adam", "learning_rate": 0.003}})
    {'hidden': '8, 8', 'optimizer': 'adam, learning_rate 0.003'}
    """
    return {name: _shown(training[name]) for name in SETTINGS if name in training}


def largest_settings(subject: Subject) -> dict[str, Any]:
    """Return the settings of the networks with the largest share of a model.

    A model file has those of the first network that was tried; of the others the layers tell some,
    and the leaderboard the rest.
    """
    training = dict(subject.model.training)
    shares = network_shares(subject.model)
    mixed = [leader for leader in subject.leaders if _share(leader) > 0.0]
    if len(shares) < 2 and len(mixed) < 2:
        return training
    layers = layer_settings(shares[0].network)
    hidden = ",".join(map(str, layers["hidden"])) or "none"
    for name in ("optimizer", "batch_size"):
        training.pop(name, None)
    alike = [leader for leader in mixed if leader.get("hidden") == hidden]
    if alike:
        leader = max(alike, key=_share)
        rates = {name: leader.get(name) for name in ("learning_rate", "weight_decay")}
        known = {name: float(rate) for name, rate in rates.items() if rate not in ("", None)}
        training["optimizer"] = {"name": leader.get("optimizer"), **known}
        training["batch_size"] = int(leader.get("batch_size") or 0)
    return training | layers


def _share(leader: Mapping[str, Any]) -> float:
    try:
        return float(leader["share"])
    except (KeyError, TypeError, ValueError):  # a damaged file is no leaderboard
        return 0.0


def _shown(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return str(value).lower()
        case int() | float():
            return number_text(float(value))
        case Mapping():
            entries = [f"{key} {_shown(entry)}" for key, entry in value.items() if key != "name"]
            return ", ".join([*([str(value["name"])] if "name" in value else []), *entries])
        case list() | tuple():
            return ", ".join(map(_shown, value)) or "–"
    return name_text(value)
