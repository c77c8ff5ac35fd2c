"""Tokens to trees: operators by precedence, functions by name, nothing else.

Products of every kind and quotients bind alike and from the left, as in NumPy, so that
``2/n (Y − a)`` is (2/n)(Y − a).  A name directly before a bracket is multiplied with it unless it
is a function's.  Nothing that is read is ever run: what comes out is a tree of known operations on
known names.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.language.refusals import Refusal
from chainrule.marking.pieces import Names, Pieces, over
from chainrule.marking.syntax import (
    Binary,
    Constant,
    Name,
    Negative,
    Operation,
    Raised,
    Transposed,
    Tree,
    Vector,
)
from chainrule.marking.tokens import Token, tokens


@dataclass(frozen=True)
class Reading:
    """One statement: what is said to equal what; several right sides for a chain."""

    left: Name
    rights: tuple[Tree, ...]
    assigns: bool


def read(line: str, names: Names) -> tuple[Reading, ...]:
    """Return the statements of a line; a semicolon or a new line ends each."""
    found = tokens(line)
    parser = _Parser(found, names, len(line))
    readings = tuple(parser.statements())
    if not readings:
        raise Refusal("empty")
    return readings


class _Parser(Pieces):
    # -- statements ----------------------------------------------------------------------------

    def statements(self) -> Iterator[Reading]:
        while self.now.kind != "stop":
            if self.now.kind == "end":
                self.take()
                continue
            yield self.statement()
            if self.now.kind not in ("end", "stop"):
                raise self.fault("surplus")

    def statement(self) -> Reading:
        left = self.left_side()
        sign = self.now
        if sign.text == "==":
            sign = Token("equals", "=", sign.start, sign.end)
            self.take()
        elif sign.kind in ("less", "more", "equals", "assign"):
            self.take()
        if sign.kind in ("less", "more"):
            change = self.sum()
            operation: Operation = "subtract" if sign.kind == "less" else "add"
            span = (left.span[0], change.span[1])
            return Reading(left, (Binary(operation, left, change, span=span),), True)
        if sign.kind not in ("equals", "assign"):
            raise self.fault("equals")
        rights = [self.sum()]
        while self.now.kind == "equals":
            self.take()
            rights.append(self.sum())
        return Reading(left, tuple(rights), sign.kind == "assign")

    def left_side(self) -> Name:
        tree = self.primary()
        if isinstance(tree, Name):
            if self.now.kind == "prime":
                self.take()
                return Name(self.known(f"{tree.text}_new"), tree.text, span=tree.span)
            return tree
        raise Refusal("left")

    # -- expressions ---------------------------------------------------------------------------

    def sum(self) -> Tree:
        """Read terms with + and − between."""
        with self.deeper():
            tree = self.term()
            while self.now.kind in ("add", "subtract"):
                kind = self.take().kind
                right = self.term()
                operation: Operation = "add" if kind == "add" else "subtract"
                tree = Binary(operation, tree, right, span=over(tree, right))
        return tree

    def term(self) -> Tree:
        tree = self.signed()
        while True:
            operation = self.product_sign()
            if operation is not None:
                right = self.signed()
            elif self.starts_factor():
                operation = "product"
                if self.now.text == "1" and self.ahead().kind not in ("divide", "power"):
                    right = self.ones(self.take())
                else:
                    right = self.power()
            else:
                return tree
            tree = Binary(operation, tree, right, span=over(tree, right))

    def product_sign(self) -> Operation | None:
        """Take the sign between two factors; • before × is the page's matrix product."""
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
                dotted = self.take()
                if self.now.kind == "product" and dotted.text in "•·⋅∙":
                    self.take()
                    return "matrix"
                if self.now.kind == "dot":
                    self.take()
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
            if self.take().kind == "square":
                exponent: Tree = Constant(2.0, "2", span=self.behind())
            elif self.now.kind == "open" and self.now.text == "{" and self._entrywise_exponent():
                exponent = self.sum()
                self.expect("close", "}")
            else:
                if self.now.kind == "entrywise":
                    self.take()  # X^⊙2
                with self.deeper():
                    exponent = self.signed()
            tree = Raised(tree, exponent, span=over(tree, exponent))
        return tree

    def _entrywise_exponent(self) -> bool:
        """Take the brace and the ⊙ of X^{⊙2}."""
        if self.ahead().kind != "entrywise":
            return False
        self.place += 2
        return True

    def postfixed(self) -> Tree:
        tree = self.primary()
        while self.now.kind in ("transpose", "prime", "member"):
            token = self.take()
            span = (tree.span[0], token.end)
            if token.kind != "member":
                if isinstance(tree, Constant) and tree.value == 1:
                    tree = Vector(True, span=span)
                else:
                    tree = Transposed(tree, span=span)
                continue
            tree = self.member(tree, token)
        return tree
