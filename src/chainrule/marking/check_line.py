"""Mark a line that a learner derived: right, right except for a convention, or what is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout
from chainrule.language.phrase_books import check_language
from chainrule.language.refusals import Refusal
from chainrule.marking.equal_networks import earlier_equal
from chainrule.marking.examples import EXAMPLE_COUNT, MarkingContext
from chainrule.marking.mark_equality import Equality
from chainrule.marking.parser import ParsedEquation, parse
from chainrule.marking.quantities import (
    ERROR,
    LEARNING_RATE,
    OUTPUT_COUNT,
    SAMPLE_COUNT,
    Quantity,
    Role,
    constant,
)
from chainrule.marking.syntax import Constant, Name, Negative, nodes, substituted
from chainrule.marking.update_equations import MOMENTUM_CONVENTIONS, MomentumConvention
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
    layout: Layout = "rows",
    optimizer: str | Optimizer = "sgd",
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
    updated already.  ``language`` ("en" or "zh") is that of the verdict's ``str()`` and of errors.

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
    >>> line = "m_W_ho = beta_1 m_W_ho + dW_ho"
    >>> print(check_line(network, line, optimizer="adam", language="zh"))  # doctest: +ELLIPSIS
    缺少因子 (1 - beta_1)，应为 m_W_ho = beta_1 * m_W_ho + (1 - beta_1) * dW_ho。...
    """
    if not isinstance(network, Network):
        raise InputTypeError(f"`network` must be a chainrule.Network, got {shown(network)}")
    if layout not in ("rows", "columns"):
        raise InputError(f"`layout` must be 'rows' or 'columns', got {layout!r}")
    check_language(language)
    found = find_optimizer(optimizer)
    # The learning rate of a name is a default, so its value cannot be expected in a line.
    is_chosen = isinstance(optimizer, Optimizer)
    constants = {
        letter: value
        for letter, value in map(_constant, found.constants.items())
        if is_chosen or letter != LEARNING_RATE
    }
    constants |= dict(map(_constant, network.strengths.items()))
    try:
        network = earlier_equal(network)
        marker = LineMarker(network, layout, bool(batch), found, tuple(constants.items()))
        return replace(marker.verdict(line), language=language)
    except Refusal as refusal:
        if language == "en":
            raise
        raise InputError(refusal.message(language)) from None


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

    def in_convention(self, convention: MomentumConvention) -> "EquationMarker":
        """Return what marks single equations, in a convention of momentum."""
        context = (self.network, self.layout, self.batch, self.optimizer)
        return _equation_marker(*context, self.constants, convention)

    def verdict(self, line: str) -> LineVerdict:
        """Return the verdict on a line, in the meaning of its loose names that makes it right."""
        found: LineVerdict | None = None
        for meanings in meanings_in(line):
            verdict = self._verdict_for(line, _vocabulary(self.network, self.optimizer, meanings))
            if verdict.correct:
                return verdict
            found = found or verdict
        assert found is not None, "there is at least one meaning"
        return found

    def _verdict_for(self, line: str, vocabulary: Vocabulary) -> LineVerdict:
        """Return the verdict on the first wrong equation, or on the last one."""
        rule = vocabulary.rule
        updated: dict[Quantity, Quantity] = {}  # by the equations so far
        assigned_memory: set[Quantity] = set()
        convention: MomentumConvention | None = None
        convention_verdict: LineVerdict | None = None
        verdict: LineVerdict | None = None
        for equation in parse(line, vocabulary):
            left = equation.left.quantity
            before_step = _substituted(equation, updated)
            equation = _substituted(before_step, rule.meaning(left))
            marker = self.in_convention(convention or "step")
            memory = _memory_in(equation)
            if rule.has_momentum and convention is None and (memory or left.is_memory):
                # The first equation with the memory of momentum determines the convention.
                found: MomentumConvention = next(
                    (c for c in MOMENTUM_CONVENTIONS if self.in_convention(c).is_right(equation)),
                    "step",
                )
                marker, convention = self.in_convention(found), found
                if found != "step":
                    derived = self.in_convention("step")
                    convention_verdict = derived.right_in_convention(line, equation, found)
            verdict = marker.verdict(line, equation)
            may_be_old = not verdict.correct and not memory & assigned_memory
            if may_be_old and marker.is_right(before_step):
                verdict = marker.right_before_step(line, before_step, memory)
            if not verdict.correct:
                return verdict
            if left.plain.role is Role.MEMORY:
                assigned_memory.add(left.plain.updated)
            elif left.is_parameter:
                updated[left] = left.updated
        assert verdict is not None, "a parsed line has an equation"
        return convention_verdict or verdict


