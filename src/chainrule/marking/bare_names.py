"""Letters without a layer, as in w ← w − η ∂C/∂w: a line of some layer, or of every one.

Each layer is a reading: w, b, z and δ are those of one layer, a is its activation or that of the
layer before.  A line that is right in a reading is right with a note of what its letters are.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from chainrule.language.refusals import Refusal
from chainrule.marking.grammar import ActivationName, NameLookup
from chainrule.marking.quantities import LOSS, Quantity, cotangent
from chainrule.marking.verdict_messages import MessagePart
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary

_BARE = re.compile(
    r"(?P<before>d_?|grad_?|g_?|nabla_?|∇|Δ|Delta_|delta_)?(?P<letter>[Wwbza]|δ|delta|Delta)"
    r"(?P<after>_new|_old|_grad)?"
)
"""A letter without a layer, with what makes it a derivative, a step or the next value."""
_UNNAMED = ("different", "shape", "itself", "other", "name")
"""The kinds of verdicts that a reading with wrong layers has too."""
MAX_LAYERS = 10


class BareNames(NameLookup):
    """The names of a network in which letters without a layer are those of one layer."""

    def __init__(self, names: Vocabulary, layer: int, below: int) -> None:
        self.names, self.rule = names, names.rule
        self.used: dict[str, Quantity] = {}
        """What the letters of the line are in this reading."""
        first, is_from = names.convention.input_layer, names.convention.weights_numbered == "from"
        number = layer + first
        self._numbers = dict.fromkeys("Wwb", number - is_from)
        self._numbers |= {"z": number, "a": number - below}

    def quantity(self, text: str) -> Quantity | None:
        """Return the quantity with a name, that of the layer for a letter alone."""
        match = _BARE.fullmatch(text)
        if match is None or not self.names.needs_layer(text):
            return self.names.quantity(text)
        letter = match["letter"]
        number = self._numbers.get(letter, self._numbers["z"])
        word = f"{match['before'] or ''}{letter}_{number}{match['after'] or ''}"
        found = self.names.quantity(word)
        if found is not None:
            self.used[text] = found
        return found

    def differentiable(self, text: str) -> Quantity | None:
        """Return the quantity that is named after ∂ or d."""
        quantity = self.quantity(text)
        return quantity if quantity == LOSS or quantity in self.names.values else None

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the quantity ∂Loss/∂below, None unless ``above`` is the loss."""
        inner = self.differentiable(below)
        if self.names.differentiable(above) != LOSS or inner is None:
            return None
        return cotangent(inner)

    def function(self, text: str) -> ActivationName | None:
        """Return the activation with a name."""
        return self.names.function(text)

    def needs_layer(self, text: str) -> bool:
        """Return whether a name is one only with the number of a layer."""
        return self.names.needs_layer(text)

    def is_error(self, text: str) -> bool:
        """Return whether a name is one that programs give to the difference a − y."""
        return self.names.is_error(text)

    def error(self, text: str) -> Quantity | None:
        """Return the difference of output and target, if the name is one of its names."""
        return self.names.error(text)

    def in_style(self, quantity: Quantity, texts: Sequence[str]) -> str | None:
        """Return the name of a quantity that is spelled as other names, None without one."""
        return self.names.in_style(quantity, texts)

    def unknown(self, text: str) -> Refusal:
        """Return the error for an unknown name, which is not shown: other readings follow."""
        return Refusal("unknown", kind="name", name=(text,), known=())


def bare_verdict(
    names: Vocabulary, verdict_for: Callable[[BareNames], LineVerdict]
) -> LineVerdict | None:
    """Return the verdict on a line with letters without a layer, None for another line.

    A mistake is named only where no reading is right, and all that name one name the same.
    """
    read = list(_readings(names, verdict_for))
    right = [(reading, verdict) for reading, verdict in read if verdict.correct]
    if right:
        reading, verdict = right[-1]
        layers = {*(tuple(each.used.values()) for each, _ in right)}
        if len(layers) == len(names.network.layers) - 1 and verdict.kind == "right":
            return verdict
        meanings = tuple(f"{text} = {each.typed}" for text, each in reading.used.items())
        others = () if verdict.kind == "right" else verdict.message_parts
        part = MessagePart("right_bare", {"constants": meanings})
        return replace(verdict, kind="right_here", message_parts=(part, *others))
    named = [verdict for _, verdict in read if verdict.kind not in _UNNAMED]
    return named[0] if len({each.repaired for each in named}) == 1 else None


def _readings(
    names: Vocabulary, verdict_for: Callable[[BareNames], LineVerdict]
) -> Iterator[tuple[BareNames, LineVerdict]]:
    """Yield the readings in which a letter has a meaning, and all names exist."""
    count = len(names.network.layers) - 1 if names.network.is_dense else 0
    if not 1 < count <= MAX_LAYERS:
        return
    seen: list[dict[str, Quantity]] = []
    for layer in range(1, count + 1):
        for below in (0, 1):
            reading = BareNames(names, layer, below)
            try:
                verdict = verdict_for(reading)
            except Refusal:
                continue
            if reading.used and reading.used not in seen:
                seen.append(reading.used)
                yield reading, verdict
