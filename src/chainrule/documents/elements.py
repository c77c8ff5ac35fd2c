"""What a document consists of: blocks (headings, paragraphs, equations, tables) and inline pieces.

These are data without a language or a medium.  A phrase is a key of a phrase book with the pieces
that are substituted into it; ``wording`` and one writer per medium turn elements into text, LaTeX
and HTML.  Code that evaluates or checks an equation reads ``Equal.means``, the formula as an
expression over named axes, and ``Statement.part``, which tells whose symbols occur in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chainrule.arrays import Array
from chainrule.documents.numerals import Grid, Numeral
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Symbol
from chainrule.formulas.functions import Function
from chainrule.formulas.matrices import Matrix, Multiply, every

# -- inline pieces ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Phrase:
    """A phrase of the phrase books by its key, and the pieces substituted into it."""

    key: str
    given: "Mapping[str, Piece]" = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """Pieces one after the other, joined by a phrase (a comma)."""

    items: "tuple[Piece, ...]"
    joint: str = "comma"


@dataclass(frozen=True)
class Plain:
    """Mathematics as it is typed: B = 3, −0.25."""

    text: str


@dataclass(frozen=True)
class Sides:
    """The dimensions of a matrix: h×o."""

    rows: Axis | None
    columns: Axis | None


@dataclass(frozen=True)
class SymbolName:
    """A symbol by its name, without indices."""

    symbol: Symbol


@dataclass(frozen=True)
class Arrangement:
    """Factors of a matrix product in some order; they need not be a valid product."""

    factors: tuple[Matrix, ...]


@dataclass(frozen=True)
class Walk:
    """The walk along the axes of a matrix product: h —A_hᵀ→ B —δ_o→ o."""

    product: Multiply


Position = tuple[tuple[Axis, int], ...]
"""An index for each axis of an array, in the order in which the array is stored."""


@dataclass(frozen=True)
class ArrayEntry:
    """One number of an array: ``W_ih[0,2]``."""

    symbol: Symbol
    position: Position = ()

    @property
    def index(self) -> tuple[int, ...]:
        """The indices, in the order in which the array is stored."""
        return tuple(index for _, index in self.position)

    def __str__(self) -> str:
        inside = ",".join(map(str, self.index))
        return f"{self.symbol.name}[{inside}]" if inside else self.symbol.name


@dataclass(frozen=True)
class Partial:
    """∂above/∂below, of two entries."""

    above: ArrayEntry
    below: ArrayEntry


@dataclass(frozen=True)
class EntryFormula:
    """An expression at one position of its arrays: ``a_h[2](1 − a_h[2])``.

    With ``numbers`` each symbol is written by its value; sizes must have been substituted before.
    ``named`` maps symbols that are no arrays of the network (W, ∂Loss/∂W) to what they stand for.
    """

    expression: Expression
    at: Mapping[Axis, int] = field(default_factory=dict)
    numbers: Mapping[Symbol, float] | None = None
    named: Mapping[Symbol, ArrayEntry | Partial] = field(default_factory=dict)


@dataclass(frozen=True)
class Substituted:
    """A matrix formula with numbers in place of its symbols."""

    formula: Matrix
    values: Mapping[Symbol, Numeral | Grid]


@dataclass(frozen=True)
class Factors:
    """Pieces multiplied with one another."""

    factors: "tuple[Piece, ...]"


@dataclass(frozen=True)
class Equals:
    """Equal pieces in a row; or an assignment and the value that it gives."""

    sides: "tuple[Piece, ...]"
    assigns: bool = False


@dataclass(frozen=True)
class EntryPath:
    """The entries along a path through the network, from the loss's side."""

    entries: tuple[ArrayEntry, ...]


Mathematics = (
    Plain
    | SymbolName
    | Sides
    | Arrangement
    | Walk
    | Expression
    | Matrix
    | ArrayEntry
    | Partial
    | EntryFormula
    | Substituted
    | Numeral
    | Grid
    | Factors
    | Equals
    | EntryPath
)
Piece = str | Phrase | Listed | Mathematics
"""What can be substituted into a phrase or stand in a cell; a ``str`` is plain text."""

# -- equations -------------------------------------------------------------------------------------

Part = Literal["function", "neuron", "index", "sample", "batch"]
"""Whose symbols an equation is about.

``function`` an activation's z and a; ``neuron`` one output neuron, all scalars; ``index`` one
sample, entry by entry; ``sample`` one sample in matrices; ``batch`` a batch in matrices.
"""

Stage = Literal["function", "forward", "loss", "backward", "update"]
"""The stage of a training step that an equation belongs to."""


