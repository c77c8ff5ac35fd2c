"""The neighborhood of a line: every single change that learners forget, in the order of likelihood.

A repair is a changed tree with the kind of the change.  Which of them makes the line right is the
business of ``judging``: here nothing is computed but shapes.
"""

from collections.abc import Iterator, Sequence
from itertools import product as combinations

import numpy as np

from chainrule.marking.edits import PRODUCTS, Changes, Repair, factors, sloped, times
from chainrule.marking.evaluator import Clash, Computation, OnesVector
from chainrule.marking.syntax import (
    Binary,
    Call,
    Constant,
    Name,
    Negative,
    Operation,
    Partial,
    Total,
    Transposed,
    Tree,
    exchanged,
    in_latin,
)
from chainrule.marking.update_repairs import Update, UpdateRepairs
from chainrule.network.activations import CATALOGUE


class Neighborhood(Changes):
    """The repairs of one tree, whose values (of what can be computed) give the shapes."""

    def __init__(
        self,
        tree: Tree,
        computation: Computation,
        slopes: Sequence[Tree],
        letters: Sequence[str],
        samples: int,
        clash: Tree | None,
        *,
        single: bool,
        update: Update | None = None,
    ) -> None:
        super().__init__(tree)
        self.computation = computation
        self.slopes = slopes
        self.letters = letters
        self.samples = samples
        self.clash = clash
        self.single, self.update = single, update

    def __iter__(self) -> Iterator[Repair]:
        yield from self.totals()
        if isinstance(self.clash, Binary) and self.clash.operation == "entrywise":
            yield from self.products()
        yield from self.transposes()
        yield from self.sides()
        yield from self.products()
        yield from self.sequential()
        yield from self.signs()
        yield from self.numbers()
        if self.update is not None:
            yield from UpdateRepairs(self.tree, self.update)
        yield from self.losing_slopes()
        yield from self.biases()
        yield from self.names()
        yield from self.penalties()
        yield from self.arrangements()

    def shape(self, node: Tree) -> tuple[int, ...] | None:
        """Return the shape of a node's value, None where it has none."""
        try:
            value = self.computation.value(node)
        except (Clash, ArithmeticError):
            return None
        return None if isinstance(value, OnesVector) else np.shape(value)

    def _multiplied(self, *operations: str) -> Iterator[Binary]:
        for node in self.nodes:
            if isinstance(node, Binary) and node.operation in operations:
                yield node

    # -- side and transpose --------------------------------------------------------------------

    def transposes(self) -> Iterator[Repair]:
        """Add or remove one transpose; names before brackets."""
        leaves = [node for node in self.nodes if isinstance(node, (Name, Partial))]
        # A product as a whole is left to ``sides``: (A B)ᵀ is Bᵀ Aᵀ.
        others = [
            node
            for node in reversed(self.nodes)
            if not isinstance(node, (Name, Partial))
            and not (isinstance(node, Binary) and node.operation in ("matrix", "product"))
        ]
        for node in (*leaves, *others):
            if isinstance(node, Transposed):
                yield self.changed("transpose_extra", node, node.operand, name=node.operand)
            elif not isinstance(self.above.get(id(node)), Transposed):
                shape = self.shape(node)
                if shape is None or (len(shape) == 2 and shape != (1, 1)):
                    turned = Transposed(node, span=node.span)
                    yield self.changed("transpose_missing", node, turned, name=node)

    def sides(self) -> Iterator[Repair]:
        """Exchange the sides of a product, with its transposes."""
        for node in self._multiplied("matrix", "product"):
            for operation, left, right in _arrangements(node):
                yield self.changed("side", node, Binary(operation, left, right, span=node.span))

    def products(self) -> Iterator[Repair]:
        """Take the matrix product for the one entry by entry, and the other way round."""
        for node in self._multiplied("entrywise"):
            plain: tuple[Operation, Tree, Tree] = ("matrix", node.left, node.right)
            for operation, left, right in (plain, *_arrangements(node)):
                new = Binary(operation, left, right, span=node.span)
                yield self.changed("product_matrix", node, new)
        for node in self._multiplied("matrix", "product"):
            yield self.changed(
                "product_entrywise",
                node,
                Binary("entrywise", node.left, node.right, span=node.span),
            )

    # -- sums, names ---------------------------------------------------------------------------

    def totals(self) -> Iterator[Repair]:
        """Sum over samples where it was forgotten, along the other axis, or not at all."""
        if self.single:
            for mean in (True, False):
                whole = Total(self.tree, None, mean, span=self.tree.span)
                yield Repair("sum_loss", whole, self.tree, {})
        whole = Total(self.tree, self.samples, span=self.tree.span)
        yield Repair("sum_missing", whole, self.tree, {})
        for node in self.nodes:
            if isinstance(node, Total):
                for axis in (0, 1):
                    new = Total(node.operand, axis, node.mean, span=node.span)
                    yield self.changed("sum_axis", node, new)
                yield self.changed("sum_extra", node, node.operand)
                new = Total(node.operand, node.axis, not node.mean, node.keep, span=node.span)
                yield self.changed("sum_mean", node, new)

    def sequential(self) -> Iterator[Repair]:
        """Take the old parameter for the one that has been updated."""
        for node in self.nodes:
            if isinstance(node, Name) and node.key.endswith(" new") and node.key[0] in "Wb":
                key = node.key.removesuffix(" new")
                new = Name(key, f"{key}_old", span=node.span)
                yield self.changed("sequential", node, new, name=key)

    def names(self) -> Iterator[Repair]:
        """Take one value for another, in one place or everywhere; those of the same shape first."""
        values = self.computation.setting.values
        used = [node for node in self.nodes if isinstance(node, Name)]
        for node in used:
            shape = np.shape(values.get(node.key, 0))
            others = [
                key
                for key, value in values.items()
                if key != node.key and " " not in key and np.ndim(value) == len(shape)
            ]
            if self.update is not None:
                # The memory is what it is in this line: old in its own, new in the parameter's.
                means = {text: key for key, text in self.update.memory}
                others = [means.get(key, key) for key in others if means.get(key) != node.key]
            for key in sorted(others, key=lambda key: np.shape(values[key]) != shape):
                given = {"name": node, "right": Name(key, _readable(key))}
                new = Name(key, _readable(key), span=node.span)
                yield self.changed("name", node, new, **given)
                same = [other for other in used if other.key == node.key]
                if len(same) > 1 and node is same[0]:
                    tree = self.tree
                    for other in same:
                        tree = exchanged(tree, other, new)
                    yield Repair("name", tree, node, dict(given))

    # -- numbers and slopes --------------------------------------------------------------------

    def signs(self) -> Iterator[Repair]:
        """Turn one sign."""
        for node in self.nodes:
            if isinstance(node, Binary) and node.operation in ("add", "subtract"):
                other: Operation = "subtract" if node.operation == "add" else "add"
                new = Binary(other, node.left, node.right, span=node.span)
                yield self.changed("sign", node, new)
        for node in self.nodes:
            if isinstance(node, Negative):
                yield self.changed("sign", node, node.operand)
            elif not isinstance(self.above.get(id(node)), Negative):
                yield self.changed("sign", node, Negative(node, span=node.span))

    def numbers(self) -> Iterator[Repair]:
        """Multiply a term with a number that is missing."""
        for node in self.nodes:
            above = self.above.get(id(node))
            term = isinstance(above, Binary) and above.operation in ("add", "subtract")
            if term or isinstance(above, (Total, Call)):
                more = () if self.update is None else self.update.factors()
                for factor in (*factors([*self.letters, "α"]), *more):
                    new = times(factor, node)
                    yield self.changed("factor", node, new, factor=factor.label)

    def scalars(self) -> Iterator[Repair]:
        """Leave a number out that multiplies or divides."""
        for node in self._multiplied(*PRODUCTS, "divide"):
            for kept, lost in ((node.left, node.right), (node.right, node.left)):
                if self.shape(lost) == () and (kept is node.left or node.operation != "divide"):
                    yield self.changed("factor", node, kept)
                elif kept is node.right and node.operation == "divide":
                    one = Binary("divide", Constant(1.0, "1"), node.right, span=node.span)
                    yield self.changed("factor", node, one)

    def biases(self) -> Iterator[Repair]:
        """Add a bias that was forgotten."""
        values = self.computation.setting.values
        for node in (
            self.tree,
            *(part for n in self.nodes if isinstance(n, Call) for part in n.arguments),
        ):
            shape = self.shape(node)
            for key, value in values.items():
                if shape and key.startswith("b_") and " " not in key and _spreads(value, shape):
                    bias = Name(key, key)
                    new = Binary("add", node, bias, span=node.span)
                    yield self.changed("bias", node, new, name=bias)

    def whole_slopes(self) -> Iterator[Repair]:
        """Multiply the whole line with a slope of its shape."""
        shape = self.shape(self.tree)
        for slope in self.slopes:
            if shape is not None and shape == self.shape(slope):
                whole = sloped(self.tree, slope)
                yield Repair("slope_missing", whole, self.tree, {"slope": slope})

    def losing_slopes(self) -> Iterator[Repair]:
        """Multiply with a slope that is missing, take the right one for a wrong one, drop one."""
        for node in self.nodes:
            if self.slopes and isinstance(node, Call) and node.function in ("f", *CATALOGUE):
                slope: Tree = Call(f"{node.function} slope", node.arguments, span=node.span)
                yield self.changed("slope_function", node, slope, slope=slope, name=node)
        products = list(self._multiplied(*PRODUCTS))
        operands = [part for node in products for part in (node.left, node.right)]
        for node in (self.tree, *operands):
            shape = self.shape(node)
            for slope in self.slopes:
                if shape is not None and shape == self.shape(slope):
                    new = sloped(node, slope)
                    yield self.changed("slope_missing", node, new, slope=slope)
        for node in operands:
            for slope in self.slopes:
                yield self.changed("slope_wrong", node, slope, slope=slope, name=node)
        for node in products:
            inner = node.left
            if isinstance(inner, Binary) and inner.operation in PRODUCTS:
                for slope in self.slopes:
                    new = Binary(node.operation, inner.left, slope, span=node.span)
                    both = Binary(node.operation, inner.right, node.right)
                    yield self.changed("slope_wrong", node, new, slope=slope, name=both)
        for node in products:
            for kept, lost in ((node.left, node.right), (node.right, node.left)):
                yield self.changed("factor_extra", node, kept, name=lost)

    def penalties(self) -> Iterator[Repair]:
        """Add the derivative of a penalty."""
        values = self.computation.setting.values
        for letter in ("λ", "λ_1"):
            for key in values:
                if letter in values and key.startswith("W_") and not key.endswith(" new"):
                    weight: Tree = Name(key, key)
                    grown = weight if letter == "λ" else Call("sign", (weight,))
                    term = Binary("entrywise", Name(letter, letter), grown)
                    new = Binary("add", self.tree, term, span=self.tree.span)
                    yield Repair("penalty", new, self.tree, {"right": term})

    # -- a whole chain -------------------------------------------------------------------------

    def arrangements(self) -> Iterator[Repair]:
        """Put the factors of the whole chain together again, one after the other, as axes allow.

        The page multiplies factors in the order of the chain and leaves the side and the transposes
        to the reader: here they are worked out.
        """
        tree, negative = self.tree, False
        while isinstance(tree, Negative):
            tree, negative = tree.operand, not negative
        chain = _flat(tree)
        if not 3 <= len(chain) <= _LONGEST_CHAIN:
            return
        numbers = [node for node in chain if self.shape(node) in ((), (1, 1))]
        arrays = [node for node in chain if node not in numbers]
        if not arrays:
            return
        for way in self._ways(arrays[0], arrays[1:]):
            whole = way
            for number in reversed(numbers):
                whole = Binary("product", number, whole, span=tree.span)
            yield Repair("side_chain", Negative(whole) if negative else whole, self.tree, {})

    def _ways(self, start: Tree, rest: Sequence[Tree]) -> Iterator[Tree]:
        if not rest:
            yield start
            return
        first, *others = rest
        nexts: list[Tree] = [Binary("entrywise", start, first)]
        for left, right in ((start, first), (first, start)):
            for flip_left, flip_right in combinations((False, True), repeat=2):
                nexts.append(Binary("matrix", _turned(left, flip_left), _turned(right, flip_right)))
        for node in nexts:
            shape = self.shape(node)
            broad = isinstance(node, Binary) and node.operation == "entrywise"
            if shape is None or (broad and self.shape(node.left) != self.shape(node.right)):  # type: ignore[attr-defined]
                continue
            yield from self._ways(node, others)


_LONGEST_CHAIN = 9


def _spreads(value: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a bias can be added to each sample."""
    pairs = zip(np.shape(value), shape, strict=False)
    return len(np.shape(value)) == len(shape) and all(one in (1, other) for one, other in pairs)


def _flat(tree: Tree) -> list[Tree]:
    if isinstance(tree, Binary) and tree.operation in PRODUCTS:
        return [*_flat(tree.left), *_flat(tree.right)]
    return [tree]


def _turned(node: Tree, flip: bool) -> Tree:
    if not flip:
        return node
    return node.operand if isinstance(node, Transposed) else Transposed(node, span=node.span)


def _arrangements(node: Binary) -> Iterator[tuple[Operation, Tree, Tree]]:
    """Yield the product with its sides exchanged or both factors turned over."""
    operation: Operation = "matrix" if node.operation == "entrywise" else node.operation
    for swap in (True, False):
        left, right = (node.right, node.left) if swap else (node.left, node.right)
        for flip_left, flip_right in combinations((False, True), repeat=2):
            if swap or flip_left or flip_right:
                yield operation, _turned(left, flip_left), _turned(right, flip_right)


def _readable(key: str) -> str:
    return in_latin(key.removesuffix(" new"))
