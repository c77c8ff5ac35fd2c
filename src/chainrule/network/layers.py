"""Layers of units: inputs, dense and gated layers, activations, scaling, tied weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError, InputTypeError
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Symbol, add, product
from chainrule.formulas.functions import maximum, minimum
from chainrule.network import activations, initializers
from chainrule.network.activations import Activation
from chainrule.network.domains import REALS, Domain, checked
from chainrule.network.graph import Layer, Node
from chainrule.network.scope import Draw, Scope
from chainrule.validation import checked_integer, requirement

_LETTERS = "WUVST"
"""The letters of a dense layer's weights, one for each of its sources."""


def filled(value: float) -> Draw:
    """Return initial values that are all the same."""
    return lambda generator, shape: np.full(shape, float(value))


def _drawn(initializer: Any) -> Draw:
    """Return the initial values of a weight matrix, (inputs, outputs)."""
    draw = initializers.find(initializer)

    def weights(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        inputs, outputs = shape
        return draw(generator, inputs, outputs)

    return weights


def _offsets(initializer: Any) -> Draw:
    """Return the initial values of biases, drawn as (1, outputs)."""
    draw = initializers.find(initializer)

    def biases(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return draw(generator, 1, int(np.prod(shape, dtype=int))).reshape(shape)

    return biases


class InputLayer(Layer):
    """The given columns of a network."""

    has_own_axis = True
    most_sources = 0

    def __init__(self, width: int, name: str | None = None) -> None:
        self.width = checked_integer("width", width)
        if name is not None and not isinstance(name, str):
            raise InputTypeError(requirement("name", "a text such as 'age'", name))
        self.name = name

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return self.width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        raise TypeError("inputs are stated by the network")

    def __str__(self) -> str:
        return (
            f"Input({self.width})" if self.name is None else f"Input({self.width}, {self.name!r})"
        )

    @property
    def settings(self) -> dict[str, Any]:
        return {"width": self.width, "name": self.name}


class CategoryLayer(InputLayer):
    """A given column of codes from 0 to ``levels`` − 1, as one-hot rows."""

    def __init__(self, levels: int, name: str | None = None) -> None:
        super().__init__(checked_integer("levels", levels, 2), name)

    def __str__(self) -> str:
        return f"Categories({self.width}" + (")" if self.name is None else f", {self.name!r})")

    @property
    def settings(self) -> dict[str, Any]:
        return {"levels": self.width, "name": self.name}


class Input(Node):
    """``width`` numeric columns; ``name`` is their key in a mapping of data.

    >>> Input(8)
    <8 values of Input(8)>
    """

    def __init__(self, width: int, name: str | None = None) -> None:
        super().__init__(InputLayer(width, name), (), checked_integer("width", width))


class Categories(Node):
    """One column of codes 0, 1, …, ``levels`` − 1, as one-hot rows o with o_bl = [k_b = l].

    A layer that is applied to it looks its weights up by the code: a `Dense` or an `Embedding` of
    one-hot rows picks one row of weights for each sample.

    >>> Categories(12)
    <12 values of Categories(12)>
    """

    def __init__(self, levels: int, name: str | None = None) -> None:
        layer = CategoryLayer(levels, name)
        super().__init__(layer, (), layer.width)


class _WeightedSum(Layer):
    """z = (a product with weights) + b, and a = f(z) where there is an activation."""

    has_own_axis = True

    def __init__(self, activation: str | Activation | None, bias: bool) -> None:
        self.activation = None if activation is None else activations.find(activation)
        if not isinstance(bias, (bool, np.bool_)):
            raise InputTypeError(requirement("bias", "True or False", bias))
        self.bias = bool(bias)

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        axis = scope.own_axis
        terms = self.products(scope, sources, axis)
        if self.bias:
            terms.append(scope.parameter("b", (axis,), _offsets(0.0), kind="bias"))
        z = scope.define("z", (axis,), add(*terms), delta=True)
        if self.activation is None:
            return z
        return scope.define("a", (axis,), self.activation(z))

    def products(self, scope: Scope, sources: Sequence[Symbol], axis: Axis) -> list[Expression]:
        """Return the products of the sources with weights, which are added."""
        raise NotImplementedError

    @property
    def range(self) -> Domain:
        return REALS if self.activation is None else self.activation.range

    @property
    def functions(self) -> tuple[Activation, ...]:
        return () if self.activation is None else (self.activation,)

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.activation, self.bias)


class Dense(_WeightedSum):
    """A dense layer: z = x W + b, a = f(z).

    ``activation`` is a name, an `Activation`, or None for the weighted sum alone.  Applied to
    several nodes it adds them up, z = x W + y U + b, which is a dense layer of both side by side.
    ``initializer`` is that of the weights (by default the one that suits the activation).  Applied
    twice, it uses the same weights twice.

    >>> x = Input(8)
    >>> Dense(64, "silu")(x)
    <64 values of Dense(64, 'silu')>
    """

    most_sources = None

    def __init__(
        self,
        units: int,
        activation: str | Activation | None = None,
        *,
        bias: bool = True,
        initializer: Any = None,
    ) -> None:
        super().__init__(activation, bias)
        self.units = checked_integer("units", units)
        self.initializer = initializer
        if initializer is not None:
            initializers.find(initializer)

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return self.units

    def products(self, scope: Scope, sources: Sequence[Symbol], axis: Axis) -> list[Expression]:
        """Return x W for each source."""
        suited = "glorot_uniform" if self.activation is None else self.activation.initializer
        terms: list[Expression] = []
        for number, source in enumerate(sources):
            below = scope.units(source)
            letter = _LETTERS[number] if number < len(_LETTERS) else f"W{number}"
            given = suited if self.initializer is None else self.initializer
            weights = scope.parameter(
                letter,
                (below, axis),
                _drawn(given),
                kind="weight",
                suited=suited if self.initializer is None else "",
            )
            terms.append(product(source, weights, over=[below]))
        return terms

    def __str__(self) -> str:
        named = "" if self.activation is None else f", {self.activation.name!r}"
        return f"Dense({self.units}{named}{'' if self.bias else ', bias=False'})"

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "activation": self.activation,
            "bias": self.bias,
            "initializer": self.initializer,
        }


