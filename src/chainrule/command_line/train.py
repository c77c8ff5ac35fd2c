"""``chainrule train``: from a table to a model in a run folder."""

from __future__ import annotations

from pathlib import Path

import click

from chainrule.command_line.option_types import column_kind, names, widths
from chainrule.command_line.shared_options import l2_option, seed_option
from chainrule.command_line.training_report import TrainingReport
from chainrule.network import activations, losses, optimizers
from chainrule.table_models.run_folders import default_folder, refuse_folder, write_run
from chainrule.table_models.table_training import train_table

__all__ = ["command"]


@click.command(
    "train",
    epilog="DATA is a CSV, Parquet or Excel file, compressed or not; - is standard input.  Text "
    "with few different values is one-hot encoded, numbers are standardized, missing cells are "
    "filled in.  The model is written to DIR/model.safetensors, the losses by epoch to "
    "DIR/metrics.jsonl.",
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
    "--hidden",
    type=widths,
    metavar="N,N,...",
    default="64",
    show_default=True,
    help="Widths of the hidden layers; none: no hidden layer.",
)
@click.option(
    "--activation",
    type=names,
    metavar="NAME[,NAME...]",
    default="relu",
    show_default=True,
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
    default="adam",
    show_default=True,
    help=f"The optimizer: {', '.join(optimizers.CATALOGUE)}.",
)
@click.option(
    "--learning-rate",
    type=float,
    metavar="F",
    show_default="0.003; 0.1 for sgd",
    help="The size of a step.",
)
@click.option(
    "--batch-size",
    type=int,
    metavar="N",
    show_default="a 200th of the training rows, at least 32, at most 200",
    help="Rows per step.",
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    default=50,
    show_default=True,
    help="Passes over the training rows.",
)
@l2_option
@click.option(
    "--validation",
    type=float,
    metavar="F",
    default=0.2,
    show_default=True,
    help="The share of the rows that is held out for the score; 0: none.",
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
def command(
    data: str,
    targets: tuple[str, ...],
    hidden: tuple[int, ...],
    activation: str | list[str],
    loss: str,
    optimizer: str,
    learning_rate: float | None,
    batch_size: int | None,
    epochs: int,
    l2: float,
    validation: float,
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
        run = train_table(
            data,
            targets,
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
