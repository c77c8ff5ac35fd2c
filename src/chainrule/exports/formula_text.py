"""Formulas of primitives as text of a programming language, described by a `Notation`.

Parts that occur more than once become assignments of their own where the language has them, so
that an exponential is computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from chainrule.errors import InputError
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Symbol,
    children,
)

__all__ = ["Notation", "decimal", "harmless", "written"]

_SUM, _PRODUCT, _ATOM = range(3)
"""How tightly a text binds: what binds less than is needed gets parentheses."""
_COMPARED = ("greater", "equal")
"""Primitives that are conditions: 1 where they hold, else 0."""
_LONGEST_COMMENT = 100
_IN_COMMENTS = " _-+=.,:;()[]{}|^/·²√Σ⊙⊘−⁻½π∂←'"
"""What comments may have beside letters and digits; * and ? could end one in C."""


def decimal(value: float) -> str:
    """Return the shortest decimal of a number, with a point or an exponent.

    >>> decimal(3.0), decimal(1e-30), decimal(0.1)
    ('3.0', '1e-30', '0.1')
    """
    return repr(float(value))


@dataclass(frozen=True)
class Notation:
    """How a language writes formulas.

    ``primitives`` are templates by the primitives' names, ``choice`` (of a condition and two
    values), ``power`` and ``root`` templates too; ``equal`` compares, ``number`` writes a number.
    ``has_locals`` is whether parts may be assigned to names.
    """

    language: str
    primitives: Mapping[str, str]
    power: str
    choice: str = "({0} ? {1} : {2})"
    equal: str = "=="
    root: str = "sqrt({0})"
    number: Callable[[float], str] = decimal
    has_locals: bool = True

    def primitive(self, name: str) -> str:
        """Return the template of a primitive; raise InputError where the language has none."""
        if name not in self.primitives:
            raise InputError(
                f"`to` must be a format that has {name}, which this network computes, got "
                f"{self.language!r}. Choose 'numpy', 'c', 'javascript' or 'onnx'."
            )
        return self.primitives[name]


def written(
    formula: Expression, names: Mapping[str, str], notation: Notation, prefix: str = "u"
) -> tuple[list[tuple[str, str]], str]:
    """Return assignments (name, text) of parts used more than once, and the text of the formula.

    ``names`` are the texts of the symbols; names of parts begin with ``prefix``.

    >>> from chainrule.formulas.functions import exp
    >>> z = Symbol("z")
    >>> plain = Notation("plain", {"exp": "exp({0})"}, "pow({0}, {1})")
    >>> written(exp(-z) / (1 + exp(-z)), {"z": "x"}, plain)
    ([('u1', 'exp(-x)')], 'u1 / (1.0 + u1)')
    """
    text = _Text(formula, names, notation, prefix)
    result = text.of(formula, _SUM)
    return text.assigned, result


class _Text:
    def __init__(
        self, formula: Expression, names: Mapping[str, str], notation: Notation, prefix: str
    ) -> None:
        self.names, self.notation, self.prefix = names, notation, prefix
        self.assigned: list[tuple[str, str]] = []
        self.locals: dict[Expression, str] = {}
        self.uses: Counter[Expression] = Counter()
        if notation.has_locals:
            self._count(formula)  # a condition that is used as a number too is written twice

    def _count(self, tree: Expression) -> None:
        for part in children(tree):
            self.uses[part] += 1
            if self.uses[part] == 1:
                self._count(part)

    def of(self, tree: Expression, needed: int) -> str:
        """Return the text of a part that binds as tightly as needed."""
        if tree in self.locals:
            return self.locals[tree]
        text, binding = self._composed(tree)
        if self.uses[tree] > 1 and children(tree):
            return self._local(tree, text)
        return f"({text})" if binding < needed else text

    def _local(self, tree: Expression, text: str) -> str:
        name = self.locals[tree] = f"{self.prefix}{len(self.assigned) + 1}"
        self.assigned.append((name, text))
        return name

    def _composed(self, tree: Expression) -> tuple[str, int]:
        match tree:
            case Number():
                return self.notation.number(float(tree.value)), _ATOM if tree.value >= 0 else _SUM
            case Symbol():
                return self.names[tree.name], _ATOM
            case Add():
                return self._sum(tree), _SUM
            case Product(summed=()):
                return self._product(tree)
            case Power():
                return self._power(tree)
            case Apply():
                return self._applied(tree), _ATOM
        raise InputError(f"`model` must consist of formulas of single entries, got {tree}")

    def _applied(self, tree: Apply) -> str:
        name, choice, number = tree.function.name, self.notation.choice, self.notation.number
        if name in _COMPARED:
            return choice.format(self._condition(tree), number(1.0), number(0.0))
        if name == "where":
            condition = self._condition(tree.arguments[0])
            return choice.format(condition, *(self.of(part, _SUM) for part in tree.arguments[1:]))
        arguments = [self.of(part, _SUM) for part in tree.arguments]
        return self.notation.primitive(name).format(*arguments)

    def _condition(self, tree: Expression) -> str:
        """Return the text of a condition: a comparison, or a number that is not 0."""
        name = tree.function.name if isinstance(tree, Apply) else ""
        if isinstance(tree, Apply) and name in _COMPARED:
            left, right = (self.of(part, _PRODUCT) for part in tree.arguments)
            return f"{left} {'>' if name == 'greater' else self.notation.equal} {right}"
        return f"{self.of(tree, _PRODUCT)} > {self.notation.number(0.0)}"

    def _sum(self, tree: Add) -> str:
        text = self.of(tree.terms[0], _SUM)
        for term in tree.terms[1:]:
            part = self.of(term, _SUM)
            text += f" - {part[1:]}" if _is_negated(term) and part[0] == "-" else f" + {part}"
        return text

    def _product(self, tree: Product) -> tuple[str, int]:
        above, below, sign = [], [], ""
        for factor in tree.factors:
            if isinstance(factor, Number) and factor.value == -1:
                sign = "-"
            elif (inverse := _inverse(factor)) is not None:
                below.append(self.of(inverse, _ATOM))
            else:
                above.append(self.of(factor, _ATOM))
        text = " * ".join(above) or self.notation.number(1.0)
        return sign + " / ".join([text, *below]), _SUM if sign else _PRODUCT

    def _power(self, tree: Power) -> tuple[str, int]:
        inverse = _inverse(tree)
        if inverse is not None:
            return f"{self.notation.number(1.0)} / {self.of(inverse, _ATOM)}", _PRODUCT
        if isinstance(tree.exponent, Number):
            if tree.exponent.value == Fraction(1, 2):
                return self.notation.root.format(self.of(tree.base, _SUM)), _ATOM
            if tree.exponent.value == 2 and self.notation.has_locals:
                base = self.of(tree.base, _SUM)
                if children(tree.base) and tree.base not in self.locals:
                    base = self._local(tree.base, base)
                return f"{base} * {base}", _PRODUCT
        base, exponent = self.of(tree.base, _SUM), self.of(tree.exponent, _SUM)
        return self.notation.power.format(base, exponent), _ATOM


def _inverse(tree: Expression) -> Expression | None:
    """Return what a factor divides by: b of b^-1, b² of b^-2; None for other factors."""
    if isinstance(tree, Power) and isinstance(tree.exponent, Number) and tree.exponent.value < 0:
        exponent = -tree.exponent.value
        return tree.base if exponent == 1 else Power(tree.base, Number(exponent))
    return None


def _is_negated(term: Expression) -> bool:
    if not isinstance(term, Product):
        return False
    first = term.factors[0]
    return isinstance(first, Number) and first.value == -1


def harmless(text: str) -> str:
    """Return a text for a comment: on one line, without anything that could end one.

    >>> harmless("x*/ int main() {} // " + chr(10) + "y")
    'x·/ int main() {} // _y'
    """
    one = "".join(
        c if (c.isalnum() and c.isprintable()) or c in _IN_COMMENTS else "_"
        for c in text.replace("*", "·")
    )
    return one if len(one) <= _LONGEST_COMMENT else f"{one[: _LONGEST_COMMENT - 3]}..."
