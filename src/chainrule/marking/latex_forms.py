"""The forms of LaTeX and of handwriting: fractions, derivatives ∂L/∂W, functions with cases."""

import re
from collections.abc import Container, Sequence
from itertools import pairwise

from chainrule.marking.grammar import Grammar, NameLookup
from chainrule.marking.quantities import OUTPUT_COUNT, SAMPLE_COUNT, Quantity
from chainrule.marking.scanned_text import Token
from chainrule.marking.syntax import Binary, Call, Name, PartialDerivative, Span, Tree

_TWO_LETTERS = re.compile(r"([A-Za-z])([A-Za-z](?:_\w+)?)")


def with_products(
    found: Sequence[Token], names: NameLookup, variables: Container[str]
) -> list[Token]:
    r"""Return the tokens of LaTeX with Bn as a product: in \frac{2}{Bn} a letter is a name.

    Both letters have to be counts, of samples and of outputs; what has a meaning of its own stays.
    """
    parts: list[Token] = []
    own = {one.text for one, sign in pairwise(found) if sign.kind == "equals"}
    for position, token in enumerate(found):
        letters = _TWO_LETTERS.fullmatch(token.text) if token.kind == "word" else None
        is_known = token.text in own or token.text in variables
        if letters is None or is_known or names.quantity(token.text) is not None:
            parts.append(token)
            continue
        counts = [names.quantity(each) in (SAMPLE_COUNT, OUTPUT_COUNT) for each in letters.groups()]
        after = found[position + 1].kind if position + 1 < len(found) else "stop"
        is_divisor = position > 0 and found[position - 1].kind == "divide"
        if not all(counts) or (is_divisor and after in ("power", "square")):
            parts.append(token)
            continue
        middle = token.start + 1
        factors = [
            Token("word", letters[1], token.start, middle),
            Token("word", letters[2], middle, token.end),
        ]
        if is_divisor:  # 1/Bn is 1/(Bn)
            opening = Token("open", "(", token.start, token.start)
            factors = [opening, *factors, Token("close", ")", token.end, token.end)]
        parts += factors
    return parts


class LatexForms:
    """Parses what follows the token of a form."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def cases(self) -> Tree:
        """Parse a function with two cases."""
        start = self.grammar.take().start
        chosen = self.grammar.sum()
        self.grammar.skip("also")
        condition = self.grammar.condition()
        self.grammar.skip("end")
        other = self.grammar.sum()
        self.grammar.skip("also")
        self.grammar.skip("word", "otherwise")
        if not self.grammar.skip("end cases"):
            raise self.grammar.error("cases")
        return Call("where", (condition, chosen, other), span=self.grammar.since(start))

    def fraction(self) -> Tree:
        r"""Parse the braces after \frac: a quotient, or a derivative with ∂ or d."""
        start = self.grammar.take().start
        if self.grammar.ahead().kind == "partial" and self.grammar.now.kind == "open":
            above = self.differential_in_braces()
            below = self.differential_in_braces()
            return self.derivative(above, below, self.grammar.since(start))
        if self.grammar.ahead().kind == "word" and self.grammar.ahead(2).kind == "close":
            position = self.grammar.position
            above = self.word_in_braces()
            if self.grammar.now.kind == "open" and self.grammar.ahead(2).kind == "close":
                below = self.word_in_braces()
                both = above[:1] == below[:1] == "d"
                if both and self.are_differentiable(above[1:], below[1:]):
                    return self.derivative(above[1:], below[1:], self.grammar.since(start))
            self.grammar.position = position
        top = self.braced_or_digit()
        bottom = self.braced_or_digit()
        return Binary("divide", top, bottom, span=self.grammar.since(start))

    def braced_or_digit(self) -> Tree:
        r"""Parse one argument of \frac: in braces, or one symbol, of \frac12 one digit."""
        token = self.grammar.now
        if token.kind == "open":
            return self.grammar.bracket()
        if token.kind == "number" and token.text.isdigit() and len(token.text) > 1:
            middle = token.start + 1
            self.grammar.tokens[self.grammar.position : self.grammar.position + 1] = [
                Token("number", token.text[0], token.start, middle),
                Token("number", token.text[1:], middle, token.end),
            ]
        return self.grammar.operand()

    def word_in_braces(self) -> str:
        self.grammar.take()
        word = self.grammar.take().text
        self.grammar.take()
        return word

    def differential_in_braces(self) -> str:
        self.grammar.expect("open", "{")
        self.grammar.expect("partial", "∂")
        word = self.grammar.take().text
        self.grammar.expect("close", "}")
        return word

    def partial_derivative(self) -> Tree:
        """Parse ∂above/∂below."""
        start = self.grammar.take().start
        above = self.grammar.take().text
        if not (self.grammar.now.kind == "divide" and self.grammar.ahead().kind == "partial"):
            raise self.grammar.error("quotient")
        self.grammar.position += 2
        below = self.grammar.take().text
        return self.derivative(above, below, self.grammar.since(start))

    def are_differentiable(self, above: str, below: str) -> bool:
        return None not in (
            self.grammar.names.differentiable(above),
            self.grammar.names.differentiable(below),
        )

    def derivative(self, above: str, below: str, span: Span) -> Tree:
        ends: list[Quantity] = []
        for word in (above, below):
            quantity = self.grammar.names.differentiable(word)
            if quantity is None:
                raise self.grammar.names.unknown(word)
            ends.append(quantity)
        text = f"∂{above}/∂{below}"
        cotangent = self.grammar.names.loss_derivative(above, below)
        if cotangent is not None:
            return Name(cotangent, text, span=span)
        return PartialDerivative(ends[0], ends[1], text, span=span)
