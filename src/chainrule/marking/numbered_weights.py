"""Mazur's names in his network of 2-2-2 sigmoid units: w1 to w8, net_h1, out_o1, target_o1.

w1 and w2 lead to h1, w3 and w4 to h2, w5 and w6 to o1, w7 and w8 to o2.  In any other network, or
beside none of these names, w5 is no name: it could number anything.
"""

import re
from collections.abc import Mapping

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.language.refusals import Refusal
from chainrule.marking.equation_sequence import EquationMarker
from chainrule.marking.examples import Example
from chainrule.marking.index_entries import NUMBERED, EntryNames, entries_verdict
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import parse
from chainrule.marking.quantities import (
    INPUTS,
    LOSS,
    TARGETS,
    Quantity,
    Role,
    applied_activations,
    cotangent,
)
from chainrule.marking.stated_conventions import OWN
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary

_NAME = re.compile(
    r"(?<![A-Za-z0-9_\\])(?:(?P<weight>w)_?(?:\{(?P<n1>[1-8])\}|(?P<n2>[1-8]))"
    r"(?P<new>\^\{\+\}|\^\+|_new|\+(?=\s*=))?"
    r"|(?P<input>i)_?(?:\{(?P<i1>[12])\}|(?P<i2>[12]))"
    r"|(?P<kind>net|out|target|δ|delta)_?"
    r"(?:\{\s*(?P<l1>[ho])_?(?:\{(?P<u1>[12])\}|(?P<u2>[12]))\s*\}|(?P<l2>[ho])_?(?P<u3>[12])))"
    r"(?![A-Za-z0-9_])"
)
_OWN = re.compile(r"(?<![A-Za-z0-9])w_?\{?[5-8]|(?:net|out|target)_?\{?[ho]_?\{?[12]")
"""The names by which a line is recognized."""
_TOTAL = re.compile(r"E_(?:\{\s*(?:total|\\text\{total\})\s*\}|total)")
_WHOLE: Mapping[tuple[str, str], str] = {
    **{("net", "h"): "z_h", ("net", "o"): "z_o", ("out", "h"): "a_h", ("out", "o"): "a_o"},
}


def numbered_verdict(line: str, marker: EquationMarker, names: Vocabulary) -> LineVerdict | None:
    """Return the verdict on a line in Mazur's names, None for any other line or network."""
    context = marker.context
    if not _is_of_mazur(context) or names.convention != OWN or _OWN.search(line) is None:
        return None
    lookup = _Units(names)
    text = _TOTAL.sub("Loss", line.replace("\\delta", "δ").replace("\\partial", "∂ "))
    text = _NAME.sub(lookup.numbered, text)
    here = EquationMarker(context, marker.constants)
    here.examples = [
        Example(context, dict.fromkeys(each.sizes, 2), each.seed) for each in marker.examples
    ]
    try:
        return entries_verdict(line, parse(text, lookup), here, lookup)
    except Refusal:
        return None


def _is_of_mazur(context: MarkingContext) -> bool:
    network = context.network
    if context.batch or not network.is_dense or tuple(network.layers) != (2, 2, 2):
        return False
    functions = {each.function.name for each in applied_activations(network)}
    return functions == {"sigmoid"} and network.loss.name in ("half_mse", "mse")


