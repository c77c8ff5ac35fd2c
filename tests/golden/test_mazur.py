"""Matt Mazur, "A step by step backpropagation example" (mattmazur.com, 2015-03-17): an erratum too.

A 2-2-2 sigmoid network, one sample, E = Σ ½(target − out)² (``half_mse``), η = 0.5.  There are two
biases, one per layer, held fixed.  The post numbers weights by the unit they lead to: w1, w2 lead
to h1, w3, w4 to h2, w5, w6 to o1, w7, w8 to o2; chainrule stores W as (inputs, outputs), hence the
transposes below.  Its code: github.com/mattm/simple-neural-network.

Every figure of the post's walk through one step is reproduced.  The later ones (the error after
that step, the outputs after 10,000) are not those of the step it describes: they arise where
the hidden gradients are taken through output weights that have already been updated.  Both ways
are run here.
"""

from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.formulas.evaluate import evaluate
from chainrule.kernels.plans import gradient_plan, training_plan
from chainrule.kernels.reference import Execution
from chainrule.network.plan import Plan
from tests.golden.figures import check
from tests.golden.running import ready

X, Y = [[0.05, 0.10]], [[0.01, 0.99]]
PARAMETERS = {
    "W_ih": np.transpose([[0.15, 0.20], [0.25, 0.30]]),
    "b_ih": [0.35, 0.35],
    "W_ho": np.transpose([[0.40, 0.45], [0.50, 0.55]]),
    "b_ho": [0.60, 0.60],
}
RATE = 0.5
NETWORK = cr.Network.dense(
    [2, 2, 2], "sigmoid", "half_mse", trainable={"b_ih": False, "b_ho": False}
)


def given(plan: Plan) -> Execution:
    """Return the post's network, ready to run a Plan."""
    return ready(plan, {**PARAMETERS, "X": X, "Y_t": Y, "α": RATE})


@pytest.fixture(scope="module")
def passed() -> Execution:
    """The forward and the backward pass, once."""
    run = given(gradient_plan(NETWORK))
    run.all()
    return run


def test_the_forward_pass(passed: Execution) -> None:
    check(passed.values["Z_h"][0, 0], ".3775")
    check(passed.values["A_h"], ".593269992 .596884378")
    check(passed.values["Z_o"][0, 0], "1.105905967")
    check(passed.values["A_o"], ".75136507 .772928465")
    check(cr.predict(NETWORK, PARAMETERS, X), ".75136507 .772928465")
    check(passed.scalar("Loss"), ".298371109")


@pytest.mark.parametrize(
    ("output", "error", "share"),
    [(0, ".274811083", ".055399425"), (1, ".023560026", "-.019049119")],
)
def test_what_each_output_adds(output: int, error: str, share: str) -> None:
    """With one output only, E is that output's error and ∂E/∂out_h1 what it sends back."""
    network = cr.Network.dense([2, 2, 1], "sigmoid", "half_mse")
    weights, bias = np.asarray(PARAMETERS["W_ho"]), np.asarray(PARAMETERS["b_ho"])
    alone = {"W_ho": weights[:, [output]], "b_ho": bias[[output]]}
    target = [[Y[0][output]]]
    run = ready(gradient_plan(network), {**PARAMETERS, **alone, "X": X, "Y_t": target})
    run.all()
    check(run.scalar("Loss"), error)
    check(run.values["∂Loss/∂A_h"][0, 0], share)


def test_the_gradient_of_an_output_weight(passed: Execution) -> None:
    """∂E/∂w5 = ∂E/∂out_o1 × ∂out_o1/∂net_o1 × ∂net_o1/∂w5, factor by factor."""
    slope = NETWORK.activations[1].slope
    assert slope is not None
    check(passed.values["∂Loss/∂A_o"][0, 0], ".74136507")
    check(evaluate(slope, {"a": passed.values["A_o"][0, 0]}), ".186815602")
    check(passed.values["A_h"][0, 0], ".593269992")
    check(passed.values["δ_o"][0, 0], ".138498562")
    check(passed.values["∂Loss/∂W_ho"][0, 0], ".082167041")


