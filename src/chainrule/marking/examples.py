"""Small examples of a network: what every one of its values truly is, as a matrix.

Lengths are all different and none is 1 or 2, so that a length tells its axis and the factors 2, n
and B tell themselves apart, whatever the widths of the network.  The truth comes from the network's
own derivation, by axis name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.derivation.derivation import derive
from chainrule.documents import wording
from chainrule.formulas.arrange import Layout, orient
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Product,
    Symbol,
    product,
    symbols,
)
from chainrule.formulas.positional import Entrywise, laid_out
from chainrule.formulas.render import TEXT
from chainrule.marking.evaluator import Setting
from chainrule.marking.update_equations import Updating
from chainrule.marking.vocabulary import LOSS, constants
from chainrule.network.activations import Activation
from chainrule.network.architecture import SAMPLES, Network
from chainrule.network.gradients import Gradients, differentiate
from chainrule.network.optimizers import SGD, Optimizer

Array = NDArray[Any]

_RATE = 0.3
"""The learning rate."""
_SAMPLES = (5, 4)
_OUTPUTS = (3, 7)
_OTHERS = (4, 8, 9, 10, 11, 12, 13, 14, 15, 16)


PLAIN = SGD()
"""Gradient descent without momentum."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What a line is judged in: the network, one sample or a batch, and how samples stand."""

    network: Network
    layout: Layout
    batch: bool
    optimizer: Optimizer = PLAIN
    kept: str = "step"
    """What momentum keeps in the learner's convention, one of ``updating.KEPT``."""

    @cached_property
    def updating(self) -> Updating:
        """The optimizer's names and values."""
        return Updating(self.optimizer)

    @cached_property
    def gradients(self) -> Gradients:
        """The derived equations."""
        return differentiate(self.network.formulation(batch=self.batch))

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """All axes, the samples first where there are any."""
        return (*((SAMPLES,) if self.batch else ()), *self.network.axes)

    @cached_property
    def told(self) -> Mapping[str, str]:
        """What the derivation has for every value, by its key."""
        told = derive(self.network, layout=self.layout, batch=self.batch, optimizer=self.optimizer)
        found: dict[str, str] = {}
        for statement in told.statements:
            if statement.part != "function":
                name = statement.left.name
                key = name[0].lower() + name[1:] if name[0] in "ZA" else name
                key = key.replace("/∂A", "/∂a")
                sign = TEXT.arrow if statement.assigns else TEXT.equals
                right = wording.written(statement.rights[-1].formula, statement, TEXT)
                line = wording.left_side(statement, TEXT) + sign + right
                found[f"{key} new" if statement.assigns else key] = line
        return found

    def different(self, number: int) -> dict[Axis, int]:
        """Return a length of its own for every axis; other ones for the second example.

        (They repeat in networks of more than ten layers.)
        """
        *others, outputs = self.network.axes
        found = {axis: _OTHERS[place % len(_OTHERS)] + number for place, axis in enumerate(others)}
        return {SAMPLES: _SAMPLES[number], **found, outputs: _OUTPUTS[number]}

    def own(self, number: int) -> dict[Axis, int]:
        """Return the same lengths, but 1 where the network's own width is 1."""
        widths = dict(zip(self.network.axes, self.network.layers, strict=True))
        return {
            axis: 1 if widths.get(axis) == 1 else length
            for axis, length in self.different(number).items()
        }

    def example(self, sizes: Mapping[Axis, int], seed: int) -> "Example":
        """Return the true values at random numbers."""
        return Example(self, sizes, seed)


