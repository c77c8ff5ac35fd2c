"""What every part of the grammar uses: the tokens of a line, the current position, the names.

A recursive-descent parser: ``parser.py`` implements the abstract methods; the calls of programs
(``python_calls.py``) and the forms of LaTeX (``latex_forms.py``) read their operands through them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from chainrule.language.refusals import PhraseValue, Refusal
from chainrule.marking.matlab_notation import MatlabUse, use_of
from chainrule.marking.quantities import Quantity
from chainrule.marking.scanned_text import Token
from chainrule.marking.syntax import Span, Tree

MAX_DEPTH = 30
"""The largest depth of nested brackets, signs and powers."""
CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class ActivationName:
    """An activation by name, or its derivative."""

    name: str
    derivative: bool = False


class NameLookup(Protocol):
    """The names that a line may contain."""

    def quantity(self, text: str) -> Quantity | None:
        """Return the quantity with this name."""

    def differentiable(self, text: str) -> Quantity | None:
        """Return the quantity that is named after ∂ or d."""

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the quantity ∂Loss/∂below, None unless ``above`` is the loss."""

    def function(self, text: str) -> ActivationName | None:
        """Return the activation or activation derivative with this name."""

    def needs_layer(self, text: str) -> bool:
        """Return whether a name is one only with the number of a layer."""

    def is_error(self, text: str) -> bool:
        """Return whether a name is one that programs give to the difference y − t."""

    def error(self, text: str) -> Quantity | None:
        """Return the difference of output and target, if the name is one of its names."""

    def in_style(self, quantity: Quantity, texts: Sequence[str]) -> str | None:
        """Return the name of a quantity that is spelled as other names, None without one."""

    def unknown(self, text: str) -> Refusal:
        """Return the error for an unknown name."""


class Grammar(ABC):
    """The tokens of a line and the current position among them."""

    def __init__(
        self, found: list[Token], names: NameLookup, text: str, given: MatlabUse = "none"
    ) -> None:
        self.tokens = found
        self.names = names
        self.position = 0
        self.depth = 0
        self.matlab = use_of(text, found, given)
        self.stop = Token("stop", "the end", len(text), len(text))

    @property
    def now(self) -> Token:
        return self.ahead(0)

    def ahead(self, count: int = 1) -> Token:
        index = self.position + count
        return self.tokens[index] if index < len(self.tokens) else self.stop

    def take(self) -> Token:
        token = self.now
        self.position = min(self.position + 1, len(self.tokens))
        return token

    def skip(self, kind: str, text: str | None = None) -> bool:
        """Take the current token if it has this kind (and text); return whether it was taken."""
        found = self.now.kind == kind and text in (None, self.now.text)
        if found:
            self.take()
        return found

    def expect(self, kind: str, text: str) -> None:
        if not self.skip(kind, text):
            raise self.error("missing", mark=(text,))

    def error(self, problem: str, **values: PhraseValue) -> Refusal:
        """Return the error for a problem at the current position."""
        token = self.now
        if token.kind == "stop":
            return Refusal("at_end", **values, problem=problem)
        position = str(token.start + 1)
        return Refusal(
            "at_position", **values, problem=problem, position=position, token=(token.text,)
        )

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal("too_deep", limit=str(MAX_DEPTH))
        yield
        self.depth -= 1

    def since(self, start: int) -> Span:
        """Return the span from ``start`` to the end of the last token taken."""
        last = self.tokens[self.position - 1] if self.position else self.now
        return (start, last.end)

    def known(self, text: str) -> Quantity:
        quantity = self.names.quantity(text)
        if quantity is None:
            raise self.names.unknown(text)
        return quantity

    @abstractmethod
    def condition(self) -> Tree:
        """Parse a sum, a comparison of two sums, or ``x if c else y``."""

    @abstractmethod
    def sum(self) -> Tree:
        """Parse terms joined by + and −."""

    @abstractmethod
    def power(self) -> Tree:
        """Parse an operand with its powers."""

    @abstractmethod
    def operand(self) -> Tree:
        """Parse a name, a number, a call or a bracket."""

    @abstractmethod
    def bracket(self) -> Tree:
        """Parse a condition in brackets."""

    @abstractmethod
    def starts_operand(self) -> bool:
        """Return whether the current token can start a factor without a sign before it."""
