"""Random networks of all layers, and the same networks as plain tensor functions of PyTorch.

`random_graph` composes one network from one seed; ``kinds_of`` names the layers that are in it.
`in_torch` computes its outputs and its loss from the formulas of the papers: it walks the nodes
and reads the settings of the layers, and uses none of chainrule's formulas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule.kernels.draws import drawn
from chainrule.network import losses
from chainrule.network.arithmetic import Combination, Scaled, Shifted
from chainrule.network.graph import Node
from chainrule.network.layers import CategoryLayer, InputLayer
from chainrule.verification import random_targets
from tests.catalogue.oracles import torch_activations, torch_losses

Array = NDArray[np.float64]

ACTIVATIONS = ("tanh", "silu", "relu", "softplus", "gelu", "elu", "sigmoid", "softmax")
GATES = ("sigmoid", "silu", "gelu", "identity")
HEADS = (
    (None, "mse"),
    ("softmax", "log_loss"),
    ("sigmoid", "log_loss"),
    ("tanh", "half_mse"),
    ("softplus", "poisson"),
    (None, "huber"),
    (None, "mae"),
    ("exponential", "gamma"),
    (None, "quantile"),
)
"""The activation of a head and its loss."""
STEPS = (
    *(f"Gated {gate}" for gate in GATES),
    "Dense",
    "Dense",
    "Dense of several",
    "Dense without bias",
    "Dense twice",
    "Activate",
    "PReLU",
    "Scale",
    "LayerNorm",
    "LayerNorm plain",
    "BatchNorm",
    "BatchNorm plain",
    "Dropout",
    "GaussianNoise",
    "PiecewiseLinear",
    "PiecewiseLinear with units",
    "Periodic",
    "Tied",
    "Sum",
    "Sum",
    "Difference",
    "Product",
    "Scaled",
    "Shifted",
)
KINDS = frozenset(STEPS) | {
    "Embedding",
    "Dense of categories",
    "two inputs",
    "two heads",
    "loss weights",
    "L2",
    "L1",
    "frozen",
    "shared",
    *(f"skip over {count}" for count in (1, 2, 3)),
}
"""All that a random network may have; every name is among those of ``kinds_of``."""


@dataclass(frozen=True)
class Graph:
    """A network from a seed, the number of samples, and whether these are weighted."""

    seed: int
    network: cr.Network
    samples: int
    weighted: bool
    skips: frozenset[int]

    def __str__(self) -> str:
        inner = [str(node.layer) for node in self.network.nodes]
        return f"{self.seed:03}: {', '.join(inner)}, {self.samples} samples"


# -- composition ----------------------------------------------------------------------------------


def random_graph(seed: int) -> Graph:
    """Return the network of a seed."""
    return _Composer(seed).graph()


class _Composer:
    """Applies random layers to the last node; ``trail`` are the nodes so far."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = np.random.default_rng([20261129, seed])
        self.trail: list[Node] = []
        self.skips: set[int] = set()

    def graph(self) -> Graph:
        inputs = self.begun()
        for _ in range(int(self.random.integers(2, 6))):
            self.step(str(self.random.choice(STEPS)))
        outputs, chosen = self.heads()
        weights = [0.7, 1.5] if len(outputs) > 1 and self.chance(0.7) else None
        penalties = [
            entry(round(self.random.uniform(0.005, 0.05), 4))
            for entry in (cr.L2, cr.L1)
            if self.chance(0.25)
        ]

        def network(trainable: Mapping[str, bool | str]) -> cr.Network:
            return cr.Network(
                inputs,
                outputs,
                chosen,
                loss_weights=weights,
                penalty=penalties,
                trainable=trainable,
            )

        free = network({})
        made = network(self.options(free)) if self.chance(0.3) else free
        # PyTorch normalizes no batch of one sample.
        low = 2 if made.needs_batch else 1
        samples = int(self.random.integers(low, 41))
        return Graph(self.seed, made, samples, self.chance(0.3), frozenset(self.skips))

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def width(self) -> int:
        return int(self.random.integers(1, 6))

    def activation(self) -> str | None:
        return str(self.random.choice(ACTIVATIONS)) if self.chance(0.7) else None

    @property
    def last(self) -> Node:
        return self.trail[-1]

    def begun(self) -> list[Node]:
        """Make the inputs, and from them the first node."""
        x, codes = cr.Input(self.width(), name="x"), cr.Categories(self.width() + 1, name="k")
        match int(self.random.integers(6)):
            case 0:
                self.trail = [cr.Dense(self.width(), self.activation())(codes)]
                return [codes]
            case 1:
                self.trail = [x, cr.Dense(self.width(), "tanh")(x, codes)]
                return [x, codes]
            case 2:
                self.trail = [cr.Embedding(self.width())(codes)]
                return [codes]
            case 3:
                columns = cr.Embedding(self.width())(codes)
                self.trail = [x, columns, cr.Dense(self.width())(columns, x)]
                return [codes, x]
        self.trail = [x]
        return [x]

    def step(self, kind: str) -> None:
        """Apply one kind of layer to the last node."""
        x, name = self.last, kind.split()[0]
        match name:
            case "Gated":
                gate = kind.split()[1]
                layer: Any = cr.Gated(self.width(), gate, bias=self.chance(0.8))
            case "Dense" if kind == "Dense twice":
                shared = cr.Dense(x.width, "tanh")
                self.trail += [shared(x), shared(shared(x))]
                return
            case "Dense" if kind == "Dense of several":
                count = int(self.random.integers(2, 4))
                others = [self.trail[self.random.integers(len(self.trail))] for _ in range(count)]
                self.trail.append(cr.Dense(self.width(), self.activation())(x, *others[1:]))
                return
            case "Dense":
                free = kind == "Dense without bias"
                layer = cr.Dense(self.width(), self.activation(), bias=not free)
            case "Activate":
                layer = cr.Activate(str(self.random.choice(ACTIVATIONS)))
            case "PReLU" | "Scale":
                layer = getattr(cr, name)()
            case "LayerNorm":
                layer = cr.LayerNorm(self.epsilon(), affine=kind == name)
            case "BatchNorm":
                layer = cr.BatchNorm(self.epsilon(), momentum=0.3, affine=kind == name)
            case "Dropout":
                layer = cr.Dropout(float(self.random.choice([0.1, 0.5, 0.0])))
            case "GaussianNoise":
                layer = cr.GaussianNoise(0.3)
            case "PiecewiseLinear":
                edges = [
                    np.cumsum(self.random.uniform(0.2, 1.0, self.width() + 1)) - 1.5
                    for _ in range(x.width)
                ]
                layer = cr.PiecewiseLinear(edges, 2 if kind != name else None)
            case "Periodic":
                layer = cr.Periodic(2, self.width())
            case "Tied":
                encoder = cr.Dense(self.width(), self.activation())
                self.trail += [encoder(x), cr.Tied(encoder, self.activation())(encoder(x))]
                # The node that is tied is one of its own: the encoder is applied twice.
                return
            case "Scaled":
                self.trail.append(x * 0.6 if self.chance(0.5) else -1.5 * x)
                return
            case "Shifted":
                self.trail.append(x + 0.4 if self.chance(0.5) else x - 0.7)
                return
            case _:
                self.combine(name)
                return
        self.trail.append(layer(x))

    def epsilon(self) -> float:
        return float(self.random.choice([1e-5, 1e-3, 0.1]))

    def combine(self, kind: str) -> None:
        """Join the last node with one that is one to three nodes before it."""
        back = min(int(self.random.integers(1, 4)), len(self.trail) - 1)
        x, other = self.last, self.trail[-1 - back]
        if back:
            self.skips.add(back)
        if other.width != x.width:
            other = cr.Dense(x.width, bias=False)(other)
        pair = (x, other) if self.chance(0.5) else (other, x)
        self.trail.append(Combination(kind)(*pair))

    def heads(self) -> tuple[list[Node], list[cr.Loss]]:
        outputs, chosen = [], []
        for number in range(2 if self.chance(0.35) else 1):
            activation, loss = HEADS[self.random.integers(len(HEADS))]
            settings = {
                key: round(self.random.uniform(0.2, 0.8), 2)
                for key in losses.CATALOGUE[loss]().settings
            }
            width = self.width() + (activation == "softmax")
            trunk = self.trail[-1 - number * (len(self.trail) > 1)]
            computed = not isinstance(trunk.layer, InputLayer)
            if number == 0 and activation is None and computed and self.chance(0.4):
                output = trunk  # whatever it is: a sum, a normalization, a mask
            elif activation is not None and self.chance(0.3):
                output = cr.Activate(activation)(cr.Dense(width)(trunk))
            else:
                output = cr.Dense(width, activation)(trunk)
            outputs.append(output)
            chosen.append(losses.CATALOGUE[loss](**settings))
        return outputs, chosen

    def options(self, network: cr.Network) -> dict[str, bool | str]:
        """Return options for some parameters; one at least is left to train."""
        options: dict[str, bool | str] = {}
        for stated in network.stated_parameters:
            if stated.kind == "running":
                continue
            allowed: list[bool | str] = [True, True, False]
            if stated.kind == "bias":
                allowed.append("shared")
            options[stated.symbol.name] = allowed[int(self.random.integers(len(allowed)))]
        for name in options:
            if not any(options.values()):
                options[name] = True
        return options