@dataclass(frozen=True)
class Partials:
    """Products of partial derivatives along paths through the network, added up: the chain rule.

    Each path is a list of symbols from the loss's side down: ∂first/∂second × ∂second/∂third …
    ``coupled`` are the symbols each entry of which depends on every entry of what is below it
    (softmax); in index notation their index is another one.  ``direct`` is what is added because
    the loss contains the symbol itself (a penalty).
    """

    loss: Symbol
    paths: tuple[tuple[Symbol, ...], ...]
    coupled: frozenset[Symbol] = frozenset()
    direct: "Formula | None" = None


@dataclass(frozen=True)
class ChainFactors:
    """Factors written one by one: the chain rule of a scalar function."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Scalar:
    """An expression in index notation (or a scalar formula)."""

    expression: Expression


Formula = Partials | ChainFactors | Scalar | Matrix


@dataclass(frozen=True)
class Equal:
    """One "= formula" of a chain, the key of the rule it follows by, and what it means.

    ``means`` is the formula as an expression over named axes; None where it is a product of
    partial derivatives, which has no meaning but the one that the next equations give it.
    ``holds`` is the result of the check of the equation; None before one.
    """

    formula: Formula
    reason: str = ""
    means: Expression | None = None
    holds: bool | None = None

    @property
    def products(self) -> tuple[Multiply, ...]:
        """Every matrix product in the formula, from outside in; each carries its walk."""
        if not isinstance(self.formula, Matrix):
            return ()
        return tuple(node for node in every(self.formula) if isinstance(node, Multiply))


# -- blocks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heading(Phrase):
    """A heading; level 1 is the title."""

    level: int = 2


@dataclass(frozen=True)
class Paragraph(Phrase):
    """A sentence or a few; ``item`` marks an item of a list."""

    item: bool = False


@dataclass(frozen=True)
class Statement:
    """left = first = second = …; an update is ``left ← first``.

    ``left`` is printed by its name, in index notation where ``indexed``; ``counted`` are the axes
    that keep their index letters in all statements of the part.  ``of`` is the symbol whose
    cotangent ``left`` is, and ``function`` the function that a ``function`` part is about.
    """

    left: Symbol
    rights: tuple[Equal, ...]
    indexed: bool = False
    assigns: bool = False
    part: Part = "batch"
    stage: Stage = "forward"
    of: Symbol | None = None
    function: Function | None = None
    counted: tuple[Axis, ...] = ()


@dataclass(frozen=True)
class ProofBlock:
    """The proof of a statement's matrix products; it follows its statement and may be collapsed."""

    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True)
class EvaluatedStatement:
    """A statement with its value.

    ``shown`` are the formulas that are printed, each with whether it agrees with an independent
    value (None where nothing could be compared); ``lengths`` the sizes of the axes.  ``value`` is
    the value of the left side, None for formal symbols (an activation's z and a).
    """

    statement: Statement
    shown: tuple[tuple[Equal, bool | None], ...]
    lengths: Mapping[Axis, int]
    value: Array | None = None
    substituted: Substituted | None = None

    def shape(self, matrix: Matrix) -> tuple[int, int]:
        """Return the numbers of rows and columns of a matrix of this statement."""
        rows, columns = (1 if axis is None else self.lengths[axis] for axis in matrix.sides)
        return rows, columns

    @property
    def verdict(self) -> bool | None:
        """Whether the last formula agrees; it is the one that the value belongs to."""
        return self.shown[-1][1]


@dataclass(frozen=True)
class GivenValue:
    """An array or a scalar that is given: data, a parameter, a constant."""

    symbol: Symbol
    value: Array


@dataclass(frozen=True)
class Display:
    """Mathematics on a line of its own."""

    piece: Mathematics


@dataclass(frozen=True)
class TableBlock:
    """Rows of cells under a head; ``foot`` is the sum below a rule.

    ``numbers`` are the columns whose decimal points are aligned.
    """

    head: tuple[Piece, ...]
    rows: tuple[tuple[Piece, ...], ...]
    foot: tuple[Piece, ...] = ()
    numbers: frozenset[int] = frozenset()


Line = Heading | Paragraph | Statement
"""What a derivation without numbers consists of."""
Equation = Statement | EvaluatedStatement | GivenValue
Element = Line | ProofBlock | EvaluatedStatement | GivenValue | Display | TableBlock
"""What a document consists of."""


def statements(elements: Iterable[Element]) -> Iterator[Statement]:
    """Yield the statements among elements."""
    return (element for element in elements if isinstance(element, Statement))


def with_proofs(elements: Iterable[Element]) -> Iterator[tuple[Element, tuple[Paragraph, ...]]]:
    """Yield every element but proofs, each with the paragraphs of the proof that follows it."""
    before: Element | None = None
    for element in elements:
        if before is not None and not isinstance(before, ProofBlock):
            yield before, element.paragraphs if isinstance(element, ProofBlock) else ()
        before = element
    if before is not None and not isinstance(before, ProofBlock):
        yield before, ()
