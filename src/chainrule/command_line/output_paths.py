"""Checks of output paths: a verb never writes to its input."""

from __future__ import annotations

import os

from chainrule.errors import InputError
from chainrule.files import written_path

__all__ = ["refuse_inputs"]


def refuse_inputs(output: str, *inputs: str) -> None:
    """Raise InputError where the output is one of the inputs, under any name."""
    if output != "-" and any(_same(output, other) for other in inputs):
        raise InputError(
            f"{written_path(output)}: is the input, which would be lost; give another --output"
        )


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False
