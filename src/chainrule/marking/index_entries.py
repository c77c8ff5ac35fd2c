"""What all index forms share: names of entries, their values, the verdict on equations of them.

Every entry becomes an array with one axis for each letter of the line, so that products of entries
are products of arrays that broadcast.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.language.refusals import Refusal
from chainrule.marking.equation_sequence import EquationMarker
from chainrule.marking.evaluator import ExampleValues
from chainrule.marking.examples import Example
from chainrule.marking.grammar import ActivationName
from chainrule.marking.parser import ParsedEquation
from chainrule.marking.quantities import Quantity, Role, applied_activations
from chainrule.marking.syntax import (
    Binary,
    Constant,
    Name,
    PartialDerivative,
    Reduction,
    Tree,
    Vector,
    children,
    nodes,
    with_children,
)
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary

NUMBERED = re.compile(r"_ix(\d+)$")
"""The end of a name in place of an entry's letters: the number of the entry in the line."""


class EntryNames(ABC):
    """The names of a line in index form; other names are those of the vocabulary."""

    def __init__(self, names: Vocabulary) -> None:
        self.names = names
        self.found: dict[Quantity, tuple[Quantity, str]] = {}
        """The entries of the line, each with the quantity of the network and its letters."""

    @abstractmethod
    def quantity(self, text: str) -> Quantity | None:
        """Return the entry with a name, or the quantity of another name."""

    @abstractmethod
    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the entry of ∂Loss/∂below."""

    @abstractmethod
    def values(self, example: Example) -> dict[Quantity, FloatArray]:
        """Return the entries' values, with an axis for each letter of the line."""

    @property
    def ranked(self) -> Sequence[str]:
        """The letters of the line, in the order of the axes of its values; none in scalars."""
        return ()

    def letters_of(self, whole: Quantity) -> str:
        """Return the letters that an entry of a quantity has in this line, '' where unknown."""
        return ""

    def entry(self, whole: Quantity, symbol: str, letters: str) -> Quantity:
        """Return the entry of a quantity with these letters."""
        entry = Quantity(symbol, whole.role)
        self.found[entry] = (whole, letters)
        if whole.is_parameter:
            self.found[entry.updated] = (whole.updated, letters)
        return entry

    def differentiable(self, text: str) -> Quantity | None:
        """Return the quantity that is named after ∂ or d."""
        return self.quantity(text) if NUMBERED.search(text) else self.names.differentiable(text)

    def function(self, text: str) -> ActivationName | None:
        """Return the activation with a name."""
        return None if NUMBERED.search(text) else self.names.function(text)

    def needs_layer(self, text: str) -> bool:
        """Return whether a name is one only with the number of a layer."""
        return self.names.needs_layer(text)

    def is_error(self, text: str) -> bool:
        """Return False: errors have no entries here."""
        return False

    def error(self, text: str) -> Quantity | None:
        """Return None: errors have no entries here."""
        return None

    def in_style(self, quantity: Quantity, texts: Sequence[str]) -> str | None:
        """Return None: entries are spelled with their letters."""
        return None

    def unknown(self, text: str) -> Refusal:
        """Return the error for an unknown name, which is not shown: other readings follow."""
        return Refusal("unknown", kind="name", name=(text,), known=())


class _IndexedExample:
    """An example whose quantities are the entries of a line."""

    def __init__(self, example: Example, names: EntryNames) -> None:
        self.example, self.names = example, names
        self.context, self.sizes = example.context, example.sizes
        self.entries: dict[Quantity, Quantity] = {}

    def standing_for(self, other: Example) -> "_IndexedExample":
        """Return another example in the entries of this one."""
        return _IndexedExample(other, self.names)

    @cached_property
    def values(self) -> ExampleValues:
        """The values of the entries, and those of numbers."""
        whole = self.example.values
        numbers = {
            quantity: np.reshape(value, ())
            for quantity, value in whole.values.items()
            if np.ndim(value) == 0 or quantity.role is Role.LOSS
        }
        entries = self.names.values(self.example)
        layers = {
            entry: whole.layers[quantity]
            for entry, (quantity, _) in self.names.found.items()
            if quantity in whole.layers
        }
        return ExampleValues(
            {**numbers, **entries}, layers or whole.layers, 0, {}, whole.slopes_of_outputs
        )


