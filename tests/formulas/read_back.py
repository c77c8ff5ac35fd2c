"""Reads printed formulas back, strictly: what a reader could take in two ways is refused.

``IndexReader`` takes index notation (``Σ_{j=1}^{n} x_j w_ij``), ``MatrixReader`` matrix notation
(``(A − Y) ⊙ a Vᵀ``).  Neither knows anything of chainrule's expressions; both know
the one-letter names of ``random_expressions`` and take everything else for an error.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

_TOKEN = re.compile(
    r"\s*(?:Σ_\{(?P<bound>[a-z]′*)=1\}\^\{(?P<upper>[A-Za-z_]+)\}"
    r"|(?P<size>n_[ihe]|n(?![a-z_])|B)"
    r"|(?P<word>expm1|log1p|[a-z]{2,}(?=\()|if|else)"
    r"|(?P<symbol>[a-df-z](?:_(?:[a-z]′*)+)?)"
    r"|(?P<number>\d+\.\d+|\d+)"
    r"|(?P<power>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<mark>\^⊙|[-+−/()\[\]|,>=^√eᵀ⊙⊘]))"
)

_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

FUNCTIONS: dict[str, Any] = {
    "abs": np.abs,  # written out where bars would nest
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "erf": special.erf,
    "sin": np.sin,
    "cos": np.cos,
    "sign": np.sign,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "silu": lambda x: x * special.expit(x),
}


class AmbiguousError(AssertionError):
    """The text can be read in more than one way."""


class Reader:
    """What both notations share: sums, brackets, powers and functions.

    A value is whatever ``join`` can combine; ``join`` applies a function entry by entry.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, re.Match[str]]] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            assert match, f"cannot read {text[place:]!r} in {text!r}"
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind), match))
            place = match.end()
        self.place = 0

    def read(self) -> Any:
        value = self.sum()
        assert self.place == len(self.tokens), f"left over from {self.text!r} at {self.place}"
        return value

    def join(self, function: Any, *values: Any) -> Any:
        raise NotImplementedError

    @property
    def next(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    @property
    def kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def take(self, *expected: str) -> re.Match[str]:
        if expected:
            assert self.next in expected, f"{expected} wanted at {self.place} of {self.text!r}"
        self.place += 1
        return self.tokens[self.place - 1][2]

    def sum(self) -> Any:
        negative = self.next == "−" and bool(self.take())
        value = self.product()
        value = self.join(np.negative, value) if negative else value
        while self.next in ("+", "−"):
            operation = np.add if self.take().group("mark") == "+" else np.subtract
            value = self.join(operation, value, self.product())
        return value

    def product(self) -> Any:
        raise NotImplementedError

    def starts_factor(self) -> bool:
        if self.next in ("if", "else"):
            return False
        if self.next == "|":
            return not self.inside_bars
        kinds = ("upper", "size", "word", "symbol", "number")
        return self.kind in kinds or self.next in ("(", "[", "√", "e")

    inside_bars = 0

    def power(self) -> Any:
        closed = self.next not in ("√", "e")
        value = self.atom()
        while self.kind == "power" or self.next in ("^", "^⊙", "ᵀ"):
            if not closed:
                raise AmbiguousError(f"power of what: {self.text!r}")
            closed = self.next == "ᵀ"
            if self.kind == "power":
                value = self.join(np.power, value, self.constant(float(self.digits())))
            elif self.next == "ᵀ":
                self.take()
                value = self.transpose(value)
            else:
                self.take("^", "^⊙")
                exponent = self.bracket() if self.next == "(" else self.atom()
                value = self.join(np.power, value, exponent)
        return value

    def transpose(self, value: Any) -> Any:
        raise AssertionError("no transpose here")

    def bracket(self) -> Any:
        self.take("(")
        bars, self.inside_bars = self.inside_bars, 0
        value = self.sum()
        if self.next == "if":
            self.take()
            condition = self.sum()
            if self.next == ">":
                self.take()
                condition = self.join(np.greater, condition, self.sum())
            self.take("else")
            value = self.join(np.where, condition, value, self.sum())
        self.take(")")
        self.inside_bars = bars
        return value

    def arguments(self) -> list[Any]:
        self.take("(")
        bars, self.inside_bars = self.inside_bars, 0
        values = [self.sum()]
        while self.next == ",":
            self.take()
            values.append(self.sum())
        self.take(")")
        self.inside_bars = bars
        return values

    def atom(self) -> Any:
        kind, written = self.kind, self.next
        if written == "(":
            return self.bracket()
        if written == "√":
            self.take()
            return self.join(np.sqrt, self.atom())
        if written == "e":
            self.take()
            if self.kind == "power":  # e² is e to the 2
                return self.constant(float(np.exp(self.digits())))
            self.take("^")
            return self.join(np.exp, self.bracket() if self.next == "(" else self.atom())
        if written == "|":
            self.take()
            bars, self.inside_bars = self.inside_bars, 1
            value = self.sum()
            self.inside_bars = bars
            self.take("|")
            return self.join(np.abs, value)
        if written == "[":
            self.take()
            bars, self.inside_bars = self.inside_bars, 0
            left = self.sum()
            compare = np.greater if self.take(">", "=").group("mark") == ">" else np.equal
            right = self.sum()
            self.inside_bars = bars
            self.take("]")
            return self.join(lambda x, y: np.where(compare(x, y), 1.0, 0.0), left, right)
        if kind == "number":
            return self.number(self.take().group("number"))
        if kind == "size":
            return self.constant(self.size(self.take().group("size")))
        if kind == "symbol":
            return self.symbol(self.take().group("symbol"))
        if kind == "word":
            return self.function(self.take().group("word"))
        raise AssertionError(f"nothing can start with {written!r} at {self.place} of {self.text!r}")

    def digits(self) -> int:
        return int(self.take().group("power").translate(_RAISED))

    def function(self, name: str) -> Any:
        values = self.arguments()
        if name in ("max", "min"):
            return self.join(np.maximum if name == "max" else np.minimum, *values)
        if name == "softmax":
            return self.softmax(values[0])
        return self.join(FUNCTIONS[name], *values)

    def softmax(self, value: Any) -> Any:
        raise NotImplementedError

    def number(self, written: str) -> Any:
        return self.constant(float(written))

    def constant(self, value: float) -> Any:
        raise NotImplementedError

    def size(self, name: str) -> float:
        raise NotImplementedError

    def symbol(self, name: str) -> Any:
        raise NotImplementedError


class IndexReader(Reader):
    """Index notation; a value is (letters, array).

    ``sizes`` gives lengths by printed size, ``ranks`` the place of each letter among the axes (for
    softmax, which runs along the last).
    """

    def __init__(
        self, text: str, values: Mapping[str, Any], sizes: Mapping[str, int], ranks: dict[str, int]
    ) -> None:
        super().__init__(text)
        self.values, self.sizes, self.ranks = values, sizes, ranks

    def product(self) -> Any:
        if self.kind == "upper":  # a sum reaches as far as its product
            return self.total()
        value = self.power()
        divided = False
        while self.starts_factor() or self.next == "/":
            if divided:
                raise AmbiguousError(f"what is divided by what: {self.text!r}")
            if self.next == "/":
                self.take()
                divided = True
                value = self.join(np.divide, value, self.power())
            elif self.kind == "upper":
                return self.join(np.multiply, value, self.total())
            else:
                value = self.join(np.multiply, value, self.power())
        return value

    def total(self) -> Any:
        match = self.take()
        letter, upper = match.group("bound"), match.group("upper")
        outer = dict(self.ranks)
        self.ranks[letter] = list(self.sizes).index(upper)
        letters, array = self.product()
        self.ranks.clear()
        self.ranks.update(outer)
        if letter not in letters:
            return letters, array * self.sizes[upper]
        place = letters.index(letter)
        return letters[:place] + letters[place + 1 :], np.sum(array, axis=place)

    def join(self, function: Any, *values: Any) -> Any:
        union = tuple(sorted({letter for letters, _ in values for letter in letters}))
        aligned = []
        for letters, array in values:
            order = [letters.index(letter) for letter in union if letter in letters]
            lengths = dict(zip(letters, np.shape(array), strict=True))
            shape = [lengths.get(letter, 1) for letter in union]
            aligned.append(np.transpose(array, order).reshape(shape))
        return union, function(*aligned)

    def softmax(self, value: Any) -> Any:
        letters, array = value
        last = max(letters, key=lambda letter: self.ranks[letter])
        return letters, special.softmax(array, axis=letters.index(last))

    def constant(self, value: float) -> Any:
        return (), np.asarray(value)

    def size(self, name: str) -> float:
        return float(self.sizes[name])

    def symbol(self, name: str) -> Any:
        letter, _, index = name.partition("_")
        letters = tuple(re.findall(r"[a-z]′*", index))
        assert len(set(letters)) == len(letters), f"one letter twice in {name}"
        return letters, np.asarray(self.values[letter])


ONES_ROW, ONES = "a row of ones", "1: the number, or a column of ones"


class MatrixReader(Reader):
    """Matrix notation; a value is a number or a two-dimensional array (or ones of any length)."""

    def __init__(self, text: str, values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        super().__init__(text)
        self.values, self.sizes = values, sizes

    def product(self) -> Any:
        # Juxtaposition binds tighter than ⊙ and ⊘.
        groups: list[list[Any]] = [[self.power()]]
        marks: list[str] = []
        while self.starts_factor() or self.next in ("⊙", "⊘", "/"):
            if self.next in ("⊙", "⊘", "/"):
                marks.append(self.take().group("mark"))
                groups.append([self.power()])
            else:
                groups[-1].append(self.power())
        if "/" in marks and (set(marks) != {"/"} or len(groups[-1]) > 1 or len(marks) > 1):
            raise AmbiguousError(f"what is divided by what: {self.text!r}")
        first, *others = (self.chain(group) for group in groups)
        for mark, other in zip(marks, others, strict=True):
            first = first * other if mark == "⊙" else first / other
        return first

    def chain(self, factors: list[Any]) -> Any:
        """Multiply from left to right; a column of ones has the length that is asked for."""
        if len(factors) > 1 and factors[0] is ONES:  # nothing is written 1 x: a column of ones
            factors = factors[1:]
        value: Any = 1.0
        waiting = False  # a row of ones, for the columns of what comes next
        for factor in factors:
            if factor is ONES_ROW:
                waiting = True
                continue
            if waiting and factor is not ONES and not _is_number(factor):
                factor, waiting = np.sum(factor, axis=0, keepdims=True), False
            if factor is ONES:
                value = value if _is_number(value) else np.sum(value, axis=1, keepdims=True)
            elif _is_number(value) or _is_number(factor):
                value = value * factor
            else:
                value = value @ factor
        return value

    def join(self, function: Any, *values: Any) -> Any:
        return function(*(1.0 if value is ONES else value for value in values))

    def transpose(self, value: Any) -> Any:
        return ONES_ROW if value is ONES else np.asarray(value).T

    def number(self, written: str) -> Any:
        return ONES if written == "1" else float(written)

    def constant(self, value: float) -> Any:
        return value

    def size(self, name: str) -> float:
        return float(self.sizes[name])

    def symbol(self, name: str) -> Any:
        return self.values[name]


def _is_number(value: Any) -> bool:
    return not isinstance(value, str) and np.size(value) == 1
