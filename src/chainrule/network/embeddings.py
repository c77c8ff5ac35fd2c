"""Embeddings: of categories, and of single numbers, piecewise linear or periodic.

An embedding of numbers makes several units of each column.  Which column a unit belongs to is the
constant matrix S of zeros and ones, (columns, units): x S repeats each column for its units.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError, InputTypeError
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import PI
from chainrule.formulas.expressions import Expression, Symbol, add, product
from chainrule.formulas.functions import cosine, maximum, minimum, sine
from chainrule.network.domains import POSITIVE, checked
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import CategoryLayer, filled
from chainrule.network.scope import Draw, Scope
from chainrule.validation import checked_integer, requirement

NARROWEST = 1e-37
"""The width of a bin whose inverse float32 holds."""


class Embedding(Layer):
    """A row of learnable weights for each category: a = o E, with one-hot rows o.

    Applied to `Categories`; its gradient adds up over the samples of a category.  ``initial`` is
    the standard deviation of the initial values.

    >>> from chainrule.network.layers import Categories
    >>> Embedding(4)(Categories(12))
    <4 values of Embedding(4)>
    """

    has_own_axis = True

    def __init__(self, units: int, *, initial: float = 0.1) -> None:
        self.units = checked_integer("units", units)
        self.initial = checked(initial, "`initial`", POSITIVE, "such as 0.1")

    def width_of(self, sources: tuple[Node, ...]) -> int:
        (source,) = sources
        if not isinstance(source.layer, CategoryLayer):
            raise InputError(
                f"{self} must be applied to cr.Categories(levels), got {source.layer}. "
                "Numbers take cr.Dense, cr.PiecewiseLinear or cr.Periodic"
            )
        return self.units

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (one_hot,) = sources
        levels = scope.units(one_hot)
        rows = scope.parameter("E", (levels, scope.own_axis), _normal(self.initial), kind="weight")
        return scope.define("a", (scope.own_axis,), product(one_hot, rows, over=[levels]))

    def __str__(self) -> str:
        return f"Embedding({self.units})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"units": self.units, "initial": self.initial}


def _normal(deviation: float) -> Draw:
    return lambda generator, shape: generator.normal(0.0, deviation, shape)


class _OfNumbers(Layer):
    """Several units for each column, and then a linear layer for each column on its own units.

    ``columns`` is the column of each unit.
    """

    has_own_axis = True

    def repeated(
        self, scope: Scope, x: Symbol, units: Axis, columns: NDArray[np.intp]
    ) -> Expression:
        """Return x S: each column for each of its units."""
        below = scope.units(x)
        count = scope.lengths[below]
        selection = (np.arange(count)[:, None] == columns[None, :]).astype(float)
        return product(x, scope.constant("S", (below, units), selection), over=[below])

    def linear(
        self,
        scope: Scope,
        parts: Sequence[Symbol],
        columns: NDArray[np.intp],
        outputs: int,
        width: int,
    ) -> Symbol:
        """Return z = Σ e (W ⊙ M) + b: each column's units to ``outputs`` units of their own.

        ``parts`` are the encodings e, (samples, units); M is 1 where a unit and an output belong to
        the same column and 0 elsewhere.
        """
        below, axis = scope.units(parts[0]), scope.own_axis
        same = (columns[:, None] == np.repeat(np.arange(width), outputs)[None, :]).astype(float)
        mask = scope.constant("M", (below, axis), same)
        limit = np.sqrt(1.0 / (len(parts) * same.sum(axis=0)))

        def initial(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
            drawn: NDArray[np.float64] = generator.uniform(-limit, limit, shape) * same
            return drawn

        terms: list[Expression] = []
        for letter, part in zip("WU", parts, strict=False):
            weights = scope.parameter(letter, (below, axis), initial, kind="weight")
            terms.append(product(part, weights * mask, over=[below]))
        terms.append(scope.parameter("b", (axis,), filled(0.0), kind="bias"))
        return scope.define("z", (axis,), add(*terms), delta=True)


class PiecewiseLinear(_OfNumbers):
    """The piecewise-linear encoding of numbers, and a linear layer for each column.

    e = min(max((x − l)/(u − l), 0), 1) for each bin from l to u of a column; with ``units`` a
    linear layer for each column follows, e (W ⊙ M) + b.  ``edges`` are the edges of the bins, in
    increasing order, for each column (`quantile_edges` finds them from data).  Source: Gorishniy,
    Rubachev, Babenko, On embeddings for numerical features in tabular deep learning, 2022.  The
    paper leaves the first and the last bin open; here a value beyond an edge counts as the edge, so
    that an outlier is not extrapolated.

    >>> from chainrule.network.layers import Input
    >>> PiecewiseLinear([[0.0, 0.5, 1.0], [0.0, 1.0]])(Input(2))
    <3 values of PiecewiseLinear(2 columns)>
    """

    def __init__(self, edges: Sequence[ArrayLike], units: int | None = None) -> None:
        try:
            columns = list(edges)
        except TypeError:
            raise InputTypeError(
                requirement("edges", "a list with the edges of each column", edges)
            ) from None
        self.edges = tuple(_edges(column) for column in columns)
        if not self.edges:
            raise InputError("`edges` must have the edges of one column at least, got none")
        self.units = None if units is None else checked_integer("units", units)

    def width_of(self, sources: tuple[Node, ...]) -> int:
        (source,) = sources
        if source.width != len(self.edges):
            raise InputError(
                f"{self} must be applied to {len(self.edges)} columns, got {source.layer} with "
                f"{source.width}"
            )
        if self.units is not None:
            return self.units * len(self.edges)
        return sum(len(column) - 1 for column in self.edges)

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        lows = np.concatenate([column[:-1] for column in self.edges])
        lengths = np.concatenate([np.diff(column) for column in self.edges])
        columns = np.repeat(np.arange(len(self.edges)), [len(column) - 1 for column in self.edges])
        units = scope.own_axis if self.units is None else scope.axis("p", len(columns))
        low = scope.constant("l", (units,), lows)
        rate = scope.constant("s", (units,), 1 / lengths)
        repeated = scope.define("r", (units,), self.repeated(scope, x, units, columns))
        encoded = scope.define("e", (units,), minimum(maximum((repeated - low) * rate, 0), 1))
        if self.units is None:
            return encoded
        return self.linear(scope, [encoded], columns, self.units, len(self.edges))

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.units is None,)

    def __str__(self) -> str:
        count = len(self.edges)
        return f"PiecewiseLinear({count} column{'s' * (count > 1)})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"edges": [column.tolist() for column in self.edges], "units": self.units}


def _edges(column: ArrayLike) -> NDArray[np.float64]:
    try:
        found = np.asarray(column, dtype=float)
    except (TypeError, ValueError):
        raise InputTypeError(
            requirement("edges", "numbers in increasing order for each column", column)
        ) from None
    if found.ndim == 0:
        raise InputTypeError(requirement("edges", "a list with the edges of each column", column))
    increasing = found.ndim == 1 and np.isfinite(found).all() and np.all(np.diff(found) > 0)
    if not increasing or len(found) < 2:
        allowed = "at least 2 finite numbers in increasing order for each column"
        raise InputError(requirement("edges", allowed, column))
    if np.diff(found).min() < NARROWEST:
        allowed = f"at least {NARROWEST:g} apart"
        raise InputError(requirement("edges", allowed, column, "Scale the column first."))
    return found


def quantile_edges(X: ArrayLike, bins: int = 16) -> list[NDArray[np.float64]]:
    """Return the edges of at most ``bins`` bins with equally many values, for each column of X.

    X is (samples, columns) and finite. Of a value that is more frequent than a bin is wide, no more
    count than fill a bin, so that the rest of the column has its bins too; quantiles that are
    equal or less than 1e-37 apart are joined, and a constant column gets one bin around its value.

    >>> [edges.tolist() for edges in quantile_edges([[0.0], [1.0], [2.0], [3.0], [4.0]], 2)]
    [[0.0, 2.0, 4.0]]
    >>> quantile_edges([[0.0]] * 90 + [[float(n)] for n in range(1, 11)], 2)[0].tolist()
    [0.0, 10.0]
    """
    count = checked_integer("bins", bins)
    values = np.asarray(X, dtype=float)
    if values.ndim != 2 or not len(values) or not np.isfinite(values).all():
        raise InputError(
            requirement("X", "finite numbers of shape (samples, columns)", values.shape)
        )
    edges = []
    levels = np.linspace(0.0, 1.0, count + 1)
    for column in values.T:
        found = np.unique(np.quantile(_without_surplus(column, count), levels, method="nearest"))
        found = found[np.append(True, np.diff(found) >= NARROWEST)]
        half = max(0.5, abs(float(found[0])) * 1e-3)
        edges.append(found if len(found) > 1 else np.array([found[0] - half, found[0] + half]))
    return edges


def _without_surplus(column: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Return a column, (samples,), sorted, of each value at most a bin's share of the result."""
    distinct, counts = np.unique(column, return_counts=True)
    most = len(column)
    while True:  # what is left out makes the bins smaller: until nothing more is
        limited = np.minimum(counts, most)
        share = math.ceil(limited.sum() / bins)
        if share >= limited.max():
            return np.repeat(distinct, limited)
        most = share


