"""Losses that collapse to A − Y with their activation, and those that must not.

Proved: softmax and sigmoid with log loss and the exponential with poisson lose every function and
quotient through named rewrites, and the result equals what the rules gave; it stays right where the
outputs round to 0 and 1.  Softmax with squared errors keeps its form, and with it its digits.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.formulas.differentiate import Equation
from chainrule.formulas.evaluate import evaluate
from chainrule.kernels.reference import Execution
from chainrule.network.architecture import Network
from chainrule.network.gradients import differentiate
from chainrule.plans.plan import plan
from chainrule.verification import random_values, verify

Array = NDArray[np.float64]


def backward_of(network: Network, values: Mapping[str, Any], weighted: bool = False) -> Any:
    """Return the cotangent of the last z, its final value and the value before any rewrite."""
    formulation = network.formulation(weighted=weighted)
    gradients = differentiate(formulation)
    known = dict(values)
    for equation in formulation.equations:
        known[equation.left.name] = evaluate_over(equation, known)
    for entry in gradients.backward:
        known[entry.left.name] = evaluate_over(entry.equation, known)
    z, a = (equation.left for equation in formulation.equations[-2 - 1 : -1])
    entry = gradients.of(z)
    return entry, known[entry.left.name], evaluate_over(entry.derived, known), known[a.name]


def evaluate_over(equation: Equation, values: Mapping[str, Any]) -> Array:
    return evaluate(equation.right, values)


COLLAPSES = [
    ("softmax", "log_loss", 1),
    ("sigmoid", "log_loss", 1),
    ("exponential", "poisson", 3),
]
"""Last activation, loss, and what A − Y is divided by beside the number of samples."""


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("last", "loss", "divisor"), COLLAPSES)
def test_collapses_to_the_difference(last: str, loss: str, divisor: int, weighted: bool) -> None:
    for layers in ([4, 3], [4, 5, 3], [4, 5, 2, 3]):
        network = Network.dense(layers, ["tanh"] * (len(layers) - 2) + [last], loss)
        values = random_values(network, seed=1, samples=6)
        entry, found, unfused, A = backward_of(network, values, weighted)
        assert [rewrite.name for rewrite in entry.rewrites][:2] == ["substitute", "cancel"]
        share = values["w"] / values["w"].sum() if weighted else np.full(6, 1 / 6)
        expected = share[:, np.newaxis] * (A - values[network.names.target]) / divisor
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(unfused, expected, rtol=1e-12, atol=1e-15)
        # Neither a quotient nor a function is left in it.
        text = str(entry.right)
        assert re.search(r"\(a_\w+,bi − y\w*[,_]bi\)", text)
        assert text.count("a_") == text.count("y_") == 1


@pytest.mark.parametrize("loss", ["mse", "half_mse"])
def test_softmax_with_squared_error_does_not_collapse_and_is_exact(loss: str) -> None:
    network = Network.dense([4, 5, 3], ["tanh", "softmax"], loss)
    values = random_values(network, seed=1, samples=6)
    entry, found, _, A = backward_of(network, values)
    assert not {rewrite.name for rewrite in entry.rewrites} & {"cancel", "assume"}, entry.right
    # J = diag(a) − a aᵀ, sample by sample.
    scale = 2 / 3 if loss == "mse" else 1.0
    for delta, a, y in zip(found, A, values["Y_t"], strict=True):
        expected = (np.diag(a) - np.outer(a, a)) @ (scale * (a - y)) / 6
        np.testing.assert_allclose(delta, expected, rtol=1e-13, atol=1e-17)
    assert verify(network).passed


@pytest.mark.parametrize("loss", ["mse", "half_mse"])
def test_softmax_with_squared_error_keeps_its_digits_near_the_target(loss: str) -> None:
    # Multiplied out, a (a − y − Σ a² + Σ a y) would carry the rounding of 1, not of a − y.
    network = Network.dense([1, 3], ["softmax"], loss)
    values = random_values(network, seed=1, samples=4)
    A = backward_of(network, values)[-1]
    values["Y"] = A + 1e-9 * np.array([1.0, -2.0, 1.0])
    _, found, _, _ = backward_of(network, values)
    scale = 2 / 3 if loss == "mse" else 1.0
    for delta, a, y in zip(found, A, values["Y"], strict=True):
        error = a - y
        expected = scale / 4 * a * (error - a @ error)
        np.testing.assert_allclose(delta, expected, rtol=0, atol=1e-12 * np.max(np.abs(expected)))


@pytest.mark.parametrize(("last", "loss"), [("tanh", "mse"), ("softplus", "gamma")])
def test_other_pairs_keep_their_slope(last: str, loss: str) -> None:
    network = Network.dense([4, 5, 3], ["tanh", last], loss)
    values = random_values(network, seed=1, samples=6)
    entry, found, unfused, _ = backward_of(network, values)
    assert not {rewrite.name for rewrite in entry.rewrites} & {"cancel", "assume"}, entry.right
    np.testing.assert_allclose(found, unfused, rtol=1e-13)


@pytest.mark.parametrize(
    ("last", "loss", "Y", "expected"),
    [
        ("softmax", "log_loss", [1.0, 0.0], 0.0),
        ("softmax", "log_loss", [0.0, 1.0], 1600.0),
        ("softmax", "log_loss", [0.5, 0.5], 800.0),
        ("sigmoid", "log_loss", [1.0, 0.0], 0.0),
        ("sigmoid", "log_loss", [0.0, 1.0], 1600.0),
        ("sigmoid", "poisson", [1.0, 1.0], (800 - 1) / 2),
    ],
)
def test_outputs_that_round_to_0_or_1_keep_loss_and_gradient(
    last: str, loss: str, Y: list[float], expected: float
) -> None:
    network = Network.dense([1, 2], [last], loss)
    steps = plan(differentiate(network.formulation()))
    run = Execution(steps)
    run.give({"X": [[800.0]], "W_1": [[1.0, -1.0]], "b_1": [0.0, 0.0], "Y": [Y]})
    with np.errstate(all="raise", under="ignore"):
        run.all()
    assert float(run.scalar(steps.loss)) == pytest.approx(expected, rel=1e-14, abs=1e-300)
    if (last, loss) != ("sigmoid", "poisson"):
        delta = run.values[steps.gradients["b_1"]]
        np.testing.assert_allclose(delta, [[1 - Y[0], -Y[1]]], atol=1e-300)


def test_exponential_poisson_far_out_is_finite() -> None:
    network = Network.dense([1, 1], ["exponential"], "poisson")
    steps = plan(differentiate(network.formulation()))
    run = Execution(steps)
    run.give({"X": [[-800.0]], "W_1": [[1.0]], "b_1": [0.0], "Y": [[2.0]]})
    run.all()
    # a − y + y log y − y z with a = e^(−800).
    assert float(run.scalar(steps.loss)) == pytest.approx(-2 + 2 * np.log(2) + 1600, rel=1e-14)
    assert run.values[steps.gradients["b_1"]].item() == -2.0
