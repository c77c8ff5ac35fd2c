"""Layers that disturb training: dropout and noise.  Predictions are not disturbed."""

from collections.abc import Sequence
from typing import Any

from chainrule.formulas.expressions import Expression, Symbol
from chainrule.network.distributions import Distribution, Mask, Noise
from chainrule.network.graph import Layer, Node
from chainrule.network.scope import Scope


class _Disturbed(Layer):
    distribution: Distribution

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        if not scope.training:
            return x
        axis = scope.units(x)
        drawn = scope.drawn("d", (axis,), self.distribution)
        return scope.define("a", (axis,), self.formula(x, drawn))

    def formula(self, x: Expression, drawn: Expression) -> Expression:
        """Return the outputs of a training step."""
        raise NotImplementedError

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.distribution,)


class Dropout(_Disturbed):
    """Inverted dropout: a = d ⊙ x, d is 0 with probability ``rate``, else 1/(1 − rate).

    A new mask d is drawn in each step, for each sample and unit; it is the same in the forward and
    in the backward pass.  Applied to inputs it drops inputs.  Source: Srivastava et al., Dropout,
    2014.
    """

    def __init__(self, rate: float = 0.5) -> None:
        self.distribution: Mask = Mask(rate)

    def formula(self, x: Expression, drawn: Expression) -> Expression:
        return drawn * x

    def __str__(self) -> str:
        return f"Dropout({self.distribution.rate:g})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"rate": self.distribution.rate}


class GaussianNoise(_Disturbed):
    """Noise: a = x + d, with d normal of mean 0 and this standard deviation, new in each step."""

    def __init__(self, deviation: float) -> None:
        self.distribution: Noise = Noise(deviation)

    def formula(self, x: Expression, drawn: Expression) -> Expression:
        return x + drawn

    def __str__(self) -> str:
        return f"GaussianNoise({self.distribution.deviation:g})"

    @property
    def settings(self) -> dict[str, Any]:
        return {"deviation": self.distribution.deviation}
