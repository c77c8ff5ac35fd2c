"""A line to tokens, in the notations that learners use: NumPy, MATLAB, LaTeX, Unicode, the page's.

Nothing here knows a network.  A name comes out with its index behind an underline, however it was
written (``W_{ho}``, ``W_ho``, ``W^{(2)}``), a transpose as one token (``.T``, ``^{\\top}``, ``ᵀ``).
What is not in the tables below is refused: there is no fallback.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.errors import InputTypeError, shown
from chainrule.language.refusals import Refusal

LONGEST = 1000
"""Characters that a line may have."""
MOST_TOKENS = 300


@dataclass(frozen=True)
class Token:
    """One token: its kind, its text, and where it stands in the line."""

    kind: str
    text: str
    start: int
    end: int


_WIDE = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_ALIKE = {**_WIDE, "−": "-", "–": "-", "—": "-", "。": ".", "、": ",", "\u00a0": " ", "\u3000": " "}
_ALIKE.update({chr(0x2080 + digit): str(digit) for digit in range(10)})  # W₁
_SAME_LENGTH = str.maketrans(_ALIKE)

_GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "Delta": "δ",
    "eta": "η",
    "lambda": "λ",
    "sigma": "σ",
    "phi": "φ",
    "varphi": "φ",
    "mu": "μ",
    "rho": "ρ",
    "epsilon": "ε",
    "varepsilon": "ε",
    "pi": "π",
}
_COMMANDS = {
    "odot": ("entrywise", "⊙"),
    "circ": ("entrywise", "⊙"),
    "oslash": ("divide", "⊘"),
    "cdot": ("product", "·"),
    "times": ("product", "×"),
    "bullet": ("dot", "•"),
    "partial": ("partial", "∂"),
    "sum": ("sum", "Σ"),
    "frac": ("frac", ""),
    "dfrac": ("frac", ""),
    "tfrac": ("frac", ""),
    "leftarrow": ("assign", "←"),
    "gets": ("assign", "←"),
    "coloneqq": ("assign", "←"),
    "top": ("transpose", "ᵀ"),
    "intercal": ("transpose", "ᵀ"),
    "prime": ("prime", "′"),
    "lbrace": ("open", "{"),
    "rbrace": ("close", "}"),
    "gt": ("compare", ">"),
    "lt": ("compare", "<"),
    "ge": ("compare", ">="),
    "geq": ("compare", ">="),
    "le": ("compare", "<="),
    "leq": ("compare", "<="),
}
_FUNCTIONS = {"exp", "log", "ln", "tanh", "sqrt", "max", "min"}
_SILENT = {
    *("left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "displaystyle", "limits"),
    *("quad", "qquad", "nolimits", "textstyle", "mathstrut"),
}
_DRESS = {
    *("mathrm", "mathbf", "mathit", "mathsf", "text", "textrm", "operatorname", "boldsymbol"),
    *("bm", "hat", "vec", "bar"),
}
_MARKS = [
    ("power", "**"),
    ("entrywise", ".*"),
    ("divide", "./"),
    ("power", ".^"),
    ("transpose", ".'"),
    ("assign", "<-"),
    ("assign", ":="),
    ("less", "-="),
    ("more", "+="),
    ("compare", ">="),
    ("compare", "<="),
    ("compare", "=="),
    ("transpose", "ᵀ"),
    ("transpose", "⊤"),
    ("prime", "'"),
    ("prime", "′"),
    ("power", "^"),
    ("matrix", "@"),
    ("entrywise", "*"),
    ("entrywise", "⊙"),
    ("entrywise", "∘"),
    ("divide", "⊘"),
    ("divide", "/"),
    ("divide", "÷"),
    ("product", "×"),
    ("product", "·"),
    ("product", "⋅"),
    ("product", "∙"),
    ("dot", "•"),
    ("add", "+"),
    ("subtract", "-"),
    ("assign", "←"),
    ("equals", "="),
    ("compare", ">"),
    ("compare", "<"),
    ("open", "("),
    ("close", ")"),
    ("open", "["),
    ("close", "]"),
    ("open", "{"),
    ("close", "}"),
    ("comma", ","),
    ("end", ";"),
    ("end", "\n"),
    ("sum", "Σ"),
    ("sum", "∑"),
    ("partial", "∂"),
    ("square", "²"),
    ("bar", "|"),
    ("root", "√"),
]
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))", re.S)
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?|\.\d{1,20}")
_WORD = re.compile(r"∇?[A-Za-zŷ][A-Za-z0-9ŷ]*(?:_[A-Za-z0-9ŷ]+)*|∇?[α-ωΑ-ΡΤ-Ω]\d*")
_RUNNING = re.compile(r",b?[i-l]{1,2}(?![A-Za-z0-9_])")
"""The letters that run in a sum: y_t,bi of Y_t."""
_CASES = re.compile(r"\\(begin|end)\{cases\}")
_LIBRARY = re.compile(r"(?:np|numpy|jnp|torch|math|F)\.(?=[A-Za-z])")
_MEMBER = re.compile(r"\.([A-Za-z]\w*)")
_POWERED = ("β", "beta")
"""Names of numbers that are raised to the power t."""
_ENTRY = re.compile(r"\[[-\d:,\s]*\]")
"""a[0], a[:, 1]: an entry or a part."""
_BRACED = r"\{([^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*)\}"
_GROUP = re.compile(_BRACED)
_ABOVE = re.compile(rf"\^\s*(?:{_BRACED}|(\\[A-Za-z]+|[A-Za-z0-9+*⊤]))")
_INDEX = re.compile(rf"\s?_\s*(?:{_BRACED}|(\\[A-Za-z]+|[A-Za-z0-9]))")
_LAYER = re.compile(r"[(\[](\d{1,3})[)\]]")
_NEW = {"+", "new", "(t+1)", "t+1", "neu", "(new)", "next"}
_OLD = {"old", "(t)", "t", "(old)"}
_T = {"T", "⊤", "top", "intercal", "t", "mathsfT", "mathrmT", "textT"}


def tokens(line: str) -> list[Token]:
    """Return the tokens of a line.

    Raises ``InputError`` for a character or a command that is not known, and for lines that are
    too long; ``InputTypeError`` for what is no text.

    >>> [token.text for token in tokens(r"dW_ho = a_h^{\\top} \\delta_{o}")]
    ['dW_ho', '=', 'a_h', 'ᵀ', 'δ_o']
    """
    if not isinstance(line, str):
        raise InputTypeError(
            f"line: {shown(line)} came; a line of text such as 'dW_ho = a_h.T @ delta_o'"
        )
    if len(line) > LONGEST:
        raise Refusal("long", came=str(len(line)), most=str(LONGEST))
    found: list[Token] = []
    for token in _Scanner(line).all():
        found.append(token)
        if len(found) > MOST_TOKENS:
            raise Refusal("many", most=str(MOST_TOKENS))
    return found


class _Scanner:
    def __init__(self, line: str) -> None:
        self.line = line.translate(_SAME_LENGTH)
        self.place = 0
        self.cases = False

    def all(self) -> Iterator[Token]:
        """Yield every token."""
        before: Token | None = None
        while self.place < len(self.line):
            here = self.line[self.place]
            if here == "&" and self.cases:
                self.place += 1
                yield Token("also", "&", self.place - 1, self.place)
                continue
            if here in " \t\r$&~" or (here == "#" and self._to_the_end()):
                self.place += 1
                continue
            start = self.place
            kind, text = self._next(before)
            if kind:
                before = Token(kind, text, start, self.place)
                yield before

    def _to_the_end(self) -> bool:
        self.place = len(self.line)
        return True

    def _taken(self, length: int) -> str:
        text = self.line[self.place : self.place + length]
        self.place += length
        return text

    def _next(self, before: Token | None) -> tuple[str, str]:
        line, place = self.line, self.place
        if line[place] == "\\":
            return self._command()
        if match := _LIBRARY.match(line, place):
            self.place = match.end()
            return "", ""
        if match := _NUMBER.match(line, place):
            return "number", self._taken(match.end() - place)
        if match := _WORD.match(line, place):
            return "word", self._indexed(self._taken(match.end() - place))
        if (match := _MEMBER.match(line, place)) and before is not None:
            self.place = match.end()
            if match[1] == "T" and line.startswith("()", self.place):
                raise Refusal("called", place=str(self.place + 1))
            return ("transpose", "ᵀ") if match[1] == "T" else ("member", match[1])
        match = _ABOVE.match(line, place) if line[place] == "^" else None
        powered = before is not None and before.text.startswith(_POWERED)
        if match and _plain(match) in _T and not (powered and _plain(match) == "t"):
            self.place = match.end()
            return "transpose", "ᵀ"
        if line[place] == "^" and match and _plain(match) == "prime":
            self.place = match.end()
            return "prime", "′"
        if before and (before.kind, before.end) == ("word", place) and _ENTRY.match(line, place):
            raise Refusal("entry", text=before.text, place=str(place + 1))
        if line[place] == "{" and line.startswith("{}", place):
            self.place += 2
            return "", ""
        for kind, mark in _MARKS:
            if line.startswith(mark, place):
                self.place += len(mark)
                if kind == "sum":
                    return kind, self._sum_index()
                return kind, mark
        raise Refusal("character", text=(line[place],), place=str(place + 1))

    def _command(self) -> tuple[str, str]:
        cases = _CASES.match(self.line, self.place)
        if cases is not None:
            self.place = cases.end()
            self.cases = cases[1] == "begin"
            return f"{cases[1]} cases", cases[0]
        match = _COMMAND.match(self.line, self.place)
        if match is None:
            raise Refusal("backslash")
        self.place = match.end()
        name, other = match[1], match[2]
        if name is None:
            return ("end", "\n") if other == "\\" else ("", "")
        if name in _SILENT:
            return "", ""
        if name in _GREEK:
            return "word", self._indexed(_GREEK[name])
        if name in _DRESS:
            return self._dressed(name)
        if name == "nabla":
            index = _INDEX.match(self.line, self.place)
            if index is not None:
                self.place = index.end()
                return "word", f"∇{_plain(index)}"
        if name in _FUNCTIONS:
            return ("root", "√") if name == "sqrt" else ("word", name)
        if name in _COMMANDS:
            kind, text = _COMMANDS[name]
            return kind, self._sum_index() if kind == "sum" else text
        raise Refusal("command", text=(f"\\{name}",))

    def _dressed(self, name: str) -> tuple[str, str]:
        """Take off \\mathbf{…}: what it holds is a word or a number."""
        group = _GROUP.match(self.line, self.place)
        inside = group[1].strip().replace("\\_", "_") if group else ""
        if group is None or not re.fullmatch(r"\\?[A-Za-z0-9_]+", inside):
            raise Refusal("dress", text=(f"\\{name}",))
        self.place = group.end()
        if inside.isdigit():
            return "number", inside
        inside = _GREEK.get(inside.lstrip("\\"), inside.lstrip("\\"))
        return "word", self._indexed(inside + ("_hat" if name == "hat" else ""))

    def _indexed(self, word: str) -> str:
        """Add the index of a name: _{ho}, ^{(2)}, and what marks a new or an old parameter."""
        while True:
            match = _INDEX.match(self.line, self.place)
            if match is not None and not word.endswith("_"):
                word = f"{word}_{_plain(match)}"
                self.place = match.end()
                continue
            match = _ABOVE.match(self.line, self.place)
            if match is None:
                running = _RUNNING.match(self.line, self.place)
                self.place = running.end() if running and "_" in word else self.place
                return word
            above = _plain(match)
            layer = _LAYER.fullmatch(above)
            if layer is not None:
                word = f"{word}_{layer[1]}"
            elif above in _NEW:
                word = f"{word}_new"
            elif above not in _OLD or above in _T or word.startswith(_POWERED):
                return word
            self.place = match.end()

    def _sum_index(self) -> str:
        """Return the index that a sum runs over, '' where none is written."""
        letter = ""
        while match := _INDEX.match(self.line, self.place) or _ABOVE.match(self.line, self.place):
            if self.line[match.start() : match.end()].lstrip().startswith("_"):
                letter = _plain(match).partition("=")[0]
            self.place = match.end()
        return letter


def _plain(match: re.Match[str]) -> str:
    """Return an index without its LaTeX dress."""
    inside = match[1] if match[1] is not None else match[2]
    inside = re.sub(r"\\(?:mathrm|text|mathbf|mathit|rm)\b|[{}\s\\]", "", inside)
    return inside.partition(",")[0]
