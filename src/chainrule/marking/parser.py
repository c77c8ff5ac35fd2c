"""Parse tokens into trees of known operations on known names.

A recursive-descent parser: statements, sums, products, powers, operands.  All products and
quotients have the same precedence and associate to the left, as in NumPy, so ``2/n (Y − a)`` is
(2/n)(Y − a).  A name directly before a bracket is a factor unless it is the name of a function.
No part of the line is ever executed.

The grammar is one class, because operands contain sums again: that is why the file is long.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from chainrule.language.refusals import PhraseValue, Refusal
from chainrule.marking.quantities import LOSS, Quantity, Role, partial
from chainrule.marking.syntax import (
    Binary,
    Call,
    Comparison,
    Constant,
    Name,
    Negative,
    Operation,
    PartialDerivative,
    Raised,
    Reduction,
    ReductionAxis,
    Span,
    Transposed,
    Tree,
    Vector,
    children,
    nodes,
)
from chainrule.marking.tokens import Token, tokens

MAX_DEPTH = 30
"""The largest depth of nested brackets, signs and powers."""
MAX_EXPANDED = 2000
"""The most nodes that the learner's own variables add to a line."""
_FUNCTIONS = {
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
    "cosh": "cosh",
    "sinh": "sinh",
    "negative": "negative",
    "norm": "norm",
    "len": "len",
    "ones": "ones",
    "zeros_like": "zeros_like",
    "ones_like": "ones_like",
    "indicator": "indicator",
}
_ARGUMENT_COUNTS = {"maximum": 2, "minimum": 2, "outer": 2, "where": 3}
"""The functions with more than one argument."""
_PRODUCTS: dict[str, Operation] = {
    **{"dot": "matrix", "matmul": "matrix", "mm": "matrix"},
    **{"multiply": "entrywise", "mul": "entrywise", "times": "entrywise"},
    **{"subtract": "subtract", "sub": "subtract", "add": "add"},
    **{"divide": "divide", "true_divide": "divide", "div": "divide"},
}
"""The functions of two factors or terms."""
_UNCHANGED = {"astype", "copy", "detach", "clone", "item", "float", "double"}
"""The methods that leave the values as they are."""
_METHODS = {"exp", "log", "tanh", "sqrt", "abs", "square", "sign"}
_REDUCTIONS = {"sum": False, "mean": True}
"""The names of reductions, True for the mean."""
_OPERAND_KINDS = ("open", "number", "partial", "sum", "frac", "root", "begin cases")
"""The tokens, besides words and bars, that an operand can start with."""
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class ParsedEquation:
    """One statement: a left side, one or more right sides ``l = r1 = r2``, = or an assignment."""

    left: Name
    rights: tuple[Tree, ...]
    assigns: bool


@dataclass(frozen=True)
class ActivationName:
    """An activation by name, or its derivative."""

    name: str
    derivative: bool = False


class NameLookup(Protocol):
    """The names that a line may contain."""

    def quantity(self, text: str) -> Quantity | None:
        """Return the quantity with this name."""

    def differentiable(self, text: str) -> Quantity | None:
        """Return the quantity that is named after ∂ or d."""

    def loss_derivative(self, above: str, below: str) -> Quantity | None:
        """Return the quantity ∂Loss/∂below, None unless ``above`` is the loss."""

    def function(self, text: str) -> ActivationName | None:
        """Return the activation or activation derivative with this name."""

    def is_error(self, text: str) -> bool:
        """Return whether a name is one that programs give to the difference y − t."""

    def error(self, text: str) -> Quantity | None:
        """Return the difference of output and target, if the name is one of its names."""

    def unknown(self, text: str) -> Refusal:
        """Return the error for an unknown name."""


def parse(line: str, names: NameLookup) -> tuple[ParsedEquation, ...]:
    """Return the statements of a line, which are separated by semicolons or line breaks.

    Raises ``InputError`` with the position for a line that is not a sequence of equations.
    """
    found = tuple(_Parser(tokens(line), names, len(line)).statements())
    if not found:
        raise Refusal("empty")
    return found


