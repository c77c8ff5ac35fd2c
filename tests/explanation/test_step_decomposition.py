"""Causes of a step: they add up to an optimizer's own assignments, and to PyTorch's step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.explanation.step_decomposition import CAUSES, DATA, PENALTY, split
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import ONE, Expression, Symbol, symbols
from chainrule.network.optimizers import (
    SGD,
    STEPS,
    Adam,
    AdamHat,
    AdamW,
    G,
    Optimizer,
    RMSprop,
    W,
)
from tests.selection import examples

OPTIMIZERS = [
    SGD(0.3),
    SGD(0.3, momentum=0.9),
    SGD(0.3, momentum=0.9, nesterov=True),
    Adam(0.01),
    AdamHat(0.01),
    AdamW(0.01, weight_decay=0.1),
    RMSprop(0.01),
]


def name(optimizer: Optimizer) -> str:
    return repr(optimizer)


def value(tree: Expression, values: dict[Symbol, float]) -> float:
    return float(evaluate(tree, {symbol.name: number for symbol, number in values.items()}))


def change(optimizer: Optimizer, values: dict[Symbol, float]) -> float:
    """The step by the catalogue's own assignments, one after the other."""
    now = {**values, G: values[DATA] + values[PENALTY]}
    for update in optimizer.updates:
        now[update.left] = value(update.right, now)
    return now[W] - values[W]


def parts(optimizer: Optimizer, values: dict[Symbol, float]) -> dict[str, float]:
    now = {**values, G: values[DATA] + values[PENALTY]}
    whole = split(optimizer)
    for update in whole.first:
        now[update.left] = value(update.right, now)
    return {part.cause: value(part.whole, now) for part in whole.parts}


numbers = st.floats(-3, 3).map(lambda number: round(number, 3))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
@given(
    w=numbers, data=numbers, penalty=numbers, m=numbers, v=st.floats(0.01, 3), t=st.integers(1, 50)
)
@examples(30)
def test_parts_add_up_to_the_assignments(
    optimizer: Optimizer, w: float, data: float, penalty: float, m: float, v: float, t: int
) -> None:
    values = {Symbol(letter): number for letter, number in optimizer.constants.items()}
    values |= {W: w, DATA: data, PENALTY: penalty, STEPS: float(t)}
    values |= {kept: {"m": m, "v": v}[kept.name] for kept in optimizer.memory}
    found = parts(optimizer, values)
    assert np.isclose(sum(found.values()), change(optimizer, values), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_a_cause_that_is_taken_away_takes_its_part_away(optimizer: Optimizer) -> None:
    """Each part is 0 where its cause is 0, whatever the others are."""
    values = {Symbol(letter): number for letter, number in optimizer.constants.items()}
    values |= {W: 0.7, DATA: 0.2, PENALTY: 0.1, STEPS: 3.0}
    values |= {kept: 0.4 for kept in optimizer.memory}
    carriers = {"data": DATA, "penalty": PENALTY, "decay": W}
    scaled = {update.left for update in split(optimizer).first}
    memory = [kept for kept in optimizer.memory if kept not in scaled]
    found = parts(optimizer, values)
    assert set(found) <= set(CAUSES) - {"other"}
    assert {"data", "penalty"} <= set(found)
    assert ("memory" in found) == bool(memory)
    assert ("decay" in found) == isinstance(optimizer, AdamW)
    for cause in found:
        gone = [carriers[cause]] if cause in carriers else memory
        without = parts(optimizer, {**values, **dict.fromkeys(gone, 0.0)})
        assert found[cause] != 0
        assert without[cause] == 0


def test_only_optimizers_with_squared_gradients_scale() -> None:
    for optimizer in OPTIMIZERS:
        scalings = {part.scaling for part in split(optimizer).parts if part.cause != "decay"}
        assert (scalings == {ONE}) == isinstance(optimizer, SGD)
        assert len(scalings) == 1
        first = {update.left.name for update in split(optimizer).first}
        assert first == (set() if isinstance(optimizer, SGD) else {"v"})
        for part in split(optimizer).parts:
            assert G not in symbols(part.whole)


# PyTorch has no Adam with ε outside the bias correction.
@pytest.mark.peers("torch")
@pytest.mark.parametrize(
    "optimizer", [o for o in OPTIMIZERS if not isinstance(o, AdamHat)], ids=name
)
def test_parts_add_up_to_the_step_of_torch(optimizer: Optimizer) -> None:
    """Five steps with given gradients: our causes, from our memory, against torch.optim's step."""
    import torch

    weight = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
    peer = _peer(optimizer, weight)
    values = {Symbol(letter): number for letter, number in optimizer.constants.items()}
    values |= {kept: 0.0 for kept in optimizer.memory}
    for step, gradient in enumerate((0.3, -0.2, 0.05, 0.7, -0.4), start=1):
        before = float(weight.detach())
        values |= {W: before, DATA: gradient / 3, PENALTY: gradient * 2 / 3, STEPS: float(step)}
        found = sum(parts(optimizer, values).values())
        now = {**values, G: gradient}
        for update in optimizer.updates:
            now[update.left] = value(update.right, now)
        values |= {kept: now[kept] for kept in optimizer.memory}
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        peer.step()
        assert np.isclose(found, float(weight.detach()) - before, rtol=1e-9, atol=1e-15)


def _peer(optimizer: Optimizer, weight):
    import torch

    rate = optimizer.learning_rate
    match optimizer:
        case AdamW():
            return torch.optim.AdamW([weight], lr=rate, weight_decay=optimizer.weight_decay)
        case Adam():
            return torch.optim.Adam([weight], lr=rate)
        case RMSprop():
            return torch.optim.RMSprop([weight], lr=rate, alpha=optimizer.decay)
        case SGD():
            return torch.optim.SGD(
                [weight], lr=rate, momentum=optimizer.momentum, nesterov=optimizer.nesterov
            )
    raise TypeError(type(optimizer))
