"""Network: what you describe.  Layers, activations, loss and penalties, and nothing that runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import InputError, InputTypeError, unknown_name
from chainrule.formulas.axes import SAMPLES_POSITION, Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Size,
    Symbol,
    add,
    power,
    product,
    total,
)
from chainrule.network import activations, initializers, losses
from chainrule.network.activations import Activation
from chainrule.network.domains import Domain
from chainrule.network.formulation import Formulation
from chainrule.network.losses import Form, Loss
from chainrule.network.parameters import Parameters
from chainrule.network.penalties import Penalty

SAMPLES = Axis("B", SAMPLES_POSITION)
"""The axis of samples of every network."""

LOSS, DATA_LOSS = Symbol("Loss"), Symbol("DataLoss")
WEIGHTS = Symbol("w", (SAMPLES,))
"""The weight of each sample, where there are weights."""

_INITIALIZE = 1
"""The purpose in the random generator's key: drawing starting weights."""


@dataclass(frozen=True)
class Names:
    """What the symbols of a network are called: the source page's way or numbered.

    ``places`` name the layers from the inputs to the outputs; a weight is named after the two it
    joins (``W_ih``) or by the number of the layer it leads to (``W_1``).
    """

    places: tuple[str, ...]
    joined: bool
    target: str

    @classmethod
    def for_depth(cls, count: int) -> "Names":
        """Return the source page's names for one hidden layer, numbers otherwise."""
        if count == 3:
            return cls(("i", "h", "o"), joined=True, target="Y_t")
        return cls(tuple(str(place) for place in range(count)), joined=False, target="Y")

    def parameter(self, letter: str, layer: int) -> str:
        """Return the name of a weight or bias that leads to a layer (1 is the first)."""
        start = self.places[layer - 1] if self.joined else ""
        return f"{letter}_{start}{self.places[layer]}"

    def unit(self, letter: str, layer: int, batch: bool) -> str:
        """Return the name of a layer's values: a matrix's letter is a capital."""
        return f"{letter.upper() if batch else letter}_{self.places[layer]}"


