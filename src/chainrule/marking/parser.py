"""Parse tokens into trees of known operations on known names.

A recursive-descent parser: statements, sums, products, powers, operands.  All products and
quotients have the same precedence and associate to the left, as in NumPy, so ``2/n (Y − a)`` is
(2/n)(Y − a).  A name directly before a bracket is a factor unless it is the name of a function.
No part of the line is ever executed.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.language.refusals import Refusal
from chainrule.marking.grammar import CLOSING, Grammar, NameLookup
from chainrule.marking.latex_forms import LatexForms, with_products
from chainrule.marking.matlab_notation import MatlabUse, divided, has_number, raised
from chainrule.marking.python_calls import REDUCTIONS, PythonCalls
from chainrule.marking.quantities import LOSS, OUTPUT_COUNT, SAMPLE_COUNT, Quantity, partial
from chainrule.marking.scanned_text import Token
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
    Transposed,
    Tree,
    Vector,
    joint_span,
    nodes,
)
from chainrule.marking.tokens import tokens

MAX_EXPANDED = 2000
"""The most nodes that the learner's own variables add to a line."""
_OPERAND_KINDS = ("open", "number", "partial", "sum", "frac", "root", "begin cases")
"""The tokens, besides words and bars, that an operand can start with."""


@dataclass(frozen=True)
class ParsedEquation:
    """One statement: a left side, one or more right sides ``l = r1 = r2``, = or an assignment."""

    left: Name
    rights: tuple[Tree, ...]
    assigns: bool
    style: Callable[[Quantity, Sequence[str]], str | None] | None = None
    """What spells a quantity as names in a line are spelled."""
    matlab: bool = False
    """Whether it is in MATLAB's notation throughout."""


def parse(
    line: str,
    names: NameLookup,
    *,
    matlab: MatlabUse = "none",
    sum_axes: Mapping[str, int] | None = None,
) -> tuple[ParsedEquation, ...]:
    """Return the statements of a line, which are separated by semicolons or line breaks.

    Raises ``InputError`` with the position for a line that is not a sequence of equations.
    """
    parser = _Parser(_tokens(line, names, ()), names, line, matlab)
    parser.sum_axes = sum_axes
    found = tuple(parser.statements())
    if not found:
        raise Refusal("empty")
    return found


def parse_statement(
    text: str, names: NameLookup, variables: dict[str, Tree], *, matlab: MatlabUse = "none"
) -> tuple[ParsedEquation, ...]:
    """Return the equations of one statement of a longer answer, none for a variable of its own.

    ``variables`` are those of the answer so far; a definition is added to them.  A name that the
    network does not have is a variable, as is a count (``m = X.shape[0]``).
    """
    parser = _Parser(_tokens(text, names, variables), names, text, matlab)
    parser.variables, parser.is_part = variables, True
    return tuple(parser.statements())


def _tokens(line: str, names: NameLookup, variables: Container[str]) -> list[Token]:
    """Return the tokens of a line, where names are one token each, and products several."""
    found = with_layers(tokens(line), names)
    return with_products(found, names, variables) if "\\" in line else found


def with_layers(found: list[Token], names: NameLookup) -> list[Token]:
    """Return the tokens with w^2 as one name where w alone is none: the 2 is that of a layer."""
    merged: list[Token] = []
    for token in found:
        is_number = token.kind == "number" and token.text.isdigit() and len(token.text) < 3
        if is_number and len(merged) > 1 and merged[-1].kind == "power":
            base = merged[-2]
            word = f"{base.text}_{token.text}"
            is_free = base.kind == "word" and names.needs_layer(base.text)
            if is_free and len(base.text) < 3 and names.quantity(word) is not None:
                merged[-2:] = [Token("word", word, base.start, token.end)]
                continue
        merged.append(token)
    return merged


