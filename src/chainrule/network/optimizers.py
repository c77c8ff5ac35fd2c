"""The catalogue of optimizers: each an update equation, stated once.

A statement is a list of assignments, in order, over the parameter ``W`` (any parameter), its
gradient ``∂Loss/∂W``, the optimizer's own memory, and scalars.  ``t`` counts the steps from 1.  The
derivation prints these equations with the name of each parameter, and the Plan runs them.  Every
gradient is taken at the old parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from chainrule.errors import InputTypeError, unknown_name
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Expression, Symbol, power, square_root
from chainrule.language.refusals import Refusal
from chainrule.network.domains import BELOW_ONE, NOT_NEGATIVE, POSITIVE, UNIT, checked
from chainrule.validation import requirement

W = Symbol("W")
"""The parameter."""
G = Symbol("∂Loss/∂W")
"""Its gradient."""
v = Symbol("v")
"""The running mean of the step (momentum) or of the squared gradient (Adam, RMSprop)."""
m = Symbol("m")
"""The running mean of the gradient."""
STEPS = t = Symbol("t")
"""The number of the step, from 1."""
ALPHA = Symbol("α")
"""The learning rate."""


_ALLOWED = {
    "learning_rate": (POSITIVE, "such as 0.1 for SGD or 0.001 for Adam"),
    "momentum": (UNIT, "such as 0.9"),
    "beta_1": (BELOW_ONE, "such as 0.9"),
    "beta_2": (BELOW_ONE, "such as 0.999"),
    "decay": (BELOW_ONE, "such as 0.99"),
    "epsilon": (NOT_NEGATIVE, "such as 1e-8"),
    "weight_decay": (NOT_NEGATIVE, "such as 0.01"),
}
"""The values allowed for each constant, and an example for messages."""


@dataclass(frozen=True)
class Optimizer:
    """An update rule with its constants; the base class.

    ``memory`` are the arrays that it stores between steps, one of each per parameter.
    """

    learning_rate: float

    name: ClassVar[str] = ""
    memory: ClassVar[tuple[Symbol, ...]] = ()
    letters: ClassVar[Mapping[str, str]] = {"learning_rate": "α"}
    """How each constant is printed."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.name in _ALLOWED:
                allowed, example = _ALLOWED[entry.name]
                value = getattr(self, entry.name)
                checked(value, f"{self.name}: {entry.name}", allowed, example)

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The assignments of one step, in order."""
        raise NotImplementedError

    @property
    def corrected(self) -> tuple[Equation, ...]:
        """Quantities that texts name: Adam's means without their bias, m̂ and v̂."""
        return ()

    @property
    def constants(self) -> dict[str, float]:
        """The constants by their printed letter."""
        return {letter: float(getattr(self, name)) for name, letter in self.letters.items()}

    def settings(self) -> dict[str, float | bool]:
        """Return the constants by name, for files."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: W ← W − α ∂Loss/∂W, with momentum μ and Nesterov's variant.

    Momentum: v ← μ v − α ∂Loss/∂W, W ← W + v.  Nesterov: W ← W + μ v − α ∂Loss/∂W with the new v.
    (In PyTorch v does not contain α; the two agree while α is constant.)
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    name = "sgd"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise Refusal("nesterov")

    @property
    def memory(self) -> tuple[Symbol, ...]:  # type: ignore[override]
        """The last step, where there is momentum."""
        return (v,) if self.momentum else ()

    @property
    def letters(self) -> Mapping[str, str]:  # type: ignore[override]
        """α, and μ where there is momentum."""
        return {"learning_rate": "α", **({"momentum": "μ"} if self.momentum else {})}

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The assignments of one step."""
        if not self.momentum:
            return (Equation(W, W - ALPHA * G),)
        mu = Symbol("μ")
        step = Equation(v, mu * v - ALPHA * G)
        if self.nesterov:
            return (step, Equation(W, W + mu * v - ALPHA * G))
        return (step, Equation(W, W + v))


