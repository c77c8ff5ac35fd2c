"""The error for a name that a network does not have: what it may have been meant to be."""

import re
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

from chainrule.errors import nearest
from chainrule.language.refusals import MAX_NAMES, Refusal, unknown
from chainrule.marking.usual_names import HIDDEN, HIDDEN_SUMS, LOSSES, OUTPUT_SUMS, OUTPUTS
from chainrule.network import activations
from chainrule.network.optimizers import SGD, Adam, Optimizer

if TYPE_CHECKING:
    from chainrule.marking.vocabulary import Vocabulary

_SUGGESTED_FUNCTIONS = ("dot", "sum", "mean", "exp", "outer")
_OTHER_OPTIMIZERS = (
    (SGD(momentum=0.9), ("optimizer=cr.SGD(momentum=0.9)", "--momentum 0.9")),
    (Adam(), ('optimizer="adam"', "--optimizer adam")),
)
"""Optimizers whose names are recognized even if they are not selected, and how to select them."""


class UnknownNames:
    """The errors for names that a vocabulary does not have; each error is made once.

    ``with_optimizer`` returns the vocabulary with another optimizer.
    """

    def __init__(
        self, names: "Vocabulary", with_optimizer: "Callable[[Optimizer], Vocabulary]"
    ) -> None:
        self.names, self.with_optimizer = names, with_optimizer
        self.found: dict[str, Refusal] = {}

    def error(self, text: str) -> Refusal:
        """Return the error for an unknown name, with the nearest known one."""
        if text not in self.found:
            if len(self.found) > MAX_NAMES:
                self.found.clear()
            self.found[text] = self._error(text)
        made = self.found[text]
        return Refusal(made.key, **made.values)  # an exception is raised once

    def _error(self, text: str) -> Refusal:
        stem = text[:-1].rstrip("_")
        if text[-1:] == "T" and self.names.quantity(stem) is not None:
            return Refusal("unknown_transpose", name=(text,), stem=(stem,), guess=(f"{stem}.T",))
        found = self._memory(text)
        if found is not None:
            return found
        guess = nearest(text, self._suggested)
        names = self.names.listed()
        meant = self.names.quantity(guess) if guess is not None and guess not in names else None
        if meant is not None:  # an unusual spelling, such as ŷgrad, is read but not suggested
            guess = meant.typed if meant.typed in names else None
        if len(names) > MAX_NAMES:  # the message cuts the list, so sort by similarity
            matcher = SequenceMatcher(b=text)

            def similarity(name: str) -> float:
                matcher.set_seq1(name)
                return matcher.ratio()

            names.sort(key=similarity, reverse=True)
        return unknown("name", text, guess, tuple(names))

    @cached_property
    def _suggested(self) -> list[str]:
        """The spellings that are suggested for unknown names: those that a reader understands."""
        surprising = {*OUTPUTS, *HIDDEN, *HIDDEN_SUMS, *OUTPUT_SUMS} - {"y_hat", "y_pred", "output"}
        starts = tuple(f"d{loss}" for loss in LOSSES if loss != "L")
        found: list[str] = []
        for word in self.names.spellings:
            plain = re.sub("^(?:d_?|grad_?|g_?|∇|nabla_)", "", word)
            plain = re.sub("_(?:grad|gradient|derivative)$", "", plain)
            if plain not in surprising and not word.startswith(starts):
                found.append(word)
        return [*found, *activations.CATALOGUE, *_SUGGESTED_FUNCTIONS]

    @cached_property
    def _others(self) -> "list[tuple[Vocabulary, tuple[str, str]]]":
        return [(self.with_optimizer(other), how) for other, how in _OTHER_OPTIMIZERS]

    def _memory(self, text: str) -> Refusal | None:
        """Return the error for memory without its parameter, or of another optimizer."""
        parameters, rule = self.names.parameters, self.names.rule
        memory = [quantity for quantity, _ in rule.spelled_memory(parameters)]
        own = [
            quantity.typed
            for quantity in memory
            if quantity.of is not None and quantity.symbol == f"{text}_{quantity.of}"
        ]
        if own:
            return Refusal("unknown_parameter", name=(text,), guess=tuple(own[:2]))
        for other, (python, options) in () if rule.letters else self._others:
            first = next(iter(parameters))
            quantity = other.quantity(text) or other.quantity(f"{text}_{first}")
            if quantity is not None and other.rule.owns(quantity):
                return Refusal("unknown_optimizer", name=(text,), python=python, options=options)
        return None
