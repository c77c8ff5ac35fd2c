"""Expressions in print: one rule per node, brackets by precedence, the same for every style.

In index notation each symbol has the letters of its axes.  Inside a matrix formula, symbols of
matrices are written as these matrices, and products are entry by entry (⊙, ⊘).
"""

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

from chainrule.formulas.axes import Axis, unused_letter
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Largest,
    Number,
    Ones,
    Power,
    Product,
    Rename,
    Size,
    Symbol,
    children,
    power,
    product,
)
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.render.styles import Style

SUM, PRODUCT, PREFIX, POWER, ATOM = 0, 1, 2, 3, 4
"""Precedence; a piece with a lower one than its context requires gets brackets."""

Piece = tuple[str, int]
"""The text of a part and its precedence."""


class ExpressionWriter:
    """Writes expressions in one style; matrices inside are written by ``_matrix`` of a subclass."""

    def __init__(
        self,
        style: Style,
        spell: Callable[[Symbol], str | None] | None,
        counted: tuple[Axis, ...],
    ) -> None:
        self.style = style
        self.spell = spell
        self.counted = counted
        self._letters: dict[Axis, str] | None = None
        self._free: tuple[Axis, ...] = ()
        self._operands: dict[Symbol, Matrix] = {}

    def _matrix(self, matrix: Matrix) -> Piece:
        raise NotImplementedError

    # -- expressions ---------------------------------------------------------------------------

    def _piece(self, tree: Expression) -> Piece:
        rule: Callable[[ExpressionWriter, Any], Piece] = _RULES[type(tree)]
        return rule(self, tree)

    def _at(self, tree: Expression, level: int) -> str:
        """Return the text, in brackets where its precedence is below ``level``."""
        written, own = self._piece(tree)
        return written if own >= level else self.style.brackets(written)

    def _number(self, tree: Number) -> Piece:
        if tree.name:
            return self.style.symbol(tree.name), ATOM
        value = tree.value
        sign = self.style.minus if value < 0 else ""
        written = _decimal(abs(value))
        if written is None:
            top, bottom = map(
                self.style.digits, (str(abs(value.numerator)), str(value.denominator))
            )
            written = self.style.fraction(top, bottom, tight=False)
            return sign + written, PRODUCT
        return sign + self.style.digits(written), PREFIX if sign else ATOM

    def _size(self, tree: Size) -> Piece:
        return self.style.symbol(tree.axis.size), ATOM

    def _symbol(self, tree: Symbol) -> Piece:
        operand = self._operands.get(tree)
        if operand is not None:
            return self._matrix(operand)
        spelled = self.spell(tree) if self.spell else None
        if spelled is not None:
            return spelled, ATOM
        # A name that is a quotient, ∂Loss/∂a, gets brackets under a power or a transpose.
        level = PREFIX if "/" in tree.name else ATOM
        if self._letters is None or not tree.axes:
            return self.style.symbol(tree.name), level
        index = "".join(self._letters.get(axis, axis.name) for axis in tree.axes)
        return self.style.symbol(small(tree.name), index), level

    def _ones(self, tree: Ones) -> Piece:
        return self.style.digits("1"), ATOM

    def _add(self, tree: Add) -> Piece:
        written = ""
        for term in tree.terms:
            piece = self._at(term, PRODUCT)
            if not written:
                written = piece
            elif piece.startswith(self.style.minus):
                written += self.style.less + piece[len(self.style.minus) :]
            else:
                written += self.style.plus + piece
        return written, SUM

    def _product(self, tree: Product) -> Piece:
        if tree.summed and self._letters is not None:
            return self._total(tree, self._letters)
        sign, front, top, bottom = self._sorted(tree)
        style = self.style
        joined = style.hadamard if self._operands else None
        pieces = []
        if len(top) == 1 and not bottom and not joined:
            pieces.append(self._alone(top[0]))
        elif len(top) == 1 and not joined:
            pieces.append(self._at(top[0], POWER))
        elif top or (bottom and joined):
            pieces.append(self._joined(top, joined) if top else style.digits("1"))
        if bottom and joined:
            pieces[-1] += "".join(style.over + self._at(base, PREFIX) for base in bottom)
        elif bottom:
            over = self._joined(bottom, None)
            if len(bottom) > 1 and not style.stacked:
                over = style.brackets(over)
            over = self._bare(bottom[0]) if len(bottom) == 1 and style.stacked else over
            above = self._bare(top[0]) if len(top) == 1 and style.stacked else "".join(pieces)
            pieces = [style.fraction(above or style.digits("1"), over, tight=False)]
        if front:
            alone = not pieces
            number = self._constant(front, tight=not alone)
            pieces = [number if alone else style.fronted(number, "".join(pieces))]
        return sign + "".join(pieces), PREFIX if sign and len(pieces) == 1 else PRODUCT

    def _total(self, tree: Product, outer: dict[Axis, str]) -> Piece:
        self._letters = self._inner_letters(outer, tree.summed)
        signs = "".join(
            self.style.total(self._letters[axis], self.style.symbol(axis.size))
            for axis in tree.summed
        )
        body = self._at(product(*tree.factors), PRODUCT)
        self._letters = outer
        if body.startswith(self.style.minus):
            return self.style.minus + signs + body[len(self.style.minus) :], PRODUCT
        return signs + body, PRODUCT

    def _inner_letters(self, outer: dict[Axis, str], bound: tuple[Axis, ...]) -> dict[Axis, str]:
        """Return other letters for summed indices that also occur outside of their sum."""
        inner = dict(outer)
        for axis in bound:
            if axis in self._free:
                inner[axis] = unused_letter(inner.values())
        return inner

    def _sorted(
        self, tree: Product
    ) -> tuple[str, list[Expression], list[Expression], list[Expression]]:
        """Return a product's sign, constants in front, numerator and denominator."""
        sign = ""
        front: list[Expression] = []
        top: list[Expression] = []
        bottom: list[Expression] = []
        for factor in tree.factors:
            if isinstance(factor, Number) and not factor.name and factor.value < 0:
                sign = self.style.minus
                factor = Number(-factor.value)
                if factor.value == 1:
                    continue
            if self._is_constant(factor):
                front.append(factor)
            elif isinstance(factor, Power) and _negative(factor.exponent):
                bottom.append(power(factor.base, Number(-_value(factor.exponent))))
            else:
                top.append(factor)
        return sign, front, top, bottom

    def _is_constant(self, factor: Expression) -> bool:
        """Whether a factor is written in front: numbers, sizes; in matrix notation all scalars."""
        match factor:
            case Number() | Size():
                return True
            case Power():
                return self._is_constant(factor.base) and self._is_constant(factor.exponent)
            case Symbol():
                return bool(self._operands) and factor not in self._operands
            case Add() | Product() | Apply():
                parts = children(factor)
                return bool(self._operands) and all(self._is_constant(part) for part in parts)
        return False

    def _constant(self, factors: list[Expression], *, tight: bool) -> str:
        top: list[str] = []
        bottom: list[str] = []
        divisors = sum(isinstance(f, Power) and _negative(f.exponent) for f in factors)
        fractions = (f for f in factors if isinstance(f, Number) and not f.name)
        alone = self.style.stacked and divisors == 1 and all(map(_is_decimal, fractions))
        for factor in factors:
            if isinstance(factor, Number) and not factor.name and _decimal(factor.value) is None:
                if factor.value.numerator != 1:
                    top.append(self.style.digits(str(factor.value.numerator)))
                bottom.append(self.style.digits(str(factor.value.denominator)))
            elif isinstance(factor, Power) and _negative(factor.exponent):
                turned = power(factor.base, Number(-_value(factor.exponent)))
                bottom.append(self._at(turned, SUM if alone else PREFIX))
            else:
                top.append(self._at(factor, PREFIX))
        above = reduce(self.style.beside, top) if top else self.style.digits("1")
        if not bottom:
            return above
        below = reduce(self.style.beside, bottom)
        if len(bottom) > 1 and not self.style.stacked:
            below = self.style.brackets(below)
        return self.style.fraction(above, below, tight=tight)

    def _joined(self, factors: list[Expression], operator: str | None) -> str:
        if operator is not None:
            level = PREFIX if len(factors) > 1 else PRODUCT
            return operator.join(self._at(factor, level) for factor in factors)
        return reduce(self.style.beside, (self._at(factor, PREFIX) for factor in factors))

    def _alone(self, tree: Expression) -> str:
        """Return the one factor after the constants; a sum over an index needs no brackets."""
        total = isinstance(tree, Product) and bool(tree.summed) and self._letters is not None
        written = self._at(tree, PRODUCT if total or isinstance(tree, Largest) else PREFIX)
        minus = written.startswith(self.style.minus)
        return self.style.brackets(written) if minus else written

    def _bare(self, tree: Expression) -> str:
        return self._piece(tree)[0]

    def _power(self, tree: Power) -> Piece:
        exponent = tree.exponent
        if isinstance(exponent, Number):
            if exponent.value < 0:
                below = power(tree.base, Number(-exponent.value))
                if self._operands and not self._is_constant(tree):
                    return self.style.digits("1") + self.style.over + self._at(
                        below, PREFIX
                    ), PRODUCT
                over = self._bare(below) if self.style.stacked else self._at(below, PREFIX)
                return self.style.fraction(self.style.digits("1"), over, tight=False), PRODUCT
            if exponent.value == Fraction(1, 2):
                return self.style.root(self._bare(tree.base)), POWER
        base = self._at(tree.base, ATOM)
        index = self._bare(exponent)
        if self._operands and not self._is_constant(tree.base):
            return self.style.entrywise_power(base, index), POWER
        return self.style.power(base, index), POWER

    def _apply(self, tree: Apply) -> Piece:
        style = self.style
        pieces = [self._bare(argument) for argument in tree.arguments]
        match tree.function.name:
            case "exp":
                return style.power(style.symbol("e"), pieces[0]), POWER
            case "abs":
                return style.absolute(pieces[0]), ATOM
            case "greater":
                return style.condition(style.greater(pieces[0], pieces[1])), ATOM
            case "equal":
                return style.condition(style.equals.join(pieces)), ATOM
            case "where":
                condition = tree.arguments[0]
                when = pieces[0]
                if isinstance(condition, Apply) and condition.function.name == "greater":
                    when = style.greater(*map(self._bare, condition.arguments))
                return style.cases(when, pieces[1], pieces[2]), ATOM
            case "maximum":
                return style.call("max", *pieces), ATOM
            case "minimum":
                return style.call("min", *pieces), ATOM
        return style.call(tree.function.name, *pieces), ATOM

    def _largest(self, tree: Largest) -> Piece:
        outer = self._letters
        if outer is not None:
            self._letters = self._inner_letters(outer, (tree.axis,))
        letter = (self._letters or {}).get(tree.axis, tree.axis.name)
        written = self.style.largest(letter, self._at(tree.operand, ATOM))
        self._letters = outer
        return written, PRODUCT

    def _rename(self, tree: Rename) -> Piece:
        outer = self._letters
        if outer is not None:
            self._letters = {**outer, tree.old: outer.get(tree.new, tree.new.name)}
        written = self._piece(tree.operand)
        self._letters = outer
        return written


