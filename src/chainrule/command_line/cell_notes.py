"""Notes on standard error about cells that a model reads as something else."""

from __future__ import annotations

from collections.abc import Mapping

import click

from chainrule.errors import shown

__all__ = ["note_cells"]


def note_cells(filled: Mapping[str, int], unknown: Mapping[str, int]) -> None:
    """Print a line for missing cells that were filled, and one for unknown categories."""
    for counts, what in (
        (filled, "missing cells were filled with the training rows' median"),
        (unknown, "cells have a category that the training rows did not have"),
    ):
        if counts:
            listed = ", ".join(f"{shown(name)} {count:,}" for name, count in counts.items())
            click.echo(f"chainrule: note: {what}: {listed}", err=True)