class Periodic(_OfNumbers):
    """The periodic encoding of numbers, and a linear layer for each column.

    e = [sin(2π c x), cos(2π c x)] with ``frequencies`` learnable factors c for each column, then
    e (W ⊙ M) + b with ``units`` outputs for each column.  ``deviation`` is the standard deviation
    of the initial c.  Source: Gorishniy, Rubachev, Babenko, On embeddings for numerical features in
    tabular deep learning, 2022.

    >>> from chainrule.network.layers import Input
    >>> Periodic(8, frequencies=16)(Input(3))
    <24 values of Periodic(8, 16)>
    """

    def __init__(self, units: int, frequencies: int = 16, *, deviation: float = 0.1) -> None:
        self.units = checked_integer("units", units)
        self.frequencies = checked_integer("frequencies", frequencies)
        self.deviation = checked(deviation, "`deviation`", POSITIVE, "such as 0.1")

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return self.units * sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        width = scope.lengths[scope.units(x)]
        columns = np.repeat(np.arange(width), self.frequencies)
        axis = scope.axis("p", len(columns))
        factors = scope.parameter("f", (axis,), _normal(self.deviation))
        repeated = scope.define("r", (axis,), self.repeated(scope, x, axis, columns))
        angle = scope.define("φ", (axis,), 2 * PI * factors * repeated)
        parts = [
            scope.define("p", (axis,), sine(angle)),
            scope.define("q", (axis,), cosine(angle)),
        ]
        return self.linear(scope, parts, columns, self.units, width)

    def __str__(self) -> str:
        return f"Periodic({self.units}, {self.frequencies})"

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "frequencies": self.frequencies,
            "deviation": self.deviation,
        }
