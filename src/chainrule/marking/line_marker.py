"""What marks the equations of a line or of an answer, for one network and in one convention."""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout
from chainrule.language.refusals import Refusal
from chainrule.marking.bare_names import BareNames, bare_verdict
from chainrule.marking.chinese_words import with_names
from chainrule.marking.equal_networks import earlier_equal
from chainrule.marking.equation_sequence import EquationSequence, equation_marker
from chainrule.marking.index_forms import index_verdict
from chainrule.marking.layer_lists import LayerLists, with_entries
from chainrule.marking.layered_lines import each_layer
from chainrule.marking.matlab_notation import (
    MatlabUse,
    may_be_matlab,
    numbers_of_sums,
    sums_as_matlab,
)
from chainrule.marking.neuron_lines import neuron_verdict
from chainrule.marking.numbered_weights import numbered_verdict
from chainrule.marking.parser import parse
from chainrule.marking.quantities import LEARNING_RATE, Quantity, constant
from chainrule.marking.stated_conventions import Convention
from chainrule.marking.tokens import MAX_LENGTH, check_text
from chainrule.marking.usual_names import Meanings, meanings_in
from chainrule.marking.verdict_messages import MessagePart
from chainrule.marking.verdicts import LineVerdict
from chainrule.marking.vocabulary import Vocabulary
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer
from chainrule.network.optimizers import find as find_optimizer


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
        """Return the verdict on a line; one for every layer l is right if it is for each."""
        found: LineVerdict | None = None
        check_text(line)
        for each in each_layer(self._with_names(line), self.network, self.convention):
            found = self._index_verdict(each) or self._verdict_or_bare(each)
            if each != line:
                found = replace(found, line=line, position=None)
            if not found.correct:
                break
        assert found is not None, "a line stands for at least one line"
        return found

    def _index_verdict(self, line: str) -> LineVerdict | None:
        """Return the verdict on a line of one neuron or in index form, None for any other."""
        if len(line) > MAX_LENGTH:
            return None
        vocabulary = self.vocabulary(("a", "a"))
        marker = self.sequence(vocabulary).marker("step")
        return (
            neuron_verdict(line, marker, vocabulary)
            or numbered_verdict(line, marker, vocabulary)
            or index_verdict(line, marker, vocabulary)
        )

    def _with_names(self, line: str) -> str:
        """Return a line with names in place of Chinese words and of entries of lists."""
        text = with_names(line, self.network)
        lists = self.lists(0)
        if "[" not in text or not lists.count:
            return text
        known = self.vocabulary(("a", "a"))
        return with_entries(text, lists, lambda name: known.quantity(name) is not None)

    def lists(self, first: int, explicit: frozenset[str] = frozenset()) -> LayerLists:
        """Return the lists with an entry for each layer, with the numbers of the convention."""
        count = len(self.network.layers) - 1 if self.network.is_dense else 0
        inputs = self.convention.input_layer
        weights = inputs + 1 - (self.convention.weights_numbered == "from")
        return LayerLists(count, first, explicit, inputs, weights)

    def _verdict_or_bare(self, line: str) -> LineVerdict:
        """Return the verdict on a line, whose letters may lack a layer."""
        try:
            return self._verdict(line)
        except Refusal:
            names = self.vocabulary(("a", "a"))
            found = bare_verdict(names, lambda reading: self._verdict_for(line, reading))
            if found is None:
                raise
            return found

    def _verdict(self, line: str) -> LineVerdict:
        """Return the verdict on a line, in the meaning of its loose names that makes it right."""
        found: LineVerdict | None = None
        for meanings in meanings_in(line):
            verdict = self._verdict_for(line, self.vocabulary(meanings))
            if verdict.correct:
                return verdict
            found = found or verdict
        assert found is not None, "there is at least one meaning"
        return found

    def _verdict_for(self, line: str, vocabulary: Vocabulary | BareNames) -> LineVerdict:
        """Return the verdict on the first wrong equation, or on the last one."""
        use = self.convention.matlab
        use = "whole" if sums_as_matlab(line) else use
        found = self._verdict_read(line, vocabulary, use)
        is_matlab = use != "none" or self.layout != "columns"
        if found.kind == "right" and not is_matlab:
            return self._with_counted_axes(line, found)
        if found.correct or is_matlab or not may_be_matlab(line):
            return found
        verdict = self._verdict_read(line, vocabulary, "whole")
        if not verdict.correct:
            return found
        return replace(verdict, kind="right_here", message_parts=(MessagePart("right_matlab"),))

    def _with_counted_axes(self, line: str, found: LineVerdict) -> LineVerdict:
        """Return a verdict that tells whether NumPy's or MATLAB's numbers of axes make it right."""
        numbers = {*numbers_of_sums(line)}
        if len(numbers) != 1 or any(sign in line for sign in (".*", "./", ".^", "'")):
            return found
        key = "right_axis_numpy" if numbers == {"1"} else "right_axis_matlab"
        return replace(found, kind="right_here", message_parts=(MessagePart(key),))

    def _verdict_read(
        self, line: str, vocabulary: Vocabulary | BareNames, use: MatlabUse
    ) -> LineVerdict:
        """Return the verdict on a line in which * is the matrix product, or multiplies entries."""
        sequence = self.sequence(vocabulary)
        verdict: LineVerdict | None = None
        for equation in parse(line, vocabulary, matlab=use):
            verdict = sequence.verdict(line, equation)
            if not verdict.correct:
                return verdict
        assert verdict is not None, "a parsed line has an equation"
        return sequence.convention_verdict or verdict

    def vocabulary(self, meanings: Meanings) -> Vocabulary:
        """Return the names in one meaning of those that are loose."""
        return vocabulary_of(self.network, self.optimizer, meanings, self.convention)

    def sequence(self, vocabulary: Vocabulary | BareNames) -> EquationSequence:
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