def kinds_of(graph: Graph) -> set[str]:
    """Return the names of all kinds of layers and options that a network has."""
    network = graph.network
    found = {f"skip over {count}" for count in graph.skips}
    found |= {penalty.name for penalty in network.penalties}
    options = network.trainable.values()
    found |= {"shared"} & set(options) | ({"frozen"} if False in options else set())
    if len(network.inputs) > 1:
        found.add("two inputs")
    if len(network.outputs) > 1:
        found.add("two heads")
        if len(set(network.loss_weights)) > 1:
            found.add("loss weights")
    applied: set[int] = set()
    for node in network.nodes:
        layer = node.layer
        name = type(layer).__name__
        match layer:
            case cr.Gated():
                name = f"Gated {layer.gate.name}"
            case cr.Dense():
                if len(node.sources) > 1:
                    found.add("Dense of several")
                if any(isinstance(source.layer, CategoryLayer) for source in node.sources):
                    found.add("Dense of categories")
                if not layer.bias:
                    found.add("Dense without bias")
                if id(layer) in applied:
                    found.add("Dense twice")
            case cr.LayerNorm() | cr.BatchNorm() if not layer.affine:
                name = f"{name} plain"
            case cr.PiecewiseLinear() if layer.units is not None:
                name = f"{name} with units"
            case Combination():
                name = layer.kind
        applied.add(id(layer))
        found.add(name)
    return found & KINDS


