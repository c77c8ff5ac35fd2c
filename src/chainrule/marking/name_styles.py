"""Spell a name as the others in a line: A2 beside A1 and dZ2, a_2 beside z_2."""

import re
from collections.abc import Sequence

_NUMBERED = re.compile(r"(.*?)(_?)(\d+)")


def in_style_of(words: Sequence[str], texts: Sequence[str]) -> str | None:
    """Return the word with a number as most of the texts have it, with the letters of one of them.

    >>> in_style_of(["a_o", "a_2", "a2", "output"], ["dZ2", "A1"])
    'A2'
    >>> in_style_of(["delta_2", "delta2"], ["delta1", "W2"])
    'delta2'
    >>> in_style_of(["a_o", "output"], ["dZ2"])
    >>> in_style_of(["a_o", "a_2"], ["delta_h"])
    """
    kinds = [_kind(text) for text in texts]
    known = [kind for kind in kinds if kind]
    common = max(sorted(set(known)), key=known.count, default="")
    fitting = [word for word in words if common and _kind(word) == common]
    if not fitting:
        return None
    stems = {_stem(text).casefold(): _stem(text) for text in texts if _kind(text) == common}
    found = next((word for word in fitting if _stem(word).casefold() in stems), fitting[0])
    stem = _stem(found)
    letters = stems.get(stem.casefold(), stem)
    values = [each for each in stems.values() if each.casefold()[-1:] in ("a", "z")]
    if letters.casefold() in ("a", "z") and values:
        letters = letters.upper() if values[0][-1].isupper() else letters.lower()
    return letters + found[len(stem) :]


def _kind(word: str) -> str:
    """Return how a name ends: 0 or _0 with the number of a layer, '' for another one."""
    numbered = _NUMBERED.fullmatch(word)
    return "" if numbered is None else f"{numbered[2]}0"


def _stem(word: str) -> str:
    match = _NUMBERED.fullmatch(word)
    return match[1] if match else word
