"""Every single repair of a line, in the order of likelihood.

The most common mistakes of learners are first.  Only shapes are computed here; ``Equality``
finds out which repair makes the line correct.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product as combinations
from typing import TypeGuard

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError
from chainrule.marking.evaluator import Computation, ShapeMismatch, shape_of
from chainrule.marking.matlab_notation import of_matrices, with_entries_instead
from chainrule.marking.number_factors import PRODUCTS
from chainrule.marking.quantities import LEARNING_RATE, LOSS, SAMPLE_COUNT, Quantity, Role, constant
from chainrule.marking.syntax import (
    Binary,
    Call,
    Largest,
    Name,
    Negative,
    Operation,
    PartialDerivative,
    Reduction,
    Transposed,
    Tree,
    replaced,
)
from chainrule.marking.tree_edits import (
    ONE,
    Repair,
    RepairValue,
    TreeEditor,
    missing_factors,
    multiplied,
    name_of,
    with_slope,
)
from chainrule.marking.update_repairs import UpdateRepairs, UpdateTerms
from chainrule.network.activations import CATALOGUE

_LONGEST_CHAIN = 9
"""The largest count of factors that are rearranged."""
_MOST_ALIKE = 8
"""The most occurrences of one name that are replaced together."""
_BEFORE_SIGNS = ("comparison", "maximum", "slope_argument", "slope_extra", "square_inside")
"""The classic mistakes that a change of a sign or of a factor could also repair."""


class SingleRepairs(TreeEditor):
    """The repairs of one tree; its values in an example determine the shapes."""

    def __init__(
        self,
        tree: Tree,
        computation: Computation,
        slopes: Sequence[Tree],
        counts: Sequence[Quantity],
        mismatch: Tree | None,
        *,
        target: Quantity,
        classic: Iterable[Repair] = (),
        update: UpdateTerms | None = None,
    ) -> None:
        super().__init__(tree)
        self.computation = computation
        self.slopes = slopes
        self.counts = counts
        self.mismatch = mismatch
        self.is_batch = SAMPLE_COUNT in counts
        self.target, self.classic, self.update = target, classic, update

    def __iter__(self) -> Iterator[Repair]:
        yield from self.of_entries()
        yield from self.reductions()
        if isinstance(self.mismatch, Binary) and self.mismatch.operation == "entrywise":
            yield from self.products()
        yield from self.transposes()
        yield from self.sides()
        yield from self.products()
        yield from self.old_parameters()
        yield from (repair for repair in self.classic if repair.kind in _BEFORE_SIGNS)
        yield from self.signs()
        yield from self.factors()
        if self.update is not None:
            yield from UpdateRepairs(self.tree, self.update)
        yield from self.slope_repairs()
        yield from self.biases()
        yield from self.names()
        yield from self.penalties()
        yield from (repair for repair in self.classic if repair.kind not in _BEFORE_SIGNS)
        yield from self.rearranged_chains()

    def shape(self, node: Tree) -> tuple[int, ...] | None:
        """Return the shape of a node's value, None if it has no value."""
        try:
            value = self.computation.value(node)
        except (ShapeMismatch, ArithmeticError, InputError):
            return None
        return shape_of(value)

    def _binaries(self, *operations: Operation) -> Iterator[Binary]:
        for node in self.nodes:
            if isinstance(node, Binary) and node.operation in operations:
                yield node

    def of_entries(self) -> Iterator[Repair]:
        """Replace MATLAB's operators of matrices, all at once, by those of entries."""
        for node in of_matrices(self.tree)[:1]:
            yield Repair(f"product_{node.function}", with_entries_instead(self.tree), node)

    # -- side and transpose --------------------------------------------------------------------

    def transposes(self) -> Iterator[Repair]:
        """Add or remove one transpose, of names before others."""
        names = [node for node in self.nodes if isinstance(node, (Name, PartialDerivative))]
        # ``sides`` covers the transpose of a product: (A B)ᵀ is Bᵀ Aᵀ.
        others = [
            node
            for node in reversed(self.nodes)
            if not isinstance(node, (Name, PartialDerivative))
            and not (isinstance(node, Binary) and node.operation in ("matrix", "product"))
        ]
        for node in self.nodes:
            if isinstance(node, Call) and node.function == "outer":
                left, right = node.arguments
                yield self.changed("side", node, Call("outer", (right, left), span=node.span))
        for node in (*names, *others):
            if isinstance(node, Transposed):
                yield self.changed("transpose_extra", node, node.operand, name=node.operand)
            elif not isinstance(self.parent(node), Transposed):
                shape = self.shape(node)
                if shape is None or (len(shape) == 2 and shape != (1, 1)):
                    transposed = Transposed(node, span=node.span)
                    yield self.changed("transpose_missing", node, transposed, name=node)

    def sides(self) -> Iterator[Repair]:
        """Exchange or transpose the factors of a product."""
        for node in self._binaries("matrix", "product"):
            for operation, left, right in _reordered(node):
                yield self.changed("side", node, Binary(operation, left, right, span=node.span))

    def products(self) -> Iterator[Repair]:
        """Replace an elementwise product by a matrix product, and vice versa."""
        for node in self._binaries("entrywise"):
            plain: tuple[Operation, Tree, Tree] = ("matrix", node.left, node.right)
            for operation, left, right in (plain, *_reordered(node)):
                new = Binary(operation, left, right, span=node.span)
                yield self.changed("product_matrix", node, new)
        for node in self._binaries("matrix", "product"):
            yield self.changed(
                "product_entrywise",
                node,
                Binary("entrywise", node.left, node.right, span=node.span),
            )

    # -- sums, names ---------------------------------------------------------------------------

    def reductions(self) -> Iterator[Repair]:
        """Add a sum over the samples, change the axis of a sum, or remove the sum."""
        for node in self.nodes:
            if isinstance(node, (Reduction, Largest)) and node.axis == "first":
                yield self.changed("sum_loss", node, replace(node, axis=None))
        if self.target == LOSS:
            for mean in (True, False):
                tree: Tree = Reduction(self.tree, None, mean, span=self.tree.span)
                yield Repair("sum_loss", tree, self.tree)
        tree = Reduction(self.tree, self.computation.example.sample_axis, span=self.tree.span)
        yield Repair("sum_missing", tree, self.tree)
        for node in self.nodes:
            if isinstance(node, Call) and node.axis is not None:
                for axis in {0, 1} - {node.axis}:
                    yield self.changed("sum_units", node, replace(node, axis=axis))
            if isinstance(node, Reduction):
                operand, span = node.operand, node.span
                if not self.is_batch and node.axis is None:
                    yield self.changed("sum_extra", node, operand)
                for axis in (0, 1):
                    new = Reduction(operand, axis, node.mean, span=span)
                    yield self.changed("sum_axis", node, new)
                yield self.changed("sum_extra", node, operand)
                new = Reduction(operand, node.axis, not node.mean, node.keepdims, span=span)
                yield self.changed("sum_mean", node, new)

    def old_parameters(self) -> Iterator[Repair]:
        """Replace an updated parameter by the old one."""
        for node in self.nodes:
            if isinstance(node, Name) and node.quantity.is_updated_parameter:
                old = node.quantity.plain
                new = Name(old, f"{old}_old", span=node.span)
                yield self.changed("sequential", node, new, name=old.symbol)

    def names(self) -> Iterator[Repair]:
        """Replace one name by another, once or everywhere, beginning with those of its shape."""
        values = self.computation.example.values
        used = [node for node in self.nodes if isinstance(node, Name)]
        for node in used:
            shape = np.shape(values[node.quantity]) if node.quantity in values else ()
            others = [
                quantity
                for quantity, value in values.items()
                if quantity not in (node.quantity, self.target)  # not a line like dW = dW
                and quantity.is_plain
                and quantity.role not in (Role.PARTIAL, Role.STEP, Role.ERROR)
                and np.ndim(value) == len(shape)
            ]
            if self.update is not None:
                # The plain symbol of memory means its value at this point of the step.
                meaning = self.update.memory
                others = [meaning.get(q, q) for q in others if meaning.get(q) != node.quantity]
            for quantity in sorted(others, key=lambda q: np.shape(values[q]) != shape):
                text = quantity.plain.typed
                given: dict[str, RepairValue] = {"name": node, "right": Name(quantity, text)}
                new = Name(quantity, text, span=node.span)
                yield self.changed("name", node, new, **given)
                same = [other for other in used if other.quantity == node.quantity]
                if 1 < len(same) <= _MOST_ALIKE and node is same[0]:
                    tree = self.tree
                    for other in same:
                        tree = replaced(tree, other, new)
                    yield Repair("name", tree, node, given)

    def biases(self) -> Iterator[Repair]:
        """Add a missing bias."""
        arguments = (part for n in self.nodes if isinstance(n, Call) for part in n.arguments)
        for node in (self.tree, *arguments):
            shape = self.shape(node)
            for quantity, value in self.computation.example.values.items():
                if shape and quantity.role is Role.BIAS and _broadcasts(value, shape):
                    bias = name_of(quantity)
                    new = Binary("add", node, bias, span=node.span)
                    yield self.changed("bias", node, new, name=bias)

    def penalties(self) -> Iterator[Repair]:
        """Add the derivative of a penalty."""
        values = self.computation.example.values
        weights = [quantity for quantity in values if quantity.role is Role.WEIGHT]
        for strength in (constant("λ"), constant("λ_1")):
            for quantity in weights if strength in values else ():
                weight: Tree = name_of(quantity)
                if strength.symbol == "λ_1":
                    weight = Call("sign", (weight,))
                term = Binary("entrywise", name_of(strength), weight)
                new = Binary("add", self.tree, term, span=self.tree.span)
                yield Repair("penalty", new, self.tree, {"right": term})

    # -- numbers and slopes --------------------------------------------------------------------

    def signs(self) -> Iterator[Repair]:
        """Change one sign."""
        for node in self.nodes:
            if isinstance(node, Binary) and node.operation in ("add", "subtract"):
                other: Operation = "subtract" if node.operation == "add" else "add"
                new = Binary(other, node.left, node.right, span=node.span)
                yield self.changed("sign", node, new)
        for node in self.nodes:
            if isinstance(node, Negative):
                yield self.changed("sign", node, node.operand)
            elif not isinstance(self.parent(node), Negative):
                yield self.changed("sign", node, Negative(node, span=node.span))

    def factors(self) -> Iterator[Repair]:
        """Multiply a term by a missing number."""
        for node in self.nodes:
            parent = self.parent(node)
            is_term = isinstance(parent, Binary) and parent.operation in ("add", "subtract")
            if is_term or isinstance(parent, (Reduction, Call)):
                more = () if self.update is None else self.update.factors()
                for factor in (*missing_factors([*self.counts, LEARNING_RATE]), *more):
                    new = multiplied(factor, node)
                    yield self.changed("factor", node, new, factor=factor.label)

    def without_numbers(self) -> Iterator[Repair]:
        """Remove a number that multiplies or divides."""
        for node in self._binaries(*PRODUCTS, "divide"):
            is_quotient = node.operation == "divide"
            if self.shape(node.right) == ():
                yield self.changed("factor", node, node.left)
            if is_quotient:
                inverse = Binary("divide", ONE, node.right, span=node.span)
                yield self.changed("factor", node, inverse)
            elif self.shape(node.left) == ():
                yield self.changed("factor", node, node.right)

    def with_whole_slopes(self) -> Iterator[Repair]:
        """Multiply the whole line by a derivative of its shape."""
        shape = self.shape(self.tree)
        for slope in self.slopes:
            if shape is not None and shape == self.shape(slope):
                tree = with_slope(self.tree, slope)
                yield Repair("slope_missing", tree, self.tree, {"slope": slope})

    def slope_repairs(self) -> Iterator[Repair]:
        """Multiply by a missing derivative, replace a wrong one, or remove a surplus factor."""
        for node in self.nodes:
            if self.slopes and _is_activation(node):
                slope: Tree = Call(node.function, node.arguments, True, span=node.span)
                yield self.changed("slope_function", node, slope, slope=slope, name=node)
        products = list(self._binaries(*PRODUCTS))
        operands = [part for node in products for part in (node.left, node.right)]
        for operand in (self.tree, *operands):
            shape = self.shape(operand)
            for slope in self.slopes:
                if shape is not None and shape == self.shape(slope):
                    new = with_slope(operand, slope)
                    yield self.changed("slope_missing", operand, new, slope=slope)
        for operand in operands:
            for slope in self.slopes:
                yield self.changed("slope_wrong", operand, slope, slope=slope, name=operand)
        for node in products:
            inner = node.left
            if isinstance(inner, Binary) and inner.operation in PRODUCTS:
                for slope in self.slopes:
                    new = Binary(node.operation, inner.left, slope, span=node.span)
                    both = Binary(node.operation, inner.right, node.right)
                    yield self.changed("slope_wrong", node, new, slope=slope, name=both)
        for node in products:
            yield self.changed("factor_extra", node, node.left, name=node.right)
            yield self.changed("factor_extra", node, node.right, name=node.left)

    # -- a whole chain -------------------------------------------------------------------------

    def rearranged_chains(self) -> Iterator[Repair]:
        """Multiply all factors again, each time with a side and transposes that the axes allow.

        Textbooks list the factors in the order of the chain rule and leave sides and transposes to
        the reader; such a line has the right factors only.
        """
        tree, negative = self.tree, False
        while isinstance(tree, Negative):
            tree, negative = tree.operand, not negative
        chain = _product_factors(tree)
        if not 3 <= len(chain) <= _LONGEST_CHAIN:
            return
        scalars = [node for node in chain if self.shape(node) in ((), (1, 1))]
        arrays = [node for node in chain if node not in scalars]
        if not arrays:
            return
        for product in self._products_of(arrays[0], arrays[1:]):
            found = product
            for scalar in reversed(scalars):
                found = Binary("product", scalar, found, span=tree.span)
            yield Repair("side_chain", Negative(found) if negative else found, self.tree)

    def _products_of(self, start: Tree, rest: Sequence[Tree]) -> Iterator[Tree]:
        """Yield every product of ``start`` with the other factors that the axes allow."""
        if not rest:
            yield start
            return
        first, *others = rest
        if self.shape(start) == self.shape(first) and self.shape(start) is not None:
            yield from self._products_of(Binary("entrywise", start, first), others)
        for left, right in ((start, first), (first, start)):
            for flip_left, flip_right in combinations((False, True), repeat=2):
                node = Binary("matrix", _flipped(left, flip_left), _flipped(right, flip_right))
                if self.shape(node) is not None:
                    yield from self._products_of(node, others)


