"""What a line says, as a tree; and back to a line, as NumPy or as mathematics.

Nodes are compared by identity: each stands in one place of the line, ``span``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Operation = Literal["add", "subtract", "entrywise", "matrix", "product", "divide"]
"""``product`` is a sign that mathematics uses for both products (a space, ·, ×): shapes decide."""
Span = tuple[int, int]
NOWHERE: Span = (-1, -1)


@dataclass(frozen=True, eq=False)
class Tree:
    """A node, and where it stands in the line."""

    span: Span = field(default=NOWHERE, kw_only=True)


@dataclass(frozen=True, eq=False)
class Constant(Tree):
    """A number."""

    value: float
    text: str


@dataclass(frozen=True, eq=False)
class Name(Tree):
    """A value of the network by the key that ``names`` gave it, and how it was written."""

    key: str
    text: str


@dataclass(frozen=True, eq=False)
class Vector(Tree):
    """Ones: a column, or a row where ``row``; as long as what it is multiplied with needs."""

    row: bool


@dataclass(frozen=True, eq=False)
class Binary(Tree):
    """Two operands and what is done with them."""

    operation: Operation
    left: Tree
    right: Tree


@dataclass(frozen=True, eq=False)
class Negative(Tree):
    """The negative."""

    operand: Tree


@dataclass(frozen=True, eq=False)
class Raised(Tree):
    """Entry by entry to a power."""

    base: Tree
    exponent: Tree


@dataclass(frozen=True, eq=False)
class Transposed(Tree):
    """Rows and columns exchanged."""

    operand: Tree


@dataclass(frozen=True, eq=False)
class Call(Tree):
    """A function, by the name that ``computing`` knows, of its arguments."""

    function: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True, eq=False)
class Total(Tree):
    """A sum or a mean over rows (axis 0), columns (1), everything (None) or a named axis."""

    operand: Tree
    axis: int | str | None
    mean: bool = False
    keep: bool = True


@dataclass(frozen=True, eq=False)
class Comparison(Tree):
    """1 where it holds, 0 elsewhere."""

    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True, eq=False)
class Partial(Tree):
    """∂above/∂below of two values of the network, by their keys."""

    above: str
    below: str
    text: str


def below(tree: Tree) -> tuple[Tree, ...]:
    """Return the nodes directly below."""
    match tree:
        case Binary() | Comparison():
            return (tree.left, tree.right)
        case Negative() | Transposed() | Total():
            return (tree.operand,)
        case Raised():
            return (tree.base, tree.exponent)
        case Call():
            return tree.arguments
    return ()


def rebuilt(tree: Tree, parts: tuple[Tree, ...]) -> Tree:
    """Return a node with other nodes below it."""
    match tree:
        case Binary() | Comparison():
            return replace(tree, left=parts[0], right=parts[1])
        case Negative() | Transposed() | Total():
            return replace(tree, operand=parts[0])
        case Raised():
            return replace(tree, base=parts[0], exponent=parts[1])
        case Call():
            return replace(tree, arguments=parts)
    return tree


def exchanged(tree: Tree, old: Tree, new: Tree) -> Tree:
    """Return the tree with one node exchanged; everything beside its way stays the same object."""
    if tree is old:
        return new
    parts = below(tree)
    changed = tuple(exchanged(part, old, new) for part in parts)
    same = all(before is after for before, after in zip(parts, changed, strict=True))
    return tree if same else rebuilt(tree, changed)


def renamed(tree: Tree, keys: Mapping[str, str]) -> Tree:
    """Return the tree with names that stand for other values."""
    if isinstance(tree, Name) and tree.key in keys:
        return replace(tree, key=keys[tree.key])
    parts = below(tree)
    changed = tuple(renamed(part, keys) for part in parts)
    same = all(before is after for before, after in zip(parts, changed, strict=True))
    return tree if same else rebuilt(tree, changed)


def every(tree: Tree) -> Iterator[Tree]:
    """Yield the nodes, those above before those below."""
    yield tree
    for part in below(tree):
        yield from every(part)


SUM, PRODUCT, PREFIX, POWER, ATOM = range(5)
_SIGNS: dict[str, dict[str, str]] = {
    "numpy": {"entrywise": " * ", "matrix": " @ ", "product": " * ", "divide": " / "},
    "mathematics": {"entrywise": " ⊙ ", "matrix": " ", "product": " ", "divide": "/"},
}
_LATIN = {
    **{"∂Loss/∂": "d", "α": "alpha", "δ": "delta", "λ": "lambda"},
    **{"μ": "mu", "β": "beta", "ε": "epsilon", "ρ": "rho"},
}
Notation = Literal["numpy", "mathematics"]


def written(tree: Tree, notation: Notation) -> str:
    """Return a tree as a line again.

    >>> weights = Transposed(Name("W_ho", "W_ho"))
    >>> line = Binary("matrix", Name("δ_o", "delta_o"), weights)
    >>> print(written(line, "numpy"), "|", written(line, "mathematics"))
    delta_o @ W_ho.T | delta_o W_hoᵀ
    """
    return _Writer(notation).piece(tree)[0]


def in_latin(text: str) -> str:
    """Return a name without Greek letters.

    >>> in_latin("∂Loss/∂W_ho"), in_latin("β_1")
    ('dW_ho', 'beta_1')
    """
    for greek, latin in _LATIN.items():
        text = text.replace(greek, latin)
    return text


class _Writer:
    def __init__(self, notation: Notation) -> None:
        self.numpy = notation == "numpy"
        self.signs = _SIGNS[notation]

    def at(self, tree: Tree, level: int) -> str:
        text, own = self.piece(tree)
        return text if own >= level else f"({text})"

    def piece(self, tree: Tree) -> tuple[str, int]:
        rule: Callable[..., tuple[str, int]] = getattr(self, f"_{type(tree).__name__.lower()}")
        return rule(tree)

    def _constant(self, tree: Constant) -> tuple[str, int]:
        return tree.text, ATOM

    def _name(self, tree: Name) -> tuple[str, int]:
        text = tree.text
        if self.numpy:
            text = in_latin(text)
        return text, PREFIX if "/" in text else ATOM

    def _partial(self, tree: Partial) -> tuple[str, int]:
        return tree.text, PREFIX

    def _vector(self, tree: Vector) -> tuple[str, int]:
        if self.numpy:
            return ("ones.T" if tree.row else "ones"), ATOM
        return ("1ᵀ" if tree.row else "1"), ATOM

    def _binary(self, tree: Binary) -> tuple[str, int]:
        match tree.operation:
            case "add" | "subtract":
                sign = " + " if tree.operation == "add" else self._minus(" ")
                level = PRODUCT if tree.operation == "subtract" else SUM
                return self.at(tree.left, SUM) + sign + self.at(tree.right, level), SUM
        left = self.at(tree.left, PRODUCT)
        return left + self.signs[tree.operation] + self.at(tree.right, PREFIX), PRODUCT

    def _minus(self, space: str) -> str:
        return f"{space}{'-' if self.numpy else '−'}{space}"

    def _negative(self, tree: Negative) -> tuple[str, int]:
        return self._minus("") + self.at(tree.operand, PRODUCT), PRODUCT

    def _raised(self, tree: Raised) -> tuple[str, int]:
        base = self.at(tree.base, ATOM)
        exponent = self.at(tree.exponent, ATOM)
        if not self.numpy and exponent == "2":
            return f"{base}²", POWER
        return f"{base}{'**' if self.numpy else '^'}{exponent}", POWER

    def _transposed(self, tree: Transposed) -> tuple[str, int]:
        return self.at(tree.operand, ATOM) + (".T" if self.numpy else "ᵀ"), ATOM

    def _call(self, tree: Call) -> tuple[str, int]:
        inside = ", ".join(self.piece(argument)[0] for argument in tree.arguments)
        prime = "_prime" if self.numpy else "′"
        return f"{tree.function.replace(' slope', prime)}({inside})", ATOM

    def _total(self, tree: Total) -> tuple[str, int]:
        inside = self.piece(tree.operand)[0]
        name = "mean" if tree.mean else "sum"
        if isinstance(tree.axis, int):
            inside += f", axis={tree.axis}" + (", keepdims=True" if tree.keep else "")
        return f"{name}({inside})", ATOM

    def _comparison(self, tree: Comparison) -> tuple[str, int]:
        return f"({self.at(tree.left, SUM)} {tree.sign} {self.at(tree.right, SUM)})", ATOM
