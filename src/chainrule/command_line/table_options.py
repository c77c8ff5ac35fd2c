"""The options of the verbs that train on a table: train, tune and cv.

They are the arguments of `train_table`; `table_settings` returns them by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from chainrule.command_line.option_types import class_weight, column_kind, encoding, names, widths
from chainrule.command_line.shared_options import (
    Command,
    l2_option,
    seed_option,
    text_encoding_option,
    together,
)
from chainrule.network import activations, losses, optimizers
from chainrule.table_models.recipes import ENCODINGS, PRESETS
from chainrule.training.metrics import METRICS

__all__ = [
    "DATA",
    "column_options",
    "data_options",
    "network_options",
    "recipe_options",
    "row_options",
    "table_settings",
]

DATA = (
    "DATA is a CSV, Parquet or Excel file, compressed or not; - is standard input.  Text with few "
    "different values is one-hot encoded, numbers are scaled, missing cells are filled in."
)


def data_options(command: Command) -> Command:
    """Add DATA, --text-encoding and --target."""
    return together(
        click.argument("data", metavar="DATA"),
        click.option(
            "--target",
            "targets",
            metavar="COL[:class|:number]",
            multiple=True,
            required=True,
            help="The column to predict: classes if it is text or integers of at most ten values, "
            "else numbers, unless :class or :number is appended.  Repeat it for several numbers.",
        ),
        text_encoding_option,
    )(command)


def recipe_options(command: Command) -> Command:
    """Add what decides the effort: the preset, the time, the folds, the metric."""
    return together(
        click.option(
            "--preset",
            type=click.Choice(PRESETS),
            default="default",
            show_default=True,
            help="More networks and epochs are more accurate and take longer.  The other options "
            "replace parts of the preset.",
        ),
        click.option(
            "--time-limit",
            type=float,
            metavar="SECONDS",
            help="Plan as many epochs as fit, and end the training after so many seconds.",
        ),
        click.option(
            "--metric",
            type=click.Choice(list(METRICS)),
            metavar="NAME",
            help="What decides the best epoch and the networks' weights instead of the loss: "
            f"{', '.join(METRICS)}.",
        ),
        click.option("--epochs", type=int, metavar="N", help="Passes over the training rows."),
        click.option("--batch-size", type=int, metavar="N", help="Rows per step."),
        click.option(
            "--patience",
            type=int,
            metavar="N",
            help="End a run after more than N epochs without a lower loss on the rows held out.",
        ),
        click.option("--smoothing", type=float, metavar="F", help="Of labels; 0: none."),
        click.option(
            "--loss",
            metavar="NAME",
            default="auto",
            show_default="log_loss for classes, mse for numbers",
            help=f"What is minimized: {', '.join(losses.CATALOGUE)}.",
        ),
        seed_option,
        click.option("--threads", type=int, metavar="N", help="At most so many threads."),
    )(command)


def network_options(command: Command) -> Command:
    """Add what a search varies: the network, its encoding, dropout, optimizer, rate, penalty."""
    return together(
        click.option(
            "--hidden",
            type=widths,
            metavar="N,N,...",
            help="A network of your own instead of the preset's: the widths of its hidden layers; "
            "none: no hidden layer.",
        ),
        click.option(
            "--activation",
            type=names,
            metavar="NAME[,NAME...]",
            help="Of the hidden layers: one name or one per layer, with an optional one for the "
            f"last layer: {', '.join(activations.CATALOGUE)}.",
        ),
        click.option(
            "--encoding",
            type=encoding,
            metavar=f"[{'|'.join(ENCODINGS)}]",
            help="How numbers are encoded.",
        ),
        click.option(
            "--dropout", type=float, metavar="F", help="The share of hidden values left out."
        ),
        click.option(
            "--optimizer",
            metavar="NAME",
            help=f"The optimizer: {', '.join(optimizers.CATALOGUE)}.",
        ),
        click.option("--learning-rate", type=float, metavar="F", help="The size of a step."),
        l2_option,
    )(command)


def row_options(command: Command) -> Command:
    """Add how rows are divided and weighted."""
    return together(
        click.option(
            "--group",
            metavar="COL",
            help="Rows that are equal in this column (a patient, a customer) are never both "
            "trained on and held out.  The column is no input.",
        ),
        click.option(
            "--time",
            metavar="COL",
            help="A column of dates or numbers: the latest rows are held out.",
        ),
        click.option(
            "--weights",
            metavar="COL",
            help="A column with the weight of each row in the loss.  The column is no input.",
        ),
        click.option(
            "--class-weight",
            type=class_weight,
            metavar="balanced|LABEL:F",
            multiple=True,
            help="balanced: rare classes weigh more, so that all classes weigh the same; or the "
            "weight of a class.  May be repeated.",
        ),
    )(command)


def column_options(command: Command) -> Command:
    """Add how columns are read."""
    return together(
        click.option(
            "--categorical",
            metavar="COL",
            multiple=True,
            help="A column of numbers that are categories (codes, postcodes).  May be repeated.",
        ),
        click.option(
            "--column",
            "columns",
            type=column_kind,
            metavar="COL:KIND",
            multiple=True,
            help="What a column is: numeric, categorical, date (date_dmy, date_mdy: the day or the "
            "month is first) or drop.  May be repeated.",
        ),
        click.option(
            "--drop", metavar="COL", multiple=True, help="Leave a column out.  May be repeated."
        ),
        click.option(
            "--na",
            metavar="MARK",
            multiple=True,
            help="A further mark of a missing cell, in text too; NA, null, ? and others are marks "
            "among numbers, dates and booleans.  May be repeated.",
        ),
        click.option(
            "--decimal",
            type=click.Choice([".", ","]),
            help="The decimal sign, where the cells do not show it.",
        ),
    )(command)


def table_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `train_table` that options state."""
    settings = dict(options)
    settings["columns"] = dict(settings["columns"])
    if settings["batch_size"] is None:
        settings["batch_size"] = "auto"
    stated = settings.pop("class_weight")
    balanced = [label for label, weight in stated if weight is None]
    if balanced and len(stated) > 1:
        raise click.BadParameter(
            "must be balanced, or weights of labels, not both", param_hint="--class-weight"
        )
    if stated:
        settings["class_weight"] = "balanced" if balanced else dict(stated)
    return settings
