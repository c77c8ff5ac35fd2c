"""LaTeX as written: commands, fonts, indices below and above, sums.

The tables are complete: another command is an error that names it.
"""

import re

from chainrule.language.refusals import Refusal
from chainrule.marking.scanned_text import ScannedText, Token

_GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "Delta": "δ",
    "eta": "η",
    "lambda": "λ",
    "sigma": "σ",
    "theta": "θ",
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
_FUNCTIONS = {"exp", "log", "ln", "tanh", "sin", "cos", "sqrt", "max", "min"}
_IGNORED_COMMANDS = {
    *("left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "displaystyle", "limits"),
    *("quad", "qquad", "nolimits", "textstyle", "mathstrut"),
}
_LABELS = ("tag", "label", "nonumber", "notag")
"""The commands for the number of an equation."""
_LABEL = re.compile(r"\s*\{[^{}]*\}")
_FONT_COMMANDS = {
    *("mathrm", "mathbf", "mathit", "mathsf", "text", "textrm", "operatorname", "boldsymbol"),
    *("bm", "hat", "vec", "bar", "mathcal", "mathbb", "mathscr", "pmb", "widehat", "symbf"),
}
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)\*?|(.))", re.S)
_SUMMATION_INDICES = re.compile(r",b?[i-l]{1,2}(?![A-Za-z0-9_])")
"""The indices of a sum after those of a name: y_t,bi is an entry of Y_t."""
_WIDE_SUMMATION_INDICES = re.compile(r",b?[i-mp-w]{1,2}(?![A-Za-z0-9_])")
"""The same in a line with sums, where deeper networks have more letters."""
SPACE_BETWEEN = re.compile(
    r",?\s{0,9}\\q?quad(?![A-Za-z])(?:[\s,~]|\\q?quad(?![A-Za-z]))*"
    r"(?!(?:[\s,~]|\\q?quad)*(?:=|&|←|\\leftarrow|\\gets))(?=(?:(?!\\\\)[^=;\n←])+?(?:=|←|\\leftarrow|\\gets))"
)
"""The space between two equations of one display: what follows has a left side of its own."""
_CASES = re.compile(r"\\(begin|end)\{cases\}")
INDICATOR = re.compile(r"1_(?=\{)")
LINES = re.compile(
    r"\\(?:begin|end)\{(?:aligned|align|split|gather|gathered|eqnarray|equation)\*?\}|\\[\[\]()]"
)
"""What surrounds displayed equations."""
_CHANGED = re.compile(
    r"\s*(?:\\(?:mathbf|boldsymbol|bm)\{)?(\\(?:theta|gamma)|[WwbvΘθγ])\}?(?![A-Za-z])"
)
"""What follows the Delta of a change, as in \\Delta W."""
_DIFFERENTIAL = re.compile(
    r"\\(?:mathrm|text|operatorname)\s*\{\s*d\s*\}\s*|\\mathrm\s+d\s*|\\dd\b\s*"
)
_RAISED_TO_T = ("β", "beta")
"""The names whose superscript t is a power, not a transpose."""
_BRACED = r"\{([^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*)\}"
_GROUP = re.compile(_BRACED)
_SINGLE = re.compile(r"\s*(\\[A-Za-z]+|[A-Za-z0-9])")
"""The one symbol that a font command without braces applies to."""
SUPERSCRIPT = re.compile(rf"\^\s*(?:{_BRACED}|(\\[A-Za-z]+|[A-Za-z0-9+*⊤]))")
_LAYER_AND_SIGN = re.compile(
    r"\^\{\s*(?P<layer>[(\[]\d{1,3}[)\]])\s*(?P<sign>\\?top|\\intercal|T|⊤|ᵀ|\\mathsf\{T\}|\\prime|')\s*\}"
)
"""W^{(2)\\top}, g^{[1]\\prime}: a layer with a transpose or a prime."""
_SUBSCRIPT = re.compile(rf"\s?_\s*(?:{_BRACED}|(\\[A-Za-z]+|[A-Za-z0-9]))")
_LAYER_NUMBER = re.compile(r"[(\[](\d{1,3})[)\]]")
_NEW = {"+", "new", "(t+1)", "t+1", "neu", "(new)", "next"}
_OLD = {"old", "(t)", "t", "(old)"}
_TRANSPOSES = {"T", "⊤", "top", "intercal", "t", "mathsfT", "mathrmT", "textT"}


