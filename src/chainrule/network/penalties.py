"""The catalogue of penalties: what is added to the loss for large weights, biases left out."""

from dataclasses import dataclass

from chainrule.formulas.expressions import Expression, Symbol, product, total
from chainrule.formulas.functions import absolute
from chainrule.network.domains import NOT_NEGATIVE, checked


@dataclass(frozen=True)
class Penalty:
    """A penalty of a given strength; ``letter`` is how the strength is printed."""

    strength: float

    letter = "λ"
    name = ""
    per_sample = False
    """Whether it is divided by the number (or total weight) of the batch's samples."""

    def __post_init__(self) -> None:
        checked(self.strength, f"{self.name}: strength", NOT_NEGATIVE, "such as 0.001")

    @property
    def symbol(self) -> Symbol:
        """The strength, as a scalar of the formulas."""
        return Symbol(self.letter)

    def of(self, weights: Symbol) -> Expression:
        """Return the penalty of one weight matrix, a scalar expression."""
        raise NotImplementedError


@dataclass(frozen=True)
class L2(Penalty):
    """½ λ ‖W‖²: the gradient gains λ W."""

    letter = "λ"
    name = "L2"

    def of(self, weights: Symbol) -> Expression:
        """Return ½ λ Σ w²."""
        return self.symbol / 2 * total(weights**2, *weights.axes)


@dataclass(frozen=True)
class L1(Penalty):
    """λ Σ |w|: the gradient gains λ sign(W), 0 at 0."""

    letter = "λ_1"
    name = "L1"

    def of(self, weights: Symbol) -> Expression:
        """Return λ₁ Σ |w|."""
        return product(self.symbol, total(absolute(weights), *weights.axes))


@dataclass(frozen=True)
class L2PerSample(L2):
    """½ λ ‖W‖² / B, or / Σ w with weights of samples, as in scikit-learn.

    It is weaker for a larger batch, and stronger for a last, shorter one.
    """

    letter = "λ_B"
    name = "L2_per_sample"
    per_sample = True


CATALOGUE = {"L2": L2, "L1": L1}

STORED = {**CATALOGUE, "L2_per_sample": L2PerSample}
"""The penalties that a model file may name: the catalogue, and that of the estimators."""
