"""Python as written: libraries, attributes, keys and slices, and lines that compute nothing."""

import re

from chainrule.language.refusals import Refusal
from chainrule.marking.scanned_text import ScannedText, Token

_LIBRARY = re.compile(
    r"(?:np|numpy|jnp|jax|torch|math|F|nn|scipy|special|functional|linalg|self|K|tf)"
    r"\.(?=[A-Za-z])"
)
_KEY = re.compile(r"(?P<table>[A-Za-z_]\w*)\[\s*(?P<mark>['\"])(?P<name>\w+)(?P=mark)\s*\]")
"""grads["dW2"], cache['A1']: the key is the name."""
_GRADIENT_TABLES = ("grads", "grad", "gradients", "gradient", "dparams")
"""The names of tables of derivatives: grads["W2"] is dW2."""
_NEW_AXIS = re.compile(r"\[\s*(:|None)\s*,\s*(:|None)\s*\]")
_SHAPE = re.compile(r"\.(?:shape\[|size\()\s*([01]|-1)\s*[\])]")
_STRING = re.compile(r"(['\"])([A-Za-z,>\- ]*)\1")
_OPTION = re.compile(r"(['\"])(fro|all)\1")
"""norm(x, 'fro') and MATLAB's sum(x, 'all')."""
_OF_UFUNCS = re.compile(r"(multiply\.outer|add\.reduce)(?=\s*\()")
"""The methods of NumPy's functions that are functions of matrices."""
_OF_NUMPY = re.compile(r"(?:np|numpy|jnp)\.(max|min|size)(?=\s*\()")
"""np.max(x, 0) has the largest along an axis, max(x, 0) the larger one of two numbers; np.size(x,
0) is MATLAB's size(x, 1)."""
_OF_TORCH = re.compile(r"torch\.(max|min)(?=\s*\()")
"""torch.max(x, y) has the larger one of two tensors, torch.max(x, 0) the largest along an axis."""
_FUNCTIONAL = re.compile(
    r"(?:(?:(?:torch\.)?nn\.)?functional|F)\.(linear|\w*cross_entropy\w*|nll_loss|mse_loss|l1_loss)"
    r"(?=\s*\()"
)
"""The functions of PyTorch whose arguments are other ones than those of their namesakes."""
SKIPPED_LINES = re.compile(
    r"[ \t]*(?:def\s+\w+\s*\(.*\)\s*(?:->.*)?:|for\s+\w+\s+in\s+range\s*\(.*\)\s*:|pass"
    r"|return\b[\w\s,(){}'\":]*|import\s.*|from\s+\w+\s+import\s.*|end(?:function)?;?)"
    r"[ \t]*(?:#.*)?"
    r"(?=\n|$)"
)
"""Lines of a program that compute nothing: what they contain is a matter of the other lines."""
_WHOLE = re.compile(r"\[\s*:\s*(?:,\s*:\s*)?\]|\[\s*\.\.\.\s*\]")
"""W[:], W[...]: all of it."""
_MEMBER = re.compile(r"\.([A-Za-z]\w*)")
_ENTRY = re.compile(r"\[[-\d:,\s]*\]")
"""a[0], a[:, 1]: an entry or a slice."""


def word(text: ScannedText) -> tuple[str, str] | None:
    """Return the token of a library's prefix or of a table's entry, None for another text."""
    if match := text.taken(_OF_NUMPY):
        return "word", {"max": "amax", "min": "amin", "size": "np.size"}[match[1]]
    if match := text.taken(_OF_TORCH):
        return "word", f"torch.{match[1]}"
    if match := text.taken(_FUNCTIONAL):
        return "word", f"F.{match[1]}"
    if text.taken(_LIBRARY):
        return "", ""
    if match := text.taken(_OF_UFUNCS):
        return "word", {"multiply.outer": "outer"}.get(match[1], "add_reduce")
    if match := text.taken(_KEY):
        is_gradient = match["table"] in _GRADIENT_TABLES and match["name"][0] not in "dgδ∇"
        return "word", ("d" if is_gradient else "") + match["name"]
    return None


def suffix(text: ScannedText, before: Token) -> tuple[str, str] | None:
    """Return the token of an attribute, a method or a slice, None for another text."""
    if match := text.taken(_SHAPE):
        return "member", f"shape{int(match[1]) % 2}"
    if before.text in ("(", "=") and (match := text.taken(_STRING)):
        return "string", match[2].replace(" ", "")
    if before.kind == "comma" and (match := text.taken(_OPTION)):
        return "string", match[2]
    if match := text.taken(_MEMBER):
        is_call = text.line.startswith("()", text.position)
        if match[1] == "T" and is_call:
            raise Refusal("transpose_call", position=str(text.position + 1))
        if match[1] in ("t", "adjoint") and is_call:
            text.position += 2
            return "transpose", "ᵀ"
        return ("transpose", "ᵀ") if match[1] in ("T", "mT") else ("member", match[1])
    match = _NEW_AXIS.match(text.line, text.position)
    if match is not None and ":" in match[0]:
        text.position = match.end()
        kinds = {(":", "None"): "column", ("None", ":"): "row", (":", ":"): ""}
        return ("member", kind) if (kind := kinds[match[1], match[2]]) else ("", "")
    return ("", "") if text.taken(_WHOLE) else None


def refuse_entry(text: ScannedText, before: Token | None) -> None:
    """Raise ``Refusal`` for an entry or a slice of a name."""
    is_after_name = before is not None and (before.kind, before.end) == ("word", text.position)
    if before is not None and is_after_name and _ENTRY.match(text.line, text.position):
        raise Refusal("entry", text=before.text, position=str(text.position + 1))
