"""Activations of other libraries that differ from those of the catalogue by a setting."""

from __future__ import annotations

from fractions import Fraction

from chainrule.formulas.differentiate import PI
from chainrule.formulas.expressions import square_root
from chainrule.formulas.functions import a, exp, expm1, greater, maximum, minimum, tanh, where, z
from chainrule.network.activations import Activation, activation, elu, leaky_relu, relu
from chainrule.network.domains import Domain

__all__ = ["clipped", "elu_of", "gelu_by_tanh", "leaky_relu_of"]

_CUBIC = Fraction("0.044715")


def leaky_relu_of(slope: float) -> Activation:
    """Return z for z > 0, else ``slope`` z.

    >>> leaky_relu_of(0.2).name, leaky_relu_of(0.01).name, leaky_relu_of(0).name
    ('leaky_relu_0.2', 'leaky_relu', 'relu')
    """
    if slope == 0:
        return relu
    if slope == 0.01:
        return leaky_relu
    value = where(greater(z, 0), z, slope * z)
    return activation(
        f"leaky_relu_{slope:g}", value, kinks=(0.0,), initializer=leaky_relu.initializer
    )


def elu_of(alpha: float) -> Activation:
    """Return z for z > 0, else ``alpha`` (e^z − 1).

    >>> elu_of(1.0).name, elu_of(0.5).name
    ('elu', 'elu_0.5')
    """
    if alpha == 1:
        return elu
    return activation(
        f"elu_{alpha:g}",
        where(greater(z, 0), z, alpha * (exp(z) - 1)),
        computed=where(greater(z, 0), z, alpha * expm1(minimum(z, 0))),
        slope=where(greater(a, 0), 1, a + alpha),
        kinks=(0.0,),
        range=Domain(-abs(alpha), open_low=True),
        initializer=elu.initializer,
    )


def clipped(low: float, high: float) -> Activation:
    """Return z limited to the interval from ``low`` to ``high``.

    >>> clipped(0, 6).name
    'clipped_0_to_6'
    """
    return activation(
        f"clipped_{low:g}_to_{high:g}",
        minimum(maximum(z, low), high),
        kinks=(low, high),
        range=Domain(low, high),
        initializer=relu.initializer,
    )


gelu_by_tanh = activation(
    "gelu_by_tanh",
    z / 2 * (1 + tanh(square_root(2 / PI) * (z + _CUBIC * z**3))),
    initializer="he_uniform",
)
"""The approximation of gelu (Hendrycks and Gimpel 2016) that some libraries compute."""
