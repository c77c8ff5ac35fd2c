"""Filling in the phrases of a book: values, and numbers of things."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.language.phrase_books import phrases_of

__all__ = ["Wording"]


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