class _Parser:
    """The tokens of a line and the current position among them."""

    def __init__(self, found: list[Token], names: NameLookup, length: int) -> None:
        self.tokens = found
        self.names = names
        self.position = 0
        self.depth = 0
        self.inside_bars = False
        self.inside_norm = False
        self.is_sloped = False
        """Whether the arguments read last contain derivative=True."""
        self.is_matlab = _is_matlab(found)
        self.variables: dict[str, Tree] = {}
        """The learner's own variables, by name."""
        self.used_variables: set[str] = set()
        self.expanded = 0
        self.stop = Token("stop", "the end", length, length)

    # -- tokens --------------------------------------------------------------------------------

    @property
    def now(self) -> Token:
        return self.ahead(0)

    def ahead(self, count: int = 1) -> Token:
        index = self.position + count
        return self.tokens[index] if index < len(self.tokens) else self.stop

    def take(self) -> Token:
        token = self.now
        self.position = min(self.position + 1, len(self.tokens))
        return token

    def skip(self, kind: str, text: str | None = None) -> bool:
        """Take the current token if it has this kind (and text); return whether it was taken."""
        found = self.now.kind == kind and text in (None, self.now.text)
        if found:
            self.take()
        return found

    def expect(self, kind: str, text: str) -> None:
        if not self.skip(kind, text):
            raise self.error("missing", mark=(text,))

    def error(self, problem: str, **values: PhraseValue) -> Refusal:
        """Return the error for a problem at the current position."""
        token = self.now
        if token.kind == "stop":
            return Refusal("at_end", **values, problem=problem)
        position = str(token.start + 1)
        return Refusal(
            "at_position", **values, problem=problem, position=position, token=(token.text,)
        )

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal("too_deep", limit=str(MAX_DEPTH))
        yield
        self.depth -= 1

    def since(self, start: int) -> Span:
        """Return the span from ``start`` to the end of the last token taken."""
        last = self.tokens[self.position - 1] if self.position else self.now
        return (start, last.end)

    # -- statements ----------------------------------------------------------------------------

    def statements(self) -> Iterator[ParsedEquation]:
        while self.now.kind != "stop":
            if self.skip("end"):
                continue
            if self.defines_variable():
                yield from self.variable()
            else:
                yield self.statement()
            if self.now.kind not in ("end", "stop"):
                raise self.error("surplus")
        for text in self.variables.keys() - self.used_variables:
            if not self.names.is_error(text):
                raise self.names.unknown(text)

    def defines_variable(self) -> bool:
        """Return whether the statement gives a value to a name that the network does not have."""
        text = self.now.text
        if self.now.kind != "word" or self.ahead().kind not in ("equals", "assign"):
            return False
        if self.names.quantity(text) is not None:
            return text in self.variables or self.defines_error()
        later = self.tokens[self.position + 1 :]
        ends = [index for index, token in enumerate(later) if token.kind == "end"]
        is_used = bool(ends) and any(token.text == text for token in later[ends[0] :])
        return is_used or text in self.variables or self.names.is_error(text)

    def defines_error(self) -> bool:
        """Return whether a name such as ``error`` is a difference here, not the loss."""
        if not self.names.is_error(self.now.text):
            return False
        rest = (token for token in self.tokens[self.position + 2 :])
        words: list[Token] = []
        for token in rest:
            if token.kind == "end":
                break
            words.append(token)
        return not any(
            token.kind in ("sum", "power", "square", "norm") or token.text in _REDUCTIONS
            for token in words
        )

    def variable(self) -> Iterator[ParsedEquation]:
        """Parse the definition of a variable; that of the error is an equation too."""
        name = self.take()
        self.take()
        tree = self.condition()
        quantity = self.names.quantity(name.text)
        is_free = quantity is None or quantity == LOSS
        error = self.names.error(name.text) if is_free else None
        self.variables[name.text] = tree
        if error is not None:
            left = Name(error, name.text, span=(name.start, name.end))
            yield ParsedEquation(left, (tree,), False)

    def statement(self) -> ParsedEquation:
        left = self.left_side()
        if self.now.kind in ("less", "more"):
            operation: Operation = "subtract" if self.take().kind == "less" else "add"
            change = self.sum()
            span = (left.span[0], change.span[1])
            return ParsedEquation(left, (Binary(operation, left, change, span=span),), True)
        assigns = self.skip("assign")
        if not (assigns or self.skip("equals") or self.skip("compare", "==")):
            raise self.error("equals")
        rights = [self.sum()]
        while self.skip("equals"):
            rights.append(self.sum())
        return ParsedEquation(left, tuple(rights), assigns)

    def left_side(self) -> Name:
        tree = self.operand()
        if isinstance(tree, PartialDerivative):
            return Name(partial(tree.above, tree.below), tree.text, span=tree.span)
        if not isinstance(tree, Name):
            raise Refusal("left_side")
        if self.skip("prime"):
            return replace(tree, quantity=self.known(f"{tree.text}_new"))
        return tree

    # -- sums, products, powers ----------------------------------------------------------------

    def condition(self) -> Tree:
        """Parse a sum, a comparison of two sums, or ``x if c else y``."""
        tree = self.sum()
        if self.now.kind == "compare":
            sign = self.take().text
            right = self.sum()
            return Comparison(sign, tree, right, span=_joint_span(tree, right))
        if self.skip("word", "if"):
            with self.deeper():
                condition = self.condition()
                if not self.skip("word", "else"):
                    raise self.error("else")
                other = self.condition()
            return Call("where", (condition, tree, other), span=_joint_span(tree, other))
        return tree

    def sum(self) -> Tree:
        """Parse terms joined by + and −."""
        with self.deeper():
            tree = self.term()
            while self.now.kind in ("add", "subtract"):
                operation: Operation = "add" if self.take().kind == "add" else "subtract"
                right = self.term()
                tree = Binary(operation, tree, right, span=_joint_span(tree, right))
        return tree

    def term(self) -> Tree:
        """Parse factors, with or without signs between them."""
        tree = self.signed()
        while True:
            is_star = self.now.text == "*"
            operation = self.product_sign()
            if operation is not None:
                right = self.signed()
                if is_star and self.is_matlab and not _has_number(tree, right):
                    operation = "matrix"
            elif self.starts_operand():
                operation = "product"
                if self.now.text == "1" and self.ahead().kind not in ("divide", "power"):
                    right = self.ones()
                else:
                    right = self.power()
            else:
                return tree
            tree = Binary(operation, tree, right, span=_joint_span(tree, right))

    def product_sign(self) -> Operation | None:
        """Take the sign between two factors, None if there is none.

        • × is one sign, the matrix product.
        """
        match self.now.kind:
            case "entrywise":
                self.take()
                return "entrywise"
            case "matrix":
                self.take()
                return "matrix"
            case "divide":
                self.take()
                return "divide"
            case "dot" | "product":
                dot = self.take().text in "•·⋅∙"
                if self.skip("dot") or (dot and self.skip("product")):
                    return "matrix"
                return "product"
        return None

    def signed(self) -> Tree:
        if self.now.kind not in ("subtract", "add"):
            return self.power()
        sign = self.take()
        with self.deeper():
            operand = self.signed()
        if sign.kind == "add":
            return operand
        return Negative(operand, span=(sign.start, operand.span[1]))

    def power(self) -> Tree:
        tree = self.postfixed()
        while self.now.kind in ("power", "square"):
            sign = self.take()
            if sign.kind == "square":
                exponent: Tree = Constant(2.0, "2", span=(sign.start, sign.end))
            elif self.now.text == "{" and self.ahead().kind == "entrywise":
                self.position += 2  # X^{⊙2}
                exponent = self.sum()
                self.expect("close", "}")
            else:
                self.skip("entrywise")  # X^⊙2
                with self.deeper():
                    exponent = self.signed()
            tree = Raised(tree, exponent, span=_joint_span(tree, exponent))
        return tree

    def postfixed(self) -> Tree:
        """Parse an operand with transposes and methods after it."""
        tree = self.operand()
        while self.now.kind in ("transpose", "prime", "member"):
            token = self.take()
            span = (tree.span[0], token.end)
            if token.kind == "member":
                tree = self.method(tree, token)
            elif isinstance(tree, Constant) and tree.value == 1:
                tree = Vector(True, span=span)
            else:
                tree = Transposed(tree, span=span)
        return tree

    # -- operands ------------------------------------------------------------------------------

    def starts_operand(self) -> bool:
        """Return whether the current token can start a factor without a sign before it."""
        if self.now.kind == "word":
            return self.now.text not in ("if", "else")
        if self.now.kind == "bar":
            return not self.inside_bars
        if self.now.kind == "norm":
            return not self.inside_norm
        return self.now.kind in _OPERAND_KINDS

    def operand(self) -> Tree:
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
                return self.partial_derivative()
            case "sum":
                self.take()
                with self.deeper():
                    body = self.term()
                return Reduction(body, _sum_axis(token.text), span=(token.start, body.span[1]))
            case "root":
                self.take()
                inside = self.bracket() if self.now.kind == "open" else self.power()
                return Call("sqrt", (inside,), span=self.since(token.start))
            case "norm" if not self.inside_norm:
                self.take()
                self.inside_norm = True
                inside = self.sum()
                self.inside_norm = False
                if not self.skip("norm"):
                    raise self.error("missing", mark=("‖",))
                return Call("norm", (inside,), span=self.since(token.start))
            case "bar" if not self.inside_bars:
                return self.absolute_value()
            case "begin cases":
                return self.cases()
            case "word":
                return self.word()
        raise self.error("operand")

    def ones(self) -> Tree:
        """Parse a 1 after a matrix: a column of ones, or a row if it is transposed."""
        start = self.take().start
        row = self.skip("transpose")
        return Vector(row, span=self.since(start))

    def bracket(self) -> Tree:
        if self.now.kind != "open":
            raise self.error("bracket")
        opened = self.take()
        inside_bars, self.inside_bars = self.inside_bars, False
        tree = self.condition()
        self.inside_bars = inside_bars
        self.expect("close", _CLOSING[opened.text])
        return replace(tree, span=self.since(opened.start))

    def absolute_value(self) -> Tree:
        """Parse |x|; nested absolute values must be written abs(…)."""
        start = self.take().start
        self.inside_bars = True
        inside = self.sum()
        self.inside_bars = False
        self.expect("bar", "|")
        return Call("abs", (inside,), span=self.since(start))

    def cases(self) -> Tree:
        """Parse a function with two cases."""
        start = self.take().start
        chosen = self.sum()
        self.skip("also")
        condition = self.condition()
        self.skip("end")
        other = self.sum()
        self.skip("also")
        self.skip("word", "otherwise")
        if not self.skip("end cases"):
            raise self.error("cases")
        return Call("where", (condition, chosen, other), span=self.since(start))

    def word(self) -> Tree:
        """Parse a name, a call, or a derivative dL/dW."""
        token = self.take()
        text, span = token.text, (token.start, token.end)
        opened = self.now.kind == "open" and self.now.text in "({"
        opened = opened or (text == "indicator" and self.now.kind == "open")
        primed = self.now.kind == "prime" and self.ahead().kind == "open"
        call = self.call_parser(text, opened or primed, primed)
        if call is not None:
            return call(token)
        below = self.ahead()
        if self.now.kind == "divide" and below.kind == "word" and text[:1] == below.text[:1] == "d":
            above, under = text[1:].lstrip("_"), below.text[1:].lstrip("_")
            if self.are_differentiable(above, under):
                self.position += 2
                return self.derivative(above, under, self.since(token.start))
        if text in self.variables:
            self.used_variables.add(text)
            self.expanded += sum(1 for _ in nodes(self.variables[text]))
            if self.expanded > MAX_EXPANDED:  # d2 = d1 + d1; d3 = d2 + d2 doubles each time
                raise Refusal("too_many_symbols", limit=str(MAX_EXPANDED))
            return replace(self.variables[text], span=span)
        if text.startswith("∇") and self.now.kind == "word":
            self.position += self.names.differentiable(self.now.text) == LOSS  # ∇_W L
        return Name(self.known(text), text, span=span)

    def known(self, text: str) -> Quantity:
        quantity = self.names.quantity(text)
        if quantity is None:
            raise self.names.unknown(text)
        return quantity

    # -- fractions and derivatives -------------------------------------------------------------

    def fraction(self) -> Tree:
        r"""Parse the braces after \frac: a quotient, or a derivative with ∂ or d."""
        start = self.take().start
        if self.ahead().kind == "partial" and self.now.kind == "open":
            above = self.differential_in_braces()
            below = self.differential_in_braces()
            return self.derivative(above, below, self.since(start))
        if self.ahead().kind == "word" and self.ahead(2).kind == "close":
            position = self.position
            above = self.word_in_braces()
            if self.now.kind == "open" and self.ahead(2).kind == "close":
                below = self.word_in_braces()
                both = above[:1] == below[:1] == "d"
                if both and self.are_differentiable(above[1:], below[1:]):
                    return self.derivative(above[1:], below[1:], self.since(start))
            self.position = position
        top = self.braced_or_digit()
        bottom = self.braced_or_digit()
        return Binary("divide", top, bottom, span=self.since(start))

    def braced_or_digit(self) -> Tree:
        r"""Parse one argument of \frac: in braces, or one symbol, of \frac12 one digit."""
        token = self.now
        if token.kind == "open":
            return self.bracket()
        if token.kind == "number" and token.text.isdigit() and len(token.text) > 1:
            middle = token.start + 1
            self.tokens[self.position : self.position + 1] = [
                Token("number", token.text[0], token.start, middle),
                Token("number", token.text[1:], middle, token.end),
            ]
        return self.operand()

    def word_in_braces(self) -> str:
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

    def partial_derivative(self) -> Tree:
        """Parse ∂above/∂below."""
        start = self.take().start
        above = self.take().text
        if not (self.now.kind == "divide" and self.ahead().kind == "partial"):
            raise self.error("quotient")
        self.position += 2
        below = self.take().text
        return self.derivative(above, below, self.since(start))

    def are_differentiable(self, above: str, below: str) -> bool:
        return None not in (self.names.differentiable(above), self.names.differentiable(below))

    def derivative(self, above: str, below: str, span: Span) -> Tree:
        ends: list[Quantity] = []
        for word in (above, below):
            quantity = self.names.differentiable(word)
            if quantity is None:
                raise self.names.unknown(word)
            ends.append(quantity)
        text = f"∂{above}/∂{below}"
        cotangent = self.names.loss_derivative(above, below)
        if cotangent is not None:
            return Name(cotangent, text, span=span)
        return PartialDerivative(ends[0], ends[1], text, span=span)

    # -- calls ---------------------------------------------------------------------------------

    def call_parser(self, text: str, opened: bool, primed: bool) -> Callable[[Token], Tree] | None:
        """Return what parses the rest of a call, None if the word is not the name of a function."""
        name = text.casefold()
        is_quantity = self.names.quantity(text) is not None
        if not (opened or (self.starts_operand() and not is_quantity)):
            return None
        if name in ("clip", "power", "heaviside", "einsum", "prod", "h") and opened and not primed:
            quantity = self.names.quantity(text)
            is_step = text == "H" and (quantity is None or quantity.symbol == "a_h")
            if name != "h" or is_step:
                return lambda token: self.named_call(name, token)
        if name in _FUNCTIONS and not primed:
            return lambda token: self.call(_FUNCTIONS[name], token)
        if name in _REDUCTIONS:
            return lambda token: self.reduction(name, None, token.start)
        if name in _PRODUCTS:
            return lambda token: self.product_call(_PRODUCTS[name], token)
        if name == "outer":
            return lambda token: self.call("outer", token)
        if name == "transpose":
            return self.transpose_call
        activation = self.names.function(text)
        if activation is None or is_quantity:
            return None
        if primed:
            self.take()
        derivative = primed or activation.derivative
        return lambda token: self.call(activation.name, token, derivative)

    def named_call(self, name: str, token: Token) -> Tree:
        """Parse the call of a function with a form of its own."""
        calls: dict[str, Callable[[Token], Tree]] = {
            **{"clip": self.clip_call, "power": self.power_call, "einsum": self.einsum_call},
            **{"heaviside": self.heaviside_call, "prod": self.prod_call, "h": self.h_call},
        }
        return calls[name](token)

    def power_call(self, token: Token) -> Tree:
        base, exponent = self.arguments(2)
        return Raised(base, exponent, span=self.since(token.start))

    def heaviside_call(self, token: Token) -> Tree:
        argument, _ = self.arguments(2)
        zero = Constant(0.0, "0")
        return Comparison(">", argument, zero, span=self.since(token.start))

    def h_call(self, token: Token) -> Tree:
        """Parse H(z), the step function."""
        (argument,) = self.arguments(1)
        return Comparison(">", argument, Constant(0.0, "0"), span=self.since(token.start))

    def prod_call(self, token: Token) -> Tree:
        """Parse prod(x.shape), the count of entries."""
        (argument,) = self.arguments(1)
        if not (isinstance(argument, Call) and argument.function == "shape"):
            raise Refusal("attribute", text=token.text, position=str(token.start + 1))
        return Call("size", argument.arguments, span=self.since(token.start))

    def einsum_call(self, token: Token) -> Tree:
        """Parse einsum('bi,bj->ij', x, y): one letter for each axis."""
        self.expect("open", "(")
        subscripts = self.take()
        if subscripts.kind != "string":
            raise self.error("operand")
        found: list[Tree] = []
        while self.skip("comma"):
            found.append(self.condition())
        self.expect("close", ")")
        text = subscripts.text
        if not _SUBSCRIPTS.fullmatch(text) or text.count(",") != len(found) - 1:
            raise self.error("arguments", expected=str(text.count(",") + 1), count=str(len(found)))
        return Call(f"einsum {text}", tuple(found), span=self.since(token.start))

    def clip_call(self, token: Token) -> Tree:
        """Parse clip(x, low, high), where an end may be None."""
        self.expect("open", "(")
        operand = self.condition()
        self.skip("comma")
        return self.clipped(operand, token.start)

    def clipped(self, tree: Tree, start: int) -> Tree:
        """Parse the ends of clip: low, high, or min= and max=."""
        functions = {"min": "maximum", "a_min": "maximum", "max": "minimum", "a_max": "minimum"}
        for end in ("min", "max"):
            if self.now.kind == "word" and self.ahead().kind == "equals":
                end = self.take().text
                self.take()
                if end not in functions:
                    raise self.error("option")
            if self.now.kind != "close" and not self.skip("word", "None"):
                tree = Call(functions[end], (tree, self.condition()), span=tree.span)
            self.skip("comma")
        self.expect("close", ")")
        return replace(tree, span=self.since(start))

    def product_call(self, operation: Operation, token: Token) -> Tree:
        left, right = self.arguments(2)
        operation = _with_numbers(token.text, operation, left, right)
        return Binary(operation, left, right, span=self.since(token.start))

    def transpose_call(self, token: Token) -> Tree:
        (operand,) = self.arguments(1)
        return Transposed(operand, span=self.since(token.start))

    def call(self, function: str, token: Token, derivative: bool = False) -> Tree:
        count = _ARGUMENT_COUNTS.get(function, 1)
        if count == 1 and self.now.kind != "open":
            with self.deeper():
                arguments = [self.power()]
        else:
            arguments = self.arguments(count)
        if self.is_sloped:
            derivative, self.is_sloped = True, False
        if function == "indicator":
            return replace(arguments[0], span=self.since(token.start))
        if function == "negative":
            return Negative(arguments[0], span=self.since(token.start))
        return Call(function, tuple(arguments), derivative, span=self.since(token.start))

    def arguments(self, count: int) -> list[Tree]:
        if self.now.kind != "open":
            raise self.error("bracket")
        closing = _CLOSING[self.take().text]
        found = [self.condition()]
        while self.skip("comma"):
            if self.now.kind == "word" and self.ahead().kind == "equals":
                if self.now.text not in _SLOPE_OPTIONS or self.ahead(2).text != "True":
                    raise self.error("option")
                self.position += 3
                self.is_sloped = True
                continue
            found.append(self.condition())
        if len(found) != count:
            raise self.error("arguments", expected=str(count), count=str(len(found)))
        self.expect("close", closing)
        return found

    def reduction(self, name: str, operand: Tree | None, start: int) -> Tree:
        """Parse sum(x, axis=0, keepdims=True), or the method .sum(…) of an operand."""
        self.expect("open", "(")
        axis: int | None = None
        keepdims = False
        if operand is None:
            operand = self.condition()
            self.skip("comma")
        while self.now.kind != "close":
            is_plain = self.now.kind != "word" or self.now.text == "None"
            option = "axis" if is_plain else self.take().text
            self.skip("equals")
            sign = -1 if self.skip("subtract") else 1
            value = self.take().text
            if option in ("axis", "dim") and value in ("0", "1", "2", "None"):
                axis = None if value == "None" else sign * int(value)
                if axis is not None and is_plain and (self.is_matlab or axis == 2):
                    axis, keepdims = axis - 1, True  # MATLAB counts from 1 and keeps axes
                if axis not in (None, 0, 1, -1, -2):
                    raise self.error("axis")
                axis = None if axis is None else axis % 2
            elif option in ("keepdims", "keepdim") and value in ("True", "False", "1", "0"):
                keepdims = value in ("True", "1")
            else:
                raise self.error("reduction", function=name, option=(option,))
            self.skip("comma")
        self.expect("close", ")")
        span = self.since(start)
        return Reduction(operand, axis, _REDUCTIONS[name], keepdims or axis is None, span=span)

    def method(self, tree: Tree, token: Token) -> Tree:
        """Parse .dot(…), .sum(axis=0), .transpose() or .astype(…) after an operand."""
        name, start = token.text, tree.span[0]
        if name in _PRODUCTS:
            (other,) = self.arguments(1)
            operation = _with_numbers(name, _PRODUCTS[name], tree, other)
            return Binary(operation, tree, other, span=self.since(start))
        if name in _REDUCTIONS:
            return self.reduction(name, tree, start)
        if name in ("transpose", *_UNCHANGED):
            self.expect("open", "(")
            if name == "astype":
                self.skip("word")
            self.expect("close", ")")
            return tree if name in _UNCHANGED else Transposed(tree, span=self.since(start))
        if name == "shape" and not self.skip_shape():
            raise Refusal("attribute", text=name, position=str(token.start + 1))
        if name in ("row", "column", "shape", "shape0", "shape1", "size"):
            return Call(name, (tree,), span=self.since(start))
        if name == "reshape":
            return self.reshaped(tree)
        if name == "pow":
            (exponent,) = self.arguments(1)
            return Raised(tree, exponent, span=self.since(start))
        if name == "clip":
            self.expect("open", "(")
            return self.clipped(tree, start)
        if name in _METHODS or self.names.function(name) is not None:
            self.expect("open", "(")
            self.expect("close", ")")
            activation = self.names.function(name)
            if name in _METHODS or activation is None:
                return Call(name, (tree,), span=self.since(start))
            return Call(activation.name, (tree,), activation.derivative, span=self.since(start))
        raise Refusal("attribute", text=name, position=str(token.start + 1))

    def skip_shape(self) -> bool:
        """Return whether a shape is the argument of prod, as in prod(x.shape)."""
        before = [token.text for token in self.tokens[max(0, self.position - 4) : self.position]]
        return "prod" in before

    def reshaped(self, tree: Tree) -> Tree:
        """Parse .reshape(-1, 1) or .reshape(1, -1) of a vector: a column or a row."""
        start = self.position
        self.expect("open", "(")
        lengths: list[str] = []
        while self.now.kind not in ("close", "stop") and len(lengths) < 4:
            sign = "-" if self.skip("subtract") else ""
            lengths.append(sign + self.take().text)
            self.skip("comma")
        self.expect("close", ")")
        kinds = {("-1", "1"): "column", ("1", "-1"): "row"}
        kind = kinds.get((lengths[0], lengths[-1])) if len(lengths) == 2 else None
        if kind is None:
            raise Refusal("attribute", text="reshape", position=str(self.tokens[start].start + 1))
        return Call(kind, (tree,), span=self.since(tree.span[0]))