@dataclass(frozen=True, eq=False)
class Example:
    """One example: ``setting`` holds the value of every key as a matrix."""

    situation: Situation
    sizes: Mapping[Axis, int]
    seed: int

    @cached_property
    def _named(self) -> Evaluation:
        """All values by axis name."""
        formulation = self.situation.gradients.formulation
        generator = np.random.default_rng([7, self.seed])
        values: dict[str, Array] = {}
        for symbol in (*formulation.inputs, *formulation.parameters):
            shape = [self.sizes[axis] for axis in symbol.axes]
            if symbol.name == self.situation.network.names.target:
                drawn = generator.uniform(0.1, 0.9, shape)
            else:
                drawn = generator.uniform(0.2, 0.9, shape) * generator.choice([-1.0, 1.0], shape)
            values[symbol.name] = np.round(drawn, 2)
        for letter, strength in self.situation.network.strengths.items():
            values[letter] = np.asarray(strength)
        for fact in formulation.facts:
            shared = fact.factors[0] if isinstance(fact, Product) else fact
            if isinstance(shared, Symbol) and shared.name in values:
                whole = np.sum(values[shared.name], axis=-1, keepdims=True)
                values[shared.name] = values[shared.name] / whole
        named = Evaluation(values)
        named.sizes = dict(self.sizes)
        for symbol in (*formulation.inputs, *formulation.parameters):
            named.define(symbol, values[symbol.name])
        for equation in formulation.equations:
            named.define(equation.left, named.spread(equation.right, equation.left.axes))
        for entry in self.situation.gradients.backward:
            named.define(entry.left, named.spread(entry.right, entry.left.axes))
        return named

    def _matrix(self, tree: Expression, axes: tuple[Axis, ...]) -> Array:
        return self.laid(self._named.spread(tree, axes), axes)

    def laid(self, value: Array, axes: tuple[Axis, ...]) -> Array:
        """Return an array with named axes as this layout shows it, always a matrix."""
        return laid_out(value, axes, orient(axes, self.situation.layout))

    @cached_property
    def setting(self) -> Setting:
        """Every value by its key."""
        network = self.situation.network
        formulation = self.situation.gradients.formulation
        layers: dict[str, Activation] = {}
        values: dict[str, Array] = {
            "α": np.asarray(_RATE),
            "e": np.asarray(np.e),
            "π": np.asarray(np.pi),
            **{number.name: np.asarray(float(number.value)) for number in constants(network)},
            "n": np.asarray(float(self.sizes[network.axes[-1]])),
            "B": np.asarray(float(self.sizes[SAMPLES] if self.situation.batch else 1)),
            **{letter: np.asarray(s) for letter, s in network.strengths.items()},
        }
        keys: dict[Symbol, str] = {}
        for symbol in (*formulation.inputs, *formulation.parameters):
            keys[symbol] = "Y" if symbol.name == network.names.target else symbol.name
        for equation in formulation.equations:
            name = equation.left.name
            keys[equation.left] = name[0].lower() + name[1:] if "_" in name else name
        for symbol, key in keys.items():
            if symbol.axes or key not in values:
                values[key] = self._matrix(symbol, symbol.axes)
        values[LOSS] = np.asarray(self._named(formulation.loss))
        cotangents = {
            entry.of: self._matrix(entry.left, entry.left.axes)
            for entry in self.situation.gradients.backward
        }
        for symbol, value in cotangents.items():
            key = keys[symbol]
            values[f"δ_{key[2:]}" if key.startswith("z_") else f"∂{LOSS}/∂{key}"] = value
        for layer, activation in enumerate(network.activations, start=1):
            layers[f"z_{network.names.places[layer]}"] = activation
        self._with_inputs(values)
        self._with_updates(values)
        return Setting(
            values,
            layers,
            0 if self.situation.layout == "rows" else 1,
            self._links(values, layers),
        )

    def _with_updates(self, values: dict[str, Array]) -> None:
        """Add the optimizer's constants and memory, and what they and the parameters become."""
        updating, gradients = self.situation.updating, self.situation.gradients
        values.update(updating.constants(self.seed))
        for parameter in gradients.formulation.parameters:
            if f"∂{LOSS}/∂{parameter.name}" in values:
                values.update(updating.after(parameter, gradients, values, self.seed))
        if self.situation.kept != "step":
            keys = (key for key in list(values) if updating.is_memory(key))
            values.update(updating.otherwise(values, keys, self.situation.kept))

    def _with_inputs(self, values: dict[str, Array]) -> None:
        """Add ∂Loss/∂X, which training does not need but learners write."""
        formulation = self.situation.gradients.formulation
        first = formulation.equations[0]
        inputs = next(symbol for symbol in formulation.inputs if symbol.name == "X")
        cotangent = formulation.cotangent(first.left)
        known = {entry.left for entry in self.situation.gradients.backward}
        name = self.situation.network.names.parameter("W", 1)
        given = (*formulation.inputs, *formulation.parameters)
        weights = next(symbol for symbol in given if symbol.name == name)
        if cotangent in known:
            back = product(cotangent, weights, over=[first.left.axes[-1]])
            values[f"∂{LOSS}/∂X"] = self._matrix(back, inputs.axes)

    def _without_penalty(self, symbol: Symbol) -> Array:
        """Return the derivative by a parameter of all that the layers carry, penalties left out."""
        gradients = self.situation.gradients
        slope = gradients.of(symbol).right
        loss = next(e for e in gradients.formulation.equations if e.left.name == LOSS)
        if symbol not in symbols(loss.right):
            return self._matrix(slope, symbol.axes)
        found, _ = pull_back(loss.right, loss.left, ONE, [symbol])
        return self._matrix(slope - found[symbol], symbol.axes)

    def _links(
        self, values: Mapping[str, Array], layers: Mapping[str, Activation]
    ) -> dict[tuple[str, str], Array]:
        """Return what ∂a/∂z, ∂z/∂W, ∂z/∂b and ∂z/∂a stand for in a chain, as the page writes it."""
        names = self.situation.network.names
        found: dict[tuple[str, str], Array] = {}
        for layer, z in enumerate(layers, start=1):
            place = names.places[layer]
            slope = layers[z].slope
            if slope is not None:
                known = {"z": values[z], "a": values[f"a_{place}"]}
                value = np.broadcast_to(Entrywise(known)(slope), np.shape(values[z]))
                found[f"a_{place}", z] = value
            below = "X" if layer == 1 else f"a_{names.places[layer - 1]}"
            found[z, names.parameter("W", layer)] = values[below]
            found[z, names.parameter("b", layer)] = np.asarray(1.0)
            found[z, below] = values[names.parameter("W", layer)]
        for entry in self.situation.gradients.backward:
            found[LOSS, entry.of.name] = self._without_penalty(entry.of)
        return found
