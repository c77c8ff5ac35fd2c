"""How each medium spells the pieces of a formula.

A style knows spelling only: what a fraction, a power or a sum sign looks like.  Which pieces a
formula has, and where brackets are needed, is the writer's business and the same for every style.
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


@dataclass(frozen=True)
class Style:
    """Plain Unicode; the LaTeX style overrides what differs."""

    minus: str = "−"
    hadamard: str = " ⊙ "
    over: str = " ⊘ "
    times: str = " × "
    product: str = " "
    arrow: str = " ← "
    equals: str = " = "

    def symbol(self, name: str, index: str = "") -> str:
        """A name, with the letters of its indices where indices are written."""
        if not index:
            return name
        if "_" not in name:
            return f"{name}_{index}"
        tail = name.rsplit("_", 1)[1]
        return name + ("" if len(tail) == len(index) == 1 else ",") + index

    def brackets(self, inside: str) -> str:
        return f"({inside})"

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

    def condition(self, inside: str) -> str:
        return f"[{inside}]"

    def cases(self, condition: str, chosen: str, other: str) -> str:
        return f"({chosen} if {condition} else {other})"

    def total(self, letter: str, size: str) -> str:
        return f"Σ_{{{letter}=1}}^{{{size}}} "

    def largest(self, letter: str, inside: str) -> str:
        return f"max_{letter} {inside}"

    def transpose(self, inside: str) -> str:
        return f"{inside}ᵀ"

    def ones(self, kind: str) -> str:
        return {"column": "1", "row": "1ᵀ", "matrix": "11ᵀ"}[kind]

    def number(self, name: str) -> str:
        return name


@dataclass(frozen=True)
class Latex(Style):
    """LaTeX mathematics, as it stands between dollar signs."""

    minus: str = "-"
    hadamard: str = r" \odot "
    over: str = r" \oslash "
    times: str = r" \times "
    arrow: str = r" \leftarrow "

    def symbol(self, name: str, index: str = "") -> str:
        if name.startswith("∂") and "/∂" in name:
            top, bottom = name[1:].split("/∂", 1)
            fraction = rf"\frac{{\partial {self.symbol(top)}}}{{\partial {self.symbol(bottom)}}}"
            return rf"\left({fraction}\right)_{{{index}}}" if index else fraction
        letter, _, tail = name.partition("_")
        letter = self.number(letter)
        separator = "" if not tail or not index or len(tail) == len(index) == 1 else ","
        inner = self.symbol(tail) if "_" in tail else tail
        below = inner + separator + index
        return f"{letter}_{{{below}}}" if below else letter

    def number(self, name: str) -> str:
        if name in _GREEK:
            return _GREEK[name]
        return name if len(name) == 1 or not name.isalpha() else rf"\mathrm{{{name}}}"

    def brackets(self, inside: str) -> str:
        tall = r"\frac" in inside or r"\sum" in inside
        return rf"\left({inside}\right)" if tall else f"({inside})"

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
        return (
            rf"\begin{{cases}} {chosen} & {condition} \\ {other} & \text{{otherwise}} \end{{cases}}"
        )

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
