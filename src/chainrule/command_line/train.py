"""``chainrule train``: from a table to a model in a run folder."""

from __future__ import annotations

from pathlib import Path

import click

from chainrule.command_line.option_types import column_kind, names, widths
from chainrule.command_line.shared_options import l2_option, seed_option
from chainrule.command_line.training_report import TrainingReport
from chainrule.network import activations, losses, optimizers
from chainrule.table_models.recipes import ENCODINGS, PRESETS, Encoding, Preset
from chainrule.table_models.run_folders import default_folder, refuse_folder, write_run
from chainrule.table_models.table_training import train_table

__all__ = ["command"]


@click.command(
    "train",
    epilog="DATA is a CSV, Parquet or Excel file, compressed or not; - is standard input.  Text "
    "with few "
    "different values is one-hot encoded, numbers are scaled, missing cells are filled in.  Ctrl-C "
    "ends the training, and the model so far is written.  "
    "The model is written to DIR/model.safetensors, the losses by epoch to DIR/metrics.jsonl.",
)
@click.argument("data", metavar="DATA")
@click.option(
    "--target",
    "targets",
    metavar="COL[:class|:number]",
    multiple=True,
    required=True,
    help="The column to predict: classes if it is text or integers of at most ten values, "
    "else numbers, unless :class or :number is appended.  Repeat it for several numbers.",
)
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default="default",
    show_default=True,
    help="More networks and epochs are more accurate and take longer.  Every option below replaces "
    "a part of the preset.",
)
@click.option(
    "--time-limit",
    type=float,
    metavar="SECONDS",
    help="End the training after so many seconds, and keep what was learned.",
)
@click.option(
    "--hidden",
    type=widths,
    metavar="N,N,...",
    help="A network of your own instead of the preset's: the widths of its hidden layers; none: no "
    "hidden layer.",
)
@click.option(
    "--activation",
    type=names,
    metavar="NAME[,NAME...]",
    help="Of the hidden layers: one name or one per layer, with an optional one for the last "
    f"layer: {', '.join(activations.CATALOGUE)}.",
)
@click.option(
    "--loss",
    metavar="NAME",
    default="auto",
    show_default="log_loss for classes, mse for numbers",
    help=f"What is minimized: {', '.join(losses.CATALOGUE)}.",
)
@click.option(
    "--optimizer",
    metavar="NAME",
    help=f"The optimizer: {', '.join(optimizers.CATALOGUE)}.",
)
@click.option(
    "--learning-rate",
    type=float,
    metavar="F",
    help="The size of a step.",
)
@click.option(
    "--batch-size",
    type=int,
    metavar="N",
    help="Rows per step.",
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="Passes over the training rows.",
)
@l2_option
@click.option(
    "--validation",
    type=float,
    metavar="F",
    show_default="0 with several folds, whose score is out of fold; else 0.2",
    help="The share of the rows that is held out for the score; 0: none.",
)
@click.option(
    "--folds",
    type=int,
    metavar="N",
    help="Train each network N times, each time without another part of the rows; 1: once.",
)
@click.option(
    "--encoding",
    type=click.Choice(ENCODINGS),
    help="How numbers are encoded.",
)
@click.option("--dropout", type=float, metavar="F", help="The share of hidden values left out.")
@click.option("--smoothing", type=float, metavar="F", help="The smoothing of labels; 0: none.")
@click.option(
    "--patience",
    type=int,
    metavar="N",
    help="End a run after more than N epochs without a lower loss on the rows held out.",
)
@click.option(
    "--categorical",
    metavar="COL",
    multiple=True,
    help="A column of numbers that are categories (codes, postcodes).  May be repeated.",
)
@click.option(
    "--column",
    "columns",
    type=column_kind,
    metavar="COL:KIND",
    multiple=True,
    help="What a column is: numeric, categorical, date or drop.  May be repeated.",
)
@click.option("--drop", metavar="COL", multiple=True, help="Leave a column out.  May be repeated.")
@click.option(
    "--na",
    metavar="MARK",
    multiple=True,
    help="A further mark of a missing cell, beside NA, null, ? and others.  May be repeated.",
)
@click.option(
    "--decimal",
    type=click.Choice([".", ","]),
    help="The decimal sign, where the cells do not show it.",
)
@seed_option
@click.option("--threads", type=int, metavar="N", help="At most so many threads.")
@click.option(
    "--output",
    metavar="DIR",
    show_default="named after DATA, in the current directory",
    help="The run folder; one of an earlier run is replaced.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def command(
    context: click.Context,
    data: str,
    targets: tuple[str, ...],
    preset: Preset,
    time_limit: float | None,
    hidden: tuple[int, ...] | None,
    activation: str | list[str] | None,
    loss: str,
    optimizer: str | None,
    learning_rate: float | None,
    batch_size: int | None,
    epochs: int | None,
    l2: float,
    validation: float | None,
    folds: int | None,
    encoding: Encoding | None,
    dropout: float | None,
    smoothing: float | None,
    patience: int | None,
    categorical: tuple[str, ...],
    columns: tuple[tuple[str, str], ...],
    drop: tuple[str, ...],
    na: tuple[str, ...],
    decimal: str | None,
    seed: int,
    threads: int | None,
    output: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a network on a table, and show its score."""
    folder = default_folder(data) if output is None else Path(output)
    refuse_folder(folder)
    with TrainingReport(quiet=quiet, as_json=as_json) as report:
        run = report.watched(
            train_table,
            data,
            targets,
            preset=preset,
            time_limit=time_limit,
            folds=folds,
            encoding=encoding,
            dropout=dropout,
            smoothing=smoothing,
            patience=patience,
            hidden=hidden,
            activation=activation,
            loss=loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            batch_size="auto" if batch_size is None else batch_size,
            epochs=epochs,
            validation=validation,
            seed=seed,
            l2=l2,
            categorical=categorical,
            columns=dict(columns),
            drop=drop,
            na=na,
            decimal=decimal,
            threads=threads,
            on_start=report.starts,
            on_progress=None if report.silent else report.progress,
        )
        report.ends(run, folder, write_run(folder, run.model, run.history))
    if report.interrupted:
        context.exit(130)  # as of a process that the signal ended
