"""What a derivation consists of: headings, sentences and chains of equal formulas.

These are data, and everything that is shown is in them.  ``telling`` and its pages put them on
paper in a language and a style; whoever computes with a line (its numbers, its check) reads
``Equal.means``, the same formula as an expression over named axes, and ``Statement.part``, which
says whose symbols are in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Symbol
from chainrule.formulas.functions import Function
from chainrule.formulas.matrices import Matrix, Multiply, every

Part = Literal["function", "neuron", "index", "sample", "batch"]
"""Whose symbols a statement is about.

``function`` an activation's z and a; ``neuron`` one output neuron, all scalars; ``index`` one
sample, entry by entry; ``sample`` one sample in matrices; ``batch`` a batch in matrices.
"""

Stage = Literal["function", "forward", "loss", "backward", "update"]
"""Where on its way a statement belongs."""


@dataclass(frozen=True)
class Key:
    """A phrase by its key, put into another phrase."""

    phrase: str
    given: "Mapping[str, Given]" = field(default_factory=dict)


@dataclass(frozen=True)
class Plain:
    """Mathematics as it is typed, put into a phrase: B = 3, −0.25."""

    text: str


@dataclass(frozen=True)
class Sides:
    """The dimensions of a matrix, put into a phrase: h×o."""

    rows: Axis | None
    columns: Axis | None


@dataclass(frozen=True)
class Named:
    """A symbol by its name, without indices, put into a phrase."""

    symbol: Symbol


@dataclass(frozen=True)
class Arrangement:
    """Factors of a matrix product in some order, put into a phrase; it may not be a product."""

    factors: tuple[Matrix, ...]


@dataclass(frozen=True)
class Route:
    """The walk of a matrix product, put into a phrase: h —A_hᵀ→ B —δ_o→ o."""

    product: Multiply


@dataclass(frozen=True)
class Listed:
    """What is said one after the other, joined by a phrase (a comma), put into a phrase."""

    items: "tuple[Given, ...]"
    joint: str = "comma"


Given = str | Key | Plain | Named | Expression | Matrix | Sides | Arrangement | Route | Listed
"""What can be put into a phrase: text, other phrases, a formula, dimensions, a walk."""


@dataclass(frozen=True)
class Heading:
    """A heading: the key of its phrase, what is put into it, and its level (1 is the title)."""

    phrase: str
    given: Mapping[str, Given] = field(default_factory=dict)
    level: int = 2


@dataclass(frozen=True)
class Sentence:
    """A sentence: the key of its phrase, and what is put into it; ``item`` where it is listed."""

    phrase: str
    given: Mapping[str, Given] = field(default_factory=dict)
    item: bool = False


@dataclass(frozen=True)
class Partials:
    """Products of partial derivatives along ways through the network, added up: the chain rule.

    Each way is a list of symbols from the loss's side down: ∂first/∂second × ∂second/∂third …
    ``coupled`` are the symbols each entry of which depends on every entry of what is below it
    (softmax); in index notation their index is another one.  ``direct`` is what is added because
    the loss holds the symbol itself (a penalty).
    """

    loss: Symbol
    ways: tuple[tuple[Symbol, ...], ...]
    coupled: frozenset[Symbol] = frozenset()
    direct: "Formula | None" = None


@dataclass(frozen=True)
class Times:
    """Factors written one by one: the chain rule of a scalar function."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Scalar:
    """An expression in index notation (or a scalar formula)."""

    expression: Expression


Formula = Partials | Times | Scalar | Matrix


@dataclass(frozen=True)
class Equal:
    """One "= formula" of a chain, the key of the rule it follows by, and what it means.

    ``means`` is the formula as an expression over named axes; None where it is a product of
    partial derivatives, which has no meaning but the one that the next lines give it.  ``holds``
    is what a check of the line found; None before one.
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


Line = Heading | Sentence | Statement
Proved = Callable[[Statement], Sequence[Sentence]]
"""Gives the sentences that prove the matrix products of a statement."""


def statements(lines: "tuple[Line, ...]") -> Iterator[Statement]:
    """Yield the statements among lines."""
    return (line for line in lines if isinstance(line, Statement))
