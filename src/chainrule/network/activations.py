"""The catalogue of activations: each stated once, in expressions.

``value`` is what is printed, ``computed`` the overflow-safe form that is evaluated, ``slope`` the
derivative in the input ``z`` or, where possible, the output ``a``.  The derivation, the renderers,
the reference and the compiled kernels read these statements and nothing else.

To add one, write one entry in ``CATALOGUE``.  The catalogue tests then compare it with its own
derivative and with an independent oracle.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chainrule.errors import InputError, unknown_name
from chainrule.formulas.differentiate import PI, derivative
from chainrule.formulas.expressions import (
    Expression,
    Largest,
    Number,
    expression,
    product,
    square_root,
    total,
)
from chainrule.formulas.functions import (
    UNITS,
    Function,
    a,
    a_k,
    absolute,
    erf,
    exp,
    expm1,
    g_k,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    tanh,
    where,
    z,
    z_k,
)
from chainrule.network.domains import (
    OPEN_UNIT,
    POSITIVE,
    REALS,
    SIMPLEX,
    UNIT,
    Domain,
)
from chainrule.validation import requirement


@dataclass(frozen=True, eq=False)
class Activation(Function):
    """A named function of one layer; ``range`` is the set of its values.

    ``initializer`` is the name of the default initializer of the weights that lead to the layer.
    """

    range: Domain = REALS
    initializer: str = "glorot_uniform"

    def __reduce__(self) -> str | tuple[Any, ...]:
        # Entries of the catalogue are the same object after copying, so that Plans are shared.
        if CATALOGUE.get(self.name) is self:
            return (find, (self.name,))
        return super().__reduce__()

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_markup("name", self.name)


def refuse_markup(argument: str, name: object) -> None:
    """Raise InputError for a name that LaTeX, HTML or a terminal would not only print.

    Names come from model files too, and are printed in formulas.

    >>> refuse_markup("name", "soft step (k = 2)")
    >>> refuse_markup("name", "<b>")
    Traceback (most recent call last):
    chainrule.errors.InputError: `name` must be at most 60 letters, digits, spaces and any of \