class _Parser(Grammar):
    """The statements of a line, and the variables that it defines."""

    def __init__(self, found: list[Token], names: NameLookup, text: str, given: MatlabUse) -> None:
        super().__init__(found, names, text, given)
        self.calls = PythonCalls(self)
        self.forms = LatexForms(self)
        self.inside_bars = False
        self.inside_norm = False
        self.variables: dict[str, Tree] = {}
        """The learner's own variables, by name."""
        self.used_variables: set[str] = set()
        self.expanded = 0
        self.sum_axes: Mapping[str, int] | None = None
        """The axis of each letter in a line in index form."""
        self.is_part = False
        """Whether this is a part of a longer answer, which may use the variables later."""

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
        unused = set() if self.is_part else self.variables.keys() - self.used_variables
        for text in unused:
            if not self.names.is_error(text):
                raise self.names.unknown(text)

    def defines_variable(self) -> bool:
        """Return whether the statement gives a value to a name that the network does not have."""
        text = self.now.text
        if self.now.kind != "word" or self.ahead().kind not in ("equals", "assign"):
            return False
        quantity = self.names.quantity(text)
        if self.is_part:
            return quantity in (None, SAMPLE_COUNT, OUTPUT_COUNT) or self.defines_error()
        if quantity is not None:
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
            token.kind in ("sum", "power", "square", "norm") or token.text in REDUCTIONS
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
            changed = Binary(operation, left, change, span=span)
            return self.equation(left, (changed,), True)
        assigns = self.skip("assign")
        if not (assigns or self.skip("equals") or self.skip("compare", "==")):
            raise self.error("equals")
        rights = [self.sum()]
        while self.skip("equals"):
            rights.append(self.sum())
        return self.equation(left, tuple(rights), assigns)

    def equation(self, left: Name, rights: tuple[Tree, ...], assigns: bool) -> ParsedEquation:
        return ParsedEquation(left, rights, assigns, self.names.in_style, self.matlab == "whole")

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
            return Comparison(sign, tree, right, span=joint_span(tree, right))
        if self.skip("word", "if"):
            with self.deeper():
                condition = self.condition()
                if not self.skip("word", "else"):
                    raise self.error("else")
                other = self.condition()
            return Call("where", (condition, tree, other), span=joint_span(tree, other))
        return tree

    def sum(self) -> Tree:
        """Parse terms joined by + and −."""
        with self.deeper():
            tree = self.term()
            while self.now.kind in ("add", "subtract"):
                operation: Operation = "add" if self.take().kind == "add" else "subtract"
                right = self.term()
                tree = Binary(operation, tree, right, span=joint_span(tree, right))
        return tree

    def term(self) -> Tree:
        """Parse factors, with or without signs between them."""
        tree = self.signed()
        while True:
            sign = "" if self.is_pointed() else self.now.text
            operation = self.product_sign()
            if operation is not None:
                right = self.signed()
                if sign == "*" and self.has_stars and not has_number(tree, right):
                    operation = "matrix"
                if sign == "/" and self.matlab == "whole":
                    tree = replace(divided(tree, right), span=joint_span(tree, right))
                    continue
            elif self.starts_operand():
                operation = "product"
                after = self.ahead()
                is_ones = after.kind not in ("divide", "power") or after.text == "⊘"
                right = self.ones() if self.now.text == "1" and is_ones else self.power()
            else:
                return tree
            tree = Binary(operation, tree, right, span=joint_span(tree, right))

    @property
    def has_stars(self) -> bool:
        """Whether * is the matrix product."""
        return self.matlab in ("stars", "whole")

    def is_pointed(self) -> bool:
        """Return whether the sign here is of entries by the point of a number: 1./x, 2.^x."""
        before = self.tokens[self.position - 1] if self.position else self.stop
        is_number = before.kind == "number" and before.text.endswith(".")
        return is_number and before.end == self.now.start

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
            is_matrix = self.now.text == "^" and self.matlab == "whole" and not self.is_pointed()
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
            power = raised(tree, exponent) if is_matrix else Raised(tree, exponent)
            tree = replace(power, span=joint_span(tree, exponent))
        return tree

    def postfixed(self) -> Tree:
        """Parse an operand with transposes and methods after it."""
        tree = self.operand()
        while self.now.kind in ("transpose", "prime", "member"):
            token = self.take()
            span = (tree.span[0], token.end)
            if token.kind == "member":
                tree = self.calls.method(tree, token)
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
                return self.forms.fraction()
            case "partial":
                return self.forms.partial_derivative()
            case "sum":
                self.take()
                with self.deeper():
                    body = self.term()
                axis: ReductionAxis = _sum_axis(token.text)
                if self.sum_axes is not None and token.text:
                    if token.text not in self.sum_axes:
                        raise Refusal("no_value", text=token.text)
                    axis = self.sum_axes[token.text]
                return Reduction(body, axis, span=(token.start, body.span[1]))
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
                return self.forms.cases()
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
        if opened.text == "[" and self.skip("equals"):  # [k = l] is 1 where they are equal
            right = self.sum()
            tree = Comparison("==", tree, right, span=joint_span(tree, right))
        self.inside_bars = inside_bars
        self.expect("close", CLOSING[opened.text])
        return replace(tree, span=self.since(opened.start))

    def absolute_value(self) -> Tree:
        """Parse |x|; nested absolute values must be written abs(…)."""
        start = self.take().start
        self.inside_bars = True
        inside = self.sum()
        self.inside_bars = False
        self.expect("bar", "|")
        return Call("abs", (inside,), span=self.since(start))

    def word(self) -> Tree:
        """Parse a name, a call, or a derivative dL/dW."""
        token = self.take()
        text, span = token.text, (token.start, token.end)
        opened = self.now.kind == "open" and self.now.text in "({"
        opened = opened or (text == "indicator" and self.now.kind == "open")
        primed = self.now.kind == "prime" and self.ahead().kind == "open"
        call = self.calls.call_parser(text, opened or primed, primed)
        if call is not None:
            return call(token)
        below = self.ahead()
        if self.now.kind == "divide" and below.kind == "word" and text[:1] == below.text[:1] == "d":
            above, under = text[1:].lstrip("_"), below.text[1:].lstrip("_")
            if self.forms.are_differentiable(above, under):
                self.position += 2
                return self.forms.derivative(above, under, self.since(token.start))
        if text in self.variables:
            self.used_variables.add(text)
            self.expanded += sum(1 for _ in nodes(self.variables[text]))
            if self.expanded > MAX_EXPANDED:  # d2 = d1 + d1; d3 = d2 + d2 doubles each time
                raise Refusal("too_many_symbols", limit=str(MAX_EXPANDED))
            return replace(self.variables[text], span=span)
        if text.startswith("∇") and self.now.kind == "word":
            self.position += self.names.differentiable(self.now.text) == LOSS  # ∇_W L
        return Name(self.known(text), text, span=span)


def _sum_axis(index: str) -> ReductionAxis:
    """Return the axis of the index of a sum: samples for b, units for other letters."""
    if index[:1] in ("b", "B", "s", "m"):
        return "samples"
    return "units" if index else None
