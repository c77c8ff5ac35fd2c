"""Expressions over named axes: the closed set of nodes that every formula is made of.

=============  ===========================================================================
``Number``     an exact rational constant, with a name where it has one (π, λ)
``Size``       the length of an axis (B samples, n outputs)
``Symbol``     a named array: an input, a parameter, an intermediate, a cotangent
``Ones``       an array of ones
``Add``        a sum of terms, broadcast by axis *name*
``Product``    a product of factors, broadcast by name, summed over some axes
``Power``      base ** exponent, elementwise
``Apply``      a primitive or a named function of its arguments
``Largest``    the largest entry along one axis
``Rename``     the same array under another axis name (tied weights)
=============  ===========================================================================

Nodes are immutable and compared by structure.  Differentiation, evaluation and typesetting are in
modules of their own, with one function per node.  Everything else (fractions, differences, means,
variances) is built from these nodes by the functions at the end of this file.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar, dataclass_transform

from chainrule.errors import InputTypeError
from chainrule.formulas.axes import Axis, in_order
from chainrule.formulas.printing import Printed

_Node = TypeVar("_Node")
_Key = TypeVar("_Key", bound="Expression")


@dataclass_transform(frozen_default=True)
def _node(plain: type[_Node]) -> type[_Node]:
    """Make a frozen dataclass whose structural hash is computed once per object."""
    made = dataclass(frozen=True, repr=False)(plain)
    structural: Callable[[_Node], int] = made.__hash__

    def cached(self: Any) -> int:
        try:
            value: int = self._hash
        except AttributeError:
            value = self.__dict__["_hash"] = structural(self)
        return value

    made.__hash__ = cached  # type: ignore[method-assign]
    return made


class Named:
    """What ``Apply`` applies: a primitive or a function, identified by its name."""

    name: str


class Expression(Printed):
    """An array over named axes: the base class of the nodes.

    ``axes`` are the axes of the value, in the order of its dimensions.  The operators ``+``, ``-``,
    ``*``, ``/`` and ``**`` build nodes; a Python number on either side becomes a ``Number``.

    >>> x = Symbol("x")
    >>> print(1 / (1 + x**2))
    1/(1 + x²)
    """

    axes: tuple[Axis, ...]

    def __getstate__(self) -> dict[str, object]:
        # Hashes of strings differ from process to process.
        cached = ("_hash", "_symbols")
        return {name: value for name, value in self.__dict__.items() if name not in cached}

    def __add__(self, other: "Operand") -> "Expression":
        return add(self, other)

    def __radd__(self, other: "Operand") -> "Expression":
        return add(other, self)

    def __sub__(self, other: "Operand") -> "Expression":
        return add(self, negative(other))

    def __rsub__(self, other: "Operand") -> "Expression":
        return add(other, negative(self))

    def __mul__(self, other: "Operand") -> "Expression":
        return product(self, other)

    def __rmul__(self, other: "Operand") -> "Expression":
        return product(other, self)

    def __truediv__(self, other: "Operand") -> "Expression":
        return product(self, power(other, -1))

    def __rtruediv__(self, other: "Operand") -> "Expression":
        return product(other, power(self, -1))

    def __pow__(self, exponent: "Operand") -> "Expression":
        return power(self, exponent)

    def __neg__(self) -> "Expression":
        return negative(self)


Operand = Expression | int | float | Fraction


@_node
class Number(Expression):
    """An exact rational constant; ``name`` is printed instead if there is one."""

    value: Fraction
    name: str = ""

    @property
    def axes(self) -> tuple[Axis, ...]:  # type: ignore[override]
        return ()


@_node
class Size(Expression):
    """The length of an axis, as a scalar."""

    axis: Axis

    @property
    def axes(self) -> tuple[Axis, ...]:  # type: ignore[override]
        return ()


@_node
class Symbol(Expression):
    """A named array.  Its values are stored with these axes, in this order."""

    name: str
    axes: tuple[Axis, ...] = ()


@_node
class Ones(Expression):
    """An array of ones with these axes; the pullback of a sum repeats a cotangent with it."""

    axes: tuple[Axis, ...]


@_node
class Add(Expression):
    """A sum of terms, broadcast by axis name."""

    terms: tuple[Expression, ...]

    def __post_init__(self) -> None:
        self.__dict__["axes"] = _union(self.terms)


@_node
class Product(Expression):
    """A product of factors, broadcast by axis name and summed over ``summed``."""

    factors: tuple[Expression, ...]
    summed: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        union = _union(self.factors)
        self.__dict__["axes"] = tuple(axis for axis in union if axis not in self.summed)


@_node
class Power(Expression):
    """base ** exponent, elementwise; the exponent is a scalar expression."""

    base: Expression
    exponent: Expression

    def __post_init__(self) -> None:
        self.__dict__["axes"] = self.base.axes


@_node
class Apply(Expression):
    """A primitive (elementwise) or a named function of its arguments."""

    function: Named
    arguments: tuple[Expression, ...]

    def __post_init__(self) -> None:
        self.__dict__["axes"] = _union(self.arguments)


@_node
class Largest(Expression):
    """The largest entry along one axis."""

    operand: Expression
    axis: Axis

    def __post_init__(self) -> None:
        left = tuple(axis for axis in self.operand.axes if axis != self.axis)
        self.__dict__["axes"] = left


@_node
class Rename(Expression):
    """The same array with axis ``old`` called ``new``: how one weight is used in two layers."""

    operand: Expression
    old: Axis
    new: Axis

    def __post_init__(self) -> None:
        axes = tuple(self.new if axis == self.old else axis for axis in self.operand.axes)
        self.__dict__["axes"] = axes


def _union(parts: Iterable[Expression]) -> tuple[Axis, ...]:
    return in_order(tuple(axis for part in parts for axis in part.axes))


def expression(value: Operand) -> Expression:
    """Turn a Python number into a ``Number``; a decimal literal is taken as written.

    >>> expression(0.1).value
    Fraction(1, 10)
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, (int, Fraction)):
        return Number(Fraction(value))
    given: object = value
    if isinstance(given, float) and math.isfinite(given):
        return Number(Fraction(repr(given)))
    raise InputTypeError(
        f"an expression is made of expressions, finite numbers and fractions, got {value!r}. "
        "Use Symbol(name, axes) for an array"
    )


ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