# -- values ---------------------------------------------------------------------------------------


def values_of(graph: Graph, attempt: int = 0) -> dict[str, Array]:
    """Draw parameters, inputs, targets and the weights w, by the names of their symbols."""
    network = graph.network
    random = np.random.default_rng([graph.seed, attempt])
    values: dict[str, Array] = {}
    for name, shape in network.parameter_shapes.items():
        values[name] = np.asarray(random.normal(0.0, 0.6, shape))
        if name.startswith(("γ", "s_")):
            values[name] += 1
        if name.startswith("running_var"):
            values[name] = random.uniform(0.5, 2.0, shape)
    for name, node in zip(network.input_names, network.inputs, strict=True):
        if isinstance(node.layer, CategoryLayer):
            values[name] = random.integers(node.width, size=graph.samples).astype(float)
        else:
            values[name] = random.normal(size=(graph.samples, node.width))
    for head, name in enumerate(network.target_names):
        values[name] = random_targets(network, random, graph.samples, head)
    values["w"] = random.uniform(0.5, 2.0, graph.samples)
    return values


def draws_of(network: cr.Network, seed: int, step: int, samples: int) -> dict[int, Array]:
    """Return the masks and the noise of a step by the number of the node, (samples, units)."""
    found: dict[int, Array] = {}
    for number, node in enumerate(network.nodes):
        if isinstance(node.layer, (cr.Dropout, cr.GaussianNoise)):
            found[number] = drawn(
                node.layer.distribution, seed, step, len(found), samples, node.width, np.float64
            )
    return found


# -- the same in PyTorch --------------------------------------------------------------------------

LETTERS = "WUVST"
"""The letters of a dense layer's weights, one for each source."""