_SUBSCRIPTS = re.compile(r"[a-z]{1,2}(?:,[a-z]{1,2}){0,2}->[a-z]{0,2}", re.I)
_SLOPE_OPTIONS = ("derivative", "deriv", "prime", "derivate")
"""The options of an activation by which programs ask for its derivative."""


def _is_matlab(found: list[Token]) -> bool:
    """Return whether a line is in MATLAB's notation, where * is the matrix product.

    It has .*, ./ or .^, or a ' that transposes, and nothing of NumPy.
    """
    pairs = list(itertools.pairwise([*found, Token("stop", "", 0, 0)]))
    if any(
        token.kind == "matrix"
        or token.text in ("**", "ᵀ")
        or (token.kind == "member" and token.text in ("dot", "sum", "mean"))
        for token in found
    ):
        return False
    return any(
        token.text in (".*", "./", ".^", ".'")
        or (
            token.text == "'"
            and (following.kind, following.text) != ("open", "(")
            and following.kind not in ("equals", "assign")
        )
        for token, following in pairs
    )


def _has_number(*factors: Tree) -> bool:
    return any(map(_is_number, factors))


def _sum_axis(index: str) -> ReductionAxis:
    """Return the axis of the index of a sum: samples for b, units for other letters."""
    if index[:1] in ("b", "B", "s", "m"):
        return "samples"
    return "units" if index else None


def _with_numbers(function: str, operation: Operation, *factors: Tree) -> Operation:
    """Return the operation of a function: dot multiplies by a number, which matmul and @ do not."""
    is_scaling = function == "dot" and any(map(_is_number, factors))
    return "entrywise" if is_scaling else operation


def _is_number(tree: Tree) -> bool:
    """Return whether a tree consists of numbers and constants only."""
    leaves = [node for node in nodes(tree) if not children(node)]
    return all(
        isinstance(leaf, Constant)
        or (isinstance(leaf, Name) and leaf.quantity.role in (Role.CONSTANT, Role.LOSS))
        for leaf in leaves
    )


def _joint_span(left: Tree, right: Tree) -> Span:
    """Return the span from the start of one node to the end of another."""
    return (left.span[0], right.span[1])
