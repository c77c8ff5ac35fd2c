"""MATLAB's notation: its own signs, and lines in which * is the matrix product."""

import itertools

from chainrule.marking.scanned_text import Token

SIGNS = [
    ("entrywise", ".*"),
    ("divide", "./"),
    ("power", ".^"),
    ("transpose", ".'"),
]
FUNCTIONS = {"numel": "size"}
"""Functions with another name than in NumPy."""


def is_matlab(found: list[Token]) -> bool:
    """Return whether a line is in MATLAB's notation, where * is the matrix product.

    It has .*, ./ or .^, or a ' that transposes, and nothing of NumPy.
    """
    own_signs = {sign for _, sign in SIGNS}
    pairs = list(itertools.pairwise([*found, Token("stop", "", 0, 0)]))
    if any(
        token.kind == "matrix"
        or token.text in ("**", "ᵀ")
        or (token.kind == "member" and token.text in ("dot", "sum", "mean"))
        for token in found
    ):
        return False
    return any(
        token.text in own_signs
        or (
            token.text == "'"
            and (following.kind, following.text) != ("open", "(")
            and following.kind not in ("equals", "assign")
        )
        for token, following in pairs
    )
