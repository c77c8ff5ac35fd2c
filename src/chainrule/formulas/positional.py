"""Matrices to numbers by position: what a program computes once names are gone.

Here a product is ``@``, a transpose is ``.T``, and entrywise formulas broadcast by position.  It is
deliberately blind to axis names: a wrong side or a missing transpose gives wrong numbers (or a
shape error), and the named-axis meaning in ``evaluate`` tells which.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Expression, Symbol, symbols
from chainrule.formulas.functions import UNITS
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    MatrixSymbol,
    Multiply,
    OnesMatrix,
    Pointwise,
    Relabeled,
    Transpose,
)


class Entrywise(Evaluation):
    """Scalar formulas on arrays that broadcast by position."""

    def aligned(self, tree: Expression, axes: tuple[Axis, ...]) -> Array:
        """Return the value as it lies in memory."""
        return self._value(tree)


def laid_out(value: Array, axes: tuple[Axis, ...], sides: Sides) -> Array:
    """Return an array with the given axes as a two-dimensional one with the given sides."""
    present = [axis for axis in sides if axis is not None]
    ordered = np.transpose(value, [axes.index(axis) for axis in present])
    lengths = dict(zip(present, ordered.shape, strict=True))
    return ordered.reshape([1 if axis is None else lengths[axis] for axis in sides])


class MatrixEvaluation:
    """The values of matrices under an assignment of named-axis arrays to symbols.

    >>> from chainrule.formulas.arrange import arrange
    >>> from chainrule.formulas.expressions import Symbol, product
    >>> i, h = Axis("i", 0), Axis("h", 1)
    >>> x, W = Symbol("x", (i,)), Symbol("W", (i, h))
    >>> values = {"x": np.array([1.0, 2.0]), "W": np.array([[1.0, 0.0], [0.0, 1.0]])}
    >>> named = Evaluation(values).measure([x, W])
    >>> MatrixEvaluation(named)(arrange(product(x, W, over=[i])))
    array([[1., 2.]])
    """

    def __init__(self, named: Evaluation) -> None:
        self.named = named

    def __call__(self, matrix: Matrix) -> Array:
        """Return the value, always two-dimensional."""
        match matrix:
            case MatrixSymbol():
                value = self.named(matrix.symbol)
                return laid_out(value, matrix.symbol.axes, matrix.sides)
            case OnesMatrix():
                return self.named.numbers.ones([*self._shape(matrix.sides)], self.named.dtype)
            case Transpose():
                return self(matrix.operand).T
            case Relabeled():
                return self(matrix.operand)
            case Multiply():
                result = self(matrix.factors[0])
                for factor in matrix.factors[1:]:
                    result = result @ self(factor)
                return result
            case Pointwise():
                values = {symbol.name: self(operand) for symbol, operand in matrix.operands}
                value = entrywise(matrix.formula, values, self.named)
                return np.broadcast_to(value, self._shape(matrix.sides))
            case Layerwise():
                axis_number = 1 if matrix.columns == matrix.axis else 0
                return self._layerwise(matrix, axis_number)
            case Extreme():
                axis_number = 1 if matrix.operand.columns == matrix.axis else 0
                largest = self.named.numbers.largest(self(matrix.operand), axis_number)
                return np.expand_dims(largest, axis_number)
            case Indexed():
                return self._indexed(matrix)
        raise TypeError(f"no value is defined for the matrix node {type(matrix).__name__}")

    def _indexed(self, matrix: Indexed) -> Array:
        tree = matrix.expression
        if len(tree.axes) > 2:
            return self.named(tree)
        return laid_out(self.named(tree), tree.axes, matrix.sides)

    def _layerwise(self, matrix: Layerwise, axis_number: int) -> Array:
        inside = np.moveaxis(self(matrix.operand), axis_number, 1)
        samples = Axis("samples", -1)
        argument = Symbol("z", (samples, UNITS))
        function, outer = matrix.function, self.named
        named = Evaluation(
            {"z": inside}, form=outer.form, dtype=outer.dtype, numbers=outer.numbers
        ).measure([argument])
        formula = function.value if outer.form == "value" else function.computed
        body = function.body(formula, {"z": argument}, UNITS)
        return np.moveaxis(named.aligned(body, (samples, UNITS)), 1, axis_number)

    def _shape(self, sides: Sides) -> tuple[int, int]:
        rows, columns = (1 if axis is None else self.named.size(axis) for axis in sides)
        return rows, columns


def entrywise(formula: Expression, values: Mapping[str, Any], named: Evaluation) -> Array:
    """Return a scalar formula of arrays; scalars not among ``values`` come from ``named``."""
    scalars = {
        symbol.name: named(symbol)
        for symbol in symbols(formula)
        if not symbol.axes and symbol.name not in values
    }
    known = {**scalars, **values}
    inner = Entrywise(known, form=named.form, dtype=named.dtype, numbers=named.numbers)
    inner.sizes = named.sizes
    return inner(formula)
