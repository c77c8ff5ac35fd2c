"""One weight: why it moves by what it moves in one step.

The gradient is divided by samples (and penalties), one sample's share by the paths from the
weight to the loss, the step by its causes.  Each is a ``Ledger``, so that every column adds up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from chainrule.check_result import CheckResult
from chainrule.documents.elements import ArrayEntry
from chainrule.explanation.independent_values import IndependentValues
from chainrule.explanation.ledger_format import Ledger, ledger
from chainrule.explanation.step_decomposition import DATA, PENALTY, split
from chainrule.explanation.step_values import StepValues
from chainrule.explanation.weight_paths import PathFactor, WeightPath, WeightPaths
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import ONE, Expression, Symbol
from chainrule.network.optimizers import STEPS, G, W
from chainrule.plans.plan import memory_of

MOST_SAMPLES = 12
"""Samples whose shares are listed one by one; of more, the largest shares and the rest together."""


@dataclass(frozen=True)
class Share:
    """A part of a gradient: of one sample, of the other samples together, or of the penalties."""

    kind: Literal["sample", "others", "penalty"]
    sample: int = 0
    count: int = 1
    formula: Expression | None = None


@dataclass(frozen=True)
class PathLabel:
    """A part of a sample's share: one path, or the other paths together."""

    path: WeightPath | None
    count: int = 1


@dataclass(frozen=True)
class Cause:
    """A part of a step: ``kind`` is that of ``network.causes``, or ``scaling``.

    ``formula`` is what the part is before it is scaled.
    """

    kind: str
    formula: Expression | None


@dataclass(frozen=True)
class Scaling:
    """What an optimizer multiplies a step by."""

    formula: Expression
    value: float


@dataclass(frozen=True)
class WeightAccount:
    """One weight's gradient and step, with every number.

    ``before`` and ``after`` are its values around the step of the reference backend, ``gradient``
    adds up the samples' shares and the penalty, ``sample`` is the one whose chain and paths are
    shown, ``step`` adds up the causes to the change; if the optimizer scales, ``scaled`` does it
    with the scaling inside each cause instead of beside them.  ``assignments``
    are the optimizer's, each with what it gives, ``values`` its symbols before the step.
    """

    entry: ArrayEntry
    before: float
    after: float
    gradient: Ledger[Share]
    sample: int
    chain: tuple[PathFactor, ...]
    paths: Ledger[PathLabel]
    step: Ledger[Cause]
    scaled: Ledger[Cause]
    scaling: Scaling | None
    assignments: tuple[tuple[Equation, float], ...]
    values: Mapping[Symbol, float]
    mark: CheckResult

    @property
    def change(self) -> float:
        """The step of the weight."""
        return self.after - self.before


def account_of(
    batch: StepValues, independent: IndependentValues, entry: ArrayEntry
) -> WeightAccount:
    """Return why a weight moves as it does."""
    chains = WeightPaths(batch)
    shares = chains.shares(entry)
    penalty = chains.penalty(entry)
    total = chains.cotangent(entry)
    sample = max(range(len(shares)), key=lambda index: abs(shares[index]))
    parts = _shares(shares)
    if penalty is not None:
        parts.append((Share("penalty", formula=penalty[0]), penalty[1]))
    paths = chains.paths(entry, sample)
    listed: list[tuple[PathLabel, float]] = [(PathLabel(path), path.value) for path in paths]
    rest = chains.count(entry, sample) - len(paths)
    if rest:
        listed.append((PathLabel(None, rest), shares[sample] - fsum(path.value for path in paths)))
    before = float(batch.parameters[entry.symbol.name][entry.index])
    after = float(batch.after[entry.symbol.name][entry.index])
    values = _values(batch, entry, fsum(shares), total)
    step, scaled, scaling = _step(batch, values, after - before)
    return WeightAccount(
        entry=entry,
        before=before,
        after=after,
        gradient=ledger(parts, total),
        sample=sample,
        chain=chains.chain(entry, sample),
        paths=ledger(listed, shares[sample]),
        step=step,
        scaled=scaled,
        scaling=scaling,
        assignments=_assignments(batch, values),
        values=values,
        mark=independent.mark_entry(entry.symbol, entry.index, total),
    )


def _shares(shares: Sequence[float]) -> list[tuple[Share, float]]:
    if len(shares) <= MOST_SAMPLES:
        return [(Share("sample", index), share) for index, share in enumerate(shares)]
    ranked = sorted(range(len(shares)), key=lambda index: -abs(shares[index]))
    largest, rest = sorted(ranked[: MOST_SAMPLES - 2]), ranked[MOST_SAMPLES - 2 :]
    listed = [(Share("sample", index), shares[index]) for index in largest]
    return [*listed, (Share("others", count=len(rest)), fsum(shares[index] for index in rest))]


def _values(
    batch: StepValues, entry: ArrayEntry, data: float, gradient: float
) -> dict[Symbol, float]:
    """Return what the symbols of the optimizer's statement are for one weight, before the step."""
    optimizer = batch.optimizer
    values = {Symbol(letter): value for letter, value in optimizer.constants.items()}
    values |= {STEPS: float(batch.step), G: gradient, DATA: data, PENALTY: gradient - data}
    values[W] = float(batch.parameters[entry.symbol.name][entry.index])
    for memory, named in zip(optimizer.memory, memory_of(entry.symbol, optimizer), strict=True):
        values[memory] = float(batch.memory[named.name][entry.index])
    return values


def _value(tree: Expression, values: Mapping[Symbol, float]) -> float:
    return float(evaluate(tree, {symbol.name: number for symbol, number in values.items()}))


def _assignments(
    batch: StepValues, before: Mapping[Symbol, float]
) -> tuple[tuple[Equation, float], ...]:
    """Return the assignments of one step, in order, each with what it gives."""
    values, found = dict(before), []
    for equation in batch.optimizer.updates:
        values[equation.left] = _value(equation.right, values)
        found.append((equation, values[equation.left]))
    return tuple(found)


def _step(
    batch: StepValues, before: Mapping[Symbol, float], change: float
) -> tuple[Ledger[Cause], Ledger[Cause], Scaling | None]:
    """Return the step of one weight by its causes, the scaling beside them and inside them."""
    whole = split(batch.optimizer)
    values = dict(before)
    for equation in whole.first:
        values[equation.left] = _value(equation.right, values)
    parts = [part for part in whole.parts if part.cause != "penalty" or batch.network.penalties]
    labels = [Cause(part.cause, part.plain) for part in parts]
    plain = [_value(part.plain, values) for part in parts]
    scales = {part.scaling: _value(part.scaling, values) for part in parts}
    scaled = [number * scales[part.scaling] for part, number in zip(parts, plain, strict=True)]
    causes = list(zip(labels, plain, strict=True))
    inside = ledger(list(zip(labels, scaled, strict=True)), change)
    factors = scales.keys() - {ONE}
    if not factors:
        return ledger(causes, change), inside, None
    (formula,) = factors  # every optimizer of the catalogue has one divisor
    added = fsum([*scaled, *(-number for number in plain)])
    beside = ledger([*causes, (Cause("scaling", None), added)], change)
    return beside, inside, Scaling(formula, scales[formula])
