"""The settings of a training, as model files hold them, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.pictures.scales import number_text
from chainrule.reports.report_blocks import name_text

__all__ = ["SETTINGS", "settings_of"]

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
