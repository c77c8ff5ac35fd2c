"""Network: the description of a model by its layers, activations, loss and penalties."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike

from chainrule.errors import InputError, unknown_name
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
from chainrule.network import initializers, losses
from chainrule.network.activations import Activation
from chainrule.network.arguments import (
    activations_of,
    options_of,
    penalties_of,
    real_type,
    widths_of,
)
from chainrule.network.domains import Domain
from chainrule.network.formulation import Formulation
from chainrule.network.initializers import Initializer
from chainrule.network.losses import Form, Loss
from chainrule.network.parameters import Parameters
from chainrule.network.penalties import Penalty
from chainrule.validation import checked_seed

SAMPLES = Axis("B", SAMPLES_POSITION)
"""The axis of samples of every network."""

LOSS, DATA_LOSS = Symbol("Loss"), Symbol("DataLoss")
WEIGHTS = Symbol("w", (SAMPLES,))
"""The weight of each sample, where there are weights."""

_INITIALIZE = 1
"""Part of the random generator's key: a separate stream for starting weights."""


@dataclass(frozen=True)
class SymbolNames:
    """The names of a network's symbols.

    ``labels`` are those of the layers, from the inputs to the outputs.  A weight has the labels of
    both its layers where ``joined`` (``W_ih``), else that of the layer it leads to (``W_1``).
    ``target`` is the name of the targets.
    """

    labels: tuple[str, ...]
    joined: bool
    target: str

    @classmethod
    def for_depth(cls, count: int) -> "SymbolNames":
        """Return the names i, h, o for one hidden layer (``count`` 3), numbers otherwise."""
        if count == 3:
            return cls(("i", "h", "o"), joined=True, target="Y_t")
        return cls(tuple(str(number) for number in range(count)), joined=False, target="Y")

    def parameter(self, letter: str, layer: int) -> str:
        """Return the name of a weight or bias that leads to a layer (1 is the first)."""
        start = self.labels[layer - 1] if self.joined else ""
        return f"{letter}_{start}{self.labels[layer]}"

    def unit(self, letter: str, layer: int, batch: bool) -> str:
        """Return the name of a layer's values: a matrix's letter is a capital."""
        return f"{letter.upper() if batch else letter}_{self.labels[layer]}"


@dataclass(frozen=True, eq=False)
class Network:
    """A dense feed-forward network: z = a W + b, a = f(z), layer by layer, and a loss.

    ``layers`` are the widths from the inputs to the outputs, ``activations`` one per layer after
    the inputs.  ``Network.dense`` makes one and checks it.
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
        """Return a dense network.

        ``layers`` are the widths from the inputs to the outputs.  ``activation`` is one name for
        every layer or a list of one per layer; where a single name does not suit the loss at the
        last layer, that layer has the loss's canonical activation.  ``trainable`` has options of
        single parameters: False freezes one, ``"shared"`` makes a bias one number for its layer.

        Raises ``InputError`` for widths, names or combinations that are not allowed.

        >>> network = Network.dense([4, 16, 3], activation="relu", loss="log_loss")
        >>> print(network)
        4-16-3, relu then softmax, log_loss, 131 parameters
        >>> network.parameter_names
        ('W_ih', 'b_ih', 'W_ho', 'b_ho')
        """
        widths = widths_of(layers)
        stated = losses.find(loss)
        chosen = activations_of(activation, len(widths) - 1, stated, widths[-1])
        network = cls(widths, chosen, stated, penalties_of(penalty), options_of(trainable))
        network._check_trainable()
        return network

    # -- names and shapes ----------------------------------------------------------------------

    @cached_property
    def names(self) -> SymbolNames:
        """The names of this network's symbols."""
        return SymbolNames.for_depth(len(self.layers))

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axis of each layer, from the inputs to the outputs."""
        last = len(self.layers) - 1
        middle = ["h"] if last == 2 else [f"h{number}" for number in range(1, last)]
        labels = ["i", *middle, "o"]
        sizes = [f"n_{label}" for label in labels[:-1]] + ["n"]
        return tuple(
            Axis(label, number, size)
            for number, (label, size) in enumerate(zip(labels, sizes, strict=True))
        )

    @cached_property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name: weights (inputs, outputs), biases (outputs,) or () where shared."""
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

    @cached_property
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

    @cached_property
    def structure(self) -> tuple[object, ...]:
        """A key of the formulas: everything except the widths and the strengths of penalties."""
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
        self,
        seed: int = 0,
        *,
        dtype: DTypeLike = np.float64,
        scheme: Initializer | None = None,
        bias: Initializer = 0.0,
    ) -> Parameters:
        """Return starting parameters, the same for the same seed.

        ``scheme`` is an initializer for every weight matrix (by default that of each layer's
        activation), ``bias`` one for the biases, called for a matrix (1, outputs).  ``dtype`` is
        float32 or float64.

        >>> network = Network.dense([2, 3, 1])
        >>> network.initialize(seed=0)["W_ih"].shape
        (2, 3)
        """
        result = Parameters(self.parameter_shapes, np.zeros(self.size, real_type(dtype)))
        key = np.array([checked_seed(seed), _INITIALIZE], dtype=np.uint64)
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
        """Return the forward equations and the loss, for a batch or for one sample.

        A batch has inputs X (B, inputs) and targets (B, outputs); one sample has no axis B.
        ``weighted`` adds a weight w of each sample, (B,): the loss is Σ w ℓ / Σ w.

        >>> [equation.left.name for equation in Network.dense([2, 1]).formulation().equations]
        ['Z_1', 'A_1', 'Loss']
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
                frozen = self._option(parameter.name) is False
                (given if frozen else parameters).append(parameter)
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
        share = front[:1]
        equations.extend(self._losses(whole, weights, share))
        data_loss = DATA_LOSS if self.penalties else LOSS
        reported = self.form.reported
        if reported is not None:
            reported = self.form.over(target, values, outputs, *front, samples=over, value=reported)
        given.extend(penalty.symbol for penalty in self.penalties)
        return Formulation(
            equations=tuple(equations),
            loss=LOSS,
            parameters=tuple(parameters),
            inputs=tuple(given),
            output=values,
            data_loss=data_loss,
            facts={**self.form.facts(target, outputs), **self._shares(values, outputs)},
            deltas=frozenset(deltas),
            reported={} if reported is None else {data_loss: reported},
        )

    def _shares(self, output: Symbol, units: Axis) -> dict[Expression, Expression]:
        """Return facts about the outputs: probabilities of a softmax sum to one."""
        return {total(output, units): ONE} if self.activations[-1].range.simplex else {}

    def _losses(
        self, whole: Expression, weights: list[Symbol], share: list[Expression]
    ) -> list[Equation]:
        if not self.penalties:
            return [Equation(LOSS, whole)]
        added = [
            product(*share, penalty.of(matrix)) if penalty.per_sample else penalty.of(matrix)
            for penalty in self.penalties
            for matrix in weights
        ]
        return [Equation(DATA_LOSS, whole), Equation(LOSS, add(DATA_LOSS, *added))]

    @property
    def strengths(self) -> dict[str, float]:
        """The strength of each penalty by its letter."""
        return {penalty.letter: penalty.strength for penalty in self.penalties}

    def with_penalty(self, *penalties: Penalty) -> "Network":
        """Return the same network with other penalties."""
        return replace(self, penalties=penalties_of(penalties))

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
