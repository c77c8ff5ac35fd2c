"""Network: what you describe.  Layers, losses and penalties, and nothing that runs."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.errors import InputError, unknown_name
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    Symbol,
)
from chainrule.formulas.functions import equal
from chainrule.network import initializers, losses
from chainrule.network.activations import Activation
from chainrule.network.arguments import (
    activations_of,
    options_of,
    penalties_of,
    real_type,
    widths_of,
)
from chainrule.network.distributions import Distribution
from chainrule.network.domains import Domain
from chainrule.network.formulation import Formulation
from chainrule.network.graph import Layer, Node, in_order
from chainrule.network.graph_checks import check_ends, form_for, losses_of, nodes_of, weights_of
from chainrule.network.initializers import Initializer
from chainrule.network.layers import CategoryLayer, Dense, Input, InputLayer
from chainrule.network.loss_equations import Head, formulation_of
from chainrule.network.losses import Form, Loss
from chainrule.network.node_axes import axes_of
from chainrule.network.parameters import Parameters
from chainrule.network.penalties import Penalty
from chainrule.network.scope import Scope, StatedParameter, SymbolNames
from chainrule.validation import checked_seed

if TYPE_CHECKING:
    from chainrule.network.drawing import NetworkDrawing
    from chainrule.network.layer_summary import Summary

_INITIALIZE = 1
"""The purpose in the random generator's key: drawing starting weights."""


