"""``chainrule predict``: a trained model's predictions for the rows of a table."""

from __future__ import annotations

import sys

import click

from chainrule.command_line.notes import note, note_cells
from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import output_option, text_encoding_option
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.table_arguments import loaded_table_model
from chainrule.command_line.translated_help import TranslatedHelp
from chainrule.data.reading import read_cells
from chainrule.files import write_atomically
from chainrule.table_models.prediction_table import (
    encoded_frame,
    prediction_frame,
    with_columns_first,
)

__all__ = ["command"]


@click.command(
    "predict",
    cls=TranslatedHelp,
    epilog="Columns are found by name: their order is irrelevant, and others are ignored.  The "
    "output has one row for each row of DATA: the columns of --keep, the column prediction, and "
    "with --proba one column probability_<class> for each class, with --interval low and high, "
    "with --std std.",
)
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@text_encoding_option
@output_option("Where to write: .csv, .csv.gz or .parquet; - is standard output (CSV).")
@click.option("--proba", is_flag=True, help="Add the probability of every class.")
@click.option(
    "--interval",
    type=float,
    metavar="F",
    help="Add the ends of intervals that hold this share of the targets, such as 0.9.",
)
@click.option("--std", "spread", is_flag=True, help="Add the networks' standard deviation.")
@click.option(
    "--keep",
    metavar="COLUMN",
    multiple=True,
    help="Copy a column of DATA, unchanged, before the predictions.  May be repeated.",
)
@language_option
def command(
    model: str,
    data: str,
    text_encoding: str | None,
    output: str,
    proba: bool,
    interval: float | None,
    spread: bool,
    keep: tuple[str, ...],
    language: str,
) -> None:
    """Predict with MODEL, a file or run folder, for the rows of DATA (CSV, Parquet or -)."""
    trained = loaded_table_model(model)
    refuse_inputs(output, data, model)
    table, cells = read_cells(data, text_encoding)
    for name in keep:
        table.series(name)  # raises for an unknown column before the work
    found = prediction_frame(trained, table, probabilities=proba, spread=spread, interval=interval)
    frame = found.frame
    if keep:
        frame = with_columns_first(cells.select(list(dict.fromkeys(keep))), frame)
    encoded = encoded_frame(frame, output)
    if output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(encoded)
    else:
        write_atomically(output, encoded)
    rare = trained.preprocessor.rare
    note_cells(language, found.filled, found.unknown, found.missing, rare)
    if spread and len(trained.members) == 1:
        note(language, "one_network")