class InTorch:
    """The values of a network's nodes, (samples, units), as tensors.

    ``known`` are tensors by the names of symbols; ``draws`` the masks and the noise by the number
    of the node.  Without draws it is a prediction: no masks, and running statistics.
    """

    def __init__(
        self,
        network: cr.Network,
        known: Mapping[str, Any],
        draws: Mapping[int, Array] | None = None,
    ) -> None:
        self.network, self.known, self.draws = network, known, draws
        self.weights: dict[str, Any] = {}
        """The weights that penalties are of."""
        self.running: dict[str, Any] = {}
        """The running statistics after the step."""
        self.sums: dict[int, Any] = {}
        """What the activation of a head is applied to, by the node's id."""
        self.codes = {
            id(node): known[name].long()
            for name, node in zip(network.input_names, network.inputs, strict=True)
            if isinstance(node.layer, CategoryLayer)
        }
        self.values: dict[int, Any] = {}
        self.first: dict[int, int] = {}
        """The number of the node in which a layer is applied first: its parameters' number."""
        for number, node in enumerate(network.nodes):
            self.first.setdefault(id(node.layer), number)
            sources = [self.values[id(source)] for source in node.sources]
            self.values[id(node)] = self.value_of(node, number, *sources)

    def outputs(self) -> list[Any]:
        return [self.values[id(node)] for node in self.network.outputs]

    def parameter(self, layer: Any, letter: str) -> Any:
        return self.known[self.network.names.parameter(letter, self.first[id(layer)])]

    def weight(self, layer: Any, letter: str) -> Any:
        name = self.network.names.parameter(letter, self.first[id(layer)])
        self.weights[name] = self.known[name]
        return self.known[name]

    def value_of(self, node: Node, number: int, *sources: Any) -> Any:
        """Return the values of a node from those of its sources."""
        import torch
        from torch.nn import functional

        layer: Any = node.layer
        functions = torch_activations()
        x: Any = sources[0] if sources else None

        def of_sum(z: Any) -> Any:
            self.sums[id(node)] = z
            return z if layer.activation is None else functions[layer.activation.name](z)

        match layer:
            case CategoryLayer():
                return functional.one_hot(self.codes[id(node)], node.width).double()
            case InputLayer():
                return self.known[self.network.input_names[self.network.inputs.index(node)]]
            case cr.Dense():
                products = [
                    source @ self.weight(layer, letter)
                    for source, letter in zip(sources, LETTERS, strict=False)
                ]
                z = torch.stack(products).sum(0)
                return of_sum(z + self.parameter(layer, "b") if layer.bias else z)
            case cr.Tied():
                z = functional.linear(x, self.weight(layer.of, "W"))
                return of_sum(z + self.parameter(layer, "b"))
            case cr.Activate():
                self.sums[id(node)] = x
                return functions[layer.activation.name](x)
            case cr.Gated():
                gate, linear = x @ self.weight(layer, "W"), x @ self.weight(layer, "V")
                if layer.bias:
                    gate = gate + self.parameter(layer, "b")
                    linear = linear + self.parameter(layer, "c")
                if layer.gate.name == "sigmoid":
                    return functional.glu(torch.cat([linear, gate], dim=1))
                return functions[layer.gate.name](gate) * linear
            case cr.PReLU():
                return functional.prelu(x, self.parameter(layer, "p"))
            case cr.Scale():
                return x * self.parameter(layer, "s")
            case cr.LayerNorm():
                return functional.layer_norm(x, (node.width,), *self.affine(node), layer.epsilon)
            case cr.BatchNorm():
                return self.batch_norm(node, x)
            case cr.Dropout():
                return x if self.draws is None else x * torch.tensor(self.draws[number])
            case cr.GaussianNoise():
                return x if self.draws is None else x + torch.tensor(self.draws[number])
            case cr.Embedding():
                return functional.embedding(
                    self.codes[id(node.sources[0])], self.weight(layer, "E")
                )
            case cr.PiecewiseLinear():
                encoded = [
                    torch.stack(
                        [
                            ((column - low) / (high - low)).clamp(0, 1)
                            for low, high in pairwise(edges)
                        ],
                        dim=1,
                    )
                    for column, edges in zip(x.T, layer.edges, strict=True)
                ]
                if layer.units is None:
                    return torch.cat(encoded, dim=1)
                return self.each_column(layer, {"W": encoded})
            case cr.Periodic():
                factors = self.parameter(layer, "f").reshape(x.shape[1], layer.frequencies)
                angles = [
                    2 * torch.pi * column[:, None] * own
                    for column, own in zip(x.T, factors, strict=True)
                ]
                waves = {
                    "W": [torch.sin(angle) for angle in angles],
                    "U": [torch.cos(angle) for angle in angles],
                }
                return self.each_column(layer, waves)
            case Combination():
                operations = {"Sum": torch.add, "Difference": torch.sub, "Product": torch.mul}
                return operations[layer.kind](*sources)
            case Scaled():
                return x * layer.value
            case Shifted():
                return x + layer.value
        raise NotImplementedError(str(layer))

    def affine(self, node: Node) -> tuple[Any, Any]:
        """Return γ and b of a normalization, (units,), or None twice."""
        if not node.layer.settings["affine"]:
            return None, None
        shift = self.parameter(node.layer, "b")
        return self.parameter(node.layer, "γ"), shift.expand(node.width)

    def batch_norm(self, node: Node, x: Any) -> Any:
        """Normalize by the batch, or in a prediction by the running statistics."""
        from torch.nn import functional

        layer: Any = node.layer
        training = self.draws is not None
        letters = ("running_mean", "running_var")
        mean, variance = (self.parameter(layer, letter).detach() for letter in letters)
        if training:
            share = layer.momentum
            found = (x.detach().mean(0), x.detach().var(0, unbiased=False))
            for letter, old, new in zip(letters, (mean, variance), found, strict=True):
                name = self.network.names.parameter(letter, self.first[id(layer)])
                self.running[name] = (1 - share) * old + share * new
        return functional.batch_norm(
            x,
            None if training else mean,
            None if training else variance,
            *self.affine(node),
            training=training,
            eps=layer.epsilon,
        )

    def each_column(self, layer: Any, parts: Mapping[str, list[Any]]) -> Any:
        """Apply a linear layer to each column's units: blocks of the weights, and no others."""
        import torch

        columns, row = [], 0
        for number, widths in enumerate(zip(*parts.values(), strict=True)):
            own = slice(number * layer.units, (number + 1) * layer.units)
            rows = slice(row, row + widths[0].shape[1])
            row = rows.stop
            columns.append(
                sum(
                    part @ self.weight(layer, letter)[rows, own]
                    for letter, part in zip(parts, widths, strict=True)
                )
            )
        return torch.cat(columns, dim=1) + self.parameter(layer, "b")

    def loss(self) -> Any:
        """Return Σ ω Σ w ℓ / Σ w over the heads, and the penalties of all weights."""
        network, w = self.network, self.known["w"]
        total: Any = 0.0
        for node, loss, target, share in zip(
            network.outputs,
            network.losses,
            network.target_names,
            network.loss_weights,
            strict=True,
        ):
            a = self.values[id(node)]
            activation = getattr(node.layer, "activation", None)
            last = "identity" if activation is None else activation.name
            each = torch_losses()[loss.name](
                self.sums.get(id(node), a), a, self.known[target], last, **loss.settings
            )
            total = total + share * (w * each).sum() / w.sum()
        measures = {"L2": lambda W: (W * W).sum() / 2, "L1": lambda W: abs(W).sum()}
        for penalty in network.penalties:
            for weights in self.weights.values():
                total = total + penalty.strength * measures[penalty.name](weights)
        return total


def in_torch(
    graph: Graph, values: Mapping[str, Array], draws: Mapping[int, Array]
) -> tuple[float, dict[str, Array], InTorch]:
    """Return the loss, the gradients of the trainable parameters, and the values of all nodes."""
    import torch

    known = {name: torch.tensor(array) for name, array in values.items()}
    if not graph.weighted:
        known["w"] = torch.ones(graph.samples, dtype=torch.float64)
    leaves = [known[name].requires_grad_() for name in graph.network.trainable_names]
    run = InTorch(graph.network, known, draws)
    loss = run.loss()
    found = torch.autograd.grad(loss, leaves, materialize_grads=True)
    names = graph.network.trainable_names
    return loss.item(), {n: g.numpy() for n, g in zip(names, found, strict=True)}, run
