"""One point at which a derivation is checked: the value of everything that its lines speak of.

The forward equations are evaluated at random numbers for axes of small different lengths, whatever
the widths of the network, since no formula depends on them.  The derivatives of the loss are found
without the rules that the derivation uses: the Jacobian of every single equation by moving its
arguments forward, exactly by residues that carry derivatives (``formulas.fields``) or in floating
point by the complex step, and the products of these Jacobians from the loss down.  Each equation is
moved once for each of its arguments, so the cost grows as the number of equations does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from chainrule.arrays import Array
from chainrule.formulas.axes import SAMPLES_POSITION, Axis, in_order
from chainrule.formulas.evaluate import REALS, Evaluation, Numbers
from chainrule.formulas.expressions import Expression, Product, Symbol, substitute, symbols
from chainrule.formulas.fields import PRIME, PrimeField, Residue, plain, residues
from chainrule.formulas.functions import UNITS, Function, z_k
from chainrule.network.formulation import Formulation

LENGTHS = (3, 4, 2)
"""Lengths of the layers, over and over: neighbors never agree."""
SAMPLES = 5

_MOVED = Axis("moved", SAMPLES_POSITION - 1)
"""The axis along which one entry after the other is moved."""

_STEP = 1e-30
"""The step along the imaginary axis: too small for its square to count."""


class ChangedEvaluation(Evaluation):
    """An evaluation with other values of some symbols.

    What does not depend on them is taken from the evaluation that it is made from.
    """

    def __init__(self, first: Evaluation, changed: Mapping[Symbol, Array]) -> None:
        super().__init__({}, form=first.form, dtype=first.dtype, numbers=first.numbers)
        self.sizes = dict(first.sizes)
        self._first = first
        self._changed = frozenset(changed)
        for symbol, value in changed.items():
            self.define(symbol, value)

    def _value(self, tree: Expression) -> Array:
        if self._changed.isdisjoint(symbols(tree)) and symbols(tree):
            return self._first(tree)
        return super()._value(tree)


@dataclass(frozen=True)
class Point:
    """The values of symbols, and the lengths of axes; ``exact`` where they are residues."""

    formulation: Formulation
    values: Mapping[Symbol, Array]
    sizes: Mapping[Axis, int]
    numbers: Numbers
    _jacobians: dict[tuple[Symbol, Symbol], Array] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def exact(self) -> bool:
        """Whether the numbers are residues: equal means equal."""
        return isinstance(self.numbers, PrimeField)

    @cached_property
    def known(self) -> Evaluation:
        """What evaluates formulas at this point."""
        found = evaluation(self.numbers, self.sizes)
        for symbol, value in self.values.items():
            found.define(symbol, value)
        return found

    def at(self, changed: Mapping[Symbol, Array]) -> Evaluation:
        """Return an evaluation at this point with some symbols' values changed."""
        return ChangedEvaluation(self.known, changed)

    def jacobian(self, above: Symbol, below: Symbol) -> Array:
        """Return ∂above/∂below by the equation of ``above`` alone, as (above…, below…)."""
        pair = (above, below)
        if pair not in self._jacobians:
            self._jacobians[pair] = self._jacobian(above, below)
        return self._jacobians[pair]

    def _jacobian(self, above: Symbol, below: Symbol) -> Array:
        right = self.formulation.defined[above]
        value = self.values[below]
        shape = np.shape(value)
        if self.exact:
            moving = self.at({below: _with_directions(value, value.size)})
            slopes = residues(_slopes(moving.spread(right, above.axes), value.size))
            return slopes.reshape((*slopes.shape[:-1], *shape))
        # One axis more, along which another entry is moved each time.
        moved = Symbol(below.name, (_MOVED, *below.axes))
        units = np.eye(value.size).reshape((value.size, *shape))
        at = self.at({moved: value + 1j * _STEP * units})
        found = at.spread(substitute(right, {below: moved}), (_MOVED, *above.axes))
        slopes = np.moveaxis(np.imag(found) / _STEP, 0, -1)
        return slopes.reshape((*slopes.shape[:-1], *shape))

    def down(self, cotangent: Array, above: Symbol, below: Symbol) -> Array:
        """Return ∂Loss/∂above · ∂above/∂below, with the axes of ``below``."""
        slopes = self.jacobian(above, below)
        flat = slopes.reshape(cotangent.size, -1)
        if self.exact:
            # As integers: a product of two residues fits into 64 bits, a sum of products may not.
            products = _integers(cotangent).reshape(-1, 1) * _integers(flat) % PRIME
            passed = residues(np.add.reduce(products, axis=0))
        else:
            passed = np.add.reduce(cotangent.reshape(-1, 1) * flat, axis=0)
        return np.asarray(passed).reshape(slopes.shape[np.ndim(cotangent) :])

    def with_cotangents(self) -> "Point":
        """Return the point with ∂Loss/∂symbol of every parameter and every value on the way."""
        formulation = self.formulation
        varied = _varied(formulation)
        zero, one = (residues(n) if self.exact else np.asarray(float(n)) for n in (0, 1))
        found: dict[Symbol, Array] = {formulation.loss: one}
        for equation in reversed(formulation.equations):
            if equation.left not in found:
                continue
            for symbol in sorted(symbols(equation.right) & varied, key=str):
                passed = self.down(found[equation.left], equation.left, symbol)
                # A sum of arrays of no axes is a number alone.
                found[symbol] = np.asarray(found[symbol] + passed) if symbol in found else passed
        values = dict(self.values)
        for symbol in varied:
            nothing = np.broadcast_to(zero, np.shape(values[symbol]))
            values[formulation.cotangent(symbol)] = np.asarray(found.get(symbol, nothing))
        return replace(self, values=values)


