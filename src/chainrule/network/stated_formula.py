"""A layer that is stated as a formula, with the names of its author.

A formula is a tree of `Part`s.  Each part has two sides, the labels of its rows and its columns:
``SAMPLES_LABEL`` for the samples, a label such as "h" for units, None where it has one row or one
column.  `marking.network_text` makes the tree from text and checks that the sides fit; here it
becomes an `Expression` over the axes of the network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import PI
from chainrule.formulas.expressions import (
    Expression,
    Number,
    Symbol,
    mean,
    power,
    product,
    renamed,
    total,
)
from chainrule.formulas.functions import Primitive
from chainrule.network import initializers
from chainrule.network.activations import Activation
from chainrule.network.domains import REALS, Domain
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import filled
from chainrule.network.scope import SAMPLES, Draw, Kind, NamedValue, Scope

SAMPLES_LABEL = "B"
Labels: TypeAlias = tuple[str | None, str | None]
_AxisPair: TypeAlias = tuple[Axis | None, Axis | None]


@dataclass(frozen=True)
class Part:
    """A node of a formula with the labels of its rows and columns."""

    sides: Labels = field(default=(None, None), kw_only=True)


@dataclass(frozen=True)
class Constant(Part):
    """A number; π if ``name`` is."""

    value: Fraction
    name: str = ""


@dataclass(frozen=True)
class Value(Part):
    """A value that another statement defines, or the inputs."""

    name: str


@dataclass(frozen=True)
class Trained(Part):
    """A parameter; ``kind`` and ``suited`` are as in `Scope.parameter`.

    ``initial`` is the value at the start of what is not a weight.
    """

    name: str
    kind: Kind
    suited: str
    initial: float


@dataclass(frozen=True)
class Entrywise(Part):
    """Two parts joined by +, −, * or /, entry by entry."""

    sign: str
    left: Part
    right: Part


@dataclass(frozen=True)
class Matrix(Part):
    """The matrix product of two parts."""

    left: Part
    right: Part


@dataclass(frozen=True)
class Applied(Part):
    """A function of the catalogue or a primitive, applied entry by entry or to rows (softmax)."""

    function: Activation | Primitive
    arguments: tuple[Part, ...]


@dataclass(frozen=True)
class Raised(Part):
    """A power with a constant exponent."""

    base: Part
    exponent: Fraction


@dataclass(frozen=True)
class Reduced(Part):
    """The sum or the mean over the columns."""

    operand: Part
    is_mean: bool


@dataclass(frozen=True)
class Flipped(Part):
    """The transpose."""

    operand: Part


def parts_of(part: Part) -> tuple[Part, ...]:
    """Return the parts directly below a part."""
    match part:
        case Entrywise() | Matrix():
            return (part.left, part.right)
        case Applied():
            return part.arguments
        case Raised():
            return (part.base,)
        case Reduced() | Flipped():
            return (part.operand,)
    return ()


def _all_parts(part: Part) -> Iterator[Part]:
    pending = [part]
    while pending:
        found = pending.pop()
        yield found
        pending += reversed(parts_of(found))


@dataclass(frozen=True)
class Statement:
    """``name = formula``, with its text."""

    name: str
    formula: Part
    text: str


class StatedFormula(Layer):
    """A statement of the user's own, after those that only it and later layers need.

    ``statements`` are in order; the last one defines the outputs, whose units have a label of
    ``lengths``.  ``sources`` of its node are in the order of ``names``; ``taken`` are the names
    that the network's formulas use.
    """

    most_sources = None

    def __init__(
        self,
        statements: Sequence[Statement],
        names: Sequence[str],
        lengths: Mapping[str, int],
        taken: frozenset[str],
    ) -> None:
        self.statements, self.names, self.lengths = tuple(statements), tuple(names), dict(lengths)
        self.taken = taken
        self.outputs = self.statements[-1].formula
        self.label = self.outputs.sides[1]
        assert self.label is not None, "the outputs have units"
        # Units of its own come out of a matrix product; all else has the units of a source.
        below = list(_all_parts(self.outputs))
        made = any(isinstance(p, (Matrix, Flipped)) and p.sides[1] == self.label for p in below)
        self.has_own_axis = made or not any(
            isinstance(part, Value) and part.sides == self.outputs.sides for part in below
        )

    def width_of(self, sources: tuple[Node, ...]) -> int:
        assert self.label is not None
        return self.lengths[self.label]

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        for name, symbol in zip(self.names, sources, strict=True):
            if name not in scope.named:
                scope.named[name] = NamedValue(symbol, (SAMPLES, scope.units(symbol)))
        builder = _Builder(scope, self)
        for statement in self.statements:
            if statement.name not in scope.named:
                builder.define(statement, last=statement is self.statements[-1])
        return scope.named[self.statements[-1].name].symbol

    @property
    def range(self) -> Domain:
        outputs = self.outputs
        whole = isinstance(outputs, Applied) and isinstance(outputs.function, Activation)
        return outputs.function.range if whole else REALS  # type: ignore[attr-defined]

    @property
    def functions(self) -> tuple[Activation, ...]:
        found: dict[Activation, None] = {}
        for statement in self.statements:
            for part in _all_parts(statement.formula):
                if isinstance(part, Applied) and isinstance(part.function, Activation):
                    found[part.function] = None
        return tuple(found)

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.statements, self.names, self.taken)

    def __str__(self) -> str:
        return "; ".join(statement.text for statement in self.statements)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "statements": self.statements,
            "names": self.names,
            "lengths": self.lengths,
            "taken": self.taken,
        }


class _Builder:
    """Makes the expressions of one layer; ``samples`` and labels become axes."""

    def __init__(self, scope: Scope, layer: StatedFormula) -> None:
        self.scope, self.layer = scope, layer
        self.units: Axis | None = scope.own_axis if layer.has_own_axis else None
        self.inner: dict[str, list[Axis]] = {}
        self.called = ""

    def define(self, statement: Statement, *, last: bool) -> None:
        """State a statement; the columns of the last are the units of the layer."""
        self.called = statement.name
        rows = self.axis_of(statement.formula, 0)
        if last:
            columns = self.units or self.latest(statement.formula)
        else:
            columns = self.axis_of(statement.formula, 1)
        formula = self.build(statement.formula, rows, columns)
        self.add(
            statement.name,
            formula,
            (rows, columns),
            delta=_is_weighted_sum(statement.formula),
        )

    def add(self, name: str, formula: Expression, sides: _AxisPair, *, delta: bool) -> Symbol:
        """Add the equation of a named value."""
        samples = SAMPLES in sides
        _, _, index = name.partition("_")
        delta = delta and samples and index not in self.deltas()
        units = tuple(axis for axis in sides if axis not in (None, SAMPLES))
        single = samples and not self.scope.batch
        symbol = self.scope.define(
            "", units, formula, delta=delta, samples=samples, name=self.free(name, single)
        )
        self.scope.named[name] = NamedValue(symbol, sides)
        return symbol

    def deltas(self) -> set[str]:
        """Return the indices of the δ so far: each is one cotangent."""
        return {symbol.name.partition("_")[2] for symbol in self.scope.deltas}

    def free(self, name: str, single: bool) -> str:
        """Return the name of a value; the letter of a single row is small, as in z_h."""
        small = name[0].lower() + name[1:]
        return small if single and small not in self.layer.taken else name

    # -- axes ----------------------------------------------------------------------------------

    def axis_of(self, part: Part, side: int, *taken: Axis | None) -> Axis | None:
        """Return the axis of a side: that of its values, or one inside of the layer."""
        label = part.sides[side]
        if label is None:
            return None
        if label == SAMPLES_LABEL:
            return SAMPLES
        found = self.natural(part, side)
        if found is not None and found not in taken:
            return found
        if self.units is not None and label == self.layer.label and self.units not in taken:
            return self.units
        return self.fresh(label, taken)

    def natural(self, part: Part, side: int) -> Axis | None:
        """Return the axis that the values in a part already have, None without any."""
        if part.sides[side] is None:
            return None
        match part:
            case Value():
                return self.scope.named[part.name].sides[side]
            case Matrix():
                return self.natural((part.left, part.right)[side], side)
            case Flipped():
                return self.natural(part.operand, 1 - side)
        found = (self.natural(below, side) for below in parts_of(part))
        return next((axis for axis in found if axis is not None), None)

    def latest(self, part: Part) -> Axis | None:
        """Return the latest axis of the columns of the values in a part."""
        found: list[Axis] = []
        for below in _all_parts(part):
            if isinstance(below, Value) and below.sides == part.sides:
                axis = self.scope.named[below.name].sides[1]
                found += [axis] if axis is not None else []
        return max(found, key=lambda axis: axis.position)

    def fresh(self, label: str, taken: Sequence[Axis | None]) -> Axis:
        """Return an axis inside of the layer that is not taken."""
        known = self.inner.setdefault(label, [])
        for axis in known:
            if axis not in taken:
                return axis
        own = self.units or max(self.scope.lengths, key=lambda axis: axis.position)
        primes = "′" * (len(known) + 1)
        axis = Axis(f"{label}{primes}", own.position - 1, f"n_{label}{primes}")
        self.scope.lengths[axis] = self.layer.lengths[label]
        known.append(axis)
        return axis

    # -- expressions ---------------------------------------------------------------------------

    def build(self, part: Part, rows: Axis | None, columns: Axis | None) -> Expression:
        """Return the expression of a part with these axes where it has any."""
        match part:
            case Constant():
                return PI if part.name else Number(part.value)
            case Value():
                known = self.scope.named[part.name]
                return self.moved(known, (rows, columns))
            case Trained():
                return self.trained(part, (rows, columns))
            case Entrywise(sign="/", right=Raised() as below):
                inverse = replace(below, exponent=-below.exponent)
                return product(
                    self.build(part.left, *_present(part.left, rows, columns)),
                    self.build(inverse, *_present(inverse, rows, columns)),
                )
            case Entrywise():
                left = self.build(part.left, *_present(part.left, rows, columns))
                right = self.build(part.right, *_present(part.right, rows, columns))
                return _joined(part.sign, left, right)
            case Matrix():
                inside = self.axis_of(part.left, 1, rows, columns)
                if isinstance(self.natural(part.right, 0), Axis) and not isinstance(
                    self.natural(part.left, 1), Axis
                ):
                    inside = self.axis_of(part.right, 0, rows, columns)
                assert inside is not None
                return product(
                    self.build(part.left, rows, inside),
                    self.build(part.right, inside, columns),
                    over=[inside],
                )
            case Applied():
                return self.applied(part, rows, columns)
            case Raised():
                return power(self.build(part.base, rows, columns), Number(part.exponent))
            case Reduced():
                over = self.axis_of(part.operand, 1, rows)
                assert over is not None
                inside_of = self.build(part.operand, rows, over)
                return mean(inside_of, over) if part.is_mean else total(inside_of, over)
            case Flipped():
                return self.build(part.operand, columns, rows)
        raise TypeError(type(part).__name__)

    def moved(self, known: NamedValue, sides: _AxisPair) -> Expression:
        """Return a value with other axes of the same lengths."""
        found: Expression = known.symbol
        for old, new in zip(known.sides, sides, strict=True):
            if old is not None and new is not None:
                found = renamed(found, old, new)
        return found

    def trained(self, part: Trained, sides: _AxisPair) -> Expression:
        axes = tuple(axis for axis in sides if axis is not None)
        return self.scope.parameter(
            "", axes, _initial(part), kind=part.kind, suited=_suited(part), name=part.name
        )

    def applied(self, part: Applied, rows: Axis | None, columns: Axis | None) -> Expression:
        arguments = [
            self.build(argument, *_present(argument, rows, columns)) for argument in part.arguments
        ]
        if isinstance(part.function, Primitive):
            return part.function(*arguments)
        (argument,) = arguments
        if isinstance(argument, Symbol) or not argument.axes:
            return part.function(argument)
        # The weighted sum has a name of its own, as in a dense layer: Z_h with A_h = f(Z_h).
        sides = _present(part, rows, columns)
        name = self.name_of_sum()
        return part.function(self.add(name, argument, sides, delta=name.startswith("Z_")))

    def name_of_sum(self) -> str:
        """Return a name for the argument of a function in the current statement."""
        _, _, index = self.called.partition("_")
        index = index or self.called
        used = self.layer.taken | set(self.scope.named)
        letters = (*"ZUSTQ", *(f"Z{number}" for number in range(2, 1000)))
        return next(name for letter in letters if (name := f"{letter}_{index}") not in used)


def _present(part: Part, rows: Axis | None, columns: Axis | None) -> _AxisPair:
    """Return the axes of the sides that a part has."""
    return (rows if part.sides[0] else None, columns if part.sides[1] else None)


def _is_weighted_sum(part: Part) -> bool:
    """Return whether a part is a sum of matrix products and rows: X W + b."""
    if isinstance(part, Entrywise) and part.sign in "+-":
        sides = (part.left, part.right)
        return any(map(_is_weighted_sum, sides)) and all(
            isinstance(side, Trained) or _is_weighted_sum(side) for side in sides
        )
    return isinstance(part, Matrix)


def _joined(sign: str, left: Expression, right: Expression) -> Expression:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return product(left, power(right, -1))


def _suited(part: Trained) -> str:
    return part.suited if part.kind == "weight" and None not in part.sides else ""


def _initial(part: Trained) -> Draw:
    if part.kind != "weight":
        return filled(part.initial)
    draw = initializers.find(part.suited)

    def weights(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        inputs, outputs = (*shape, 1)[:2]
        return draw(generator, inputs, outputs).reshape(shape)

    return weights
