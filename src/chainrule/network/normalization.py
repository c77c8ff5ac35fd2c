"""Layers that normalize: over the units of a sample, or over the samples of a batch."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from chainrule.errors import InputError
from chainrule.formulas.expressions import ZERO, Expression, Number, Symbol, mean, power, total
from chainrule.network.domains import BELOW_ONE, Domain, checked
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import filled
from chainrule.network.scope import SAMPLES, Scope

EPSILON = 1e-5
NORMAL = Domain(1e-37)
"""What is not zero in any type: smaller numbers count as zero inside a run."""


class _Normalization(Layer):
    def __init__(self, epsilon: float = EPSILON, *, affine: bool = True) -> None:
        self.epsilon = checked(epsilon, "`epsilon`", NORMAL, "such as 1e-5")
        self.affine = bool(affine)

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def _epsilon(self, scope: Scope) -> Expression:
        return Number(Fraction(repr(self.epsilon)), scope.name("ε"))

    def _scaled(self, scope: Scope, normal: Symbol) -> Symbol:
        """Return γ ⊙ n + b."""
        if not self.affine:
            return normal
        axis = scope.units(normal)
        gamma = scope.parameter("γ", (axis,), filled(1.0))
        shift = scope.parameter("b", (axis,), filled(0.0), kind="bias")
        return scope.define("a", (axis,), gamma * normal + shift)

    @property
    def statement(self) -> tuple[object, ...]:
        return (self.epsilon, self.affine)

    @property
    def settings(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon, "affine": self.affine}


class LayerNorm(_Normalization):
    """Layer normalization: n = (x − μ)/√(v + ε), a = γ ⊙ n + b.

    μ and v are the mean and the variance (divided by the number of units) of one sample's values.
    With ``affine=False`` there are no γ and b (β in the paper).  Source: Ba, Kiros, Hinton, Layer
    normalization, 2016.
    """

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        axis = scope.units(x)
        center = scope.define("μ", (), mean(x, axis))
        scope.facts[total(x - center, axis)] = ZERO
        spread = scope.define("v", (), mean((x - center) ** 2, axis))
        normal = (x - center) * power(spread + self._epsilon(scope), Fraction(-1, 2))
        return self._scaled(scope, scope.define("n", (axis,), normal))


class BatchNorm(_Normalization):
    """Batch normalization: n = (x − μ)/√(v + ε), a = γ ⊙ n + b.

    In training μ and v are the mean and the variance (divided by the number of samples) of a unit's
    values in the batch, and after each step the running statistics move to them by the share
    ``momentum``: μ̄ ← (1 − m) μ̄ + m μ.  Predictions and validation losses use the running
    statistics.  Source: Ioffe, Szegedy, Batch normalization, 2015.
    """

    needs_batch = True

    def __init__(
        self, epsilon: float = EPSILON, *, momentum: float = 0.1, affine: bool = True
    ) -> None:
        super().__init__(epsilon, affine=affine)
        self.momentum = checked(momentum, "`momentum`", BELOW_ONE, "such as 0.1")

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (x,) = sources
        if not scope.is_first_use:
            raise InputError(
                f"{self} must be applied once, because its running statistics are those of one "
                "node. Use one for each"
            )
        axis = scope.units(x)
        running_center = scope.parameter("running_mean", (axis,), filled(0.0), kind="running")
        running_spread = scope.parameter("running_var", (axis,), filled(1.0), kind="running")
        center, spread = running_center, running_spread
        if scope.training:
            center = scope.define("μ", (axis,), mean(x, SAMPLES), samples=False)
            scope.facts[total(x - center, SAMPLES)] = ZERO
            spread = scope.define("v", (axis,), mean((x - center) ** 2, SAMPLES), samples=False)
            for statistic, value in ((running_center, center), (running_spread, spread)):
                rest = 1 - Fraction(repr(self.momentum))
                scope.after_step(statistic, rest * statistic + self.momentum * value)
        normal = (x - center) * power(spread + self._epsilon(scope), Fraction(-1, 2))
        return self._scaled(scope, scope.define("n", (axis,), normal))

    @property
    def statement(self) -> tuple[object, ...]:
        return (*super().statement, self.momentum)

    @property
    def settings(self) -> dict[str, Any]:
        return {**super().settings, "momentum": self.momentum}
