"""``chainrule info``: the contents of a model file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from chainrule.command_line.human_numbers import figure, percent
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.training_report import SCORED, listed_dropped
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.data import NumericColumn
from chainrule.errors import shown
from chainrule.files import written_path
from chainrule.language.printed_phrases import Wording
from chainrule.language.text_columns import padded
from chainrule.network.network_titles import network_title
from chainrule.reports.network_shares import NetworkShare, layer_settings, network_shares
from chainrule.table_models.model_files import described
from chainrule.table_models.table_model import Member, TableModel
from chainrule.training.results import Result

__all__ = ["command"]

LABEL = 12
NAMES_SHOWN = 12


@click.command("info", cls=TranslatedHelp)
@click.argument("model", metavar="MODEL")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
def command(model: str, language: str, as_json: bool) -> None:
    """Show what MODEL, a file or run folder, contains."""
    record, found = described(model)
    if as_json:
        click.echo(json.dumps(record))
        return
    words = Wording("tables", language)
    click.echo(f"{padded(words('info_model'), LABEL)}{written_path(model)}")
    for label, text in _lines(record, found, words):
        click.echo(f"{padded(words(label), LABEL)}{text}")


def _lines(
    record: Mapping[str, Any], found: TableModel | Result, words: Wording
) -> Iterator[tuple[str, str]]:
    """Yield the key of each label, and the text beside it."""
    largest: TableModel | Result | Member = found
    if isinstance(found, TableModel):
        shares = network_shares(found)
        largest = shares[0].member
        if len(shares) > 1:
            yield "info_networks", words("semicolon").join(_kind(each, words) for each in shares)
    yield "info_network", network_title(largest.network, words.language)
    kinds = {str(array.dtype) for array in largest.parameters.values()}
    shapes = (f"{name} {_shape(array.shape)}" for name, array in largest.parameters.items())
    yield "info_parameters", f"{', '.join(shapes)}; {', '.join(kinds)}"
    if isinstance(found, TableModel):
        yield from _table_lines(found, words)
    versions = record.get("versions")
    if isinstance(versions, Mapping) and versions:
        listed = ", ".join(
            f"{_unquoted(name)} {_unquoted(value)}" for name, value in versions.items()
        )
        yield "info_written_by", listed
    checksum = record["checksum"][:16]
    yield "info_format", words("info_checksum", format=record["format"], checksum=checksum)


def _table_lines(model: TableModel, words: Wording) -> Iterator[tuple[str, str]]:
    target = ", ".join(map(shown, model.target.names))
    if model.classes is not None:
        listed = _listed(model.classes, words)
        count = len(model.classes)
        yield "info_predicts", words("info_classes", target=target, count=count, listed=listed)
    else:
        key = "info_numbers" if model.scaler is None else "info_numbers_scaled"
        yield "info_predicts", words(key, target=target)
    numeric = [c.name for c in model.preprocessor.columns if isinstance(c, NumericColumn)]
    others = [c.name for c in model.preprocessor.columns if not isinstance(c, NumericColumn)]
    for kind, columns in (("numeric", numeric), ("categorical", others)):
        if columns:
            listed = _listed(columns, words)
            yield f"info_{kind}", words("info_columns", count=len(columns), listed=listed)
    if model.preprocessor.dropped:
        yield "info_left_out", listed_dropped(model.preprocessor, words, NAMES_SHOWN)
    # A file has the settings of the network that was tried first: of several, only the common.
    own = () if len(network_shares(model)) == 1 else (*layer_settings(model.network), "optimizer")
    left_out = ("score", *own)
    settings = {key: value for key, value in model.training.items() if key not in left_out}
    if settings:
        shown_settings = (_setting(*entry) for entry in settings.items())
        yield "info_training", ", ".join(filter(None, shown_settings))
    score = model.training.get("score")
    if isinstance(score, Mapping) and score.get("rows") in SCORED:
        entries = score.get("targets")
        for entry in entries if isinstance(entries, list) else []:
            yield f"label_{SCORED[score['rows']]}", _score(entry, words)


def _kind(each: NetworkShare, words: Wording) -> str:
    """Return a kind of network in a mean of several."""
    layers = layer_settings(each.network)
    return words(
        "info_kind",
        share=percent(each.share),
        count=each.count,
        hidden="-".join(map(str, layers["hidden"])),
        activation=", ".join(map(_unquoted, layers["activation"])),
        encoding=layers["encoding"],
        dropout=layers["dropout"],
    )


def _score(entry: Any, words: Wording) -> str:
    """Return one target's score; an entry of another form is shown unchanged."""
    try:
        if "accuracy" in entry:
            naive = percent(entry["baseline"]["accuracy"])
            return words("info_accuracy", accuracy=percent(entry["accuracy"]), naive=naive)
        naive = figure(entry["baseline"]["rmse"])
        rmse, target = figure(entry["rmse"]), shown(entry["target"])
        return words("info_rmse", target=target, rmse=rmse, naive=naive)
    except (KeyError, TypeError, ValueError):
        return shown(entry)


def _setting(key: str, value: object) -> str:
    """Return a setting with its value; nothing for one that was not used."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_unquoted(k)} {_unquoted(v)}" for k, v in value.items() if k != "name")
        return f"{_unquoted(value.get('name', key))} ({inner})"
    name = _unquoted(key).replace("_", " ")
    if isinstance(value, bool):
        return name if value else ""
    if value in (None, "none"):
        return ""
    if isinstance(value, list):
        return f"{name} {'-'.join(map(_unquoted, value)) or 0}"
    return f"{name} {_unquoted(value)}"


def _listed(names: Sequence[object], words: Wording) -> str:
    listed = words("comma").join(shown(name) for name in names[:NAMES_SHOWN])
    rest = len(names) - NAMES_SHOWN
    return words("more", listed=listed, count=rest) if rest > 0 else listed


def _unquoted(value: object) -> str:
    """Return a value without quotes, on one printable line, because a file may contain any text."""
    if isinstance(value, str):
        return value if value.isprintable() else shown(value)
    return shown(value)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"
