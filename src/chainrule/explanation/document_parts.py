"""What an explanation is told with: pieces of mathematics, sentences, tables.

These are data.  ``paper`` says how one medium writes a piece, ``pages`` puts the elements in order
on a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chainrule.explanation.evaluated_lines import Given, NumberedLine
from chainrule.explanation.ledger_format import Figure, Grid
from chainrule.explanation.weight_paths import Entry
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Symbol


@dataclass(frozen=True)
class Partial:
    """∂above/∂below, of two entries."""

    above: Entry
    below: Entry


@dataclass(frozen=True)
class Formula:
    """An expression at one place of its arrays: ``a_h[2](1 − a_h[2])``.

    With ``numbers`` each symbol is written by its value, and each size by its length.
    ``named`` is what symbols are called that are no arrays of the network (W, ∂Loss/∂W).
    """

    expression: Expression
    at: Mapping[Axis, int] = field(default_factory=dict)
    numbers: Mapping[Symbol, float] | None = None
    named: Mapping[Symbol, "Entry | Partial"] = field(default_factory=dict)


@dataclass(frozen=True)
class Times:
    """Pieces multiplied with one another."""

    factors: tuple["Piece", ...]


@dataclass(frozen=True)
class Equals:
    """Pieces that are equal, one after the other; or an assignment and what it gives."""

    sides: tuple["Piece", ...]
    assigns: bool = False


@dataclass(frozen=True)
class Phrase:
    """A phrase of the language by its key, and what is put into it."""

    key: str
    given: Mapping[str, "Piece"] = field(default_factory=dict)


@dataclass(frozen=True)
class Through:
    """Entries that an effect passes, from the loss's side."""

    entries: tuple[Entry, ...]


Piece = str | Entry | Partial | Figure | Grid | Formula | Times | Equals | Phrase | Through | Symbol
"""What stands in a sentence or in a cell of a table; a ``str`` is plain text."""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    phrase: Phrase
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few."""

    phrase: Phrase


@dataclass(frozen=True)
class Display:
    """Mathematics on a line of its own."""

    piece: Piece


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; ``foot`` is the sum below a rule.

    ``numbers`` are the columns whose decimal points stand below each other.
    """

    head: tuple[Piece, ...]
    rows: tuple[tuple[Piece, ...], ...]
    foot: tuple[Piece, ...] = ()
    numbers: frozenset[int] = frozenset()


Element = Heading | Paragraph | Display | Table | NumberedLine | Given
"""What a page consists of."""
