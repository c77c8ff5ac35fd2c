"""An optimizer's update in a line: the names of its memory and its constants, their true values.

A memory is known by the key that the derivation prints, ``v_W_ho``: what it was before the step;
``v_W_ho new`` is after.  The corrected mean that Adam's texts call m̂ is ``m_hat_W_ho``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.formulas.expressions import Symbol, substitute, symbols
from chainrule.formulas.positional import Entrywise
from chainrule.network.gradients import Gradients
from chainrule.network.optimizers import SGD, STEPS, Optimizer, W
from chainrule.plans.plan import memory_of, updates_of

Array = NDArray[Any]

_SPELLED = {
    "μ": ("μ", "mu", "momentum", "beta", "β", "gamma", "γ", "rho", "ρ"),
    "β_1": ("β_1", "beta_1"),
    "β_2": ("β_2", "beta_2"),
    "ρ": ("ρ", "rho", "decay", "beta", "β", "gamma", "γ"),
    "ε": ("ε", "epsilon", "eps"),
    "λ_w": ("λ_w", "lambda_w", "weight_decay", "wd"),
    "t": ("t", "step"),
}
_DRAWN = {"μ": 0.83, "β_1": 0.6, "β_2": 0.77, "ρ": 0.64, "ε": 0.07, "λ_w": 0.15, "t": 3.0}
"""Values of the constants in examples: none is one less another, or small enough to be lost."""
_VELOCITY = ("velocity_", "vel_", "step_")
KEPT = ("step", "gradient", "minus")
"""What momentum keeps: the step (as derived), the gradients without α, the step turned round."""


@dataclass(frozen=True)
class Updating:
    """The update of one optimizer."""

    optimizer: Optimizer

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """The letters of the constants, and t where the steps are counted; α left out."""
        found = [letter for letter in self.optimizer.letters.values() if letter != "α"]
        used = {s.name for update in self.optimizer.updates for s in symbols(update.right)}
        return (*found, *([STEPS.name] if STEPS.name in used else []))

    @cached_property
    def has_momentum(self) -> bool:
        """Whether it is gradient descent with momentum, of which there are several conventions."""
        return isinstance(self.optimizer, SGD) and bool(self.optimizer.memory)

    # -- names ---------------------------------------------------------------------------------

    def spelled_constants(self, taken: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every constant with its spellings; ``taken`` are the letters of penalties."""
        for letter in self.letters:
            words = _SPELLED.get(letter, (letter,))
            if letter == "λ_w" and not taken:
                words += ("λ", "lambda")
            yield letter, words

    def spelled_memory(
        self, parameters: Mapping[str, tuple[str, ...]]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every memory and corrected mean of every parameter with its spellings."""
        corrected = [equation.left.name for equation in self.optimizer.corrected]
        for name in (*(kept.name for kept in self.optimizer.memory), *corrected):
            starts = [f"{name}_"]
            starts += [f"{name.replace('_hat', 'hat')}_"] if name in corrected else []
            starts += [*_VELOCITY] if self.has_momentum else []
            for key, words in parameters.items():
                # V_ho for the memory of W_ho; a bias keeps its b.
                ends = [*words, *(word[2:] for word in words if word.startswith("W_"))]
                yield f"{name}_{key}", tuple(start + end for start in starts for end in ends)

    def sense(self, left: str) -> dict[str, str]:
        """Return what each memory means on the right of a line for ``left``.

        A step is taken in order: what has been updated is new.

        >>> Updating(SGD(momentum=0.9)).sense("W_ho")["v_W_ho"]
        'v_W_ho new'
        >>> Updating(SGD(momentum=0.9)).sense("v_W_ho")
        {}
        """
        left = left.removesuffix(" new")
        order = [update.left for update in self.optimizer.updates if update.left != W]
        name, _, parameter = left.partition("_")
        own = next((place for place, kept in enumerate(order) if kept.name == name), None)
        if parameter.startswith("hat_"):
            own, parameter = None, parameter[4:]
        elif own is None:
            parameter = left
        before = order if own is None else order[:own]
        return {f"{kept.name}_{parameter}": f"{kept.name}_{parameter} new" for kept in before}

    def is_memory(self, key: str) -> bool:
        """Whether a key names memory of a parameter."""
        return key.removesuffix(" new").partition("_")[0] in {m.name for m in self.optimizer.memory}

    def parameter(self, key: str) -> str:
        """Return the parameter that is updated, or whose memory a key names.

        >>> Updating(SGD(momentum=0.9)).parameter("v_W_ho new")
        'W_ho'
        """
        key = key.removesuffix(" new")
        return key.partition("_")[2].removeprefix("hat_") if self.is_memory(key) else key

    # -- values --------------------------------------------------------------------------------

    def constants(self, seed: int) -> dict[str, Array]:
        """Return the constants of an example."""
        own = self.optimizer.constants
        return {
            letter: np.asarray(_DRAWN.get(letter, own.get(letter, 0.5)) + seed * (letter == "t"))
            for letter in self.letters
        }

    def after(
        self, parameter: Symbol, gradients: Gradients, values: Mapping[str, Array], seed: int
    ) -> dict[str, Array]:
        """Return the memory before and after the step, and the parameter after it.

        ``values`` has the parameter, its gradient and the constants.
        """
        generator = np.random.default_rng([11, seed, *map(ord, parameter.name)])
        shape = np.shape(values[parameter.name])
        known = dict(values)
        found: dict[str, Array] = {}
        for kept in memory_of(parameter, self.optimizer):
            drawn = np.round(generator.uniform(0.2, 0.9, shape), 2)
            known[kept.name] = found[kept.name] = found[f"{kept.name} old"] = drawn
        for update in updates_of(parameter, gradients, self.optimizer):
            value = np.broadcast_to(Entrywise(known)(update.right), shape)
            known[update.left.name] = found[f"{update.left.name} new"] = value
        names = dict(zip(self.optimizer.memory, memory_of(parameter, self.optimizer), strict=True))
        for equation in self.optimizer.corrected:
            right = substitute(equation.right, dict(names))
            found[f"{equation.left.name}_{parameter.name}"] = Entrywise(known)(right)
        return found

    def otherwise(
        self, values: Mapping[str, Array], keys: Iterator[str], kept: str
    ) -> dict[str, Array]:
        """Return the memory of momentum in another convention of what is kept."""
        scale = -1.0 if kept == "minus" else -1.0 / float(values["α"])
        return {key: scale * values[key] for key in keys}
