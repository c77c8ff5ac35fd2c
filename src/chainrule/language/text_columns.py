"""Texts in the columns of a terminal, where a Chinese character takes two."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

__all__ = ["columns_of", "divided", "left_padded", "padded", "wrapped"]

_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_BLANK = r" \t\n"  # a no-break space is none
_OPENING, _CLOSING = re.escape("“（《[("), re.escape("”）》])，。；：、！？")
_PARTS = re.compile(
    rf"[{_OPENING}]*(?:[{_WIDE}][{_CLOSING}]*|[^{_BLANK}{_WIDE}“”]+[{_CLOSING}]*[{_BLANK}]*)|[{_BLANK}]+|."
)
"""What a line may end behind: a Chinese character or a word, with its punctuation and brackets."""


def columns_of(text: str) -> int:
    """Return the columns of a terminal that a text takes: a Chinese character takes two.

    >>> columns_of("loss"), columns_of("损失")
    (4, 4)
    """
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, columns: int) -> str:
    """Return a text with spaces behind it up to so many columns.

    >>> padded("行", 4) + "|"
    '行  |'
    """
    return text + " " * (columns - columns_of(text))


def left_padded(text: str, columns: int) -> str:
    """Return a text with spaces before it up to so many columns.

    >>> left_padded("行", 4)
    '  行'
    """
    return " " * (columns - columns_of(text)) + text


def wrapped(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most so many columns of a terminal.

    Lines end between words, and within Chinese between any two characters, but never before
    punctuation or behind an opening bracket.

    >>> wrapped("one two", 5), wrapped("留出的行数很多，训练", 8)
    (['one', 'two'], ['留出的行', '数很多，', '训练'])
    """
    lines = [""]
    for part in _PARTS.findall(text):
        if lines[-1] and columns_of(lines[-1] + part.rstrip()) > columns:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def divided(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most so many columns, at least two: `wrapped`, and what is
    longer without a space is cut.

    >>> divided("a longer-word\\nthan", 8)
    ['a', 'longer-w', 'ord', 'than']
    """
    lines: list[str] = []
    for line in wrapped(" ".join(text.split()), columns):
        lines.append("")
        for letter in line:
            if columns_of(lines[-1] + letter) > columns:
                lines.append("")
            lines[-1] += letter
    return lines
