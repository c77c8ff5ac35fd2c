"""``chainrule check``: marking of a learner's own line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click
import numpy as np

from chainrule.command_line.check_files import is_file_argument, statements_in
from chainrule.command_line.hand_in_tables import as_csv, records, rows_of
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
from chainrule.marking.check_answer import check_texts
from chainrule.marking.check_line import check_line
from chainrule.marking.stated_conventions import CATALOGUE
from chainrule.marking.verdict_messages import phrases
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
@click.option(
    "--text-encoding",
    metavar="NAME",
    help="The encoding of files that are not in UTF-8: gb18030, windows-1252, shift_jis, ...",
)
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
    text_encoding: str | None,
    language: Literal["en", "zh"],
    as_json: bool,
    table: str | None,
) -> None:
    """Check whether LINE is correct for a network, and show what is wrong with it.

    LINE is an equation such as "dW_ho = a_h.T @ delta_o", in NumPy or LaTeX notation.  It is
    parsed, never executed.

    A FILE (.py, .m, .tex, .md, .ipynb or .txt) is checked statement by statement, Markdown with its
    code and its formulas; of the files in a FOLDER the result is a table (CSV) with points: the
    share of right statements among all statements and the gradients that are missing, in percent.
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
            answer = partial(check_texts, network, language=language, **given)
            path, shown = Path(line), (as_json, language)
            if path.is_dir():
                context.exit(_checked_folder(path, answer, text_encoding, table, *shown))
            context.exit(_checked(path, answer, text_encoding, as_json))
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


def _checked_folder(
    folder: Path,
    check: Callable[[Sequence[str]], AnswerVerdict],
    encoding: str | None,
    table: str | None,
    as_json: bool,
    language: str,
) -> int:
    """Print or write the table of a folder; return the exit code."""
    written = None if table is None else Path(table)
    rows, code = rows_of(folder, check, language, encoding, written)
    if written is not None:
        # Spreadsheets take a file for UTF-8 where it begins with the mark for it.
        write_atomically(written, as_csv(rows, language).encode("utf-8-sig"))
        known = phrases(language)["table_written"]
        click.echo(known.format(count=len(rows), path=written), err=as_json)
    if as_json:
        click.echo(json.dumps({"files": records(rows)}, ensure_ascii=False))
    elif written is None:
        click.echo(as_csv(rows, language), nl=False)
    return code


def _checked(
    path: Path,
    check: Callable[[Sequence[str]], AnswerVerdict],
    encoding: str | None,
    as_json: bool,
) -> int:
    """Print the verdicts on the statements of a file; return the exit code."""
    found = check(statements_in(path, encoding))
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
