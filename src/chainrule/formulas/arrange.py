"""The axis walk: from named axes to matrices, with the order and the transposes of products.

A product of factors with at most two axes each is a graph: axes are the nodes, factors the edges (a
vector's edge leads to the unit axis).  An axis that is summed and shared by exactly two factors
joins them.  The walk goes from the result's row axis to its column axis.  Its order is the order of
multiplication, and a factor entered by its column axis is transposed.  The axes leave no choice;
lengths are not used.

Factors with the same axes are multiplied entry by entry (⊙) before the walk.  A vector over an axis
that the result has, or that three factors share, scales rows or columns of another factor.  An axis
summed in one factor alone is a product with **1**; an axis of the result that no factor has is an
outer product with **1**.  Where none of this applies, the expression stays in index notation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import (
    ONE,
    Apply,
    Expression,
    Largest,
    Ones,
    Product,
    Rename,
    Symbol,
    children,
    product,
    rebuild,
)
from chainrule.formulas.functions import Function
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    MatrixSymbol,
    Multiply,
    OnesMatrix,
    Passed,
    Pointwise,
    relabeled,
    turned,
)

Layout = Literal["rows", "columns"]


def orient(axes: Sequence[Axis], layout: Layout) -> Sides:
    """Return the row and column axis of an array stored with these axes.

    Layout ``rows``: the axis of samples is the row axis; otherwise the order is that of storage,
    and a vector of features is a row.  Layout ``columns``: rows and columns exchanged.

    >>> B, h = Axis("B", -1), Axis("h", 1)
    >>> [axis.name if axis else 1 for axis in orient((B, h), "columns")]
    ['h', 'B']
    >>> [axis.name if axis else 1 for axis in orient((h,), "rows")]
    [1, 'h']
    """
    sides: Sides = (None, None)
    if len(axes) == 2:
        first, second = axes
        sides = (second, first) if second.is_samples else (first, second)
    elif axes:
        (axis,) = axes
        sides = (axis, None) if axis.is_samples else (None, axis)
    return sides if layout == "rows" else (sides[1], sides[0])


class NoMatrixForm(Exception):  # noqa: N818 — not an error: the caller uses index notation
    """Raised inside the walk where an expression has no matrix form."""


def arrange(
    tree: Expression, layout: Layout = "rows", axes: tuple[Axis, ...] | None = None
) -> Matrix:
    """Return the matrix form of an expression; ``Indexed`` where it has none.

    ``axes`` are the axes of the result where it has more than the expression (then it is repeated
    by an outer product with **1**).

    >>> B, h, o = Axis("B", -1), Axis("h", 1), Axis("o", 2)
    >>> G, W = Symbol("G", (B, o)), Symbol("W", (h, o))
    >>> print(arrange(product(G, W, over=[o])))
    G Wᵀ
    >>> print(arrange(product(G, W, over=[o]), "columns"))
    Wᵀ G
    """
    wanted = tree.axes if axes is None else axes
    if len(wanted) > 2:
        return Indexed(tree, None, None)
    sides = orient(wanted, layout)
    if set(tree.axes) != set(wanted):
        missing = tuple(axis for axis in wanted if axis not in tree.axes)
        tree = product(tree, Ones(missing))
    try:
        return _Arrangement(layout).matrix(tree, sides)
    except NoMatrixForm:
        return Indexed(tree, *sides)


@dataclass
class _Arrangement:
    """The matrix form of one formula; ``operands`` are the matrices in its entrywise part."""

    layout: Layout
    operands: dict[Symbol, Matrix] = field(default_factory=dict)

    def matrix(self, tree: Expression, sides: Sides) -> Matrix:
        """Return the matrix of an expression with the given sides."""
        inner = _Arrangement(self.layout)
        formula = inner.entrywise(tree, sides)
        if isinstance(formula, Symbol):
            whole = inner.operands.get(formula)
            if whole is not None and whole.sides == sides:
                return whole
        covered = {axis for operand in inner.operands.values() for axis in operand.sides}
        if not covered.issuperset(_present(sides)):
            # Nothing in the formula has this axis: it is repeated along it by ones.
            missing = (None if axis in covered else axis for axis in sides)
            formula = product(formula, inner._operand(Ones(()), OnesMatrix(*missing)))
        return Pointwise(formula, tuple(inner.operands.items()), *sides)

    def entrywise(self, tree: Expression, sides: Sides) -> Expression:
        """Return the formula of one entry; a part that is not entrywise becomes an operand."""
        match tree:
            case Symbol():
                if tree.axes:
                    self.operands[tree] = _entry(tree, sides, self.layout)
                return tree
            case Ones():
                return ONE
            case Product():
                return self._product(tree, sides)
            case Apply(function=Function() as function) if not function.elementwise:
                return self._layer_function(tree, function, sides)
            case Largest():
                inside = self._spread(sides, tree.operand.axes)
                return self._operand(tree, Extreme(self.matrix(tree.operand, inside), tree.axis))
            case Rename():
                return self._renamed(tree, sides)
        parts = children(tree)
        if not parts:
            return tree
        return rebuild(tree, tuple(self.entrywise(part, sides) for part in parts))

    def _renamed(self, tree: Rename, sides: Sides) -> Expression:
        rows, columns = self._restricted(sides, tree.axes)
        inside = (
            tree.old if rows == tree.new else rows,
            tree.old if columns == tree.new else columns,
        )
        return self._operand(tree, relabeled(self.matrix(tree.operand, inside), rows, columns))

    def _layer_function(self, tree: Apply, function: Function, sides: Sides) -> Expression:
        (argument,) = tree.arguments
        axis = function.layer_axis(argument)
        assert axis is not None
        operand = self.matrix(argument, self._restricted(sides, argument.axes))
        return self._operand(tree, Layerwise(function, operand, axis))

    def _operand(self, tree: Expression, matrix: Matrix) -> Symbol:
        """Return the symbol of a matrix inside the entrywise formula, a new one if needed."""
        for known, value in self.operands.items():
            if value == matrix:
                return known
        symbol = Symbol(f"⟨{len(self.operands)}⟩", tree.axes)
        self.operands[symbol] = matrix
        return symbol

    def _restricted(self, sides: Sides, axes: tuple[Axis, ...]) -> Sides:
        """Return the sides of a part that has only some of the axes."""
        rows, columns = sides
        retained = (rows if rows in axes else None, columns if columns in axes else None)
        if {axis for axis in retained if axis is not None} != set(axes):
            raise NoMatrixForm
        return retained

    def _spread(self, sides: Sides, axes: tuple[Axis, ...]) -> Sides:
        """Return the sides of a part that has one axis more than the result."""
        natural = orient(axes, self.layout) if len(axes) <= 2 else None
        if natural is None:
            raise NoMatrixForm
        rows, columns = sides
        turned_over = (rows is not None and rows == natural[1]) or (
            columns is not None and columns == natural[0]
        )
        return (natural[1], natural[0]) if turned_over else natural

    def _product(self, tree: Product, sides: Sides) -> Expression:
        scalars = [self.entrywise(f, sides) for f in tree.factors if not f.axes]
        arrays = [f for f in tree.factors if f.axes and not isinstance(f, Ones)]
        groups = _grouped(arrays)
        if not arrays:
            return product(*scalars)
        if not tree.summed and not (len(tree.axes) == 2 and max(len(g.axes) for g in groups) < 2):
            return product(*scalars, *(self.entrywise(array, sides) for array in arrays))
        wanted = set(tree.axes)
        walked = [g for g in groups if set(g.axes) != wanted] or groups
        outside = [self.entrywise(g, sides) for g in groups if g not in walked]
        carried = {axis for edge in walked for axis in edge.axes} if outside else wanted
        sides = self._restricted(sides, tuple(axis for axis in tree.axes if axis in carried))
        return product(*scalars, *outside, *self._walk(walked, tree.summed, sides))

    def _walk(
        self, edges: list[Expression], summed: tuple[Axis, ...], sides: Sides
    ) -> list[Expression]:
        """Return the matrix product found by the walk, after scalars that it does not reach."""
        rows, columns = sides
        graph = _Graph(_scaling_neighbors(edges, summed), summed, sides)
        products: list[Expression] = []
        path: list[_Crossed] = []
        if rows is not None:
            path = graph.follow(rows)
        if columns is not None and not (path and path[-1].leave == columns):
            path += [crossed.back() for crossed in reversed(graph.follow(columns))]
        if path:
            products.append(self._operand(Ones(_present(sides)), self._multiplied(path)))
        while (beside := graph.follow(None)) != []:
            products.insert(0, self._operand(ONE, self._multiplied(beside)))
        if graph.edges:
            raise NoMatrixForm  # a cycle: a trace
        return products

    def _multiplied(self, path: "list[_Crossed]") -> Matrix:
        walk = tuple(self._passed(crossed) for crossed in path)
        factors = tuple(passed.factor for passed in walk)
        return factors[0] if len(factors) == 1 else Multiply(factors, walk)

    def _passed(self, crossed: "_Crossed") -> Passed:
        edge, enter, leave = crossed.edge, crossed.enter, crossed.leave
        if isinstance(edge, Ones):
            # Ones are stored as a column in either layout: entered by the unit axis they are 1ᵀ.
            stored: Matrix = OnesMatrix(leave, None) if enter is None else OnesMatrix(enter, leave)
        else:
            stored = self.matrix(edge, _as_stored(edge, self.layout))
        return Passed(edge, enter, leave, stored)


@dataclass(frozen=True)
class _Crossed:
    """A factor, the axis it was entered by and the axis it was left by."""

    edge: Expression
    enter: Axis | None
    leave: Axis | None

    def back(self) -> "_Crossed":
        """Return the same factor, crossed in the other direction."""
        return _Crossed(self.edge, self.leave, self.enter)


class _Graph:
    """Axes as nodes, factors as edges; a summed axis has two edges, one of the result has one.

    Raises ``NoMatrixForm`` where an axis has more.
    """

    def __init__(self, edges: list[Expression], summed: tuple[Axis, ...], sides: Sides) -> None:
        self.summed = summed
        ends = [axis for edge in edges for axis in edge.axes]
        retained = _present(sides)
        self.edges = list(edges)
        # Summed in one factor alone, or an axis of the result that no factor has: an edge of ones.
        self.edges += [Ones((axis,)) for axis in summed if ends.count(axis) == 1]
        self.edges += [Ones((axis,)) for axis in retained if ends.count(axis) == 0]
        crowded = any(ends.count(axis) > (2 if axis in summed else 1) for axis in ends)
        if crowded or any(axis not in (*summed, *retained) for axis in ends):
            raise NoMatrixForm

    def follow(self, start: Axis | None) -> list[_Crossed]:
        """Walk from an axis (None: the unit axis) to the end; the edges crossed are removed."""
        path: list[_Crossed] = []
        here = start
        while True:
            edge = next((edge for edge in self.edges if _starts(edge, here)), None)
            if edge is None:
                return path
            self.edges.remove(edge)
            there = _other_end(edge, here)
            path.append(_Crossed(edge, here, there))
            here = there
            if here is None or here not in self.summed:
                return path


def _starts(edge: Expression, here: Axis | None) -> bool:
    return len(edge.axes) == 1 if here is None else here in edge.axes


def _other_end(edge: Expression, here: Axis | None) -> Axis | None:
    others = [axis for axis in edge.axes if axis != here]
    return others[0] if others else None


def _present(sides: Sides) -> tuple[Axis, ...]:
    return tuple(axis for axis in sides if axis is not None)


def _grouped(arrays: list[Expression]) -> list[Expression]:
    """Multiply factors with equal axes entry by entry."""
    groups: dict[frozenset[Axis], list[Expression]] = {}
    for array in arrays:
        if len(array.axes) > 2:
            raise NoMatrixForm
        groups.setdefault(frozenset(array.axes), []).append(array)
    return [product(*members) for members in groups.values()]


def _scaling_neighbors(edges: list[Expression], summed: tuple[Axis, ...]) -> list[Expression]:
    """Multiply a vector into a factor with two axes, unless its axis only joins the two.

    It then scales that factor's rows or columns.
    """
    groups = list(edges)
    for vector in [edge for edge in edges if len(edge.axes) == 1]:
        (axis,) = vector.axes
        wider = [other for other in groups if axis in other.axes and len(other.axes) == 2]
        if wider and (axis not in summed or len(wider) > 1):
            # The last such factor: in a pullback that is the cotangent, not the data.
            groups.remove(vector)
            groups[groups.index(wider[-1])] = product(vector, wider[-1])
    return groups


def _as_stored(tree: Expression, layout: Layout) -> Sides:
    """Return the sides of a factor as it is stored: what is renamed is stored as before."""
    if not isinstance(tree, Rename):
        return orient(tree.axes, layout)
    rows, columns = _as_stored(tree.operand, layout)
    return (
        tree.new if rows == tree.old else rows,
        tree.new if columns == tree.old else columns,
    )


def _entry(symbol: Symbol, sides: Sides, layout: Layout) -> Matrix:
    if len(symbol.axes) > 2:
        raise NoMatrixForm
    natural = orient(symbol.axes, layout)
    present = {axis for axis in sides if axis is not None}
    if not set(symbol.axes) <= present:
        raise NoMatrixForm
    entry = MatrixSymbol(symbol, *natural)
    rows, columns = sides
    here = (rows if rows in symbol.axes else None, columns if columns in symbol.axes else None)
    return entry if natural == here else turned(entry)
