"""MATLAB's notation: its own signs, and lines in which * is the matrix product."""

import itertools
import re
from typing import Literal, TypeAlias

from chainrule.marking.scanned_text import Token
from chainrule.marking.syntax import (
    MATRIX_OPERATORS,
    Binary,
    Call,
    Negative,
    Raised,
    Reduction,
    Tree,
    children,
    is_number,
    nodes,
    with_children,
)

SIGNS = [
    ("entrywise", ".*"),
    ("divide", "./"),
    ("power", ".^"),
    ("transpose", ".'"),
]
FUNCTIONS = {"numel": "size", "length": "length"}
"""Functions with another name than in NumPy."""
MatlabUse: TypeAlias = Literal["none", "axes", "stars", "whole"]
"""What of MATLAB's rules holds in a text: none, axes from 1, also * as the matrix product, or all.

Handwriting has W' and * too, so that its quotients, powers and sums may be of entries.
"""
_USES: tuple[MatlabUse, ...] = ("none", "axes", "stars", "whole")
_OF_PYTHON = re.compile(
    r"@|\*\*|[+\-*/]=|\.[A-Za-z]|\b(?:np|numpy|jnp|torch|tf)\b|\b(?:axis|dim|keepdims?)\s*=|\["
    r"|\bdot\b|\bmatmul\b|\bouter\b|#"
)
"""What MATLAB does not have."""
_LENGTHS = ("len", "shape0", "shape1", "size", "length")
_OF_NUMBERS = ("norm", "spectral_norm", *_LENGTHS)
"""The functions whose value is a number."""
_OF_ENTRIES = ("exp", "log", "sqrt", "abs", "square", *MATRIX_OPERATORS)
"""The functions whose value is a number if their arguments are."""


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
    return numbers_of_sums(line) != () and line.rstrip().endswith(";")


def numbers_of_sums(line: str) -> tuple[str, ...]:
    """Return the axes of sums that NumPy counts from 0 and MATLAB from 1, none in a Python line.

    >>> numbers_of_sums("db1 = sum(delta1, 2)"), numbers_of_sums("db1 = np.sum(delta1, 1)")
    (('2',), ())
    """
    found = re.findall(r"(?<![.\w])(?:sum|mean)\([^()]*,\s*([12])\s*\)", line)
    return () if _OF_PYTHON.search(line) else tuple(found)


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


def use_of(text: str, found: list[Token], given: MatlabUse = "none") -> MatlabUse:
    """Return what of MATLAB's rules holds in a text, at least what is given."""
    if "\\" in text and given == "whole":
        given = "stars"  # LaTeX
    if not is_matlab(found):
        return given
    own_signs = {"*", *(sign for _, sign in SIGNS)}
    is_typed = text.isascii() and "\\" not in text
    is_whole = is_typed and any(token.text in own_signs for token in found)
    return most(given, "whole" if is_whole else "stars")


def most(*uses: MatlabUse) -> MatlabUse:
    """Return the use with the most rules."""
    return max(uses, key=_USES.index)


def has_number(*factors: Tree) -> bool:
    """Return whether a factor is a number, or a length such as size(X, 2)."""
    return any(map(is_scalar, factors))


def is_scalar(tree: Tree) -> bool:
    """Return whether a tree is a number for all shapes of the names in it."""
    match tree:
        case Call(function=function) if function in _OF_NUMBERS:
            return True
        case Call(function=function) if function not in _OF_ENTRIES:
            return False
        case Reduction(axis=None):
            return True
        case Reduction(axis="first", operand=Reduction(axis=int() | "first")):
            return True
        case Binary() | Negative() | Raised() | Call():
            return all(map(is_scalar, children(tree)))
    return is_number(tree) and not children(tree)


def divided(left: Tree, right: Tree) -> Tree:
    """Return MATLAB's quotient left / right, of matrices unless ``right`` is a number."""
    if is_scalar(right):
        return Binary("divide", left, right)
    return Call("mrdivide", (left, right))


def raised(base: Tree, exponent: Tree) -> Tree:
    """Return MATLAB's power base ^ exponent, of matrices unless both are numbers."""
    if is_scalar(base) and is_scalar(exponent):
        return Raised(base, exponent)
    return Call("mpower", (base, exponent))


def of_matrices(tree: Tree) -> list[Call]:
    """Return the quotients, powers and norms of matrices in a tree."""
    names = ("spectral_norm", *MATRIX_OPERATORS)
    return [node for node in nodes(tree) if isinstance(node, Call) and node.function in names]


def with_entries_instead(tree: Tree) -> Tree:
    """Return a tree with quotients, powers and norms of entries instead of those of matrices."""
    parts = tuple(map(with_entries_instead, children(tree)))
    match tree:
        case Call(function="mrdivide"):
            return Binary("divide", *parts, span=tree.span)
        case Call(function="mpower"):
            return Raised(*parts, span=tree.span)
        case Call(function="spectral_norm"):
            return Call("norm", parts, span=tree.span)
    same = all(old is new for old, new in zip(children(tree), parts, strict=True))
    return tree if same else with_children(tree, parts)
