"""What a derivation consists of: headings, sentences and chains of equal formulas.

These are data.  ``telling`` puts them on paper in a language and a style.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chainrule.formulas.expressions import Expression, Symbol
from chainrule.formulas.matrices import Matrix


@dataclass(frozen=True)
class Heading:
    """A heading: the key of its phrase, and what is put into it (keys of phrases, or text)."""

    phrase: str
    given: Mapping[str, "str | tuple[str, str]"] = field(default_factory=dict)


@dataclass(frozen=True)
class Sentence:
    """A sentence: the key of its phrase."""

    phrase: str


@dataclass(frozen=True)
class Partials:
    """Products of partial derivatives along ways through the network, added up: the chain rule.

    Each way is a list of symbols from the loss's side down: ∂first/∂second × ∂second/∂third …
    """

    loss: Symbol
    ways: tuple[tuple[Symbol, ...], ...]


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
    """One "= formula" of a chain, and the key of the reason for it."""

    formula: Formula
    reason: str = ""


@dataclass(frozen=True)
class Statement:
    """left = first = second = …; an update is ``left ← first``.

    ``left`` is printed by its name, in index notation where ``indexed``.
    """

    left: Symbol
    rights: tuple[Equal, ...]
    indexed: bool = False
    assigns: bool = False


Line = Heading | Sentence | Statement
