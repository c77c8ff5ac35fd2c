"""The axes in the names of a network's formulas: W_ih leads from i to h."""

import re
from collections.abc import Iterable, Mapping

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.network.stated_formula import SAMPLES_LABEL, Labels
from chainrule.validation import checked_integer, requirement

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}")


_MOST_LISTED = 12


def checked_lengths(sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the size of each axis; raise ``InputError`` for what is no size or no name."""
    if not isinstance(sizes, Mapping):
        raise InputTypeError(requirement("sizes", "a mapping such as {'i': 4, 'h': 16}", sizes))
    found: dict[str, int] = {}
    items: Iterable[tuple[object, int]] = sizes.items()
    for label, length in items:
        if not isinstance(label, str) or not _LABEL.fullmatch(label) or label == SAMPLES_LABEL:
            allowed = "letters and digits such as 'h' for its keys ('B' is the axis of samples)"
            raise InputError(requirement("sizes", allowed, label))
        found[label] = checked_integer(f"sizes[{label!r}]", length)
    if not found:
        raise InputError(requirement("sizes", "the size of each axis, as {'i': 4}", dict(sizes)))
    return found


def labels_of(name: str, lengths: Mapping[str, int]) -> tuple[str, ...] | None:
    """Return the axes in the index of a name; None where the index is not made of axes.

    Numbers after an underscore tell parameters with the same axes apart: W_hh_1, W_hh_2.
    """
    _, _, index = name.partition("_")
    found: list[str] = []
    for word in index.split("_"):
        if word.isdecimal():
            continue
        split = _split(word, lengths)
        if split is None:
            return None
        found += split
    return tuple(found) or None


def _split(word: str, lengths: Mapping[str, int]) -> list[str] | None:
    """Return a word as axes, the longest first: "inhid" is in, hid."""
    paths: list[list[str] | None] = [[]]
    for end in range(1, len(word) + 1):
        best: list[str] | None = None
        for start in range(max(0, end - 31), end):
            before = paths[start]
            if before is not None and word[start:end] in lengths:
                path = [*before, word[start:end]]
                best = path if best is None or len(path) < len(best) else best
        paths.append(best)
    return paths[-1] or None


def sizes_of(sides: Labels) -> list[str]:
    """Return the axes on both sides, in one order."""
    return sorted(label for label in sides if label is not None)


def axes_text(sides: Labels) -> str:
    """Return the axes as text, such as (i, h)."""
    present = [label for label in sides if label is not None]
    return f"({', '.join(present)})" if present else "one number"


def listed(names: Iterable[str]) -> str:
    """Return names as text, the first of many."""
    found = [shown(name) for name in names]
    more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    return ", ".join(found[:_MOST_LISTED]) + more
