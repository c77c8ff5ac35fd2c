"""What a line is marked for: the network with its derived equations, the layout, the optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from chainrule.derivation.derivation import derive
from chainrule.documents import wording
from chainrule.formulas.arrange import Layout
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import pull_back
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Symbol,
    symbols,
)
from chainrule.formulas.render import TEXT
from chainrule.marking.quantities import (
    LOSS,
    Quantity,
    by_derivation_name,
)
from chainrule.marking.stated_conventions import OWN, Convention
from chainrule.marking.update_equations import MomentumConvention, UpdateRule
from chainrule.network.architecture import Network
from chainrule.network.gradients import Backward, Gradients, differentiate
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.scope import SAMPLES

_SAMPLE_COUNTS = (5, 4, 3)
_OUTPUT_COUNTS = (3, 7, 8)
_OTHER_LENGTHS = (4, 8, 9, 10, 11, 12, 13, 14, 15, 16)
"""Lengths in the first example; in each of the others they are longer by 1."""
"""Lengths in the first example; in each of the others they are longer by 1."""

GRADIENT_DESCENT = SGD()
"""Gradient descent without momentum."""


@dataclass(frozen=True, eq=False)
class MarkingContext:
    """What a line is marked for: the network, the layout, one sample or a batch, the optimizer."""

    network: Network
    layout: Layout
    batch: bool
    optimizer: Optimizer = GRADIENT_DESCENT
    convention: MomentumConvention = "step"
    stated: Convention = OWN

    @property
    def sample_axis(self) -> int:
        """The axis of the samples in matrices."""
        return 0 if self.layout == "rows" else 1

    @cached_property
    def rule(self) -> UpdateRule:
        """The optimizer's names and values."""
        return UpdateRule(self.optimizer)

    @cached_property
    def gradients(self) -> Gradients:
        """The derived equations."""
        return differentiate(self.network.formulation(batch=self.batch))

    @cached_property
    def input_gradients(self) -> tuple[Backward, ...]:
        """The equations of the derivatives with respect to the inputs."""
        formulation = self.gradients.formulation
        inputs = [
            symbol for symbol in formulation.inputs if symbol.name in self.network.input_names
        ]
        wanted = replace(
            formulation,
            parameters=(*formulation.parameters, *inputs),
            inputs=tuple(symbol for symbol in formulation.inputs if symbol not in inputs),
        )
        return differentiate(wanted).backward

    @cached_property
    def slopes_without_penalty(self) -> Mapping[Symbol, Expression]:
        """The derivative of the loss by each symbol, without the direct derivative of penalties."""
        loss = next(e for e in self.gradients.formulation.equations if e.left.name == LOSS.symbol)
        penalized = symbols(loss.right)
        found: dict[Symbol, Expression] = {}
        for entry in self.gradients.backward:
            found[entry.of] = slope = self.gradients.of(entry.of).right
            if entry.of in penalized:
                direct, _ = pull_back(loss.right, loss.left, ONE, [entry.of])
                found[entry.of] = slope - direct[entry.of]
        return found

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """All axes; that of the samples, if there is one, is the first."""
        return (*((SAMPLES,) if self.batch else ()), *self.network.sizes)

    @cached_property
    def derived_lines(self) -> Mapping[Quantity, str]:
        """The derivation's line for each quantity."""
        derived = derive(
            self.network, layout=self.layout, batch=self.batch, optimizer=self.optimizer
        )
        known = self.quantities
        found: dict[Quantity, str] = {}
        for statement in derived.statements:
            quantity = known.get(statement.left.name)
            if statement.part != "function" and quantity is not None:
                sign = TEXT.arrow if statement.assigns else TEXT.equals
                right = wording.written(statement.rights[-1].formula, statement, TEXT)
                line = wording.left_side(statement, TEXT) + sign + right
                found[quantity.updated if statement.assigns else quantity] = line
        return found

    @cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        """The quantities by the names of the derivation."""
        found = by_derivation_name(self.network)
        for parameter in [quantity for quantity in found.values() if quantity.is_parameter]:
            memory = (*self.rule.memory(parameter), *self.rule.corrected_means(parameter))
            found.update({quantity.symbol: quantity for quantity in memory})
        return found

    @cached_property
    def consumers(self) -> Mapping[Quantity, tuple[Quantity, ...]]:
        """The quantities whose equations contain a quantity, in their order."""
        found: dict[Quantity, dict[Quantity, None]] = {}
        for equation in self.gradients.formulation.equations:
            above = self.quantities.get(equation.left.name)
            for symbol in symbols(equation.right) if above is not None else ():
                below = self.quantities.get(symbol.name)
                if below is not None and above is not None:
                    found.setdefault(below, {})[above] = None
        return {below: tuple(above) for below, above in found.items()}

    def distinct_lengths(self, number: int) -> dict[Axis, int]:
        """Return a different length for each axis, for one of the examples (0, 1, 2).

        In networks of more than ten layers lengths repeat.
        """
        formulation = self.gradients.formulation
        outputs = formulation.output.axes[-1]
        count = len(_OTHER_LENGTHS)
        others = (axis for axis in self.network.sizes if axis != outputs)
        found = {axis: _OTHER_LENGTHS[i % count] + number for i, axis in enumerate(others)}
        found = {SAMPLES: _SAMPLE_COUNTS[number], **found, outputs: _OUTPUT_COUNTS[number]}
        same = {axis: found[first] for axis, first in formulation.same_axes.items()}
        return {**found, **same}

    def lengths_with_ones(self, number: int) -> dict[Axis, int]:
        """Return the same lengths, but 1 for each layer whose width in the network is 1."""
        return {
            axis: 1 if self.network.sizes.get(axis) == 1 else length
            for axis, length in self.distinct_lengths(number).items()
        }
