"""The notation of each medium for the pieces of a formula.

A style defines notation only: a fraction, a power, a sum sign.  Which pieces a formula has, and
where brackets are needed, is decided by the writer, in the same form for every style.
"""

from dataclasses import dataclass

_SUPERSCRIPTS = str.maketrans("0123456789−-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")

_GREEK = {
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "λ": r"\lambda",
    "μ": r"\mu",
    "π": r"\pi",
    "σ": r"\sigma",
    "ρ": r"\rho",
    "τ": r"\tau",
    "ν": r"\nu",
}


def is_partial(name: str) -> bool:
    """Whether a name is a quotient of partial derivatives, ∂Loss/∂a."""
    return name.startswith("∂") and "/∂" in name


def numbered(letter: str, tail: str = "") -> tuple[str, str]:
    """Return a name as a letter and an index: h1 is h with the index 1.

    >>> numbered("h1"), numbered("W")
    (('h', '1'), ('W', ''))
    """
    plain = letter.rstrip("0123456789")
    if tail or not plain or plain == letter or not plain.isalpha():
        return letter, tail
    return plain, letter[len(plain) :]


@dataclass(frozen=True)
class Style:
    """Plain Unicode; the other styles override what differs."""

    minus: str = "−"
    less: str = " − "
    plus: str = " + "
    hadamard: str = " ⊙ "
    over: str = " ⊘ "
    times: str = " × "
    product: str = " "
    arrow: str = " ← "
    equals: str = " = "
    dots: str = "…"
    comma: str = ", "
    nothing: str = ""
    when: str = "if"
    otherwise: str = "else"

    def symbol(self, name: str, index: str = "") -> str:
        """A name, with the letters of its indices where indices are written."""
        if not index:
            return name
        if "_" not in name:
            return f"{name}_{index}"
        tail = name.rsplit("_", 1)[1]
        return name + ("" if len(tail) == len(index) == 1 else ",") + index

    def partial(self, top: str, bottom: str) -> str:
        """A partial derivative of two texts in this style."""
        return f"∂{top}/∂{bottom}"

    def digits(self, number: str) -> str:
        """A number, without its sign."""
        return number

    def dimensions(self, *names: str) -> str:
        """Dimensions, h×o: names of axes, or 1."""
        return "×".join(names)

    def braced(self, inside: str, dimensions: str) -> str:
        """A factor with its dimensions under a brace; text has no room below the line."""
        return inside

    def step(self, label: str) -> str:
        """One step of a walk, along a factor."""
        return f" —{label}→ "

    def brackets(self, inside: str) -> str:
        return f"({inside})"

    def fronted(self, number: str, rest: str) -> str:
        """A constant in front of what it is multiplied with."""
        if number.isdigit() and rest[0].isalpha() and not rest[1:2].isalpha():
            return number + rest  # 2x, 2a_o; but 3 tanh(z)
        return number + ("" if self._opens(rest) else " ") + rest

    def beside(self, left: str, right: str) -> str:
        """Two factors of a product of numbers."""
        # ∂Loss/∂a (1 − a): without the space it reads as a function of 1 − a.
        quotient = "/∂" in left.rsplit(" ", 1)[-1]
        tight = self._opens(right) and not left.endswith(" ") and not quotient
        return left + right if tight else f"{left} {right}"

    def _opens(self, piece: str) -> bool:
        return piece.startswith("(")

    def fraction(self, top: str, bottom: str, *, tight: bool) -> str:
        """A quotient; ``tight`` where something is multiplied with it."""
        return f"({top}/{bottom})" if tight else f"{top}/{bottom}"

    @property
    def stacked(self) -> bool:
        """Whether fractions group their parts by themselves."""
        return False

    def power(self, base: str, exponent: str) -> str:
        plain = exponent.lstrip("−")
        if plain.isdigit():
            return base + exponent.translate(_SUPERSCRIPTS)
        return f"{base}^({exponent})" if len(exponent) > 1 else f"{base}^{exponent}"

    def entrywise_power(self, base: str, exponent: str) -> str:
        return f"{base}^⊙{exponent}" if exponent.isdigit() else f"{base}^⊙({exponent})"

    def root(self, inside: str) -> str:
        return f"√({inside})" if len(inside) > 1 else f"√{inside}"

    def call(self, name: str, *arguments: str) -> str:
        return f"{name}({', '.join(arguments)})"

    def absolute(self, inside: str) -> str:
        return f"abs({inside})" if "|" in inside else f"|{inside}|"

    def greater(self, left: str, right: str) -> str:
        return f"{left} > {right}"

    def condition(self, inside: str) -> str:
        return f"[{inside}]"

    def cases(self, condition: str, chosen: str, other: str) -> str:
        return f"({chosen} {self.when} {condition} {self.otherwise} {other})"

    def total(self, letter: str, size: str) -> str:
        return f"Σ_{{{letter}=1}}^{{{size}}} "

    def largest(self, letter: str, inside: str) -> str:
        return f"max_{letter} {inside}"

    def transpose(self, inside: str) -> str:
        return f"{inside}ᵀ"

    def ones(self, kind: str) -> str:
        return {"column": "1", "row": "1ᵀ", "matrix": "11ᵀ"}[kind]