def _memory_in(equation: ParsedEquation) -> set[Quantity]:
    """Return the optimizer's memory on the right of an equation."""
    names = (node for tree in equation.rights for node in nodes(tree) if isinstance(node, Name))
    return {node.quantity for node in names if node.quantity.is_memory}


def _substituted(
    equation: ParsedEquation, quantities: Mapping[Quantity, Quantity]
) -> ParsedEquation:
    rights = tuple(substituted(tree, quantities) for tree in equation.rights)
    return replace(equation, rights=rights)


@lru_cache(maxsize=64)
def _vocabulary(network: Network, optimizer: Optimizer, meanings: Meanings) -> Vocabulary:
    """Return the names of a network, which take milliseconds to list."""
    return Vocabulary(network, optimizer, meanings)


@lru_cache(maxsize=16)
def _equation_marker(
    network: Network,
    layout: Layout,
    batch: bool,
    optimizer: Optimizer,
    constants: tuple[tuple[Quantity, float], ...],
    convention: MomentumConvention,
) -> "EquationMarker":
    context = MarkingContext(network, layout, batch, optimizer, convention)
    return EquationMarker(context, dict(constants))


class EquationMarker:
    """Marks single equations in one context; its examples are computed once."""

    def __init__(self, context: MarkingContext, constants: Mapping[Quantity, float]) -> None:
        self.context, self.constants = context, constants
        self.examples = [
            context.example(context.distinct_lengths(number), number)
            for number in range(EXAMPLE_COUNT)
        ]

    def verdict(self, line: str, equation: ParsedEquation) -> LineVerdict:
        """Return the verdict on the first wrong right side, or on the last one."""
        verdict: LineVerdict | None = None
        for equality in self._equalities(line, equation):
            verdict = equality.verdict()
            if not verdict.correct:
                break
        assert verdict is not None, "an equation has a right side"
        return verdict

    def is_right(self, equation: ParsedEquation) -> bool:
        """Return whether every right side is right, possibly for values of constants."""
        return all(
            equality.is_right(equality.tree) or equality.matching_constants() is not None
            for equality in self._equalities("", equation)
        )

    def right_in_convention(
        self, line: str, equation: ParsedEquation, convention: MomentumConvention
    ) -> LineVerdict:
        """Return the verdict for a line that is right in another convention of momentum."""
        return self._equalities(line, equation)[-1].right_in_convention(convention)

    def right_before_step(
        self, line: str, equation: ParsedEquation, memory: Iterable[Quantity]
    ) -> LineVerdict:
        """Return the verdict for a line that is right with the memory from before the step."""
        names = tuple(sorted(quantity.plain.typed for quantity in memory))
        return self._equalities(line, equation)[-1].right("right_old", names=names)

    def _equalities(self, line: str, equation: ParsedEquation) -> list[Equality]:
        target = self._target(equation.left)
        if target in (SAMPLE_COUNT, OUTPUT_COUNT) and isinstance(equation.rights[0], Constant):
            raise Refusal("given", text=equation.left.text)
        if target == ERROR:  # of either sign
            for tree in (equation.rights[0], Negative(equation.rights[0])):
                equality = Equality(self.examples, line, equation, target, tree, self.constants)
                if equality.is_right(tree):
                    return [equality]
        return [
            Equality(self.examples, line, equation, target, tree, self.constants)
            for tree in equation.rights
        ]

    def _target(self, left: Name) -> Quantity:
        """Return the quantity that the left side computes: parameters and memory are updated."""
        values = self.examples[0].values.values
        is_count = left.quantity in (SAMPLE_COUNT, OUTPUT_COUNT)
        if left.quantity.is_given and not is_count:
            raise Refusal("given", text=left.text)
        target = left.quantity
        if target.is_parameter or (target.role is Role.MEMORY and target.updated in values):
            target = target.updated
        if target not in values:
            raise Refusal("no_value", text=left.text)
        return target