def command(text: ScannedText) -> tuple[str, str]:
    """Return kind and text of the command here, an empty kind for one that is ignored."""
    cases = _CASES.match(text.line, text.position)
    if cases is not None:
        text.position = cases.end()
        text.inside_cases = cases[1] == "begin"
        return f"{cases[1]} cases", cases[0]
    differential = _DIFFERENTIAL.match(text.line, text.position)
    if differential is not None:
        text.position = differential.end()
        return "partial", "∂"
    match = _COMMAND.match(text.line, text.position)
    if match is None:
        raise Refusal("backslash")
    text.position = match.end()
    name, other = match[1], match[2]
    if name is None:
        if other == "{" and text.line.startswith("\\begin{", text.position):
            return "", ""  # before cases
        kinds = {"\\": ("end", "\n"), "|": ("norm", "‖")}
        kinds |= {"{": ("open", "{"), "}": ("close", "}")}
        return kinds.get(other, ("", ""))
    if name in _LABELS:
        text.taken(_LABEL)
        return "", ""
    if name in _IGNORED_COMMANDS:
        text.position += name in ("left", "right") and text.line.startswith(".", text.position)
        return "", ""
    if name == "Delta" and (match := _CHANGED.match(text.line, text.position)):
        text.position = match.end()
        letter = _GREEK.get(match[1].lstrip("\\"), match[1])
        return "word", indexed(text, f"Δ{letter}")
    if name in _GREEK:
        return "word", indexed(text, _GREEK[name])
    if name in _FONT_COMMANDS:
        return _font(text, name)
    if name == "nabla":
        index = _SUBSCRIPT.match(text.line, text.position)
        if index is not None:
            text.position = index.end()
            inside = index[1] if index[1] is not None else index[2]
            layer = re.sub(r"[_^]?\{?\^\{?[(\[](\d{1,3})[)\]]\}?\}?", r"_\1", inside)
            return "word", "∇" + re.sub(
                r"\\(?:mathrm|text|mathbf|boldsymbol)\b|[{}\s\\]", "", layer
            )
    if name in _FUNCTIONS:
        return ("root", "√") if name == "sqrt" else ("word", name)
    if name in _COMMANDS:
        kind, sign = _COMMANDS[name]
        return kind, sum_index(text) if kind == "sum" else sign
    raise Refusal("command", text=(f"\\{name}",))


def _font(text: ScannedText, name: str) -> tuple[str, str]:
    """Return the word or number inside of \\mathbf{…}."""
    group = _GROUP.match(text.line, text.position) or _SINGLE.match(text.line, text.position)
    inside = group[1].strip().replace("\\_", "_") if group else ""
    if group is None or not re.fullmatch(r"\\?[A-Za-z0-9_]+", inside):
        raise Refusal("font_command", text=(f"\\{name}",))
    text.position = group.end()
    if (name, inside) == ("mathbb", "1"):
        text.position += text.line.startswith("_", text.position)
        return "word", "indicator"  # the function that is 1 where a condition is true
    if inside.isdigit():
        return "number", inside
    inside = _GREEK.get(inside.lstrip("\\"), inside.lstrip("\\"))
    return "word", indexed(text, inside + ("_hat" if name == "hat" else ""))


def indexed(text: ScannedText, word: str) -> str:
    """Return a word with its index (_{ho}, ^{(2)}) and the suffix of an updated parameter."""
    while True:
        match = _SUBSCRIPT.match(text.line, text.position)
        if match is not None and not word.endswith("_"):
            word = f"{word}_{plain(match)}"
            text.position = match.end()
            continue
        both = _LAYER_AND_SIGN.match(text.line, text.position)
        if both is not None:
            word = f"{word}_{both['layer'][1:-1]}"
            is_prime = both["sign"] in ("'", "\\prime")
            text.position = both.end()
            text.pending = ("prime", "′") if is_prime else ("transpose", "ᵀ")
            return word
        match = SUPERSCRIPT.match(text.line, text.position)
        if match is None:
            has_sum = any(sign in text.line for sign in ("Σ", "∑", "\\sum"))
            indices = _WIDE_SUMMATION_INDICES if has_sum else _SUMMATION_INDICES
            running = indices.match(text.line, text.position)
            text.position = running.end() if running and "_" in word else text.position
            return word
        superscript = plain(match)
        layer = _LAYER_NUMBER.fullmatch(superscript)
        if layer is not None:
            word = f"{word}_{layer[1]}"
        elif superscript in _NEW:
            word = f"{word}_new"
        elif superscript not in _OLD or superscript in _TRANSPOSES or word.startswith(_RAISED_TO_T):
            return word
        text.position = match.end()


def sum_index(text: ScannedText) -> str:
    """Return the index of a sum, '' if there is none."""
    letter = ""
    while match := _SUBSCRIPT.match(text.line, text.position) or SUPERSCRIPT.match(
        text.line, text.position
    ):
        if text.line[match.start() : match.end()].lstrip().startswith("_"):
            letter = plain(match).partition("=")[0]
        text.position = match.end()
    return letter


def plain(match: re.Match[str]) -> str:
    """Return a subscript or superscript without LaTeX commands."""
    inside = match[1] if match[1] is not None else match[2]
    inside = re.sub(r"\\(?:mathrm|text|mathbf|mathit|rm)\b|[{}\s\\]", "", inside)
    return inside.partition(",")[0]


def raised_sign(match: re.Match[str], before: Token | None) -> tuple[str, str] | None:
    """Return the token of a transpose or a prime as a superscript, None for another one."""
    inside = plain(match)
    is_power = inside == "t" and before is not None and before.text.startswith(_RAISED_TO_T)
    if inside in _TRANSPOSES and not is_power:
        return "transpose", "ᵀ"
    return ("prime", "′") if inside == "prime" else None