. , = ( ) + - / ' _, got '<b>'
    """
    if not isinstance(name, str) or not _PRINTED.fullmatch(name):
        allowed = "at most 60 letters, digits, spaces and any of . , = ( ) + - / ' _"
        raise InputError(requirement(argument, allowed, name))


_PRINTED = re.compile(r"[\w .,=()+\-−/'′]{1,60}")


def activation(
    name: str,
    value: Expression,
    *,
    computed: Expression | None = None,
    slope: Expression | float | None = None,
    kinks: tuple[float, ...] = (),
    range: Domain = REALS,
    initializer: str = "glorot_uniform",
) -> Activation:
    """Return an elementwise activation, stated in the symbol ``z``.

    ``computed`` is by default ``value``, ``slope`` the derivative of ``value``.  ``kinks`` are the
    z where the slope jumps, ``range`` is the set of values.

    >>> from chainrule.formulas.functions import tanh, z
    >>> print(activation("squashed", tanh(z) ** 3).slope)
    3 tanh(z)²(1 − tanh(z)²)
    """
    stated = derivative(value, z) if slope is None else expression(slope)
    return Activation(
        name=name,
        value=value,
        computed=value if computed is None else computed,
        slope=stated,
        kinks=kinks,
        range=range,
        initializer=initializer,
    )


_e = exp(-absolute(z))
_softplus = maximum(z, 0) + log1p(_e)

identity = activation("identity", z + 0, slope=1)

sigmoid = Activation(
    name="sigmoid",
    value=1 / (1 + exp(-z)),
    # exp(−z) overflows for z < −709; with |z| the exponent is never positive.
    computed=where(greater(z, 0), 1 / (1 + _e), _e / (1 + _e)),
    slope=a * (1 - a),
    logarithm=minimum(z, 0) - log1p(_e),
    log_complement=-maximum(z, 0) - log1p(_e),
    range=OPEN_UNIT,
)

hyperbolic_tangent = activation(
    "tanh",
    (exp(z) - exp(-z)) / (exp(z) + exp(-z)),
    computed=tanh(z),
    slope=1 - a**2,
    range=Domain(-1.0, 1.0, open_low=True, open_high=True),
)

relu = activation(
    "relu",
    maximum(z, 0),
    slope=greater(a, 0),
    kinks=(0.0,),
    range=Domain(0.0),
    initializer="he_uniform",
)

leaky_relu = activation(
    "leaky_relu",
    where(greater(z, 0), z, 0.01 * z),
    slope=where(greater(a, 0), 1, 0.01),
    kinks=(0.0,),
    initializer="he_uniform",
)

elu = activation(
    "elu",
    where(greater(z, 0), z, exp(z) - 1),
    # expm1 is accurate near 0, where e^z − 1 loses digits; the minimum bounds the unused branch.
    computed=where(greater(z, 0), z, expm1(minimum(z, 0))),
    slope=where(greater(a, 0), 1, 1 + a),
    range=Domain(-1.0, open_low=True),
    initializer="he_uniform",
)

# Klambauer et al. 2017, "Self-normalizing neural networks": the fixed point at mean 0, variance 1.
_scale = Number(Fraction("1.0507009873554804934"), "λ_s")
_alpha = Number(Fraction("1.6732632423543772848"), "α_s")

selu = activation(
    "selu",
    _scale * where(greater(z, 0), z, _alpha * (exp(z) - 1)),
    computed=_scale * where(greater(z, 0), z, _alpha * expm1(minimum(z, 0))),
    slope=where(greater(a, 0), _scale, a + _scale * _alpha),
    kinks=(0.0,),
    range=Domain(-1.7580993408473769, open_low=True),
    initializer="lecun_normal",
)

softplus = activation(
    "softplus",
    log(1 + exp(z)),
    computed=_softplus,
    slope=sigmoid(z),
    range=POSITIVE,
    initializer="he_uniform",
)

softsign = activation(
    "softsign",
    z / (1 + absolute(z)),
    # In the output it is (1 − |a|)², which loses digits where a is close to ±1.
    slope=(1 + absolute(z)) ** -2,
    range=Domain(-1.0, 1.0, open_low=True, open_high=True),
)

silu = activation(
    "silu",
    z / (1 + exp(-z)),
    computed=z * sigmoid(z),
    slope=sigmoid(z) + a * (1 - sigmoid(z)),
    range=Domain(-0.2784645427610738),
    initializer="he_uniform",
)

gelu = activation(
    "gelu",
    z / 2 * (1 + erf(z / square_root(2))),
    slope=(1 + erf(z / square_root(2))) / 2 + z * exp(-(z**2) / 2) / square_root(2 * PI),
    range=Domain(-0.16997120747990369),
    initializer="he_uniform",
)

mish = activation(
    "mish",
    z * tanh(log(1 + exp(z))),
    computed=z * tanh(_softplus),
    slope=tanh(softplus(z)) + z * (1 - tanh(softplus(z)) ** 2) * sigmoid(z),
    range=Domain(-0.30884341301725043),
    initializer="he_uniform",
)

hard_sigmoid = activation(
    "hard_sigmoid",
    minimum(maximum(z + 3, 0), 6) / 6,
    slope=greater(a, 0) * greater(1, a) / 6,
    kinks=(-3.0, 3.0),
    range=UNIT,
)

exponential = Activation(
    name="exponential",
    value=exp(z),
    computed=exp(z),
    slope=a + 0,
    logarithm=z + 0,
    range=POSITIVE,
)

_shifted = z_k - Largest(z_k, UNITS)

softmax = Activation(
    name="softmax",
    value=exp(z_k) / total(exp(z_k), UNITS),
    # Subtracting the largest z does not change the value, and every exponent is then at most 0.
    computed=exp(_shifted) / total(exp(_shifted), UNITS),
    pullback=a_k * (g_k - product(a_k, g_k, over=[UNITS])),
    logarithm=_shifted - log(total(exp(_shifted), UNITS)),
    range=SIMPLEX,
)

CATALOGUE: dict[str, Activation] = {
    entry.name: entry
    for entry in (
        identity,
        sigmoid,
        hyperbolic_tangent,
        relu,
        leaky_relu,
        elu,
        selu,
        softplus,
        softsign,
        silu,
        gelu,
        mish,
        hard_sigmoid,
        exponential,
        softmax,
    )
}
"""Every activation by name."""

ALIASES = {"logistic": "sigmoid", "linear": "identity", "swish": "silu"}
"""Other names in use; files and printed text have the names above."""


def find(given: str | Activation) -> Activation:
    """Return the activation of a name or alias; an ``Activation`` is returned unchanged.

    Raises ``InputError`` for any other value.

    >>> find("logistic").name
    'sigmoid'
    """
    if isinstance(given, Activation):
        return given
    if not isinstance(given, str):
        raise InputError(
            requirement("activation", "a name such as 'tanh', or an Activation", given)
        )
    name = ALIASES.get(given, given)
    if name not in CATALOGUE:
        raise unknown_name("activation", given, [*CATALOGUE, *ALIASES])
    return CATALOGUE[name]
