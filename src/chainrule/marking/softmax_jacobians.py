"""The derivatives of softmax, where every output depends on every sum: ∂a_i/∂z_j = a_i(δ_ij − a_j).

Both letters stand for units of the one layer, and δ_ij is 1 where they are equal.  In matrix form
the derivative is diag(a) − a aᵀ of one sample.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.formulas.expressions import Apply, Symbol
from chainrule.language.refusals import Refusal
from chainrule.marking.equation_sequence import EquationMarker
from chainrule.marking.examples import Example
from chainrule.marking.index_entries import NUMBERED, EntryNames, entries_verdict, over_letters
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import parse
from chainrule.marking.quantities import Quantity, Role
from chainrule.marking.verdict_messages import MessagePart
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary

_LETTERS = "ijklm"
_OUTPUTS = r"a|p|s|S|y|o|q|f|σ|\\sigma|ŷ|\\hat\s*\{?\s*y\s*\}?|\\hat\s*\{?\s*p\s*\}?|y_hat|p_hat"
_SUMS = r"z|x|net|s|o|u|v|h"
_INDEX = rf"\s*_\s*\{{?\s*([{_LETTERS}])\s*\}}?"
_LEFT = re.compile(
    rf"\s*(?:\\d?frac\s*\{{\s*(?:∂|\\partial)\s*({_OUTPUTS}){_INDEX}\s*\}}\s*"
    rf"\{{\s*(?:∂|\\partial)\s*({_SUMS}){_INDEX}\s*\}}"
    rf"|(?:∂|\\partial)\s*({_OUTPUTS}){_INDEX}\s*/\s*(?:∂|\\partial)\s*({_SUMS}){_INDEX})\s*=(?!=)"
)
"""∂a_i/∂z_j of the left side: both letters, and what they are of."""
_SPACED = r"\s*,?\s*"
_KRONECKER = re.compile(
    rf"(?:δ|\\delta|delta|I)\s*_\s*(?:\{{\s*([{_LETTERS}]){_SPACED}([{_LETTERS}])\s*\}}"
    rf"|([{_LETTERS}])([{_LETTERS}])(?![A-Za-z0-9_]))"
)


_SUM_LETTER = re.compile(rf"(?:\\sum|[Σ∑])\s*_\s*\{{?\s*([{_LETTERS}])")


def jacobian_verdict(line: str, marker: EquationMarker, names: Vocabulary) -> LineVerdict | None:
    """Return the verdict on the derivative of softmax in index form, None for any other line."""
    match = _LEFT.match(line)
    symbols = softmax_symbols(marker.context)
    if match is None or symbols is None or marker.context.batch:
        return None
    above, first, below, second = filter(None, match.groups())
    lookup = _JacobianNames(names, symbols)

    def numbered(kind: str, letters: str) -> str:
        lookup.entries.append((kind, letters))
        return f"q_{{ix{len(lookup.entries) - 1}}}"

    left, text = numbered("slope", first + second), line[match.end() :]
    sums = _SUM_LETTER.findall(text)
    text = _KRONECKER.sub(lambda each: numbered("equal", re.sub("[^a-z]", "", each[0])[-2:]), text)
    for stem, kind in ((above, "a"), (below, "z")):
        name = rf"(?<![A-Za-z\\])(?:{re.escape(stem)}){_INDEX}(?![A-Za-z0-9_])"
        text = re.sub(name, partial(_numbered_entry, numbered, kind), text)
    lookup.order = tuple(sorted({*sums, *(each for _, own in lookup.entries for each in own)}))
    ranks = {letter: rank for rank, letter in enumerate(lookup.order)}
    try:
        equations = parse(f"{left} = {text}", lookup, sum_axes=ranks)
        verdict = entries_verdict(line, equations, marker, lookup)
    except Refusal:
        return None
    return verdict if verdict is None or verdict.correct else _named(verdict, first, second)


def _named(verdict: LineVerdict, first: str, second: str) -> LineVerdict:
    """Return the verdict on a line that is right only where the letters are equal, or differ."""
    found, expected = verdict.numbers.get("found"), verdict.numbers.get("expected")
    if not (isinstance(found, np.ndarray) and isinstance(expected, np.ndarray)):
        return verdict
    if first == second or np.shape(found) != np.shape(expected) or np.ndim(expected) != 2:
        return verdict
    is_equal = np.eye(len(expected), dtype=bool)
    close = np.isclose(found, expected, rtol=1e-9, atol=0)
    key = "index_equal" if close[is_equal].all() else "index_unequal"
    if not close[is_equal].all() and not close[~is_equal].all():
        return verdict
    part = MessagePart(key, {"first": first, "second": second})
    parts = (part, *verdict.message_parts[-1:])
    return replace(verdict, kind="index", repaired="", message_parts=parts)


def _numbered_entry(numbered: Callable[[str, str], str], kind: str, match: re.Match[str]) -> str:
    return numbered(kind, match[1])


def softmax_symbols(context: MarkingContext) -> tuple[Symbol, Symbol] | None:
    """Return a and z of the last layer that ties its outputs together, None without one."""
    for equation in reversed(context.gradients.formulation.equations):
        right = equation.right
        if isinstance(right, Apply) and getattr(right.function, "slope", right) is None:
            (argument,) = right.arguments
            if isinstance(argument, Symbol):
                return equation.left, argument
    return None


class _JacobianNames(EntryNames):
    """The names of a line in which all letters stand for units of the layer with softmax."""

    def __init__(self, names: Vocabulary, symbols: tuple[Symbol, Symbol]) -> None:
        super().__init__(names)
        self.symbols = symbols
        self.entries: list[tuple[str, str]] = []
        """The kind (slope, equal, a, z) and the letters of each entry of the line."""
        self.order: tuple[str, ...] = ()
        self.kinds: dict[Quantity, str] = {}

    def quantity(self, text: str) -> Quantity | None:
        """Return the entry with a name, or the quantity of another name."""
        match = NUMBERED.search(text)
        if match is None:
            return self.names.quantity(text)
        kind, letters = self.entries[int(match[1])]
        spelled = {"slope": "∂a_{}/∂z_{}", "equal": "δ_{}{}", "a": "a_{}", "z": "z_{}"}[kind]
        found = Quantity(spelled.format(*letters), Role.ACTIVATION)
        self.found[found] = (found, letters)
        self.kinds[found] = kind
        return found

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the quantity of another name."""
        return self.names.loss_derivative(above, below)

    def values(self, example: Example) -> dict[Quantity, FloatArray]:
        """Return the entries' values, with an axis for each letter of the line."""
        above, below = self.symbols
        slopes = example.jacobian(above, below)
        whole = {
            "slope": slopes,
            "equal": np.eye(len(slopes)),
            "a": example.vector(above),
            "z": example.vector(below),
        }
        found: dict[Quantity, FloatArray] = {}
        for entry, (_, letters) in self.found.items():
            value = whole[self.kinds[entry]]
            own = "".join(dict.fromkeys(letters))
            if len(own) < len(letters):
                value = np.diagonal(value)  # ∂a_i/∂z_i
            found[entry] = over_letters(value, own, self.order)
        return found
