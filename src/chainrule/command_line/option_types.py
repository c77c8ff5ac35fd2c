"""Option values that are lists separated by commas: widths and names."""

from __future__ import annotations

import click

__all__ = ["column_kind", "names", "widths"]

KINDS = ("numeric", "categorical", "date", "drop")


def widths(value: str) -> tuple[int, ...]:
    """Return the widths of layers that ``64,64`` states; ``none`` is no layer.

    >>> widths("64,32"), widths("none")
    ((64, 32), ())
    """
    if value.strip().casefold() == "none":
        return ()
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(
            f"must be integers separated by commas, such as 64,64, got {value!r}"
        ) from None


def names(value: str) -> str | list[str]:
    """Return one name, or the list of names separated by commas.

    >>> names("relu"), names("relu, softmax")
    ('relu', ['relu', 'softmax'])
    """
    listed = [part.strip() for part in value.split(",")]
    return listed[0] if len(listed) == 1 else listed


def column_kind(value: str) -> tuple[str, str]:
    """Return the name and the kind of a column that ``NAME:KIND`` states.

    >>> column_kind("size: mm:numeric")
    ('size: mm', 'numeric')
    """
    name, _, kind = value.rpartition(":")
    if not name or kind not in KINDS:
        raise click.BadParameter(
            f"must be NAME:KIND with KIND one of {', '.join(KINDS)}, got {value!r}"
        )
    return name, kind
