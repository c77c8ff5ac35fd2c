"""``chainrule evaluate``: how good a trained model is on a table that has the target.

The module is not called evaluate: no two files have the same name.
"""

from __future__ import annotations

import json

import click

from chainrule.command_line.notes import note, note_cells
from chainrule.command_line.shared_options import seed_option, text_encoding_option
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.table_arguments import loaded_table_model
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.data import TableFile, as_table
from chainrule.reports.data_hash import is_training_table
from chainrule.table_models.evaluation import evaluate
from chainrule.training.metrics import METRICS

__all__ = ["command"]


def _names(task: str) -> str:
    return ", ".join(metric.name for metric in METRICS.values() if metric.task == task)


@click.command(
    "evaluate",
    cls=TranslatedHelp,
    epilog="Each metric has its 95 % interval from a bootstrap of the rows, and the value of the "
    "naive prediction, which ignores the inputs.  Give rows that training has not seen.",
)
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@text_encoding_option
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    show_default="all that suit the target",
    help=f"Classes: {_names('classification')}.  Numbers: {_names('regression')}.  May be "
    "repeated.",
)
@click.option(
    "--resamples",
    type=int,
    metavar="N",
    default=1000,
    show_default=True,
    help="Resamples of the bootstrap; 0: no intervals.",
)
@click.option(
    "--group",
    metavar="COL",
    help="Rows that are equal in this column (a patient, a customer) are drawn together.",
)
@seed_option
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    model: str,
    data: str,
    text_encoding: str | None,
    metrics: tuple[str, ...],
    resamples: int,
    group: str | None,
    seed: int,
    language: str,
    as_json: bool,
) -> None:
    """Evaluate MODEL, a file or run folder, on DATA (CSV, Parquet or -) with its target."""
    trained = loaded_table_model(model)
    given = as_table(TableFile(data, text_encoding))
    found = evaluate(trained, given, metrics or None, resamples=resamples, seed=seed, group=group)
    if as_json:
        click.echo(json.dumps(found.to_dict(), allow_nan=False))
        return
    click.echo("\n".join(found.lines(language)))
    if is_training_table(trained, model, given):
        note(language, "evaluated_training")
    note_cells(language, found.filled, found.unknown, found.missing, trained.preprocessor.rare)