@dataclass(frozen=True, eq=False)
class Network:
    """A dense feed-forward network: z = a W + b, a = f(z), layer by layer, and a loss.

    Make one with ``Network.dense``.
    """

    layers: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss
    penalties: tuple[Penalty, ...] = ()
    trainable: Mapping[str, bool | str] | None = None

    @classmethod
    def dense(
        cls,
        layers: Sequence[int],
        activation: "str | Activation | Sequence[str | Activation]" = "sigmoid",
        loss: str | Loss = "mse",
        *,
        penalty: Penalty | Sequence[Penalty] = (),
        trainable: Mapping[str, bool | str] | None = None,
    ) -> "Network":
        """Describe a dense network.

        ``layers`` are the widths from the inputs to the outputs.  ``activation`` is one name for
        every layer or a list of one per layer; where a single name does not fit the loss at the
        last layer, that layer gets the loss's canonical activation.  ``trainable`` says for single
        parameters: False keeps it as it is, ``"shared"`` makes a bias one number for its layer.

        Raises ``InputError`` for widths, names or combinations that are not allowed.

        >>> network = Network.dense([4, 16, 3], activation="relu", loss="log_loss")
        >>> print(network)
        4-16-3, relu then softmax, log_loss, 131 parameters
        >>> network.parameter_names
        ('W_ih', 'b_ih', 'W_ho', 'b_ho')
        """
        widths = _widths(layers)
        stated = losses.find(loss)
        chosen = _activations(activation, len(widths) - 1, stated, widths[-1])
        network = cls(widths, chosen, stated, _penalties(penalty), _options(trainable))
        network._check_trainable()
        return network

    # -- names and shapes ----------------------------------------------------------------------

    @cached_property
    def names(self) -> Names:
        """How this network's symbols are called."""
        return Names.for_depth(len(self.layers))

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axis of each layer, from the inputs to the outputs."""
        last = len(self.layers) - 1
        middle = ["h"] if last == 2 else [f"h{place}" for place in range(1, last)]
        labels = ["i", *middle, "o"]
        sizes = [f"n_{label}" for label in labels[:-1]] + ["n"]
        return tuple(
            Axis(label, place, size)
            for place, (label, size) in enumerate(zip(labels, sizes, strict=True))
        )

    @cached_property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter as it is stored; weights are (inputs, outputs)."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(1, len(self.layers)):
            weights, bias = (self.names.parameter(letter, layer) for letter in "Wb")
            shapes[weights] = (self.layers[layer - 1], self.layers[layer])
            shapes[bias] = () if self._option(bias) == "shared" else (self.layers[layer],)
        return shapes

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of all parameters, layer by layer."""
        return tuple(self.parameter_shapes)

    @property
    def trainable_names(self) -> tuple[str, ...]:
        """The names of the parameters that training changes."""
        return tuple(name for name in self.parameter_names if self._option(name) is not False)

    @property
    def form(self) -> Form:
        """The formula of the loss for this network's output."""
        form = self.loss.form_for(self.activations[-1].range)
        assert form is not None, "checked when the network was described"
        return form

    @property
    def targets(self) -> Domain:
        """The targets that the loss is defined for."""
        return self.form.targets

    @property
    def size(self) -> int:
        """The number of single parameters."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    @property
    def structure(self) -> tuple[Any, ...]:
        """All that the formulas depend on: everything but the widths and the strengths."""
        options = tuple((name, self._option(name)) for name in self.parameter_names)
        return (
            len(self.layers),
            self.activations,
            self.form,
            tuple(type(penalty) for penalty in self.penalties),
            options,
        )

    def __str__(self) -> str:
        names = [activation.name for activation in self.activations]
        hidden = dict.fromkeys(names[:-1])
        then = [*hidden] if names[-1] in hidden and len(hidden) == 1 else [*hidden, names[-1]]
        if len(hidden) > 1:
            then = names
        widths = "-".join(map(str, self.layers))
        penalties = "".join(f", {p.name} {p.strength:g}" for p in self.penalties)
        return (
            f"{widths}, {' then '.join(then)}, {self.loss.name}{penalties}, "
            f"{self.size:,} parameters"
        )

    def __repr__(self) -> str:
        return f"<Network {self}>"

    # -- starting values -----------------------------------------------------------------------

    def initialize(
        self, seed: int = 0, *, dtype: Any = np.float64, scheme: Any = None, bias: Any = 0.0
    ) -> Parameters:
        """Return starting parameters, the same for the same seed.

        ``scheme`` is an initializer for every weight matrix (by default each layer gets the one
        that suits its activation), ``bias`` one for the biases, drawn as (1, outputs).

        >>> network = Network.dense([2, 3, 1])
        >>> network.initialize(seed=0)["W_ih"].shape
        (2, 3)
        """
        result = Parameters(self.parameter_shapes, np.zeros(self.size, _real_type(dtype)))
        key = np.array([_seed(seed), _INITIALIZE], dtype=np.uint64)
        generator = np.random.Generator(np.random.Philox(key=key))
        for layer in range(1, len(self.layers)):
            weights, offset = (self.names.parameter(letter, layer) for letter in "Wb")
            inputs, outputs = self.layers[layer - 1], self.layers[layer]
            given = self.activations[layer - 1].initializer if scheme is None else scheme
            result[weights][...] = initializers.find(given)(generator, inputs, outputs)
            drawn = initializers.find(bias)(generator, 1, max(1, result[offset].size))
            result[offset][...] = drawn.reshape(result[offset].shape)
        return result

    # -- formulas ------------------------------------------------------------------------------

    def formulation(self, *, batch: bool = True, weighted: bool = False) -> Formulation:
        """Return the forward equations, for a batch or for one sample.

        ``weighted`` gives every sample a weight w: the loss is Σ w ℓ / Σ w.
        """
        samples = (SAMPLES,) if batch else ()
        inputs, *others, outputs = self.axes
        values = Symbol("X", (*samples, inputs))
        target = Symbol(self.names.target, (*samples, outputs))
        given = [values, target]
        equations: list[Equation] = []
        parameters: list[Symbol] = []
        weights: list[Symbol] = []
        deltas: set[Symbol] = set()
        for layer, axis in enumerate((*others, outputs), start=1):
            before = self.axes[layer - 1]
            matrix = Symbol(self.names.parameter("W", layer), (before, axis))
            bias = Symbol(self.names.parameter("b", layer))
            if self._option(bias.name) != "shared":
                bias = Symbol(bias.name, (axis,))
            z = Symbol(self.names.unit("z", layer, batch), (*samples, axis))
            a = Symbol(self.names.unit("a", layer, batch), (*samples, axis))
            equations.append(Equation(z, product(values, matrix, over=[before]) + bias))
            equations.append(Equation(a, self.activations[layer - 1](z)))
            for parameter in (matrix, bias):
                kept = self._option(parameter.name) is False
                (given if kept else parameters).append(parameter)
            weights.append(matrix)
            deltas.add(z)
            values = a
        front: list[Expression] = []
        if weighted:
            given.append(WEIGHTS)
            front = [power(total(WEIGHTS, SAMPLES), -1), WEIGHTS]
        elif batch:
            front = [power(Size(SAMPLES), -1)]
        over = SAMPLES if batch else None
        whole = self.form.over(target, values, outputs, *front, samples=over)
        equations.extend(self._losses(whole, weights))
        given.extend(penalty.symbol for penalty in self.penalties)
        return Formulation(
            equations=tuple(equations),
            loss=LOSS,
            parameters=tuple(parameters),
            inputs=tuple(given),
            output=values,
            data_loss=DATA_LOSS if self.penalties else LOSS,
            facts={**self.form.facts(target, outputs), **self._shares(values, outputs)},
            deltas=frozenset(deltas),
        )

    def _shares(self, output: Symbol, units: Axis) -> dict[Expression, Expression]:
        """Return what is known of the outputs: shares of a whole sum to one."""
        return {total(output, units): ONE} if self.activations[-1].range.simplex else {}

    def _losses(self, whole: Expression, weights: list[Symbol]) -> list[Equation]:
        if not self.penalties:
            return [Equation(LOSS, whole)]
        added = [penalty.of(matrix) for penalty in self.penalties for matrix in weights]
        return [Equation(DATA_LOSS, whole), Equation(LOSS, add(DATA_LOSS, *added))]

    @property
    def strengths(self) -> dict[str, float]:
        """The value of each penalty's letter."""
        return {penalty.letter: penalty.strength for penalty in self.penalties}

    def with_penalty(self, *penalties: Penalty) -> "Network":
        """Return the same network with other penalties."""
        return replace(self, penalties=_penalties(penalties))

    # -- checks --------------------------------------------------------------------------------

    def _option(self, name: str) -> bool | str:
        return (self.trainable or {}).get(name, True)

    def _check_trainable(self) -> None:
        for name, option in (self.trainable or {}).items():
            if name not in self.parameter_names:
                raise unknown_name("parameter in trainable", name, list(self.parameter_names))
            if option == "shared" and not name.startswith("b"):
                raise InputError(
                    f"trainable: {name!r} cannot be shared; only biases can, as in {{'b_ih': "
                    "'shared'}"
                )
        if not self.trainable_names:
            raise InputError("trainable: every parameter is frozen; leave at least one to train")


