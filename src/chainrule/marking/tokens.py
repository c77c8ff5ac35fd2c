"""Split a line into tokens; the notations are NumPy, MATLAB, LaTeX, Unicode and handwriting.

The index of a name always follows an underscore (``W_{ho}``, ``W_ho`` and ``W^{(2)}`` in the line),
and a transpose is one token (``.T``, ``^{\\top}``, ``ᵀ``).  The tables below are complete: other
characters and commands are errors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.errors import InputTypeError, shown
from chainrule.language.refusals import Refusal

MAX_LENGTH = 1000
"""The most characters of a line."""
MAX_TOKENS = 300


@dataclass(frozen=True)
class Token:
    """One token: its kind, its text, its start and its end in the line."""

    kind: str
    text: str
    start: int
    end: int


_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_EQUIVALENT = {
    **_FULL_WIDTH,
    "−": "-",
    "–": "-",
    "—": "-",
    "。": ".",
    "、": ",",
    "\u00a0": " ",
    "\u3000": " ",
}
_EQUIVALENT.update({chr(0x2080 + digit): str(digit) for digit in range(10)})  # W₁
_TRANSLATION = str.maketrans(_EQUIVALENT)

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
    "to": ("assign", "←"),
    "mapsto": ("assign", "←"),
    "lVert": ("norm", "‖"),
    "rVert": ("norm", "‖"),
    "Vert": ("norm", "‖"),
    "lvert": ("bar", "|"),
    "rvert": ("bar", "|"),
    "vert": ("bar", "|"),
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
_IGNORED_COMMANDS = {
    *("left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "displaystyle", "limits"),
    *("quad", "qquad", "nolimits", "textstyle", "mathstrut"),
}
_FONT_COMMANDS = {
    *("mathrm", "mathbf", "mathit", "mathsf", "text", "textrm", "operatorname", "boldsymbol"),
    *("bm", "hat", "vec", "bar", "mathcal", "mathbb", "mathscr", "pmb", "widehat", "symbf"),
}
_SIGNS = [
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
    ("norm", "‖"),
    ("norm", "||"),
    ("bar", "|"),
    ("root", "√"),
]
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))", re.S)
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?|\.\d{1,20}")
_LOW_LETTERS = dict(zip("ₐₑₕᵢⱼₖₗₘₙₒₚₛₜₓ", "aehijklmnopstx", strict=True))
_LOW = re.compile(f"[{''.join(_LOW_LETTERS)}]+")
"""Letters below the line, as in δₕ."""
_WORD = re.compile(
    r"[∇Δ]?[A-Za-zŷ][A-Za-z0-9ŷ]*(?:_[A-Za-z0-9ŷ]+)*" + f"(?:{_LOW.pattern})?"
    r"|∇?[α-ωΑ-ΡΤ-Ω]\d*" + f"(?:{_LOW.pattern})?"
)
_SUMMATION_INDICES = re.compile(r",b?[i-l]{1,2}(?![A-Za-z0-9_])")
"""The indices of a sum after those of a name: y_t,bi is an entry of Y_t."""
_CASES = re.compile(r"\\(begin|end)\{cases\}")
_LINES = re.compile(
    r"\\(?:begin|end)\{(?:aligned|align|split|gather|gathered|eqnarray|equation)\*?\}|\\[\[\]()]"
)
"""What surrounds displayed equations."""
_LIBRARY = re.compile(
    r"(?:np|numpy|jnp|jax|torch|math|F|nn|scipy|special|functional|linalg|self|K|tf)"
    r"\.(?=[A-Za-z])"
)
_KEY = re.compile(r"(?P<table>[A-Za-z_]\w*)\[\s*(?P<mark>['\"])(?P<name>\w+)(?P=mark)\s*\]")
"""grads["dW2"], cache['A1']: the key is the name."""
_GRADIENT_TABLES = ("grads", "grad", "gradients", "gradient", "dparams")
"""The names of tables of derivatives: grads["W2"] is dW2."""
_NEW_AXIS = re.compile(r"\[\s*(:|None)\s*,\s*(:|None)\s*\]")
_CHANGED = re.compile(r"\s*(?:\\(?:mathbf|boldsymbol|bm)\{)?([WwbΘθ])\}?(?![A-Za-z])")
"""What follows the Delta of a change, as in \\Delta W."""
_INDICATOR = re.compile(r"1_(?=\{)")
_SHAPE = re.compile(r"\.(?:shape\[|size\()\s*([01]|-1)\s*[\])]")
_STRING = re.compile(r"(['\"])([A-Za-z,>\- ]*)\1")
_OUTER = re.compile(r"multiply\.outer\b")
_SKIPPED_LINES = re.compile(
    r"[ \t]*(?:def\s+\w+\s*\(.*\)\s*(?:->.*)?:|for\s+\w+\s+in\s+range\s*\(.*\)\s*:|pass"
    r"|return\b[\w\s,(){}'\":]*|import\s.*|from\s+\w+\s+import\s.*|end(?:function)?;?)"
    r"[ \t]*(?:#.*)?"
    r"(?=\n|$)"
)
"""Lines of a program that compute nothing: what they contain is a matter of the other lines."""
_WHOLE = re.compile(r"\[\s*:\s*(?:,\s*:\s*)?\]|\[\s*\.\.\.\s*\]")
"""W[:], W[...]: all of it."""
_DIFFERENTIAL = re.compile(
    r"\\(?:mathrm|text|operatorname)\s*\{\s*d\s*\}\s*|\\mathrm\s+d\s*|\\dd\b\s*"
)
_MEMBER = re.compile(r"\.([A-Za-z]\w*)")
_RAISED_TO_T = ("β", "beta")
"""The names whose superscript t is a power, not a transpose."""
_ENTRY = re.compile(r"\[[-\d:,\s]*\]")
"""a[0], a[:, 1]: an entry or a slice."""
_BRACED = r"\{([^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*)\}"
_GROUP = re.compile(_BRACED)
_SINGLE = re.compile(r"\s*(\\[A-Za-z]+|[A-Za-z0-9])")
"""The one symbol that a font command without braces applies to."""
_SUPERSCRIPT = re.compile(rf"\^\s*(?:{_BRACED}|(\\[A-Za-z]+|[A-Za-z0-9+*⊤]))")
_LAYER_AND_SIGN = re.compile(
    r"\^\{\s*(?P<layer>[(\[]\d{1,3}[)\]])\s*(?P<sign>\\?top|\\intercal|T|⊤|ᵀ|\\mathsf\{T\}|\\prime|')\s*\}"
)
"""W^{(2)\\top}, g^{[1]\\prime}: a layer with a transpose or a prime."""
_SUBSCRIPT = re.compile(rf"\s?_\s*(?:{_BRACED}|(\\[A-Za-z]+|[A-Za-z0-9]))")
_LAYER_NUMBER = re.compile(r"[(\[](\d{1,3})[)\]]")
_NEW = {"+", "new", "(t+1)", "t+1", "neu", "(new)", "next"}
_OLD = {"old", "(t)", "t", "(old)"}
_TRANSPOSES = {"T", "⊤", "top", "intercal", "t", "mathsfT", "mathrmT", "textT"}


def tokens(line: str) -> list[Token]:
    """Return the tokens of a line.

    Raises ``InputError`` for an unknown character or command and for a line that is too long,
    ``InputTypeError`` unless the line is a string.

    >>> [token.text for token in tokens(r"dW_ho = a_h^{\\top} \\delta_{o}")]
    ['dW_ho', '=', 'a_h', 'ᵀ', 'δ_o']
    """
    if not isinstance(line, str):
        raise InputTypeError(
            f"`line` must be a string such as 'dW_ho = a_h.T @ delta_o', got {shown(line)}"
        )
    if len(line) > MAX_LENGTH:
        raise Refusal("too_long", count=str(len(line)), limit=str(MAX_LENGTH))
    found: list[Token] = []
    for token in _Scanner(line).all():
        found.append(token)
        if len(found) > MAX_TOKENS:
            raise Refusal("too_many_symbols", limit=str(MAX_TOKENS))
    return found


class _Scanner:
    """The line and the current position in it."""

    def __init__(self, line: str) -> None:
        self.line = line.translate(_TRANSLATION)
        self.position = 0
        self.inside_cases = False
        self.open_brackets = 0
        self.pending: tuple[str, str] | None = None
        """Kind and text of a token that the last word included."""

    def all(self) -> Iterator[Token]:
        """Yield every token of the line."""
        before: Token | None = None
        while self.position < len(self.line):
            character = self.line[self.position]
            if character == "&" and self.inside_cases:
                self.position += 1
                yield Token("also", "&", self.position - 1, self.position)
                continue
            if match := _LINES.match(self.line, self.position):
                self.position = match.end()
                continue
            at_start = self.position == 0 or self.line[self.position - 1] == "\n"
            if at_start and (match := _SKIPPED_LINES.match(self.line, self.position)):
                self.position = match.end()
                continue
            if character in " \t\r$&~" or (character == "\n" and self.open_brackets > 0):
                self.position += 1
                continue
            if character in "#%":  # comments of Python; of MATLAB and LaTeX
                end = self.line.find("\n", self.position)
                self.position = len(self.line) if end == -1 else end
                continue
            start = self.position
            kind, text = self._next(before)
            if kind:
                before = Token(kind, text, start, self.position)
                self.open_brackets += (kind == "open") - (kind == "close")
                yield before
            if self.pending is not None:
                before = Token(*self.pending, self.position, self.position)
                self.pending = None
                yield before

    def _take(self, length: int) -> str:
        text = self.line[self.position : self.position + length]
        self.position += length
        return text

    def _next(self, before: Token | None) -> tuple[str, str]:
        """Return kind and text of the next token, an empty kind for text that is ignored."""
        line, position = self.line, self.position
        if line[position] == "\\":
            return self._command()
        if match := _LIBRARY.match(line, position):
            self.position = match.end()
            return "", ""
        if match := _OUTER.match(line, position):
            self.position = match.end()
            return "word", "outer"
        if match := _KEY.match(line, position):
            self.position = match.end()
            is_gradient = match["table"] in _GRADIENT_TABLES and match["name"][0] not in "dgδ∇"
            return "word", ("d" if is_gradient else "") + match["name"]
        if match := _INDICATOR.match(line, position):
            self.position = match.end()
            return "word", "indicator"
        if match := _NUMBER.match(line, position):
            return "number", self._take(match.end() - position)
        if match := _WORD.match(line, position):
            word = _LOW.sub(_low_index, self._take(match.end() - position))
            return "word", self._indexed(word)
        if (match := _SHAPE.match(line, position)) and before is not None:
            self.position = match.end()
            return "member", f"shape{int(match[1]) % 2}"
        opened = before is not None and before.text == "("
        if opened and (match := _STRING.match(line, position)):
            self.position = match.end()
            return "string", match[2].replace(" ", "")
        if (match := _MEMBER.match(line, position)) and before is not None:
            self.position = match.end()
            if match[1] == "T" and line.startswith("()", self.position):
                raise Refusal("transpose_call", position=str(self.position + 1))
            if match[1] in ("t", "adjoint") and line.startswith("()", self.position):
                self.position += 2
                return "transpose", "ᵀ"
            return ("transpose", "ᵀ") if match[1] in ("T", "mT") else ("member", match[1])
        if before is not None and (match := _NEW_AXIS.match(line, position)) and ":" in match[0]:
            self.position = match.end()
            kinds = {(":", "None"): "column", ("None", ":"): "row", (":", ":"): ""}
            return ("member", kind) if (kind := kinds[match[1], match[2]]) else ("", "")
        if before is not None and (match := _WHOLE.match(line, position)):
            self.position = match.end()
            return "", ""
        match = _SUPERSCRIPT.match(line, position) if line[position] == "^" else None
        raised = before is not None and before.text.startswith(_RAISED_TO_T)
        if match and _plain(match) in _TRANSPOSES and not (raised and _plain(match) == "t"):
            self.position = match.end()
            return "transpose", "ᵀ"
        if line[position] == "^" and match and _plain(match) == "prime":
            self.position = match.end()
            return "prime", "′"
        if (
            before
            and (before.kind, before.end) == ("word", position)
            and _ENTRY.match(line, position)
        ):
            raise Refusal("entry", text=before.text, position=str(position + 1))
        if line[position] == "{" and line.startswith("{}", position):
            self.position += 2
            return "", ""
        for kind, sign in _SIGNS:
            if line.startswith(sign, position):
                self.position += len(sign)
                if kind == "sum":
                    return kind, self._sum_index()
                return kind, sign
        raise Refusal("character", text=(line[position],), position=str(position + 1))

    def _command(self) -> tuple[str, str]:
        cases = _CASES.match(self.line, self.position)
        if cases is not None:
            self.position = cases.end()
            self.inside_cases = cases[1] == "begin"
            return f"{cases[1]} cases", cases[0]
        differential = _DIFFERENTIAL.match(self.line, self.position)
        if differential is not None:
            self.position = differential.end()
            return "partial", "∂"
        match = _COMMAND.match(self.line, self.position)
        if match is None:
            raise Refusal("backslash")
        self.position = match.end()
        name, other = match[1], match[2]
        if name is None:
            kinds = {"\\": ("end", "\n"), "|": ("norm", "‖")}
            return kinds.get(other, ("", ""))
        if name in _IGNORED_COMMANDS:
            return "", ""
        if name == "Delta" and (match := _CHANGED.match(self.line, self.position)):
            self.position = match.end()
            return "word", self._indexed(f"Δ{match[1]}")
        if name in _GREEK:
            return "word", self._indexed(_GREEK[name])
        if name in _FONT_COMMANDS:
            return self._font(name)
        if name == "nabla":
            index = _SUBSCRIPT.match(self.line, self.position)
            if index is not None:
                self.position = index.end()
                inside = index[1] if index[1] is not None else index[2]
                layer = re.sub(r"[_^]?\{?\^\{?[(\[](\d{1,3})[)\]]\}?\}?", r"_\1", inside)
                return "word", "∇" + re.sub(
                    r"\\(?:mathrm|text|mathbf|boldsymbol)\b|[{}\s\\]", "", layer
                )
        if name in _FUNCTIONS:
            return ("root", "√") if name == "sqrt" else ("word", name)
        if name in _COMMANDS:
            kind, text = _COMMANDS[name]
            return kind, self._sum_index() if kind == "sum" else text
        raise Refusal("command", text=(f"\\{name}",))

    def _font(self, name: str) -> tuple[str, str]:
        """Return the word or number inside of \\mathbf{…}."""
        group = _GROUP.match(self.line, self.position) or _SINGLE.match(self.line, self.position)
        inside = group[1].strip().replace("\\_", "_") if group else ""
        if group is None or not re.fullmatch(r"\\?[A-Za-z0-9_]+", inside):
            raise Refusal("font_command", text=(f"\\{name}",))
        self.position = group.end()
        if (name, inside) == ("mathbb", "1"):
            self.position += self.line.startswith("_", self.position)
            return "word", "indicator"  # the function that is 1 where a condition is true
        if inside.isdigit():
            return "number", inside
        inside = _GREEK.get(inside.lstrip("\\"), inside.lstrip("\\"))
        return "word", self._indexed(inside + ("_hat" if name == "hat" else ""))

    def _indexed(self, word: str) -> str:
        """Return a word with its index (_{ho}, ^{(2)}) and the suffix of an updated parameter."""
        while True:
            match = _SUBSCRIPT.match(self.line, self.position)
            if match is not None and not word.endswith("_"):
                word = f"{word}_{_plain(match)}"
                self.position = match.end()
                continue
            both = _LAYER_AND_SIGN.match(self.line, self.position)
            if both is not None:
                word = f"{word}_{both['layer'][1:-1]}"
                is_prime = both["sign"] in ("'", "\\prime")
                self.position = both.end()
                self.pending = ("prime", "′") if is_prime else ("transpose", "ᵀ")
                return word
            match = _SUPERSCRIPT.match(self.line, self.position)
            if match is None:
                running = _SUMMATION_INDICES.match(self.line, self.position)
                self.position = running.end() if running and "_" in word else self.position
                return word
            superscript = _plain(match)
            layer = _LAYER_NUMBER.fullmatch(superscript)
            if layer is not None:
                word = f"{word}_{layer[1]}"
            elif superscript in _NEW:
                word = f"{word}_new"
            elif (
                superscript not in _OLD
                or superscript in _TRANSPOSES
                or word.startswith(_RAISED_TO_T)
            ):
                return word
            self.position = match.end()

    def _sum_index(self) -> str:
        """Return the index of a sum, '' if there is none."""
        letter = ""
        while match := _SUBSCRIPT.match(self.line, self.position) or _SUPERSCRIPT.match(
            self.line, self.position
        ):
            if self.line[match.start() : match.end()].lstrip().startswith("_"):
                letter = _plain(match).partition("=")[0]
            self.position = match.end()
        return letter


def _low_index(match: re.Match[str]) -> str:
    return "_" + "".join(_LOW_LETTERS[letter] for letter in match[0])


def _plain(match: re.Match[str]) -> str:
    """Return a subscript or superscript without LaTeX commands."""
    inside = match[1] if match[1] is not None else match[2]
    inside = re.sub(r"\\(?:mathrm|text|mathbf|mathit|rm)\b|[{}\s\\]", "", inside)
    return inside.partition(",")[0]
