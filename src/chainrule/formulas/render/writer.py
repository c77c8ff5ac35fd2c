"""The writer: whole formulas, in index notation or as matrices, in one style.

Expressions are written in index notation (each symbol with the letters of its axes; a scalar has
none), matrices in matrix notation (⊙ and ⊘ entry by entry, juxtaposition for the matrix product).
"""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from chainrule.formulas.axes import Axis, in_order, letters, unused_letter
from chainrule.formulas.expressions import (
    Expression,
    Largest,
    Product,
    Rename,
    Symbol,
    children,
    with_axes,
)
from chainrule.formulas.matrices import (
    Extreme,
    Indexed,
    Layerwise,
    Matrix,
    MatrixSymbol,
    Multiply,
    OnesMatrix,
    Pointwise,
    Relabeled,
    Transpose,
)
from chainrule.formulas.printing import print_with
from chainrule.formulas.render.expression_writer import (
    ATOM,
    POWER,
    PREFIX,
    PRODUCT,
    SUM,
    ExpressionWriter,
    Piece,
    small,
)
from chainrule.formulas.render.styles import LATEX, TEXT, Style


class Writer(ExpressionWriter):
    """Writes formulas in one style.

    ``spell`` returns the text of a symbol in place of its name, such as the values of a batch, or
    None.  ``counted`` are axes that have the same index letter in every formula; otherwise the
    letters of each formula start with i.  ``braces`` puts the dimensions of each factor of a matrix
    product under a brace, where the style has braces.

    >>> h, o = Axis("h", 1), Axis("o", 2)
    >>> Writer(TEXT).equation(Symbol("a", (o,)), Symbol("z", (o,)))
    'a_i = z_i'
    >>> Writer(TEXT, counted=(h, o)).equation(Symbol("a", (o,)), Symbol("z", (o,)))
    'a_j = z_j'
    """

    def __init__(
        self,
        style: Style,
        spell: Callable[[Symbol], str | None] | None = None,
        *,
        counted: tuple[Axis, ...] = (),
        braces: bool = False,
    ) -> None:
        super().__init__(style, spell, counted)
        self.braces = braces

    def write(self, formula: Expression | Matrix) -> str:
        """Return a whole formula."""
        if isinstance(formula, Matrix):
            return self._matrix(formula)[0]
        self._letters, self._free = self._named(_axes(formula)), formula.axes
        written = self._piece(formula)[0]
        self._letters = None
        return written

    def equation(self, left: Symbol, right: Expression) -> str:
        """Return ``left = right`` in index notation, with one set of letters for both sides."""
        self._letters, self._free = self._named((*_axes(left), *_axes(right))), left.axes
        written = self._piece(left)[0] + self.style.equals + self._piece(right)[0]
        self._letters = None
        return written

    def left(self, symbol: Symbol) -> str:
        """Return one entry of an array, as on the left side of an equation."""
        return self.equation(symbol, symbol).split(self.style.equals, 1)[0]

    def _named(self, axes: tuple[Axis, ...]) -> dict[Axis, str]:
        return letters(self.counted if set(axes) <= set(self.counted) else axes)

    def path(self, path: tuple[Symbol, ...], end: Symbol, coupled: Collection[Symbol] = ()) -> str:
        """Return ∂first/∂second × ∂second/∂third … in index notation, with its sums in front.

        It is summed over every index that ``end`` does not have.  An entry of a ``coupled``
        symbol depends on all entries of the next symbol, so it has another index; the last symbol
        has no next one.
        """
        carried = tuple(axis for symbol in path for axis in symbol.axes)
        base = self._named((*carried, *end.axes))
        indices: list[dict[Axis, str]] = []
        summed: dict[str, Axis] = {}
        for symbol in path:
            own = {axis: base[axis] for axis in symbol.axes}
            if symbol in coupled and symbol != path[-1]:
                last = in_order(symbol.axes)[-1]
                own[last] = unused_letter((*base.values(), *summed))
            summed.update((own[a], a) for a in own if a not in end.axes or own[a] != base[a])
            indices.append(own)
        signs = "".join(
            self.style.total(letter, self.style.symbol(axis.size))
            for letter, axis in summed.items()
        )
        entries = [self._entry(symbol, own) for symbol, own in zip(path, indices, strict=True)]
        links = (self.style.partial(*pair) for pair in pairwise(entries))
        return signs + self.style.times.join(links)

    def _entry(self, symbol: Symbol, letters: dict[Axis, str]) -> str:
        index = "".join(letters[axis] for axis in symbol.axes)
        return self.style.symbol(small(symbol.name) if index else symbol.name, index)

    def chain(self, factors: tuple[Expression, ...]) -> str:
        """Return factors one by one, joined by ×, each in brackets where it is negative."""
        return self.style.times.join(
            self.style.brackets(piece) if piece.startswith(self.style.minus) else piece
            for piece in map(self.write, factors)
        )

    def arrangement(self, factors: Sequence[Matrix]) -> str:
        """Return factors side by side, whether or not they can be multiplied."""
        return self.style.product.join(map(self._multiplier, factors))

    def route(self, product: Multiply) -> str:
        """Return the walk of a matrix product: axis, factor, axis, factor, axis."""
        written = self._axis(product.walk[0].enter)
        for passed in product.walk:
            written += self.style.step(self._multiplier(passed.factor)) + self._axis(passed.leave)
        return written

    def dimensions(self, rows: Axis | None, columns: Axis | None) -> str:
        """Return the dimensions of a matrix: h×o."""
        return self.style.dimensions(*("1" if a is None else a.name for a in (rows, columns)))

    def _axis(self, axis: Axis | None) -> str:
        return self.style.dimensions("1" if axis is None else axis.name)

    # -- matrices ------------------------------------------------------------------------------

    def _matrix(self, matrix: Matrix) -> Piece:
        style = self.style
        match matrix:
            case MatrixSymbol():
                outer = (self._letters, self._operands)
                self._letters, self._operands = None, {}
                written = self._symbol(matrix.symbol)
                self._letters, self._operands = outer
                return written
            case OnesMatrix():
                kind = (
                    "matrix"
                    if matrix.rows and matrix.columns
                    else ("column" if matrix.rows else "row")
                )
                return style.ones(kind), ATOM
            case Transpose():
                return style.transpose(self._matrix_at(matrix.operand, ATOM)), POWER
            case Relabeled():
                return self._matrix(matrix.operand)
            case Multiply():
                braces, self.braces = self.braces, False  # one brace, not braces under braces
                pieces = list(map(self._multiplier, matrix.factors))
                self.braces = braces
                if braces:
                    sides = (self.dimensions(*factor.sides) for factor in matrix.factors)
                    pieces = list(map(style.braced, pieces, sides))
                return style.product.join(pieces), PRODUCT
            case Pointwise():
                return self._pointwise(matrix)
            case Layerwise():
                return style.call(matrix.function.name, self._matrix(matrix.operand)[0]), ATOM
            case Extreme():
                return style.call("max", self._matrix(matrix.operand)[0]), ATOM
            case Indexed():
                return Writer(style, self.spell).write(matrix.expression), SUM
        raise TypeError(f"no rule writes the matrix node {type(matrix).__name__}")

    def _multiplier(self, factor: Matrix) -> str:
        # A plain name needs no brackets, not even ∂Loss/∂Z.
        factor = factor.operand if isinstance(factor, Relabeled) else factor
        return self._matrix_at(factor, PREFIX if isinstance(factor, MatrixSymbol) else POWER)

    def _matrix_at(self, matrix: Matrix, level: int) -> str:
        written, own = self._matrix(matrix)
        return written if own >= level else self.style.brackets(written)

    def _pointwise(self, matrix: Pointwise) -> Piece:
        outer = (self._letters, self._operands)
        self._letters, self._operands = None, dict(matrix.operands)
        written = self._piece(matrix.formula)
        self._letters, self._operands = outer
        return written


def _axes(tree: Expression) -> tuple[Axis, ...]:
    found: set[Axis] = set(tree.axes)
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Rename):
            node = with_axes(node.operand, {node.old: node.new})
        found.update(node.axes)
        if isinstance(node, Product):
            found.update(node.summed)
        if isinstance(node, Largest):
            found.add(node.axis)
        pending.extend(children(node))
    return tuple(found)


print_with(Writer(TEXT).write, Writer(LATEX).write)
