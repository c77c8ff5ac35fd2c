"""The values of expressions: the meaning of every node over named axes, in NumPy.

Arrays are aligned by axis *name*.  The same code runs on real and on complex numbers.  For complex
numbers, branches compare real parts and nothing is conjugated, so the complex step is valid
wherever the formula is analytic.  Operations that depend on the kind of number are methods of
``Numbers``; ``fields`` overrides them for exact residues.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import Array
from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Largest,
    Number,
    Ones,
    Power,
    Product,
    Rename,
    Size,
    Symbol,
)
from chainrule.formulas.functions import Function


def _real(value: Array) -> Array:
    return np.real(value)


def _erf(value: Array) -> Array:
    # NumPy has no error function.  SciPy's is imported when a formula needs it, so that
    # `import chainrule` does not pay for it.
    from scipy.special import erf

    return np.asarray(erf(value))


def _where(condition: Array, chosen: Array, other: Array) -> Array:
    return np.where(_real(condition) != 0, chosen, other)


PRIMITIVES: dict[str, Callable[..., Array]] = {
    "exp": np.exp,
    "log": np.log,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": _erf,
    "abs": lambda x: np.where(_real(x) < 0, -x, x),
    "sign": lambda x: np.sign(_real(x)),
    # A NaN in either argument is the result, so that a diverged run is seen as one.
    "maximum": lambda x, y: _where((_real(x) > _real(y)) | np.isnan(_real(x)), x, y),
    "minimum": lambda x, y: _where((_real(x) < _real(y)) | np.isnan(_real(x)), x, y),
    "greater": lambda x, y: (_real(x) > _real(y)).astype(np.result_type(_real(x), _real(y))),
    "equal": lambda x, y: (_real(x) == _real(y)).astype(np.result_type(_real(x), _real(y))),
    "sin": np.sin,
    "cos": np.cos,
    "where": _where,
}
"""What each primitive means in NumPy."""


class Numbers:
    """The operations of an evaluation that depend on the kind of number: real or complex here."""

    def constant(self, value: Fraction | int, dtype: DTypeLike | None) -> Array:
        """Return an exact rational as a scalar, shape ()."""
        return np.asarray(float(value), dtype=dtype or np.float64)

    def ones(self, lengths: list[int], dtype: DTypeLike | None) -> Array:
        """Return an array of ones of shape ``lengths``."""
        return np.ones(lengths, dtype or np.float64)

    def contract(self, operands: list[tuple[Array, list[int]]], retained: list[int]) -> Array:
        """Return the product of arrays, summed over every axis that is not in ``retained``.

        Each operand is an array and the numbers of its axes; the result has the axes ``retained``.
        """
        flat = [part for operand in operands for part in operand]
        return np.asarray(np.einsum(*flat, retained, optimize="greedy"))

    def primitive(self, name: str, *arguments: Array) -> Array:
        """Return a primitive of arrays whose shapes broadcast."""
        return PRIMITIVES[name](*arguments)

    def opaque(self, function: Function, argument: Array) -> Array | None:
        """Return f(argument) where f is not evaluated by its formula, else None."""
        return None

    def largest(self, value: Array, axis_number: int) -> Array:
        """Return the largest entries along one dimension, which is removed."""
        where = np.expand_dims(np.argmax(_real(value), axis=axis_number), axis_number)
        return np.squeeze(np.take_along_axis(value, where, axis=axis_number), axis=axis_number)


REALS = Numbers()


class Evaluation:
    """The values of expressions under one assignment of arrays to symbols.

    ``values`` maps a symbol's name to an array with that symbol's axes, in its order.  ``form``
    selects the formula of a named function: ``"computed"`` (used in training) or ``"value"`` (the
    printed one, which is analytic where ``computed`` branches).  ``dtype`` is the type of all
    results; None leaves that of the arrays.  ``numbers`` is the kind of number.  Equal
    subexpressions are evaluated once.
    """

    def __init__(
        self,
        values: Mapping[str, ArrayLike],
        *,
        form: str = "computed",
        dtype: DTypeLike | None = None,
        numbers: Numbers = REALS,
    ) -> None:
        self.values = values
        self.form = form
        self.dtype = dtype
        self.numbers = numbers
        self.sizes: dict[Axis, int] = {}
        self._known: dict[Expression, Array] = {}

    def measure(self, symbols: Iterable[Symbol]) -> "Evaluation":
        """Take the lengths of the axes from the arrays of these symbols.

        Raises ``InputError`` where an array has another number of axes, or an axis two lengths.
        """
        for symbol in symbols:
            if symbol.name not in self.values:
                continue
            array = np.asarray(self.values[symbol.name])
            if array.ndim != len(symbol.axes):
                raise InputError(
                    f"`{symbol.name}` must have the axes "
                    f"({', '.join(axis.name for axis in symbol.axes)}), got shape {array.shape}"
                )
            for axis, length in zip(symbol.axes, array.shape, strict=True):
                if self.sizes.setdefault(axis, length) != length:
                    raise InputError(
                        f"{symbol.name}: axis {axis.name} has length {length} here and "
                        f"{self.sizes[axis]} elsewhere; make the arrays agree"
                    )
        return self

    def define(self, symbol: Symbol, value: Array) -> None:
        """Set the value of a symbol, an array with the symbol's axes."""
        self._known[symbol] = value
        for axis, length in zip(symbol.axes, np.shape(value), strict=True):
            self.sizes[axis] = length

    def __call__(self, tree: Expression) -> Array:
        """Return the value of an expression, with the axes of ``tree.axes`` in order."""
        with np.errstate(all="ignore"):
            # Safe forms evaluate both branches; the one that is not selected may overflow.
            return self._value(tree)

    def spread(self, tree: Expression, axes: tuple[Axis, ...]) -> Array:
        """Return the value over all of ``axes``, repeated along those that the expression lacks."""
        with np.errstate(all="ignore"):
            value = self.aligned(tree, axes)
        return np.broadcast_to(value, [self.size(axis) for axis in axes])

    def _value(self, tree: Expression) -> Array:
        known = self._known.get(tree)
        if known is None:
            known = self._known[tree] = np.asarray(_MEANING[type(tree)](self, tree))
        return known

    def aligned(self, tree: Expression, axes: tuple[Axis, ...]) -> Array:
        """Return the value with one dimension per axis of ``axes``, length 1 where missing."""
        value = self._value(tree)
        present = [axis for axis in axes if axis in tree.axes]
        ordered = np.transpose(value, [tree.axes.index(axis) for axis in present])
        lengths = dict(zip(present, ordered.shape, strict=True))
        return ordered.reshape([lengths.get(axis, 1) for axis in axes])

    def constant(self, value: Fraction | int) -> Array:
        """Return a scalar in the evaluation's type."""
        return self.numbers.constant(value, self.dtype)

    def size(self, axis: Axis) -> int:
        """Return the length of an axis; ``InputError`` where it is unknown."""
        if axis not in self.sizes:
            raise InputError(
                f"axis {axis.name}: its length is unknown; give the value of a symbol that has it"
            )
        return self.sizes[axis]

    def _symbol(self, tree: Symbol) -> Array:
        if tree.name not in self.values:
            raise InputError(f"symbol {tree.name!r} has no value; add it to the values")
        value = np.asarray(self.values[tree.name])
        return value if self.dtype is None else value.astype(self.dtype, copy=False)

    def _add(self, tree: Add) -> Array:
        result = self.aligned(tree.terms[0], tree.axes)
        for term in tree.terms[1:]:
            result = result + self.aligned(term, tree.axes)
        return result

    def _product(self, tree: Product) -> Array:
        if not tree.summed:
            result = self.aligned(tree.factors[0], tree.axes)
            for factor in tree.factors[1:]:
                result = result * self.aligned(factor, tree.axes)
            return result
        numbered = {axis: number for number, axis in enumerate((*tree.axes, *tree.summed))}
        operands = [
            (self._value(factor), [numbered[axis] for axis in factor.axes])
            for factor in tree.factors
        ]
        return self.numbers.contract(operands, [numbered[axis] for axis in tree.axes])

    def _power(self, tree: Power) -> Array:
        base = self._value(tree.base)
        if isinstance(tree.exponent, Number):
            exponent = tree.exponent.value
            if exponent == -1:
                return np.asarray(1 / base)
            if exponent.denominator == 2 and abs(exponent.numerator) == 1:
                root = np.sqrt(base)
                return np.asarray(root if exponent > 0 else 1 / root)
            if exponent.denominator == 2 and abs(exponent.numerator) <= 16:
                return np.asarray(np.sqrt(base) ** exponent.numerator)
            if exponent.denominator == 1:
                return np.asarray(base ** int(exponent))
        return np.asarray(base ** self._value(tree.exponent))

    def _apply(self, tree: Apply) -> Array:
        function = tree.function
        if not isinstance(function, Function):
            arguments = (self.aligned(argument, tree.axes) for argument in tree.arguments)
            return self.numbers.primitive(function.name, *arguments)
        formula = function.value if self.form == "value" else function.computed
        (argument,) = tree.arguments
        closed = self.numbers.opaque(function, self._value(argument))
        if closed is not None:
            return closed
        return self._value(_opened(function, formula, argument))

    def _largest(self, tree: Largest) -> Array:
        return self.numbers.largest(self._value(tree.operand), tree.operand.axes.index(tree.axis))

    def _rename(self, tree: Rename) -> Array:
        value = self._value(tree.operand)
        self.sizes.setdefault(tree.new, value.shape[tree.operand.axes.index(tree.old)])
        return value


