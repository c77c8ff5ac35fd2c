"""From the layers' equations to a formulation: the loss of each head, their sum, and penalties."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import (
    ONE,
    Expression,
    Size,
    Symbol,
    add,
    power,
    product,
    total,
)
from chainrule.network.formulation import Formulation
from chainrule.network.graph import Layer
from chainrule.network.losses import Form
from chainrule.network.penalties import Penalty
from chainrule.network.scope import SAMPLES, Scope

LOSS, DATA_LOSS = Symbol("Loss"), Symbol("DataLoss")
WEIGHTS = Symbol("w", (SAMPLES,))
"""The weight of each sample, where there are weights."""


@dataclass(frozen=True)
class Head:
    """An output of a network with its target, the formula of its loss, and its layer."""

    form: Form
    target: Symbol
    output: Symbol
    layer: Layer

    def loss(self, front: Sequence[Expression], *, batch: bool, reported: bool) -> Expression:
        """Return the loss of a batch or of one sample, or the one that histories show."""
        samples = SAMPLES if batch else None
        value = self.form.reported if reported else None
        units = self.output.axes[-1]
        return self.form.over(self.target, self.output, units, *front, samples=samples, value=value)

    def facts(self) -> dict[Expression, Expression]:
        """Return what may be assumed: shares of a whole, targets and outputs, add up to one."""
        units = self.output.axes[-1]
        known = self.form.facts(self.target, units)
        return known | ({total(self.output, units): ONE} if self.layer.range.simplex else {})


def formulation_of(
    scope: Scope, heads: Sequence[Head], penalties: Sequence[Penalty], *, weighted: bool
) -> Formulation:
    """Return the formulation of the equations in a scope, with the losses of the heads.

    The loss is Σ ω loss of several heads, plus the penalties; with ``weighted`` each sample has a
    weight w, and a loss is Σ w ℓ / Σ w.
    """
    frozen = [s.symbol for s in scope.parameters if _is_given(scope, s.symbol.name, s.kind)]
    parameters = [s.symbol for s in scope.parameters if s.symbol not in frozen]
    weights = [s.symbol for s in scope.parameters if s.kind == "weight"]
    front: list[Expression] = []
    if weighted:
        front = [power(total(WEIGHTS, SAMPLES), -1), WEIGHTS]
    elif scope.batch:
        front = [power(Size(SAMPLES), -1)]
    data_loss = DATA_LOSS if penalties else LOSS
    several = len(heads) > 1
    shares = [
        Symbol(f"Loss_{number}") if several else data_loss for number in range(1, len(heads) + 1)
    ]
    letters = [Symbol(f"ω_{number}") for number in range(1, len(heads) + 1)] if several else []
    equations = list(scope.equations)
    reported: dict[Symbol, Expression] = {}
    facts = dict(scope.facts)
    for left, head in zip(shares, heads, strict=True):
        equations.append(Equation(left, head.loss(front, batch=scope.batch, reported=False)))
        if head.form.reported is not None:
            reported[left] = head.loss(front, batch=scope.batch, reported=True)
        facts |= head.facts()
    if several:
        weighed = (letter * share for letter, share in zip(letters, shares, strict=True))
        equations.append(Equation(data_loss, add(*weighed)))
    if penalties:
        added = _penalties(penalties, weights, front[:1])
        equations.append(Equation(LOSS, add(DATA_LOSS, *added)))
    given = [
        *(*scope.inputs, *(head.target for head in heads), *frozen),
        *(*scope.constants, *scope.draws, *([WEIGHTS] if weighted else [])),
        *(*letters, *(penalty.symbol for penalty in penalties)),
    ]
    return Formulation(
        equations=tuple(equations),
        loss=LOSS,
        parameters=tuple(parameters),
        inputs=tuple(given),
        output=heads[0].output,
        outputs=tuple(head.output for head in heads),
        data_loss=data_loss,
        facts=facts,
        deltas=frozenset(scope.deltas),
        reported=reported,
        draws=scope.draws,
        running=tuple(scope.running),
        shares=tuple(shares),
        counts=frozenset(scope.counts),
    )


def _is_given(scope: Scope, name: str, kind: str) -> bool:
    return kind == "running" or scope.option(name) is False


def _penalties(
    penalties: Sequence[Penalty], weights: Sequence[Symbol], front: Sequence[Expression]
) -> Iterator[Expression]:
    """Yield the penalty of each weight matrix; ``front`` is the share of one sample."""
    for penalty in penalties:
        for matrix in weights:
            whole = penalty.of(matrix)
            yield product(*front, whole) if penalty.per_sample else whole
