"""The tree of a line, and its text in the notation of NumPy or of mathematics.

Nodes are compared by identity: equal nodes at different positions of the line are different nodes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from chainrule.marking.quantities import Quantity, Role, in_latin

Operation = Literal["add", "subtract", "entrywise", "matrix", "product", "divide"]
"""``product`` is an ambiguous sign (a space, ·, ×): the shapes determine which product it is."""
Span: TypeAlias = tuple[int, int]
"""The start and the end of a node in the text of the line."""
ReductionAxis: TypeAlias = int | Literal["samples", "units", "first"] | None
"""Rows (0), columns (1), a named axis, all entries (None), or MATLAB's first axis that is not 1."""
NO_SPAN: Span = (-1, -1)


@dataclass(frozen=True, eq=False)
class Tree:
    """A node with its span."""

    span: Span = field(default=NO_SPAN, kw_only=True)


@dataclass(frozen=True, eq=False)
class Constant(Tree):
    """A number, with its text in the line."""

    value: float
    text: str


@dataclass(frozen=True, eq=False)
class Name(Tree):
    """A quantity of the network, with its text in the line."""

    quantity: Quantity
    text: str


@dataclass(frozen=True, eq=False)
class Vector(Tree):
    """A column of ones, or a row if ``row``; the other factor determines its length."""

    row: bool


@dataclass(frozen=True, eq=False)
class Binary(Tree):
    """An operation on two operands."""

    operation: Operation
    left: Tree
    right: Tree


@dataclass(frozen=True, eq=False)
class Negative(Tree):
    """The negative of an operand."""

    operand: Tree


@dataclass(frozen=True, eq=False)
class Raised(Tree):
    """An elementwise power."""

    base: Tree
    exponent: Tree


@dataclass(frozen=True, eq=False)
class Transposed(Tree):
    """The transpose of an operand."""

    operand: Tree


EXTREMES = {
    "amax": ("np.max", "maximum", "np.maximum"),
    "amin": ("np.min", "minimum", "np.minimum"),
    "torch.max": ("torch.max", "maximum", "torch.clamp(…, min=0)"),
    "torch.min": ("torch.min", "minimum", "torch.clamp(…, max=0)"),
}
"""What takes the entries along an axis: its name, the function of two values, and its name."""


@dataclass(frozen=True, eq=False)
class Call(Tree):
    """A function, or the derivative of an activation, applied to arguments.

    ``axis`` is that of the units, where softmax(z, axis=1) states it.
    """

    function: str
    arguments: tuple[Tree, ...]
    derivative: bool = False
    axis: int | None = None


@dataclass(frozen=True, eq=False)
class Reduction(Tree):
    """A sum or a mean over an axis."""

    operand: Tree
    axis: ReductionAxis
    mean: bool = False
    keepdims: bool = True


@dataclass(frozen=True, eq=False)
class Largest(Tree):
    """The largest entry, or the largest ones along an axis."""

    operand: Tree
    axis: int | Literal["first"] | None
    keepdims: bool


@dataclass(frozen=True, eq=False)
class Comparison(Tree):
    """1 where the comparison is true, 0 elsewhere."""

    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True, eq=False)
class PartialDerivative(Tree):
    """∂above/∂below of two quantities, with its text in the line."""

    above: Quantity
    below: Quantity
    text: str


def children(tree: Tree) -> tuple[Tree, ...]:
    """Return the nodes directly below a node."""
    match tree:
        case Binary() | Comparison():
            return (tree.left, tree.right)
        case Negative() | Transposed() | Reduction() | Largest():
            return (tree.operand,)
        case Raised():
            return (tree.base, tree.exponent)
        case Call():
            return tree.arguments
    return ()


def with_children(tree: Tree, parts: tuple[Tree, ...]) -> Tree:
    """Return a copy of a node with other nodes below it."""
    match tree:
        case Binary() | Comparison():
            return replace(tree, left=parts[0], right=parts[1])
        case Negative() | Transposed() | Reduction() | Largest():
            return replace(tree, operand=parts[0])
        case Raised():
            return replace(tree, base=parts[0], exponent=parts[1])
        case Call():
            return replace(tree, arguments=parts)
    return tree