@lru_cache(maxsize=4096)
def _opened(function: Function, formula: Expression, argument: Expression) -> Expression:
    """Return a formula of the function with its argument; cached, a training loop repeats them."""
    return function.body(formula, {"z": argument}, function.layer_axis(argument))


_MEANING: dict[type, Callable[[Evaluation, Any], Array]] = {
    Number: lambda self, tree: self.constant(tree.value),
    Size: lambda self, tree: self.constant(self.size(tree.axis)),
    Symbol: Evaluation._symbol,
    Ones: lambda self, tree: self.numbers.ones([self.size(axis) for axis in tree.axes], self.dtype),
    Add: Evaluation._add,
    Product: Evaluation._product,
    Power: Evaluation._power,
    Apply: Evaluation._apply,
    Largest: Evaluation._largest,
    Rename: Evaluation._rename,
}


def evaluate(tree: Expression, values: Mapping[str, ArrayLike], *, form: str = "computed") -> Array:
    """Return the value of one expression, an array with the dimensions ``tree.axes``.

    ``values`` maps names of symbols to arrays; ``form`` is as for ``Evaluation``.  Raises
    ``InputError`` where a value is missing or shapes contradict each other.

    >>> from chainrule.formulas.axes import Axis
    >>> from chainrule.formulas.expressions import Symbol, total
    >>> i, h = Axis("i", 0), Axis("h", 1)
    >>> x, W = Symbol("x", (i,)), Symbol("W", (i, h))
    >>> evaluate(total(x * W, i), {"x": [1.0, 2.0], "W": [[1.0, 0.0], [0.0, 1.0]]})
    array([1., 2.])
    """
    from chainrule.formulas.expressions import symbols

    return Evaluation(values, form=form).measure(symbols(tree))(tree)
