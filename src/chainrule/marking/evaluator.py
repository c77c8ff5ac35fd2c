"""Compute the value of a tree with NumPy's rules, on small matrices.

Each axis of an example has a different length, so a shape identifies its axes.  Incompatible axes
raise ``ShapeMismatch``; a column that broadcasts over a row is allowed, as in NumPy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import PRIMITIVES, Evaluation
from chainrule.formulas.expressions import Expression, Symbol, symbols
from chainrule.formulas.functions import UNITS
from chainrule.formulas.positional import Entrywise
from chainrule.language.refusals import Refusal
from chainrule.marking.pytorch_calls import LINEAR, linear_terms
from chainrule.marking.quantities import Quantity
from chainrule.marking.syntax import (
    EXTREMES,
    MATRIX_OPERATORS,
    Binary,
    Call,
    Comparison,
    Constant,
    Largest,
    Name,
    Negative,
    PartialDerivative,
    Raised,
    Reduction,
    Transposed,
    Tree,
    Vector,
    children,
    with_children,
)
from chainrule.network import activations
from chainrule.network.activations import Activation

MAX_ENTRIES = 10_000
"""The largest result: repeated outer products would grow without bound."""
_COMPARISONS: Mapping[str, Callable[..., FloatArray]] = {
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
    "==": np.equal,
}


class ShapeMismatch(Exception):  # noqa: N818 - part of a verdict, not a failure of the program
    """Two operands with incompatible axes: the node, and both shapes."""

    def __init__(self, tree: Tree, left: tuple[int, ...], right: tuple[int, ...]) -> None:
        super().__init__(left, right)
        self.tree, self.left, self.right = tree, left, right


@dataclass(frozen=True)
class UnsizedOnes:
    """A vector of ones times a scalar, whose length the other factor determines."""

    scale: FloatArray
    row: bool


@dataclass(frozen=True)
class RepeatedVector:
    """A column times a row of ones, or ones times a row: as often as the other term has it."""

    vector: FloatArray


Value: TypeAlias = FloatArray | UnsizedOnes | RepeatedVector


def shape_of(value: Value) -> tuple[int, ...] | None:
    """Return the shape of a value, None where something else determines it."""
    return None if isinstance(value, UnsizedOnes | RepeatedVector) else np.shape(value)


@dataclass(frozen=True)
class ExampleValues:
    """The values of one example.

    ``layers`` maps each pre-activation to its activation function; ``sample_axis`` is the axis
    (0 or 1) of the samples; ``partials`` maps (above, below) to ∂above/∂below as a matrix.
    ``slopes_of_outputs`` tells that the argument of f′ is the output of f.
    """

    values: Mapping[Quantity, FloatArray]
    layers: Mapping[Quantity, Activation]
    sample_axis: int
    partials: Mapping[tuple[Quantity, Quantity], FloatArray]
    slopes_of_outputs: bool = False


class Computation:
    """The values of trees in one example; each node is computed once."""

    def __init__(self, example: ExampleValues) -> None:
        self.example = example
        self.count = 0
        self._computed: dict[int, tuple[Tree, Value]] = {}  # the tree is stored to keep its id

    def __call__(self, tree: Tree) -> FloatArray:
        """Return the value of a tree.

        Raises ``ShapeMismatch`` for incompatible axes, ``Refusal`` for a missing value.
        """
        return self._array(tree)

    def value(self, tree: Tree) -> Value:
        """Return the value of a tree, which may be ones without a length."""
        found = self._computed.get(id(tree))
        if found is None:
            self.count += 1
            with np.errstate(all="ignore"):
                value = self._value(tree)
            if not isinstance(value, UnsizedOnes | RepeatedVector) and np.size(value) > MAX_ENTRIES:
                raise Refusal("result_size", limit=f"{MAX_ENTRIES:,}")
            found = self._computed[id(tree)] = (tree, value)
        return found[1]

    def with_explicit_products(self, tree: Tree) -> Tree:
        """Return the tree with each ambiguous product replaced by the one that the shapes allow."""
        parts = tuple(map(self.with_explicit_products, children(tree)))
        unchanged = all(old is new for old, new in zip(children(tree), parts, strict=True))
        new = tree if unchanged else with_children(tree, parts)
        if isinstance(new, Binary) and new.operation == "product":
            try:
                left, right = map(self, children(tree))
            except ShapeMismatch:
                return new
            if left.ndim == right.ndim == 2 and _can_multiply(left, right):
                return replace(new, operation="matrix")
            if left.shape == right.shape:
                return replace(new, operation="entrywise")
        if isinstance(new, Binary) and new.operation == "entrywise" and self._has_scalar(new):
            return replace(new, operation="product")  # a scalar factor is written without ⊙
        return self._without_brackets(new)

    def _without_brackets(self, tree: Tree) -> Tree:
        """Return x ⊙ (y ⊙ z) as x ⊙ y ⊙ z where all three have one shape."""
        if not (isinstance(tree, Binary) and tree.operation == "entrywise"):
            return tree
        inner = tree.right
        if not (isinstance(inner, Binary) and inner.operation == "entrywise"):
            return tree
        try:
            shapes = {self(part).shape for part in (tree.left, inner.left, inner.right)}
        except (ShapeMismatch, Refusal):
            return tree
        if len(shapes) > 1:
            return tree
        first = self._without_brackets(replace(tree, right=inner.left))
        return Binary("entrywise", first, inner.right, span=tree.span)

    def _has_scalar(self, tree: Tree) -> bool:
        try:
            return any(np.ndim(self(part)) == 0 for part in children(tree))
        except ShapeMismatch:
            return False

    def _value(self, tree: Tree) -> Value:
        match tree:
            case Constant():
                return np.asarray(tree.value)
            case Name():
                if tree.quantity not in self.example.values:
                    raise Refusal("no_value", text=tree.text)
                return self.example.values[tree.quantity]
            case Vector():
                return UnsizedOnes(np.asarray(1.0), tree.row)
            case Binary():
                return self._binary(tree)
            case Negative():
                value = self.value(tree.operand)
                if isinstance(value, UnsizedOnes):
                    return UnsizedOnes(-value.scale, value.row)
                if isinstance(value, RepeatedVector):
                    return RepeatedVector(-value.vector)
                return -value
            case Raised():
                return self._broadcast(tree, np.power, tree.base, tree.exponent)
            case Transposed():
                value = self.value(tree.operand)
                if isinstance(value, UnsizedOnes):
                    return UnsizedOnes(value.scale, not value.row)
                if isinstance(value, RepeatedVector):
                    return RepeatedVector(np.transpose(value.vector))
                return np.transpose(value)
            case Call():
                return self._call(tree)
            case Reduction():
                return self._reduction(tree)
            case Largest():
                return self._largest(tree)
            case Comparison():
                compare = _COMPARISONS[tree.sign]
                return self._broadcast(tree, compare, tree.left, tree.right).astype(float)
            case PartialDerivative():
                return self._partial(tree)
        raise TypeError(f"no value is defined for {type(tree).__name__}")

    def _array(self, tree: Tree) -> FloatArray:
        value = self.value(tree)
        if isinstance(value, UnsizedOnes | RepeatedVector):
            raise ShapeMismatch(tree, (), ())
        return np.asarray(value)

    def _broadcast(
        self, tree: Tree, operation: Callable[..., FloatArray], *parts: Tree
    ) -> FloatArray:
        """Return an elementwise operation on nodes whose shapes NumPy can broadcast."""
        arrays = [self._array(part) for part in parts]
        try:
            return np.asarray(operation(*arrays))
        except ValueError:
            raise ShapeMismatch(tree, np.shape(arrays[0]), np.shape(arrays[-1])) from None

    def _binary(self, tree: Binary) -> Value:
        match tree.operation:
            case "add" | "subtract":
                operation = np.add if tree.operation == "add" else np.subtract
                repeated = self._with_repeated(tree, operation)
                if repeated is not None:
                    return repeated
                return self._broadcast(tree, operation, tree.left, tree.right)
        left, right = self.value(tree.left), self.value(tree.right)
        if isinstance(left, RepeatedVector) or isinstance(right, RepeatedVector):
            raise ShapeMismatch(tree, (), ())
        if isinstance(left, UnsizedOnes) or isinstance(right, UnsizedOnes):
            return _with_ones(tree, left, right)
        if tree.operation == "divide":
            return self._broadcast(tree, np.divide, tree.left, tree.right)
        if tree.operation == "matrix" and () in (np.shape(left), np.shape(right)):
            raise ShapeMismatch(tree, np.shape(left), np.shape(right))  # as in NumPy
        if tree.operation == "entrywise" or np.ndim(left) == 0 or np.ndim(right) == 0:
            return self._broadcast(tree, np.multiply, tree.left, tree.right)
        if _can_multiply(left, right):
            return np.asarray(np.matmul(left, right))
        if tree.operation == "product" and np.shape(left) == np.shape(right):
            return left * right
        raise ShapeMismatch(tree, left.shape, right.shape)

    def _with_repeated(
        self, tree: Binary, operation: Callable[..., FloatArray]
    ) -> FloatArray | None:
        """Return a sum with a repeated vector, of which the other term says how often."""
        parts = [self.value(part) for part in (tree.left, tree.right)]
        repeated = [part for part in parts if isinstance(part, RepeatedVector)]
        arrays = [part.vector if isinstance(part, RepeatedVector) else part for part in parts]
        if not repeated:
            return None
        if len(repeated) > 1 or any(isinstance(part, UnsizedOnes) for part in parts):
            raise ShapeMismatch(tree, (), ())
        shape = np.shape(repeated[0].vector)
        whole = next((np.shape(part) for part in parts if isinstance(part, np.ndarray)), ())
        if len(whole) != 2 or any(n not in (1, full) for n, full in zip(shape, whole, strict=True)):
            raise ShapeMismatch(tree, shape, whole)
        return np.asarray(operation(*arrays))

    def _call(self, tree: Call) -> FloatArray:
        name = tree.function
        if name == "outer":
            left, right = (self._array(part) for part in tree.arguments)
            if left.size * right.size > MAX_ENTRIES:
                raise Refusal("outer_size", limit=f"{MAX_ENTRIES:,}")
            return np.outer(left, right)
        if name in MATRIX_OPERATORS:
            return self._matrix_operator(tree)
        if name.startswith("einsum "):
            return self._einsum(tree)
        if name == "where":
            return self._broadcast(tree, _where, *tree.arguments)
        if name == LINEAR:
            return self._array(linear_terms(tree))
        if name in EXTREMES:  # np.max(0, z): the second argument is no axis
            raise ShapeMismatch(tree, (), ())
        if name in ("maximum", "minimum"):
            return self._broadcast(tree, PRIMITIVES[name], *tree.arguments)
        (argument,) = tree.arguments
        value = self._array(argument)
        if name == "sqrt":
            return np.asarray(np.sqrt(value))
        if name in _FUNCTIONS:
            return np.asarray(_FUNCTIONS[name](value))
        if name == "length":
            if 1 not in np.shape(value):  # which axis is longer depends on the data
                raise ShapeMismatch(tree, (), ())
            return np.asarray(float(value.size))
        if name in ("len", "shape0", "shape1", "size"):
            return _length(name, value)
        if name == "diag":
            if value.size != max(np.shape(value), default=0):
                raise ShapeMismatch(tree, np.shape(value), (1,))
            return np.diag(np.ravel(value))
        if name == "ones":
            if value.ndim or not (1 <= value <= 100 and float(value).is_integer()):
                raise Refusal("no_value", text=name)
            return np.ones(int(value))
        if name in ("column", "row"):
            if np.size(value) != max(np.shape(value), default=1):
                raise ShapeMismatch(tree, np.shape(value), (1,))
            return np.reshape(value, (-1, 1) if name == "column" else (1, -1))
        if name in PRIMITIVES and not tree.derivative:
            return np.asarray(PRIMITIVES[name](value))
        function = self._activation(name, argument)
        if tree.axis is not None:
            if function.slope is not None or not -value.ndim <= tree.axis < value.ndim:
                raise ShapeMismatch(tree, np.shape(value), ())
            return _over_axis(function, value, tree.axis)
        return self._applied(function, value, tree.derivative)

    def _matrix_operator(self, tree: Call) -> FloatArray:
        """Return a quotient or a power of MATLAB, which is of entries only for numbers."""
        left, right = map(self._array, tree.arguments)
        is_power = tree.function == "mpower"
        if right.size != 1 or (is_power and left.size != 1):
            raise ShapeMismatch(tree, (), ())
        return self._broadcast(tree, np.power if is_power else np.divide, *tree.arguments)

    def _einsum(self, tree: Call) -> FloatArray:
        subscripts = tree.function.partition(" ")[2]
        arrays = [self._array(part) for part in tree.arguments]
        try:
            return np.asarray(np.einsum(subscripts, *arrays))
        except ValueError:
            raise ShapeMismatch(tree, np.shape(arrays[0]), np.shape(arrays[-1])) from None

    def _activation(self, name: str, argument: Tree) -> Activation:
        """Return the activation with a name; ``f`` is that of the layer of its argument."""
        if name != "f":
            return activations.find(name)
        layers = self.example.layers
        if isinstance(argument, Name) and argument.quantity in layers:
            return layers[argument.quantity]
        if len(set(layers.values())) == 1:
            return next(iter(layers.values()))
        raise Refusal("ambiguous_activation")

    def _applied(self, function: Activation, value: FloatArray, derivative: bool) -> FloatArray:
        if function.slope is None:
            if derivative:
                raise Refusal("no_elementwise_derivative", text=function.name)
            units = 1 - self.example.sample_axis if value.ndim == 2 else -1
            return _over_axis(function, value, units)
        if derivative and self.example.slopes_of_outputs:
            if any(symbol.name == "z" for symbol in symbols(function.slope)):
                raise Refusal("slope_of_output", text=function.name)
            return _elementwise(function.slope, {"a": value}, value)
        output = _elementwise(function.computed, {"z": value}, value)
        if not derivative:
            return output
        return _elementwise(function.slope, {"z": value, "a": output}, value)

    def _reduction(self, tree: Reduction) -> FloatArray:
        value = self._array(tree.operand)
        axis: int | None
        if tree.axis == "first":
            return _along_first(np.mean if tree.mean else np.sum, value)
        if tree.axis is None or value.ndim == 0:
            axis = None
        elif isinstance(tree.axis, str):
            samples = self.example.sample_axis
            axis = samples if tree.axis == "samples" else 1 - samples
            if tree.axis == "units" and value.ndim == 2 and value.shape[axis] == 1:
                axis = None  # the second index of a double sum over a weight, Σ_i Σ_j
        else:
            axis = tree.axis
        if axis is not None and axis >= value.ndim:
            raise ShapeMismatch(tree, value.shape, ())
        operation = np.mean if tree.mean else np.sum
        return np.asarray(operation(value, axis=axis, keepdims=tree.keepdims and axis is not None))

    def _largest(self, tree: Largest) -> FloatArray:
        value = self._array(tree.operand)
        if tree.axis == "first":
            return _along_first(np.max, value)
        if tree.axis is not None and not -value.ndim <= tree.axis < value.ndim:
            raise ShapeMismatch(tree, np.shape(value), ())
        return np.asarray(np.max(value, axis=tree.axis, keepdims=tree.keepdims))

    def _partial(self, tree: PartialDerivative) -> FloatArray:
        found = self.example.partials.get((tree.above, tree.below))
        if found is None:
            raise Refusal("no_derivative", text=tree.text)
        return found


_FUNCTIONS: Mapping[str, Callable[[FloatArray], Any]] = {
    "square": np.square,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "zeros_like": np.zeros_like,
    "ones_like": np.ones_like,
    "norm": np.linalg.norm,
    "spectral_norm": lambda value: np.linalg.norm(value, 2 if np.ndim(value) == 2 else None),
}


def _along_first(reduction: Callable[..., Any], value: FloatArray) -> FloatArray:
    """Return a reduction over the first axis whose length is not 1, as in MATLAB."""
    axis = next((axis for axis, length in enumerate(value.shape) if length != 1), None)
    found = np.asarray(reduction(value, axis=axis, keepdims=axis is not None))
    return found.reshape(()) if found.size == 1 else found


def _length(name: str, value: FloatArray) -> FloatArray:
    """Return len(x), x.shape[0], x.shape[1] or x.size.

    That of a row depends on whether it is a vector or a matrix in the program; that of a column is
    the vector's too, and a vector has no second axis.
    """
    if value.ndim < 2 or (len(value) == 1 and name in ("len", "shape0")):
        raise Refusal("one_length")
    lengths = {"len": value.shape[0], "shape0": value.shape[0], "shape1": value.shape[1]}
    return np.asarray(float(lengths.get(name, value.size)))


def _where(condition: FloatArray, chosen: FloatArray, other: FloatArray) -> FloatArray:
    """Return ``chosen`` where the condition is not 0, else ``other``, with broadcasting."""
    return np.asarray(np.where(condition != 0, chosen, other))


def _with_ones(
    tree: Binary, left: FloatArray | UnsizedOnes, right: FloatArray | UnsizedOnes
) -> Value:
    """Return a product or quotient with ones, which sums over the axis that they contract."""
    if isinstance(left, UnsizedOnes):
        if isinstance(right, UnsizedOnes):
            raise ShapeMismatch(tree, (), ())
        if np.ndim(right) == 0:
            if tree.operation == "divide":
                return UnsizedOnes(left.scale / right, left.row)
            return UnsizedOnes(left.scale * right, left.row)
        if tree.operation == "divide" and not left.row:
            return np.asarray(left.scale / right)  # (1/n) 1 ⊘ a, where 1 is the number
        if tree.operation in ("divide", "entrywise"):
            raise ShapeMismatch(tree, (), np.shape(right))
        if left.row and np.ndim(right) == 2:
            return np.asarray(left.scale * np.sum(right, axis=0, keepdims=True))
        if not left.row and np.ndim(right) == 2 and len(right) == 1:
            return RepeatedVector(np.asarray(left.scale * right))
        raise ShapeMismatch(tree, (), np.shape(right))
    assert isinstance(right, UnsizedOnes)
    if np.ndim(left) == 0:
        return UnsizedOnes(right.scale * left, right.row)
    if tree.operation in ("divide", "entrywise"):
        raise ShapeMismatch(tree, np.shape(left), ())
    if not right.row and np.ndim(left) == 2:
        return np.asarray(right.scale * np.sum(left, axis=1, keepdims=True))
    if right.row and np.ndim(left) == 2 and np.shape(left)[1] == 1:
        return RepeatedVector(np.asarray(right.scale * left))
    raise ShapeMismatch(tree, np.shape(left), ())


def _can_multiply(left: FloatArray, right: FloatArray) -> bool:
    """Return whether the inner lengths of a matrix product agree."""
    if max(left.ndim, right.ndim) > 2:
        return False
    return bool(left.shape[-1] == right.shape[-2 if right.ndim > 1 else 0])


def _over_axis(function: Activation, value: FloatArray, units: int) -> FloatArray:
    """Return a function of all units of a layer, which lie along an axis, for each sample."""
    others = (Axis(f"{index}", -1) for index in range(value.ndim - 1))
    argument = Symbol("z", (*others, UNITS))
    named = Evaluation({"z": np.moveaxis(value, units, -1)}).measure([argument])
    found = named.spread(function.body(function.computed, {"z": argument}, UNITS), argument.axes)
    return np.moveaxis(found, -1, units)


def _elementwise(
    formula: Expression, values: Mapping[str, FloatArray], like: FloatArray
) -> FloatArray:
    """Return a scalar formula for each entry, in the shape of ``like``."""
    return np.broadcast_to(Entrywise(values)(formula), np.shape(like))