@dataclass(frozen=True)
class Latex(Style):
    """LaTeX mathematics, without dollar signs."""

    minus: str = "-"
    less: str = " - "
    hadamard: str = r" \odot "
    over: str = r" \oslash "
    times: str = r" \times "
    arrow: str = r" \leftarrow "
    dots: str = r"\dots "
    nothing: str = "{}"
    otherwise: str = "otherwise"

    def symbol(self, name: str, index: str = "") -> str:
        if is_partial(name):
            top, bottom = name[1:].split("/∂", 1)
            return self.partial(self.symbol(top), self.symbol(bottom, index))
        letter, _, tail = name.partition("_")
        letter, tail = numbered(letter, tail)
        separator = "" if not tail or not index or len(tail) == len(index) == 1 else ","
        nested = "_" in tail or numbered(tail)[1] != ""
        inner = self.symbol(tail) if nested else tail
        below = inner + separator + index
        return f"{self._letter(letter)}_{{{below}}}" if below else self._letter(letter)

    def partial(self, top: str, bottom: str) -> str:
        return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"

    def dimensions(self, *names: str) -> str:
        return r" \times ".join(self.symbol(name) for name in names)

    def braced(self, inside: str, dimensions: str) -> str:
        return rf"\underbrace{{{inside}}}_{{{dimensions}}}"

    def step(self, label: str) -> str:
        return rf" \xrightarrow{{\;{label}\;}} "

    def _letter(self, name: str) -> str:
        if name in _GREEK:
            return _GREEK[name]
        return name if len(name) == 1 or not name.isalpha() else rf"\mathrm{{{name}}}"

    def brackets(self, inside: str) -> str:
        tall = any(word in inside for word in (r"\frac", r"\sum", r"\underbrace"))
        return rf"\left({inside}\right)" if tall else f"({inside})"

    def _opens(self, piece: str) -> bool:
        return piece.startswith(("(", r"\left("))

    def fraction(self, top: str, bottom: str, *, tight: bool) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    @property
    def stacked(self) -> bool:
        return True

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def entrywise_power(self, base: str, exponent: str) -> str:
        return rf"{base}^{{\odot {exponent}}}"

    def root(self, inside: str) -> str:
        return rf"\sqrt{{{inside}}}"

    def call(self, name: str, *arguments: str) -> str:
        known = {"log": r"\log", "tanh": r"\tanh", "max": r"\max", "min": r"\min"}
        spelled = known.get(name) or r"\operatorname{" + name.replace("_", r"\_") + "}"
        inside = ", ".join(arguments)
        return spelled + self.brackets(inside)

    def absolute(self, inside: str) -> str:
        return rf"\left|{inside}\right|"

    def condition(self, inside: str) -> str:
        return rf"\left[{inside}\right]"

    def cases(self, condition: str, chosen: str, other: str) -> str:
        otherwise = rf"\text{{{self.otherwise}}}"
        return rf"\begin{{cases}} {chosen} & {condition} \\ {other} & {otherwise} \end{{cases}}"

    def total(self, letter: str, size: str) -> str:
        return rf"\sum_{{{letter}=1}}^{{{size}}} "

    def largest(self, letter: str, inside: str) -> str:
        return rf"\max_{{{letter}}} {inside}"

    def transpose(self, inside: str) -> str:
        return rf"{inside}^{{\top}}"

    def ones(self, kind: str) -> str:
        column = r"\mathbf{1}"
        row = r"\mathbf{1}^{\top}"
        return {"column": column, "row": row, "matrix": column + row}[kind]


TEXT = Style()
LATEX = Latex()
