"""Exact arithmetic: residues modulo a prime, with exact derivatives (dual numbers).

Two equal rational formulas have equal values at every point of every field.  Two different ones
agree at a random point of a field of p elements with a probability of about degree/p (the
Schwartz-Zippel lemma).  One random point modulo p = 2³¹ − 1 therefore decides equality without
rounding: 1/n is the modular inverse.  A function that the field does not have (f(z), log, |x|) is a
*fresh symbol*: a random residue, the same one for the same function of the same argument.

Each residue may have derivatives in any number of directions, from the slopes of the primitives
and the stated slopes of the functions.  The slopes of the primitives are written here once more, in
residues: a mistake in the table that a derivation uses is not repeated.  Derivatives are carried
forward, by the chain rule, independently of a derivation that runs backwards.
"""

import random
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import Array
from chainrule.formulas.evaluate import Numbers
from chainrule.formulas.expressions import Expression
from chainrule.formulas.functions import Function
from chainrule.formulas.positional import Entrywise

PRIME = 2**31 - 1
"""A Mersenne prime: a product of two residues fits into 64 bits, and −1 has no square root."""


class NoSuchNumber(ArithmeticError):  # noqa: N818 - not an error: the caller draws again
    """The formula has no value at this point (a division by zero): draw another point."""


def _with_numbers(
    operation: "Callable[[Residue, Residue], Residue]",
) -> "Callable[[Residue, object], Residue]":
    """Return an operation that also takes integers; for arrays it is NotImplemented."""

    def mixed(self: "Residue", other: object) -> "Residue":
        if isinstance(other, Residue):
            return operation(self, other)
        return NotImplemented if isinstance(other, np.ndarray) else operation(self, _residue(other))

    return mixed