def replaced(tree: Tree, old: Tree, new: Tree) -> Tree:
    """Return the tree with one node replaced; nodes off the path to it are the same objects."""
    if tree is old:
        return new
    parts = children(tree)
    changed = tuple(replaced(part, old, new) for part in parts)
    same = all(before is after for before, after in zip(parts, changed, strict=True))
    return tree if same else with_children(tree, changed)


def substituted(tree: Tree, quantities: Mapping[Quantity, Quantity]) -> Tree:
    """Return the tree with some quantities replaced; the texts of the names are unchanged."""
    if isinstance(tree, Name) and tree.quantity in quantities:
        return replace(tree, quantity=quantities[tree.quantity])
    parts = children(tree)
    changed = tuple(substituted(part, quantities) for part in parts)
    same = all(before is after for before, after in zip(parts, changed, strict=True))
    return tree if same else with_children(tree, changed)


def nodes(tree: Tree) -> Iterator[Tree]:
    """Yield every node, each before the nodes below it."""
    yield tree
    for part in children(tree):
        yield from nodes(part)


def is_number(tree: Tree) -> bool:
    """Return whether a tree consists of numbers and constants only."""
    leaves = [node for node in nodes(tree) if not children(node)]
    return all(
        isinstance(leaf, Constant)
        or (isinstance(leaf, Name) and leaf.quantity.role in (Role.CONSTANT, Role.LOSS))
        for leaf in leaves
    )


def joint_span(left: Tree, right: Tree) -> Span:
    """Return the span from the start of one node to the end of another."""
    return (left.span[0], right.span[1])


_ATTRIBUTES = {
    **{"column": "[:, None]", "row": "[None, :]"},
    **{"shape0": ".shape[0]", "shape1": ".shape[1]", "size": ".size"},
}
SUM, PRODUCT, PREFIX, POWER, ATOM = range(5)
"""Precedence levels of a text, loosest first."""
_SIGNS: dict[str, dict[str, str]] = {
    "numpy": {"entrywise": " * ", "matrix": " @ ", "product": " * ", "divide": " / "},
    "mathematics": {"entrywise": " ⊙ ", "matrix": " ", "product": " ", "divide": "/"},
    "matlab": {"entrywise": " .* ", "matrix": " * ", "product": " * ", "divide": " ./ "},
}
_OF_MATLAB = {"maximum": "max", "minimum": "min", "size": "numel"}
"""MATLAB's names of functions that are spelled otherwise in NumPy."""
MATRIX_OPERATORS = {"mrdivide": " / ", "mpower": "^"}
"""MATLAB's operators on matrices that are none of NumPy's, by the names of their functions."""
Notation = Literal["numpy", "mathematics", "matlab"]


def written(tree: Tree, notation: Notation) -> str:
    """Return the text of a tree.

    >>> from chainrule.marking.quantities import Role
    >>> weights = Transposed(Name(Quantity("W_ho", Role.WEIGHT), "W_ho"))
    >>> line = Binary("matrix", Name(Quantity("δ_o", Role.COTANGENT), "delta_o"), weights)
    >>> print(written(line, "numpy"), "|", written(line, "mathematics"))
    delta_o @ W_ho.T | delta_o W_hoᵀ
    >>> print(written(line, "matlab"))
    delta_o * W_ho'
    """
    return _Writer(notation).rule(tree)[0]


def _is(tree: Tree, operation: Operation) -> bool:
    return isinstance(tree, Binary) and tree.operation == operation


