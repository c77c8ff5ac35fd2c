"""What output paths say: the format by their ending; and a verb never writes to its input."""

from __future__ import annotations

import os

from chainrule.errors import InputError
from chainrule.files import written_path

__all__ = ["document_format", "refuse_inputs"]

ENDINGS = {".txt": "text", ".tex": "latex", ".html": "html", ".htm": "html"}
"""The formats of documents by the endings of their files."""


def document_format(stated: str | None, output: str) -> str:
    """Return the format of a document: as stated, else by the ending of the path, else text.

    Raises InputError where both are known and differ.

    >>> document_format(None, "page.html"), document_format(None, "-")
    ('html', 'text')
    """
    ending = ENDINGS.get(os.path.splitext(output)[1].lower())
    if stated is not None and ending is not None and stated != ending:
        raise InputError(
            f"{written_path(output)}: is the name of a file of the format {ending}, but --format "
            f"is {stated}; leave --format out, or give another name"
        )
    return stated or ending or "text"


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
