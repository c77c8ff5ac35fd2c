"""Filling in the phrases of a book: values, and numbers of things."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from chainrule.language.phrase_books import phrases_of

__all__ = ["Wording", "left_padded", "padded", "width", "wrapped"]

_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_OPENING, _CLOSING = re.escape("“（《[("), re.escape("”）》])，。；：、！？")
_PARTS = re.compile(
    rf"[{_OPENING}]*(?:[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}“”]+[{_CLOSING}]*\s*)|\s+|."
)
"""What a line may end behind: a Chinese character or a word, with its punctuation and brackets."""


@dataclass(frozen=True)
class Wording:
    """The phrases of a book in one language.

    >>> words = Wording("tables", "en")
    >>> words.counted("rows", 1), words.counted("rows", 1200)
    ('1 row', '1,200 rows')
    >>> Wording("tables", "zh").counted("rows", 1200)
    '1,200 行'
    """

    book: str
    language: str

    def __call__(self, key: str, **values: object) -> str:
        """Return a phrase with its values."""
        return phrases_of(self.book, self.language)[key].format(**values)

    def counted(self, key: str, count: int, **values: object) -> str:
        """Return the phrase of a number of things, or that of one thing, ``key_one``."""
        return self(f"{key}_one" if count == 1 else key, count=count, **values)


def width(text: str) -> int:
    """Return the columns of a terminal that a text takes: a Chinese character takes two.

    >>> width("loss"), width("损失")
    (4, 4)
    """
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, columns: int) -> str:
    """Return a text with spaces behind it up to so many columns.

    >>> padded("行", 4) + "|"
    '行  |'
    """
    return text + " " * (columns - width(text))


def left_padded(text: str, columns: int) -> str:
    """Return a text with spaces before it up to so many columns.

    >>> left_padded("行", 4)
    '  行'
    """
    return " " * (columns - width(text)) + text


def wrapped(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most so many columns of a terminal.

    Lines end between words, and within Chinese between any two characters, but never before
    punctuation or behind an opening bracket.

    >>> wrapped("one two", 5), wrapped("留出的行数很多，训练", 8)
    (['one', 'two'], ['留出的行', '数很多，', '训练'])
    """
    lines = [""]
    for part in _PARTS.findall(text):
        if lines[-1] and width(lines[-1] + part.rstrip()) > columns:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]
