"""Small examples of a network: the true value of each quantity, as a matrix.

All lengths are different, and none is 1 or 2, so a length identifies its axis and the factors 2, n
and B differ, independent of the network's widths.  The values are those of the network's own
derivation, which uses named axes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Product,
    Symbol,
    symbols,
)
from chainrule.formulas.positional import Entrywise, laid_out
from chainrule.language.refusals import Refusal
from chainrule.marking.convention_values import restate, scale_loss
from chainrule.marking.evaluator import ExampleValues
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.quantities import (
    ERROR,
    EULER,
    LEARNING_RATE,
    LOSS,
    OUTPUT_COUNT,
    PI,
    SAMPLE_COUNT,
    TARGETS,
    Quantity,
    applied_activations,
    constant,
    cotangent,
    lengths,
    partial,
    step_of,
)
from chainrule.marking.vocabulary import named_numbers
from chainrule.network.activations import Activation
from chainrule.network.domains import REALS
from chainrule.network.layers import CategoryLayer
from chainrule.network.scope import SAMPLES

EXAMPLE_COUNT = 3
"""Examples differ in their lengths and constants: a 3 in the line is not n even if n is 3 in one.

The values in the last one are large, so that piecewise functions are seen in every region.
"""
_LEARNING_RATES = (0.3, 0.42, 0.27)
_STRENGTH_FACTORS = (1.0, 1.7, 0.6)
_SPREADS = (5.0, 3.5, 2.5, 1.8, 1.3, 1.0)
"""Factors of the biases in the last example: the first one within the limit."""
_SCALES = (0.6, 0.35, 0.2)
_SATURATING = 25.0
"""Factors of the weights in the other examples: the first one whose values are below the limit."""
_ATTEMPTS = 20
"""How often the last example is drawn in search of values in every region."""
_LARGEST_VALUE = 7.0
"""The largest value in the last example: the digits of 1 − tanh² are lost where z is larger."""


@dataclass(frozen=True, eq=False)
class Example:
    """The true values of all quantities for one random choice of inputs and parameters."""

    context: MarkingContext
    sizes: Mapping[Axis, int]
    seed: int

    @property
    def entries(self) -> dict[Quantity, Quantity]:
        """The entries that stand for quantities of the network: none outside of index forms."""
        return {}

    def standing_for(self, other: "Example") -> "Example":
        """Return another example in the form of this one: the same outside of index forms."""
        return other

    @property
    def number(self) -> int:
        """The number of the example: 0, 1, 2, and again for further seeds."""
        return self.seed % EXAMPLE_COUNT

    @cached_property
    def _named(self) -> Evaluation:
        """The derivation's values, as arrays with named axes."""
        if self.number < EXAMPLE_COUNT - 1:
            named = self._with_finite_logarithms()
        else:
            tried = map(self._with_large_values, range(_ATTEMPTS))
            named = next(filter(self._visits_every_region, tried), None) or self._with_large_values(
                0
            )
            if self._largest(named) > _SATURATING:
                named = self._with_finite_logarithms()
            named = self._with_near_targets(named)
        for entry in self.context.gradients.backward:
            named.define(entry.left, named.spread(entry.right, entry.left.axes))
        return named

    def _with_finite_logarithms(self) -> Evaluation:
        """Return the values, with smaller weights where a deep sum saturates a sigmoid to 1."""
        named = self._forward(self._drawn(1.0, 1.0))
        for scale in _SCALES:
            if self._largest(named) <= _SATURATING:
                break
            drawn = self._drawn(1.0, 1.0)
            for symbol in self.context.gradients.formulation.parameters:
                if len(symbol.axes) > 1:
                    drawn[symbol.name] = scale * drawn[symbol.name]
            named = self._forward(drawn)
        return named

    def _largest(self, named: Evaluation) -> float:
        """Return the largest value that an equation computes."""
        equations = self.context.gradients.formulation.equations
        return max(float(np.max(np.abs(named(each.left)))) for each in equations)

    def _with_large_values(self, attempt: int) -> Evaluation:
        """Return the values for the widest biases whose values are within the limit."""
        ends = [(_SPREADS[0], end) for end in _SPREADS] + [(each, each) for each in _SPREADS]
        for spreads in ends:
            named = self._forward(self._drawn(*spreads, attempt))
            if self._largest(named) <= _LARGEST_VALUE:
                break
        return named

    def _visits_every_region(self, named: Evaluation) -> bool:
        """Return whether every activation has an argument in each of its regions."""
        for equation in self.context.gradients.formulation.equations:
            right = equation.right
            if isinstance(right, Apply) and isinstance(right.function, Activation):
                kinks = sorted(right.function.kinks)
                regions = {*np.searchsorted(kinks, np.ravel(named(right.arguments[0]))).tolist()}
                if len(regions) <= len(kinks):
                    return False
        return True

    def _drawn(self, hidden: float, last: float, attempt: int = 0) -> dict[str, FloatArray]:
        """Return random inputs, targets and parameters by name.

        ``hidden`` and ``last`` are the spreads of biases, of hidden layers and of the outputs.  The
        wide ones are spaced evenly: some unit of each layer is in each region of its function.
        """
        formulation = self.context.gradients.formulation
        outputs = {axis for symbol in formulation.outputs for axis in symbol.axes}
        generator = np.random.default_rng([7, self.seed, attempt])
        values: dict[str, FloatArray] = {}
        for symbol in (*formulation.inputs, *formulation.parameters):
            shape = [self.sizes[axis] for axis in symbol.axes]
            drawn = generator.uniform(0.2, 0.9, shape)
            if symbol.name not in self.context.network.target_names:
                drawn = drawn * generator.choice([-1.0, 1.0], shape)
                is_given = symbol.name in self.context.network.input_names
                if not is_given and len(symbol.axes) == 1:
                    spread = last if symbol.axes[0] in outputs else hidden
                    if spread > 1.0 and symbol.name.startswith("b"):
                        drawn = generator.permuted(np.linspace(-0.85, 0.9, shape[0]))
                    drawn = spread * drawn
            elif symbol.name in self._real_targets:
                drawn = drawn * generator.choice([-1.0, 1.0], shape)
            values[symbol.name] = np.round(drawn, 2)
        network = self.context.network
        for letter, strength in network.strengths.items():
            values[letter] = np.asarray(strength * _STRENGTH_FACTORS[self.number])
        for name, node in zip(network.input_names, network.inputs, strict=True):
            if isinstance(node.layer, CategoryLayer):
                levels = np.arange(self.sizes[network.axis_of(node)])
                values[name] = generator.choice(levels, np.shape(values[name])).astype(float)
                values[f"l_{network.nodes.index(node)}"] = levels.astype(float)
        for fact in formulation.facts:
            shared = fact.factors[0] if isinstance(fact, Product) else fact
            if isinstance(shared, Symbol) and shared.name in values:
                total = np.sum(values[shared.name], axis=-1, keepdims=True)
                values[shared.name] = values[shared.name] / total
        return values

    @property
    def _real_targets(self) -> dict[str, tuple[Symbol, float]]:
        """The targets that may be any number, each with its output and with the loss's scale."""
        network, formulation = self.context.network, self.context.gradients.formulation
        rows = zip(
            network.target_names, network.forms, formulation.outputs, network.losses, strict=True
        )
        return {
            name: (output, loss.settings.get("delta", 1.0))
            for name, form, output, loss in rows
            if form.targets >= REALS
        }

    def _with_near_targets(self, named: Evaluation) -> Evaluation:
        """Return the values with errors that are below and above a loss's delta in each sample."""
        generator = np.random.default_rng([8, self.seed])
        values = {key: np.asarray(value, dtype=float) for key, value in named.values.items()}
        for name, (output, delta) in self._real_targets.items():
            found = named.spread(output, output.axes)
            sizes = np.linspace(0.15, 1.85, np.shape(found)[-1]) * delta
            errors = generator.permuted(np.broadcast_to(sizes, found.shape), axis=-1)
            values[name] = found + errors * generator.choice([-1.0, 1.0], found.shape)
        return self._forward(values)

    def _forward(self, values: Mapping[str, FloatArray]) -> Evaluation:
        """Return the values of the network's own equations."""
        formulation = self.context.gradients.formulation
        named = Evaluation(dict(values))
        named.sizes = dict(self.sizes)
        for symbol in (*formulation.inputs, *formulation.parameters):
            named.define(symbol, values[symbol.name])
        for equation in formulation.equations:
            named.define(equation.left, named.spread(equation.right, equation.left.axes))
        return named

    def vector(self, symbol: Symbol) -> FloatArray:
        """Return the value of a symbol with its own axes, such as one of units."""
        return self._named.spread(symbol, symbol.axes)

    def jacobian(self, above: Symbol, below: Symbol) -> FloatArray:
        """Return ∂above/∂below of the equation of ``above`` alone, with the axes of both."""
        found = self._jacobians.get((above, below))
        if found is None:
            found = self._jacobians[above, below] = self._jacobian(above, below)
        return found

    @cached_property
    def _jacobians(self) -> dict[tuple[Symbol, Symbol], FloatArray]:
        return {}

    def _jacobian(self, above: Symbol, below: Symbol) -> FloatArray:
        shapes = [[self.sizes[axis] for axis in symbol.axes] for symbol in (above, below)]
        equations = self.context.gradients.formulation.equations
        right = next((each.right for each in equations if each.left == above), None)
        one = Symbol(f"∂/∂{above.name}", above.axes)
        pulled = {} if right is None else pull_back(right, above, one, [below])[0]
        if below not in pulled:
            raise Refusal("no_derivative", text=f"∂{above.name}/∂{below.name}")
        found = np.zeros((*shapes[0], *shapes[1]))
        for index in np.ndindex(*shapes[0]):
            named = Evaluation({})
            named.sizes = dict(self.sizes)
            for symbol in symbols(pulled[below]) | {above, below}:
                if symbol != one:
                    named.define(symbol, self._named(symbol))
            entry = np.zeros(shapes[0])
            entry[index] = 1.0
            named.define(one, entry)
            found[index] = named.spread(pulled[below], below.axes)
        return found

    def _matrix(self, tree: Expression, axes: tuple[Axis, ...]) -> FloatArray:
        """Return a formula as a matrix in the layout of the context; without axes, a number."""
        value = self._named.spread(tree, axes)
        if not axes:
            return np.asarray(value)
        return laid_out(value, axes, orient(axes, self.context.layout))

    @cached_property
    def values(self) -> ExampleValues:
        """The value of every quantity."""
        context, network = self.context, self.context.network
        formulation = context.gradients.formulation
        values: dict[Quantity, FloatArray] = {
            LEARNING_RATE: np.asarray(_LEARNING_RATES[self.number]),
            EULER: np.asarray(np.e),
            PI: np.asarray(np.pi),
            **{constant(n.name): np.asarray(float(n.value)) for n in named_numbers(network)},
            OUTPUT_COUNT: np.asarray(float(self.sizes[formulation.output.axes[-1]])),
            SAMPLE_COUNT: np.asarray(float(self.sizes[SAMPLES] if context.batch else 1)),
            **{
                quantity: np.asarray(float(self.sizes[axis]))
                for quantity, axis in lengths(network).items()
            },
            **{
                constant(letter): np.asarray(strength * _STRENGTH_FACTORS[self.number])
                for letter, strength in network.strengths.items()
            },
        }
        computed = (equation.left for equation in formulation.equations)
        for symbol in (*formulation.inputs, *formulation.parameters, *computed):
            quantity = self._quantity(symbol)
            if symbol.axes or quantity not in values:
                values[quantity] = self._matrix(symbol, symbol.axes)
        values[LOSS] = np.asarray(self._named(formulation.loss))
        for entry in context.gradients.backward:
            derivative = self._matrix(entry.left, entry.left.axes)
            values[cotangent(self._quantity(entry.of))] = derivative
        layers = {applied.argument: applied.function for applied in applied_activations(network)}
        if context.stated.slope_of == "output":
            applied = applied_activations(network)
            layers |= {each.output: each.function for each in applied}
        self._add_input_gradients(values)
        partials = self._partials(values)
        scale_loss(context, values, partials)
        self._add_updates(values)
        restate(context, values, partials)
        for (above, below), value in partials.items():
            if above != LOSS:
                values[partial(above, below)] = value
        self._add_jacobians(values)
        found = formulation.outputs
        if len(found) == 1 and len(network.target_names) == 1:
            values[ERROR] = values[self._quantity(found[0])] - values[TARGETS]
        return ExampleValues(
            values, layers, context.sample_axis, partials, context.stated.slope_of == "output"
        )

    def _quantity(self, symbol: Symbol) -> Quantity:
        """Return the quantity of a symbol of the derivation; other symbols are constants."""
        return self.context.quantities.get(symbol.name, constant(symbol.name))

    def _add_updates(self, values: dict[Quantity, FloatArray]) -> None:
        """Add the optimizer's constants and memory, and the updated parameters."""
        rule, gradients = self.context.rule, self.context.gradients
        values.update(rule.constants(self.number))
        for symbol in gradients.formulation.parameters:
            parameter = self._quantity(symbol)
            if cotangent(parameter) in values:
                values.update(rule.step(parameter, symbol, gradients, values, self.seed))
                values[step_of(parameter)] = values[parameter.updated] - values[parameter]
        if self.context.convention != "step":
            memory = [quantity for quantity in values if quantity.is_memory]
            values.update(rule.in_convention(values, memory, self.context.convention))

    def _add_input_gradients(self, values: dict[Quantity, FloatArray]) -> None:
        """Add the derivatives with respect to the inputs, which training does not need."""
        named = self._named
        for entry in self.context.input_gradients:
            named.define(entry.left, named.spread(entry.right, entry.left.axes))
            if entry.of.name in self.context.network.input_names:
                derivative = self._matrix(entry.left, entry.left.axes)
                values[cotangent(self._quantity(entry.of))] = derivative

    def _add_jacobians(self, values: dict[Quantity, FloatArray]) -> None:
        """Add the matrices of derivatives of functions of all units, such as softmax."""
        for equation in () if self.context.batch else self.context.gradients.formulation.equations:
            right = equation.right
            if isinstance(right, Apply) and getattr(right.function, "slope", right) is None:
                (argument,) = right.arguments
                if isinstance(argument, Symbol):
                    ends = self._quantity(equation.left), self._quantity(argument)
                    values[partial(*ends)] = self.jacobian(equation.left, argument)

    def _partials(
        self, values: Mapping[Quantity, FloatArray]
    ) -> dict[tuple[Quantity, Quantity], FloatArray]:
        """Return the factors of chains: ∂a/∂z, ∂z/∂W, ∂z/∂b, ∂z/∂a, and every ∂Loss/∂…."""
        found: dict[tuple[Quantity, Quantity], FloatArray] = {}
        for applied in applied_activations(self.context.network):
            z, a, slope = applied.argument, applied.output, applied.function.slope
            if slope is not None:
                formula = Entrywise({"z": values[z], "a": values[a]})(slope)
                found[a, z] = np.broadcast_to(formula, np.shape(values[z]))
        formulation = self.context.gradients.formulation
        for equation in formulation.equations:
            if equation.left not in formulation.deltas:
                continue
            z = self._quantity(equation.left)
            terms = equation.right.terms if isinstance(equation.right, Add) else (equation.right,)
            for term in terms:
                factors = term.factors if isinstance(term, Product) else (term,)
                quantities = [self._quantity(part) for part in factors if isinstance(part, Symbol)]
                if len(quantities) < len(factors):
                    continue
                if len(factors) == 1:
                    found[z, quantities[0]] = np.asarray(1.0)
                elif len(factors) == 2:
                    below, weights = quantities
                    found[z, weights], found[z, below] = values[below], values[weights]
        for entry in self.context.gradients.backward:
            slope = self.context.slopes_without_penalty[entry.of]
            found[LOSS, self._quantity(entry.of)] = self._matrix(slope, entry.of.axes)
        return found


@lru_cache(maxsize=64)
def examples_with_ones(context: MarkingContext) -> tuple[Example, ...]:
    """Return examples with a length of 1 for each layer whose width in the network is 1.

    There are several of each kind: one saturated unit makes every derivative zero.
    """
    return tuple(
        Example(context, context.lengths_with_ones(seed % EXAMPLE_COUNT), seed)
        for seed in range(4 * EXAMPLE_COUNT)
    )
