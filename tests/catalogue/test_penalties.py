"""Every penalty of the catalogue: value and gradient against PyTorch, and what it leaves out.

Proved: L2 is ½λ‖W‖² and L1 λΣ|w| over the weights alone, added to what is minimized and not to
the data loss; their gradients are what PyTorch's autograd and its weight decay give; the slope of
|w| at 0 is 0; several penalties add up.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import derivative
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import Symbol
from chainrule.kernels.reference import Execution, named_array
from chainrule.network.architecture import Network
from chainrule.network.gradients import differentiate
from chainrule.network.penalties import CATALOGUE, L1, L2, STORED, L2PerSample, Penalty
from chainrule.plans.plan import plan
from chainrule.verification import random_values, verify

LAYERS = [3, 4, 2]


def network_with(*penalties: Penalty, **options: Any) -> Network:
    return Network.dense(LAYERS, activation="tanh", loss="mse", penalty=penalties, **options)


def run(network: Network, values: dict[str, Any]) -> tuple[float, float, dict[str, Any]]:
    """Return the loss, the data loss and the gradients."""
    gradients = differentiate(network.formulation())
    steps = plan(gradients)
    execution = Execution(steps)
    execution.give({**values, **network.strengths})
    execution.all()
    found = {
        symbol.name: named_array(execution.values[steps.gradients[symbol.name]], symbol)
        for symbol in gradients.formulation.parameters
    }
    return float(execution.scalar(steps.loss)), float(execution.scalar(steps.data_loss)), found


def torch_penalty(penalties: tuple[Penalty, ...], weights: list[Any], samples: int) -> Any:
    import torch

    total = torch.zeros((), dtype=torch.float64)
    for penalty in penalties:
        for matrix in weights:
            if penalty.name.startswith("L2"):
                share = samples if penalty.name == "L2_per_sample" else 1
                total = total + penalty.strength / share * torch.linalg.matrix_norm(matrix) ** 2 / 2
            else:
                assert penalty.name == "L1"
                total = total + penalty.strength * torch.linalg.vector_norm(matrix, ord=1)
    return total


CASES = [(L2(0.3),), (L1(0.2),), (L2(0.3), L1(0.2)), (L2(0.0),), (L2PerSample(0.3),)]


def test_every_entry_is_tested() -> None:
    assert {penalty.name for case in CASES for penalty in case} == set(STORED)
    assert all(STORED[name].name == name for name in STORED)
    letters = [entry.letter for entry in STORED.values()]
    assert len(set(letters)) == len(letters)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("penalties", CASES, ids=str)
def test_value_and_gradient(penalties: tuple[Penalty, ...]) -> None:
    import torch

    plain, network = network_with(), network_with(*penalties)
    values = random_values(network, seed=3)
    bare_loss, _, bare = run(plain, values)
    loss, data_loss, found = run(network, values)
    weights = {name: torch.tensor(values[name], requires_grad=True) for name in ("W_ih", "W_ho")}
    added = torch_penalty(penalties, list(weights.values()), len(values["X"]))
    added.backward()
    assert data_loss == bare_loss
    assert loss == pytest.approx(bare_loss + added.item(), rel=1e-14)
    for name, gradient in found.items():
        expected = bare[name]
        if name in weights:
            expected = expected + weights[name].grad.numpy()
        np.testing.assert_allclose(gradient, expected, rtol=1e-13, atol=1e-16)
    for bias in ("b_ih", "b_ho"):
        np.testing.assert_array_equal(found[bias], bare[bias])


@pytest.mark.peers("torch")
def test_l2_is_the_weight_decay_of_torch() -> None:
    import torch

    network = network_with(L2(0.3))
    values = random_values(network, seed=3)
    _, _, found = run(network, values)
    _, _, bare = run(network_with(), values)
    for name in ("W_ih", "W_ho"):
        parameter = torch.tensor(values[name], requires_grad=True)
        parameter.grad = torch.tensor(bare[name])
        torch.optim.SGD([parameter], lr=1.0, weight_decay=0.3).step()
        step = values[name] - parameter.detach().numpy()
        np.testing.assert_allclose(found[name], step, rtol=1e-12, atol=1e-15)


def test_penalty_of_one_matrix() -> None:
    W = Symbol("W", (Axis("i", 0), Axis("o", 1)))
    values: dict[str, ArrayLike] = {"W": [[1.0, -2.0], [0.0, 3.0]], "λ": 0.5, "λ_1": 0.25}
    assert evaluate(L2(0.5).of(W), values) == 0.5 * 0.5 * 14
    assert evaluate(L1(0.25).of(W), values) == 0.25 * 6
    slope = evaluate(derivative(L1(0.25).of(W), W), values)
    np.testing.assert_array_equal(slope, [[0.25, -0.25], [0.0, 0.25]])
    slope = evaluate(derivative(L2(0.5).of(W), W), values)
    np.testing.assert_array_equal(slope, [[0.5, -1.0], [0.0, 1.5]])


@pytest.mark.parametrize("penalties", CASES, ids=str)
def test_verifies(penalties: tuple[Penalty, ...]) -> None:
    result = verify(network_with(*penalties), seed=1)
    assert result.passed, str(result)


def test_a_share_of_the_penalty_per_unit_of_weight() -> None:
    # Weights of two in place of each row twice: the same loss and gradients.
    network = network_with(L2PerSample(0.3))
    values = random_values(network, seed=3)
    twice = {name: np.repeat(values[name], 2, axis=0) for name in ("X", "Y_t")}
    expected = run(network, {**values, **twice})
    weighted = plan(differentiate(network.formulation(weighted=True)))
    execution = Execution(weighted)
    execution.give({**values, **network.strengths, "w": np.full(len(values["X"]), 2.0)})
    execution.all()
    assert execution.scalar(weighted.loss) == pytest.approx(expected[0], rel=1e-14)
    for name, gradient in expected[2].items():
        found = execution.values[weighted.gradients[name]].reshape(gradient.shape)
        np.testing.assert_allclose(found, gradient, rtol=1e-12, atol=1e-16)


def test_strengths_and_names() -> None:
    network = network_with(L2(0.3), L1(0.2))
    assert network.strengths == {"λ": 0.3, "λ_1": 0.2}
    assert "L2 0.3, L1 0.2" in str(network)
    assert network.with_penalty(L2(0.1)).strengths == {"λ": 0.1}


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_a_strength_must_be_finite_and_not_negative(name: str, strength: float) -> None:
    with pytest.raises(InputError, match=name):
        CATALOGUE[name](strength)


def test_the_same_kind_twice_is_refused() -> None:
    with pytest.raises(InputError, match="`penalty` must have each kind once"):
        network_with(L2(0.1), L2(0.2))


# -- the assertion can fail -----------------------------------------------------------------------


class Halved(L2):
    """Forgets the ½ the other way: ¼ λ ‖W‖²."""

    def of(self, weights: Symbol) -> Any:
        return super().of(weights) / 2


class Biased(L1):
    """Counts a quarter of the square too."""

    def of(self, weights: Symbol) -> Any:
        return super().of(weights) + self.symbol * L2.of(L2(1.0), weights) / 4


@pytest.mark.peers("torch")
@pytest.mark.parametrize("wrong", [Halved(0.3), Biased(0.2)])
def test_a_wrong_penalty_is_caught(wrong: Penalty) -> None:
    with pytest.raises((AssertionError, InputError)):
        test_value_and_gradient((wrong,))