class Residue:
    """An integer modulo ``PRIME`` with its derivatives.

    ``slopes`` are the derivatives in each direction, (directions,) residues; None where there are
    no derivatives.

    >>> half = Residue(1) / Residue(2)
    >>> half + half == Residue(1)
    True
    >>> x = Residue(3, np.array([1]))
    >>> (x * x).slopes
    array([6])
    """

    __slots__ = ("slopes", "value")

    def __init__(self, value: int, slopes: Array | None = None) -> None:
        self.value = value % PRIME
        self.slopes = slopes

    def __repr__(self) -> str:
        return f"Residue({self.value})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Residue, int)) and self.value == _residue(other).value

    def __hash__(self) -> int:
        return hash(self.value)

    @_with_numbers
    def __add__(self, other: "Residue") -> "Residue":
        if self.slopes is None or other.slopes is None:
            slopes = other.slopes if self.slopes is None else self.slopes
        else:
            slopes = (self.slopes + other.slopes) % PRIME
        return Residue(self.value + other.value, slopes)

    @_with_numbers
    def __mul__(self, other: "Residue") -> "Residue":
        product = Residue(self.value * other.value)
        if self.slopes is None and other.slopes is None:
            return product
        return product.sloped((other.value, self), (self.value, other))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Residue":
        return self * Residue(-1)

    @_with_numbers
    def __sub__(self, other: "Residue") -> "Residue":
        return self + -other

    @_with_numbers
    def __rsub__(self, other: "Residue") -> "Residue":
        return other + -self

    @_with_numbers
    def __truediv__(self, other: "Residue") -> "Residue":
        return self * other**-1

    @_with_numbers
    def __rtruediv__(self, other: "Residue") -> "Residue":
        return other * self**-1

    @_with_numbers
    def __pow__(self, other: "Residue") -> "Residue":
        # Exponents are integers: a residue above PRIME / 2 stands for a negative one.
        power = other.value if other.value <= PRIME // 2 else other.value - PRIME
        if self.value == 0 and power < 0:
            raise NoSuchNumber
        raised = Residue(pow(self.value, power, PRIME))
        return raised.sloped((power * pow(self.value, power - 1, PRIME), self)) if power else raised

    def sqrt(self) -> "Residue":
        """Return x^((p+1)/4): √(x y) = √x √y, and its square is x or −x."""
        root = Residue(pow(self.value, (PRIME + 1) // 4, PRIME))
        if self.slopes is None:
            return root
        return root.sloped((((root * 2) ** -1).value, self))

    def sloped(self, *through: "tuple[int, Residue]") -> "Residue":
        """Return this value with the slopes Σ factor · slopes over (factor, argument) pairs."""
        slopes = None
        for factor, argument in through:
            if argument.slopes is not None:
                more = argument.slopes * (factor % PRIME) % PRIME
                slopes = more if slopes is None else (slopes + more) % PRIME
        return Residue(self.value, slopes)


def _residue(value: object) -> Residue:
    if isinstance(value, Residue):
        return value
    if isinstance(value, (int, np.integer)):
        return Residue(int(value))
    raise TypeError(f"{type(value).__name__} is no exact number")


def residues(values: ArrayLike) -> Array:
    """Return integers as an array of residues of the same shape, without slopes."""
    return _entry_by_entry(_residue, np.asarray(values, dtype=object))


def plain(values: Array) -> Array:
    """Return the residues, in the same shape, without their slopes."""
    return _entry_by_entry(lambda entry: Residue(_residue(entry).value), values)


def _entry_by_entry(operation: Callable[..., Residue], *arrays: Array) -> Array:
    if all(np.ndim(array) == 0 for array in arrays):
        result = np.empty((), dtype=object)
        result[()] = operation(*(np.asarray(array, dtype=object)[()] for array in arrays))
        return result
    return np.asarray(np.frompyfunc(operation, len(arrays), 1)(*arrays))


class PrimeField(Numbers):
    """Residues as the numbers of an evaluation; ``seed`` determines the fresh symbols.

    ``opened`` evaluates elementwise functions by their formula instead of as fresh symbols.  e^z is
    a fresh symbol with e^(−z) e^z = 1.

    >>> from chainrule.formulas.evaluate import Evaluation
    >>> from chainrule.formulas.functions import exp, z
    >>> at = Evaluation({"z": residues(5)}, dtype=object, numbers=PrimeField(seed=0))
    >>> bool(at(exp(z) * exp(-z)) == 1), bool(at(exp(z) * exp(z)) == 1)
    (True, False)
    """

    def __init__(self, seed: int, *, opened: bool = False) -> None:
        self.opened = opened
        self._random = random.Random(seed)
        self._known: dict[tuple[str | int, ...], int] = {}

    def draw(self, *lengths: int) -> Array:
        """Return an array of this shape of random residues other than 0."""
        values = [self._random.randrange(1, PRIME) for _ in range(int(np.prod(lengths)))]
        return residues(np.array(values, dtype=object).reshape(lengths))

    def fresh(self, name: str, *arguments: int) -> int:
        """Return the residue that stands for a function of these arguments."""
        if (name, *arguments) not in self._known:
            self._known[(name, *arguments)] = self._random.randrange(2, PRIME - 1)
        return self._known[(name, *arguments)]

    def constant(self, value: Fraction | int, dtype: DTypeLike | None) -> Array:
        """Return a rational number: numerator times the inverse of the denominator."""
        exact = Fraction(value)
        number = Residue(exact.numerator) / Residue(exact.denominator)
        return _entry_by_entry(lambda _: number, np.asarray(0))

    def ones(self, lengths: list[int], dtype: DTypeLike | None) -> Array:
        """Return an array of ones."""
        return residues(np.ones(lengths, dtype=int))

    def contract(self, operands: list[tuple[Array, list[int]]], retained: list[int]) -> Array:
        """Return the product of arrays, summed over every axis that is not in ``retained``."""
        numbers = sorted({number for _, axes in operands for number in axes} - {*retained})
        every = [*retained, *numbers]
        whole = np.asarray(1, dtype=object)
        for array, axes in operands:
            present = [number for number in every if number in axes]
            ordered = np.transpose(array, [axes.index(number) for number in present])
            sizes = dict(zip(present, ordered.shape, strict=True))
            whole = whole * ordered.reshape([sizes.get(number, 1) for number in every])
        for _ in numbers:
            whole = np.add.reduce(whole, axis=-1)
        return np.asarray(whole, dtype=object)

    def primitive(self, name: str, *arguments: Array) -> Array:
        """Return a primitive: exact where the field has it, else a fresh symbol."""

        def value(*given: object) -> Residue:
            return Residue(self._primitive(name, *(_residue(entry).value for entry in given)))

        out = _entry_by_entry(value, *arguments)
        if not any(_has_slopes(argument) for argument in arguments):
            return out
        stated = _SLOPES[name]

        def slope(number: int) -> Array:
            def of(*given: object) -> Residue:
                return Residue(stated(self, *(_residue(entry).value for entry in given))[number])

            return _entry_by_entry(of, out, *arguments)

        return self._sloped(out, [slope(number) for number in range(len(arguments))], arguments)

    def value(self, name: str, *given: int) -> int:
        """Return the residue that a primitive of these arguments is."""
        return self._primitive(name, *(value % PRIME for value in given)) % PRIME

    def _primitive(self, name: str, *given: int) -> int:
        match name, given:
            case "exp", (0,):
                return 1
            case "exp", (z,):
                positive = z <= PRIME // 2
                grown = self.fresh("exp", z if positive else PRIME - z)
                return grown if positive else pow(grown, -1, PRIME)
            case "expm1", (z,):
                return self._primitive("exp", z) - 1
            case "log1p", (x,):
                return self._primitive("log", (x + 1) % PRIME)
        return self.fresh(name, *given)

    def opaque(self, function: Function, argument: Array) -> Array | None:
        """Return f(z) as a fresh symbol, with the slope that f states."""
        if self.opened or not function.elementwise:
            return None
        assert function.slope is not None
        out = _entry_by_entry(
            lambda z: Residue(self.fresh(f"function {function.name}", _residue(z).value)), argument
        )
        if not _has_slopes(argument):
            return out
        slope = self._value(function.slope, {"z": plain(argument), "a": out})
        return self._sloped(out, [slope], [argument])

    def largest(self, value: Array, axis_number: int) -> Array:
        """Raise ``NoSuchNumber``: residues have no order."""
        raise NoSuchNumber

    def _value(self, formula: Expression, known: dict[str, Array]) -> Array:
        return Entrywise(known, form="value", dtype=object, numbers=self)(formula)

    def _sloped(self, out: Array, partials: Sequence[Array], arguments: Sequence[Array]) -> Array:
        """Return ``out`` with slopes by the chain rule; all arrays broadcast to its shape."""
        count = len(arguments)

        def chained(value: Residue, *rest: object) -> Residue:
            factors = [_residue(factor).value for factor in rest[:count]]
            return value.sloped(*zip(factors, map(_residue, rest[count:]), strict=True))

        return _entry_by_entry(chained, out, *partials, *arguments)


def _gauss(field: PrimeField, z: int) -> int:
    """Return 2 e^(−z²)/√π, the slope of the error function."""
    pi = Fraction("3.141592653589793")
    ratio = Residue(pi.denominator) / Residue(pi.numerator)
    return (2 * ratio.sqrt().value * field.value("exp", -z * z)) % PRIME


_SLOPES: dict[str, Callable[..., tuple[int, ...]]] = {
    "exp": lambda field, out, z: (out,),
    "log": lambda field, out, z: (_inverse(z),),
    "expm1": lambda field, out, z: (out + 1,),
    "log1p": lambda field, out, z: (_inverse(1 + z),),
    "tanh": lambda field, out, z: ((1 - out) * (1 + out),),
    "erf": lambda field, out, z: (_gauss(field, z),),
    "abs": lambda field, out, z: (field.value("sign", z),),
    "sign": lambda field, out, z: (0,),
    "maximum": lambda field, out, x, y: _either(field.value("greater", x, y)),
    "minimum": lambda field, out, x, y: _either(field.value("greater", y, x)),
    "greater": lambda field, out, x, y: (0, 0),
    "equal": lambda field, out, x, y: (0, 0),
    "sin": lambda field, out, z: (field.value("cos", z),),
    "cos": lambda field, out, z: (-field.value("sin", z),),
    "where": lambda field, out, c, x, y: (0, *_either(c)),
}
"""The slopes of each primitive by its arguments, in residues: of its value and of these."""


def _inverse(value: int) -> int:
    return (Residue(1) / Residue(value)).value


def _either(first: int) -> tuple[int, int]:
    """Return the slopes of a choice between two arguments."""
    return (first, 1 - first)


def _has_slopes(values: Array) -> bool:
    return any(isinstance(entry, Residue) and entry.slopes is not None for entry in values.flat)