def add(*terms: Operand) -> Expression:
    """Return the sum of the terms, without nested sums and zeros.

    Unnamed numbers are added up; their sum takes the position of the first one.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> print(add(x, 1, add(y, 2)))
    x + 3 + y
    """
    flat: list[Expression] = []
    constant = Fraction(0)
    position = 0
    for term in map(expression, terms):
        for part in term.terms if isinstance(term, Add) else (term,):
            if isinstance(part, Number) and not part.name:
                position = position if constant else len(flat)
                constant += part.value
            else:
                flat.append(part)
    if constant:
        flat.insert(position, Number(constant))
    if not flat:
        return ZERO
    return flat[0] if len(flat) == 1 else Add(tuple(flat))


def product(*factors: Operand, over: Iterable[Axis] = ()) -> Expression:
    """Return the product of the factors, summed over the axes ``over``.

    Nested products without sums are flattened, and unnamed numbers are multiplied into one number
    in front.  A factor that is itself a sum over axes is not flattened, because its index is local
    to it.  An axis of ``over`` that no factor has contributes its length as a factor.

    >>> i, h = Axis("i", 0, "n"), Axis("h", 1)
    >>> x, W = Symbol("x", (i,)), Symbol("W", (i, h))
    >>> print(product(x, 2, W, over=[i]))
    Σ_{i=1}^{n} 2x_i w_ij
    """
    flat: list[Expression] = []
    coefficient = Fraction(1)
    for factor in map(expression, factors):
        open_ = isinstance(factor, Product) and not factor.summed
        for part in factor.factors if open_ else (factor,):  # type: ignore[attr-defined]
            if isinstance(part, Number) and not part.name:
                coefficient *= part.value
            else:
                flat.append(part)
    if not coefficient:
        return ZERO
    # Ones have an effect only along an axis that no other factor has; a sum over it is its length.
    carried = {axis for part in flat for axis in part.axes if not isinstance(part, Ones)}
    spread = {axis for part in flat if isinstance(part, Ones) for axis in part.axes} - carried
    flat = [part for part in flat if not isinstance(part, Ones)]
    along = in_order(tuple(over))
    summed = tuple(axis for axis in along if axis in carried)
    flat.extend(Size(axis) for axis in along if axis not in carried)
    if spread.difference(along):
        flat.append(Ones(in_order(tuple(spread.difference(along)))))
    if coefficient != 1:
        flat.insert(0, Number(coefficient))
    if not flat:
        return ONE
    if len(flat) == 1 and not summed:
        return flat[0]
    return Product(tuple(flat), summed)


def negative(operand: Operand) -> Expression:
    """Return −operand; a sum of numbers, symbols and sizes gets the sign in each term."""
    value = expression(operand)
    if isinstance(value, Add) and all(_is_simple(term) for term in value.terms):
        return add(*(product(-1, term) for term in value.terms))
    return product(-1, value)


def _is_simple(term: Expression) -> bool:
    return isinstance(term, (Number, Symbol, Size))


def power(base: Operand, exponent: Operand) -> Expression:
    """Return base ** exponent, elementwise; the exponent is a scalar.

    Powers of numbers are evaluated; (x**a)**b becomes x**(a*b) for integers a and b.
    """
    root, index = expression(base), expression(exponent)
    if isinstance(index, Number):
        if index.value == 1:
            return root
        plain = isinstance(root, Number) and not root.name and index.value.denominator == 1
        if isinstance(root, Number) and plain and (root.value or index.value > 0):
            return Number(root.value**index.value.numerator)
        if (
            isinstance(root, Power)
            and isinstance(root.exponent, Number)
            and root.exponent.value.denominator == index.value.denominator == 1
        ):
            return power(root.base, Number(root.exponent.value * index.value))
    return Power(root, index)


