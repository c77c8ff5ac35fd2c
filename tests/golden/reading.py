"""Reads printed matrix formulas back: text of a derivation to numbers, for the golden tests.

Knows nothing of chainrule: a formula is taken as a reader takes it.  Juxtaposition is the matrix
product, ⊙ and ⊘ work entry by entry, ᵀ transposes, (x/y) in front is a scalar.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOKENS = re.compile(
    r"\s*(∂Loss/∂[A-Za-zμγ]+(?:_[a-z0-9]+)?|[A-Za-zδαμγε]+(?:_[a-z0-9]+)?|\d+(?:\.\d+)?"
    r"|\^⊙2|\^⊙\(3/2\)|[()⊙⊘ᵀ²/+−√])"
)

Array = NDArray[np.float64]


class Reader:
    """Evaluates one formula; ``values`` are arrays or numbers by printed name."""

    def __init__(self, text: str, values: Mapping[str, Any], functions: Mapping[str, Any]) -> None:
        self.tokens: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKENS.match(text, place)
            assert match, f"cannot read {text[place:]!r} in {text!r}"
            self.tokens.append(match.group(1))
            place = match.end()
        self.values = values
        self.functions = functions

    def value(self) -> Any:
        result = self.sum()
        assert not self.tokens, f"left over: {self.tokens}"
        return result

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self) -> str:
        return self.tokens.pop(0)

    def sum(self) -> Any:
        negative = self.peek() == "−" and bool(self.take())
        result = self.entrywise()
        result = -result if negative else result
        while self.peek() in ("+", "−"):
            sign = self.take()
            term = self.entrywise()
            result = result + term if sign == "+" else result - term
        return result

    def entrywise(self) -> Any:
        result = self.juxtaposed()
        while self.peek() in ("⊙", "⊘", "/"):
            operator = self.take()
            other = self.juxtaposed()
            result = result * other if operator == "⊙" else result / other
        return result

    def juxtaposed(self) -> Any:
        result = self.postfix()
        while self.peek() and self.peek() not in ("+", "−", "⊙", "⊘", "/", ")"):
            other = self.postfix()
            scalar = np.ndim(result) == 0 or np.ndim(other) == 0
            result = result * other if scalar else result @ other
        return result

    def postfix(self) -> Any:
        result = self.atom()
        while self.peek() in ("ᵀ", "²", "^⊙2", "^⊙(3/2)"):
            mark = self.take()
            result = result.T if mark == "ᵀ" else result ** (1.5 if "3" in mark else 2)
        return result

    def atom(self) -> Any:
        token = self.take()
        if token == "√":
            return np.sqrt(self.atom())
        if token == "(":
            result = self.sum()
            assert self.take() == ")"
            return result
        if token[0].isdigit():
            return float(token)
        if token in self.functions:
            assert self.take() == "("
            result = self.functions[token](self.sum())
            assert self.take() == ")"
            return result
        return self.values[token]
