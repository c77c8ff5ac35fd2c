r"""An estimate of the width of LaTeX mathematics, in points at a font size of ten.

It is computed from the letter widths of Computer Modern and decides where a display is broken.
Only the macros that the LaTeX style writes (fractions, braces, sums, matrices) are supported.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

_TOKEN = re.compile(r"\\begin\{\w+\}|\\end\{\w+\}|\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL)
_SCRIPT = 0.72
_LETTERS = dict.fromkeys("abcdeghknopqrsuvxyz", 5.3) | dict.fromkeys("fijlt", 3.9)
_LETTERS |= {"m": 8.8, "w": 7.2, "W": 10.8} | dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVXYZ", 7.9)
_MARKS = {"(": 3.9, ")": 3.9, "[": 2.8, "]": 2.8, ",": 4.5, ".": 2.8, "|": 2.8, "/": 5.0}
_OPERATORS = dict.fromkeys(("+", "-", r"\odot", r"\oslash", r"\times", r"\cdot"), 12.3)
_OPERATORS |= dict.fromkeys(("=", "<", ">"), 13.4) | {r"\leftarrow": 15.6, r"\to": 15.6}
_SPACES = {r"\quad": 10.0, r"\qquad": 20.0, r"\,": 1.7, r"\;": 2.8, r"\left": 0.0, r"\right": 0.0}
_NAMED = {r"\tanh": 22.0, r"\log": 14.0, r"\max": 19.0, r"\min": 17.0, r"\sum": 16.1}
_SIGNS = {r"\dots": 13.3, r"\cdots": 12.0, r"\vdots": 3.0, r"\checkmark": 8.3, r"\top": 7.8}
_FIXED = _OPERATORS | _SPACES | _NAMED | _SIGNS
_ROMAN, _DIGIT, _OTHER, _TALL, _HAN = 5.0, 5.0, 6.0, 7.6, 10.0


class Unit(NamedTuple):
    """A piece of a formula that is not divided: its LaTeX, and its width in points."""

    tex: str
    width: float


def units(tex: str) -> list[Unit]:
    r"""Return the pieces of a formula; indices, exponents and dimensions belong to their base.

    >>> [unit.tex for unit in units(r"\frac{1}{n} a_{h}^{2} + (b)")]
    ['\\frac{1}{n}', ' ', 'a_{h}^{2}', ' ', '+', ' ', '(', 'b', ')']
    """
    return list(_Reader(tex).units())


def width(tex: str) -> float:
    r"""Return the estimated width of a formula, in points.

    >>> 25 < width(r"a_{h} + \delta_{o}") < 35
    True
    """
    return sum(unit.width for unit in units(tex))


class _Reader:
    """Reads the tokens of a formula one by one; widths are in points."""

    def __init__(self, tex: str) -> None:
        self.tokens = _TOKEN.findall(tex)
        self.position = 0

    def units(self) -> Iterator[Unit]:
        while self.position < len(self.tokens):
            start = self.position
            wide, below, above = self._base(), 0.0, 0.0
            while self.position < len(self.tokens) and self.tokens[self.position] in "_^":
                script = self.tokens[self.position]
                self.position += 1
                size = _SCRIPT * width(self._argument())
                below, above = (size, above) if script == "_" else (below, size)
            stacked = self.tokens[start] in (r"\underbrace", r"\sum", r"\max")
            scripts = max(below, above)
            wide = max(wide, scripts) if stacked else wide + scripts
            yield Unit("".join(self.tokens[start : self.position]), wide)

    def _argument(self) -> str:
        """Read one argument, a group or one token."""
        start, depth = self.position, 0
        while self.position < len(self.tokens):
            depth += {"{": 1, "}": -1}.get(self.tokens[self.position], 0)
            self.position += 1
            if depth == 0:
                break
        whole = "".join(self.tokens[start : self.position])
        return whole[1:-1] if whole.startswith("{") else whole

    def _base(self) -> float:
        token = self.tokens[self.position]
        if token == "{":
            return width(self._argument())
        self.position += 1
        if token.startswith(r"\begin"):
            return self._environment(token[7:-1])
        if token in (r"\left", r"\right"):
            self.position += 1
            return _TALL
        if token == r"\frac":
            return 2.4 + max(width(self._argument()), width(self._argument()))
        if token == r"\sqrt":
            return 9.0 + width(self._argument())
        if token == r"\text":
            inside = self._argument().replace(r"\small", "")
            return sum(_HAN if c >= "\u2e80" else _ROMAN for c in inside if c not in r"{}$\\")
        if token in (r"\operatorname", r"\mathrm", r"\mathbf"):
            return _ROMAN * len(self._argument()) + (1.7 if token == r"\operatorname" else 0.0)
        if token in (r"\underbrace", r"\phantom", r"\boldsymbol"):
            return width(self._argument())
        if token.isspace() or token in "{}":
            return 0.0
        if token.isdigit():
            return _DIGIT
        return _FIXED.get(token) or _LETTERS.get(token) or _MARKS.get(token) or _OTHER

    def _environment(self, name: str) -> float:
        rows = [[""]]
        depth = 0  # the columns and rows of inner environments are not counted
        while depth or self.tokens[self.position] != rf"\end{{{name}}}":
            token = self.tokens[self.position]
            self.position += 1
            depth += token.startswith(r"\begin") - token.startswith(r"\end")
            if depth == 0 and token == r"\\":
                rows.append([""])
            elif depth == 0 and token == "&":
                rows[-1].append("")
            else:
                rows[-1][-1] += token
        self.position += 1
        widths = [[width(cell) for cell in row] for row in rows]
        across = [max(column) for column in zip_longest(*widths, fillvalue=0.0)]
        if name == "smallmatrix":
            return _SCRIPT * sum(across) + 3.6 * len(across)
        return sum(across) + 10.0 * len(across) + 10.0
