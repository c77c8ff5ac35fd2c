"""``chainrule info``: the contents of a model file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from chainrule.command_line.human_numbers import figure, percent
from chainrule.data import NumericColumn
from chainrule.errors import shown
from chainrule.files import written_path
from chainrule.table_models.model_files import described
from chainrule.table_models.table_model import TableModel
from chainrule.training.loop import Result

__all__ = ["command"]

LABEL = 12
NAMES_SHOWN = 12


@click.command("info")
@click.argument("model", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object.")
def command(model: str, as_json: bool) -> None:
    """Show what MODEL, a file or run folder, contains."""
    record, found = described(model)
    if as_json:
        click.echo(json.dumps(record))
        return
    click.echo(f"{'model':<{LABEL}}{written_path(model)}")
    for label, text in _lines(record, found):
        click.echo(f"{label:<{LABEL}}{text}")


def _lines(record: Mapping[str, Any], found: TableModel | Result) -> Iterator[tuple[str, str]]:
    yield "network", str(found.network)
    kinds = {str(array.dtype) for array in found.parameters.values()}
    shapes = (f"{name} {_shape(array.shape)}" for name, array in found.parameters.items())
    yield "parameters", f"{', '.join(shapes)}; {', '.join(kinds)}"
    if isinstance(found, TableModel):
        yield from _table_lines(found)
    versions = record.get("versions")
    if isinstance(versions, Mapping) and versions:
        listed = ", ".join(
            f"{_unquoted(name)} {_unquoted(value)}" for name, value in versions.items()
        )
        yield "written by", listed
    yield "format", f"{record['format']}, SHA-256 {record['checksum'][:16]}..., which matches"


def _table_lines(model: TableModel) -> Iterator[tuple[str, str]]:
    target = ", ".join(map(shown, model.target.names))
    if model.classes is not None:
        yield "predicts", f"{target}, {len(model.classes)} classes: {_listed(model.classes)}"
    else:
        scaled = "" if model.scaler is None else " (scaled inside, predicted in their own units)"
        yield "predicts", f"{target}, numbers{scaled}"
    numeric = [c.name for c in model.preprocessor.columns if isinstance(c, NumericColumn)]
    others = [c.name for c in model.preprocessor.columns if not isinstance(c, NumericColumn)]
    if numeric:
        yield "numeric", f"{len(numeric)}: {_listed(numeric)}"
    if others:
        yield "categorical", f"{len(others)}: {_listed(others)}"
    dropped = [f"{shown(d.name)} ({d.reason})" for d in model.preprocessor.dropped]
    if dropped:
        yield "left out", ", ".join(dropped[:NAMES_SHOWN])
    settings = {k: v for k, v in model.training.items() if k != "score"}
    if settings:
        yield "training", ", ".join(_setting(key, value) for key, value in settings.items())
    score = model.training.get("score")
    if isinstance(score, Mapping):
        entries = score.get("targets")
        for entry in entries if isinstance(entries, list) else []:
            yield f"{_unquoted(score.get('rows'))[:11]}", _score(entry)


def _score(entry: Any) -> str:
    """Return one target's score; an entry of another form is shown unchanged."""
    try:
        if "accuracy" in entry:
            naive = percent(entry["baseline"]["accuracy"])
            return f"accuracy {percent(entry['accuracy'])}; the most frequent class: {naive}"
        naive = figure(entry["baseline"]["rmse"])
        return f"{shown(entry['target'])}: RMSE {figure(entry['rmse'])}; the mean: {naive}"
    except (KeyError, TypeError, ValueError):
        return shown(entry)


def _setting(key: str, value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_unquoted(k)} {_unquoted(v)}" for k, v in value.items() if k != "name")
        return f"{_unquoted(value.get('name', key))} ({inner})"
    return f"{_unquoted(key).replace('_', ' ')} {_unquoted(value)}"


def _listed(names: Sequence[object]) -> str:
    listed = ", ".join(shown(name) for name in names[:NAMES_SHOWN])
    rest = len(names) - NAMES_SHOWN
    return f"{listed} and {rest} more" if rest > 0 else listed


def _unquoted(value: object) -> str:
    """Return a value without quotes, on one printable line, because a file may contain any text."""
    if isinstance(value, str):
        return value if value.isprintable() else shown(value)
    return shown(value)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"
