"""Verdicts on lines in words, from the phrases of a language."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from chainrule.network.refusals import check_language

_SEVERAL = {"sizes": "comma", "widths": "comma", "constants": "comma", "names": "and"}
_SEVERAL["both"] = "semicolon"
"""What may hold several things with " | " between, and the phrase that comes between them."""


@cache
def phrases(language: str) -> Mapping[str, str]:
    """Return every phrase of a language by its key.

    >>> phrases("zh")["right"]
    '正确。'
    """
    check_language(language)
    stored = files("chainrule.network").joinpath("phrases", f"lines.{language}.toml")
    return tomllib.loads(stored.read_text(encoding="utf-8"))


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
