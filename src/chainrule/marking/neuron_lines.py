"""Lines about one output neuron in scalars, as derivations begin: z = x w + b, ∂Loss/∂w = δ x.

``x`` is what comes in through one weight ``w``; the loss is this neuron's share.  The names are
those of ``derivation.neuron``.  A line is read so only where all of its names are and where it has
no operation of matrices; it is right or, where it is not, another reading has to say what it is.
"""

import re
from functools import cached_property, lru_cache

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.derivation.neuron import neuron
from chainrule.formulas.differentiate import derivative
from chainrule.formulas.expressions import Expression, symbols
from chainrule.formulas.positional import Entrywise
from chainrule.language.refusals import Refusal
from chainrule.marking.equation_sequence import EquationMarker
from chainrule.marking.examples import Example
from chainrule.marking.index_entries import EntryNames, entries_verdict
from chainrule.marking.parser import parse
from chainrule.marking.quantities import (
    DATA_LOSS,
    INPUTS,
    LOSS,
    TARGETS,
    Quantity,
    Role,
    applied_activations,
    cotangent,
    partial,
)
from chainrule.marking.stated_conventions import OWN
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary
from chainrule.network.architecture import Network
from chainrule.network.gradients import Gradients, differentiate

COUNT = 6
"""How many neurons an example has: their errors are on both sides of a loss's kinks."""
_ROLES = {
    **{"x": Role.INPUT, "w": Role.WEIGHT, "b": Role.BIAS},
    **{"z": Role.PRE_ACTIVATION, "a": Role.ACTIVATION, "y": Role.TARGET},
}
_NAMED = {letter: Quantity(letter, role) for letter, role in _ROLES.items()}
_DELTA = Quantity("δ", Role.COTANGENT, _NAMED["z"])
_OF_MATRICES = re.compile(
    r"[@*ᵀ⊤⊙_A-KM-Z;.Σ∑]|\\(?:sum|top|odot|intercal)\b|\\mathbf|\^\{?T|L(?!oss)"
)
_NUMBERS = re.compile(
    r"\\(?:operatorname|mathrm|left|right|frac|partial|delta|times)\b|DataLoss|(?:\\lambda|λ)_?\{?1?\}?"
)
_WORDS = re.compile(r"(?<![A-Za-z\\])[a-z](?![A-Za-z])")


def neuron_verdict(line: str, marker: EquationMarker, names: Vocabulary) -> LineVerdict | None:
    """Return the verdict on a line that is right for one neuron, None for any other line."""
    network = marker.context.network
    plain = _NUMBERS.sub(" ", line)
    if _OF_MATRICES.search(plain) or not _WORDS.search(plain) or names.convention != OWN:
        return None
    found = _neuron(network) if network.is_dense and len(network.losses) == 1 else None
    if found is None:
        return None
    lookup = _NeuronNames(names, found)
    try:
        verdict = entries_verdict(line, parse(line, lookup), marker, lookup)
    except Refusal:
        return None
    return verdict if verdict is not None and verdict.correct else None


@lru_cache(maxsize=64)
def _neuron(network: Network) -> Gradients | None:
    found = neuron(network)
    return None if found is None else differentiate(found)


class _NeuronNames(EntryNames):
    """The names of one neuron; other names are numbers of the vocabulary."""

    def __init__(self, names: Vocabulary, gradients: Gradients) -> None:
        super().__init__(names)
        self.gradients = gradients
        applied = applied_activations(names.network)[-1]
        whole = {"x": INPUTS, "y": TARGETS, "z": applied.argument, "a": applied.output}
        for letter, quantity in _NAMED.items():
            self.found[quantity] = (whole.get(letter, quantity), "")

    def quantity(self, text: str) -> Quantity | None:
        """Return the quantity of the neuron with a name, or a number's."""
        if text in ("DataLoss", "Data_Loss"):
            self.found[DATA_LOSS] = (DATA_LOSS, "")
            return DATA_LOSS
        if text in ("δ", "delta"):
            self.found[_DELTA] = (_DELTA, "")
            return _DELTA
        found = _NAMED.get(text) or self.names.quantity(text)
        is_known = found in self.found or (found is not None and found.role is Role.CONSTANT)
        return found if is_known or found == LOSS else None

    def differentiable(self, text: str) -> Quantity | None:
        """Return the quantity that is named after ∂ or d."""
        return LOSS if text == "Loss" else _NAMED.get(text)

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return ∂above/∂below, of the loss or of one equation."""
        over, under = self.differentiable(above), self.differentiable(below)
        if over is None or under is None:
            return None
        found = cotangent(under) if over == LOSS else partial(over, under)
        found = _DELTA if found.of == _DELTA.of and over == LOSS else found
        self.found[found] = (found, "")
        return found

    @cached_property
    def slopes(self) -> dict[Quantity, Expression]:
        """The derivatives of z and a by what their equations contain."""
        found: dict[Quantity, Expression] = {}
        for equation in self.gradients.formulation.equations:
            above = _NAMED.get(equation.left.name)
            for below in symbols(equation.right) if above is not None else ():
                if below.name in _NAMED and above is not None:
                    found[partial(above, _NAMED[below.name])] = derivative(equation.right, below)
        return found

    def values(self, example: Example) -> dict[Quantity, FloatArray]:
        """Return the values of some neurons."""
        formulation = self.gradients.formulation
        whole, context = example.values.values, example.context
        last = context.gradients.formulation.output
        generator = np.random.default_rng([9, example.seed])
        given: dict[str, FloatArray] = {
            "x": generator.uniform(-1.5, 1.5, COUNT),
            "w": generator.uniform(-1.5, 1.5, COUNT),
            "b": generator.uniform(-1.5, 1.5, COUNT),
            "y": np.resize(np.ravel(whole[TARGETS]), COUNT),
        }
        for letter in context.network.strengths:
            given[letter] = whole[self.names.quantity(letter)]  # type: ignore[index]

        def value(tree: Expression) -> FloatArray:
            named = Entrywise(given)
            named.sizes = {axis: example.sizes[axis] for axis in last.axes}
            return np.broadcast_to(named(tree), (COUNT,))

        for equation in formulation.equations:
            given[equation.left.name] = value(equation.right)
        for entry in self.gradients.backward:
            given[entry.left.name] = value(entry.right)
        found = {quantity: given[letter] for letter, quantity in _NAMED.items()}
        found[LOSS] = given[formulation.loss.name]
        found[DATA_LOSS] = given[formulation.data_loss.name]
        for entry in self.gradients.backward:
            of = _NAMED[entry.of.name]
            found[_DELTA if entry.of.name == "z" else cotangent(of)] = given[entry.left.name]
        for quantity, slope in self.slopes.items():
            found[quantity] = value(slope)
        return found
