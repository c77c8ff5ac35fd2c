"""A place among tokens: looking ahead, taking, and saying what is wrong there."""

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.language.refusals import Given, Refusal
from chainrule.marking.syntax import Span
from chainrule.marking.tokens import Token

DEEPEST = 30
"""Brackets, signs and powers that may be inside one another."""


class Cursor:
    """The tokens of a line and the place reached."""

    def __init__(self, found: list[Token], length: int) -> None:
        self.found = found
        self.place = 0
        self.depth = 0
        self.barred = False
        self.last = Token("stop", "the end", length, length)

    @property
    def now(self) -> Token:
        return self.found[self.place] if self.place < len(self.found) else self.last

    def ahead(self, count: int = 1) -> Token:
        place = self.place + count
        return self.found[place] if place < len(self.found) else self.last

    def take(self) -> Token:
        token = self.now
        self.place = min(self.place + 1, len(self.found))
        return token

    def expect(self, kind: str, text: str) -> Token:
        if self.now.kind != kind or self.now.text != text:
            raise self.fault("missing", mark=(text,))
        return self.take()

    def fault(self, said: str, **given: Given) -> Refusal:
        """Return what is wrong at this place: the phrase ``said`` with what is put into it."""
        token = self.now
        if token.kind == "stop":
            return Refusal("at_end", **given, said=said)
        place = str(token.start + 1)
        return Refusal("at_position", **given, said=said, place=place, token=(token.text,))

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Refusal("deep", most=str(DEEPEST))
        yield
        self.depth -= 1

    def behind(self) -> Span:
        """Return where the token before this place stands."""
        token = self.found[self.place - 1] if self.place else self.now
        return (token.start, token.end)
