"""``chainrule train``: from a table to a model in a run folder."""

from __future__ import annotations

from typing import Any

import click

from chainrule.command_line.table_options import network_options
from chainrule.command_line.train_to_folder import WRITTEN, run_options, train_to_folder
from chainrule.command_line.translated_help import TranslatedHelp

__all__ = ["command"]


@click.command("train", cls=TranslatedHelp, epilog=WRITTEN)
@run_options
@network_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Train a network on a table, and show its score."""
    train_to_folder(context, **options)