class Network:
    """A feed-forward network: its inputs, its outputs, and a loss for each of these.

    ``inputs`` is one node of `Input` or `Categories`, or a list of them; ``outputs`` one node or a
    list, with as many losses; the loss of several is Σ weight · loss.  ``Network.dense`` describes
    a dense network in one line.  ``trainable`` states for single parameters: False leaves them as
    they are, ``"shared"`` makes a bias one number for its layer.

    Raises ``InputError`` for inputs that are not used or not listed, and for a loss that does not
    suit its output.

    >>> x = Input(8)
    >>> h = Dense(16, "silu")(x)
    >>> h = h + Dense(16, "silu")(h)
    >>> print(Network(x, Dense(1)(h), loss="mse"))
    8 inputs, 4 layers, 1 output, mse, 433 parameters
    """

    def __init__(
        self,
        inputs: Node | Sequence[Node],
        outputs: Node | Sequence[Node],
        loss: str | Loss | Sequence[str | Loss] = "mse",
        *,
        loss_weights: Sequence[float] | None = None,
        penalty: Penalty | Sequence[Penalty] = (),
        trainable: Mapping[str, bool | str] | None = None,
    ) -> None:
        self.inputs = nodes_of("inputs", inputs)
        self.outputs = nodes_of("outputs", outputs)
        self.losses = losses_of(loss, self.outputs)
        self.loss_weights = weights_of(loss_weights, self.outputs)
        self.penalties = penalties_of(penalty)
        self.trainable = options_of(trainable)
        self.nodes = in_order(self.outputs)
        self.stated: tuple[str, Mapping[str, int]] | None = None
        """The formulas and sizes that `network_from` was given, for files."""
        check_ends(self.inputs, self.outputs, self.nodes)
        if len({id(node.layer) for node in self.nodes}) < len(self.nodes):
            self._scope(batch=True, training=True)  # a repeated layer has to suit all its nodes
        self.forms = tuple(
            form_for(loss, node) for loss, node in zip(self.losses, self.outputs, strict=True)
        )
        self._check_trainable()

    def __getstate__(self) -> dict[str, Any]:
        # What was found from the description is found again: functions among it are not stored.
        found = {
            name for name in vars(type(self)) if isinstance(vars(type(self))[name], cached_property)
        }
        return {name: value for name, value in vars(self).items() if name not in found}

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
        """Describe a dense network: z = a W + b, a = f(z), layer by layer.

        ``layers`` are the widths from the inputs to the outputs.  ``activation`` is one name for
        every layer or a list of one per layer; where a single name does not fit the loss at the
        last layer, that layer gets the loss's canonical activation.

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
        x: Node = Input(widths[0])
        node = x
        for width, function in zip(widths[1:], chosen, strict=True):
            node = Dense(width, function)(node)
        return cls(x, node, stated, penalty=penalty, trainable=trainable)

    # -- the dense network ---------------------------------------------------------------------

    @cached_property
    def _chain(self) -> tuple[Dense, ...] | None:
        """The layers, where this is a chain of dense layers with activations."""
        chain: list[Dense] = []
        for below, node in zip(self.nodes[:-1], self.nodes[1:], strict=True):
            layer = node.layer
            if not isinstance(layer, Dense) or layer.activation is None or not layer.bias:
                return None
            if node.sources != (below,) or layer in chain:
                return None
            chain.append(layer)
        first = self.nodes[0].layer
        alone = len(self.inputs) == len(self.outputs) == 1 and not isinstance(first, CategoryLayer)
        return tuple(chain) if chain and alone else None

    @property
    def is_dense(self) -> bool:
        """Whether this is a chain of dense layers, as ``Network.dense`` describes."""
        return self._chain is not None

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """The widths of a dense network, from the inputs to the outputs."""
        self._require_dense("layers")
        return tuple(node.width for node in self.nodes)

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activations of a dense network, one for each layer; of others, all that it has."""
        if self._chain is not None:
            return tuple(layer.activation for layer in self._chain if layer.activation)
        return tuple(function for node in self.nodes for function in node.layer.functions)

    def _require_dense(self, what: str) -> None:
        if self._chain is None:
            raise InputError(
                f"`{what}` must be asked of a dense network (Network.dense), got {self}. Its "
                "nodes are `network.nodes`"
            )

    @property
    def loss(self) -> Loss:
        """The loss, of several the first."""
        return self.losses[0]

    # -- names and shapes ----------------------------------------------------------------------

    @cached_property
    def names(self) -> SymbolNames:
        """How this network's symbols are called."""
        return SymbolNames.for_depth(len(self.nodes) if self._chain else max(4, len(self.nodes)))

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        """The names of the targets, one for each output."""
        if len(self.outputs) == 1:
            return (self.names.target,)
        return tuple(f"Y_{number}" for number in range(1, len(self.outputs) + 1))

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs' symbols: X, or X_1, X_2, ... ; k_2 for a column of codes."""
        if len(self.inputs) == 1:
            return ("k",) if isinstance(self.inputs[0].layer, CategoryLayer) else ("X",)
        letters = ("k" if isinstance(node.layer, CategoryLayer) else "X" for node in self.inputs)
        return tuple(f"{letter}_{number}" for number, letter in enumerate(letters, start=1))

    @cached_property
    def _node_axes(self) -> dict[int, Axis]:
        """The axis of each node with units of its own, by the node's id."""
        return axes_of(self.nodes, self.inputs, self.outputs, is_dense=self.is_dense)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The axis of each layer with units of its own, from the inputs to the outputs."""
        return tuple(self._node_axes.values())

    def axis_of(self, node: Node) -> Axis:
        """Return the axis of a node with units of its own."""
        return self._node_axes[id(node)]

    def number_of(self, axis: Axis) -> int:
        """Return the number of the layer whose units an axis is."""
        for number, node in enumerate(self.nodes):
            if self._node_axes.get(id(node)) == axis:
                return number
        return int(axis.name.lstrip("abcdefghijklmnopqrstuvwxyz"))  # inside a layer

    @cached_property
    def sizes(self) -> Mapping[Axis, int]:
        """The length of every axis but that of the samples."""
        return self._stated.lengths

    @cached_property
    def _stated(self) -> Scope:
        """The layers' equations for a batch, in training."""
        return self._scope(batch=True, training=True)

    def _scope(self, *, batch: bool, training: bool) -> Scope:
        scope = Scope(self.names, batch=batch, training=training, options=self.trainable)
        for number, node in enumerate(self.nodes):
            axis = self._node_axes.get(id(node))
            scope.enter(node, number, axis)
            if isinstance(node.layer, InputLayer):
                scope.values[id(node)] = self._given(scope, node, number)
            else:
                sources = [scope.values[id(source)] for source in node.sources]
                scope.values[id(node)] = node.layer.state(scope, sources)
        return scope

    def _given(self, scope: Scope, node: Node, number: int) -> Symbol:
        """State an input: a symbol, or the one-hot rows of a column of codes."""
        name = self.input_names[self.inputs.index(node)]
        axis = scope.own_axis
        if not isinstance(node.layer, CategoryLayer):
            symbol = Symbol(name, (*scope.samples, axis))
            scope.inputs.append(symbol)
            return symbol
        codes = Symbol(name, scope.samples)
        scope.inputs.append(codes)
        levels = scope.constant("l", (axis,), np.arange(node.width))
        scope.counts.add(levels)
        return scope.define("o", (axis,), equal(codes, levels))

    @cached_property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter as it is stored; weights are (inputs, outputs)."""
        return {
            stated.symbol.name: tuple(self.sizes[axis] for axis in stated.symbol.axes)
            for stated in self._stated.parameters
        }

    @property
    def stated_parameters(self) -> Sequence[StatedParameter]:
        """The parameters with their kinds, initial values and layers."""
        return self._stated.parameters

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of all parameters, layer by layer."""
        return tuple(self.parameter_shapes)

    @cached_property
    def trainable_names(self) -> tuple[str, ...]:
        """The names of the parameters that training changes by their gradients."""
        return tuple(
            stated.symbol.name
            for stated in self._stated.parameters
            if stated.kind != "running" and self._stated.option(stated.symbol.name) is not False
        )

    @cached_property
    def running_names(self) -> tuple[str, ...]:
        """The names of running statistics, which each training step changes too."""
        return tuple(equation.left.name for equation in self._stated.running)

    def layer_of(self, symbol: Symbol) -> Layer | None:
        """Return the layer that states a parameter or a value, by its name; None of a dense one."""
        return None if self.is_dense else self._layers_by_name.get(symbol.name)

    @cached_property
    def _layers_by_name(self) -> dict[str, Layer]:
        found: dict[str, Layer] = {}
        for batch in (True, False):
            scope = self._scope(batch=batch, training=True)
            for value, number in scope.stated_by.items():
                found.setdefault(value.name, self.nodes[number].layer)
            for stated in scope.parameters:
                found.setdefault(stated.symbol.name, stated.layer)
        return found

    @property
    def form(self) -> Form:
        """The formula of the loss for this network's output, of several for the first."""
        return self.forms[0]

    @property
    def targets(self) -> Domain:
        """The targets that the loss is defined for, of several the first."""
        return self.form.targets

    @property
    def size(self) -> int:
        """The number of single parameters."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    @cached_property
    def structure(self) -> tuple[Any, ...]:
        """All that the formulas depend on: everything but the widths and the strengths."""
        numbers = {id(node): number for number, node in enumerate(self.nodes)}
        layers: dict[int, int] = {}
        graph = tuple(
            (
                type(node.layer),
                node.layer.statement,
                layers.setdefault(id(node.layer), number),
                layers.get(id(getattr(node.layer, "of", None))),
                tuple(numbers[id(source)] for source in node.sources),
            )
            for number, node in enumerate(self.nodes)
        )
        options = tuple((name, self._stated.option(name)) for name in self.parameter_names)
        return (
            graph,
            tuple(numbers[id(node)] for node in (*self.inputs, *self.outputs)),
            self.forms,
            len(self.loss_weights),
            tuple(type(penalty) for penalty in self.penalties),
            options,
        )

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many input columns, layers and outputs there are."""
        columns = (
            1 if isinstance(node.layer, CategoryLayer) else node.width for node in self.inputs
        )
        layers = len(self.nodes) - len(self.inputs)
        return sum(columns), layers, sum(node.width for node in self.outputs)

    @property
    def needs_batch(self) -> bool:
        """Whether a training step is only defined for several samples (batch normalization)."""
        return any(node.layer.needs_batch for node in self.nodes)

    @property
    def draws(self) -> Mapping[Symbol, Distribution]:
        """What a training step draws at random (masks of dropout, noise), by symbol."""
        return self._stated.draws

    def __str__(self) -> str:
        penalties = "".join(f", {p.name} {p.strength:g}" for p in self.penalties)
        named = ", ".join(loss.name for loss in self.losses)
        ending = f"{named}{penalties}, {self.size:,} parameters"
        if not self.is_dense:
            inputs, layers, outputs = self.counts
            return (
                f"{_plural(inputs, 'input')}, {_plural(layers, 'layer')}, "
                f"{_plural(outputs, 'output')}, {ending}"
            )
        names = [activation.name for activation in self.activations]
        hidden = dict.fromkeys(names[:-1])
        then = [*hidden] if names[-1] in hidden and len(hidden) == 1 else [*hidden, names[-1]]
        if len(hidden) > 1:
            then = names
        widths = "-".join(map(str, self.layers))
        return f"{widths}, {' then '.join(then)}, {ending}"

    def __repr__(self) -> str:
        return f"<Network {self}>"

    def summary(self) -> "Summary":
        """Return a table of the layers: sizes, parameters, operations of a forward pass, bytes.

        >>> print(Network.dense([4, 16, 3], "relu", "log_loss").summary())
        4-16-3, relu then softmax, log_loss, 131 parameters
        <BLANKLINE>
        #  layer              from  output   activation  parameters  FLOPs  bytes
        -  -----------------  ----  -------  ----------  ----------  -----  -----
        0  Input(4)                 (B, 4)                        0      0      0
        1  Dense(16, relu)    0     (B, 16)  relu                80    160    320
        2  Dense(3, softmax)  1     (B, 3)   softmax             51    102    204
        <BLANKLINE>
        131 parameters: 131 trainable
        262 FLOPs per sample (forward), 524 bytes in float32
        """
        from chainrule.network.layer_summary import summary

        return summary(self)

    def draw(self, *, backward: bool = False, language: str = "en") -> "NetworkDrawing":
        """Return a drawing: neurons of a small dense network, else a graph of layers.

        Its ``svg`` is a picture for pages, ``to_tikz()`` one for LaTeX, and ``save`` writes either.

        With ``backward`` arrows lead back, with the names of the cotangents; ``language`` is "en"
        or "zh".

        >>> Network.dense([2, 3, 1]).draw(backward=True).svg.count('class="back"')
        2
        """
        from chainrule.network.drawing import draw

        return draw(self, backward=backward, language=language)

    def _repr_html_(self) -> str:
        from chainrule.network.drawing import MOST_ON_PAGE

        table = self.summary()._repr_html_()
        return table + self.draw()._repr_html_() if len(self.nodes) <= MOST_ON_PAGE else table

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
        chosen_bias = initializers.find(bias)
        chosen = None if scheme is None else initializers.find(scheme)
        for stated in self._stated.parameters:
            array = result[stated.symbol.name]
            if stated.kind == "bias":
                drawn = chosen_bias(generator, 1, max(1, array.size)).reshape(array.shape)
            elif stated.suited and chosen is not None:
                inputs, outputs = array.shape
                drawn = chosen(generator, inputs, outputs)
            else:
                drawn = stated.initial(generator, array.shape)
            array[...] = drawn
        return result

    # -- formulas ------------------------------------------------------------------------------

    def formulation(
        self, *, batch: bool = True, weighted: bool = False, training: bool = True
    ) -> Formulation:
        """Return the forward equations, for a batch or for one sample.

        ``weighted`` gives every sample a weight w: the loss is Σ w ℓ / Σ w.  Without ``training``
        they are those of a prediction: nothing is drawn at random, and normalizations use their
        running statistics.
        """
        training = training and (batch or not self.needs_batch)
        scope = self._scope(batch=batch, training=training)
        heads = []
        for form, name, node in zip(self.forms, self.target_names, self.outputs, strict=True):
            output = scope.values[id(node)]
            heads.append(Head(form, Symbol(name, output.axes), output, node.layer))
        return formulation_of(scope, heads, self.penalties, weighted=weighted)

    @property
    def strengths(self) -> dict[str, float]:
        """The value of each penalty's letter."""
        return {penalty.letter: penalty.strength for penalty in self.penalties}

    @cached_property
    def constants(self) -> dict[str, float | NDArray[np.float64]]:
        """What the formulas are given beside data and parameters.

        These are the strengths of penalties, the weights of several losses, and constant arrays of
        the layers.
        """
        weights = self.loss_weights if len(self.outputs) > 1 else ()
        return {
            **self.strengths,
            **{f"ω_{number}": value for number, value in enumerate(weights, start=1)},
            **{symbol.name: value for symbol, value in self._stated.constants.items()},
        }

    def with_penalty(self, *penalties: Penalty) -> "Network":
        """Return the same network with other penalties."""
        return self._changed(penalties, self.trainable)

    def with_trainable(self, trainable: Mapping[str, bool | str]) -> "Network":
        """Return the same network with other options of single parameters."""
        return self._changed(self.penalties, trainable)

    def _changed(
        self, penalties: Sequence[Penalty], trainable: Mapping[str, bool | str]
    ) -> "Network":
        changed = Network(
            self.inputs,
            self.outputs,
            self.losses,
            loss_weights=self.loss_weights,
            penalty=penalties,
            trainable=trainable,
        )
        changed.stated = self.stated
        return changed

    # -- checks --------------------------------------------------------------------------------

    def _check_trainable(self) -> None:
        for name, option in self.trainable.items():
            if name not in self.parameter_names:
                raise unknown_name("parameter in trainable", name, list(self.parameter_names))
            kind = next(s.kind for s in self._stated.parameters if s.symbol.name == name)
            if kind == "running":
                raise InputError(
                    f"trainable: {name!r} is a running statistic, which is not trained. Leave it "
                    "out"
                )
            if option == "shared" and kind != "bias":
                raise InputError(
                    f"trainable: {name!r} cannot be shared; only biases can, as in {{'b_ih': "
                    "'shared'}"
                )
        if self.trainable and not self.trainable_names:
            raise InputError("trainable: every parameter is frozen; leave at least one to train")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