_ADAM_LETTERS: Mapping[str, str] = {
    "learning_rate": "α",
    "beta_1": "β_1",
    "beta_2": "β_2",
    "epsilon": "ε",
}
_beta_1, _beta_2, _epsilon = Symbol("β_1"), Symbol("β_2"), Symbol("ε")
_moments = (
    Equation(m, _beta_1 * m + (1 - _beta_1) * G),
    Equation(v, _beta_2 * v + (1 - _beta_2) * G**2),
)
_m_hat = m / (1 - power(_beta_1, t))
_v_hat = v / (1 - power(_beta_2, t))


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1): ε beside the corrected root, √(v/(1−β₂ᵗ)) + ε."""

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    name = "adam"
    memory = (m, v)
    letters = _ADAM_LETTERS

    @property
    def corrected(self) -> tuple[Equation, ...]:
        """m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ)."""
        return (Equation(Symbol("m_hat"), _m_hat), Equation(Symbol("v_hat"), _v_hat))

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The assignments of one step."""
        return (*_moments, Equation(W, W - ALPHA * _m_hat / (square_root(_v_hat) + _epsilon)))


@dataclass(frozen=True)
class AdamHat(Adam):
    """Adam with ε outside the bias correction (section 2 of the paper; scikit-learn's).

    The step size is α √(1−β₂ᵗ)/(1−β₁ᵗ) and the divisor √v + ε.
    """

    name = "adam_hat"

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The assignments of one step."""
        rate: Expression = ALPHA * square_root(1 - power(_beta_2, t)) / (1 - power(_beta_1, t))
        return (*_moments, Equation(W, W - rate * m / (square_root(v) + _epsilon)))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay λ_w (Loshchilov & Hutter 2019): W first shrinks by α λ_w W.

    As in PyTorch, biases decay too.
    """

    weight_decay: float = 0.01

    name = "adamw"
    letters: ClassVar[Mapping[str, str]] = {**_ADAM_LETTERS, "weight_decay": "λ_w"}

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The assignments of one step."""
        decay = Symbol("λ_w")
        step = ALPHA * _m_hat / (square_root(_v_hat) + _epsilon)
        return (*_moments, Equation(W, W - ALPHA * decay * W - step))


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012): the gradient over the root of its mean square."""

    learning_rate: float = 0.01
    decay: float = 0.99
    epsilon: float = 1e-8

    name = "rmsprop"
    memory = (v,)
    letters: ClassVar[Mapping[str, str]] = {
        "learning_rate": "α",
        "decay": "ρ",
        "epsilon": "ε",
    }

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The assignments of one step."""
        rho = Symbol("ρ")
        return (
            Equation(v, rho * v + (1 - rho) * G**2),
            Equation(W, W - ALPHA * G / (square_root(v) + _epsilon)),
        )


CATALOGUE: dict[str, type[Optimizer]] = {
    entry.name: entry for entry in (SGD, Adam, AdamHat, AdamW, RMSprop)
}
"""Every optimizer by name."""


def find(given: "str | Optimizer", **settings: float) -> Optimizer:
    """Return the optimizer of a name with these constants; an ``Optimizer`` is unchanged.

    Raises ``InputError`` for an unknown name or constant, ``InputTypeError`` for another type.

    >>> find("adam").learning_rate
    0.001
    """
    if isinstance(given, Optimizer):
        return given
    if not isinstance(given, str):
        raise InputTypeError(
            requirement("optimizer", "a name such as 'adam', or an Optimizer", given)
        )
    if given not in CATALOGUE:
        raise unknown_name("optimizer", given, list(CATALOGUE))
    allowed = [entry.name for entry in fields(CATALOGUE[given])]
    for name in settings:
        if name not in allowed:
            raise unknown_name(f"constant of {given}", name, allowed)
    return CATALOGUE[given](**settings)
