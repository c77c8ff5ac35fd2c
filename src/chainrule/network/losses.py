"""The catalogue of losses: each stated once, for one output of one sample.

An entry is the loss ℓ(y, a) of a target ``y`` and an output ``a``, whether outputs are averaged or
summed, and the outputs and targets it is defined for.  Samples are always averaged (with weights:
Σ w ℓ / Σ w).  Gradients are derived: A − Y for softmax with log loss, sigmoid with log loss, and
the exponential with Poisson is a result of the rewrites of ``formulas.simplify``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from inspect import signature
from typing import Any, ParamSpec

from chainrule.errors import InputTypeError, unknown_name
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Size,
    Symbol,
    power,
    product,
    substitute,
    total,
)
from chainrule.formulas.functions import absolute, greater, log, maximum, minimum, where
from chainrule.network.domains import (
    BELOW_ONE,
    NOT_NEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REALS,
    SIMPLEX,
    UNIT,
    Domain,
    checked,
)
from chainrule.validation import requirement

P = ParamSpec("P")

y = Symbol("y")
"""The target of one output."""
a = Symbol("a")
"""The output."""


@dataclass(frozen=True, eq=False)
class Form:
    """One formula of a loss, for one kind of output.

    ``value`` is ℓ(y, a) of one output; ``averaged`` is whether a sample's outputs are averaged or
    summed.  ``outputs`` and ``targets`` are where it is defined; ``canonical`` is the name of the
    activation that suits it.  ``shares`` states that the targets of a sample sum to one.  ``kinks``
    are expressions in y and a at whose zeros the slope jumps.  ``reported`` is shown in histories
    where it differs from ``value``, which is minimized.
    """

    value: Expression
    outputs: Domain = REALS
    targets: Domain = REALS
    canonical: str = "identity"
    averaged: bool = True
    shares: bool = False
    kinks: tuple[Expression, ...] = ()
    reported: Expression | None = None

    def over(
        self,
        target: Symbol,
        output: Symbol,
        units: Axis,
        *front: Expression,
        samples: Axis | None,
        value: Expression | None = None,
    ) -> Expression:
        """Return the loss of a batch, or of one sample where ``samples`` is None.

        ``target`` and ``output`` have the axes (samples, units).  The result is one sum over these
        axes with the factors ``front``.  ``value`` replaces the form's own ℓ(y, a).
        """
        single = substitute(self.value if value is None else value, {y: target, a: output})
        shares = [power(Size(units), -1)] if self.averaged else []
        axes = (units,) if samples is None else (samples, units)
        return product(*front, *shares, single, over=axes)

    def facts(self, target: Symbol, units: Axis) -> dict[Expression, Expression]:
        """Return facts about the targets: that they sum to one, where they do."""
        return {total(target, units): ONE} if self.shares else {}


@dataclass(frozen=True, eq=False)
class Loss:
    """A named loss: one form, or one for each kind of output; ``settings`` are its constants."""

    name: str
    forms: tuple[Form, ...]
    settings: Mapping[str, float] = field(default_factory=dict)

    def __reduce__(self) -> str | tuple[Any, ...]:
        # A loss of the catalogue is the same object after copying, so that Plans are shared.
        made = CATALOGUE.get(self.name)
        if made is not None and made(**self.settings) is self:
            return (_found, (self.name, dict(self.settings)))
        return super().__reduce__()

    def form_for(self, produced: Domain) -> Form | None:
        """Return the form that takes outputs of this range, or None."""
        return next((form for form in self.forms if produced <= form.outputs), None)

    def summed(self) -> "Loss":
        """Return the same loss with outputs summed instead of averaged."""
        return _summed(self)


@cache
def _summed(loss: Loss) -> Loss:
    # Cached: losses are compared by identity, and networks with one loss share their Plans.
    forms = tuple(replace(form, averaged=False) for form in loss.forms)
    return replace(loss, forms=forms)


def _once(make: Callable[P, Loss]) -> Callable[P, Loss]:
    """Return each loss once, whether its constants are stated or are the defaults.

    Losses are compared by identity, and networks with one loss share their Plans.
    """
    constants, made = signature(make), cache(make)

    @wraps(make)
    def found(*args: P.args, **settings: P.kwargs) -> Loss:
        bound = constants.bind(*args, **settings)
        bound.apply_defaults()
        return made(*bound.args)

    return found


@cache
def mse() -> Loss:
    """Mean squared error: the mean of (y − a)² over samples and outputs."""
    return Loss("mse", (Form((y - a) ** 2),))


@cache
def half_mse() -> Loss:
    """Half squared error: ½ Σ (y − a)² over outputs, averaged over samples."""
    return Loss("half_mse", (Form((y - a) ** 2 / 2, averaged=False),))


@cache
def mae() -> Loss:
    """Mean absolute error: the mean of |y − a|; its slope at 0 is 0."""
    return Loss("mae", (Form(absolute(y - a), kinks=(y - a,)),))


@_once
def huber(delta: float = 1.0) -> Loss:
    """Huber (1964): ½ e² where |e| ≤ δ, else δ(|e| − ½δ), with e = y − a."""
    delta = checked(delta, "huber: delta", POSITIVE, "such as 1")
    size = absolute(y - a)
    outside = delta * (size - delta / 2)
    value = where(greater(size, delta), outside, (y - a) ** 2 / 2)
    return Loss("huber", (Form(value),), {"delta": delta})


@_once
def quantile(level: float = 0.5) -> Loss:
    """Quantile (pinball): q e where e > 0, else (q − 1) e, with e = y − a."""
    level = checked(level, "quantile: level", OPEN_UNIT, "such as 0.9")
    value = maximum(level * (y - a), (level - 1) * (y - a))
    return Loss("quantile", (Form(value, kinks=(y - a,)),), {"level": level})


@_once
def log_loss(clip: float = 0.0) -> Loss:
    """Cross-entropy: −Σ y log a on the simplex, else −Σ (y log a + (1 − y) log(1 − a)).

    The first form is for softmax, the second for sigmoid.  With ``clip`` = ε the history reports
    the loss of probabilities clipped to [ε, 1 − ε], as scikit-learn does, so that one sample with
    an infinite loss does not hide the others; the gradient is the same.
    """
    clip = checked(clip, "log_loss: clip", BELOW_ONE, "such as 1e-15")

    # Of the rounded outputs, not of the safe forms: near 1 digits are lost, as in scikit-learn.
    clipped = minimum(maximum(a, clip), 1 - clip)
    classes = Form(
        -(y * log(a)),
        outputs=SIMPLEX,
        targets=UNIT,
        canonical="softmax",
        averaged=False,
        shares=True,
        reported=-(y * log(clipped)) if clip else None,
    )
    chances = Form(
        -(y * log(a)) - (1 - y) * log(1 - a),
        outputs=OPEN_UNIT,
        targets=UNIT,
        canonical="sigmoid",
        averaged=False,
        reported=-(y * log(clipped)) - (1 - y) * log(1 - clipped) if clip else None,
    )
    return Loss("log_loss", (classes, chances), {"clip": clip} if clip else {})


@cache
def poisson() -> Loss:
    """Half Poisson deviance: a − y + y log(y/a), for counts y ≥ 0."""
    # y log y is 0 at y = 0: there the logarithm is that of 1.
    full = y * log(where(greater(y, 0), y, 1)) - y * log(a)
    return Loss(
        "poisson",
        (Form(a - y + full, outputs=POSITIVE, targets=NOT_NEGATIVE, canonical="exponential"),),
    )


@cache
def gamma() -> Loss:
    """Half gamma deviance: log(a/y) + y/a − 1, for targets y > 0."""
    return Loss(
        "gamma",
        (
            Form(
                log(a) - log(y) + y / a - 1,
                outputs=POSITIVE,
                targets=POSITIVE,
                canonical="exponential",
            ),
        ),
    )


CATALOGUE: dict[str, Callable[..., Loss]] = {
    "mse": mse,
    "half_mse": half_mse,
    "mae": mae,
    "huber": huber,
    "quantile": quantile,
    "log_loss": log_loss,
    "poisson": poisson,
    "gamma": gamma,
}
"""Every loss by name; calling an entry makes it, with its constants as keywords."""

ALIASES = {"cross_entropy": "log_loss", "squared_error": "mse", "absolute_error": "mae"}


def _found(name: str, settings: Mapping[str, float]) -> Loss:
    return CATALOGUE[name](**settings)


def find(given: str | Loss) -> Loss:
    """Return the loss of a name with its default constants; a ``Loss`` is returned unchanged.

    Raises ``InputError`` for an unknown name, ``InputTypeError`` for another type.

    >>> find("huber").settings
    {'delta': 1.0}
    """
    if isinstance(given, Loss):
        return given
    if not isinstance(given, str):
        raise InputTypeError(requirement("loss", "a name such as 'mse', or a Loss", given))
    name = ALIASES.get(given, given)
    if name not in CATALOGUE:
        raise unknown_name("loss", given, [*CATALOGUE, *ALIASES])
    return CATALOGUE[name]()
