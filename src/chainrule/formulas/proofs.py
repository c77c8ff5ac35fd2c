"""Why this side, why this transpose: a matrix product, the walk that found it, and what it beat.

A ``Proof`` holds nothing of its own: the axes and factors are those of the walk in ``arrange``, the
arrangements it refuses are all other orders and transposes of the same factors.  Names refuse each
of them.  Sizes may not: in a 2-2-2 network every one can be computed.  Then the numbers speak,
from random factors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import Expression, product
from chainrule.formulas.matrices import (
    Matrix,
    Multiply,
    OnesMatrix,
    Passed,
    Rejected,
    Transpose,
    rejected,
    turned,
)

Factors = tuple[Matrix, ...]

_SAME = 1e-9
"""Random factors never bring two different products nearer than this."""
_WIDER = 2
"""Where everything has length one, products commute; at this length they do not."""


@dataclass(frozen=True)
class Trial:
    """One arrangement in numbers: its worst entry, beside the entry that is right.

    ``sizes`` are the lengths it was computed with; ``error`` is ‖wrong − right‖ / ‖right‖.
    """

    sizes: Mapping[Axis, int]
    index: tuple[int, int]
    right: float
    found: float
    error: float

    @property
    def same(self) -> bool:
        """Whether it gives the right numbers for all that: ones of equal length are alike."""
        return self.error <= _SAME


@dataclass(frozen=True)
class RejectedArrangement:
    """An arrangement that is not the product, and everything that says so.

    ``meets`` are the two axes that would have to be one, or ``gives`` the sides of a result that
    is not the wanted one.  ``coincide`` are all axes that would have to be as long as another.
    ``trial`` is None where the lengths already refuse it; where they do not, the numbers do.
    """

    factors: Factors
    meets: Sides | None
    gives: Sides | None
    coincide: tuple[Axis, ...]
    trial: Trial | None


@dataclass(frozen=True, eq=False)
class Proof:
    """Why a matrix product has this order and these transposes.

    ``sizes`` are the lengths of the axes that are known; an axis that is missing (the samples) may
    have any length.

    >>> from chainrule.formulas.arrange import arrange
    >>> from chainrule.formulas.expressions import Symbol
    >>> h, o = Axis("h", 1), Axis("o", 2, "n")
    >>> G, W = Symbol("G", (o,)), Symbol("W", (h, o))
    >>> proof = Proof(arrange(product(G, W, over=[o])), {h: 2, o: 2})
    >>> print(proof.index, "|", *(axis.name if axis else 1 for axis in proof.axes))
    Σ_{j=1}^{n} g_j w_ij | 1 o h
    >>> [entry.trial is None for entry in proof.refused].count(False)  # sizes let these pass
    1
    """

    product: Multiply
    sizes: Mapping[Axis, int]

    @property
    def walk(self) -> tuple[Passed, ...]:
        """The factors in walking order: where each was entered and left."""
        return self.product.walk

    @property
    def axes(self) -> tuple[Axis | None, ...]:
        """The stations of the walk, from the result's row axis to its column axis."""
        return (self.walk[0].enter, *(passed.leave for passed in self.walk))

    @property
    def index(self) -> Expression:
        """The product in index notation: the sum that the walk was made of."""
        inner = tuple(axis for axis in self.axes[1:-1] if axis is not None)
        return product(*(passed.road for passed in self.walk), over=inner)

    @cached_property
    def refused(self) -> tuple[RejectedArrangement, ...]:
        """Every other order and transposition of the same factors, and why it is wrong."""
        return tuple(self._refusal(entry) for entry in rejected(self.product))

    @cached_property
    def decided_by_sizes(self) -> bool:
        """Whether lengths alone refuse every other arrangement."""
        return all(refusal.trial is None for refusal in self.refused)

    def error(self, sizes: Mapping[Axis, int] | None = None) -> float:
        """Return how far the product is from its index sum, both from random factors."""
        lengths = self._lengths(3) if sizes is None else sizes
        drawn = _drawn(self.product.factors, lengths)
        right = self._named(drawn)
        return _distance(_multiplied(self.product.factors, drawn), right)

    def _refusal(self, entry: Rejected) -> RejectedArrangement:
        coincide = self._coincide(entry.factors)
        for samples in self._samples():
            sizes = self._lengths(samples)
            trial = self._trial(entry.factors, sizes)
            if trial is not None and trial.same:
                trial = self._trial(entry.factors, dict.fromkeys(sizes, _WIDER))
            if trial is not None:
                return RejectedArrangement(entry.factors, entry.meets, entry.gives, coincide, trial)
        return RejectedArrangement(entry.factors, entry.meets, entry.gives, coincide, None)

    def _coincide(self, factors: Factors) -> tuple[Axis, ...]:
        """Return the axes that must be as long as another for the lengths to fit."""
        ends = (factors[0].rows, factors[-1].columns)
        met = [(left.columns, right.rows) for left, right in pairwise(factors)]
        pairs = [*met, *zip(ends, self.product.sides, strict=True)]
        different = [axis for pair in pairs if pair[0] != pair[1] for axis in pair]
        return tuple(dict.fromkeys(axis for axis in different if axis is not None))

    def _samples(self) -> tuple[int, ...]:
        """Return the lengths to try for an axis of any length: those of the others."""
        known = {self.sizes[axis] for axis in self._all_axes if axis in self.sizes}
        return tuple(sorted(known)) or (_WIDER,)

    @property
    def _all_axes(self) -> tuple[Axis, ...]:
        sides = [axis for passed in self.walk for axis in passed.stored.sides]
        return tuple(dict.fromkeys(axis for axis in sides if axis is not None))

    def _lengths(self, samples: int) -> dict[Axis, int]:
        return {axis: self.sizes.get(axis, samples) for axis in self._all_axes}

    def _trial(self, factors: Factors, sizes: Mapping[Axis, int]) -> Trial | None:
        """Return the arrangement in numbers, or None where the lengths do not fit."""
        drawn = _drawn(factors, sizes)
        right = _multiplied(self.product.factors, drawn)
        try:
            found = _multiplied(factors, drawn)
        except ValueError:
            return None
        if found.shape != right.shape:
            return None
        row, column = np.unravel_index(np.argmax(np.abs(found - right)), right.shape)
        index = (int(row), int(column))
        error = _distance(found, right)
        return Trial(dict(sizes), index, float(right[index]), float(found[index]), error)

    def _named(self, drawn: Mapping[Matrix, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the index sum by axis names: nothing is transposed, nothing has a side."""
        letters = {axis: chr(ord("a") + number) for number, axis in enumerate(self._all_axes)}
        subscripts = []
        arrays = []
        for passed in self.walk:
            axes = [axis for axis in passed.stored.sides if axis is not None]
            whole = drawn[_plain(passed.stored)]
            subscripts.append("".join(letters[axis] for axis in axes))
            arrays.append(whole.reshape([whole.shape[passed.stored.sides.index(a)] for a in axes]))
        result = [axis for axis in self.product.sides if axis is not None]
        into = "".join(letters[axis] for axis in result)
        value: NDArray[np.float64] = np.einsum(f"{','.join(subscripts)}->{into}", *arrays)
        lengths = dict(zip(result, value.shape, strict=True))
        return value.reshape([1 if a is None else lengths[a] for a in self.product.sides])


def _plain(matrix: Matrix) -> Matrix:
    return matrix.operand if isinstance(matrix, Transpose) else matrix


def _drawn(factors: Factors, sizes: Mapping[Axis, int]) -> dict[Matrix, NDArray[np.float64]]:
    """Draw every factor, the same numbers in whatever order the factors come."""
    values: dict[Matrix, NDArray[np.float64]] = {}
    for matrix in sorted({_plain(factor) for factor in factors}, key=str):
        shape = [1 if axis is None else sizes[axis] for axis in matrix.sides]
        seed = np.random.default_rng([len(values), *shape])
        values[matrix] = seed.uniform(-1.0, 1.0, shape)
        if isinstance(matrix, OnesMatrix):
            values[matrix] = np.ones(shape)
            values[turned(matrix)] = values[matrix].T
    return values


def _multiplied(
    factors: Factors, drawn: Mapping[Matrix, NDArray[np.float64]]
) -> NDArray[np.float64]:
    def value(factor: Matrix) -> NDArray[np.float64]:
        known = drawn[_plain(factor)]
        return known.T if isinstance(factor, Transpose) else known

    result = value(factors[0])
    for factor in factors[1:]:
        result = result @ value(factor)
    return result


def _distance(found: NDArray[np.float64], right: "NDArray[np.float64]") -> float:
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))
