"""From one weight to the loss: every chain of factors, each with its number.

The factors are the local derivatives of the forward equations, as the rules of
``formulas.differentiate`` give them; no layer or activation is a special case.  A path ends where
the derivation gives the cotangent in one piece (∂Loss/∂a_o, or the δ of softmax and log loss).  The
sum over all paths of a sample is its share of the gradient.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from itertools import product as every_combination
from math import prod

import numpy as np

from chainrule.arrays import Array
from chainrule.documents.elements import ArrayEntry
from chainrule.explanation.step_values import StepValues
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.expressions import (
    ONE,
    Add,
    Expression,
    Product,
    Symbol,
    product,
    renames,
    symbols,
)
from chainrule.formulas.simplify import sums
from chainrule.network.gradients import Rewrite
from chainrule.network.scope import SAMPLES

MOST_PATHS = 12
"""Paths that are listed one by one; the others are summed up in one row."""
_GIVEN = "g"
"""The name of the cotangent of an equation while its rule is applied."""


@dataclass(frozen=True)
class PathFactor:
    """∂above/∂below with its formula and its number; ``formula`` is None where it is a sum."""

    above: ArrayEntry
    below: ArrayEntry
    formula: Expression | None
    value: float

    @property
    def at(self) -> dict[Axis, int]:
        """The index along every axis that the formula's symbols may have."""
        found = {**dict(self.above.position), **dict(self.below.position)}
        for old, new in renames(self.formula) if self.formula is not None else ():
            if new in found:
                found.setdefault(old, found[new])
        return found


@dataclass(frozen=True)
class WeightPath:
    """One chain of factors from the loss down to the weight, and their product."""

    factors: tuple[PathFactor, ...]
    value: float

    @property
    def through(self) -> tuple[ArrayEntry, ...]:
        """The entries between the loss and the weight, from the loss on."""
        return tuple(factor.below for factor in self.factors[:-1])


@dataclass(frozen=True)
class _Use:
    """How an array enters one equation: the user, and the factor beside its cotangent."""

    user: Symbol
    factor: Expression