def test_the_gradient_of_a_hidden_weight(passed: Execution) -> None:
    """∂E/∂w1 = ∂E/∂out_h1 × ∂out_h1/∂net_h1 × i1, factor by factor."""
    slope = NETWORK.activations[0].slope
    assert slope is not None
    check(passed.values["∂Loss/∂A_h"][0, 0], ".036350306")
    check(evaluate(slope, {"a": passed.values["A_h"][0, 0]}), ".241300709")
    _, gradients = cr.loss_and_gradients(NETWORK, PARAMETERS, X, Y, backend="reference")
    check(gradients["W_ih"][0, 0], ".000438568")
    check(gradients["W_ho"][0, 0], ".082167041")
    assert gradients.keys() == {"W_ih", "W_ho"}, "the biases are held"


def trained(network: cr.Network, steps: int) -> cr.Result:
    """Train by the public surface from the post's weights."""
    return cr.train(
        network,
        X,
        Y,
        parameters=PARAMETERS,
        optimizer=cr.SGD(RATE),
        epochs=steps,
        backend="reference",
    )


def loss_after(network: cr.Network, steps: int) -> float:
    result = trained(network, steps)
    return cr.loss_and_gradients(network, result.parameters, X, Y, backend="reference")[0]


def test_the_weights_after_one_step() -> None:
    result = trained(NETWORK, 1)
    check(result.parameters["W_ho"].T, ".35891648 .408666186 .511301270 .561370121")
    check(result.parameters["W_ih"].T, ".149780716 .19956143 .24975114 .29950229")
    check([*result.parameters["b_ih"], *result.parameters["b_ho"]], ".35 .35 .60 .60")


def test_the_error_after_one_simultaneous_step() -> None:
    """Erratum: the weights just checked have this error, not the post's .291027924."""
    check(loss_after(NETWORK, 1), ".291027773694")


def test_the_error_after_one_step_of_weights_and_biases() -> None:
    """Erratum: with a bias of its own for each unit, updated too."""
    check(loss_after(cr.Network.dense([2, 2, 2], "sigmoid", "half_mse"), 1), ".280471447")


def sequential(plan: Plan) -> Plan:
    """Return the Plan with W_ho updated as soon as its gradient is known: the post's mistake."""
    (early,) = [op for op in plan.operations if op.stage == "update" and op.target == "W_ho"]
    operations = [operation for operation in plan.operations if operation is not early]
    known = [operation.target for operation in operations].index("∂Loss/∂W_ho")
    return replace(plan, operations=(*operations[: known + 1], early, *operations[known + 1 :]))


def test_the_published_error_comes_of_a_sequential_update() -> None:
    """Back through the updated output weights: the post's .291027924, digit by digit."""
    run = given(sequential(training_plan(NETWORK, cr.SGD(RATE))))
    run.all()  # one step
    check(run.values["W_ho"].T, ".35891648 .408666186 .511301270 .561370121")
    run.all()  # the loss of the second pass is the error after the first step
    check(run.scalar("Loss"), ".291027924")
    check(run.scalar("Loss"), ".291027923905")


def outputs_after(plan: Plan, steps: int) -> np.ndarray:
    """Return the outputs at the weights that so many steps of a Plan lead to."""
    run = given(plan.only("W_ih", "W_ho"))  # without the loss, which no step needs
    for _ in range(steps):
        run.all()
    learned = {name: run.values[name] for name in ("W_ih", "W_ho")}
    return cr.predict(NETWORK, {**PARAMETERS, **learned}, X)


def test_the_outputs_after_10000_simultaneous_steps() -> None:
    """Erratum: where the step that the post describes leads."""
    found = outputs_after(training_plan(NETWORK, cr.SGD(RATE)), 10_000)
    check(found, ".015913620 .984064274")


def test_the_published_outputs_come_of_sequential_updates() -> None:
    """After 10,000 sequential steps: the post's .015912196 and .984065734."""
    found = outputs_after(sequential(training_plan(NETWORK, cr.SGD(RATE))), 10_000)
    check(found, ".015912196 .984065734")
    check(found, ".0159121963 .9840657345")
