"""The smallest pieces of a line: names, numbers, brackets, fractions, derivatives and calls."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from chainrule.language.refusals import Refusal
from chainrule.marking.cursor import Cursor
from chainrule.marking.syntax import (
    Binary,
    Call,
    Comparison,
    Constant,
    Name,
    Operation,
    Partial,
    Span,
    Total,
    Transposed,
    Tree,
    Vector,
)
from chainrule.marking.tokens import Token

ELEMENTARY = {
    "exp": "exp",
    "log": "log",
    "ln": "log",
    "tanh": "tanh",
    "sqrt": "sqrt",
    "abs": "abs",
    "sign": "sign",
    "square": "square",
    "maximum": "maximum",
    "max": "maximum",
    "minimum": "minimum",
    "min": "minimum",
    "where": "where",
    "erf": "erf",
    "expm1": "expm1",
    "log1p": "log1p",
}
_FIRST = ("open", "number", "partial", "sum", "frac", "root", "begin cases")
PRODUCTS: dict[str, Operation] = {"dot": "matrix", "matmul": "matrix", "multiply": "entrywise"}
TOTALS = {"sum": False, "mean": True}
_SLOPE = re.compile(r"(?:d_?)?(\w+?)(_prime|_derivative|_deriv|_grad|_slope)?")


class Names(Protocol):
    """What reading has to know about the names of a network."""

    def key(self, text: str) -> str | None:
        """Return the key of a value by a name for it."""

    def differential(self, text: str) -> str | None:
        """Return the key of what stands under ∂ or behind d."""

    def quotient(self, above: str, below: str) -> str | None:
        """Return the key of ∂Loss/∂below, None where ``above`` is no loss."""

    def function(self, text: str) -> str | None:
        """Return the name of an activation, or of its slope."""

    def unknown(self, text: str) -> Refusal:
        """Return the error for a name that is not known."""


class Pieces(Cursor):
    """Reads pieces; ``sum``, ``term`` and ``power`` are read by whoever puts them together."""

    def __init__(self, found: list[Token], names: Names, length: int) -> None:
        super().__init__(found, length)
        self.names = names

    def sum(self) -> Tree:
        """Read terms with + and − between."""
        raise NotImplementedError

    def term(self) -> Tree:
        """Read factors."""
        raise NotImplementedError

    def power(self) -> Tree:
        """Read a piece with its powers."""
        raise NotImplementedError

    def starts_factor(self) -> bool:
        """Whether what comes can be a factor without a sign before it."""
        if self.now.kind == "word":
            return self.now.text not in ("if", "else")
        if self.now.kind == "bar":
            return not self.barred
        return self.now.kind in _FIRST

    def primary(self) -> Tree:
        token = self.now
        match token.kind:
            case "number":
                self.take()
                value = min(float(token.text), 1e300)
                return Constant(value, token.text, span=(token.start, token.end))
            case "open":
                return self.bracket()
            case "frac":
                return self.fraction()
            case "partial":
                return self.partial()
            case "sum":
                self.take()
                with self.deeper():
                    body = self.term()
                span = (token.start, body.span[1])
                return Total(body, _axis_called(token.text), span=span)
            case "root":
                self.take()
                inside = self.group() if self.now.kind == "open" else self.power()
                return Call("sqrt", (inside,), span=(token.start, self.behind()[1]))
            case "bar" if not self.barred:
                return self.absolute()
            case "begin cases":
                return self.cases()
            case "word":
                return self.word()
        raise self.fault("piece")

    def ones(self, token: Token) -> Tree:
        """Read a 1 that stands behind a matrix: a column of ones."""
        if self.now.kind == "transpose":
            self.take()
            return Vector(True, span=(token.start, self.behind()[1]))
        return Vector(False, span=(token.start, token.end))

    def bracket(self) -> Tree:
        opened = self.take()
        barred, self.barred = self.barred, False
        tree = self.compared()
        self.barred = barred
        self.expect("close", {"(": ")", "[": "]", "{": "}"}[opened.text])
        return _placed(tree, (opened.start, self.behind()[1]))

    def absolute(self) -> Tree:
        """Read |x|; bars within bars need abs(…)."""
        start = self.take().start
        self.barred = True
        inside = self.sum()
        self.barred = False
        self.expect("bar", "|")
        return Call("abs", (inside,), span=(start, self.behind()[1]))

    def cases(self) -> Tree:
        """Read a function by cases, of which there are two."""
        start = self.take().start
        chosen = self.sum()
        if self.now.kind == "also":
            self.take()
        condition = self.compared()
        if self.now.kind == "end":
            self.take()
        other = self.sum()
        if self.now.kind == "also":
            self.take()
        if self.now.kind == "word" and self.now.text == "otherwise":
            self.take()
        if self.now.kind != "end cases":
            raise self.fault("cases")
        self.take()
        return Call("where", (condition, chosen, other), span=(start, self.behind()[1]))

    def group(self) -> Tree:
        if self.now.kind != "open":
            raise self.fault("bracket")
        return self.bracket()

    def fraction(self) -> Tree:
        start = self.take().start
        if self.ahead().kind == "partial" and self.now.kind == "open":
            above = self.differential_in_braces()
            below = self.differential_in_braces()
            return self.quotient(above, below, (start, self.behind()[1]))
        if self.ahead().kind == "word" and self.ahead(2).kind == "close":
            place = self.place
            above = self.bracketed_word()
            if self.now.kind == "open" and self.ahead(2).kind == "close":
                below = self.bracketed_word()
                if above[:1] == below[:1] == "d" and self.is_quotient(above[1:], below[1:]):
                    return self.quotient(above[1:], below[1:], (start, self.behind()[1]))
            self.place = place
        top = self.group()
        bottom = self.group()
        return Binary("divide", top, bottom, span=(start, self.behind()[1]))

    def bracketed_word(self) -> str:
        self.take()
        word = self.take().text
        self.take()
        return word

    def differential_in_braces(self) -> str:
        self.expect("open", "{")
        self.expect("partial", "∂")
        word = self.take().text
        self.expect("close", "}")
        return word

    def partial(self) -> Tree:
        """Read ∂above/∂below."""
        start = self.take().start
        above = self.take().text
        if self.now.kind == "divide" and self.ahead().kind == "partial":
            self.place += 2
            below = self.take().text
            return self.quotient(above, below, (start, self.behind()[1]))
        raise self.fault("quotient")

    def is_quotient(self, above: str, below: str) -> bool:
        return bool(self.names.differential(above) and self.names.differential(below))

    def quotient(self, above: str, below: str, span: Span) -> Tree:
        for word in (above, below):
            if self.names.differential(word) is None:
                raise self.names.unknown(word)
        text = f"∂{above}/∂{below}"
        key = self.names.quotient(above, below)
        if key is not None:
            return Name(key, text, span=span)
        keys = [self.names.differential(word) or "" for word in (above, below)]
        return Partial(keys[0], keys[1], text, span=span)

    def word(self) -> Tree:
        token = self.take()
        text, span = token.text, (token.start, token.end)
        opened = self.now.kind == "open" and self.now.text in "({"
        primed = self.now.kind == "prime" and self.ahead().kind == "open"
        function = self.function(text, opened or primed, primed)
        if function is not None:
            return function(token)
        if self.now.kind == "divide" and self.ahead().kind == "word" and text[:1] == "d":
            # dL/dW_ho: one derivative, no quotient.
            below = self.ahead().text
            if below[:1] == "d":
                pair = (text[1:].lstrip("_"), below[1:].lstrip("_"))
                if self.is_quotient(*pair):
                    self.place += 2
                    return self.quotient(*pair, (token.start, self.behind()[1]))
        return Name(self.known(text), text, span=span)

    def known(self, text: str) -> str:
        key = self.names.key(text)
        if key is None:
            raise self.names.unknown(text)
        return key

    def function(self, text: str, opened: bool, primed: bool) -> "Callable[[Token], Tree] | None":
        """Return what reads the rest of a call, None where the word is no function's name."""
        name = text.casefold()
        activation = self.names.function(text)
        starts = opened or (self.starts_factor() and self.names.key(text) is None)
        if not starts:
            return None
        if name in ELEMENTARY and not primed:
            return lambda token: self.call(ELEMENTARY[name], token)
        if name in TOTALS:
            return lambda token: self.total(name, None)
        if name in PRODUCTS:
            return lambda token: self.two(PRODUCTS[name], token)
        if name == "outer":
            return lambda token: self.call("outer", token)
        if name == "transpose":
            return lambda token: Transposed(self.arguments(1)[0], span=self._from(token))
        if activation is not None and self.names.key(text) is None:
            slope = " slope" if primed else ""
            if primed:
                self.take()
            return lambda token: self.call(activation + slope, token)
        return None

    def _from(self, token: Token) -> Span:
        return (token.start, self.behind()[1])

    def two(self, operation: Operation, token: Token) -> Tree:
        left, right = self.arguments(2)
        return Binary(operation, left, right, span=self._from(token))

    def call(self, name: str, token: Token) -> Tree:
        count = {"maximum": 2, "minimum": 2, "outer": 2, "where": 3}.get(name, 1)
        if count == 1 and self.now.kind != "open":
            with self.deeper():
                return Call(name, (self.power(),), span=self._from(token))
        return Call(name, tuple(self.arguments(count)), span=self._from(token))

    def arguments(self, count: int) -> list[Tree]:
        closing = {"(": ")", "{": "}"}.get(self.now.text, ")")
        if self.now.kind != "open":
            raise self.fault("bracket")
        self.take()
        found = [self.compared()]
        while self.now.kind == "comma":
            self.take()
            if self.now.kind == "word" and self.ahead().kind == "equals":
                raise self.fault("option")
            found.append(self.compared())
        if len(found) != count:
            raise self.fault("arguments", wanted=str(count), came=str(len(found)))
        self.expect("close", closing)
        return found

    def compared(self) -> Tree:
        """Read a sum, a comparison of two, or ``x if c else y``."""
        tree = self.sum()
        if self.now.kind == "compare":
            sign = self.take().text
            right = self.sum()
            return Comparison(sign, tree, right, span=over(tree, right))
        if self.now.kind == "word" and self.now.text == "if":
            with self.deeper():
                self.take()
                condition = self.compared()
                if self.now.kind != "word" or self.now.text != "else":
                    raise self.fault("else")
                self.take()
                other = self.compared()
            return Call("where", (condition, tree, other), span=over(tree, other))
        return tree

    def total(self, name: str, operand: Tree | None) -> Tree:
        """Read sum(x, axis=0, keepdims=True), or .sum(…) of what stands before it."""
        start = operand.span[0] if operand is not None else self.found[self.place - 1].start
        self.expect("open", "(")
        axis: int | None = None
        keep = False
        if operand is None:
            operand = self.compared()
            if self.now.kind == "comma":
                self.take()
        while self.now.kind != "close":
            option = self.take().text if self.now.kind == "word" else "axis"
            if self.now.kind == "equals":
                self.take()
            sign = 1
            if self.now.kind == "subtract":
                self.take()
                sign = -1
            value = self.take().text
            if option in ("axis", "dim") and value in ("0", "1", "2", "None"):
                axis = None if value == "None" else sign * int(value)
                if axis not in (None, 0, 1, -1, -2):
                    raise self.fault("axis")
                axis = None if axis is None else axis % 2
            elif option in ("keepdims", "keepdim") and value in ("True", "False", "1", "0"):
                keep = value in ("True", "1")
            else:
                raise self.fault("total", function=name, option=(option,))
            if self.now.kind == "comma":
                self.take()
        self.expect("close", ")")
        span = (start, self.behind()[1])
        return Total(operand, axis, TOTALS[name], keep or axis is None, span=span)

    def member(self, tree: Tree, token: Token) -> Tree:
        """Read .dot(…), .sum(axis=0) and the like."""
        name = token.text
        if name in PRODUCTS:
            (other,) = self.arguments(1)
            return Binary(PRODUCTS[name], tree, other, span=(tree.span[0], self.behind()[1]))
        if name in TOTALS:
            return self.total(name, tree)
        if name in ("transpose", "astype"):
            self.expect("open", "(")
            if self.now.kind == "word" and name == "astype":
                self.take()
            self.expect("close", ")")
            span = (tree.span[0], self.behind()[1])
            return tree if name == "astype" else Transposed(tree, span=span)
        raise Refusal("member", text=name, place=str(token.start + 1))


def _axis_called(letter: str) -> str | None:
    """Return the axis that a sum's index runs over: b over samples, any other over outputs."""
    if letter[:1] in ("b", "B", "s", "m"):
        return "samples"
    return "units" if letter else None


def over(left: Tree, right: Tree) -> Span:
    """Return where two pieces stand together."""
    return (left.span[0], right.span[1])


def _placed(tree: Tree, span: Span) -> Tree:
    """Let a node in brackets stand where its brackets do."""
    return replace(tree, span=span)
