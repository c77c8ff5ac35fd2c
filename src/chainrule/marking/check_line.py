"""Mark a line that a learner derived: right, right except for a convention, or what is wrong."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout
from chainrule.language.phrase_books import check_language
from chainrule.language.refusals import Refusal
from chainrule.marking.equal_networks import earlier_equal
from chainrule.marking.equation_sequence import EquationSequence, equation_marker
from chainrule.marking.parser import parse
from chainrule.marking.quantities import (
    LEARNING_RATE,
    Quantity,
    constant,
)
from chainrule.marking.stated_conventions import Convention
from chainrule.marking.stated_conventions import find as find_convention
from chainrule.marking.usual_names import Meanings, meanings_in
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.optimizers import find as find_optimizer


def check_line(
    network: Network,
    line: str,
    *,
    batch: bool = False,
    layout: Layout | None = None,
    optimizer: str | Optimizer = "sgd",
    convention: str | Convention | None = None,
    language: str = "en",
) -> LineVerdict:
    """Mark a line that a learner derived for a network: right, or what is wrong with it.

    The line is an equation in NumPy or LaTeX notation, or the two mixed, such as
    ``dW_ho = a_h.T @ delta_o`` or ``W_ho ← W_ho − α ∂Loss/∂W_ho``.  It is marked for one sample, a
    row of length 1, or with ``batch=True`` for a batch of B samples; n is the number of outputs.
    Every mathematically equal form is right.  No part of the line is ever executed.

    ``optimizer`` selects the update for lines that compute parameters or the optimizer's memory
    (``v_W_ho``, ``m_W_ho``): a name, or an ``Optimizer`` whose constants may occur in the line as
    numbers.  On the right of its own line, memory has its value before the step; elsewhere it is
    updated already.

    ``convention`` is what the line's names mean where that is not what `derive` means: a name
    (nielsen, ng, goodfellow, bishop, cs231n, xigua, nndl, matlab) or a ``Convention``.  Under it a
    line is right that is right there.  ``layout`` is by default that of the convention, else
    "rows".  ``language`` ("en" or "zh") is that of the verdict's ``str()`` and of errors.

    Raises ``InputError`` for a line that cannot be parsed, with the nearest name for an unknown
    one, and ``InputTypeError`` for arguments of other types.

    >>> network = Network.dense([2, 3, 1])
    >>> check_line(network, "dW_ho = a_h.T @ delta_o").correct
    True
    >>> verdict = check_line(network, "dW_ho = a_h @ delta_o")
    >>> verdict.kind, verdict.repaired
    ('transpose', 'dW_ho = a_h.T @ delta_o')
    >>> from chainrule.network.optimizers import SGD
    >>> lines = "v_W_ho = mu v_W_ho - alpha dW_ho; W_ho = W_ho - v_W_ho"
    >>> check_line(network, lines, optimizer=SGD(momentum=0.9)).repaired
    'W_ho = W_ho + v_W_ho'
    >>> line = "dZ2 = A2 - Y"
    >>> network = Network.dense([2, 3, 1], loss="log_loss")
    >>> check_line(network, line, batch=True, layout="columns").kind
    'convention'
    >>> check_line(network, line, batch=True, convention="ng").kind
    'right'
    >>> line = "m_W_ho = beta_1 m_W_ho + dW_ho"
    >>> print(check_line(network, line, optimizer="adam", language="zh"))  # doctest: +ELLIPSIS
    缺少因子 (1 - beta_1)，应为 m_W_ho = beta_1 * m_W_ho + (1 - beta_1) * dW_ho。...
    """
    check_language(language)
    marker = line_marker(network, layout, batch, optimizer, find_convention(convention))
    try:
        return replace(marker.verdict(line), language=language)
    except Refusal as refusal:
        if language == "en":
            raise
        raise InputError(refusal.message(language)) from None


def line_marker(
    network: Network,
    layout: Layout | None,
    batch: bool,
    optimizer: str | Optimizer,
    convention: Convention,
) -> "LineMarker":
    """Return what marks lines with these arguments, which are checked."""
    if not isinstance(network, Network):
        raise InputTypeError(f"`network` must be a chainrule.Network, got {shown(network)}")
    layout = layout or convention.layout or "rows"
    if layout not in ("rows", "columns"):
        raise InputError(f"`layout` must be 'rows' or 'columns', got {layout!r}")
    found = find_optimizer(optimizer)
    # The learning rate of a name is a default, so its value cannot be expected in a line.
    is_chosen = isinstance(optimizer, Optimizer)
    constants = {
        letter: value
        for letter, value in map(_constant, found.constants.items())
        if is_chosen or letter != LEARNING_RATE
    }
    constants |= dict(map(_constant, network.strengths.items()))
    network = earlier_equal(network)
    return LineMarker(network, layout, bool(batch), found, tuple(constants.items()), convention)


def _constant(item: tuple[str, float]) -> tuple[Quantity, float]:
    letter, value = item
    return constant(letter), value


@dataclass(frozen=True)
class LineMarker:
    """Marks the equations of a line in order, for one network and optimizer."""

    network: Network
    layout: Layout
    batch: bool
    optimizer: Optimizer
    constants: tuple[tuple[Quantity, float], ...]
    convention: Convention

    def verdict(self, line: str) -> LineVerdict:
        """Return the verdict on a line, in the meaning of its loose names that makes it right."""
        found: LineVerdict | None = None
        for meanings in meanings_in(line):
            verdict = self._verdict_for(line, self.vocabulary(meanings))
            if verdict.correct:
                return verdict
            found = found or verdict
        assert found is not None, "there is at least one meaning"
        return found

    def _verdict_for(self, line: str, vocabulary: Vocabulary) -> LineVerdict:
        """Return the verdict on the first wrong equation, or on the last one."""
        sequence = self.sequence(vocabulary)
        verdict: LineVerdict | None = None
        is_matlab = self.convention.star == "matrix"
        for equation in parse(line, vocabulary, matlab=is_matlab):
            verdict = sequence.verdict(line, equation)
            if not verdict.correct:
                return verdict
        assert verdict is not None, "a parsed line has an equation"
        return sequence.convention_verdict or verdict

    def vocabulary(self, meanings: Meanings) -> Vocabulary:
        """Return the names in one meaning of those that are loose."""
        return vocabulary_of(self.network, self.optimizer, meanings, self.convention)

    def sequence(self, vocabulary: Vocabulary) -> EquationSequence:
        """Return what marks equations in their order."""
        marker = partial(
            equation_marker,
            self.network,
            self.layout,
            self.batch,
            self.optimizer,
            self.constants,
            self.convention,
        )
        return EquationSequence(marker, vocabulary.rule, self.convention.momentum)


@lru_cache(maxsize=64)
def vocabulary_of(
    network: Network, optimizer: Optimizer, meanings: Meanings, convention: Convention
) -> Vocabulary:
    """Return the names of a network, which take milliseconds to list."""
    return Vocabulary(network, optimizer, meanings, convention)