def entries_verdict(
    line: str, equations: Sequence[ParsedEquation], marker: EquationMarker, names: EntryNames
) -> LineVerdict | None:
    """Return the verdict on equations of entries, None where something else occurs in them."""
    for each in equations:
        _check_left(each.left, names)
    trees = [node for each in equations for tree in each.rights for node in nodes(tree)]
    known = {*names.found} | {each.left.quantity for each in equations}
    for node in trees:
        if isinstance(node, PartialDerivative):
            return None
        is_other = isinstance(node, Name) and node.quantity not in known
        if is_other and not is_number(node.quantity):  # type: ignore[attr-defined]
            return None
    entries = EquationMarker(marker.context, marker.constants)
    entries.examples = [_IndexedExample(each, names) for each in marker.examples]  # type: ignore[misc]
    verdict: LineVerdict | None = None
    layers = [_entries_of_layer(equation.left.quantity, names) for equation in equations]
    for equation, layer in zip(equations, layers, strict=True):
        for example in entries.examples:
            example.entries.clear()
            example.entries.update(layer)
        own = names.found.get(equation.left.quantity, (equation.left.quantity, ""))[1]
        rights = tuple(_summed(_entrywise(right), own, names) for right in equation.rights)
        left = replace(equation.left, text=str(equation.left.quantity))
        entry = replace(equation, left=left, rights=rights, style=None)
        verdict = entries.verdict(line, entry)
        if not verdict.correct:
            return replace(verdict, position=None)
    return verdict


def _check_left(left: Name, names: EntryNames) -> None:
    """Refuse a whole layer on the left of a line in index form, z_h = Σ_i x_i w_ij + b_j."""
    quantity = left.quantity
    if quantity in names.found or is_number(quantity) or quantity.is_given:
        return
    letters = names.letters_of(quantity)
    if letters:
        entry = f"{left.text.partition('_')[0]}_{letters}"
        raise Refusal("index_left", text=left.text, entry=entry)


def _summed(tree: Tree, own: str, names: EntryNames) -> Tree:
    """Return a formula with sums that state no letter over the one that the left side lacks."""
    parts = tuple(_summed(part, own, names) for part in children(tree))
    new = with_children(tree, parts) if parts else tree
    if not (isinstance(new, Reduction) and new.axis is None):
        return new
    inside = [node.quantity for node in nodes(new.operand) if isinstance(node, Name)]
    summed = {node.axis for node in nodes(new.operand) if isinstance(node, Reduction)}
    letters = "".join(names.found[quantity][1] for quantity in inside if quantity in names.found)
    free = {
        axis
        for axis, letter in enumerate(names.ranked)
        if letter in letters and letter not in own and axis not in summed
    }
    return replace(new, axis=free.pop()) if len(free) == 1 else new


def is_number(quantity: Quantity) -> bool:
    """Return whether a quantity has no axes: a constant, a loss, or a loss by one of its parts."""
    role = quantity.role if quantity.of is None else quantity.of.role
    return role in (Role.CONSTANT, Role.LOSS)


def _entries_of_layer(left: Quantity, names: EntryNames) -> dict[Quantity, Quantity]:
    """Return z and a of the layer of a δ with its letters, for a slope that the line lacks."""
    whole, letters = names.found.get(left, (left, ""))
    end = str(left).rpartition("∂")[2][1:]
    found: dict[Quantity, Quantity] = {}
    for applied in applied_activations(names.names.network):
        is_delta = whole.role is Role.COTANGENT and whole.of == applied.argument
        if is_delta and letters and applied.argument.role is Role.PRE_ACTIVATION:
            for each in (applied.argument, applied.output):  # of a gate they are z and g
                letter = each.symbol.partition("_")[0]
                found[each] = names.entry(each, f"{letter}{end}", letters)
    return found


def over_letters(value: FloatArray, own: str, letters: Sequence[str]) -> FloatArray:
    """Return an array with the axes ``own`` with one axis for each of ``letters``."""
    ranks = [letters.index(letter) for letter in own]
    value = np.transpose(value, np.argsort(ranks))
    shape = [1] * len(letters)
    for rank, length in zip(sorted(ranks), value.shape, strict=True):
        shape[rank] = length
    return value.reshape(shape)


def _entrywise(tree: Tree) -> Tree:
    """Return a tree whose products are all entrywise, with 1 for ones."""
    if isinstance(tree, Name) and NUMBERED.search(tree.text):
        return replace(tree, text=str(tree.quantity))
    if isinstance(tree, Vector):
        return Constant(1.0, "1", span=tree.span)
    parts = tuple(map(_entrywise, children(tree)))
    new = with_children(tree, parts) if parts else tree
    is_product = isinstance(new, Binary) and new.operation in ("matrix", "product")
    return replace(new, operation="entrywise") if is_product else new  # type: ignore[call-arg]
