"""The equations of a line or an answer in order: what is updated, which convention holds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TypeAlias

from chainrule.errors import InputError
from chainrule.formulas.arrange import Layout
from chainrule.language.refusals import Refusal
from chainrule.marking.evaluator import Computation, ShapeMismatch
from chainrule.marking.examples import EXAMPLE_COUNT, Example
from chainrule.marking.mark_equality import Equality
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import ParsedEquation
from chainrule.marking.quantities import (
    ERROR,
    OUTPUT_COUNT,
    SAMPLE_COUNT,
    Quantity,
    Role,
    applied_activations,
    partial,
)
from chainrule.marking.stated_conventions import Convention
from chainrule.marking.syntax import Call, Constant, Name, Negative, Tree, nodes, substituted
from chainrule.marking.update_equations import MOMENTUM_CONVENTIONS, MomentumConvention, UpdateRule
from chainrule.marking.verdicts import LineVerdict, same
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Optimizer


class EquationMarker:
    """Marks single equations in one context; its examples are computed once.

    One sample has few entries, so that signs could agree by chance: there are more examples.
    """

    def __init__(self, context: MarkingContext, constants: Mapping[Quantity, float]) -> None:
        self.context, self.constants = context, constants
        self.examples = [
            Example(context, context.distinct_lengths(seed % EXAMPLE_COUNT), seed)
            for seed in range(EXAMPLE_COUNT if context.batch else 3 * EXAMPLE_COUNT)
        ]

    def verdict(self, line: str, equation: ParsedEquation) -> LineVerdict:
        """Return the verdict on the first wrong right side, or on the last one."""
        verdict: LineVerdict | None = None
        for equality in self._equalities(line, equation):
            verdict = equality.verdict()
            if verdict.correct and equality.uses_itself:
                verdict = equality.itself()
            if not verdict.correct:
                break
        assert verdict is not None, "an equation has a right side"
        return verdict

    def quantity_of(self, tree: Tree) -> Quantity | None:
        """Return the derivative or the value of a layer that a formula is, None for any other."""
        computations = [Computation(example.values) for example in self.examples]
        try:
            values = [computation(tree) for computation in computations]
        except (ShapeMismatch, InputError):
            return None
        roles = (Role.COTANGENT, Role.ACTIVATION, Role.PRE_ACTIVATION)
        for quantity in self.examples[0].values.values:
            truths = [example.values.values[quantity] for example in self.examples]
            if quantity.role in roles and all(
                value.shape == truth.shape and same(value, truth)
                for value, truth in zip(values, truths, strict=True)
            ):
                name = Name(quantity, quantity.symbol, span=tree.span)
                equation = ParsedEquation(name, (tree,), False)
                if self.is_right(equation):  # also beside kinks
                    return quantity
        return None

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

    def right(self, line: str, equation: ParsedEquation) -> LineVerdict:
        """Return the verdict for a line that changes what an earlier one has computed."""
        return self._equalities(line, equation)[-1].right()

    def right_before_step(
        self, line: str, equation: ParsedEquation, memory: Iterable[Quantity]
    ) -> LineVerdict:
        """Return the verdict for a line that is right with the memory from before the step."""
        names = tuple(sorted(quantity.plain.typed for quantity in memory))
        return self._equalities(line, equation)[-1].right("right_old", names=names)

    @cached_property
    def _jacobians(self) -> set[str]:
        """The symbols of the derivatives of functions of all units, such as softmax."""
        applied = applied_activations(self.context.network)
        functions = [each for each in applied if each.function.slope is None]
        return {partial(each.output, each.argument).symbol for each in functions}

    def _equalities(self, line: str, equation: ParsedEquation) -> list[Equality]:
        target = self._target(equation)
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

    def _target(self, equation: ParsedEquation) -> Quantity:
        """Return the quantity that the left side computes: parameters and memory are updated."""
        left, values = equation.left, self.examples[0].values.values
        jacobian = next((each for each in values if str(each) in self._jacobians), None)
        calls = (node for tree in equation.rights for node in nodes(tree) if isinstance(node, Call))
        if left.text == "J" and jacobian is not None and any(c.function == "diag" for c in calls):
            return jacobian  # J = diag(a) − a aᵀ is no loss
        is_count = left.quantity in (SAMPLE_COUNT, OUTPUT_COUNT)
        if left.quantity.is_given and not is_count:
            raise Refusal("given", text=left.text)
        target = left.quantity
        if target.is_parameter or (target.role is Role.MEMORY and target.updated in values):
            target = target.updated
        if target not in values:
            raise Refusal("no_value", text=left.text)
        return target


MarkerOf: TypeAlias = Callable[[MomentumConvention], EquationMarker]
"""What marks single equations, in a convention of momentum."""


@lru_cache(maxsize=64)
def equation_marker(
    network: Network,
    layout: Layout,
    batch: bool,
    optimizer: Optimizer,
    constants: tuple[tuple[Quantity, float], ...],
    stated: Convention,
    convention: MomentumConvention,
) -> EquationMarker:
    """Return what marks single equations in a convention of momentum."""
    context = MarkingContext(network, layout, batch, optimizer, convention, stated)
    return EquationMarker(context, dict(constants))


class EquationSequence:
    """Marks equations one after the other, and knows what those before it have updated."""

    def __init__(
        self, marker: MarkerOf, rule: UpdateRule, stated: MomentumConvention | None = None
    ) -> None:
        self.marker, self.rule = marker, rule
        self.updated: dict[Quantity, Quantity] = {}
        self.assigned_memory: set[Quantity] = set()
        self.stated = stated
        self.convention = stated if rule.has_momentum else None
        self.convention_verdict: LineVerdict | None = None
        self.computed: set[Quantity] = set()
        """The quantities that earlier equations compute."""

    def begun_again(self) -> "EquationSequence":
        """Return what marks the same equations from the first one."""
        return EquationSequence(self.marker, self.rule, self.stated)

    def verdict(self, line: str, equation: ParsedEquation) -> LineVerdict:
        """Return the verdict on the next equation, and remember what it assigns."""
        left = equation.left.quantity
        before_step = _substituted(equation, self.updated)
        equation = _substituted(before_step, self.rule.meaning(left))
        marker = self.marker(self.convention or "step")
        memory = _memory_in(equation)
        if self.rule.has_momentum and self.convention is None and (memory or left.is_memory):
            # The first equation with the memory of momentum determines the convention.
            found: MomentumConvention = next(
                (c for c in MOMENTUM_CONVENTIONS if self.marker(c).is_right(equation)), "step"
            )
            marker, self.convention = self.marker(found), found
            if found != "step":
                derived = self.marker("step")
                self.convention_verdict = derived.right_in_convention(line, equation, found)
        verdict = marker.verdict(line, equation)
        may_be_old = not verdict.correct and memory and not memory & self.assigned_memory
        if may_be_old and verdict.kind != "itself" and marker.is_right(before_step):
            verdict = marker.right_before_step(line, before_step, memory)
        if verdict.kind == "itself" and left in self.computed:
            verdict = marker.right(line, equation)
        self.assign(left)
        return verdict

    def named(self, text: str, tree: Tree) -> Tree:
        """Return a variable's formula with parameters as they are now, a name where it has one."""
        now = substituted(tree, self.updated)
        quantity = self.marker(self.convention or "step").quantity_of(now)
        return now if quantity is None else Name(quantity, text, span=tree.span)

    def is_right(self, equation: ParsedEquation) -> bool:
        """Return whether the next equation is right, without looking for its mistake."""
        before_step = _substituted(equation, self.updated)
        now = _substituted(before_step, self.rule.meaning(equation.left.quantity))
        marker = self.marker(self.convention or "step")
        self.assign(equation.left.quantity)
        return marker.is_right(now) or marker.is_right(before_step)

    def assign(self, left: Quantity) -> None:
        """Remember that an equation assigned a quantity."""
        self.computed.add(left)
        if left.plain.role is Role.MEMORY:
            self.assigned_memory.add(left.plain.updated)
        elif left.is_parameter:
            self.updated[left] = left.updated


def _memory_in(equation: ParsedEquation) -> set[Quantity]:
    """Return the optimizer's memory on the right of an equation."""
    names = (node for tree in equation.rights for node in nodes(tree) if isinstance(node, Name))
    return {node.quantity for node in names if node.quantity.is_memory}


def _substituted(
    equation: ParsedEquation, quantities: Mapping[Quantity, Quantity]
) -> ParsedEquation:
    rights = tuple(substituted(tree, quantities) for tree in equation.rights)
    return replace(equation, rights=rights)
