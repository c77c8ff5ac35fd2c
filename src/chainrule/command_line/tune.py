"""``chainrule tune``: a search for the settings that suit a table."""

from __future__ import annotations

from typing import Any

import click

from chainrule.command_line.train_to_folder import WRITTEN, run_options, train_to_folder
from chainrule.command_line.translated_help import TranslatedHelp

__all__ = ["command"]


@click.command(
    "tune",
    cls=TranslatedHelp,
    epilog="The first setting is the preset's; width, depth, activation, encoding, dropout, "
    "learning rate, weight decay and batch of the others are random.  All are trained on the same "
    "folds, and the model is a mean of the best five at most.  Its score has chosen it, so that it "
    f"is a little too good: evaluate the model on other rows.  {WRITTEN}",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    show_default=True,
    help="Settings that are tried, the preset's first.",
)
@run_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Search for the settings that suit a table, and train the model with the best."""
    train_to_folder(context, **options)
