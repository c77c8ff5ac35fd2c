"""The recipes of CONTRIBUTING, executed: one statement each, and everything follows.

A new activation (squareplus), a new loss (log-cosh) and a new optimizer (sign descent) are put into
their catalogues; names, derivation, print, Plan, execution, verification and training need nothing
else.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from chainrule.derivation.derivation import derive
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, square_root
from chainrule.formulas.functions import exp, log, sign, z
from chainrule.kernels.reference import Execution
from chainrule.network import activations, losses, optimizers
from chainrule.network.activations import activation
from chainrule.network.architecture import Network
from chainrule.network.domains import POSITIVE
from chainrule.network.gradients import differentiate
from chainrule.network.losses import Form, Loss
from chainrule.network.optimizers import ALPHA, G, Optimizer, W
from chainrule.plans.plan import plan
from chainrule.training.loop import train
from chainrule.verification import verify


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    # An activation: one statement.
    squareplus = activation("squareplus", (z + square_root(z**2 + 4)) / 2, range=POSITIVE)
    monkeypatch.setitem(activations.CATALOGUE, "squareplus", squareplus)

    # A loss: one statement, log cosh e = log((e^e + e^(−e)) / 2).
    error = losses.y - losses.a
    log_cosh = Loss("log_cosh", (Form(log((exp(error) + exp(-error)) / 2)),))
    monkeypatch.setitem(losses.CATALOGUE, "log_cosh", lambda: log_cosh)

    # An optimizer: one statement.
    @dataclass(frozen=True)
    class SignDescent(Optimizer):
        learning_rate: float = 0.01
        name = "sign_descent"
        updates = (Equation(W, W - ALPHA * sign(G)),)

    monkeypatch.setitem(optimizers.CATALOGUE, "sign_descent", SignDescent)


@pytest.fixture
def network() -> Network:
    return Network.dense([3, 5, 2], activation="squareplus", loss="log_cosh")


def numbers(network: Network):
    rng = np.random.default_rng(0)
    parameters = network.initialize(seed=1)
    for name, array in parameters.items():
        if name.startswith("b"):
            array[...] = rng.normal(size=array.shape)
    return parameters, rng.normal(size=(7, 3)), rng.normal(size=(7, 2))


def by_hand(parameters, X, Y):
    """Loss and gradients of the network in plain NumPy."""

    def squareplus(z):
        return (z + np.sqrt(z**2 + 4)) / 2, (1 + z / np.sqrt(z**2 + 4)) / 2

    a_h, slope_h = squareplus(X @ parameters["W_ih"] + parameters["b_ih"])
    a_o, slope_o = squareplus(a_h @ parameters["W_ho"] + parameters["b_ho"])
    loss = np.mean(np.log(np.cosh(Y - a_o)))
    delta_o = -np.tanh(Y - a_o) / Y.size * slope_o
    delta_h = delta_o @ parameters["W_ho"].T * slope_h
    return loss, {
        "W_ih": X.T @ delta_h,
        "b_ih": delta_h.sum(0),
        "W_ho": a_h.T @ delta_o,
        "b_ho": delta_o.sum(0),
    }


def test_names_make_a_network(network):
    assert str(network) == "3-5-2, squareplus, log_cosh, 32 parameters"
    assert network.activations[0] is activations.CATALOGUE["squareplus"]


def test_the_slope_is_derived():
    slope = activations.CATALOGUE["squareplus"].slope
    assert slope is not None
    assert "√" in str(slope)


def test_its_range_decides_which_losses_it_fits():
    assert Network.dense([2, 1], "squareplus", "poisson").activations[-1].name == "squareplus"
    assert Network.dense([2, 3], "squareplus", "log_loss").activations[-1].name == "softmax"


def test_the_derivation_follows_in_text_and_latex_and_both_languages(network):
    for layout in ("rows", "columns"):
        derivation = derive(network, layout=layout)
        assert set(derivation.gradients) == set(network.parameter_names)
        for language in ("en", "zh"):
            plain = derivation.to_text(language=language)
            assert "squareplus" in plain
            assert "√(z² + 4)" in plain
            tex = derivation.to_latex(language=language)
            assert r"\sqrt{z^{2} + 4}" in tex
            assert tex.count("{") == tex.count("}")


def test_the_plan_runs_to_the_numbers_computed_by_hand(network):
    made = plan(differentiate(network.formulation()))
    parameters, X, Y = numbers(network)
    run = Execution(made)
    run.give({**parameters, "X": X, network.names.target: Y})
    run.all()
    loss, gradients = by_hand(parameters, X, Y)
    assert float(run.scalar(made.loss)) == pytest.approx(loss, rel=1e-12)
    for name, expected in gradients.items():
        found = run.values[made.gradients[name]].reshape(expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


def test_verification_follows(network):
    result = verify(network, seed=0)
    assert result.passed, str(result)
    assert {"complex step", "central differences"} <= {method for method, _, _ in result.methods()}


def test_a_wrong_statement_is_caught(monkeypatch):
    wrong = activation("squareplus", (z + square_root(z**2 + 4)) / 2, slope=1 / (1 + z**2))
    monkeypatch.setitem(activations.CATALOGUE, "squareplus", wrong)
    assert not verify(Network.dense([3, 5, 2], "squareplus", "mse"), seed=0).passed


def test_training_follows(network):
    parameters, X, Y = numbers(network)
    result = train(
        network, X, Y, parameters=parameters, optimizer="sign_descent", epochs=1, batch_size=7
    )
    _, gradients = by_hand(parameters, X, Y)
    for name, gradient in gradients.items():
        expected = parameters[name] - 0.01 * np.sign(gradient)
        np.testing.assert_allclose(result.parameters[name], expected, rtol=1e-12)


def test_the_update_is_printed_as_stated(network):
    derivation = derive(network, optimizer="sign_descent")
    assert "W_ho ← W_ho − α sign(∂Loss/∂W_ho)" in derivation.to_text()
    assert Symbol("α") in derivation.plan().operations.inputs
