"""An optimizer's update in a line: names and values of its memory and constants."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.formulas.expressions import Symbol, substitute, symbols
from chainrule.formulas.positional import Entrywise
from chainrule.marking.quantities import LEARNING_RATE, Quantity, Role, constant
from chainrule.network.gradients import Gradients
from chainrule.network.optimizers import SGD, STEPS, Optimizer, W
from chainrule.plans.plan import updates_of

_SPELLINGS = {
    "μ": ("μ", "mu", "momentum", "beta", "β", "gamma", "γ", "rho", "ρ"),
    "β_1": ("β_1", "beta_1"),
    "β_2": ("β_2", "beta_2"),
    "ρ": ("ρ", "rho", "decay", "beta", "β", "gamma", "γ"),
    "ε": ("ε", "epsilon", "eps"),
    "λ_w": ("λ_w", "lambda_w", "weight_decay", "wd"),
    "t": ("t", "step"),
}
_EXAMPLE_VALUES = {
    "μ": (0.83, 0.71, 0.58),
    "β_1": (0.6, 0.73, 0.52),
    "β_2": (0.77, 0.63, 0.81),
    "ρ": (0.64, 0.78, 0.55),
    "ε": (0.07, 0.11, 0.05),
    "λ_w": (0.15, 0.09, 0.21),
    "t": (3.0, 4.0, 2.0),
}
"""Constants in each example: no two add up to 1, and none is too small to have an effect.

