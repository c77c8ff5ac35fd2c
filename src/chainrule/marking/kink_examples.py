"""Examples with arguments of piecewise functions on both sides of every threshold, near and far.

Random values seldom come between a kink and a wrong threshold, such as the 0.05 of z > 0.05, or
beyond the 100 of clip(z, 0, 100).  Here the weights are so small that each argument is its bias,
and the biases are a grid of both signs, with points beside each number of the line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Apply, Symbol
from chainrule.marking.examples import Example
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.syntax import Call, Comparison, Largest, Tree, nodes
from chainrule.network import activations
from chainrule.network.activations import Activation

_PIECEWISE = ("maximum", "minimum", "where", "abs", "sign")
_BOUNDS = (1e-9, 1e-3, 10.0, 300.0, 1e4)
"""Where groups of magnitudes end: equal values differ by less than a share of the largest one."""
_GRID = tuple(factor * 10.0**power for power in range(-6, 4) for factor in (1.0, 3.0))
_BESIDE = 1e-6
"""How far beside a number a point is, relative to it."""
_SMALLEST, _LARGEST = 1e-14, 1e8
"""Numbers between which a threshold is sought."""
_MOST = 60
"""The most points of an example."""
_WEIGHTS = 1e-30
"""The factor of weights, with which arguments are biases within floats."""
_DEEPEST = 8
"""The most layers for which products of such weights are floats with all their digits."""


def is_piecewise(tree: Tree) -> bool:
    """Return whether a tree has comparisons, extremes or other functions with kinks."""
    for node in nodes(tree):
        if isinstance(node, Comparison | Largest):
            return True
        if isinstance(node, Call):
            known = activations.CATALOGUE.get(node.function)
            if node.function in _PIECEWISE or (known is not None and known.kinks):
                return True
    return False


def kink_examples(context: MarkingContext, numbers: Iterable[float]) -> "tuple[KinkExample, ...]":
    """Return the examples for a line with these numbers, none for smooth networks."""
    retained = {abs(n) for n in numbers if isfinite(n) and _SMALLEST <= abs(n) <= _LARGEST}
    return _examples(context, tuple(sorted(retained)[:8]))


@lru_cache(maxsize=32)
def _examples(context: MarkingContext, numbers: tuple[float, ...]) -> "tuple[KinkExample, ...]":
    kinked = _kinked_axes(context)
    if not kinked or len(context.network.nodes) > _DEEPEST:
        return ()
    found = {*_GRID}
    kinks = {abs(kink) for kinks in kinked.values() for kink in kinks}
    for number in {*numbers, *kinks} - {0.0}:
        found |= {number * factor for factor in (0.5, 1 - _BESIDE, 1 + _BESIDE, 2.0)}
    ordered = np.array(sorted(found))
    groups = np.split(ordered, np.searchsorted(ordered, _BOUNDS))
    examples = []
    for group in groups:
        points = [sign * float(value) for value in group for sign in (1.0, -1.0)][:_MOST]
        if points:
            lengths = _lengths(context, {axis: len(points) for axis in kinked})
            examples.append(KinkExample(context, lengths, 0, tuple(points), frozenset(kinked)))
    return tuple(examples)


def _kinked_axes(context: MarkingContext) -> dict[Axis, tuple[float, ...]]:
    """Return the axes of layers whose activations have kinks, with these."""
    found: dict[Axis, tuple[float, ...]] = {}
    for equation in context.gradients.formulation.equations:
        right = equation.right
        if isinstance(right, Apply) and isinstance(right.function, Activation):
            argument = right.arguments[0]
            if right.function.kinks and isinstance(argument, Symbol) and argument.axes:
                found[argument.axes[-1]] = tuple(right.function.kinks)
    return found


def _lengths(context: MarkingContext, points: Mapping[Axis, int]) -> dict[Axis, int]:
    """Return lengths with room for all points, different for each layer."""
    found = context.distinct_lengths(0)
    for index, (axis, count) in enumerate(points.items()):
        found[axis] = max(found[axis], count + index)
    same = context.gradients.formulation.same_axes
    return {**found, **{axis: found[first] for axis, first in same.items()}}


@dataclass(frozen=True, eq=False)
class KinkExample(Example):
    """An example in which the arguments of piecewise functions are given points."""

    points: tuple[float, ...] = ()
    axes: frozenset[Axis] = frozenset()

    def _drawn(self, hidden: float, last: float, attempt: int = 0) -> dict[str, FloatArray]:
        values = super()._drawn(hidden, last, attempt)
        for symbol in self.context.gradients.formulation.parameters:
            if len(symbol.axes) > 1:
                values[symbol.name] = _WEIGHTS * values[symbol.name]
            elif symbol.name.startswith("b") and symbol.axes and symbol.axes[0] in self.axes:
                values[symbol.name] = np.resize(self.points, self.sizes[symbol.axes[0]])
        return values