def _real_type(dtype: Any) -> Any:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind not in (np.float32, np.float64):
        raise InputTypeError(f"dtype: {dtype!r} came; float32 or float64 is allowed")
    return kind


def _penalties(given: Any) -> tuple[Penalty, ...]:
    listed = (given,) if isinstance(given, Penalty) else given
    if not isinstance(listed, Sequence) or not all(isinstance(p, Penalty) for p in listed):
        raise InputTypeError(
            f"penalty: {given!r} came; a penalty or a list of them is needed, such as L2(0.001)"
        )
    letters = [penalty.letter for penalty in listed]
    if len(set(letters)) < len(letters):
        raise InputError("penalty: the same kind came twice; add their strengths up")
    return tuple(listed)


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise InputTypeError(f"seed: {seed!r} came; a whole number of at least 0 is needed")
    if not 0 <= seed < 2**64:
        raise InputError(f"seed: {seed} came; a whole number from 0 to 2⁶⁴ − 1 is needed")
    return int(seed)


def _options(given: Any) -> dict[str, bool | str]:
    """Return what was said of single parameters, with NumPy's truth values made Python's."""
    if given is not None and not isinstance(given, Mapping):
        raise InputTypeError(
            f"trainable: {given!r} came; a mapping is needed, such as {{'b_ih': False}}"
        )
    options: dict[str, bool | str] = {}
    for name, option in (given or {}).items():
        if isinstance(option, (bool, np.bool_, int)) and option in (0, 1):
            options[name] = bool(option)
        elif option == "shared":
            options[name] = "shared"
        else:
            raise InputError(
                f"trainable: {option!r} came for {name}; True, False or 'shared' is allowed"
            )
    return options


