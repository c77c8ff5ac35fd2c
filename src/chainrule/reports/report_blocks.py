"""What a report consists of: sections of texts, tables and pictures, all in one language.

Texts are plain: the page escapes them. A name from a table goes through `name_text`, so that
it is one line and not too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chainrule.network.drawing_elements import Drawing, shortened
from chainrule.pictures.scales import number_text

__all__ = [
    "Block",
    "Folded",
    "Formulas",
    "Grid",
    "Pictures",
    "Section",
    "Text",
    "name_text",
    "percent",
    "significant",
]

_NAME = 60


@dataclass(frozen=True)
class Text:
    """A paragraph: a statement, a note in smaller letters, or what deserves attention."""

    text: str
    kind: Literal["plain", "lead", "note", "good", "warning"] = "plain"


@dataclass(frozen=True)
class Grid:
    """A table; ``numeric`` are the columns aligned to the right, ``bold`` cells (row, column)."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    bold: frozenset[tuple[int, int]] = frozenset()
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Charts beside each other where there is room, each with its caption where there are any."""

    drawings: tuple[Drawing, ...]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Formulas:
    """A part of a page that a document writer has made: HTML with MathML."""

    html: str


@dataclass(frozen=True)
class Folded:
    """Blocks below a line that opens them; paper has them open."""

    title: str
    blocks: tuple[Text | Grid | Pictures | Formulas, ...]


Block = Text | Grid | Pictures | Formulas | Folded


@dataclass(frozen=True)
class Section:
    """A section with its name in links."""

    key: str
    title: str
    blocks: tuple[Block, ...]


def name_text(name: object) -> str:
    """Return a name from a table as one line of at most 60 letters.

    >>> name_text("a  b\\nc"), name_text("")
    ('a b c', '∅')
    """
    return shortened(" ".join(str(name).split()) or "∅", _NAME)


def significant(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits, "–" for one that is not defined."""
    return "–" if value is None else number_text(value, digits)


def percent(share: float | None) -> str:
    """Return a share in percent.

    >>> percent(0.9533), percent(None)
    ('95.3 %', '–')
    """
    return "–" if share is None else f"{100.0 * share:.1f} %"