def lengths(axes: Iterable[Axis], same: Mapping[Axis, Axis] | None = None) -> dict[Axis, int]:
    """Return a small length for every axis; neighbors have different ones.

    ``same`` maps an axis to the one that it is another name of.
    """
    ordered = in_order(tuple(axes))
    features = [axis for axis in ordered if not axis.is_samples]
    found = {axis: LENGTHS[index % len(LENGTHS)] for index, axis in enumerate(features)}
    found.update({axis: found[first] for axis, first in (same or {}).items()})
    return {**{axis: SAMPLES for axis in ordered if axis.is_samples}, **found}


def exact_point(formulation: Formulation, sizes: Mapping[Axis, int], seed: int) -> Point:
    """Return a random point of the prime field, with every derivative of the loss."""
    field = PrimeField(seed)
    given = (*formulation.inputs, *formulation.parameters)
    start = {symbol: field.draw(*(sizes[axis] for axis in symbol.axes)) for symbol in given}
    return _point(formulation, start, sizes, field)


def float_point(formulation: Formulation, sizes: Mapping[Axis, int], seed: int) -> Point:
    """Return a random point in floating point, every derivative by the complex step."""
    generator = np.random.default_rng([3, seed])
    given = (*formulation.inputs, *formulation.parameters)
    start: dict[Symbol, Array] = {}
    for symbol in given:
        # Given values are in (0, 1): every loss allows it as a target.
        low = 0.1 if symbol in formulation.inputs else -0.7
        shape = [sizes[axis] for axis in symbol.axes]
        start[symbol] = np.asarray(generator.uniform(low, 0.9, shape))
    return _point(formulation, start, sizes, REALS)


def _point(
    formulation: Formulation,
    start: dict[Symbol, Array],
    sizes: Mapping[Axis, int],
    numbers: Numbers,
) -> Point:
    """Return the point with these inputs and parameters, which are changed to keep the facts."""
    _keep_facts(formulation, start)
    known = evaluation(numbers, sizes)
    for symbol, value in start.items():
        known.define(symbol, value)
    values = dict(start)
    for equation in formulation.equations:
        value = np.array(known.spread(equation.right, equation.left.axes))
        values[equation.left] = value
        known.define(equation.left, value)
    return Point(formulation, values, sizes, numbers).with_cotangents()


def _varied(formulation: Formulation) -> frozenset[Symbol]:
    """Return the symbols by which the loss is differentiated."""
    inner = (e.left for e in formulation.equations if e.left != formulation.loss)
    return frozenset((*formulation.parameters, *inner))


def sloped(function: Function, argument: Array, numbers: Numbers) -> tuple[Array, Array]:
    """Return f(z) of one layer in its printed form, and ∂f(z)_j/∂z_k."""
    opened = function.body(function.value, {"z": z_k}, function.layer_axis(z_k))
    exact = isinstance(numbers, PrimeField)

    def at(moved: Array) -> Array:
        found = evaluation(numbers, {UNITS: argument.size})
        found.define(z_k, moved)
        return found.spread(opened, z_k.axes)

    if exact:
        moving = at(_with_directions(argument, argument.size))
        return plain(moving), residues(_slopes(moving, argument.size))
    columns = [np.imag(at(_shifted(argument, index))) / _STEP for index in range(argument.size)]
    return at(argument), np.stack(columns, axis=-1)


def evaluation(numbers: Numbers, sizes: Mapping[Axis, int]) -> Evaluation:
    """Return an evaluation of printed forms in one kind of number, with these lengths of axes."""
    exact = isinstance(numbers, PrimeField)
    found = Evaluation({}, form="value", dtype=object if exact else None, numbers=numbers)
    found.sizes = dict(sizes)
    return found


def _shifted(value: Array, index: tuple[int, ...] | int) -> Array:
    away = np.array(value, complex)
    away[index] += 1j * _STEP
    return away


def _keep_facts(formulation: Formulation, values: dict[Symbol, Array]) -> None:
    """Scale what is given so that it keeps what may be assumed: rows of targets sum to one."""
    for left in formulation.facts:
        if isinstance(left, Product) and len(left.factors) == 1 and left.summed:
            symbol = left.factors[0]
            if isinstance(symbol, Symbol) and symbol in values:
                index = symbol.axes.index(left.summed[0])
                whole = np.sum(values[symbol], axis=index, keepdims=True)
                values[symbol] = values[symbol] / whole


def _integers(values: Array) -> Array:
    """Return residues as integers from 0, in the same shape."""
    numbers = [entry.value for entry in values.ravel()]
    return np.array(numbers, dtype=np.int64).reshape(np.shape(values))


def _with_directions(values: Array, count: int) -> Array:
    """Give each of ``count`` entries a direction of its own."""
    result = np.empty(np.shape(values), dtype=object)
    for offset, index in enumerate(np.ndindex(result.shape)):
        unit = np.zeros(count, dtype=np.int64)
        unit[offset] = 1
        result[index] = values[index] + Residue(0, unit)
    return result


def _slopes(values: Array, count: int) -> Array:
    """Return the derivatives of each entry, along a last dimension."""
    result = np.zeros((*np.shape(values), count), dtype=np.int64)
    for index in np.ndindex(np.shape(values)):
        entry: object = values[index]
        if isinstance(entry, Residue) and entry.slopes is not None:
            result[index] = entry.slopes
    return result