def square_root(operand: Operand) -> Expression:
    """Return operand ** (1/2)."""
    return power(operand, Fraction(1, 2))


def total(operand: Expression, *over: Axis) -> Expression:
    """Return the sum over the named axes."""
    return product(operand, over=over)


def mean(operand: Expression, *over: Axis) -> Expression:
    """Return the mean over the named axes, Σ x / n.

    >>> units = Axis("h", 1)
    >>> print(mean(Symbol("x", (units,)), units))
    (1/h) Σ_{i=1}^{h} x_i
    """
    return product(*(power(Size(axis), -1) for axis in over), total(operand, *over))


def children(node: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly below a node, in order; none for a leaf."""
    below = _CHILDREN.get(type(node))
    return below(node) if below else ()


_CHILDREN: dict[type, Callable[[Any], tuple[Expression, ...]]] = {
    Add: lambda node: node.terms,
    Product: lambda node: node.factors,
    Power: lambda node: (node.base, node.exponent),
    Apply: lambda node: node.arguments,
    Largest: lambda node: (node.operand,),
    Rename: lambda node: (node.operand,),
}


def rebuild(node: Expression, parts: tuple[Expression, ...]) -> Expression:
    """Return the node with other children, simplified as ``add``, ``product``, ``power`` do."""
    match node:
        case Add():
            return add(*parts)
        case Product():
            return product(*parts, over=node.summed)
        case Power():
            return power(*parts)
        case Apply():
            return Apply(node.function, parts)
        case Largest():
            return Largest(parts[0], node.axis)
        case Rename():
            return Rename(parts[0], node.old, node.new)
    return node


def substitute(
    tree: Expression,
    replacements: Mapping[_Key, Expression],
) -> Expression:
    """Replace every expression that is a key of ``replacements``, from the root down.

    >>> a, z = Symbol("a"), Symbol("z")
    >>> print(substitute(a * (1 - a), {a: z}))
    z(1 − z)
    """
    known: dict[Expression, Expression] = dict(replacements.items())
    return _substituted(tree, known)


def _substituted(tree: Expression, known: dict[Expression, Expression]) -> Expression:
    if tree in known:
        return known[tree]
    parts = children(tree)
    changed = tuple(_substituted(part, known) for part in parts)
    return tree if changed == parts else rebuild(tree, changed)


def with_axes(tree: Expression, renamed: dict[Axis, Axis]) -> Expression:
    """Return the expression with axes replaced everywhere, in symbols and in sums too."""

    def swap(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        return tuple(renamed.get(axis, axis) for axis in axes)

    match tree:
        case Symbol():
            return Symbol(tree.name, swap(tree.axes))
        case Size():
            return Size(renamed.get(tree.axis, tree.axis))
        case Ones():
            return Ones(swap(tree.axes))
        case Product():
            return product(*(with_axes(f, renamed) for f in tree.factors), over=swap(tree.summed))
        case Largest():
            axis = renamed.get(tree.axis, tree.axis)
            return Largest(with_axes(tree.operand, renamed), axis)
        case Rename():
            (old, new) = swap((tree.old, tree.new))
            return Rename(with_axes(tree.operand, renamed), old, new)
    parts = children(tree)
    return rebuild(tree, tuple(with_axes(part, renamed) for part in parts)) if parts else tree


def renamed(tree: Expression, old: Axis, new: Axis) -> Expression:
    """Return the expression with its free axis ``old`` called ``new``, by nodes around symbols.

    Sums over ``old`` inside it have an index of their own and stay as they are.  An expression that
    sums over ``new`` is renamed as a whole.

    >>> h, o = Axis("h", 1), Axis("o", 2)
    >>> x = Symbol("x", (h,))
    >>> renamed(2 * x, h, o) == 2 * Rename(x, h, o)
    True
    """
    if old == new or old not in tree.axes:
        return tree
    if isinstance(tree, Rename) and tree.new == old:
        return renamed(tree.operand, tree.old, new)
    if isinstance(tree, Ones):
        return Ones(tuple(new if axis == old else axis for axis in tree.axes))
    parts = children(tree)
    binds = isinstance(tree, Product) and new in tree.summed
    if not parts or binds or isinstance(tree, (Rename, Largest)):
        return Rename(tree, old, new)
    return rebuild(tree, tuple(renamed(part, old, new) for part in parts))


def symbols(tree: Expression) -> frozenset[Symbol]:
    """Return every symbol that occurs in an expression; found once per object."""
    found: frozenset[Symbol] | None = tree.__dict__.get("_symbols")
    if found is None:
        own = {tree} if isinstance(tree, Symbol) else ()
        found = frozenset(own).union(*map(symbols, children(tree)))
        tree.__dict__["_symbols"] = found
    return found


def renames(tree: Expression) -> set[tuple[Axis, Axis]]:
    """Return the two names of every axis that is renamed somewhere in an expression."""
    found = {(tree.old, tree.new)} if isinstance(tree, Rename) else set()
    return found.union(*(renames(part) for part in children(tree)))
