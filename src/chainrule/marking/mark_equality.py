"""Mark one equality of a line.

The right side is computed on small random examples and compared with the true value.  If it
differs, every single repair is tried; the repair that makes it right identifies the mistake.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.marking.book_columns import ColumnExample, may_be_columns
from chainrule.marking.classic_mistakes import ClassicMistakes
from chainrule.marking.equality_values import MAX_COMPUTED_NODES, EqualityValues
from chainrule.marking.evaluator import Computation, ShapeMismatch
from chainrule.marking.examples import examples_with_ones
from chainrule.marking.flat_vectors import FlatExample, may_be_flat, vectors_in
from chainrule.marking.loss_scales import factor_repair, other_scales
from chainrule.marking.partial_chains import Link, chains_of, sum_fault
from chainrule.marking.pytorch_calls import (
    RIGHT_IN_PYTORCH,
    weights_of_linear,
    with_outputs_as_rows,
)
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
from chainrule.marking.stated_conventions import OWN
from chainrule.marking.syntax import (
    EXTREMES,
    MATRIX_OPERATORS,
    Call,
    Name,
    Negative,
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
from chainrule.marking.verdicts import LineVerdict, Numbers, same

MAX_WORK, MAX_WORK_BESIDE = 80_000, 30_000
"""The most repairs tried times the nodes of the line, which bounds the time for long lines too; the
second beside another convention."""
MAX_RATES = 4
"""The most numbers of a line that are taken for its learning rate in search of a mistake."""
_SURPLUS = {"n": "1/n", "B": "1/B", "1/alpha": "alpha", "1/2": "2"}
"""The factor that is surplus where its inverse is the missing factor."""


_OF_SCALE = ("factor", "factor_extra", "sum_mean", "sum_loss", "divisor_missing", "divisor_extra")
"""The kinds of mistakes that are another scale themselves."""


class Equality(EqualityValues):
    """Marks one right side of an equation."""

    def verdict(self) -> LineVerdict:
        """Return the verdict on this equality."""
        chains = chains_of(self.tree)
        if chains is not None:
            return self.chain_verdict(chains)
        self.tree = self.with_chain_as_matrix()
        self.compute()
        if self.is_right(self.tree):
            return self.right()
        found = (
            self.right_for_constants()
            or self.right_for_flat_vectors()
            or self.right_for_columns()
            or self.right_for_pytorch()
            or self.right_for_widths()
            or self.right_for_rate()
        )
        if found is not None:
            return found
        self.check_lengths()
        return (
            self.repaired()
            or self.repaired_with_constants()
            or self.repaired_with_rate()
            or self.repaired_for_pytorch()
            or self.wrong()
        )

    # -- right ---------------------------------------------------------------------------------

    def right(self, kind: str = "right", **values: MessageValue) -> LineVerdict:
        return self._verdict(kind, True, None, **values)

    def itself(self) -> LineVerdict:
        """Return the verdict for a line that computes a quantity from this same quantity."""
        verdict = self._verdict("itself", True)  # the values do not differ: nothing to compare
        return replace(verdict, correct=False)

    def right_for_constants(self) -> LineVerdict | None:
        """Return a verdict if the line is right for values of constants, such as 0.9 for μ."""
        found = self.matching_constants()
        if found is None:
            return None
        values = tuple(f"{letter.typed} = {self.constants[letter]:g}" for letter in found)
        return self.right("right_constants", constants=values)

    def right_for_rate(self) -> LineVerdict | None:
        """Return a verdict if the line is right for a learning rate that is not stated."""
        found = self.matching_rate()
        if found is None:
            return None
        tree, number = found
        verdict = self._verdict_of(Repair("rate", tree, number, {"number": number}))
        return replace(verdict, message_parts=verdict.message_parts[:1])

    def right_for_flat_vectors(self) -> LineVerdict | None:
        """Return a verdict if the line is right where vectors have one axis, as in NumPy."""
        if not may_be_flat(self.line, self.tree, self.examples[0]):
            return None
        flat: Any = [FlatExample(example) for example in self.examples]
        given = self.line, self.equation, self.target, self.tree, self.constants
        if not Equality(flat, *given).is_right(self.tree):
            return None
        return self.right("right_flat", names=vectors_in(self.tree, self.examples[0]))

    def right_for_columns(self) -> LineVerdict | None:
        """Return a verdict if diag(a) − a aᵀ is right for columns, as books print vectors."""
        if not may_be_columns(self.line, self.target, self.examples[0]):
            return None
        turned: Any = [ColumnExample(example) for example in self.examples]
        given = self.line, self.equation, self.target, self.tree, self.constants
        if not Equality(turned, *given).is_right(self.tree):
            return None
        return self.right("right_columns", names=vectors_in(self.tree, self.examples[0]))

    def right_for_pytorch(self) -> LineVerdict | None:
        """Return a verdict if F.linear is right for weights as PyTorch stores them."""
        tree = with_outputs_as_rows(self.tree)
        if tree is self.tree or not self.is_right(tree):
            return None
        return self.right(RIGHT_IN_PYTORCH, names=tuple(sorted(weights_of_linear(self.tree))))

    def repaired_for_pytorch(self) -> LineVerdict | None:
        """Return the verdict for the first repair with weights as PyTorch stores them."""
        tree = with_outputs_as_rows(self.tree)
        return None if tree is self.tree else self._repaired_as([tree])

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
        if not ones or self.is_right_in_general(self.tree):
            return None
        if not self._agrees_with_ones(self.tree):
            negative = Negative(self.tree, span=self.tree.span)
            if not self._agrees_with_ones(negative):
                return None
            return self._verdict_of(Repair("sign", negative, self.tree))
        widths = tuple(f"{axis.size} = 1" for axis in ones)
        repaired = self.repaired()
        if repaired is None:
            return self._verdict("right_here_only", True, widths=widths)
        message_parts = (MessagePart("right_here", {"widths": widths}), repaired.message_parts[0])
        return replace(repaired, correct=True, kind="right_here", message_parts=message_parts)

    def _agrees_with_ones(self, tree: Tree) -> bool:
        """Return whether a tree has the true value where this network's layers of 1 have 1."""
        tree = self.computations[0].with_explicit_products(tree)
        for example in map(self.examples[0].standing_for, examples_with_ones(self.context)):
            try:
                value = Computation(example.values)(tree)
            except (ShapeMismatch, InputError):
                return False
            if not same(value, example.values.values[self.target]):
                return False
        return True

    # -- repairs -------------------------------------------------------------------------------

    def repaired(self) -> LineVerdict | None:
        """Return the verdict for the first repair that makes the line right."""
        return (
            self._by_reduction()
            or self._by_factor()
            or self._first(self._repairs)
            or self._by_slope_and_factor()
            or self._as_another_quantity()
            or self._in_another_convention()
            or self._first(self._classic.whole_derivatives())
        )

    def repaired_with_constants(self) -> LineVerdict | None:
        """Return the verdict for the first repair after numbers are replaced by constants."""
        return self._repaired_as(tree for tree, _ in self.with_constants())

    def repaired_with_rate(self) -> LineVerdict | None:
        """Return the verdict for the first repair after a number is replaced by the rate.

        The examples have another rate than the line, so that their values do not tell its fault.
        """
        found = self._repaired_as(tree for tree, _ in islice(self.with_rates(), MAX_RATES))
        if found is None:
            return None
        parts = [part for part in found.message_parts if not part.key.startswith("example_")]
        return replace(found, numbers={}, message_parts=tuple(parts))

    def _repaired_as(self, trees: Iterable[Tree]) -> LineVerdict | None:
        """Return the verdict for the first repair of other forms of the line."""
        for tree in trees:
            equality = Equality(
                self.examples, self.line, self.equation, self.target, tree, self.constants
            )
            equality.compute()
            found = equality.repaired()
            if found is not None:
                return found
        return None

    @cached_property
    def _slopes(self) -> list[Tree]:
        is_backward = self.target.role is Role.COTANGENT
        if not is_backward:
            return []
        return slope_trees(self.context.network, self.examples[0].entries)

    @cached_property
    def _classic(self) -> ClassicMistakes:
        applied = applied_activations(self.context.network)
        return ClassicMistakes(self.tree, self.computations[0], self._slopes, applied, self.target)

    @cached_property
    def _repairs(self) -> SingleRepairs:
        return SingleRepairs(
            self.tree,
            self.computations[0],
            self._slopes,
            self._counts,
            None if self.mismatch is None else self.mismatch.tree,
            target=self.target,
            classic=self._classic,
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
            if self.is_right_within_limits(repair.tree):
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
        scales = other_scales(self.target, self.tree, self._counts, self.examples[0])
        labels = {factor.label for factor in scales}
        for sign in (1, -1):
            for factor in (None, *missing_factors([*self._counts, LEARNING_RATE])):
                if sign == 1 and factor is None:
                    continue
                if sign == -1 and factor is not None and factor.label in labels:
                    continue  # a wrong sign beside another convention
                tree = self.tree if factor is None else multiplied(factor, self.tree)
                if sign == -1:
                    tree = Negative(tree, span=self.tree.span)
                if not self.is_right_within_limits(tree):
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
        return next((tree for tree in trees if self.is_right_within_limits(tree)), None)

    def _by_slope_and_factor(self) -> LineVerdict | None:
        """Try the one common pair of mistakes: no derivative and no factor, as in δ = a − y."""
        if self.found is None:
            return None
        for repair in self._repairs.with_whole_slopes():
            for factor in missing_factors(self._counts):
                tree = multiplied(factor, repair.tree)
                if self.is_right_within_limits(tree):
                    values = {**repair.values, "factor": factor.label}
                    return self._verdict_of(Repair("slope_factor", tree, self.tree, values))
        return None

    def _as_another_quantity(self) -> LineVerdict | None:
        """Return the verdict for a line that computes another derivative or value of a layer."""
        if self.found is None or self.target.role in (Role.LOSS, Role.PARTIAL):
            return None
        roles = (Role.COTANGENT, Role.ACTIVATION, Role.PRE_ACTIVATION)
        for quantity in self.examples[0].values.values:
            if quantity.role in roles and quantity != self.target:
                other = Equality(
                    self.examples, self.line, self.equation, quantity, self.tree, self.constants
                )
                if other.is_right_within_limits(self.tree):
                    name = Name(quantity, quantity.symbol)
                    return self._verdict("other", False, None, other=self._written(name))
        return None

    def _in_another_convention(self) -> LineVerdict | None:
        """Return the verdict for one mistake in a line for another scale of the loss.

        The mistake is named as in its own convention, and the convention beside it.
        """
        factors = other_scales(self.target, self.tree, self._counts, self.examples[0])
        limit = self.computations[0].count + MAX_COMPUTED_NODES
        for repair in self._repairs if factors else ():
            self.work += self.node_count
            if self.computations[0].count > limit or self.work > MAX_WORK + MAX_WORK_BESIDE:
                return None
            if repair.kind in _OF_SCALE:
                continue
            for factor in self._scales_between(repair.tree, factors):
                tree = multiplied(factor, repair.tree)
                if self.is_right(tree):
                    verdict = self._verdict_of(repair)
                    kind = "beside_batch" if SAMPLE_COUNT in factor.contains else "beside_half"
                    beside = MessagePart(kind, {"factor": factor.label})
                    first, *others = verdict.message_parts
                    complete = self._verdict_of(
                        Repair(repair.kind, tree, repair.node, repair.values)
                    )
                    return replace(
                        verdict,
                        repaired=complete.repaired,
                        message_parts=(first, beside, *others),
                    )
        return None

    def _scales_between(
        self, tree: Tree, factors: Iterable[MissingFactor]
    ) -> Iterator[MissingFactor]:
        """Yield the factors between a tree's value and the true one, in the first example."""
        computation = self.computations[0]
        try:
            value = computation(tree)
        except (ShapeMismatch, InputError):
            return
        if value.size != self.truth.size or not np.any(self.truth):
            return
        flat, truth = np.ravel(value), np.ravel(self.truth)
        largest = int(np.argmax(np.abs(truth)))
        for factor in factors:
            scale = float(computation(factor.tree))
            if abs(scale * flat[largest] - truth[largest]) <= 1e-9 * abs(truth[largest]):
                yield factor

    # -- wrong ---------------------------------------------------------------------------------

    def wrong(self) -> LineVerdict:
        """Return the verdict for a line that no single repair makes right."""
        if self.mismatch is None:
            return self._verdict("different", False)
        if not (self.mismatch.left and self.mismatch.right):
            tree = self.mismatch.tree
            if isinstance(tree, Call) and tree.function in MATRIX_OPERATORS:
                verdict = self._verdict(f"product_{tree.function}_too", False)
                return replace(verdict, position=tree.span)
            if isinstance(tree, Call) and tree.function in EXTREMES:
                name, _, right = EXTREMES[tree.function]
                verdict = self._verdict("maximum_two", False, name=name, right=right)
                return replace(verdict, position=tree.span)
            has_number = self.mismatch.left or self.mismatch.right
            kind = "shape_number" if has_number else "ones"
            return replace(self._verdict(kind, False), position=self.mismatch.tree.span)
        left, right = (self.texts.shape(s) for s in (self.mismatch.left, self.mismatch.right))
        verdict = self._verdict("shape", False, axes=self.mismatched_axes, left=left, right=right)
        return replace(verdict, position=self.mismatch.tree.span)

    # -- a chain of partial derivatives --------------------------------------------------------

    def chain_verdict(self, chains: Sequence[Sequence[Link]]) -> LineVerdict:
        """Return the verdict on chains ∂Loss/∂a × ∂a/∂z × …, one for each path from the loss."""
        fault = sum_fault(chains, self.target, self.examples[0])
        if fault is None:
            return self.right()
        return self._verdict(fault.key, False, None, **fault.values)

    def with_chain_as_matrix(self) -> Tree:
        """Return the line with complete chains in it replaced by its value as a matrix.

        Penalties do not contribute to the value.
        """
        for node in nodes(self.tree):
            chains = chains_of(node)
            if (
                chains is not None
                and len(chains[0]) > 1
                and sum_fault(chains, self.target, self.examples[0]) is None
            ):
                text = written(node, self.notation)
                product = PartialDerivative(LOSS, chains[0][-1][1], text, span=node.span)
                return replaced(self.tree, node, product)
        return self.tree

    # -- the verdict ---------------------------------------------------------------------------

    def _verdict_of(self, repair: Repair) -> LineVerdict:
        values: dict[str, MessageValue] = {
            name: self._text(value) for name, value in repair.values.items()
        }
        kind = repair.kind
        if kind == "transpose_missing" and self.mismatched_axes:
            kind = "transpose_mismatch"
        values["axes"] = self.mismatched_axes
        surplus = _SURPLUS.get(str(values.get("factor")))
        if kind == "sign" and self.is_ascent():
            kind = "sign_ascent"
        if kind == "factor" and surplus is not None:
            kind, values["factor"] = "factor_surplus", surplus
        return self._verdict(kind, False, repair, **values)

    def _written(self, tree: Tree) -> str:
        return written(self._in_style(tree), self.notation)

    def _in_style(self, tree: Tree) -> Tree:
        """Return a tree with the names that a repair inserts spelled as others in the line are."""
        names = [node for node in nodes(self.tree) if isinstance(node, Name)]
        texts = [self.equation.left.text, *(name.text for name in names)]
        style = self.equation.style
        for node in nodes(tree):
            if style is None or not isinstance(node, Name) or node.text in texts:
                continue
            if node.text in (node.quantity.symbol, node.quantity.typed):
                text = style(node.quantity, texts)
                tree = tree if text is None else replaced(tree, node, replace(node, text=text))
        return tree

    def _text(self, value: RepairValue) -> MessageValue:
        return self._written(value) if isinstance(value, Tree) else value

    def _verdict(
        self, kind: str, correct: bool, repair: Repair | None = None, **values: MessageValue
    ) -> LineVerdict:
        left = self.equation.left.text
        repaired = ""
        if repair is not None:
            sign = " ← " if self.equation.assigns and self.notation == "mathematics" else " = "
            # NumPy has a different operator for each product.
            tree = self._in_style(self.computations[0].with_explicit_products(repair.tree))
            repaired = left + sign + written(tree, self.notation)
        parts = [MessagePart(kind, {"left": left, "repaired": repaired, **values})]
        numbers: Numbers = {}
        if not correct:
            derived = self.context.derived_lines.get(self.target)
            if kind in ("different", "shape", "shape_number", "ones") and derived is not None:
                key = "derived" if self.context.stated == OWN else "derived_own"
                parts.append(MessagePart(key, {"line": derived}))
            numbers, comparison = self.comparison()
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
