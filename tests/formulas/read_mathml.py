"""Reads MathML back into an expression, strictly: what is multiplied must be marked as such.

The writer marks every product (invisible times) and every application of a function, so there is
nothing to guess: two elements side by side with nothing between them are refused.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    Expression,
    Largest,
    Number,
    Product,
    Size,
    Symbol,
    power,
    product,
    square_root,
)
from chainrule.formulas.functions import (
    absolute,
    cosine,
    equal,
    erf,
    exp,
    expm1,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    sign,
    sine,
    tanh,
    where,
)

Element = ElementTree.Element
TIMES, APPLY = "\u2062", "\u2061"

FUNCTIONS: dict[str, Any] = {
    "log": log,
    "log1p": log1p,
    "expm1": expm1,
    "tanh": tanh,
    "erf": erf,
    "sin": sine,
    "cos": cosine,
    "sign": sign,
    "max": maximum,
    "min": minimum,
}

CHILDREN = {
    "mfrac": 2,
    "msub": 2,
    "msup": 2,
    "msubsup": 3,
    "munder": 2,
    "mover": 2,
    "munderover": 3,
}
"""Elements that take exactly so many others."""
OTHERS = {"math", "mrow", "mi", "mn", "mo", "mtext", "msqrt", "mtable", "mtr", "mtd", "mphantom"}
OTHERS |= {"mspace"}


def check_elements(root: Element) -> None:
    """Every element is one of MathML Core and has as many children as it must have."""
    for element in root.iter():
        if element.tag in CHILDREN:
            assert len(element) == CHILDREN[element.tag], ElementTree.tostring(element)
        else:
            assert element.tag in OTHERS, element.tag
        if element.tag in ("mi", "mn", "mo", "mtext"):
            assert element.text, element.tag
            assert len(element) == 0
        else:
            assert not (element.text or "").strip(), element.text
        assert element is root or not (element.tail or "").strip(), element.tail


class MathMLReader:
    """Index notation; ``symbols`` by letter, ``sizes`` are the axes by the name of their length."""

    def __init__(
        self,
        written: str,
        symbols: Mapping[str, Symbol],
        sizes: Mapping[str, Axis],
        functions: Mapping[str, Any] | None = None,
        constants: Mapping[str, Number] | None = None,
    ) -> None:
        self.root = ElementTree.fromstring(written)
        check_elements(self.root)
        self.symbols, self.sizes = symbols, sizes
        self.functions = {**FUNCTIONS, **(functions or {})}
        self.constants = constants or {}

    def read(self) -> Expression:
        return self.all_of(list(self.root))

    def all_of(self, elements: list[Element]) -> Expression:
        value, rest = self.sum(elements)
        assert not rest, f"left over: {[said(element) for element in rest]}"
        return value

    def sum(self, elements: list[Element]) -> tuple[Expression, list[Element]]:
        negative = is_mark(elements[0], "−")
        value, rest = self.product(elements[1:] if negative else elements)
        value = -value if negative else value
        while rest and (is_mark(rest[0], "+") or is_mark(rest[0], "−")):
            less = is_mark(rest[0], "−")
            term, rest = self.product(rest[1:])
            value = value - term if less else value + term
        return value, rest

    def product(self, elements: list[Element]) -> tuple[Expression, list[Element]]:
        if elements[0].tag == "munderover":
            return self.total(elements)
        value, rest = self.factor(elements)
        while rest and is_mark(rest[0], TIMES):
            if rest[1].tag == "munderover":
                factor, rest = self.total(rest[1:])
            else:
                factor, rest = self.factor(rest[1:])
            value = product(value, factor)
        return value, rest

    def total(self, elements: list[Element]) -> tuple[Expression, list[Element]]:
        """A sum over an index reaches to the end of its product."""
        mark, _, upper = elements[0]
        assert said(mark) == "∑"
        inside, rest = self.product(elements[1:])
        axis = self.sizes[name_of(upper)]
        if elements[1].tag == "munderover" and isinstance(inside, Product):
            return product(*inside.factors, over=(axis, *inside.summed)), rest
        return product(inside, over=[axis]), rest

    def factor(self, elements: list[Element]) -> tuple[Expression, list[Element]]:
        if len(elements) > 1 and is_mark(elements[1], APPLY):
            head, _, argument, *rest = elements
            if head.tag == "munder":
                return self.largest(argument), rest
            values = self.arguments(argument)
            return self.functions[said(head)](*values), rest
        return self.atom(elements[0]), elements[1:]

    def largest(self, argument: Element) -> Expression:
        inside = self.atom(argument)
        return Largest(inside, inside.axes[-1])

    def arguments(self, bracketed: Element) -> list[Expression]:
        first, *inside, last = bracketed
        assert (said(first), said(last)) == ("(", ")")
        groups: list[list[Element]] = [[]]
        for element in inside:
            if is_mark(element, ","):
                groups.append([])
            else:
                groups[-1].append(element)
        return [self.all_of(group) for group in groups]

    def atom(self, element: Element) -> Expression:
        match element.tag:
            case "mn":
                return Number(Fraction(said(element)))
            case "mi" | "msub":
                return self.named(element)
            case "mfrac":
                return self.atom(element[0]) / self.atom(element[1])
            case "msqrt":
                return square_root(self.all_of(list(element)))
            case "msup":
                if said(element[0]) == "e" and element[0].tag == "mi":
                    return exp(self.atom(element[1]))
                return power(self.atom(element[0]), self.atom(element[1]))
            case "msubsup":
                below = ElementTree.Element("msub")
                below.extend([element[0], element[1]])
                return power(self.named(below), self.atom(element[2]))
            case "mrow":
                return self.row(list(element))
        raise AssertionError(f"nothing is read as {element.tag}")

    def row(self, inside: list[Element]) -> Expression:
        marks = said(inside[0]), said(inside[-1])
        if inside[0].tag == "mo" and marks == ("(", ")"):
            return self.all_of(inside[1:-1])
        if inside[0].tag == "mo" and marks == ("|", "|"):
            return absolute(self.all_of(inside[1:-1]))
        if inside[0].tag == "mo" and marks == ("[", "]"):
            return self.compared(inside[1:-1])
        if is_mark(inside[0], "{"):
            chosen, other = inside[1]
            condition = self.compared(list(chosen[1]))
            assert said(other[1]) == "otherwise"
            return where(condition, self.all_of(list(chosen[0])), self.all_of(list(other[0])))
        return self.all_of(inside)

    def compared(self, inside: list[Element]) -> Expression:
        (place,) = [
            place
            for place, element in enumerate(inside)
            if is_mark(element, ">") or is_mark(element, "=")
        ]
        compare = greater if is_mark(inside[place], ">") else equal
        return compare(self.all_of(inside[:place]), self.all_of(inside[place + 1 :]))

    def named(self, element: Element) -> Expression:
        if name_of(element) in self.sizes:
            return Size(self.sizes[name_of(element)])
        if name_of(element) in self.constants:
            return self.constants[name_of(element)]
        if element.tag == "mi":
            symbol = self.symbols[said(element)]
            assert not symbol.axes, f"{said(element)} stands without its indices"
            return symbol
        symbol = self.symbols[said(element[0])]
        letters = [said(part) for part in element[1].iter() if part.tag == "mi"]
        assert len(letters) == len(symbol.axes), said(element)
        return symbol


def said(element: Element) -> str:
    return "".join(element.itertext())


def name_of(element: Element) -> str:
    """Return n_i for n with the index i."""
    return "_".join(said(part) for part in element) if element.tag == "msub" else said(element)


def is_mark(element: Element, mark: str) -> bool:
    return element.tag == "mo" and element.text == mark
