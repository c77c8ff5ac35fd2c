"""Lines in index form whose names say their layer, as in z_1j = Σ_{i=1}^{n_i} x_i w_1,ij + b_1j.

These are the names of derivations.  Every name says which axes its letters stand for, so there is
one reading: a letter has one axis in the whole line.  A factor such as ∂a_3m/∂z_3l is an entry of
the matrix of all derivatives, so that chains are sums of products, for every layer and function.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.render.expression_writer import small
from chainrule.language.refusals import Refusal
from chainrule.marking.equation_sequence import EquationMarker
from chainrule.marking.examples import Example
from chainrule.marking.index_entries import (
    NUMBERED,
    EntryNames,
    entries_verdict,
    is_number,
    over_letters,
)
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import ParsedEquation, parse
from chainrule.marking.quantities import LOSS, Quantity, Role, cotangent, partial
from chainrule.marking.stated_conventions import OWN
from chainrule.marking.syntax import Binary, Call, Reduction, Transposed, nodes
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary

MAX_LETTERS = 6
"""The most letters of a line: each is an axis of the arrays."""
_LETTERS = "ijklmpqrstuvw"
_GREEK = {
    **{"δ": r"\\delta|delta", "γ": r"\\gamma|gamma", "μ": r"\\mu|mu", "β": r"\\beta|beta"},
    **{"ε": r"\\varepsilon|\\epsilon|epsilon", "ω": r"\\omega|omega", "φ": r"\\varphi|\\phi|phi"},
    **{"θ": r"\\theta|theta", "λ": r"\\lambda|lambda", "ρ": r"\\rho|rho"},
}
_OF_MATRICES = ("outer", "norm", "len", "shape0", "shape1", "size", "column", "row", "ones")
_OF_PROGRAMS = re.compile(r"\b(?:np|torch|sum|mean|axis|dot|self)\b|@")
_SUM = re.compile(
    rf"(?:\\sum|[Σ∑])\s*_\s*(?:\{{\s*([{_LETTERS}])\s*(?:=\s*1\s*)?\}}|([{_LETTERS}])(?![A-Za-z0-9_]))"
    r"(?:\s*\^\s*(?:\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}|(\w+)))?"
)
"""Σ_{j=1}^{n_h}, Σ_j."""


@dataclass(frozen=True, eq=False)
class _Named:
    """What a name with letters is: a quantity, with the axes of its letters in order."""

    quantity: Quantity
    symbol: Symbol
    axes: tuple[Axis, ...]


@lru_cache(maxsize=64)
def _named(context: MarkingContext) -> tuple[tuple[str, _Named], ...]:
    """Return the names of one entry, without its letters, of everything that has axes."""
    formulation = context.gradients.formulation
    known = context.quantities
    first = formulation.same_axes
    is_alone = context.network.is_dense and len(context.network.layers) == 2
    found: dict[tuple[str, int], _Named] = {}  # s_1i and s_1,ij are two things
    computed = [equation.left for equation in formulation.equations]
    for symbol in (*formulation.inputs, *formulation.parameters, *computed):
        quantity = known.get(symbol.name)
        if quantity is None or not symbol.axes:
            continue
        axes = tuple(first.get(axis, axis) for axis in symbol.axes)
        names = [symbol.name]
        if symbol in formulation.deltas:
            key = formulation.cotangent(symbol).name, len(axes)
            found[key] = _Named(cotangent(quantity), symbol, axes)
            names += [f"δ_{symbol.name[2:]}"]
        for name in names:
            of = cotangent(quantity) if name[0] == "δ" else quantity
            found.setdefault((small(name), len(axes)), _Named(of, symbol, axes))
            if is_alone and "_" in name and quantity.role is not Role.INPUT:
                letter = small(name).partition("_")[0]
                found.setdefault((letter, len(axes)), _Named(of, symbol, axes))
    return tuple((name, named) for (name, _), named in found.items())


@lru_cache(maxsize=64)
def _pattern(context: MarkingContext) -> re.Pattern[str]:
    """Return what matches a name with its letters: the number of the name is its group's."""
    parts = []
    for name, named in _named(context):
        letter, _, label = name.partition("_")
        start = _GREEK.get(letter, "") and f"{letter}|{_GREEK[letter]}"
        if not start:
            start = f"{letter}|{letter.upper()}" if letter.isascii() else re.escape(letter)
        index = rf"([{_LETTERS}](?:\s*,?\s*[{_LETTERS}]){{{len(named.axes) - 1}}})"
        label = f"{re.escape(label)}" if label else ""
        comma = r"\s*,?\s*" if label else ""
        inside = rf"\{{\s*{label}{comma}{index}\s*\}}|{label}{comma}{index}(?![A-Za-z0-9_])"
        parts.append(rf"(?:{start})\s?_\s?(?:{inside})")
    return re.compile(r"(?<![A-Za-z0-9_α-ωΑ-ΩΔ∇])(?:" + "|".join(parts) + ")")