class WeightPaths:
    """Every path from the entries of a batch to the loss."""

    def __init__(self, batch: StepValues) -> None:
        self.batch = batch
        self._uses: dict[Symbol, tuple[_Use, ...] | None] = {}
        self._arrays: dict[Expression, Array] = {}
        self._known: dict[tuple[ArrayEntry, int], list[WeightPath]] = {}
        self._sizes: dict[tuple[Symbol, int], Array] = {}

    @cached_property
    def samples(self) -> int:
        """The number of samples."""
        return self.batch.samples

    # -- numbers -------------------------------------------------------------------------------

    def value(self, tree: Expression, at: Mapping[Axis, int]) -> float:
        """Return one number of an expression."""
        if tree not in self._arrays:
            self._arrays[tree] = self.batch.named.spread(tree, tree.axes)
        return float(self._arrays[tree][tuple(at[axis] for axis in tree.axes)])

    def cotangent(self, entry: ArrayEntry) -> float:
        """Return ∂Loss/∂entry."""
        named = self.batch.formulation.cotangent(entry.symbol)
        return self.value(named, dict(entry.position))

    # -- shares --------------------------------------------------------------------------------

    def shares(self, weight: ArrayEntry) -> list[float]:
        """Return what each sample adds to the gradient of the data by one weight."""
        at = dict(weight.position)
        total = np.zeros(self.samples)
        for use in self._used(weight.symbol) or ():
            cotangent = self.batch.formulation.cotangent(use.user)
            term = product(use.factor, cotangent)
            array = self.batch.named.spread(term, term.axes)
            chosen = array[tuple(at.get(axis, slice(None)) for axis in term.axes)]
            left = [axis for axis in term.axes if axis not in at]
            others = tuple(i for i, axis in enumerate(left) if axis != SAMPLES)
            total = total + np.sum(chosen, axis=others)
        return [float(share) for share in total]

    def penalty(self, weight: ArrayEntry) -> tuple[Expression, float] | None:
        """Return the gradient of the penalties by one weight; None where there are none."""
        formulation = self.batch.formulation
        if formulation.data_loss == formulation.loss:
            return None
        (whole,) = (e.right for e in formulation.equations if e.left == formulation.loss)
        found, _ = pull_back(whole, formulation.loss, ONE, [weight.symbol])
        if weight.symbol not in found:
            return None
        tree = found[weight.symbol]
        return tree, self.value(tree, dict(weight.position))

    # -- paths ----------------------------------------------------------------------------------

    def chain(self, weight: ArrayEntry, sample: int) -> tuple[PathFactor, ...]:
        """Return the factors from the weight up to where its effect first divides.

        The first factor is the derivative of the loss by what divides, the last that by the weight.
        """
        factors: list[PathFactor] = []
        here, loss = weight, ArrayEntry(self.batch.formulation.loss)
        while here != loss:
            onward = list(islice(self._onward(here, sample), 2))
            if len(onward) != 1:
                break
            factors.append(onward[0])
            here = onward[0].above
        if here != loss:
            factors.append(PathFactor(loss, here, None, self.cotangent(here)))
        return tuple(reversed(factors))

    def paths(self, weight: ArrayEntry, sample: int) -> list[WeightPath]:
        """Return the paths with the largest products, at most twelve of them."""
        return self._paths(weight, sample)

    def count(self, weight: ArrayEntry, sample: int) -> int:
        """Return how many paths there are."""
        return self._count(weight.symbol, frozenset({SAMPLES, *dict(weight.position)}))

    def _count(self, symbol: Symbol, fixed: frozenset[Axis]) -> int:
        uses = self._used(symbol)
        if uses is None:
            return 1
        total = 0
        for use in uses:
            free = [axis for axis in use.user.axes if axis not in fixed]
            inner = frozenset({SAMPLES, *use.user.axes})
            total += prod(map(self.batch.named.size, free)) * self._count(use.user, inner)
        return total

    def _paths(self, entry: ArrayEntry, sample: int) -> list[WeightPath]:
        # The k largest products through an entry are among those over its k best next entries:
        # nothing else has to be followed, however many paths there are.
        if (entry, sample) not in self._known:
            found: list[WeightPath] = []
            for factor in self._promising(entry, sample):
                if factor.above.symbol == self.batch.formulation.loss:
                    found.append(WeightPath((factor,), factor.value))
                    continue
                found.extend(
                    WeightPath((*path.factors, factor), path.value * factor.value)
                    for path in self._paths(factor.above, sample)
                )
            found.sort(key=lambda path: -abs(path.value))
            self._known[entry, sample] = found[:MOST_PATHS]
        return self._known[entry, sample]

    def _promising(self, entry: ArrayEntry, sample: int) -> list[PathFactor]:
        """Return the next factors from an entry that the largest products can contain."""
        uses = self._used(entry.symbol)
        if uses is None:
            return list(self._onward(entry, sample))
        at = {SAMPLES: sample, **dict(entry.position)}
        ranked: list[tuple[float, _Use, dict[Axis, int]]] = []
        for use in uses:
            free = tuple(axis for axis in use.user.axes if axis not in at)
            reach = self._slice(use.factor, at, free) * self._beyond(use.user, sample, at)
            best = np.argsort(-np.abs(reach), axis=None, kind="stable")[:MOST_PATHS]
            for flat in best:
                chosen = np.unravel_index(flat, reach.shape)
                there = {**at, **dict(zip(free, map(int, chosen), strict=True))}
                ranked.append((abs(float(reach.flat[flat])), use, there))
        ranked.sort(key=lambda item: -item[0])
        return [self._step(entry, use, there) for _, use, there in ranked[:MOST_PATHS]]

    def _slice(self, tree: Expression, at: Mapping[Axis, int], free: tuple[Axis, ...]) -> Array:
        """Return the values of an expression at the indices ``at``, with dimensions ``free``."""
        axes = tuple(axis for axis in (*at, *free) if axis in tree.axes)
        array = self.batch.named.spread(tree, axes)
        array = array[tuple(at[axis] if axis in at else slice(None) for axis in axes)]
        lengths = [self.batch.named.size(axis) if axis in axes else 1 for axis in free]
        whole = [self.batch.named.size(axis) for axis in free]
        return np.broadcast_to(array.reshape(lengths), whole)

    def _beyond(self, symbol: Symbol, sample: int, at: Mapping[Axis, int]) -> Array:
        """Return the largest products of a symbol at the indices ``at``, with its other axes."""
        array = self._largest(symbol, sample)
        axes = tuple(axis for axis in symbol.axes if axis != SAMPLES)
        return array[tuple(at[axis] if axis in at else slice(None) for axis in axes)]

    def _largest(self, symbol: Symbol, sample: int) -> Array:
        """Return the size of the largest product from each entry to the loss, for one sample.

        The dimensions are the axes of the symbol without the samples.
        """
        if (symbol, sample) in self._sizes:
            return self._sizes[symbol, sample]
        axes = tuple(axis for axis in symbol.axes if axis != SAMPLES)
        uses = self._used(symbol)
        if uses is None:
            named = self.batch.formulation.cotangent(symbol)
            found = np.abs(self._slice(named, {SAMPLES: sample}, axes))
        else:
            found = np.zeros([self.batch.named.size(axis) for axis in axes])
            for use in uses:
                further = tuple(axis for axis in use.user.axes if axis not in symbol.axes)
                further = tuple(axis for axis in further if axis != SAMPLES)
                every = (*axes, *further)
                ahead = tuple(axis for axis in use.user.axes if axis != SAMPLES)
                beyond = self._largest(use.user, sample)
                shape = [beyond.shape[ahead.index(axis)] if axis in ahead else 1 for axis in every]
                order = [ahead.index(axis) for axis in every if axis in ahead]
                reach = np.abs(self._slice(use.factor, {SAMPLES: sample}, every))
                reach = reach * np.transpose(beyond, order).reshape(shape)
                over = tuple(range(len(axes), len(every)))
                found = np.maximum(found, np.max(reach, axis=over))
        self._sizes[symbol, sample] = found
        return found

    def _onward(self, entry: ArrayEntry, sample: int) -> Iterator[PathFactor]:
        """Yield the factor to everything that an entry acts on directly, for one sample."""
        formulation = self.batch.formulation
        at = {SAMPLES: sample, **dict(entry.position)}
        uses = self._used(entry.symbol)
        if uses is None:
            tree = self._cotangent_formula(entry.symbol)
            yield PathFactor(ArrayEntry(formulation.loss), entry, tree, self.cotangent(entry))
            return
        for use in uses:
            free = [axis for axis in use.user.axes if axis not in at]
            lengths = [range(self.batch.named.size(axis)) for axis in free]
            for chosen in every_combination(*lengths):
                yield self._step(entry, use, {**at, **dict(zip(free, chosen, strict=True))})

    def _step(self, entry: ArrayEntry, use: _Use, there: Mapping[Axis, int]) -> PathFactor:
        above = ArrayEntry(use.user, tuple((axis, there[axis]) for axis in use.user.axes))
        return PathFactor(above, entry, use.factor, self.value(use.factor, there))

    def _cotangent_formula(self, symbol: Symbol) -> Expression | None:
        """Return the formula of ∂Loss/∂symbol where it can be read entry by entry."""
        tree = self.batch.gradients.of(symbol).right
        return tree if tree.axes == symbol.axes and not sums(tree) else None

    def _used(self, symbol: Symbol) -> tuple[_Use, ...] | None:
        """Return how a symbol is used; None where its cotangent is given in one piece."""
        if symbol not in self._uses:
            self._uses[symbol] = self._find_uses(symbol)
        return self._uses[symbol]

    def _find_uses(self, symbol: Symbol) -> tuple[_Use, ...] | None:
        formulation = self.batch.formulation
        computed = symbol in formulation.defined
        if computed and any(r.name != "collect" for r in self._rewrites(symbol)):
            return None  # collapsed: softmax and log loss give A − Y at once
        found: list[_Use] = []
        for equation in formulation.equations:
            if symbol not in symbols(equation.right):
                continue
            if not equation.left.axes:
                if computed:
                    return None  # the loss itself
                continue  # a penalty has a share of its own
            given = Symbol(_GIVEN, equation.left.axes)
            pulled, _ = pull_back(equation.right, equation.left, given, [symbol])
            whole = pulled[symbol]
            for term in whole.terms if isinstance(whole, Add) else (whole,):
                factor = _beside(term, given)
                if factor is None:
                    return None  # softmax: each output depends on the whole layer
                found.append(_Use(equation.left, factor))
        return tuple(found)

    def _rewrites(self, symbol: Symbol) -> tuple[Rewrite, ...]:
        return self.batch.gradients.of(symbol).rewrites


def _beside(term: Expression, given: Symbol) -> Expression | None:
    """Return what a cotangent is multiplied by, or None where it is inside another formula."""
    factors = term.factors if isinstance(term, Product) else (term,)
    rest = [factor for factor in factors if factor != given]
    if len(rest) != len(factors) - 1 or any(given in symbols(factor) for factor in rest):
        return None
    return product(*rest)
