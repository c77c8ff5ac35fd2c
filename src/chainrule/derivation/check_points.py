"""One point at which a derivation is checked: the value of everything that its lines speak of.

The forward equations are evaluated at random numbers for axes of small different lengths, whatever
the widths of the network, since no formula depends on them.  The derivative of the loss by every
parameter and every value on the way is then found without differentiating backwards: exactly, by
residues that carry derivatives (``formulas.fields``), or in floating point by the complex step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from chainrule.arrays import Array
from chainrule.formulas.axes import SAMPLES_POSITION, Axis, in_order
from chainrule.formulas.differentiate import depends
from chainrule.formulas.evaluate import REALS, Evaluation, Numbers
from chainrule.formulas.expressions import Product, Symbol, substitute
from chainrule.formulas.fields import PrimeField, Residue, plain, residues
from chainrule.formulas.functions import UNITS, Function, z_k
from chainrule.network.formulation import Formulation

LENGTHS = (3, 4, 2)
"""Lengths of the layers, over and over: neighbors never agree."""
SAMPLES = 5

_MOVED = Axis("moved", SAMPLES_POSITION - 1)
"""The axis along which one entry after the other is moved."""

_STEP = 1e-30
"""The step along the imaginary axis: too small for its square to count."""


@dataclass(frozen=True)
class Point:
    """The values of symbols, and the lengths of axes; ``exact`` where they are residues."""

    formulation: Formulation
    values: Mapping[Symbol, Array]
    sizes: Mapping[Axis, int]
    numbers: Numbers
    _jacobians: dict[tuple[Symbol, Symbol], Array] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def exact(self) -> bool:
        """Whether the numbers are residues: equal means equal."""
        return isinstance(self.numbers, PrimeField)

    @cached_property
    def known(self) -> Evaluation:
        """What evaluates formulas at this point."""
        return self.at({})

    def at(self, changed: Mapping[Symbol, Array]) -> Evaluation:
        """Return an evaluation at this point with some symbols' values changed."""
        found = evaluation(self.numbers, self.sizes)
        for symbol, value in {**self.values, **changed}.items():
            found.define(symbol, value)
        return found

    def jacobian(self, above: Symbol, below: Symbol) -> Array:
        """Return ∂above/∂below by the equation of ``above`` alone, as (above…, below…)."""
        pair = (above, below)
        if pair not in self._jacobians:
            self._jacobians[pair] = self._jacobian(above, below)
        return self._jacobians[pair]

    def _jacobian(self, above: Symbol, below: Symbol) -> Array:
        (equation,) = [e for e in self.formulation.equations if e.left == above]
        value = self.values[below]
        shape = np.shape(value)
        if self.exact:
            moving = self.at({below: _with_directions(value, 0, value.size)})
            slopes = _slopes(moving.spread(equation.right, above.axes), value.size)
            return residues(slopes).reshape((*slopes.shape[:-1], *shape))
        columns = []
        for index in np.ndindex(shape):
            found = self.at({below: _shifted(value, index)}).spread(equation.right, above.axes)
            columns.append(np.imag(found) / _STEP)
        stacked = np.stack(columns, axis=-1)
        return stacked.reshape((*stacked.shape[:-1], *shape))


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
    _keep_facts(formulation, start)
    offsets, count = {}, 0
    for symbol in _varied(formulation):
        offsets[symbol] = count
        count += int(np.prod([sizes[axis] for axis in symbol.axes], dtype=int))

    def moved(symbol: Symbol, value: Array) -> Array:
        index = offsets.get(symbol)
        return value if index is None else _with_directions(value, index, count)

    moving = evaluation(field, sizes)
    for symbol in given:
        moving.define(symbol, moved(symbol, start[symbol]))
    for equation in formulation.equations:
        value = moving.spread(equation.right, equation.left.axes)
        moving.define(equation.left, moved(equation.left, value))
    slopes = _slopes(moving(formulation.loss), count).reshape(count)
    lefts = [equation.left for equation in formulation.equations]
    values = {symbol: plain(moving(symbol)) for symbol in (*given, *lefts)}
    for symbol, index in offsets.items():
        shape = np.shape(values[symbol])
        part = slopes[index : index + values[symbol].size].reshape(shape)
        values[formulation.cotangent(symbol)] = residues(part)
    return Point(formulation, values, sizes, field)


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
    _keep_facts(formulation, start)
    known = evaluation(REALS, sizes)
    for symbol, value in start.items():
        known.define(symbol, value)
    for equation in formulation.equations:
        known.define(equation.left, known.spread(equation.right, equation.left.axes))
    values = {**start, **{e.left: known(e.left) for e in formulation.equations}}
    slopes = {
        formulation.cotangent(symbol): _slope(formulation, values, sizes, symbol)
        for symbol in _varied(formulation)
    }
    values.update(slopes)
    return Point(formulation, values, sizes, REALS)


def _slope(
    formulation: Formulation,
    values: Mapping[Symbol, Array],
    sizes: Mapping[Axis, int],
    symbol: Symbol,
) -> Array:
    """Return ∂Loss/∂symbol by the complex step.

    The step is made for every entry at once: what depends on the symbol has one axis more, along
    which another entry is moved each time.
    """
    value = values[symbol]
    depending = depends(formulation.equations, [symbol])
    if formulation.loss not in depending:
        return np.zeros(np.shape(value))
    moved = {each: Symbol(each.name, (_MOVED, *each.axes)) for each in depending}
    at = evaluation(REALS, {**sizes, _MOVED: value.size})
    for each, known in values.items():
        if each not in moved:
            at.define(each, known)
    units = np.eye(value.size).reshape((value.size, *np.shape(value)))
    at.define(moved[symbol], value + 1j * _STEP * units)
    for equation in formulation.equations:
        if equation.left in moved and equation.left != symbol:
            left = moved[equation.left]
            at.define(left, at.spread(substitute(equation.right, dict(moved)), left.axes))
    return np.imag(at(moved[formulation.loss])).reshape(np.shape(value)) / _STEP


def _varied(formulation: Formulation) -> list[Symbol]:
    """Return the symbols by which the loss is differentiated."""
    inner = [e.left for e in formulation.equations if e.left != formulation.loss]
    return [*formulation.parameters, *inner]


def sloped(function: Function, argument: Array, numbers: Numbers) -> tuple[Array, Array]:
    """Return f(z) of one layer in its printed form, and ∂f(z)_j/∂z_k."""
    opened = function.body(function.value, {"z": z_k}, function.layer_axis(z_k))
    exact = isinstance(numbers, PrimeField)

    def at(moved: Array) -> Array:
        found = evaluation(numbers, {UNITS: argument.size})
        found.define(z_k, moved)
        return found.spread(opened, z_k.axes)

    if exact:
        moving = at(_with_directions(argument, 0, argument.size))
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


def _with_directions(values: Array, start: int, count: int) -> Array:
    """Give each entry a direction of its own, beside those it depends on already."""
    result = np.empty(np.shape(values), dtype=object)
    for offset, index in enumerate(np.ndindex(result.shape)):
        unit = np.zeros(count, dtype=np.int64)
        unit[start + offset] = 1
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
