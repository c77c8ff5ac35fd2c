"""One equality of a line with its values in the examples: whether it is right, where it differs."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError
from chainrule.language.refusals import Refusal
from chainrule.marking.constant_values import with_constants, with_named
from chainrule.marking.evaluator import Computation, ShapeMismatch
from chainrule.marking.examples import Example
from chainrule.marking.hidden_numbers import with_moved_numbers
from chainrule.marking.kink_examples import is_piecewise, kink_examples
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.parser import ParsedEquation
from chainrule.marking.quantities import LEARNING_RATE, Quantity, Role, cotangent
from chainrule.marking.syntax import Binary, Call, Name, Notation, Tree, is_number, nodes, written
from chainrule.marking.tree_edits import TWO, name_of
from chainrule.marking.verdict_messages import MessagePart
from chainrule.marking.verdicts import ExampleTexts, Numbers, same

MAX_COMPUTED_NODES = 30_000
"""The most nodes computed in search of a repair: a fraction of a second."""


class EqualityValues:
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
        if numpy and equation.matlab:
            self.notation = "matlab"

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
        """Return whether a tree has the true value in every example, also beside its kinks.

        A number that is hidden by rounding makes it wrong.
        """
        return (
            self.is_right_in_general(tree)
            and all(map(self.is_right_in_general, with_moved_numbers(tree)))
            and self._fault_at_kinks(tree) is None
        )

    def _fault_at_kinks(self, tree: Tree) -> tuple[Example, FloatArray] | None:
        """Return the first example beside kinks in which a piecewise tree differs, and its value.

        Where the tree overflows it is not judged.
        """
        if not is_piecewise(tree):
            return None
        computed = (self.computations[0](node) for node in nodes(tree) if is_number(node))
        numbers = [float(value) for value in computed if np.ndim(value) == 0]
        for plain in kink_examples(self.context, numbers):
            example = self.examples[0].standing_for(plain)
            try:
                value = Computation(example.values)(tree)
            except (ShapeMismatch, InputError):
                return None
            if np.all(np.isfinite(value)) and not self.agrees(
                value, example.values.values[self.target]
            ):
                return example, value
        return None

    def is_right_in_general(self, tree: Tree) -> bool:
        """Return whether a tree has the true value in the random examples."""
        for computation, example in zip(self.computations, self.examples, strict=True):
            try:
                value = computation(tree)
            except (ShapeMismatch, InputError):
                return False
            if not self.agrees(value, example.values.values[self.target]):
                return False
        return True

    def agrees(self, value: FloatArray, truth: FloatArray) -> bool:
        """Return whether a value is the true one; as ∂a/∂z 1 is every entry's, 0 is all zeros."""
        is_number = np.ndim(value) == 0
        is_slope = self.target.role is Role.PARTIAL
        is_zero = is_number and not np.any(truth) and float(value) == 0.0
        is_spread = is_number and (is_slope or is_zero)
        return same(np.broadcast_to(value, truth.shape) if is_spread else value, truth)

    def is_right_within_limits(self, tree: Tree) -> bool:
        """Return ``is_right``, or False after too many computations."""
        computation = self.computations[0]
        if computation.count > MAX_COMPUTED_NODES:
            return False
        try:
            value = computation(tree)
        except (ShapeMismatch, InputError):
            return False
        return self.agrees(value, self.truth) and self.is_right(tree)

    def matching_constants(self) -> list[Quantity] | None:
        """Return the constants whose values in the line make it right, None if there are none."""
        for tree, letters in self.with_constants():
            if self.is_right_within_limits(tree):
                return sorted(letters, key=lambda letter: letter.symbol)
        return None

    def with_rates(self) -> Iterator[tuple[Tree, Tree]]:
        """Yield the line with the learning rate in place of each number, and the number.

        None where the learning rate is stated, or is in no line for this target.
        """
        if not self.is_update or LEARNING_RATE in self.constants:
            return
        for tree in (self.tree, *(tree for tree, _ in self.with_constants())):
            yield from with_named(tree, LEARNING_RATE)

    def matching_rate(self) -> tuple[Tree, Tree] | None:
        """Return the line with the learning rate in place of the number that it is, and the number.

        None where no number of the line is the learning rate.
        """
        pairs = (pair for pair in self.with_rates() if self.is_right_within_limits(pair[0]))
        return next(pairs, None)

    def is_ascent(self) -> bool:
        """Return whether the whole step of an update has the wrong sign: W + α dW."""
        gradient = cotangent(self.target.plain)
        names = (node.quantity for node in nodes(self.tree) if isinstance(node, Name))
        if not self.target.is_updated_parameter or gradient not in names:
            return False
        twice = Binary("product", TWO, name_of(self.target.plain))
        return self.is_right_within_limits(Binary("subtract", twice, self.tree))

    def check_lengths(self) -> None:
        """Refuse a line with length(X) of a matrix, whose longest axis depends on the data."""
        for node in nodes(self.tree):
            if isinstance(node, Call) and node.function == "length":
                (of,) = node.arguments
                axis = "1" if self.context.layout == "rows" else "2"
                raise Refusal("length", text=written(of, self.notation), axis=axis)

    def with_constants(self) -> Iterator[tuple[Tree, set[Quantity]]]:
        """Yield the line with numbers replaced by the constants of that value.

        Those of the optimizer only in its own lines, those of penalties everywhere.
        """
        constants = {
            letter: value
            for letter, value in self.constants.items()
            if self.is_update or letter.symbol in self.context.network.strengths
        }
        return with_constants(self.tree, constants)

    @property
    def uses_itself(self) -> bool:
        """Whether the right side contains the name on the left, not another one as in δ = dz."""
        name = self.equation.left.text
        return any(
            isinstance(node, Name) and node.quantity == self.target and node.text == name
            for node in nodes(self.tree)
        )

    @property
    def is_update(self) -> bool:
        """Whether the optimizer computes the left side."""
        return self.target.is_updated or self.target.role is Role.CORRECTED_MEAN

    @property
    def mismatched_axes(self) -> tuple[str, ...]:
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

    def comparison(self) -> tuple[Numbers, MessagePart]:
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
            at_kinks = self._fault_at_kinks(self.tree)
            if at_kinks is not None:
                example, value = at_kinks
                return ExampleTexts(example).comparison(value, example.values.values[self.target])
        return self.texts.comparison(found, self.truth)
