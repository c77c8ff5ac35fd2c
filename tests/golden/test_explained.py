"""Published worked examples explained: each printed factor, share and update, digit by digit.

The figures are the sources' own (see the modules of this folder that run the same examples).  What
is compared is what an explanation says: its factors, its paths, its shares, its causes, its text.
"""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.step_decomposition import DATA, PENALTY, split
from chainrule.explanation.weight_account import WeightAccount
from chainrule.formulas.evaluate import evaluate
from chainrule.network.optimizers import STEPS, G, W, m, v
from tests.golden.figures import check

# -- Mazur, "A step by step backpropagation example" -----------------------------------------------

X, Y = [[0.05, 0.10]], [[0.01, 0.99]]
PARAMETERS = {
    "W_ih": np.array([[0.15, 0.25], [0.20, 0.30]]),
    "b_ih": np.array([0.35, 0.35]),
    "W_ho": np.array([[0.40, 0.50], [0.45, 0.55]]),
    "b_ho": np.array([0.60, 0.60]),
}
NETWORK = cr.Network.dense(
    [2, 2, 2], "sigmoid", "half_mse", trainable={"b_ih": False, "b_ho": False}
)


def mazur(weight: str | None = None) -> cr.Explanation:
    return cr.explain(NETWORK, PARAMETERS, X, Y, row=0, weight=weight, optimizer=cr.SGD(0.5))


def story(weight: str) -> WeightAccount:
    found = mazur(weight).weight
    assert found is not None
    return found


def values(chain: Any) -> list[float]:
    return [factor.value for factor in chain]


def test_the_gradient_of_w5_factor_by_factor() -> None:
    """.74136507 × .186815602 × .593269992 = .082167041."""
    w5 = story("W_ho[0,0]")
    check(values(w5.chain), ".74136507 .186815602 .593269992")
    check(w5.gradient.total, ".082167041")
    check(w5.after, ".35891648")
    assert w5.mark.passed
    text = mazur("W_ho[0,0]").to_text()
    assert "0.741365070 × 0.186815602 × 0.593269992 = 0.0821670406" in text
    assert "−(0.01 − 0.751365070)" in text


def test_the_gradient_of_w1_by_both_ways() -> None:
    """∂E/∂out_h1 = .055399425 − .019049119 = .036350306; × .241300709 × .05 = .000438568."""
    w1 = story("W_ih[0,0]")
    check(values(w1.chain), ".036350306 .241300709 .05")
    check(w1.gradient.total, ".000438568")
    paths = {
        part.label.path.through[0].index: part.label.path
        for part in w1.paths.parts
        if part.label.path is not None
    }
    for output, back in (((0,), ".055399425"), ((1,), "-.019049119")):
        factors = values(paths[output].factors)
        check(np.prod(factors[:3]), back)
        check(factors[3:], ".241300709 .05")
    check(sum(path.value for path in paths.values()), ".000438568")


@pytest.mark.parametrize(
    ("weight", "after"),
    [
        ("W_ho[0,0]", ".35891648"),
        ("W_ho[1,0]", ".408666186"),
        ("W_ho[0,1]", ".511301270"),
        ("W_ho[1,1]", ".561370121"),
        ("W_ih[0,0]", ".149780716"),
        ("W_ih[1,0]", ".19956143"),
        ("W_ih[0,1]", ".24975114"),
        ("W_ih[1,1]", ".29950229"),
    ],
)
def test_every_updated_weight(weight: str, after: str) -> None:
    told = story(weight)
    check(told.after, after)
    (cause,) = told.step.parts
    assert cause.label.kind == "data"
    check(told.before + cause.value, after)


def test_every_intermediate_value_of_the_post() -> None:
    found = mazur()
    check(found.values["z_h"][0, 0], ".3775")
    check(found.values["a_h"], ".593269992 .596884378")
    check(found.values["z_o"][0, 0], "1.105905967")
    check(found.values["a_o"], ".75136507 .772928465")
    check(found.values["Loss"], ".298371109")
    check(found.values["δ_o"][0, 0], ".138498562")
    check(found.values["∂Loss/∂a_h"][0, 0], ".036350306")
    assert found.passed


# -- CS231n ----------------------------------------------------------------------------------------


