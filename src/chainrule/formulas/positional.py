"""The values of matrices by position, as an ordinary program computes them.

A product is ``@``, a transpose is ``.T``, and entrywise formulas broadcast by position.  Axis names
are not used, on purpose: a wrong order or a missing transpose gives wrong values or a shape error,
and a comparison with the values by axis name (``evaluate``) finds it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

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
        """Return the value without alignment: arrays broadcast by position."""
        return self._value(tree)


def laid_out(value: Array, axes: tuple[Axis, ...], sides: Sides) -> Array:
    """Return an array with dimensions ``axes`` as a matrix with these row and column axes.

    The unit axis has length 1.  ``axes`` are those of ``sides``, in any order.
    """
    present = [axis for axis in sides if axis is not None]
    ordered = np.transpose(value, [axes.index(axis) for axis in present])
    lengths = dict(zip(present, ordered.shape, strict=True))
    return ordered.reshape([1 if axis is None else lengths[axis] for axis in sides])


class MatrixEvaluation:
    """The values of matrices, two-dimensional each; ``named`` has the values of the symbols.

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
        """Return (rows, columns), or an array with all its axes where they are more than two."""
        tree = matrix.expression
        if len(tree.axes) > 2:
            return self.named(tree)
        return laid_out(self.named(tree), tree.axes, matrix.sides)

    def _layerwise(self, matrix: Layerwise, axis_number: int) -> Array:
        """Apply a function of a layer to a matrix, (rows, columns), along one dimension."""
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
        """Return (rows, columns); the unit axis has length 1."""
        rows, columns = (1 if axis is None else self.named.size(axis) for axis in sides)
        return rows, columns


def entrywise(formula: Expression, values: Mapping[str, ArrayLike], named: Evaluation) -> Array:
    """Return a scalar formula of arrays whose shapes broadcast by position.

    Scalars that are not in ``values`` are taken from ``named``.
    """
    scalars = {
        symbol.name: named(symbol)
        for symbol in symbols(formula)
        if not symbol.axes and symbol.name not in values
    }
    known = {**scalars, **values}
    inner = Entrywise(known, form=named.form, dtype=named.dtype, numbers=named.numbers)
    inner.sizes = named.sizes
    return inner(formula)
