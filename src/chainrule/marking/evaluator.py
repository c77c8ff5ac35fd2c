"""A line to numbers: NumPy's rules on small matrices whose lengths are all different.

Every axis has a length of its own, so a shape tells which axes met.  ``Clash`` says where two that
should have met did not; a sum that spreads a column over a row is no clash, as in NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import PRIMITIVES, Evaluation
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.functions import UNITS
from chainrule.formulas.positional import Entrywise
from chainrule.language.refusals import Refusal
from chainrule.marking.syntax import (
    Binary,
    Call,
    Comparison,
    Constant,
    Name,
    Negative,
    Partial,
    Raised,
    Total,
    Transposed,
    Tree,
    Vector,
    below,
    rebuilt,
)
from chainrule.network import activations
from chainrule.network.activations import Activation

Array = NDArray[Any]

LARGEST = 10_000
"""Entries that a result may have: outer products of outer products grow without bound."""


class Clash(Exception):  # noqa: N818 - what a learner is told, not a failure of ours
    """Two matrices whose axes do not meet: the node, and both shapes."""

    def __init__(self, tree: Tree, left: tuple[int, ...], right: tuple[int, ...]) -> None:
        super().__init__(left, right)
        self.tree, self.left, self.right = tree, left, right


@dataclass(frozen=True)
class OnesVector:
    """Ones whose length is settled by the neighbor."""

    scale: Any
    row: bool


@dataclass(frozen=True)
class Setting:
    """The values by key, which network they belong to, and how samples stand.

    ``layers`` tells the activation of each z by its key; ``samples`` the dimension (0 or 1) along
    which samples stand; ``stands_for`` what ∂above/∂below is as a matrix.
    """

    values: Mapping[str, Array]
    layers: Mapping[str, Activation]
    samples: int
    stands_for: Mapping[tuple[str, str], Array]


class Computation:
    """The values of trees in one setting; each node is computed once."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.known: dict[int, tuple[Tree, Any]] = {}
        self.count = 0

    def __call__(self, tree: Tree) -> Array:
        """Return the value of a tree.

        Raises ``Clash`` where axes do not meet, ``Refusal`` where a value is missing.
        """
        with np.errstate(all="ignore"):
            value = self.value(tree)
        if isinstance(value, OnesVector):
            raise Clash(tree, (), ())
        return np.asarray(value)

    def value(self, tree: Tree) -> Any:
        """Return a value, which may be ones of no length yet."""
        found = self.known.get(id(tree))
        if found is None:
            self.count += 1
            value = self._computed(tree)
            if not isinstance(value, OnesVector) and np.size(value) > LARGEST:
                raise Refusal("entries", most=f"{LARGEST:,}")
            found = self.known[id(tree)] = (tree, value)
        return found[1]

    def _computed(self, tree: Tree) -> Any:
        match tree:
            case Constant():
                return np.asarray(tree.value)
            case Name():
                if tree.key not in self.setting.values:
                    raise Refusal("no_value", text=tree.text)
                return self.setting.values[tree.key]
            case Vector():
                return OnesVector(np.asarray(1.0), tree.row)
            case Binary():
                return self._binary(tree)
            case Negative():
                value = self.value(tree.operand)
                if isinstance(value, OnesVector):
                    return OnesVector(-value.scale, value.row)
                return -value
            case Raised():
                return self._spread(tree, np.power, tree.base, tree.exponent)
            case Transposed():
                value = self.value(tree.operand)
                if isinstance(value, OnesVector):
                    return OnesVector(value.scale, not value.row)
                return np.transpose(value)
            case Call():
                return self._call(tree)
            case Total():
                return self._total(tree)
            case Comparison():
                compare = {
                    ">": np.greater,
                    "<": np.less,
                    ">=": np.greater_equal,
                    "<=": np.less_equal,
                    "==": np.equal,
                }[tree.sign]
                return self._spread(tree, compare, tree.left, tree.right).astype(float)
            case Partial():
                return self._partial(tree)
        raise TypeError(f"no value is defined for {type(tree).__name__}")

    def settled(self, tree: Tree) -> Tree:
        """Write every product whose kind the shapes decide as the one that it is."""
        parts = tuple(map(self.settled, below(tree)))
        unchanged = all(old is new for old, new in zip(below(tree), parts, strict=True))
        new = tree if unchanged else rebuilt(tree, parts)
        if isinstance(new, Binary) and new.operation == "product":
            try:
                left, right = map(self, below(tree))
            except Clash:
                return new
            if left.ndim == right.ndim == 2 and _meet(left, right):
                return replace(new, operation="matrix")
            if left.shape == right.shape:
                return replace(new, operation="entrywise")
        if isinstance(new, Binary) and new.operation == "entrywise" and self._has_number(new):
            return replace(new, operation="product")  # a number needs no ⊙
        return new

    def _has_number(self, tree: Tree) -> bool:
        try:
            return any(np.ndim(self(part)) == 0 for part in below(tree))
        except Clash:
            return False

    def _array(self, tree: Tree) -> Array:
        value = self.value(tree)
        if isinstance(value, OnesVector):
            raise Clash(tree, (), ())
        return np.asarray(value)

    def _spread(self, tree: Tree, operation: Any, *parts: Tree) -> Array:
        arrays = [self._array(part) for part in parts]
        try:
            return np.asarray(operation(*arrays))
        except ValueError:
            raise Clash(tree, np.shape(arrays[0]), np.shape(arrays[-1])) from None

    def _binary(self, tree: Binary) -> Any:
        match tree.operation:
            case "add":
                return self._spread(tree, np.add, tree.left, tree.right)
            case "subtract":
                return self._spread(tree, np.subtract, tree.left, tree.right)
        left, right = self.value(tree.left), self.value(tree.right)
        if isinstance(left, OnesVector) or isinstance(right, OnesVector):
            return self._with_ones(tree, left, right)
        if tree.operation == "divide":
            return self._spread(tree, np.divide, tree.left, tree.right)
        if tree.operation == "entrywise" or np.ndim(left) == 0 or np.ndim(right) == 0:
            return self._spread(tree, np.multiply, tree.left, tree.right)
        if tree.operation == "product" and not _meet(left, right):
            if np.shape(left) == np.shape(right):
                return left * right
            raise Clash(tree, left.shape, right.shape)
        if not _meet(left, right):
            raise Clash(tree, left.shape, right.shape)
        return np.matmul(left, right)

    def _with_ones(self, tree: Binary, left: Any, right: Any) -> Any:
        if tree.operation == "divide" and isinstance(left, OnesVector) and np.ndim(right) == 0:
            return OnesVector(left.scale / right, left.row)
        if isinstance(left, OnesVector):
            if isinstance(right, OnesVector):
                raise Clash(tree, (), ())
            if np.ndim(right) == 0:
                return OnesVector(left.scale * right, left.row)
            if left.row and np.ndim(right) == 2:
                return left.scale * np.sum(right, axis=0, keepdims=True)
            raise Clash(tree, (), np.shape(right))
        if np.ndim(left) == 0:
            return OnesVector(right.scale * left, right.row)
        if not right.row and np.ndim(left) == 2 and tree.operation != "divide":
            return right.scale * np.sum(left, axis=1, keepdims=True)
        raise Clash(tree, np.shape(left), ())

    def _call(self, tree: Call) -> Array:
        name = tree.function
        if name == "outer":
            left, right = (self._array(part) for part in tree.arguments)
            if left.size * right.size > LARGEST:
                raise Refusal("outer", most=f"{LARGEST:,}")
            return np.outer(left, right)
        if name == "where":
            return self._spread(tree, lambda c, x, y: np.where(c != 0, x, y), *tree.arguments)
        if name in ("maximum", "minimum"):
            return self._spread(tree, PRIMITIVES[name], *tree.arguments)
        (argument,) = tree.arguments
        value = self._array(argument)
        if name in ("sqrt", "square"):
            return np.asarray(getattr(np, name)(value))
        if name in PRIMITIVES:
            return np.asarray(PRIMITIVES[name](value))
        plain, _, slope = name.partition(" ")
        return self._applied(self._activation(plain, argument), value, bool(slope))

    def _activation(self, name: str, argument: Tree) -> Activation:
        if name != "f":
            return activations.find(name)
        layers = self.setting.layers
        if isinstance(argument, Name) and argument.key in layers:
            return layers[argument.key]
        if len(set(layers.values())) == 1:
            return next(iter(layers.values()))
        raise Refusal("which_activation")

    def _applied(self, function: Activation, value: Array, slope: bool) -> Array:
        if function.slope is None:
            if slope:
                raise Refusal("no_slope", text=function.name)
            return _by_sample(function, value, self.setting.samples)
        if not slope:
            return _evaluated(function.computed, {"z": value}, value)
        output = _evaluated(function.computed, {"z": value}, value)
        return _evaluated(function.slope, {"z": value, "a": output}, value)

    def _total(self, tree: Total) -> Array:
        value = self._array(tree.operand)
        axis: int | None
        if tree.axis is None or value.ndim == 0:
            axis = None
        elif isinstance(tree.axis, str):
            axis = self.setting.samples if tree.axis == "samples" else 1 - self.setting.samples
            if tree.axis == "units" and value.ndim == 2 and value.shape[axis] == 1:
                axis = None  # a second index: Σ_i Σ_j of a weight
        else:
            axis = tree.axis
        if axis is not None and axis >= value.ndim:
            raise Clash(tree, value.shape, ())
        operation = np.mean if tree.mean else np.sum
        return np.asarray(operation(value, axis=axis, keepdims=tree.keep and axis is not None))

    def _partial(self, tree: Partial) -> Array:
        found = self.setting.stands_for.get((tree.above, tree.below))
        if found is None:
            raise Refusal("no_derivative", text=tree.text)
        return found


def _meet(left: Array, right: Array) -> bool:
    return bool(left.shape[-1] == right.shape[-2 if right.ndim > 1 else 0])


def _by_sample(function: Activation, value: Array, samples: int) -> Array:
    """Return a function of a whole layer, applied to each sample."""
    units = 1 - samples if value.ndim == 2 else -1
    argument = Symbol("z", (*(Axis(f"{place}", -1) for place in range(value.ndim - 1)), UNITS))
    named = Evaluation({"z": np.moveaxis(value, units, -1)}).measure([argument])
    found = named.spread(function.body(function.computed, {"z": argument}, UNITS), argument.axes)
    return np.moveaxis(found, -1, units)


def _evaluated(formula: Any, values: Mapping[str, Array], like: Array) -> Array:
    return np.broadcast_to(Entrywise(values)(formula), np.shape(like))