def _widths(layers: Sequence[int]) -> tuple[int, ...]:
    try:
        widths = tuple(layers)
    except TypeError:
        raise InputTypeError(
            f"layers: {layers!r} came; a list of widths is needed, such as [4, 16, 3]"
        ) from None
    if len(widths) < 2:
        raise InputError(
            f"layers: {list(widths)} came; at least the inputs and the outputs are needed, such "
            "as [4, 16, 3]"
        )
    for width in widths:
        given: object = width
        whole = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
        if not whole or width < 1:
            raise InputError(
                f"layers: {width!r} came in {list(widths)}; whole numbers of at least 1 are needed"
            )
    return tuple(int(width) for width in widths)


def _activations(
    given: "str | Activation | Sequence[str | Activation]", count: int, loss: Loss, outputs: int
) -> tuple[Activation, ...]:
    single = isinstance(given, (str, Activation))
    if not single and not isinstance(given, Sequence):
        raise InputError(
            f"activation: {given!r} came; a name, an Activation or a list of one per layer is "
            "allowed, such as 'tanh'"
        )
    names = [given] * count if isinstance(given, (str, Activation)) else list(given)
    if len(names) != count:
        raise InputError(
            f"activation: {len(names)} names came for {count} layers; give one name, or one per "
            "layer, the last included"
        )
    chosen = [activations.find(name) for name in names]
    last = chosen[-1]
    if single and not _fits(last, loss, outputs):
        wanted = [form.canonical for form in loss.forms]
        candidates = [activations.find(name) for name in wanted]
        chosen[-1] = next(entry for entry in candidates if _fits(entry, loss, outputs))
    elif not _fits(last, loss, outputs):
        domains = " or ".join(str(form.outputs) for form in loss.forms)
        suited = [activations.find(form.canonical) for form in loss.forms]
        canonical = " or ".join(entry.name for entry in suited if _fits(entry, loss, outputs))
        raise InputError(
            f"activation {last.name!r} does not fit loss {loss.name!r}: with {outputs} "
            f"output{'s' if outputs > 1 else ''} it gives {last.range}, the loss needs {domains}; "
            f"use {canonical} in the last layer or another loss"
        )
    return tuple(chosen)


def _fits(last: Activation, loss: Loss, outputs: int) -> bool:
    if outputs == 1 and last.range.simplex:
        return False  # one share of a whole is always 1
    return loss.form_for(last.range) is not None