class Tied(_WeightedSum):
    """A dense layer with the transposed weights of another: z = x Wᵀ + b, a = f(z).

    The decoder of an autoencoder, whose gradients add up in W.

    >>> x = Input(8)
    >>> encoder = Dense(3, "tanh")
    >>> Tied(encoder)(encoder(x))
    <8 values of Tied(Dense(3, 'tanh'))>
    """

    def __init__(
        self, of: Dense, activation: str | Activation | None = None, *, bias: bool = True
    ) -> None:
        if not isinstance(of, Dense):
            raise InputTypeError(requirement("of", "a Dense layer", of))
        super().__init__(activation, bias)
        self.of = of

    def width_of(self, sources: tuple[Node, ...]) -> int:
        (source,) = sources
        if source.width != self.of.units:
            raise InputError(
                f"{self} must be applied to {self.of.units} values, the units of {self.of}, got "
                f"{source.layer} with {source.width}"
            )
        before = _first_use(self.of, source)
        if before is None:
            raise InputError(
                f"{self} must follow {self.of}, whose weights it uses; apply that layer before"
            )
        return before.width

    def products(self, scope: Scope, sources: Sequence[Symbol], axis: Axis) -> list[Expression]:
        """Return x Wᵀ."""
        (x,) = sources
        below = scope.units(x)
        weights = scope.shared(scope.parameter_of(self.of, "W"), (axis, below))
        return [product(x, weights, over=[below])]

    def __str__(self) -> str:
        return f"Tied({self.of})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"of": self.of, "activation": self.activation, "bias": self.bias}


def _first_use(layer: Layer, node: Node) -> Node | None:
    """Return the first source of the node below in which a layer was applied."""
    pending = [node]
    while pending:
        found = pending.pop()
        if found.layer is layer:
            return found.sources[0]
        pending.extend(found.sources)
    return None


class Activate(Layer):
    """An activation alone: a = f(x).

    >>> Activate("relu")(Input(8))
    <8 values of Activate('relu')>
    """

    def __init__(self, activation: str | Activation) -> None:
        self.activation = activations.find(activation)

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        return scope.define("a", (scope.units(x),), self.activation(x))

    @property
    def range(self) -> Domain:
        return self.activation.range

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (self.activation,)

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.activation,)

    def __str__(self) -> str:
        return f"Activate({self.activation.name!r})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"activation": self.activation}


class PReLU(Layer):
    """A rectifier with a learnable slope for each unit: a = max(x, 0) + α min(x, 0).

    ``initial`` is the slope at the start (He et al. 2015: 0.25).
    """

    def __init__(self, initial: float = 0.25) -> None:
        self.initial = checked(initial, "`initial`", REALS, "such as 0.25")

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        axis = scope.units(x)
        slope = scope.parameter("p", (axis,), filled(self.initial))
        return scope.define("a", (axis,), maximum(x, 0) + slope * minimum(x, 0))

    @property
    def settings(self) -> dict[str, Any]:
        return {"initial": self.initial}


class Scale(Layer):
    """A learnable factor for each unit: a = s ⊙ x, with s = ``initial`` at the start."""

    def __init__(self, initial: float = 1.0) -> None:
        self.initial = checked(initial, "`initial`", REALS, "such as 1")

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        axis = scope.units(x)
        return scope.define("a", (axis,), scope.parameter("s", (axis,), filled(self.initial)) * x)

    @property
    def settings(self) -> dict[str, Any]:
        return {"initial": self.initial}


class Gated(Layer):
    """A gated linear unit: a = f(x W + b) ⊙ (x V + c).

    ``gate`` is f: "sigmoid" is GLU (Dauphin et al. 2017), "silu" SwiGLU, "gelu" GEGLU and
    "identity" the bilinear unit (Shazeer 2020).

    >>> Gated(64, "silu")(Input(8))
    <64 values of Gated(64, 'silu')>
    """

    has_own_axis = True

    def __init__(
        self, units: int, gate: str | Activation = "sigmoid", *, bias: bool = True
    ) -> None:
        self.units = checked_integer("units", units)
        self.gate = activations.find(gate)
        if not self.gate.elementwise:
            raise InputError(
                "`gate` must be an elementwise activation such as 'sigmoid', got "
                f"{self.gate.name!r}"
            )
        self.bias = bool(bias)

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return self.units

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        below, axis = scope.units(x), scope.own_axis
        sums = []
        for letter, weight, offset, suited in (
            ("z", "W", "b", self.gate.initializer),
            ("u", "V", "c", "glorot_uniform"),
        ):
            weights = scope.parameter(
                weight, (below, axis), _drawn(suited), kind="weight", suited=suited
            )
            value: Expression = product(x, weights, over=[below])
            if self.bias:
                value = value + scope.parameter(offset, (axis,), _offsets(0.0), kind="bias")
            sums.append(scope.define(letter, (axis,), value, delta=letter == "z"))
        gate, values = sums
        if self.gate is not activations.identity:
            gate = scope.define("g", (axis,), self.gate(gate))
        return scope.define("a", (axis,), gate * values)

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (self.gate,)

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.gate, self.bias)

    def __str__(self) -> str:
        return f"Gated({self.units}, {self.gate.name!r})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"units": self.units, "gate": self.gate, "bias": self.bias}
