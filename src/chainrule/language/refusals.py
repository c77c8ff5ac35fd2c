"""Refusals in two languages: what is wrong with an input, from the phrases of a language.

``str()`` of a ``Refusal`` is English, as every exception of ours; ``in_language`` says the same in
Chinese, for whoever learns in Chinese.
"""

from collections.abc import Mapping
from functools import partial

from chainrule.errors import InputError, one_line, shown
from chainrule.language.phrase_books import phrases_of

LONGEST = 24
"""Names that are listed: all of a network with one hidden layer."""
Given = str | tuple[str, ...] | list[str]
"""What is put into a phrase: text as it is; names, which get quotes; a list of alternatives."""


phrases = partial(phrases_of, "refusals")
"""Every phrase of a language by its key."""


class Refusal(InputError):  # noqa: N818 - what a learner is told
    """An input that is refused, said by a phrase.

    >>> refusal = Refusal("unknown_meant", kind="name", name=("detla_o",), guess=("delta_o",),
    ...                   known=("delta_o", "a_h"))
    >>> print(refusal)
    unknown name 'detla_o': did you mean 'delta_o'? Known: 'delta_o', 'a_h'
    >>> print(refusal.message("zh"))
    未知的名称“detla_o”，是否指“delta_o”？可用的有：“delta_o”、“a_h”。
    """

    def __init__(self, key: str, **given: Given) -> None:
        self.key, self.given = key, given
        super().__init__(self.message("en"))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.key, self.given)

    def message(self, language: str) -> str:
        """Return it in words, in English or Chinese, on one line."""
        known = phrases(language)
        put: dict[str, str] = {}
        for name, value in self.given.items():
            # Some words (what kind of name, which fault) are phrases of their own.
            own = known.get(f"{name}_{value}") if isinstance(value, str) else None
            put[name] = _text(value, known) if own is None else own.format(**put)
        return one_line(known[self.key].format(**put))


def _text(value: Given, known: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return known["or"].join(known.get(f"word_{word}", word) for word in value)
    names = [known["quoted"].format(name=shown(name)[1:-1]) for name in value[:LONGEST]]
    rest = len(value) - len(names)
    more = known["more_names"].format(count=rest) if rest else ""
    return known["between_names"].join(names) + more


def _restored(kind: type[Refusal], key: str, given: dict[str, Given]) -> Refusal:
    return kind(key, **given)


def unknown(kind: str, name: str, guess: str | None, known: tuple[str, ...]) -> Refusal:
    """Return the refusal of a name that is not known, with the nearest one where there is one."""
    if guess is None:
        return Refusal("unknown", kind=kind, name=(name,), known=known)
    return Refusal("unknown_meant", kind=kind, name=(name,), guess=(guess,), known=known)


def in_language(error: Exception, language: str) -> str:
    """Return the message of an exception in a language, in English where it has no other.

    >>> in_language(Refusal("backslash"), "zh")
    '此行：末尾有反斜杠；请写出 LaTeX 命令，如 \\\\delta。'
    >>> in_language(InputError("seed: -1 came"), "zh")
    'seed: -1 came'
    """
    if isinstance(error, Refusal):
        return error.message(language)
    asked = getattr(error, "unknown", None)
    if asked is not None and language != "en":
        kind, name, known, guess = asked
        return unknown(kind, name, guess, known).message(language)
    return str(error)
