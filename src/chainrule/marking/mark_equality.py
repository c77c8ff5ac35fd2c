"""Mark one equality of a line.

The right side is computed on small random examples and compared with the true value.  If it
differs, every single repair is tried; the repair that makes it right identifies the mistake.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from chainrule.arrays import FloatArray
from chainrule.errors import InputError
from chainrule.marking.classic_mistakes import ClassicMistakes
from chainrule.marking.constant_values import with_constants
from chainrule.marking.evaluator import Computation, ShapeMismatch
from chainrule.marking.examples import Example, MarkingContext
from chainrule.marking.loss_scales import factor_repair
from chainrule.marking.parser import ParsedEquation
from chainrule.marking.partial_chains import Link, chain_fault, links_of
from chainrule.marking.quantities import (
    LEARNING_RATE,
    LOSS,
    OUTPUT_COUNT,
    SAMPLE_COUNT,
    Quantity,
    Role,
    applied_activations,
)
from chainrule.marking.single_repairs import SingleRepairs
from chainrule.marking.slope_trees import slope_trees
from chainrule.marking.syntax import (
    Binary,
    Negative,
    Notation,
    PartialDerivative,
    Tree,
    nodes,
    replaced,
    written,
)
from chainrule.marking.tree_edits import (
    MissingFactor,
    Repair,
    RepairValue,
    missing_factors,
    multiplied,
)
from chainrule.marking.update_equations import MomentumConvention
from chainrule.marking.update_repairs import update_terms
from chainrule.marking.verdict_messages import MessagePart, MessageValue
from chainrule.marking.verdicts import ExampleTexts, LineVerdict, Numbers, same

MAX_COMPUTED_NODES = 30_000
"""The most nodes computed in search of a repair: a fraction of a second."""
MAX_WORK = 120_000
"""The most repairs tried times the nodes of the line, which bounds the time for long lines too."""
_SURPLUS = {"n": "1/n", "B": "1/B", "1/alpha": "alpha", "1/2": "2"}
"""The factor that is surplus where its inverse is the missing factor."""


class Equality:
    """One right side of an equation, with the true value of the left side."""

    def __init__(
        self,
        examples: Sequence[Example],
        line: str,
        equation: ParsedEquation,
        target: Quantity,
        tree: Tree,
        constants: Mapping[Quantity, float],
    ) -> None:
        self.examples, self.line, self.equation = examples, line, equation
        self.target, self.tree, self.constants = target, tree, constants
        self.computations = [Computation(example.values) for example in examples]
        self.work, self.node_count = 0, sum(1 for _ in nodes(tree))
        self.mismatch: ShapeMismatch | None = None
        self.found: FloatArray | None = None
        self.texts = ExampleTexts(examples[0])
        numpy = line.isascii() and "\\" not in line
        self.notation: Notation = "numpy" if numpy else "mathematics"

    def verdict(self) -> LineVerdict:
        """Return the verdict on this equality."""
        links = links_of(self.tree)
        if links is not None:
            return self.chain_verdict(links)
        self.tree = self.with_chain_as_matrix()
        self.compute()
        if self.is_right(self.tree):
            return self.right()
        return (
            self.right_for_constants()
            or self.right_for_widths()
            or self.repaired()
            or self.repaired_with_constants()
            or self.wrong()
        )

    def compute(self) -> None:
        """Compute the right side in the first example, or find where its axes do not match."""
        try:
            self.found = self.computations[0](self.tree)
        except ShapeMismatch as mismatch:
            self.mismatch = mismatch

    @property
    def context(self) -> MarkingContext:
        return self.examples[0].context

    @property
    def truth(self) -> FloatArray:
        """The true value in the first example."""
        return self.examples[0].values.values[self.target]

    def is_right(self, tree: Tree) -> bool:
        """Return whether a tree has the true value in every example."""
        for computation, example in zip(self.computations, self.examples, strict=True):
            try:
                value = computation(tree)
            except (ShapeMismatch, InputError):
                return False
            if not same(value, example.values.values[self.target]):
                return False
        return True

    def _is_right_within_limits(self, tree: Tree) -> bool:
        """Return ``is_right``, or False after too many computations."""
        computation = self.computations[0]
        if computation.count > MAX_COMPUTED_NODES:
            return False
        try:
            value = computation(tree)
        except (ShapeMismatch, InputError):
            return False
        return same(value, self.truth) and self.is_right(tree)

    # -- right ---------------------------------------------------------------------------------

    def right(self, kind: str = "right", **values: MessageValue) -> LineVerdict:
        return self._verdict(kind, True, None, **values)

    def right_for_constants(self) -> LineVerdict | None:
        """Return a verdict if the line is right for values of constants, such as 0.9 for μ."""
        found = self.matching_constants()
        if found is None:
            return None
        values = tuple(f"{letter.typed} = {self.constants[letter]:g}" for letter in found)
        return self.right("right_constants", constants=values)

    def matching_constants(self) -> list[Quantity] | None:
        """Return the constants whose values in the line make it right, None if there are none."""
        for tree, letters in self._with_constants():
            if self._is_right_within_limits(tree):
                return sorted(letters, key=lambda letter: letter.symbol)
        return None

    def _with_constants(self) -> Iterator[tuple[Tree, set[Quantity]]]:
        """Yield the line with numbers replaced by the constants of that value.

        Those of the optimizer only in its own lines, those of penalties everywhere.
        """
        constants = {
            letter: value
            for letter, value in self.constants.items()
            if self._is_update or letter.symbol in self.context.network.strengths
        }
        return with_constants(self.tree, constants)

    @property
    def _is_update(self) -> bool:
        """Whether the optimizer computes the left side."""
        return self.target.is_updated or self.target.role is Role.CORRECTED_MEAN

    def right_in_convention(self, convention: MomentumConvention) -> LineVerdict:
        """Return the verdict for a line that is right in another convention of momentum."""
        rule, derived = self.context.rule, self.context.derived_lines
        parameter = rule.parameter(self.target)
        assert parameter is not None, "only updates have conventions"
        (memory,) = rule.memory(parameter)
        equations = tuple(derived[quantity.updated] for quantity in (memory, parameter))
        self.compute()
        verdict = self._verdict(
            f"convention_{convention}", False, name=memory.symbol, equations=equations
        )
        return replace(verdict, repaired=derived[self.target])

    def right_for_widths(self) -> LineVerdict | None:
        """Return a verdict if the line is right only for this network's widths, such as n = 1."""
        context = self.context
        ones = [axis for axis, size in context.lengths_with_ones(0).items() if size == 1]
        if not ones:
            return None
        tree = self.computations[0].with_explicit_products(self.tree)
        for example in context.examples_with_ones:
            try:
                value = Computation(example.values)(tree)
            except (ShapeMismatch, InputError):
                return None
            if not same(value, example.values.values[self.target]):
                return None
        widths = tuple(f"{axis.size} = 1" for axis in ones)
        repaired = self.repaired()
        if repaired is None:
            return self._verdict("right_here_only", True, widths=widths)
        message_parts = (MessagePart("right_here", {"widths": widths}), repaired.message_parts[0])
        return replace(repaired, correct=True, kind="right_here", message_parts=message_parts)

    # -- repairs -------------------------------------------------------------------------------

    def repaired(self) -> LineVerdict | None:
        """Return the verdict for the first repair that makes the line right."""
        return (
            self._by_reduction()
            or self._by_factor()
            or self._first(self._repairs)
            or self._by_slope_and_factor()
        )

    def repaired_with_constants(self) -> LineVerdict | None:
        """Return the verdict for the first repair after numbers are replaced by constants."""
        for tree, _ in self._with_constants():
            equality = Equality(
                self.examples, self.line, self.equation, self.target, tree, self.constants
            )
            equality.compute()
            found = equality.repaired()
            if found is not None:
                return found
        return None

    @cached_property
    def _repairs(self) -> SingleRepairs:
        is_backward = self.target.role is Role.COTANGENT
        slopes = slope_trees(self.context.network) if is_backward else []
        applied = applied_activations(self.context.network)
        return SingleRepairs(
            self.tree,
            self.computations[0],
            slopes,
            self._counts,
            None if self.mismatch is None else self.mismatch.tree,
            target=self.target,
            classic=ClassicMistakes(
                self.tree, self.computations[0], slopes, applied, self.target
            ),
            update=update_terms(self.context.rule, self.target),
        )

    @property
    def _counts(self) -> list[Quantity]:
        return [OUTPUT_COUNT, SAMPLE_COUNT] if self.context.batch else [OUTPUT_COUNT]

    def _first(self, repairs: Iterable[Repair]) -> LineVerdict | None:
        for repair in repairs:
            self.work += self.node_count
            if self.work > MAX_WORK or self.computations[0].count > MAX_COMPUTED_NODES:
                return None
            if self._is_right_within_limits(repair.tree):
                return self._verdict_of(repair)
        return None

    def _by_reduction(self) -> LineVerdict | None:
        """Try sums and means before factors: a mean instead of a sum is also a factor 1/B."""
        if self.target == LOSS:
            return None  # in a loss it is the factor
        return self._first(self._repairs.reductions())

    def _by_factor(self) -> LineVerdict | None:
        """Try a sign and a factor of the whole line."""
        if self.found is None:
            return None
        for sign in (1, -1):
            for factor in (None, *missing_factors([*self._counts, LEARNING_RATE])):
                if sign == 1 and factor is None:
                    continue
                tree = self.tree if factor is None else multiplied(factor, self.tree)
                if sign == -1:
                    tree = Negative(tree, span=self.tree.span)
                if not self._is_right_within_limits(tree):
                    continue
                if factor is None:
                    repair = Repair("sign", tree, self.tree)
                elif sign == 1:
                    repair = factor_repair(
                        factor,
                        self.tree,
                        self._without(factor) or tree,
                        self.target,
                        self.examples[0],
                    )
                else:
                    repair = Repair("factor_sign", tree, self.tree, {"factor": factor.label})
                return self._verdict_of(repair)
        return None

    def _without(self, factor: MissingFactor) -> Tree | None:
        """Return the line without the inverse of a factor, None if the line does not contain it."""
        if factor.label not in _SURPLUS:
            return None
        trees = (repair.tree for repair in self._repairs.without_numbers())
        return next((tree for tree in trees if self._is_right_within_limits(tree)), None)

    def _by_slope_and_factor(self) -> LineVerdict | None:
        """Try the one common pair of mistakes: no derivative and no factor, as in δ = a − y."""
        if self.found is None:
            return None
        for repair in self._repairs.with_whole_slopes():
            for factor in missing_factors(self._counts):
                tree = multiplied(factor, repair.tree)
                if self._is_right_within_limits(tree):
                    values = {**repair.values, "factor": factor.label}
                    return self._verdict_of(Repair("slope_factor", tree, self.tree, values))
        return None

    # -- wrong ---------------------------------------------------------------------------------

    def wrong(self) -> LineVerdict:
        """Return the verdict for a line that no single repair makes right."""
        if self.mismatch is None:
            return self._verdict("different", False)
        if not (self.mismatch.left and self.mismatch.right):
            has_number = self.mismatch.left or self.mismatch.right
            kind = "shape_number" if has_number else "ones"
            return replace(self._verdict(kind, False), position=self.mismatch.tree.span)
        left, right = (self.texts.shape(s) for s in (self.mismatch.left, self.mismatch.right))
        verdict = self._verdict("shape", False, axes=self._mismatched_axes, left=left, right=right)
        return replace(verdict, position=self.mismatch.tree.span)

    @property
    def _mismatched_axes(self) -> tuple[str, ...]:
        """The pair of axes that do not match, such as h and B; empty without a mismatch."""
        if self.mismatch is None or not (self.mismatch.left and self.mismatch.right):
            return ()
        node, left, right = self.mismatch.tree, self.mismatch.left, self.mismatch.right
        if isinstance(node, Binary) and node.operation in ("matrix", "product"):
            pair = (left[-1], right[-2 if len(right) > 1 else 0])
        else:
            both = zip(left[::-1], right[::-1], strict=False)
            pair = next(((a, b) for a, b in both if a != b and 1 not in (a, b)), (0, 0))
        return tuple(self.texts.axis(length) for length in pair)

    # -- a chain of partial derivatives --------------------------------------------------------

    def chain_verdict(self, links: Sequence[Link]) -> LineVerdict:
        """Return the verdict on a chain ∂Loss/∂a × ∂a/∂z × …, whose links must be connected."""
        fault = chain_fault(links, self.target, self.examples[0])
        if fault is None:
            return self.right()
        return self._verdict(fault.key, False, None, **fault.values)

    def with_chain_as_matrix(self) -> Tree:
        """Return the line with a complete chain in it replaced by its value as a matrix.

        Penalties do not contribute to the value.
        """
        for node in nodes(self.tree):
            links = links_of(node)
            if (
                links is not None
                and len(links) > 1
                and chain_fault(links, self.target, self.examples[0]) is None
            ):
                text = written(node, self.notation)
                product = PartialDerivative(LOSS, links[-1][1], text, span=node.span)
                return replaced(self.tree, node, product)
        return self.tree

    # -- the verdict ---------------------------------------------------------------------------

    def _comparison(self) -> tuple[Numbers, MessagePart]:
        """Compare the values in the first example in which they differ."""
        found = self.found
        if found is not None and same(found, self.truth):
            pairs = zip(self.computations, self.examples, strict=True)
            for computation, example in list(pairs)[1:]:
                try:
                    value = computation(self.tree)
                except (ShapeMismatch, InputError):
                    continue
                truth = example.values.values[self.target]
                if not same(value, truth):
                    return ExampleTexts(example).comparison(value, truth)
        return self.texts.comparison(found, self.truth)

    def _verdict_of(self, repair: Repair) -> LineVerdict:
        values: dict[str, MessageValue] = {
            name: self._text(value) for name, value in repair.values.items()
        }
        kind = repair.kind
        if kind == "transpose_missing" and self._mismatched_axes:
            kind = "transpose_mismatch"
        values["axes"] = self._mismatched_axes
        surplus = _SURPLUS.get(str(values.get("factor")))
        if kind == "factor" and surplus is not None:
            kind, values["factor"] = "factor_surplus", surplus
        return self._verdict(kind, False, repair, **values)

    def _text(self, value: RepairValue) -> MessageValue:
        return written(value, self.notation) if isinstance(value, Tree) else value

    def _verdict(
        self, kind: str, correct: bool, repair: Repair | None = None, **values: MessageValue
    ) -> LineVerdict:
        left = self.equation.left.text
        repaired = ""
        if repair is not None:
            sign = " ← " if self.equation.assigns and self.notation == "mathematics" else " = "
            # NumPy has a different operator for each product.
            tree = self.computations[0].with_explicit_products(repair.tree)
            repaired = left + sign + written(tree, self.notation)
        parts = [MessagePart(kind, {"left": left, "repaired": repaired, **values})]
        numbers: Numbers = {}
        if not correct:
            derived = self.context.derived_lines.get(self.target)
            if kind in ("different", "shape", "shape_number", "ones") and derived is not None:
                parts.append(MessagePart("derived", {"line": derived}))
            numbers, comparison = self._comparison()
            parts.append(comparison)
        return LineVerdict(
            line=self.line,
            correct=correct,
            kind="right_here" if kind.startswith("right_") else kind.partition("_")[0],
            position=None if repair is None else repair.node.span,
            repaired=repaired,
            numbers=numbers,
            message_parts=tuple(parts),
        )
