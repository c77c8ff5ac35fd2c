"""Notes on standard error: what a reader of the output has to know besides."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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
    rare: Collection[str],
) -> None:
    """Print a line each for missing numbers, categories without a feature and missing ones.

    ``rare`` are the columns of which training had further categories, too rare for a feature.
    """
    comma = Wording("tables", language)("comma")
    kinds = (
        ("filled", filled),
        ("unknown", {name: n for name, n in unknown.items() if name not in rare}),
        ("rare_or_unknown", {name: n for name, n in unknown.items() if name in rare}),
        ("missing_category", missing),
    )
    for key, counts in kinds:
        if counts:
            listed = comma.join(f"{shown(name)} {count:,}" for name, count in counts.items())
            note(language, key, listed=listed)
