"""Formulas to code: registers, each assigned once, for the tape and for the generated kernels.

Entrywise arithmetic becomes a ``Tape`` over operands that are read by vectors (``v``) or
broadcast from one entry (``b``), and over scalars.  Parts that depend on single numbers only
(the learning rate over a bias correction, 2/(B n)) become scalar code, which runs once a step in
float64.  Equal subexpressions are computed once, and a product added to something is one ``fma``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from chainrule.errors import NotFused
from chainrule.formulas.expressions import (
    ONE,
    Add,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Size,
    Symbol,
    children,
    power,
    product,
)
from chainrule.formulas.functions import Function
from chainrule.kernels.format import OPERATIONS, OperandRow, Step
from chainrule.plans.fusion.fused_plan import IN_CORE

Line = tuple[Any, ...]
"""An operation and its sources: indices of earlier lines, or for operands, scalars and constants
their number, kind or value."""
Operand = tuple[OperandRow, str]
"""Where an operand is stored, and its kind: ``v`` is read by vectors, ``b`` is one entry a row."""


@dataclass
class Code:
    """Lines in order; equal lines are stored once."""

    lines: list[Line] = field(default_factory=list)
    known: dict[Line, int] = field(default_factory=dict)

    def emit(self, *line: Any) -> int:
        """Return the index of a line, adding it where it is new."""
        if line not in self.known:
            self.known[line] = len(self.lines)
            self.lines.append(line)
        return self.known[line]


class Lowering:
    """Expressions to lines; the functions return the line of a symbol or of a scalar part."""

    def __init__(
        self,
        code: Code,
        leaf: Callable[[Expression], int],
        single: Callable[[Expression], int | None] = lambda _: None,
    ) -> None:
        self.code = code
        self.leaf = leaf
        self.single = single
        self.memo: dict[Expression, int] = {}

    def __call__(self, tree: Expression) -> int:
        """Return the index of the line that computes an expression."""
        known = self.memo.get(tree)
        if known is None:
            line = self.single(tree)
            known = self.memo[tree] = self._value(tree) if line is None else line
        return known

    def _value(self, tree: Expression) -> int:
        match tree:
            case Number():
                return self.code.emit("constant", float(tree.value))
            case Symbol() | Size():
                return self.leaf(tree)
            case Add():
                return self._sum(tree)
            case Product() if not tree.summed:
                return self._quotient(tree)
            case Power():
                return self._power(tree)
            case Apply():
                return self._apply(tree)
        raise NotFused(f"{type(tree).__name__} in {tree} is not computed entry by entry")

    def _sum(self, tree: Add) -> int:
        single = [term for term in tree.terms if self.single(term) is not None]
        terms = [term for term in tree.terms if self.single(term) is None]
        if single:  # one number for all terms that are the same for every entry
            together = single[0] if len(single) == 1 else Add(tuple(single))
            index = tree.terms.index(single[0])
            terms.insert(min(index, len(terms)), together)
        first = next((t for t in terms if not self._signed(t)[0] and not _factors(t)), None)
        first = first or next((t for t in terms if not self._signed(t)[0]), terms[0])
        terms.remove(first)
        result = self(first)
        for term in terms:
            negative, positive = self._signed(term)
            parts = _factors(positive)
            if parts and self.single(positive) is None:
                left, right = (self(part) for part in parts)
                result = self.code.emit("fnma" if negative else "fma", left, right, result)
            else:
                term_line = self(positive)
                result = self.code.emit("subtract" if negative else "add", result, term_line)
        return result

    def _signed(self, term: Expression) -> tuple[bool, Expression]:
        """Return whether a term is subtracted, and what."""
        if isinstance(term, Number) and term.value < 0:
            return True, Number(-term.value)
        if isinstance(term, Product) and isinstance(term.factors[0], Number):
            number = term.factors[0]
            if number.value < 0:
                rest = (Number(-number.value), *term.factors[1:])
                return True, product(*rest, over=term.summed)
        return False, term

    def _quotient(self, tree: Product) -> int:
        single = [factor for factor in tree.factors if self.single(factor) is not None]
        others = [factor for factor in tree.factors if self.single(factor) is None]
        above: list[Expression] = []
        below: list[Expression] = []
        for factor in others:
            if isinstance(factor, Power) and _negative(factor.exponent):
                assert isinstance(factor.exponent, Number)
                below.append(power(factor.base, Number(-factor.exponent.value)))
            else:
                above.append(factor)
        sign = False
        front = product(*single)
        if front == Number(Fraction(-1)):
            sign = True
        elif front != ONE:
            above.insert(0, front)
        if not above:
            above = [ONE]
        result = self(above[0])
        for factor in above[1:]:
            result = self.code.emit("multiply", result, self(factor))
        if below:
            divisor = self(below[0])
            for factor in below[1:]:
                divisor = self.code.emit("multiply", divisor, self(factor))
            result = self.code.emit("divide", result, divisor)
        return self.code.emit("negate", result) if sign else result

    def _power(self, tree: Power) -> int:
        if isinstance(tree.exponent, Number):
            exponent = tree.exponent.value
            if exponent < 0:
                one = self.code.emit("constant", 1.0)
                below = self(power(tree.base, Number(-exponent)))
                return self.code.emit("divide", one, below)
            if exponent == Fraction(1, 2):
                return self.code.emit("sqrt", self(tree.base))
            if exponent.denominator == 2 and 0 < exponent <= 16:
                return self._integer_power(
                    self.code.emit("sqrt", self(tree.base)), exponent.numerator
                )
            if exponent.denominator == 1 and 0 < exponent <= 64:
                return self._integer_power(self(tree.base), int(exponent))
        return self.code.emit("power", self(tree.base), self(tree.exponent))

    def _integer_power(self, base: int, exponent: int) -> int:
        if exponent == 1:
            return base
        half = self._integer_power(base, exponent // 2)
        square = self.code.emit("multiply", half, half)
        return self.code.emit("multiply", square, base) if exponent % 2 else square

    def _apply(self, tree: Apply) -> int:
        function = tree.function
        name = IN_CORE[function] if isinstance(function, Function) else function.name
        if name not in OPERATIONS:
            raise NotFused(f"the core has no primitive {name!r}")
        return self.code.emit(name, *(self(argument) for argument in tree.arguments))


def _factors(term: Expression) -> tuple[Expression, Expression] | None:
    """Return two factors of a term that fma can take, or None."""
    if isinstance(term, Power) and term.exponent == Number(Fraction(2)):
        return term.base, term.base
    if isinstance(term, Product) and not (
        term.summed
        or any(isinstance(factor, Power) and _negative(factor.exponent) for factor in term.factors)
    ):
        *front, last = term.factors
        return product(*front), last
    return None


def _negative(exponent: Expression) -> bool:
    return isinstance(exponent, Number) and exponent.value < 0


class Tape:
    """The code of one fused formula: what it reads, computes, stores and sums.

    ``leaf`` gives a symbol's operand (a hashable description and its kind, ``v`` or ``b``) or
    None where it is a single number; ``scalar`` gives the slot of an expression of single numbers.
    """

    def __init__(
        self,
        leaf: Callable[[str], Operand | None],
        scalar: Callable[[Expression], int],
    ) -> None:
        self.code = Code()
        self.operands: list[Operand] = []
        self.scalars: list[int] = []
        self.stores: list[str] = []
        self.sums: list[str] = []
        self.values: dict[str, int] = {}
        self._leaf = leaf
        self._scalar = scalar

    def operand(self, described: Operand) -> int:
        """Return the register of an operand."""
        if described not in self.operands:
            self.operands.append(described)
        return self.code.emit("operand", self.operands.index(described), described[1])

    def assign(self, target: str, formula: Expression) -> None:
        """Compute a formula of operands, scalars and values that were assigned before."""

        def leaf(tree: Expression) -> int:
            assert isinstance(tree, Symbol)
            if tree.name in self.values:
                return self.values[tree.name]
            described = self._leaf(tree.name)
            assert described is not None
            return self.operand(described)

        def varies(tree: Expression) -> bool:
            if isinstance(tree, Symbol):
                return tree.name in self.values or self._leaf(tree.name) is not None
            return any(varies(part) for part in children(tree))

        def single(tree: Expression) -> int | None:
            if varies(tree):
                return None
            number = _folded(tree)
            if number is not None:
                return self.code.emit("constant", number)
            slot = self._scalar(tree)
            if slot not in self.scalars:
                self.scalars.append(slot)
            return self.code.emit("scalar", self.scalars.index(slot))

        self.values[target] = Lowering(self.code, leaf, single)(formula)

    def finish(self, stores: list[str], sums: list[str]) -> None:
        """State which values are stored and summed; remove the lines that none of them needs."""
        self.stores, self.sums = stores, sums
        lines = self.code.lines
        ends = [("store", self.values[name], number) for number, name in enumerate(stores)]
        ends += [("sum", self.values[name], number) for number, name in enumerate(sums)]
        needed: set[int] = set()
        pending = [line[1] for line in ends]
        while pending:
            index = pending.pop()
            if index not in needed:
                needed.add(index)
                pending.extend(sources(lines[index]))
        operands: list[Operand] = []
        scalars: list[int] = []
        moved: dict[int, int] = {}
        code = Code()
        for index, line in enumerate(lines):
            if index not in needed:
                continue
            match line:
                case ("operand", number, kind):
                    operands.append(self.operands[number])
                    moved[index] = code.emit("operand", len(operands) - 1, kind)
                case ("scalar", number):
                    scalars.append(self.scalars[number])
                    moved[index] = code.emit("scalar", len(scalars) - 1)
                case ("constant", _):
                    moved[index] = code.emit(*line)
                case (name, *found):
                    moved[index] = code.emit(name, *(moved[source] for source in found))
        self.code, self.operands, self.scalars = code, operands, scalars
        self.ends = [(name, moved[source], number) for name, source, number in ends]

    @property
    def text(self) -> str:
        """The code as text: equal for equal formulas, whatever their values are called."""
        lines = [f"{line[0]} {' '.join(map(str, line[1:]))}" for line in self.code.lines]
        lines += [f"{name} {source} {number}" for name, source, number in self.ends]
        return "; ".join(lines)


def sources(line: Line) -> tuple[int, ...]:
    """Return the indices of the lines that a line reads."""
    return () if line[0] in ("operand", "scalar", "constant") else line[1:]


@dataclass(frozen=True)
class Registers:
    """A register for each line, and how many there are."""

    of: Mapping[int, int]
    count: int


def allocated(lines: Sequence[Line], ends: Sequence[Line]) -> Registers:
    """Return a register for each line that is free while its value is needed."""
    last: dict[int, int] = {}
    for index, line in enumerate(lines):
        for source in sources(line):
            last[source] = index
    for end in ends:
        last[end[1]] = len(lines)
    free: list[int] = []
    of: dict[int, int] = {}
    count = 0
    for index, line in enumerate(lines):
        # A source is read before the result of the same line is stored: it may use its register.
        free += [of[source] for source in set(sources(line)) if last[source] == index]
        if not free:
            free.append(count)
            count += 1
        of[index] = free.pop()
    return Registers(of, count)


def _folded(tree: Expression) -> float | None:
    """Return the value of an expression of numbers only."""
    match tree:
        case Number():
            return float(tree.value)
        case Add() | Product() | Power():
            values = [_folded(part) for part in children(tree)]
            known = [value for value in values if value is not None]
            if len(known) < len(values) or (isinstance(tree, Product) and tree.summed):
                return None
            if isinstance(tree, Add):
                return sum(known)
            if isinstance(tree, Power):
                return float(known[0] ** known[1])
            result = 1.0
            for value in known:
                result *= value
            return result
    return None


class ScalarCode:
    """Arithmetic on single numbers: every value has a slot, equal expressions share one."""

    def __init__(self) -> None:
        self.slots: dict[str, int] = {}
        self.steps: list[Step] = []
        self.constants: list[float] = []
        self._known: dict[Line, int] = {}
        self._fixed: set[int] = set()

    def slot(self, name: str) -> int:
        """Return the slot of a named number."""
        return self.slots.setdefault(name, len(self.slots))

    def mark_fixed(self, name: str) -> None:
        """Mark a number as given before a step and unchanged during it."""
        self._fixed.add(self.slot(name))

    def constant(self, value: float) -> int:
        """Return the number of a constant."""
        if value not in self.constants:
            self.constants.append(value)
        return self.constants.index(value)

    def compute(self, formula: Expression) -> tuple[int, list[Step]]:
        """Return the slot of a formula's value, and the steps of each run that compute it.

        Steps that depend on fixed numbers only are added to the prelude, ``steps``.
        """
        code = Code()
        steps: list[Step] = []
        slots: dict[int, int] = {}

        def leaf(tree: Expression) -> int:
            assert isinstance(tree, (Size, Symbol))
            name = f"|{tree.axis.name}|" if isinstance(tree, Size) else tree.name
            return code.emit("slot", self.slot(name))

        last = Lowering(code, leaf)(formula)
        for index, line in enumerate(code.lines):
            if line[0] == "slot":
                slots[index] = line[1]
                continue
            if line[0] == "constant":
                key: Line = ("constant", self.constant(line[1]))
            else:
                key = (line[0], *(slots[source] for source in line[1:]))
            fixed = line[0] == "constant" or all(source in self._fixed for source in key[1:])
            if fixed and key in self._known:
                slots[index] = self._known[key]
                continue
            slot = self.slot(f"·{len(self.slots)}")
            slots[index] = slot
            step = Step(OPERATIONS[line[0]], slot, *key[1:])
            if fixed:
                self._known[key] = slot
                self._fixed.add(slot)
                self.steps.append(step)
            else:
                steps.append(step)
        return slots[last], steps
