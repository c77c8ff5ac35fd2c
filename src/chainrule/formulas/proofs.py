"""Proof of the order and the transposes of a matrix product.

A ``Proof`` consists of the walk that ``arrange`` recorded and of all other orders and transposes of
the same factors.  Axis names exclude each of these.  Lengths may not: in a 2-2-2 network every one
can be computed.  For those, values computed from random factors show the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count, pairwise

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
"""The largest relative difference of two products of random factors that count as equal."""
_WIDER = 2
"""Products of axes of length one commute; axes of this length show the difference."""
_LONGEST = 64
"""Longer axes are represented by short ones: numbers show a difference as well there."""
_SHORT = 3
"""The first length that stands for a longer one."""


@dataclass(frozen=True)
class Trial:
    """The values of one arrangement: the entry with the largest error, and the right value.

    ``sizes`` are the lengths it was computed with, ``shortened`` whether some of them stand for
    longer ones; ``error`` is ‖found − right‖ / ‖right‖.
    """

    sizes: Mapping[Axis, int]
    shortened: bool
    index: tuple[int, int]
    right: float
    found: float
    error: float

    @property
    def same(self) -> bool:
        """Whether the values are right all the same, as with ones of equal length."""
        return self.error <= _SAME


@dataclass(frozen=True)
class RejectedArrangement:
    """An arrangement that is not the product, and why.

    ``meets`` are two neighboring inner axes that differ, or ``gives`` are the axes of a result that
    differ from those of the product.  ``coincide`` are all axes that would have to be as long as
    another, ``sizes`` the lengths at which they are.  ``trial`` is None where the lengths exclude
    the arrangement, else its values.
    """

    factors: Factors
    meets: Sides | None
    gives: Sides | None
    coincide: tuple[Axis, ...]
    sizes: Mapping[Axis, int]
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
        """The axes along the walk, from the result's row axis to its column axis."""
        return (self.walk[0].enter, *(passed.leave for passed in self.walk))

    @property
    def index(self) -> Expression:
        """The product in index notation: a sum over the inner axes of the walk."""
        inner = tuple(axis for axis in self.axes[1:-1] if axis is not None)
        return product(*(passed.indexed for passed in self.walk), over=inner)

    @cached_property
    def refused(self) -> tuple[RejectedArrangement, ...]:
        """Every other order and transposition of the same factors, and why it is excluded."""
        return tuple(self._refusal(entry) for entry in rejected(self.product))

    @cached_property
    def decided_by_sizes(self) -> bool:
        """Whether lengths alone exclude every other arrangement."""
        return all(refusal.trial is None for refusal in self.refused)

    def error(self, sizes: Mapping[Axis, int] | None = None) -> float:
        """Return ‖product − index sum‖ / ‖index sum‖, both from random factors."""
        lengths = _shorter(self._lengths(3)) if sizes is None else sizes
        drawn = _drawn(self.product.factors, lengths)
        right = self._named(drawn)
        return _distance(_multiplied(self.product.factors, drawn), right)

    def _refusal(self, entry: Rejected) -> RejectedArrangement:
        coincide = self._coincide(entry.factors)
        sizes: dict[Axis, int] = {}
        for samples in self._samples():
            sizes = self._lengths(samples)
            trial = self._trial(entry.factors, sizes)
            if trial is not None and trial.same:
                sizes = dict.fromkeys(sizes, _WIDER)
                trial = self._trial(entry.factors, sizes)
            if trial is not None:
                return _refusal(entry, coincide, sizes, trial)
        return _refusal(entry, coincide, sizes, None)

    def _coincide(self, factors: Factors) -> tuple[Axis, ...]:
        """Return the axes that must be as long as another so that shapes match."""
        ends = (factors[0].rows, factors[-1].columns)
        met = [(left.columns, right.rows) for left, right in pairwise(factors)]
        pairs = [*met, *zip(ends, self.product.sides, strict=True)]
        different = [axis for pair in pairs if pair[0] != pair[1] for axis in pair]
        return tuple(dict.fromkeys(axis for axis in different if axis is not None))

    def _samples(self) -> tuple[int, ...]:
        """Return the lengths to try for an axis of unknown length: those of the others."""
        known = {self.sizes[axis] for axis in self._all_axes if axis in self.sizes}
        return tuple(sorted(known)) or (_WIDER,)

    @property
    def _all_axes(self) -> tuple[Axis, ...]:
        sides = [axis for passed in self.walk for axis in passed.stored.sides]
        return tuple(dict.fromkeys(axis for axis in sides if axis is not None))

    def _lengths(self, samples: int) -> dict[Axis, int]:
        return {axis: self.sizes.get(axis, samples) for axis in self._all_axes}

    def _trial(self, factors: Factors, sizes: Mapping[Axis, int]) -> Trial | None:
        """Return the values of an arrangement, or None where shapes do not match."""
        short = _shorter(sizes)
        drawn = _drawn(factors, short)
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
        values = (float(right[index]), float(found[index]))
        return Trial(short, short != sizes, index, *values, error)

    def _named(self, drawn: Mapping[Matrix, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the index sum by axis names, (rows, columns); nothing is transposed."""
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


def _refusal(
    entry: Rejected, coincide: tuple[Axis, ...], sizes: Mapping[Axis, int], trial: Trial | None
) -> RejectedArrangement:
    return RejectedArrangement(entry.factors, entry.meets, entry.gives, coincide, sizes, trial)


def _shorter(sizes: Mapping[Axis, int]) -> dict[Axis, int]:
    """Return lengths of which none is large: equal where these are equal, different elsewhere.

    >>> h, o = Axis("h", 1), Axis("o", 2)
    >>> list(_shorter({h: 2000, o: 3}).values())
    [4, 3]
    """
    lengths = set(sizes.values())
    free = (length for length in count(_SHORT) if length not in lengths)
    stands = {length: length if length <= _LONGEST else next(free) for length in sorted(lengths)}
    return {axis: stands[length] for axis, length in sizes.items()}


def _plain(matrix: Matrix) -> Matrix:
    return matrix.operand if isinstance(matrix, Transpose) else matrix


def _drawn(factors: Factors, sizes: Mapping[Axis, int]) -> dict[Matrix, NDArray[np.float64]]:
    """Return random values of every factor without its transpose, (rows, columns) each.

    They do not depend on the order of the factors.
    """
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
    """Return the matrix product of the factors' values, (rows, columns)."""

    def value(factor: Matrix) -> NDArray[np.float64]:
        known = drawn[_plain(factor)]
        return known.T if isinstance(factor, Transpose) else known

    result = value(factors[0])
    for factor in factors[1:]:
        result = result @ value(factor)
    return result


def _distance(found: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Return ‖found − right‖ / ‖right‖ of two arrays of one shape."""
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))
