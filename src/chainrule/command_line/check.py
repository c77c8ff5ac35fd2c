"""``chainrule check``: marking of a learner's own line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np

from chainrule.command_line.check_files import is_file_argument, statements_in, table_of
from chainrule.command_line.shared_options import (
    chosen_optimizer,
    chosen_penalty,
    network_options,
    sample_option,
    update_options,
)
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.errors import InputError, one_line
from chainrule.files import write_atomically
from chainrule.language.refusals import Refusal, in_language
from chainrule.marking.answer_verdicts import AnswerVerdict
from chainrule.marking.check_answer import check_answer
from chainrule.marking.check_line import check_line
from chainrule.marking.stated_conventions import CATALOGUE
from chainrule.marking.verdicts import LineVerdict
from chainrule.network.architecture import Network

__all__ = ["command"]


@click.command(
    "check",
    cls=TranslatedHelp,
    epilog="The exit code is 0 where the line is right, 1 where it is wrong, 2 where it cannot be "
    "read.",
)
@click.argument("line", metavar="LINE|FILE|FOLDER")
@network_options()
@update_options("The optimizer, for a line of an update")
@click.option(
    "--layout",
    type=click.Choice(["rows", "columns"]),
    show_default="that of the convention, else rows",
    help="Whether samples are rows or columns.",
)
@click.option(
    "--convention",
    metavar="NAME",
    help=f"What the line's names mean: {', '.join(CATALOGUE)}.",
)
@sample_option(one_sample=True)
@language_option
@click.option("--json", "as_json", is_flag=True, help="One machine-readable object.")
@click.option("--csv", "table", type=click.Path(), help="Where the table of a FOLDER is written.")
@click.pass_context
def command(
    context: click.Context,
    line: str,
    layers: tuple[int, ...],
    activation: str | list[str],
    loss: str,
    optimizer: str,
    momentum: float | None,
    nesterov: bool,
    l2: float,
    layout: Literal["rows", "columns"] | None,
    convention: str | None,
    one_sample: bool,
    language: Literal["en", "zh"],
    as_json: bool,
    table: str | None,
) -> None:
    """Check whether LINE is correct for a network, and show what is wrong with it.

    LINE is an equation such as "dW_ho = a_h.T @ delta_o", in NumPy or LaTeX notation.  It is
    parsed, never executed.

    A FILE (.py, .m, .tex, .md, .ipynb or .txt) is checked statement by statement; of the files in a
    FOLDER the result is a table (CSV) with points: the share of right statements among all
    statements and the gradients that are missing, in percent.
    """
    try:
        is_file = is_file_argument(line)
        network = Network.dense(layers, activation, loss, penalty=chosen_penalty(l2))
        given: dict[str, Any] = {
            "batch": not one_sample,
            "layout": layout,
            "convention": convention,
            "optimizer": chosen_optimizer(optimizer, momentum, nesterov),
        }
        if table is not None and not (is_file and Path(line).is_dir()):
            raise Refusal("csv_folder", text=(line,))
        if is_file:
            answer = partial(check_answer, network, language=language, **given)
            context.exit(_checked(Path(line), answer, table, as_json, language))
        verdict = check_line(network, line, **given)
    except InputError as error:
        if language == "en":
            raise
        click.echo(f"chainrule: 错误：{one_line(in_language(error, language))}", err=True)
        context.exit(2)
    if as_json:
        click.echo(json.dumps(_record(verdict, language), ensure_ascii=False))
    else:
        click.echo("\n".join(_shown(verdict, language)))
    if not verdict.correct:
        context.exit(1)


def _checked(
    path: Path,
    check: Callable[[str], AnswerVerdict],
    table: str | None,
    as_json: bool,
    language: str,
) -> int:
    """Print the verdicts on a file or the table of a folder; return the exit code."""
    if path.is_dir():
        text, code = table_of(path, check, language)
        if table is None:
            click.echo(text, nl=False)
        else:
            write_atomically(table, text.encode())
        return code
    found = check(statements_in(path))
    if as_json:
        record = {
            "statements": [
                {"line": each.number, "text": each.text, "outcome": each.outcome}
                | {"message": each.message()}
                for each in found.statements
            ],
            "missing": found.missing,
            "given": found.given,
            "convention": [each.removeprefix("stated_") for each in found.recognized],
        }
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        click.echo(str(found))
    return found.exit_code


def _shown(verdict: LineVerdict, language: str) -> list[str]:
    """Return the line, a mark below the fault, and the verdict as text."""
    rows = [f"{'✓' if verdict.correct else '✗'} {verdict.line}"]
    # Chinese characters and tabs have other widths, so that the mark would be misplaced.
    if verdict.position is not None and verdict.line.isascii() and verdict.line.isprintable():
        start, end = verdict.position
        rows.append(" " * (start + 2) + "^" * max(1, end - start))
    return [*rows, verdict.message(language)]


def _record(verdict: LineVerdict, language: str) -> dict[str, Any]:
    return {
        "line": verdict.line,
        "correct": verdict.correct,
        "kind": verdict.kind,
        "message": verdict.message(language),
        "position": verdict.position,
        "repaired": verdict.repaired or None,
        "numbers": {name: _plain(value) for name, value in verdict.numbers.items()},
    }


def _plain(value: object) -> object:
    """Return values for JSON: numbers that are not finite become null."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