def _is_activation(node: Tree) -> TypeGuard[Call]:
    """Return whether a node applies an activation, not its derivative."""
    return isinstance(node, Call) and not node.derivative and node.function in ("f", *CATALOGUE)


def _broadcasts(value: FloatArray, shape: tuple[int, ...]) -> bool:
    """Return whether a bias can be added to each sample of a matrix with this shape."""
    pairs = zip(np.shape(value), shape, strict=False)
    return len(np.shape(value)) == len(shape) and all(one in (1, other) for one, other in pairs)


def _product_factors(tree: Tree) -> list[Tree]:
    """Return the factors of nested products."""
    if isinstance(tree, Binary) and tree.operation in PRODUCTS:
        return [*_product_factors(tree.left), *_product_factors(tree.right)]
    return [tree]


def _flipped(node: Tree, flip: bool) -> Tree:
    """Return the transpose of a node if ``flip``, else the node."""
    if not flip:
        return node
    return node.operand if isinstance(node, Transposed) else Transposed(node, span=node.span)


def _reordered(node: Binary) -> Iterator[tuple[Operation, Tree, Tree]]:
    """Yield the product with its factors exchanged or transposed."""
    operation: Operation = "matrix" if node.operation == "entrywise" else node.operation
    for swap in (True, False):
        left, right = (node.right, node.left) if swap else (node.left, node.right)
        for flip_left, flip_right in combinations((False, True), repeat=2):
            if swap or flip_left or flip_right:
                yield operation, _flipped(left, flip_left), _flipped(right, flip_right)
