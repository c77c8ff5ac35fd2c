"""``chainrule predict``: a trained model's predictions for the rows of a table."""

from __future__ import annotations

import sys

import click

from chainrule.command_line.output_paths import refuse_inputs
from chainrule.command_line.shared_options import output_option
from chainrule.errors import InputError, shown
from chainrule.files import write_atomically, written_path
from chainrule.table_models.model_files import load
from chainrule.table_models.prediction_table import encoded_frame, prediction_frame
from chainrule.table_models.table_model import TableModel

__all__ = ["command"]


@click.command(
    "predict",
    epilog="Columns are found by name: their order is irrelevant, and others are ignored.  The "
    "output has one row for each row of DATA: the column prediction, and with --proba one column "
    "probability_<class> for each class.",
)
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@output_option("Where to write: .csv, .csv.gz or .parquet; - is standard output (CSV).")
@click.option("--proba", is_flag=True, help="Add the probability of every class.")
def command(model: str, data: str, output: str, proba: bool) -> None:
    """Predict with MODEL, a file or run folder, for the rows of DATA (CSV, Parquet or -)."""
    trained = load(model)
    if not isinstance(trained, TableModel):
        raise InputError(
            f"{written_path(model)}: contains a network without the preprocessing of a table; "
            "give a model that `chainrule train` wrote"
        )
    refuse_inputs(output, data, model)
    frame, transformed = prediction_frame(trained, data, probabilities=proba)
    encoded = encoded_frame(frame, output)
    if output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(encoded)
    else:
        write_atomically(output, encoded)
    for counts, what in (
        (transformed.filled, "missing cells were filled with the training rows' median"),
        (transformed.unknown, "cells have a category that the training rows did not have"),
    ):
        if counts:
            listed = ", ".join(f"{shown(name)} {count:,}" for name, count in counts.items())
            click.echo(f"chainrule: note: {what}: {listed}", err=True)
