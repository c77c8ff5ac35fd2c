"""``chainrule cv``: how good the models of a training are on rows that they did not see.

The module is not called cv, which would name nothing.
"""

from __future__ import annotations

import json
from typing import Any

import click

from chainrule.command_line.notes import note
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.table_options import (
    DATA,
    column_options,
    data_options,
    network_options,
    recipe_options,
    row_options,
    table_settings,
)
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.data import TableFile
from chainrule.language.printed_phrases import Wording
from chainrule.table_models.cross_validation import CrossValidation, cross_validate
from chainrule.table_models.evaluation import Evaluation
from chainrule.training.metrics import METRICS

__all__ = ["command"]


@click.command(
    "cv",
    cls=TranslatedHelp,
    epilog="Each fold is held out once: a model is trained on the others, with everything that "
    "belongs to it, and evaluated on the fold.  Nothing is written.  With --time each fold is "
    f"predicted from the rows before it.  {DATA}",
)
@data_options
@click.option(
    "--folds",
    type=click.IntRange(2),
    metavar="N",
    default=5,
    show_default=True,
    help="Parts of the rows.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    metavar="N",
    default=1,
    show_default=True,
    help="Divide the rows anew so many times.",
)
@click.option(
    "--score",
    "metrics",
    type=click.Choice(list(METRICS)),
    metavar="NAME",
    multiple=True,
    show_default="all that suit the target",
    help="A metric that is reported.  May be repeated.",
)
@recipe_options
@network_options
@row_options
@column_options
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--quiet", is_flag=True, help="Print no line for each fold.")
@click.pass_context
def command(
    context: click.Context,
    /,
    data: str,
    text_encoding: str | None,
    targets: tuple[str, ...],
    metrics: tuple[str, ...],
    language: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Cross-validate a training on a table: its scores on rows not seen."""
    silent = quiet or as_json
    words = Wording("tables", language)
    done = 0

    def report(evaluation: Evaluation) -> None:
        nonlocal done
        done += 1
        first = evaluation.estimates[0]
        value = "-" if first.value is None else f"{first.value:.4g}"
        click.echo(
            words(
                "fold_done",
                number=done,
                count=options["folds"] * options["repeats"],
                metric=first.metric,
                value=value,
                rows=words.counted("rows", evaluation.rows),
            )
        )

    try:
        found = cross_validate(
            TableFile(data, text_encoding),
            targets,
            metrics=metrics or None,
            on_fold=None if silent else report,
            **table_settings(options),
        )
    except KeyboardInterrupt as interrupt:
        result = getattr(interrupt, "result", None)
        if not isinstance(result, CrossValidation):
            raise
        note(language, "folds_interrupted")
        _show(result, language, as_json=as_json)
        context.exit(130)
    _show(found, language, as_json=as_json)


def _show(found: CrossValidation, language: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found.to_dict(), allow_nan=False))
        return
    click.echo("\n".join(found.lines(language)))
