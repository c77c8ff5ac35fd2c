"""MATLAB's notation: its own signs, and lines in which * is the matrix product."""

import itertools
import re

from chainrule.marking.scanned_text import Token

SIGNS = [
    ("entrywise", ".*"),
    ("divide", "./"),
    ("power", ".^"),
    ("transpose", ".'"),
]
FUNCTIONS = {"numel": "size", "length": "length"}
"""Functions with another name than in NumPy."""
_OF_PYTHON = re.compile(
    r"@|\*\*|[+\-*/]=|\.[A-Za-z]|\b(?:np|numpy|jnp|torch|tf)\b|\b(?:axis|dim|keepdims?)\s*=|\["
    r"|\bdot\b|\bmatmul\b|\bouter\b|#"
)
"""What MATLAB does not have."""


def may_be_matlab(line: str) -> bool:
    """Return whether a line with * has nothing that MATLAB does not have.

    >>> may_be_matlab("Z1 = W1*X + b1"), may_be_matlab("Z1 = W1*X.T + b1")
    (True, False)
    """
    return "*" in line and line.isascii() and "\\" not in line and not _OF_PYTHON.search(line)


def sums_as_matlab(line: str) -> bool:
    """Return whether a line ends with ; and has sum(x, 1), which is over the rows in MATLAB.

    >>> sums_as_matlab("db1 = sum(delta1, 2);"), sums_as_matlab("db1 = np.sum(delta1, 1);")
    (True, False)
    """
    is_sum = re.search(r"(?<![.\w])(?:sum|mean)\([^()]*,\s*[12]\s*\)", line) is not None
    return is_sum and line.rstrip().endswith(";") and not _OF_PYTHON.search(line)


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
