"""The reference backend: the Plan, operation by operation, in NumPy.

It defines what every other executor has to compute.  Values are matrices with names; nothing is
fused and nothing is reordered.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import Array, Real
from chainrule.errors import InputError
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.positional import Entrywise
from chainrule.kernels.draws import drawn
from chainrule.plans.operations import (
    ComputeExtreme,
    ComputeLayerwise,
    ComputePointwise,
    ComputeTotal,
    DrawRandom,
    General,
    MatrixProduct,
    Operation,
    Reference,
    Spread,
)
from chainrule.plans.plan import Plan


class Execution:
    """One run of a Plan: the values by name, and the length of each axis.

    What a step draws at random follows from ``seed`` and from ``step_number``, counted from 1.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> from chainrule.plans.plan import plan
    >>> network = Network.dense([2, 1], activation="identity")
    >>> run = Execution(plan(differentiate(network.formulation())))
    >>> run.give({"X": [[1.0, 2.0]], "Y": [[0.0]], "W_1": [[1.0], [1.0]], "b_1": [0.0]})
    >>> run.all()
    >>> float(run.scalar("Loss"))
    9.0
    """

    def __init__(self, plan: Plan, *, dtype: DTypeLike = np.float64) -> None:
        self.plan = plan
        self.dtype = dtype
        self.values: dict[str, Array] = {}
        self.sizes: dict[Axis, int] = {}
        self.seed = 0
        self.step_number = 1
        self._symbols = {symbol.name: symbol for symbol in (*plan.inputs, *plan.memory)}
        for equation in plan.formulation.equations:
            self._symbols[equation.left.name] = equation.left

    def give(self, values: Mapping[str, ArrayLike]) -> None:
        """Set the inputs, parameters and scalars to these values, in their own shapes.

        Arrays of the right type are not copied, and updates write into parameters and memory.
        """
        for name, value in values.items():
            symbol = self._symbols.get(name)
            if symbol is None:
                continue
            array = np.asarray(value, dtype=self.dtype)
            if array.ndim != len(symbol.axes):
                raise InputError(
                    f"`{name}` must have the axes "
                    f"({', '.join(axis.name for axis in symbol.axes)}), got an array of shape "
                    f"{array.shape}"
                )
            for axis, length in zip(symbol.axes, array.shape, strict=True):
                self.sizes[axis] = length
            self.values[name] = as_matrix(array, symbol)
        for axis, first in self.plan.formulation.same_axes.items():
            length = self.sizes.get(first, self.sizes.get(axis))
            if length is not None:
                self.sizes[axis] = self.sizes[first] = length

    def all(self) -> None:
        """Run every operation in order."""
        for operation in self.plan.operations:
            self.step(operation)

    def step(self, operation: Operation) -> None:
        """Run one operation."""
        value = _RULES[type(operation)](self, operation)
        if operation.stage == "update":
            self.values[operation.target][...] = value
        else:
            self.values[operation.target] = value

    def read(self, reference: Reference) -> Array:
        """Return a value as an operation uses it."""
        value = self.values[reference.name]
        return value.T if reference.transposed else value

    def scalar(self, name: str) -> Real:
        """Return a value that is one number."""
        number: Real = self.values[name].reshape(1)[0]
        return number

    def shape(self, sides: Sides) -> tuple[int, int]:
        """Return the shape of a matrix with these sides."""
        rows, columns = (1 if axis is None else self.sizes[axis] for axis in sides)
        return rows, columns

    def _matrix_product(self, operation: MatrixProduct) -> Array:
        """Return (rows, n) @ (n, columns)."""
        return self.read(operation.left) @ self.read(operation.right)

    def _total(self, operation: ComputeTotal) -> Array:
        """Return the sums, (1, columns) or (rows, 1)."""
        axis = 0 if operation.over == "rows" else 1
        return np.asarray(np.sum(self.read(operation.source), axis=axis, keepdims=True))

    def _extreme(self, operation: ComputeExtreme) -> Array:
        """Return the largest entries, (1, columns) or (rows, 1)."""
        axis = 0 if operation.over == "rows" else 1
        return np.asarray(np.max(self.read(operation.source), axis=axis, keepdims=True))

    def _spread(self, operation: Spread) -> Array:
        """Return (1, columns) or (rows, 1) repeated to (rows, columns)."""
        return np.broadcast_to(self.read(operation.source), self.shape(operation.sides))

    def _pointwise(self, operation: ComputePointwise) -> Array:
        """Return the formula of operands that broadcast, as (rows, columns)."""
        operands = {symbol.name: self.read(reference) for symbol, reference in operation.operands}
        evaluation = Entrywise(operands, dtype=self.dtype)
        evaluation.sizes = self.sizes
        return np.broadcast_to(evaluation(operation.formula), self.shape(operation.sides))

    def _layerwise(self, operation: ComputeLayerwise) -> Array:
        """Return the function of each sample's layer, (rows, columns)."""
        for part in operation.body:
            self.step(part)
        return self.values[operation.target]

    def _random(self, operation: DrawRandom) -> Array:
        """Return entries drawn for this step, (rows, columns)."""
        rows, columns = self.shape(operation.sides)
        seed, step = self.seed, self.step_number
        return drawn(
            operation.distribution, seed, step, operation.stream, rows, columns, self.dtype
        )

    def _general(self, operation: General) -> Array:
        """Return the value by axis names, as a matrix of the Plan."""
        named = Evaluation(
            {
                symbol.name: named_array(self.read(reference), symbol)
                for symbol, reference in operation.operands
            },
            dtype=self.dtype,
        )
        named.sizes = self.sizes
        target = self._symbols.get(operation.target)
        axes = operation.expression.axes if target is None else target.axes
        value = named.spread(operation.expression, axes)
        return as_matrix(value, Symbol(operation.target, axes))


_RULES: dict[type, Callable[[Execution, Any], Array]] = {
    MatrixProduct: Execution._matrix_product,
    ComputeTotal: Execution._total,
    ComputeExtreme: Execution._extreme,
    Spread: Execution._spread,
    ComputePointwise: Execution._pointwise,
    ComputeLayerwise: Execution._layerwise,
    DrawRandom: Execution._random,
    General: Execution._general,
}


def as_matrix(array: Array, symbol: Symbol) -> Array:
    """Return an array with the symbol's axes as the matrix of the Plan.

    Shapes (samples, n) are unchanged, (n, samples) are transposed, (n,) becomes (1, n) and
    (samples,) becomes (samples, 1); arrays with more than two axes are returned as they are.
    """
    # The sides of `orient`, written out: this runs for every array of every call.
    match symbol.axes:
        case (_, second):
            return array.T if second.is_samples else array
        case (axis,):
            return array[:, None] if axis.is_samples else array[None, :]
        case ():
            return array.reshape(1, 1)
    return array


def named_array(value: Array, symbol: Symbol) -> Array:
    """Return a value of the Plan as an array with the symbol's own axes."""
    if len(symbol.axes) > 2:
        return value
    sides = [axis for axis in orient(symbol.axes, "rows") if axis is not None]
    lengths = [
        length
        for axis, length in zip(orient(symbol.axes, "rows"), value.shape, strict=True)
        if axis is not None
    ]
    return np.transpose(value.reshape(lengths), [sides.index(axis) for axis in symbol.axes])