class _Units(EntryNames):
    """The names of a line, each of which is one number: a unit's value or a weight."""

    def __init__(self, names: Vocabulary) -> None:
        super().__init__(names)
        self.units: list[tuple[Quantity, tuple[int, ...]]] = []
        """What the names of the line are: a quantity of the network and the positions in it."""
        self.slopes: dict[Quantity, tuple[Quantity, tuple[int, ...]] | None] = {}
        """Which number a factor such as ∂net_o1/∂w5 is, None for the slope of a unit."""
        self.at: dict[Quantity, tuple[int, ...]] = {}

    def numbered(self, match: re.Match[str]) -> str:
        """Return the name with its number in the line in place of a name of Mazur's."""
        if match["weight"]:
            number = int(match["n1"] or match["n2"]) - 1
            whole = self._known("W_ih" if number < 4 else "W_ho")
            whole = whole.updated if match["new"] else whole
            self.units.append((whole, (number % 2, number % 4 // 2)))
        elif match["input"]:
            self.units.append((INPUTS, (int(match["i1"] or match["i2"]) - 1,)))
        else:
            layer = match["l1"] or match["l2"]
            unit = int(match["u1"] or match["u2"] or match["u3"]) - 1
            self.units.append((self._of(match["kind"], layer), (unit,)))
        return f" q_{{ix{len(self.units) - 1}}} "

    def _of(self, kind: str, layer: str) -> Quantity:
        if kind == "target" and layer == "o":
            return TARGETS
        if kind in ("δ", "delta"):
            return cotangent(self._known(f"z_{layer}"))
        return self._known(_WHOLE.get((kind, layer), kind))

    def _known(self, name: str) -> Quantity:
        found = self.names.quantity(name)
        if found is None:
            raise Refusal("unknown", kind="name", name=(name,), known=())
        return found

    def quantity(self, text: str) -> Quantity | None:
        """Return the entry with a name, or the quantity of another name."""
        match = NUMBERED.search(text)
        if match is None:
            return self.names.quantity(text)
        return self._entry(*self.units[int(match[1])])

    def _entry(self, whole: Quantity, at: tuple[int, ...]) -> Quantity:
        ends = "".join(str(position + 1) for position in at)
        found = self.entry(whole.plain if whole.is_updated else whole, f"{whole.plain}{ends}", "")
        self.at[found] = self.at[found.updated] = at
        return found.updated if whole.is_updated else found

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the number that ∂Loss/∂below or a factor of the chain is."""
        match = NUMBERED.search(below)
        if match is None:
            return self.names.loss_derivative(above, below)
        under, at = self.units[int(match[1])]
        over = NUMBERED.search(above)
        if over is None:
            is_loss = self.names.differentiable(above) == LOSS
            return self._entry(cotangent(under), at) if is_loss else None
        top, unit = self.units[int(over[1])]
        return self._factor(top, unit, under, at)

    def _factor(
        self, top: Quantity, unit: tuple[int, ...], under: Quantity, at: tuple[int, ...]
    ) -> Quantity | None:
        """Return ∂out/∂net, ∂net/∂w or ∂net/∂out of units that are connected, else None."""
        first, second = self._known("W_ih"), self._known("W_ho")
        layers = {"z_h": (INPUTS, first), "z_o": (self._known("a_h"), second)}
        value: tuple[Quantity, tuple[int, ...]] | None = None
        if top.symbol in layers:
            below, weights = layers[top.symbol]
            if under == weights and at[1] == unit[0]:
                value = below, at[:1]
            elif under == below:
                value = weights, (at[0], unit[0])
            else:
                return None
        elif not (top.symbol[0] == "a" and under.symbol == f"z{top.symbol[1:]}" and unit == at):
            return None
        ends = "".join(str(position + 1) for position in at)
        found = Quantity(f"∂{top}{unit[0] + 1}/∂{under}{ends}", Role.PARTIAL)
        self.slopes[found] = value
        self.at[found] = unit
        self.found[found] = (top if value is None else value[0], "")
        return found

    def values(self, example: Example) -> dict[Quantity, FloatArray]:
        """Return the number of each name."""
        found: dict[Quantity, FloatArray] = {}
        for entry, (whole, _) in self.found.items():
            if whole not in example.values.values:
                continue
            of, at = whole, self.at[entry]
            if entry in self.slopes:
                of, at = self.slopes[entry] or (whole, at)
            value = example.values.values[of]
            if len(at) == 1:
                value = np.ravel(value)
            elif example.context.layout == "columns":
                value = value.T
            number = np.asarray(value[at])
            is_slope = entry in self.slopes and self.slopes[entry] is None
            found[entry] = number * (1 - number) if is_slope else number
        return found
