"""The texts of verdicts, from the phrase book of a language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from chainrule.language.phrase_books import phrases_of

MessageValue: TypeAlias = str | tuple[str, ...]
"""A value in a phrase: a text, or a list that the language joins."""

phrases = partial(phrases_of, "marking")
"""Return every phrase of a language by its key."""

_SEPARATORS = {
    **{"sizes": "comma", "widths": "comma", "constants": "comma", "lost": "comma"},
    **{"names": "and", "equations": "semicolon"},
}
"""The fields whose values are lists, and the phrase that separates the items."""


@dataclass(frozen=True)
class MessagePart:
    """A part of a message, usually a sentence: the key of a phrase and the values of its fields.

    The field ``axes`` is a pair of axes that differ, or an empty tuple.
    """

    key: str
    values: Mapping[str, MessageValue] = field(default_factory=dict)


def message_of(parts: Iterable[MessagePart], language: str) -> str:
    """Return the text of a message in a language."""
    known = phrases(language)
    texts = (known[part.key].format(**_texts(part.values, known)) for part in parts)
    return known["between"].join(texts)


def _texts(values: Mapping[str, MessageValue], known: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each field."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, str):
            found[name] = value
        elif name == "axes":
            found[name] = known["axes"].format(left=value[0], right=value[1]) if value else ""
        else:
            found[name] = known[_SEPARATORS[name]].join(value)
    return found
