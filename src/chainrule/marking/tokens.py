"""Split a line into tokens; the notations are NumPy, MATLAB, LaTeX, Unicode and handwriting.

The index of a name always follows an underscore (``W_{ho}``, ``W_ho`` and ``W^{(2)}`` in the line),
and a transpose is one token (``.T``, ``^{\\top}``, ``ᵀ``).  The tables here and in
``python_tokens.py``, ``latex_tokens.py`` and ``matlab_notation.py`` are complete: other characters
and commands are errors.
"""

import re
from collections.abc import Iterator

from chainrule.errors import InputTypeError, shown
from chainrule.language.refusals import Refusal
from chainrule.marking import latex_tokens, matlab_notation, python_tokens
from chainrule.marking.scanned_text import ScannedText, Token

MAX_LENGTH = 1000
"""The most characters of a line."""
MAX_TOKENS = 300


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

_SIGNS = [
    ("power", "**"),
    *matlab_notation.SIGNS,
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
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?|\.\d{1,20}")
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75"}
_LOW_LETTERS = dict(zip("ₐₑₕᵢⱼₖₗₘₙₒₚₛₜₓ", "aehijklmnopstx", strict=True))
_LOW = re.compile(f"[{''.join(_LOW_LETTERS)}]+")
"""Letters below the line, as in δₕ."""
_WORD = re.compile(
    r"[∇Δ]?[A-Za-zŷ][A-Za-z0-9ŷ]*(?:_[A-Za-z0-9ŷ]+)*" + f"(?:{_LOW.pattern})?"
    r"|[∇Δ]?[α-ωΑ-ΡΤ-Ω]\d*(?:_\d{2,3})?" + f"(?:{_LOW.pattern})?"
)


def tokens(line: str) -> list[Token]:
    """Return the tokens of a line.

    Raises ``InputError`` for an unknown character or command and for a line that is too long,
    ``InputTypeError`` unless the line is a string.

    >>> [token.text for token in tokens(r"dW_ho = a_h^{\\top} \\delta_{o}")]
    ['dW_ho', '=', 'a_h', 'ᵀ', 'δ_o']
    """
    check_text(line)
    if len(line) > MAX_LENGTH:
        raise Refusal("too_long", count=str(len(line)), limit=str(MAX_LENGTH))
    found: list[Token] = []
    for token in _Scanner(line).all():
        found.append(token)
        if len(found) > MAX_TOKENS:
            raise Refusal("too_many_symbols", limit=str(MAX_TOKENS))
    return found


def check_text(line: object) -> None:
    """Raise ``InputTypeError`` unless a line is a string."""
    if not isinstance(line, str):
        raise InputTypeError(
            f"`line` must be a string such as 'dW_ho = a_h.T @ delta_o', got {shown(line)}"
        )


class _Scanner(ScannedText):
    """Finds the next token, in whichever notation it is."""

    def __init__(self, line: str) -> None:
        super().__init__(line.translate(_TRANSLATION))
        self.open_brackets = 0

    def all(self) -> Iterator[Token]:
        """Yield every token of the line."""
        before: Token | None = None
        while self.position < len(self.line):
            character = self.line[self.position]
            if character == "&" and self.inside_cases:
                self.position += 1
                yield Token("also", "&", self.position - 1, self.position)
                continue
            if self.taken(latex_tokens.LINES):
                continue
            is_within = self.open_brackets > 0 or self.inside_cases
            if before is not None and not is_within and self.taken(latex_tokens.SPACE_BETWEEN):
                before = Token("end", "\n", self.position, self.position)
                yield before
                continue
            at_start = self.position == 0 or self.line[self.position - 1] == "\n"
            if at_start and self.taken(python_tokens.SKIPPED_LINES):
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

    def _next(self, before: Token | None) -> tuple[str, str]:
        """Return kind and text of the next token, an empty kind for text that is ignored."""
        line, position = self.line, self.position
        if line[position] == "\\":
            return latex_tokens.command(self)
        found = python_tokens.word(self)
        if found is not None:
            return found
        if self.taken(latex_tokens.INDICATOR):
            return "word", "indicator"
        if line[position] in _FRACTIONS:
            self.position += 1
            return "number", _FRACTIONS[line[position]]
        if match := self.taken(_NUMBER):
            return "number", match[0]
        if match := self.taken(_WORD):
            return "word", latex_tokens.indexed(self, _LOW.sub(_low_index, match[0]))
        found = None if before is None else python_tokens.suffix(self, before)
        if found is not None:
            return found
        match = latex_tokens.SUPERSCRIPT.match(line, position)
        sign = None if match is None else latex_tokens.raised_sign(match, before)
        if match is not None and sign is not None:
            self.position = match.end()
            return sign
        python_tokens.refuse_entry(self, before)
        if line.startswith("{}", position):
            self.position += 2
            return "", ""
        for kind, text in _SIGNS:
            if line.startswith(text, position):
                self.position += len(text)
                return kind, latex_tokens.sum_index(self) if kind == "sum" else text
        raise Refusal("character", text=(line[position],), position=str(position + 1))


def _low_index(match: re.Match[str]) -> str:
    return "_" + "".join(_LOW_LETTERS[letter] for letter in match[0])