They differ between the examples, so that no number in a line is right because it is one of these.
"""
_OTHER_EXAMPLE_VALUES = (0.5, 0.44, 0.57)
_VELOCITY_PREFIXES = ("velocity_", "vel_", "step_")

MomentumConvention: TypeAlias = Literal["step", "gradient", "minus", "average"]
"""What momentum accumulates: the step (as derived), gradients without α, the negative step, or a
running average of gradients, with which a step is shorter by the factor 1 − μ."""
MOMENTUM_CONVENTIONS: tuple[MomentumConvention, ...] = ("step", "gradient", "minus", "average")


@dataclass(frozen=True)
class UpdateRule:
    """The update equations of one optimizer, for one parameter each."""

    optimizer: Optimizer

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """The letters of the constants without α, and t if the equations count the steps."""
        found = [letter for letter in self.optimizer.letters.values() if letter != "α"]
        used = {s.name for update in self.optimizer.updates for s in symbols(update.right)}
        return (*found, *([STEPS.name] if STEPS.name in used else []))

    @cached_property
    def has_momentum(self) -> bool:
        """Whether it is gradient descent with momentum, for which several conventions exist."""
        return isinstance(self.optimizer, SGD) and bool(self.optimizer.memory)

    def owns(self, quantity: Quantity) -> bool:
        """Return whether the optimizer introduces a quantity: memory or one of its constants."""
        is_constant = quantity.role is Role.CONSTANT and quantity.symbol in self.letters
        return quantity.is_memory or is_constant

    # -- names ---------------------------------------------------------------------------------

    def memory(self, parameter: Quantity) -> tuple[Quantity, ...]:
        """Return the memory for a parameter."""
        return tuple(
            Quantity(f"{symbol.name}_{parameter}", Role.MEMORY, parameter)
            for symbol in self.optimizer.memory
        )

    def corrected_means(self, parameter: Quantity) -> dict[Quantity, Quantity]:
        """Return the corrected means for a parameter, each with the memory that it corrects.

        >>> from chainrule.network.optimizers import find
        >>> means = UpdateRule(find("adam")).corrected_means(Quantity("W_ho", Role.WEIGHT))
        >>> [(str(mean), str(memory)) for mean, memory in means.items()]
        [('m_hat_W_ho', 'm_W_ho'), ('v_hat_W_ho', 'v_W_ho')]
        """
        memory = {
            symbol.name: quantity
            for symbol, quantity in zip(self.optimizer.memory, self.memory(parameter), strict=True)
        }
        return {
            Quantity(f"{equation.left.name}_{parameter}", Role.CORRECTED_MEAN, parameter): memory[
                equation.left.name.removesuffix("_hat")
            ]
            for equation in self.optimizer.corrected
        }

    def spelled_constants(
        self, penalty_letters: tuple[str, ...]
    ) -> Iterator[tuple[Quantity, tuple[str, ...]]]:
        """Yield every constant with its spellings; a penalty has priority for λ."""
        for letter in self.letters:
            words = _SPELLINGS.get(letter, (letter,))
            if letter == "λ_w" and not penalty_letters:
                words += ("λ", "lambda")
            yield constant(letter), words

    def spelled_memory(
        self, parameters: Mapping[Quantity, tuple[str, ...]]
    ) -> Iterator[tuple[Quantity, tuple[str, ...]]]:
        """Yield the memory and the corrected means of every parameter with their spellings."""
        corrected = [equation.left.name for equation in self.optimizer.corrected]
        for name in (*(symbol.name for symbol in self.optimizer.memory), *corrected):
            role = Role.CORRECTED_MEAN if name in corrected else Role.MEMORY
            starts = [f"{name}_"]
            starts += [f"{name.replace('_hat', 'hat')}_"] if name in corrected else []
            starts += [*_VELOCITY_PREFIXES] if self.has_momentum else []
            for parameter, words in parameters.items():
                # V_ho is the memory for W_ho; that for a bias must include its b.
                ends = [*words, *(word[2:] for word in words if word.startswith("W_"))]
                ends += [f"d{word}" for word in words]
                spellings = tuple(start + end for start in starts for end in ends)
                yield Quantity(f"{name}_{parameter}", role, parameter), spellings

    # -- order of the step ---------------------------------------------------------------------

    def parameter(self, quantity: Quantity) -> Quantity | None:
        """Return the parameter that is updated, or that a memory belongs to."""
        if quantity.is_memory:
            return quantity.of
        plain = quantity.plain
        return plain if plain.is_parameter else None

    def meaning(self, left: Quantity) -> dict[Quantity, Quantity]:
        """Return the memory that is already updated on the right side of the line for ``left``.

        The assignments of a step are executed in order, so memory that is assigned before ``left``
        has its new value there.

        >>> weight = Quantity("W_ho", Role.WEIGHT)
        >>> rule = UpdateRule(SGD(momentum=0.9))
        >>> (memory,) = rule.memory(weight)
        >>> rule.meaning(weight)[memory] == memory.updated
        True
        >>> rule.meaning(memory)
        {}
        """
        parameter = self.parameter(left)
        if parameter is None or left.role is Role.PREVIOUS_MEMORY:
            return {}
        by_name = dict(
            zip((s.name for s in self.optimizer.memory), self.memory(parameter), strict=True)
        )
        order = [by_name[update.left.name] for update in self.optimizer.updates if update.left != W]
        before = order[: order.index(left.plain)] if left.plain in order else order
        return {memory: memory.updated for memory in before}

    # -- values --------------------------------------------------------------------------------

    def constants(self, seed: int) -> dict[Quantity, FloatArray]:
        """Return the constants of an example, each of shape ()."""
        return {
            constant(letter): np.asarray(_EXAMPLE_VALUES.get(letter, _OTHER_EXAMPLE_VALUES)[seed])
            for letter in self.letters
        }

    def step(
        self,
        parameter: Quantity,
        symbol: Symbol,
        gradients: Gradients,
        values: Mapping[Quantity, FloatArray],
        seed: int,
    ) -> dict[Quantity, FloatArray]:
        """Return the memory before and after a step, and the parameter after it.

        ``values`` contains the parameter (whose symbol in ``gradients`` is ``symbol``), its
        gradient of the same shape, and the constants.
        """
        generator = np.random.default_rng([11, seed, *map(ord, parameter.symbol)])
        shape = np.shape(values[parameter])
        known = {key.symbol: value for key, value in values.items() if key.is_plain}
        found: dict[Quantity, FloatArray] = {}
        by_symbol = {parameter.symbol: parameter}
        names: dict[Symbol, Symbol] = {}
        memory_symbols = self.optimizer.memory
        for original, memory in zip(memory_symbols, self.memory(parameter), strict=True):
            names[original] = Symbol(memory.symbol, symbol.axes)
            by_symbol[memory.symbol] = memory
            drawn = np.round(generator.uniform(0.2, 0.9, shape), 2)
            known[memory.symbol] = found[memory] = found[memory.previous] = drawn
        for update in updates_of(symbol, gradients, self.optimizer):
            value = np.broadcast_to(Entrywise(known)(update.right), shape)
            known[update.left.name] = found[by_symbol[update.left.name].updated] = value
        corrected = self.corrected_means(parameter)
        for mean, equation in zip(corrected, self.optimizer.corrected, strict=True):
            found[mean] = Entrywise(known)(substitute(equation.right, names))
        return found

    def in_convention(
        self,
        values: Mapping[Quantity, FloatArray],
        memory: Iterable[Quantity],
        convention: MomentumConvention,
    ) -> dict[Quantity, FloatArray]:
        """Return the memory of momentum, converted from the derived step to another convention.

        An average of gradients makes the steps themselves shorter, so that the parameters after
        the step are converted too.
        """
        rate = float(values[LEARNING_RATE])
        rest = 1.0 - float(values[constant("μ")])
        scale = {
            "step": 1.0,
            "gradient": -1.0 / rate,
            "minus": -1.0,
            "average": -rest / rate,
        }[convention]
        found = {key: scale * values[key] for key in memory}
        if convention == "average":
            for key, value in values.items():
                if key.is_updated_parameter:
                    before = values[key.plain]
                    found[key] = before + rest * (value - before)
        return found
