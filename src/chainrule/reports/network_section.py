"""The network in a report: drawn, with the settings, the versions and a hash of the data."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.network.drawing import draw
from chainrule.network.network_titles import network_title
from chainrule.reports.data_hash import hash_of
from chainrule.reports.network_shares import NetworkShare, layer_settings, network_shares
from chainrule.reports.report_blocks import (
    Block,
    Grid,
    Pictures,
    Section,
    Text,
    percent,
)
from chainrule.reports.settings import largest_settings, settings_of
from chainrule.reports.subject import Subject

__all__ = ["network_section"]

_MOST_NODES = 40
"""Larger graphs are not drawn."""


def network_section(subject: Subject, texts: Mapping[str, str], language: str) -> Section:
    """Return the network with the largest share, what the others are, and how all were made."""
    model = subject.model
    shares = network_shares(model)
    network = shares[0].network
    blocks: list[Block] = [Text(network_title(network, language))]
    if len(network.nodes) <= _MOST_NODES:
        blocks.append(Pictures((draw(network, language=language),)))
    if len(shares) > 1:
        drawn = percent(shares[0].share)
        blocks.append(Text(texts["mixed"].format(count=len(shares), share=drawn)))
        kinds = ("share", "networks_count", "size_one", "hidden_layers", "encoding", "dropout")
        blocks.append(
            Grid(
                tuple(texts[key] for key in kinds),
                tuple(_share_line(each) for each in shares),
                frozenset({0, 1, 2, 5}),
            )
        )
    else:
        listed = f"{shares[0].count:,} × {network.size:,}"
        blocks.append(Text(texts["members"].format(listed=listed), "note"))
    if model.temperature != 1.0 or len(shares) > 1:
        blocks.append(Text(texts["scored_alone"], "note"))
    settings = settings_of(largest_settings(subject))
    lines = [(texts[f"setting_{name}"], value) for name, value in settings.items()]
    if model.temperature != 1.0:
        lines.append((texts["setting_temperature"], f"{model.temperature:.4g}"))
    if subject.seconds is not None:
        lines.append((texts["seconds"], f"{subject.seconds:.1f} s"))
    lines += [(name, str(value)) for name, value in model.versions.items()]
    if subject.rows is not None:
        lines.append((texts["hash"], hash_of(subject.rows.table)))
    headings = (texts["setting"], texts["value"])
    grid = Grid(headings, tuple(lines))
    return Section("network", texts["network_title"], (*blocks, grid))


def _share_line(each: NetworkShare) -> tuple[str, ...]:
    layers = settings_of(layer_settings(each.network))
    hidden = f"{layers['hidden']} {layers['activation']}"
    size = f"{each.network.size:,}"
    return (
        percent(each.share),
        f"{each.count:,}",
        size,
        hidden,
        layers["encoding"],
        layers["dropout"],
    )
