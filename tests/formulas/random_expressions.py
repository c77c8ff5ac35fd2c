"""Random expressions over named axes, numbers for them, and a second meaning of every node.

The second meaning (``meaning``) knows one thing only, broadcasting: every value is an array over
all axes of ``AXES``, of length 1 along those that it lacks.  It shares nothing with
``chainrule.formulas.evaluate``.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import special

from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Largest,
    Number,
    Ones,
    Power,
    Product,
    Rename,
    Size,
    Symbol,
    children,
    power,
    product,
    square_root,
)
from chainrule.formulas.functions import (
    absolute,
    cosine,
    equal,
    erf,
    exp,
    expm1,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    sign,
    sine,
    tanh,
    where,
)
from chainrule.network.activations import CATALOGUE

B, I, H, O = Axis("B", -1), Axis("i", 0, "n_i"), Axis("h", 1, "n_h"), Axis("o", 2, "n")
TWIN = Axis("e", 3, "n_e")
"""An axis as long as ``I``, in all sizes: either may be renamed to the other."""
AXES = (B, I, H, O, TWIN)

DISTINCT = {B: 2, I: 3, H: 4, O: 5, TWIN: 3}
EQUAL = dict.fromkeys(AXES, 2)

SYMBOLS = (
    Symbol("s"),
    Symbol("u"),
    Symbol("c", (B,)),
    Symbol("x", (I,)),
    Symbol("y", (H,)),
    Symbol("v", (O,)),
    Symbol("p", (B, I)),
    Symbol("q", (B, H)),
    Symbol("r", (B, O)),
    Symbol("w", (I, H)),
    Symbol("d", (H, O)),
    Symbol("k", (O, H)),  # stored against the order of the axes
    Symbol("t", (I, O)),
    Symbol("g", (TWIN,)),
    Symbol("j", (B, TWIN)),
)
"""Names of one small letter, each with its own axes: printed text can be read back."""

SMOOTH = (exp, expm1, tanh, erf, sine, cosine, log, log1p)
KINKED = (absolute, sign, maximum, minimum, greater, equal, where)


def numbers_for(sizes: Mapping[Axis, int], seed: int) -> dict[str, Any]:
    """Draw a value between 0.5 and 1.5, either sign, for every symbol."""
    generator = np.random.default_rng(seed)
    drawn = {}
    for symbol in SYMBOLS:
        shape = [sizes[axis] for axis in symbol.axes]
        signs = generator.choice([-1.0, 1.0], shape)
        drawn[symbol.name] = generator.uniform(0.5, 1.5, shape) * signs
    return drawn


def evaluation(sizes: Mapping[Axis, int], seed: int, **options: Any) -> Evaluation:
    """Return an evaluation of all symbols at random numbers."""
    return Evaluation(numbers_for(sizes, seed), **options).measure(SYMBOLS)


def fits(numbers: Any, largest: float = 1e3) -> bool:
    """Whether all numbers are finite and small enough to keep their digits."""
    return bool(np.all(np.abs(numbers) < largest))


@st.composite
def expressions(
    draw: st.DrawFn, *, depth: int = 3, kinked: bool = True, renamed: bool = True
) -> Expression:
    """Draw an expression that is finite wherever its symbols are."""
    if depth == 0 or draw(st.integers(0, 9)) == 0:
        return draw(_leaves())
    below = expressions(depth=depth - 1, kinked=kinked, renamed=renamed)
    kinds = ["add", "add", "subtract", "product", "product", "sum", "power", "apply", "function"]
    kinds += ["kinked"] * kinked + ["rename"] * renamed
    match draw(st.sampled_from(kinds)):
        case "add":
            return draw(below) + draw(below)
        case "subtract":
            return draw(below) - draw(below)
        case "product":
            return product(*draw(st.lists(below, min_size=2, max_size=3)))
        case "sum":
            factors = draw(st.lists(below, min_size=1, max_size=3))
            carried = sorted({axis for part in factors for axis in part.axes}, key=AXES.index)
            over = draw(st.lists(st.sampled_from(carried), unique=True)) if carried else []
            return product(*factors, over=over)
        case "power":
            return draw(_powers(below))
        case "apply":
            return _smooth(draw(st.sampled_from(SMOOTH)), draw(below))
        case "kinked":
            chosen = draw(st.sampled_from(KINKED))
            parts = [draw(below) for _ in range(chosen.arity)]
            if chosen is where:
                parts[0] = greater(parts[0], draw(below))
            if chosen is equal:  # of numbers that rounding does not change
                parts = [sign(part) for part in parts]
            return chosen(*parts)
        case "rename":
            return _renamed(draw(below))
    inside = draw(below)
    names = ["sigmoid", "tanh", "softplus", "silu"] + ["softmax"] * bool(inside.axes)
    return CATALOGUE[draw(st.sampled_from(names))](inside)


def _leaves() -> st.SearchStrategy[Expression]:
    numbers = st.sampled_from([1, 2, 3, 0.5, 0.25, -1, -2, 7, 0.1])
    return st.one_of(
        st.sampled_from(SYMBOLS),
        st.sampled_from(SYMBOLS),
        st.sampled_from(SYMBOLS),
        st.builds(lambda number: product(number), numbers),
        st.builds(Size, st.sampled_from(AXES)),
    )


def _smooth(function: Any, inside: Expression) -> Expression:
    if function in (log, log1p):
        inside = 1 + inside**2  # of a positive number
    return function(inside)


@st.composite
def _powers(draw: st.DrawFn, below: st.SearchStrategy[Expression]) -> Expression:
    base = draw(below)
    exponent = draw(st.sampled_from(["2", "3", "-1", "-2", "root", "1/root", "-1/2", "symbol"]))
    positive = 1 + base**2
    match exponent:
        case "2" | "3":
            return power(base, int(exponent))
        case "-1" | "-2":
            return power(positive, int(exponent))
        case "root":
            return square_root(positive)
        case "-1/2":
            return power(positive, Fraction(-1, 2))
        case "1/root":
            return 1 / square_root(positive)
    return power(positive, SYMBOLS[0])


def _renamed(tree: Expression) -> Expression:
    ways = [(old, new) for old, new in ((I, TWIN), (TWIN, I)) if old in tree.axes]
    return Rename(tree, *ways[0]) if len(ways) == 1 else tree


def nodes(tree: Expression) -> list[Expression]:
    """Return every node of an expression, the root first."""
    return [tree, *(node for part in children(tree) for node in nodes(part))]


_PRIMITIVES: dict[str, Any] = {
    "exp": np.exp,
    "log": np.log,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": special.erf,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "greater": lambda x, y: np.where(x > y, 1.0, 0.0),
    "equal": lambda x, y: np.where(x == y, 1.0, 0.0),
    "where": lambda c, x, y: np.where(c == 1, x, y),
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(x, 0),
    "silu": lambda x: x * special.expit(x),
}


def meaning(tree: Expression, values: Mapping[str, Any], sizes: Mapping[Axis, int]) -> Any:
    """Return the value over all of ``AXES``, of length 1 along the axes that it lacks."""
    below = [meaning(part, values, sizes) for part in children(tree)]
    match tree:
        case Number():
            return np.full([1] * len(AXES), float(tree.value))
        case Size():
            return np.full([1] * len(AXES), float(sizes[tree.axis]))
        case Symbol():
            array = np.asarray(values[tree.name])
            order = sorted(range(array.ndim), key=lambda place: AXES.index(tree.axes[place]))
            lengths = [sizes[axis] if axis in tree.axes else 1 for axis in AXES]
            return array.transpose(order).reshape(lengths)
        case Ones():
            return np.ones([sizes[axis] if axis in tree.axes else 1 for axis in AXES])
        case Add():
            return sum(below[1:], below[0])
        case Product():
            whole = np.ones([1] * len(AXES))
            for part in below:
                whole = whole * part
            places = tuple(AXES.index(axis) for axis in tree.summed)
            return np.sum(whole, axis=places, keepdims=True)
        case Power():
            return np.power(below[0], below[1])
        case Apply():
            if tree.function.name == "softmax":
                place = AXES.index(max(tree.axes, key=AXES.index))
                return special.softmax(below[0], axis=place)
            return _PRIMITIVES[tree.function.name](*below)
        case Largest():
            return np.max(below[0], axis=AXES.index(tree.axis), keepdims=True)
        case Rename():
            return np.swapaxes(below[0], AXES.index(tree.old), AXES.index(tree.new))
    raise TypeError(type(tree).__name__)


def as_named(full: Any, axes: tuple[Axis, ...]) -> Any:
    """Return a value of ``meaning`` as an array with these axes, in this order."""
    kept = [AXES.index(axis) for axis in axes]
    others = [place for place in range(len(AXES)) if place not in kept]
    return np.transpose(full, [*kept, *others]).reshape([full.shape[place] for place in kept])
