"""Mistakes that every course knows, which change more than one node of a line.

The derivative of the activation is a factor too many, is missing in the middle of a product, or is
replaced by the activation; a square is outside of a mean; an update forgets the old value.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.marking.evaluator import Computation, ShapeMismatch, shape_of
from chainrule.marking.number_factors import PRODUCTS
from chainrule.marking.quantities import Applied, Quantity, Role
from chainrule.marking.syntax import (
    EXTREMES,
    Binary,
    Call,
    Comparison,
    Constant,
    Largest,
    Name,
    Raised,
    Reduction,
    Tree,
    is_number,
)
from chainrule.marking.tree_edits import TWO, Repair, TreeEditor, name_of, with_slope
from chainrule.network.activations import CATALOGUE

"""What functions of the entries along an axis are called, and those of two values."""
_OPPOSITE = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


class ClassicMistakes(TreeEditor):
    """The repairs of the classic mistakes of one tree."""

    def __init__(
        self,
        tree: Tree,
        computation: Computation,
        slopes: Sequence[Tree],
        applied: Sequence[Applied],
        target: Quantity,
    ) -> None:
        super().__init__(tree)
        self.computation, self.slopes, self.applied = computation, slopes, applied
        self.target = target

    def __iter__(self) -> Iterator[Repair]:
        yield from self.comparisons()
        yield from self.largest()
        yield from self.slope_arguments()
        yield from self.squares()
        yield from self.old_values()
        yield from self.applied_activations()
        yield from self.divisors()
        yield from self.surplus_slopes()
        yield from self.slopes_inside()
        yield from self.derivatives()

    def shape(self, node: Tree) -> tuple[int, ...] | None:
        """Return the shape of a node's value, None if it has no value."""
        try:
            value = self.computation.value(node)
        except (ShapeMismatch, ArithmeticError, ValueError):
            return None
        return shape_of(value)

    def comparisons(self) -> Iterator[Repair]:
        """Turn a comparison round: z < 0 instead of z > 0."""
        for node in self.nodes:
            if isinstance(node, Comparison) and node.sign in _OPPOSITE:
                new = Comparison(_OPPOSITE[node.sign], node.left, node.right, span=node.span)
                yield self.changed("comparison", node, new, name=node, right=new)

    def largest(self) -> Iterator[Repair]:
        """Take the larger one of two values instead of the largest along an axis."""
        for node in self.nodes:
            if isinstance(node, Call) and node.function in EXTREMES:
                name, function, right = EXTREMES[node.function]
                new = Call(function, node.arguments, span=node.span)
                yield self.changed("maximum", node, new, name=name, right=right)
            if isinstance(node, Largest) and node.axis == 0:
                new = Call("maximum", (node.operand, Constant(0.0, "0")), span=node.span)
                yield self.changed("maximum", node, new, name="np.max", right="np.maximum")

    def slope_arguments(self) -> Iterator[Repair]:
        """Take f′ at z instead of a."""
        arguments = {each.output: each.argument for each in self.applied}
        for node in self.nodes:
            if not (isinstance(node, Call) and node.derivative):
                continue
            (argument,) = node.arguments
            if isinstance(argument, Name) and argument.quantity in arguments:
                right = name_of(arguments[argument.quantity])
                new = Call(node.function, (right,), True, span=node.span)
                yield self.changed("slope_argument", node, new, name=argument, right=right)

    def squares(self) -> Iterator[Repair]:
        """Square the entries instead of their sum or mean, or instead of taking magnitudes."""
        for node in self.nodes:
            if isinstance(node, Raised) and isinstance(node.base, Reduction):
                operand = node.base.operand
                inside = Raised(operand, node.exponent, span=operand.span)
                base = node.base
                new = Reduction(inside, base.axis, base.mean, base.keepdims, span=node.span)
                yield self.changed("square_inside", node, new, name=operand)
            if isinstance(node, Call) and node.function == "abs":
                square = Raised(node.arguments[0], TWO, span=node.span)
                yield self.changed("square_absolute", node, square, name=node.arguments[0])

    def old_values(self) -> Iterator[Repair]:
        """Begin an update with the old value of the parameter."""
        if self.target.is_updated_parameter:
            old = name_of(self.target.plain)
            for operation in ("subtract", "add"):
                new = Binary(operation, old, self.tree, span=self.tree.span)
                yield Repair("update_old", new, self.tree, {"name": old})

    def applied_activations(self) -> Iterator[Repair]:
        """Multiply by the derivative of the activation instead of applying the activation."""
        for node in self.nodes:
            if not (self.slopes and isinstance(node, Call) and not node.derivative):
                continue
            if node.function not in ("f", "maximum", *CATALOGUE):
                continue
            for argument in node.arguments:
                shape = self.shape(argument)
                for slope in self.slopes:
                    if shape and len(shape) == 2 and shape == self.shape(slope):
                        new = with_slope(argument, slope)
                        yield self.changed("slope_applied", node, new, slope=slope, name=node)

    def divisors(self) -> Iterator[Repair]:
        """Divide by a number instead of multiplying by it, and vice versa."""
        for node in self.nodes:
            if not isinstance(node, Binary):
                continue
            left, right, span = node.left, node.right, node.span
            if node.operation == "divide" and is_number(right) and not is_number(left):
                new = Binary("product", right, left, span=span)
                yield self.changed("divisor_extra", node, new, name=right)
            elif node.operation in PRODUCTS and is_number(right) and not is_number(left):
                new = Binary("divide", left, right, span=span)
                yield self.changed("divisor_missing", node, new, name=right)
            elif node.operation in PRODUCTS and is_number(left) and not is_number(right):
                new = Binary("divide", right, left, span=span)
                yield self.changed("divisor_missing", node, new, name=left)
            elif node.operation == "divide" and not is_number(left):
                new = Binary("entrywise", left, right, span=span)
                yield self.changed("divisor_extra", node, new, name=right)
            elif node.operation == "entrywise" and not is_number(left):
                new = Binary("divide", left, right, span=span)
                yield self.changed("divisor_missing", node, new, name=right)

    def surplus_slopes(self) -> Iterator[Repair]:
        """Remove the derivative of the output's activation, which cancels with some losses."""
        outputs = [each.argument for each in self.applied[-1:]]
        kind = "slope_extra" if self.target.of in outputs else "factor_extra"
        shape = np.shape(self.computation.example.values[self.target])
        for node in self.nodes:
            if not (isinstance(node, Binary) and node.operation in PRODUCTS):
                continue
            if kind == "slope_extra":
                for rest, surplus in ((node.left, node.right), (node.right, node.left)):
                    if self.shape(surplus) == self.shape(rest) == shape:
                        yield self.changed(kind, node, rest, name=surplus)
            inner = node.left
            if isinstance(inner, Binary) and inner.operation in PRODUCTS:
                both = Binary(node.operation, inner.right, node.right)
                yield self.changed(kind, node, inner.left, name=both)

    def slopes_inside(self) -> Iterator[Repair]:
        """Multiply the last factors of a matrix product, such as δ Wᵀ in Xᵀ δ Wᵀ, by a slope."""
        for node in self.nodes:
            chain = _matrix_factors(node)
            if len(chain) < 3 or not self.slopes:
                continue
            for start in range(1, len(chain) - 1):
                last = _product(chain[start:])
                for slope in self.slopes:
                    if self.shape(last) == self.shape(slope) is not None:
                        whole = _product([*chain[:start], with_slope(last, slope)])
                        yield self.changed("slope_missing", node, whole, slope=slope)

    def derivatives(self) -> Iterator[Repair]:
        """Multiply by a derivative that is missing: δ_o in dW = a_hᵀ."""
        if self.target.role is not Role.COTANGENT:
            return
        values = self.computation.example.values
        known = [q for q in values if q.role is Role.COTANGENT and q != self.target]
        for node in self.nodes:
            shape = self.shape(node)
            if shape is None or is_number(node):
                continue
            for quantity in known:
                factor = name_of(quantity)
                for left, right in ((factor, node), (node, factor)):
                    product = Binary("matrix", left, right, span=node.span)
                    if self.shape(product) is not None:
                        yield self.changed("factor_derivative", node, product, name=factor)
                if np.shape(values[quantity]) == shape:
                    product = Binary("entrywise", factor, node, span=node.span)
                    yield self.changed("factor_derivative", node, product, name=factor)

    def whole_derivatives(self) -> Iterator[Repair]:
        """Replace a part of the line by a derivative: the error a − y instead of δ."""
        values = self.computation.example.values
        derivatives = [q for q in values if q.role is Role.COTANGENT and q != self.target]
        for node in reversed(self.nodes):
            shape = None if isinstance(node, Name) or node is self.tree else self.shape(node)
            for quantity in derivatives if shape else ():
                if np.shape(values[quantity]) == shape:
                    new = Name(quantity, quantity.typed, span=node.span)
                    yield self.changed("name", node, new, name=node, right=new)


def _matrix_factors(node: Tree) -> list[Tree]:
    """Return the factors of a matrix product from left to right."""
    if isinstance(node, Binary) and node.operation in ("matrix", "product"):
        return [*_matrix_factors(node.left), *_matrix_factors(node.right)]
    return [node]


def _product(factors: Sequence[Tree]) -> Tree:
    found = factors[0]
    for factor in factors[1:]:
        found = Binary("matrix", found, factor)
    return found