_RULES: dict[type, Callable[[ExpressionWriter, Any], Piece]] = {
    Number: ExpressionWriter._number,
    Size: ExpressionWriter._size,
    Symbol: ExpressionWriter._symbol,
    Ones: ExpressionWriter._ones,
    Add: ExpressionWriter._add,
    Product: ExpressionWriter._product,
    Power: ExpressionWriter._power,
    Apply: ExpressionWriter._apply,
    Largest: ExpressionWriter._largest,
    Rename: ExpressionWriter._rename,
}


def small(name: str) -> str:
    """Return the name of one entry, with a small letter: y_t of Y_t, ∂Loss/∂w of ∂Loss/∂W."""
    top, quotient, bottom = name.rpartition("/∂")
    return top + quotient + bottom[0].lower() + bottom[1:]


def _decimal(value: Fraction) -> str | None:
    """Return a fraction as an integer or a short decimal, or None where it has neither."""
    if value.denominator == 1:
        return str(value.numerator)
    written = repr(float(value))
    short = Fraction(written) == value and value.denominator > 10 and "e" not in written
    return written if short and len(written) < 12 else None


def _is_decimal(number: Number) -> bool:
    return _decimal(number.value) is not None


def _negative(exponent: Expression) -> bool:
    return isinstance(exponent, Number) and not exponent.name and exponent.value < 0


def _value(exponent: Expression) -> Fraction:
    assert isinstance(exponent, Number)
    return exponent.value