def test_the_single_neuron_of_cs231n() -> None:
    """w = 2, −3, −3, x = −1, −2.

    The note differentiates the output itself.  Half the squared error from a target one below the
    output has the slope a − y = 1, so that the gradients of the loss are those of the note.
    """
    network = cr.Network.dense([2, 1], "sigmoid", "half_mse")
    parameters = {"W_1": np.array([[2.0], [-3.0]]), "b_1": np.array([-3.0])}
    output = float(cr.predict(network, parameters, [[-1.0, -2.0]]).item())
    for weight, gradient, last in (
        ("W_1[0,0]", "-.19661193", -1.0),
        ("W_1[1,0]", "-.39322387", -2.0),
        ("b_1[0]", ".19661193", 1.0),
    ):
        found = cr.explain(network, parameters, [[-1.0, -2.0]], [[output - 1]], weight=weight)
        told = found.weight
        assert told is not None
        check(told.gradient.total, gradient)
        check(told.chain[1].value, ".19661193")
        assert told.chain[0].value == pytest.approx(1.0, rel=1e-15)
        assert told.chain[-1].value == last


def test_the_penalty_of_the_toy_network_of_cs231n() -> None:
    """Loss 1.30378789133 with .05 ‖W‖²: the penalty's share of a weight is .1 w."""
    weights, data = np.random.RandomState(0), np.random.RandomState(1)
    parameters = {
        "W_ih": 0.1 * weights.randn(4, 10),
        "b_ih": np.zeros(10),
        "W_ho": 0.1 * weights.randn(10, 3),
        "b_ho": np.zeros(3),
    }
    inputs = 10 * data.randn(5, 4)
    targets = np.eye(3)[[0, 1, 2, 2, 1]]
    network = cr.Network.dense([4, 10, 3], ["relu", "softmax"], "log_loss", penalty=cr.L2(0.1))
    found = cr.explain(network, parameters, inputs, targets, weight="W_ih[2,3]")
    check(found.values["Loss"], "1.30378789133")
    assert found.weight is not None
    penalty = found.weight.gradient.parts[-1]
    assert penalty.label.kind == "penalty"
    assert penalty.value == pytest.approx(0.1 * parameters["W_ih"][2, 3], rel=1e-15)
    assert found.passed


def test_the_causes_of_the_adam_step_of_cs231n() -> None:
    """w[0,0] = −.4, dw = −.6, m = .6, v = .7, t = 6: the causes add up to −.40094747 − (−.4)."""
    adam = cr.Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    whole = split(adam)
    now = {"α": 0.01, "β_1": 0.9, "β_2": 0.999, "ε": 1e-8, STEPS.name: 6.0}
    now |= {W.name: -0.4, m.name: 0.6, v.name: 0.7}
    now |= {G.name: -0.6, DATA.name: -0.6, PENALTY.name: 0.0}
    for update in whole.first:
        now[update.left.name] = float(evaluate(update.right, now))
    causes = {part.cause: float(evaluate(part.whole, now)) for part in whole.parts}
    check(-0.4 + sum(causes.values()), "-.40094747")
    assert causes["penalty"] == 0
    assert causes["data"] > 0 > causes["memory"], "the memory overrules the gradient of the step"


# -- Trask, "A neural network in 11 lines" ---------------------------------------------------------


def test_the_first_step_of_trask() -> None:
    """3-4-1, no biases: the post's own update, syn1 += l1.T·δ, with its error δ = (y − a) a(1 − a).

    half_mse is averaged over the samples, the post adds them up: its step of 1 is a rate of 4.
    """
    generator = np.random.RandomState(1)
    first = 2 * generator.random_sample((3, 4)) - 1
    second = 2 * generator.random_sample((4, 1)) - 1
    inputs = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
    targets = np.array([[0], [1], [1], [0]], dtype=float)
    hidden = 1 / (1 + np.exp(-(inputs @ first)))
    output = 1 / (1 + np.exp(-(hidden @ second)))
    check(np.mean(np.abs(targets - output)), ".496410031903")
    moved = hidden.T @ ((targets - output) * output * (1 - output))
    network = cr.Network.dense(
        [3, 4, 1], "sigmoid", "half_mse", trainable={"b_ih": False, "b_ho": False}
    )
    parameters = {"W_ih": first, "b_ih": np.zeros(4), "W_ho": second, "b_ho": np.zeros(1)}
    for unit in range(4):
        told = cr.explain(
            network, parameters, inputs, targets, weight=f"W_ho[{unit},0]", optimizer=cr.SGD(4.0)
        ).weight
        assert told is not None
        assert told.change == pytest.approx(moved[unit, 0], rel=1e-12)
        shares = [part.value for part in told.gradient.parts]
        own = -hidden[:, unit] * ((targets - output) * output * (1 - output))[:, 0] / 4
        assert shares == pytest.approx(own.tolist(), rel=1e-12)
