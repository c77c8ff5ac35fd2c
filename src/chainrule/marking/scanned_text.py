"""A token, and the text that is split into tokens, with the position reached in it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """One token: its kind, its text, its start and its end in the line."""

    kind: str
    text: str
    start: int
    end: int


class ScannedText:
    """The line and the current position in it."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.position = 0
        self.inside_cases = False
        self.pending: tuple[str, str] | None = None
        """Kind and text of a token that the last word included."""

    def take(self, length: int) -> str:
        """Return the next characters and go past them."""
        text = self.line[self.position : self.position + length]
        self.position += length
        return text

    def taken(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return what matches here and go past it; None where nothing does."""
        match = pattern.match(self.line, self.position)
        if match is not None:
            self.position = match.end()
        return match