def labeled_verdict(line: str, marker: EquationMarker, names: Vocabulary) -> LineVerdict | None:
    """Return the verdict on a line in index form with labeled names, None for any other line."""
    context = marker.context
    if context.batch or names.convention != OWN or context.network.needs_batch:
        return None
    entries: list[tuple[_Named, str]] = []
    known = [named for _, named in _named(context)]

    def numbered(match: re.Match[str]) -> str:
        group = next(i for i, text in enumerate(match.groups()) if text is not None)
        letters = re.sub(r"[\s,]", "", match.groups()[group])
        entries.append((known[group // 2], letters))
        return f"q_{{ix{len(entries) - 1}}}"

    if "_" not in line or not known:
        return None
    sums = [(match[1] or match[2], match[3] or match[4]) for match in _SUM.finditer(line)]
    text = _SUM.sub(lambda match: f"Σ_{match[1] or match[2]} ", line)
    text = _pattern(context).sub(numbered, text)
    if not entries or _OF_PROGRAMS.search(text):
        return None
    for is_reversed in (False, True) if context.layout == "columns" else (False,):
        axes = _axes_of_letters(entries, is_reversed)
        if axes is None or len(axes) > MAX_LETTERS or not {letter for letter, _ in sums} <= {*axes}:
            continue
        lookup = _LabeledNames(names, context, entries, tuple(axes), is_reversed)
        ranks = {letter: rank for rank, letter in enumerate(axes)}
        try:
            equations = parse(text, lookup, sum_axes=ranks)
            is_entry = all(map(lookup.is_read, equations))
            verdict = entries_verdict(line, equations, marker, lookup) if is_entry else None
        except Refusal:
            continue
        if verdict is not None:
            _check_limits(sums, axes, context)
            return verdict
    return None


def _axes_of_letters(
    entries: Sequence[tuple[_Named, str]], is_reversed: bool
) -> dict[str, Axis] | None:
    """Return the one axis of each letter, None where a letter would have two."""
    found: dict[str, Axis] = {}
    for named, letters in entries:
        axes = named.axes[::-1] if is_reversed else named.axes
        if len({*letters}) < len(letters):
            return None
        for letter, axis in zip(letters, axes, strict=True):
            if found.setdefault(letter, axis) != axis:
                return None
    return found


def _check_limits(
    sums: Sequence[tuple[str, str | None]], axes: Mapping[str, Axis], context: MarkingContext
) -> None:
    """Raise ``Refusal`` for a sum to the length of another axis than that of its letter."""
    same = context.gradients.formulation.same_axes
    lengths = {axis.size: same.get(axis, axis) for axis in context.network.sizes}
    for letter, limit in sums:
        written = re.sub(r"[{}\s]", "", limit or "")
        ended = lengths.get(written) or lengths.get(re.sub(r"_(?=\d)", "", written))
        if ended is not None and ended != axes[letter]:
            raise Refusal("sum_limit", text=(letter,), limit=(written,), size=(axes[letter].size,))


class _LabeledNames(EntryNames):
    """The names of a line whose letters have these axes."""

    def __init__(
        self,
        names: Vocabulary,
        context: MarkingContext,
        entries: Sequence[tuple[_Named, str]],
        letters: tuple[str, ...],
        is_reversed: bool,
    ) -> None:
        super().__init__(names)
        self.context, self.entries, self.letters = context, entries, letters
        self.is_reversed = is_reversed
        formulation = context.gradients.formulation
        symbols = (*formulation.parameters, *(each.left for each in formulation.equations))
        self.scalars = {
            known: symbol
            for symbol in symbols
            if not symbol.axes
            for known in [context.quantities.get(symbol.name)]
            if known is not None and known.role is not Role.LOSS
        }
        self.slopes: dict[Quantity, tuple[Symbol, str, Symbol, str]] = {}
        """The entries of derivatives ∂above/∂below: both symbols, each with its letters."""

    @property
    def ranked(self) -> Sequence[str]:
        """The letters of the line, in the order of the axes of its values."""
        return self.letters

    def quantity(self, text: str) -> Quantity | None:
        """Return the entry with a name, or the quantity of another name."""
        match = NUMBERED.search(text)
        if match is None:
            found = self.names.quantity(text)
            if found in self.scalars:
                self.found[found] = (found, "")
            return found
        named, letters = self.entries[int(match[1])]
        name = _spelled(named)
        mark = ("," if len(letters) > 1 else "") if "_" in name else "_"
        return self.entry(named.quantity, f"{name}{mark}{letters}", letters)

    def is_read(self, equation: ParsedEquation) -> bool:
        """Return whether an equation is one of entries, without operations on whole matrices."""
        left = equation.left.quantity
        if left not in self.found and not is_number(left):
            return False
        return not any(
            isinstance(node, Transposed)
            or (isinstance(node, Reduction) and not isinstance(node.axis, int))
            or (isinstance(node, Binary) and node.operation == "matrix")
            or (isinstance(node, Call) and node.function in _OF_MATRICES)
            for tree in equation.rights
            for node in nodes(tree)
        )

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the entry of ∂Loss/∂below or of ∂above/∂below."""
        entry = self.quantity(below)
        if entry not in self.found:
            return self.names.loss_derivative(above, below)
        whole, letters = self.found[entry]
        if self.names.differentiable(above) == LOSS:
            return self.entry(cotangent(whole), f"∂{LOSS}/∂{entry}", letters)
        over = self.quantity(above)
        if over not in self.found:
            return None
        ends = (self._symbol(above, over), self._symbol(below, entry))
        if None in ends:
            return None
        found = Quantity(partial(over, entry).symbol, Role.PARTIAL)
        (top, top_letters), (bottom, bottom_letters) = ends  # type: ignore[misc]
        self.slopes[found] = (top, top_letters, bottom, bottom_letters)
        self.found[found] = (found, "")
        return found

    def _symbol(self, text: str, quantity: Quantity) -> tuple[Symbol, str] | None:
        match = NUMBERED.search(text)
        if match is None:
            return (self.scalars[quantity], "") if quantity in self.scalars else None
        named, letters = self.entries[int(match[1])]
        return (named.symbol, letters) if named.quantity.of is None else None

    def values(self, example: Example) -> dict[Quantity, FloatArray]:
        """Return the entries' values, with an axis for each letter of the line."""
        found: dict[Quantity, FloatArray] = {}
        for entry, (whole, letters) in self.found.items():
            if entry in self.slopes:
                above, top, below, bottom = self.slopes[entry]
                value = example.jacobian(above, below)
                both = "".join(dict.fromkeys(top + bottom))
                value = np.einsum(f"{self._own(top)}{self._own(bottom)}->{both}", value)
                found[entry] = over_letters(value, both, self.letters)
            elif whole in example.values.values:
                value = example.values.values[whole]
                if len(letters) == 2:
                    value = value if example.context.layout == "rows" else value.T
                    value = value.T if self.is_reversed else value
                else:
                    value = np.ravel(value) if letters else np.reshape(value, ())
                found[entry] = over_letters(value, letters, self.letters)
        return found

    def _own(self, letters: str) -> str:
        return letters[::-1] if self.is_reversed else letters


def _spelled(named: _Named) -> str:
    """Return the name of an entry as derivations print it, without letters."""
    return small(str(named.quantity))
