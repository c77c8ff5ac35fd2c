"""What a drawing of a network consists of, without a medium: shapes, paths and texts.

Positions are in units of about a pixel, y downwards. Paths are data of SVG with the commands M, H,
L and C, all absolute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chainrule.language.text_columns import columns_of
from chainrule.network.drawing_elements import shortened

__all__ = [
    "Box",
    "Circle",
    "Group",
    "Label",
    "Mark",
    "Name",
    "Path",
    "Picture",
    "Sign",
    "Text",
    "names_length",
    "names_listed",
]


@dataclass(frozen=True)
class Name:
    """The name of a symbol: W_ih."""

    name: str


Text = tuple[str | Name, ...]
"""Pieces of a text, one after the other."""


@dataclass(frozen=True)
class Label:
    """A text, centered at x, whose line is at y.

    ``style`` is "", "soft", "cotangent" or "number", a small text that hides what is behind it.
    """

    x: float
    y: float
    text: Text
    style: str = ""


@dataclass(frozen=True)
class Circle:
    """A unit or a combination, style "shape", or a dot for units that are not drawn, "dot"."""

    x: float
    y: float
    radius: float
    style: Literal["shape", "dot"] = "shape"


@dataclass(frozen=True)
class Box:
    """A layer: left, top and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Path:
    """A connection, style "edge", or the way back, "back"; ``head`` is where an arrow's head is."""

    data: str
    style: Literal["edge", "back"] = "edge"
    head: Literal["", "end", "start"] = "end"


@dataclass(frozen=True)
class Sign:
    """The sign in the circle of a combination: of a Sum, a Difference or a Product."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Group:
    """A layer by its number; ``tip`` is its full name, ``given`` whether it is an input."""

    number: int
    given: bool
    tip: str
    marks: "tuple[Mark, ...]"


Mark = Label | Circle | Box | Path | Sign | Group


@dataclass(frozen=True)
class Picture:
    """A drawing: its size, its texts for readers, and what is drawn, from back to front."""

    width: float
    height: float
    title: str
    description: str
    marks: tuple[Mark, ...]
    key: str
    """What tells the drawing from others on the same page."""


def names_listed(names: Sequence[str], most: int) -> Text:
    """Return names separated by commas, of at most ``most`` letters, the rest as an ellipsis.

    >>> names_listed(["W_ih", "b_ih", "scale"], 10)
    (Name(name='W_ih'), ', ', Name(name='b_ih'), ', …')
    """
    shown: list[str | Name] = []
    used = 0
    for name in names:
        used += columns_of(name) + 2
        joint = [", "] if shown else []
        if used > most + 2:
            return (*shown, ", …") if shown else (shortened(name, most),)
        shown += [*joint, Name(name)]
    return tuple(shown)


def names_length(names: Sequence[str], most: int) -> int:
    """Return the letters that `names_listed` needs."""
    return min(most + 1, sum(columns_of(name) + 2 for name in names))
