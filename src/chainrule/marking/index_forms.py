"""Lines in index form: δ_j = a_j (1 − a_j) Σ_k w_jk δ_k, for one sample.

A letter stands for the units of one layer.  Each way of giving layers to the letters, in their
alphabetical order, in which all names exist is a reading; the line is right if it is in each.
Every name becomes an array with one axis for each letter, so that products are entrywise.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.language.refusals import Refusal
from chainrule.marking.convention_names import delta_of
from chainrule.marking.equation_sequence import EquationMarker
from chainrule.marking.examples import Example
from chainrule.marking.index_entries import NUMBERED, EntryNames, entries_verdict, over_letters
from chainrule.marking.labeled_indices import labeled_verdict
from chainrule.marking.parser import parse
from chainrule.marking.quantities import (
    INPUTS,
    LOSS,
    TARGETS,
    Quantity,
    Role,
    cotangent,
    outputs,
)
from chainrule.marking.softmax_jacobians import jacobian_verdict
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary

_STATED = re.compile(r"\d[)\]]?\}?$")
_EQUALS = re.compile(r"=|←|\\(?:leftarrow|gets|to|mapsto)\b|<-")
_STATED_AS = {"y_hat": "ŷ"}
_SHORT = {"o": "a", "out": "a", "O": "a", "h": "a", "net": "z", "v": "v"}
MAX_LETTERS = 4
MAX_READINGS = 400
"""The most ways of giving layers to letters: each of them is marked."""
_USUAL_LETTERS = "ijklm"


@lru_cache(maxsize=16)
def _indexed(known: str) -> re.Pattern[str]:
    """Return what matches _{jk}, _k and _{o,k}: a label and letters."""
    return re.compile(
        rf"_\{{\s*(?:([a-z]{{1,2}}|\d)\s*,)?\s*([{known}]{{1,2}})\s*\}}|_([{known}])(?![A-Za-z0-9_])"
        rf"|(?<=[A-Za-zδΔα-ω])_([{known}]{{2}})(?![A-Za-z0-9_])"
    )


def index_verdict(line: str, marker: EquationMarker, names: Vocabulary) -> LineVerdict | None:
    """Return the verdict on a line in index form, None for any other line."""
    found = labeled_verdict(line, marker, names) or jacobian_verdict(line, marker, names)
    if found is not None:
        return found
    letters: list[str] = []
    befores: list[str] = []
    starts: list[int] = []

    def numbered(match: re.Match[str]) -> str:
        starts.append(match.start())
        befores.append(line[: match.start()] + (match[1] or ""))
        letters.append(match[2] or match[3] or match[4])
        label = f"{match[1]}_" if match[1] else ""
        return f"_{{{label}ix{len(letters) - 1}}}"

    allowed = "".join({*names.convention.indices, *_USUAL_LETTERS})
    sum_of = r"(?:\\sum|[Σ∑])\s*_\{?\s*([a-z])\b[^}\s]*\}?"
    sums = {match.start(): match for match in re.finditer(sum_of, line)}
    pieces, end = [], 0
    for match in _indexed(allowed).finditer(line):
        if any(start <= match.start() < each.end() for start, each in sums.items()):
            continue
        if _is_length(line[: match.start()], match[0].strip("_{} "), names):
            continue
        pieces += [line[end : match.start()], numbered(match)]
        end = match.end()
    used = sorted({*"".join(letters), *(match[1] for match in sums.values())})
    context = marker.context
    if not letters:
        return None
    tried: list[LineVerdict | None] = []
    layers = len(context.network.layers) if context.network.is_dense else 0
    count = math.perm(layers, len(used))
    is_possible = len(used) <= MAX_LETTERS and count <= MAX_READINGS
    is_possible = is_possible and not (context.batch or context.rule.letters)
    if is_possible and context.network.is_dense:
        text = "".join(pieces) + line[end:]
        readings = _readings(used, letters, befores, marker, names)
        tried = _tried(readings, line, text)
    verdicts = [verdict for verdict in tried if verdict is not None]
    summed = {match[1] for match in sums.values()}
    sign = _EQUALS.search(line)
    is_entry = sign is not None and any(start < sign.start() for start in starts)
    free = set("".join(letters)) if is_entry else set("".join(letters)) - summed
    if not verdicts and (len(used) > 1 if is_entry else free):
        raise Refusal("index_letters", text=", ".join(used))
    return next((each for each in verdicts if not each.correct), verdicts[-1] if verdicts else None)


def _tried(readings: Iterable["_Reading"], line: str, text: str) -> list[LineVerdict | None]:
    """Return the verdicts in all readings; a line that one of them refuses is refused."""
    found: list[LineVerdict | None] = []
    refusals: list[Refusal] = []
    for reading in readings:
        try:
            found.append(reading.verdict(line, text))
        except Refusal as refusal:
            refusals.append(refusal)
    if refusals:  # the one that says what to write
        raise next((each for each in refusals if each.key == "index_left"), refusals[0])
    return found


def _is_length(before: str, letters: str, names: Vocabulary) -> bool:
    """Return whether letters belong to the length of an axis, as in n_i."""
    quantity = names.quantity(f"n_{letters}")
    is_constant = quantity is not None and quantity.role is Role.CONSTANT
    return is_constant and re.search(r"(?<![A-Za-z0-9_])n$", before) is not None


def _readings(
    used: Sequence[str],
    letters: Sequence[str],
    befores: Sequence[str],
    marker: EquationMarker,
    names: Vocabulary,
) -> Iterator["_Reading"]:
    stated = names.convention.indices
    layers = len(marker.context.network.layers)
    if stated and len(stated) == layers and set(used) <= set(stated):
        yield _Reading({letter: stated.index(letter) for letter in used}, letters, marker, names)
        return
    # Where every name states its layer, as in w^l_jk, letters may have any order.
    is_stated = all(_STATED.search(each) for each in befores)
    for chosen in (permutations if is_stated else combinations)(range(layers), len(used)):
        yield _Reading(dict(zip(used, chosen, strict=True)), letters, marker, names)


@dataclass(frozen=True, eq=False)
class _Reading:
    """The layer of each letter, and the names of a line in it."""

    layers: Mapping[str, int]
    letters: Sequence[str]
    marker: EquationMarker
    names: Vocabulary

    def verdict(self, line: str, text: str) -> LineVerdict | None:
        """Return the verdict, None where a name does not exist in this reading."""
        lookup = _IndexNames(self)
        axes = {letter: index for index, letter in enumerate(self.layers)}
        try:
            equations = parse(text, lookup, sum_axes=axes)
        except Refusal:
            return None
        return entries_verdict(line, equations, self.marker, lookup)


class _IndexNames(EntryNames):
    """The names of a line in index form; other names are those of the vocabulary."""

    def __init__(self, reading: _Reading) -> None:
        super().__init__(reading.names)
        self.reading = reading

    def quantity(self, text: str) -> Quantity | None:
        """Return the entry with a name, or the quantity of another name."""
        match = NUMBERED.search(text)
        if match is None:
            return self.names.quantity(text)
        letters = self.reading.letters[int(match[1])]
        whole = self._whole(text[: match.start()], letters)
        if whole is None or not self._has_axes(whole, letters):
            return None
        return self.entry(whole, f"{text[: match.start()]}_{letters}", letters)

    @property
    def ranked(self) -> Sequence[str]:
        """The letters of the line, in the order of the axes of its values."""
        return list(self.reading.layers)

    def letters_of(self, whole: Quantity) -> str:
        """Return the letters that an entry of a quantity has in this reading."""
        axes = self._axes(whole) or ()
        letters = {layer: letter for letter, layer in self.reading.layers.items()}
        if not set(axes) <= set(letters):
            return ""
        found = "".join(letters[axis] for axis in axes)
        return found[::-1] if self._is_to_from else found

    def _whole(self, stem: str, letters: str) -> Quantity | None:
        """Return the quantity of the network that a name with these letters is an entry of."""
        known = self.names.quantity(stem)
        if known is not None and (re.search("[_0-9]", stem) or known == TARGETS):
            return known
        stated = dict(self.names.convention.own_names).get(_STATED_AS.get(stem, stem).lstrip("Δ"))
        if known is not None and stated is not None and stated not in ("z", "a", "W", "b"):
            return known
        layer = max(self.reading.layers[letter] for letter in letters)
        number = layer + self.names.convention.input_layer
        short = _SHORT.get(stem, stem)
        for start in (stem, short):
            found = self.names.quantity(f"{start}_{number}")
            if found is not None:
                return found
        if short == "a" and layer == 0:
            return INPUTS
        return known

    def _has_axes(self, whole: Quantity, letters: str) -> bool:
        layers = [self.reading.layers[letter] for letter in letters]
        own = self._axes(whole)
        if own is not None and len(own) == 2 and self._is_to_from:
            own = own[::-1]
        return own is not None and layers == list(own)

    @property
    def _is_to_from(self) -> bool:
        """Whether weights have the letter of the layer that they lead to first."""
        stated = self.names.convention
        if stated.name or stated.indices:
            return stated.weight_indices == "to_from"
        return self.reading.marker.context.layout == "columns"

    def _axes(self, whole: Quantity) -> tuple[int, ...] | None:
        """Return the layers that a quantity has axes for: from and to of weights, or one."""
        base = whole.plain
        base = base.of if base.of is not None else base
        count = len(self.names.network.layers)
        if base == TARGETS:
            return (count - 1,)
        if base == INPUTS:
            return (0,)
        for layer in range(1, count):
            number = layer + self.names.convention.input_layer
            total = self.names.quantity(f"z_{number}")
            if total is not None and base == delta_of(self.names.convention, total):
                return (layer,)
            if base in [self.names.quantity(f"{letter}_{number}") for letter in "zab"]:
                return (layer,)
            weights = number - (self.names.convention.weights_numbered == "from")
            if self.names.quantity(f"W_{weights}") == base:
                return (layer - 1, layer)
        return (count - 1,) if base == outputs(self.names.network)[0] else None

    def values(self, example: Example) -> dict[Quantity, FloatArray]:
        """Return the entries' values, with an axis for each letter of the line."""
        found: dict[Quantity, FloatArray] = {}
        for entry, (whole, letters) in self.found.items():
            if whole not in example.values.values:
                continue
            value = example.values.values[whole]
            axes = self._axes(whole)
            assert axes is not None
            if len(axes) == 2:
                value = value if example.context.layout == "rows" else value.T
                own = {layer: axis for axis, layer in enumerate(axes)}
                positions = [own[self.reading.layers[letter]] for letter in letters]
                value = np.transpose(value, positions)
            else:
                value = np.ravel(value)
            found[entry] = over_letters(value, letters, list(self.reading.layers))
        return found

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the entry of ∂Loss/∂below."""
        if not NUMBERED.search(below) or self.names.differentiable(above) != LOSS:
            return self.names.loss_derivative(above, below)
        entry = self.quantity(below)
        if entry is None:
            return None
        whole, letters = self.found[entry]
        return self.entry(cotangent(whole), f"∂{LOSS}/∂{entry}", letters)