class _Writer:
    """Writes nodes in one notation; each rule returns a text and its precedence level."""

    def __init__(self, notation: Notation) -> None:
        self.numpy, self.matlab = notation != "mathematics", notation == "matlab"
        self.signs = _SIGNS[notation]

    def at(self, tree: Tree, level: int) -> str:
        """Return the text, in brackets unless it binds at least as tightly as ``level``."""
        text, own = self.rule(tree)
        return text if own >= level else f"({text})"

    def rule(self, tree: Tree) -> tuple[str, int]:
        method: Callable[..., tuple[str, int]] = getattr(self, f"_{type(tree).__name__.lower()}")
        return method(tree)

    def _constant(self, tree: Constant) -> tuple[str, int]:
        return tree.text, ATOM

    def _name(self, tree: Name) -> tuple[str, int]:
        text = tree.text
        if self.numpy:
            text = in_latin(text)
        return text, PREFIX if "/" in text else ATOM

    def _partialderivative(self, tree: PartialDerivative) -> tuple[str, int]:
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
        is_entrywise = tree.operation == "entrywise"
        left = self.at(tree.left, PRODUCT)
        if is_entrywise and not self.numpy and _is(tree.left, "matrix"):
            left = f"({left})"  # (δ Wᵀ) ⊙ …, as books write it
        sign = self.signs[tree.operation]
        if self.matlab and tree.operation == "divide" and is_number(tree.right):
            sign = " / "
        return left + sign + self.at(tree.right, PREFIX), PRODUCT

    def _minus(self, space: str) -> str:
        return f"{space}{'-' if self.numpy else '−'}{space}"

    def _negative(self, tree: Negative) -> tuple[str, int]:
        return self._minus("") + self.at(tree.operand, PRODUCT), PRODUCT

    def _raised(self, tree: Raised) -> tuple[str, int]:
        base = self.at(tree.base, ATOM)
        exponent = self.at(tree.exponent, ATOM)
        if not self.numpy and exponent == "2":
            return f"{base}²", POWER
        sign = ".^" if self.matlab else "**" if self.numpy else "^"
        return f"{base}{sign}{exponent}", POWER

    def _transposed(self, tree: Transposed) -> tuple[str, int]:
        sign = "'" if self.matlab else ".T" if self.numpy else "ᵀ"
        return self.at(tree.operand, ATOM) + sign, ATOM

    def _call(self, tree: Call) -> tuple[str, int]:
        inside = ", ".join(map(self._argument, tree.arguments))
        function, _, subscripts = tree.function.partition(" ")
        if subscripts:
            return f"{function}('{subscripts}', {inside})", ATOM
        if function in MATRIX_OPERATORS:
            levels = (PRODUCT, PREFIX) if function == "mrdivide" else (ATOM, ATOM)
            pair = map(self.at, tree.arguments, levels)
            return MATRIX_OPERATORS[function].join(pair), levels[0]
        if function == "spectral_norm":
            return f"norm({inside})", ATOM
        if self.matlab and function in ("shape0", "shape1"):
            return f"size({inside}, {int(function[-1]) + 1})", ATOM
        if self.matlab and function in ("norm", *_OF_MATLAB):
            option = ", 'fro'" if function == "norm" else ""
            return f"{_OF_MATLAB.get(function, function)}({inside}{option})", ATOM
        if function in _ATTRIBUTES:
            return self.at(tree.arguments[0], ATOM) + _ATTRIBUTES[function], ATOM
        prime = ("_prime" if self.numpy else "′") if tree.derivative else ""
        is_sigma = tree.function == "sigmoid" and not self.numpy
        axis = "" if tree.axis is None else f", axis={tree.axis}"
        return f"{'σ' if is_sigma else tree.function}{prime}({inside}{axis})", ATOM

    def _argument(self, tree: Tree) -> str:
        """Return the text of an argument: a comparison needs no brackets there."""
        text, _ = self.rule(tree)
        return text[1:-1] if isinstance(tree, Comparison) else text

    def _reduction(self, tree: Reduction) -> tuple[str, int]:
        inside = self.rule(tree.operand)[0]
        name = "mean" if tree.mean else "sum"
        if self.matlab:
            axis = f", {tree.axis + 1}" if isinstance(tree.axis, int) else ""
            whole = f"{name}({inside}{axis})"
            return (f"{name}({whole})" if tree.axis is None else whole), ATOM
        if isinstance(tree.axis, int):
            inside += f", axis={tree.axis}" + (", keepdims=True" if tree.keepdims else "")
        return f"{name}({inside})", ATOM

    def _largest(self, tree: Largest) -> tuple[str, int]:
        if self.matlab:
            number = f", [], {tree.axis + 1}" if isinstance(tree.axis, int) else ""
            whole = f"max({self.rule(tree.operand)[0]}{number})"
            return (f"max({whole})" if tree.axis is None else whole), ATOM
        axis = "" if tree.axis is None else f", axis={tree.axis}"
        keepdims = ", keepdims=True" if tree.keepdims else ""
        return f"max({self.rule(tree.operand)[0]}{axis}{keepdims})", ATOM

    def _comparison(self, tree: Comparison) -> tuple[str, int]:
        return f"({self.at(tree.left, SUM)} {tree.sign} {self.at(tree.right, SUM)})", ATOM
