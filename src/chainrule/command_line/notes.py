"""Notes on standard error: what a reader of the output has to know besides."""

from __future__ import annotations

from collections.abc import Mapping

import click

from chainrule.errors import shown
from chainrule.language.printed_phrases import Wording

__all__ = ["note", "note_cells"]


def note(language: str, key: str, **values: object) -> None:
    """Print a phrase of the book of tables as a note."""
    words = Wording("tables", language)
    click.echo(f"chainrule: {words('note', text=words(key, **values))}", err=True)


def note_cells(
    language: str,
    filled: Mapping[str, int],
    unknown: Mapping[str, int],
    missing: Mapping[str, int],
) -> None:
    """Print a line each for missing numbers, unknown categories and missing categories."""
    comma = Wording("tables", language)("comma")
    kinds = (("filled", filled), ("unknown", unknown), ("missing_category", missing))
    for key, counts in kinds:
        if counts:
            listed = comma.join(f"{shown(name)} {count:,}" for name, count in counts.items())
            note(language, key, listed=listed)
