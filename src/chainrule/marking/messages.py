"""Verdicts on lines in words, from the phrases of a language."""

from collections.abc import Iterable, Mapping
from functools import partial

from chainrule.language.phrase_books import phrases_of

_SEVERAL = {"sizes": "comma", "widths": "comma", "constants": "comma", "names": "and"}
_SEVERAL["both"] = "semicolon"
"""What may hold several things with " | " between, and the phrase that comes between them."""


phrases = partial(phrases_of, "marking")
"""Every phrase of a language by its key."""


def message_of(said: Iterable[tuple[str, Mapping[str, str]]], language: str) -> str:
    """Return the phrases with what is put into them, one after the other."""
    known = phrases(language)
    sentences = []
    for key, given in said:
        put = dict(given)
        if "meets" in put:
            left, _, right = put["meets"].partition(" | ")
            put["meets"] = known["meets"].format(left=left, right=right) if left else ""
        for name in put.keys() & _SEVERAL.keys():
            put[name] = put[name].replace(" | ", known[_SEVERAL[name]])
        sentences.append(known[key].format(**put))
    return known["between"].join(sentences)
