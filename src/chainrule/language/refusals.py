"""Errors about an input, with a message in English and in Chinese.

``str()`` of a ``Refusal`` is English, as for every exception of the package.  ``in_language``
returns the message in the other language.
"""

from collections.abc import Mapping
from functools import partial
from typing import TypeAlias

from chainrule.errors import InputError, one_line, shown
from chainrule.language.phrase_books import phrases_of

MAX_NAMES = 24
"""The most names that a message lists: all of a network with one hidden layer."""
PhraseValue: TypeAlias = str | tuple[str, ...] | list[str]
"""A value in a phrase: a text, a tuple of names (which are quoted), or a list of alternatives."""

phrases = partial(phrases_of, "refusals")
"""Return every phrase of a language by its key."""


class Refusal(InputError):  # noqa: N818 - a message to a learner
    """An input that is not accepted; the message is a phrase with values.

    >>> refusal = Refusal("unknown_nearest", kind="name", name=("detla_o",), guess=("delta_o",),
    ...                   known=("delta_o", "a_h"))
    >>> print(refusal)
    unknown name 'detla_o'. Did you mean 'delta_o'? Available: 'delta_o', 'a_h'
    >>> print(refusal.message("zh"))
    未知的名称“detla_o”，是否指“delta_o”？可用的有：“delta_o”、“a_h”。
    """

    def __init__(self, key: str, **values: PhraseValue) -> None:
        self.key, self.values = key, values
        super().__init__(self.message("en"))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.key, self.values)

    def message(self, language: str) -> str:
        """Return the message in "en" or "zh", on one line."""
        known = phrases(language)
        texts: dict[str, str] = {}
        for name, value in self.values.items():
            # Some values (a kind of name, a problem) are phrases themselves.
            phrase = known.get(f"{name}_{value}") if isinstance(value, str) else None
            texts[name] = _text(value, known) if phrase is None else phrase.format(**texts)
        return one_line(known[self.key].format(**texts))


def _text(value: PhraseValue, known: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return known["or"].join(known.get(f"word_{word}", word) for word in value)
    names = [known["quoted"].format(name=shown(name)[1:-1]) for name in value[:MAX_NAMES]]
    rest = len(value) - len(names)
    more = known["more_names"].format(count=rest) if rest else ""
    return known["between_names"].join(names) + more


def _restored(kind: type[Refusal], key: str, values: dict[str, PhraseValue]) -> Refusal:
    return kind(key, **values)


def unknown(kind: str, name: str, guess: str | None, known: tuple[str, ...]) -> Refusal:
    """Return the error for an unknown name, with the nearest known name if there is one."""
    if guess is None:
        return Refusal("unknown", kind=kind, name=(name,), known=known)
    return Refusal("unknown_nearest", kind=kind, name=(name,), guess=(guess,), known=known)


def in_language(error: Exception, language: str) -> str:
    """Return the message of an exception in a language, or in English if it has no other.

    >>> in_language(Refusal("backslash"), "zh")
    '`line` 末尾有反斜杠；请写出 LaTeX 命令，如 \\\\delta。'
    >>> in_language(InputError("`seed` must not be negative, got -1"), "zh")
    '`seed` must not be negative, got -1'
    """
    if isinstance(error, Refusal):
        return error.message(language)
    if isinstance(error, InputError) and error.unknown is not None and language != "en":
        kind, name, known, guess = error.unknown
        return unknown(kind, name, guess, known).message(language)
    return str(error)
