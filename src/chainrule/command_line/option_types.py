"""Option values of several parts: widths, names, kinds and weights."""

from __future__ import annotations

import codecs

import click

from chainrule.table_models.recipes import ENCODINGS

__all__ = ["class_weight", "column_kind", "encoding", "names", "widths"]

KINDS = ("numeric", "categorical", "date", "date_dmy", "date_mdy", "drop")


def encoding(value: str) -> str:
    """Return how numbers are encoded; an error leads from an encoding of text to its option.

    >>> encoding("periodic")
    'periodic'
    """
    if value in ENCODINGS:
        return value
    message = f"must be one of {', '.join(ENCODINGS)}, got {value!r}"
    try:
        codecs.lookup(value)
    except (LookupError, ValueError):
        raise click.BadParameter(message) from None
    raise click.BadParameter(f"{message}; the encoding of a file is --text-encoding {value}")


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


def class_weight(value: str) -> tuple[str, float | None]:
    """Return the label and the weight that ``LABEL:WEIGHT`` states; "balanced" has no weight.

    >>> class_weight("yes:2.5"), class_weight("balanced")
    (('yes', 2.5), ('balanced', None))
    """
    if value == "balanced":
        return value, None
    label, _, weight = value.rpartition(":")
    try:
        found = float(weight)
    except ValueError:
        found = -1.0
    if not label or not 0.0 <= found < float("inf"):
        raise click.BadParameter(
            f"must be balanced or LABEL:WEIGHT with a weight of at least 0, got {value!r}"
        )
    return label, found
