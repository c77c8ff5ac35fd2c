"""MathML, which browsers show without any script.

Only elements of MathML Core are used.  A piece is one element or several in a row; where MathML
requires exactly one (the base of a power, a numerator) they are wrapped in ``mrow``.
"""

import re
from dataclasses import dataclass

from chainrule.formulas.render.styles import Style, is_partial, numbered

_TIMES = "<mo>&#x2062;</mo>"
"""Invisible times: read by screen readers, not shown."""
_TIMES_WORD = '<mo lspace="0.17em">&#x2062;</mo>'
"""The same before the name of a function: y log a, not ylog a."""
_APPLY = "<mo>&#x2061;</mo>"
"""Invisible function application."""


@dataclass(frozen=True)
class MathML(Style):
    """Presentation MathML, without the ``<math>`` element."""

    minus: str = '<mo form="prefix">−</mo>'
    less: str = "<mo>−</mo>"
    plus: str = "<mo>+</mo>"
    hadamard: str = "<mo>⊙</mo>"
    over: str = "<mo>⊘</mo>"
    times: str = "<mo>×</mo>"
    product: str = '<mo lspace="0.12em" rspace="0.12em">&#x2062;</mo>'
    arrow: str = '<mo stretchy="false">←</mo>'
    equals: str = "<mo>=</mo>"
    dots: str = "<mo>…</mo>"
    comma: str = "<mo>,</mo>"
    nothing: str = "<mrow></mrow>"
    otherwise: str = "otherwise"

    def symbol(self, name: str, index: str = "") -> str:
        if is_partial(name):
            top, bottom = name[1:].split("/∂", 1)
            return self.partial(self.symbol(top), self.symbol(bottom, index))
        letter, _, tail = name.partition("_")
        letter, tail = numbered(letter, tail)
        separator = "" if not tail or not index or len(tail) == len(index) == 1 else ","
        nested = "_" in tail or numbered(tail)[1] != ""
        inner = self.symbol(tail) if nested else self._letters(tail)
        below = inner + ("<mo>,</mo>" if separator else "") + self._letters(index)
        letter = f"<mi>{letter}</mi>" if not letter.isdigit() else self.digits(letter)
        return f"<msub>{letter}{row(below)}</msub>" if below else letter

    def _letters(self, index: str) -> str:
        """Letters of indices one by one, in italics; numbers whole."""
        pieces = re.findall(r"\d+|.′*", index)
        return "".join(f"<mn>{p}</mn>" if p.isdigit() else f"<mi>{p}</mi>" for p in pieces)

    def partial(self, top: str, bottom: str) -> str:
        return f"<mfrac>{row('<mo>∂</mo>' + top)}{row('<mo>∂</mo>' + bottom)}</mfrac>"

    def digits(self, number: str) -> str:
        return f"<mn>{number}</mn>"

    def dimensions(self, *names: str) -> str:
        return "<mo>×</mo>".join(self.symbol(name) for name in names)

    def braced(self, inside: str, dimensions: str) -> str:
        brace = f'<munder>{row(inside)}<mo stretchy="true">⏟</mo></munder>'
        return f"<munder>{brace}{row(dimensions)}</munder>"

    def step(self, label: str) -> str:
        arrow = '<mo stretchy="true" lspace="0.3em" rspace="0.3em">→</mo>'
        space = '<mspace width="0.5em"/>'
        return f"<mover>{arrow}{row(space + label + space)}</mover>"

    def brackets(self, inside: str) -> str:
        return self._fenced("(", inside, ")")

    def _fenced(self, left: str, inside: str, right: str) -> str:
        # Brackets that may stretch are set wider than plain ones even where nothing is tall.
        tall = any(element in inside for element in ("<mfrac", "<munder", "<mtable"))
        stretch = "" if tall else ' stretchy="false"'
        left = f'<mo form="prefix"{stretch}>{left}</mo>'
        return f'<mrow>{left}{inside}<mo form="postfix"{stretch}>{right}</mo></mrow>'

    def fronted(self, number: str, rest: str) -> str:
        return self.beside(number, rest)

    def beside(self, left: str, right: str) -> str:
        times = _TIMES_WORD if re.match(r"<mi>\w\w", right) else _TIMES
        return left + times + right

    def fraction(self, top: str, bottom: str, *, tight: bool) -> str:
        return f"<mfrac>{row(top)}{row(bottom)}</mfrac>"

    @property
    def stacked(self) -> bool:
        return True

    def power(self, base: str, exponent: str) -> str:
        return _raised(base, row(exponent))

    def entrywise_power(self, base: str, exponent: str) -> str:
        return self.power(base, f'<mo form="prefix">⊙</mo>{exponent}')

    def root(self, inside: str) -> str:
        return f"<msqrt>{inside}</msqrt>"

    def call(self, name: str, *arguments: str) -> str:
        return f"<mi>{name}</mi>{_APPLY}{self.brackets('<mo>,</mo>'.join(arguments))}"

    def absolute(self, inside: str) -> str:
        return self._fenced("|", inside, "|")

    def greater(self, left: str, right: str) -> str:
        return f"{left}<mo>&gt;</mo>{right}"

    def condition(self, inside: str) -> str:
        return self._fenced("[", inside, "]")

    def cases(self, condition: str, chosen: str, other: str) -> str:
        otherwise = f"<mtext>{self.otherwise}</mtext>"
        rows = "".join(
            f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>"
            for value, when in ((chosen, condition), (other, otherwise))
        )
        return f'<mrow><mo form="prefix">{{</mo><mtable class="cases">{rows}</mtable></mrow>'

    def total(self, letter: str, size: str) -> str:
        below = f"<mrow><mi>{letter}</mi><mo>=</mo><mn>1</mn></mrow>"
        return f"<munderover><mo>∑</mo>{below}{row(size)}</munderover>"

    def largest(self, letter: str, inside: str) -> str:
        return f"<munder><mi>max</mi><mi>{letter}</mi></munder>{_APPLY}{inside}"

    def transpose(self, inside: str) -> str:
        return _raised(inside, "<mo>⊤</mo>")

    def ones(self, kind: str) -> str:
        one = "<mn>𝟏</mn>"
        return {"column": one, "row": self.transpose(one), "matrix": one + self.transpose(one)}[
            kind
        ]


def _raised(base: str, above: str) -> str:
    """Return a power; an index of the base is below the exponent, not beside it: W_ihᵀ."""
    if base.startswith("<msub>") and _ends_of_first(base) == len(base):
        return f"<msubsup>{base[len('<msub>') : -len('</msub>')]}{above}</msubsup>"
    return f"<msup>{row(base)}{above}</msup>"


def _ends_of_first(piece: str) -> int:
    """Return the position where the first element of a piece ends."""
    depth = 0
    for tag in re.finditer(r"<(/?)[^>]*?(/?)>", piece):
        depth += (0 if tag.group(2) else 1) - (2 if tag.group(1) else 0)
        if depth == 0:
            return tag.end()
    return len(piece)


def row(piece: str) -> str:
    """Return a piece as one element."""
    single = piece.startswith("<") and _ends_of_first(piece) == len(piece)
    return piece if single else f"<mrow>{piece}</mrow>"


MATHML = MathML()
