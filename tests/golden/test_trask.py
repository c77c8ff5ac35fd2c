"""Andrew Trask, "A neural network in 11 lines of Python" (iamtrask.github.io), second network.

3-4-1, sigmoid, no biases (held at zero here), four samples in rows, all in every step.  The post
adds the gradient of ½ Σ (y − a)², *summed* over samples, to the weights with step 1: the output
layer's δ is error · a(1 − a).  ``half_mse`` averages over samples, so the learning rate is 4.  The
printed error is the mean of |y − a| (``mae``) after so many steps.  Weights are drawn
from NumPy's legacy generator, seed 1, as 2 random − 1, first 3×4, then 4×1.
"""

import numpy as np
import pytest

import chainrule as cr
from chainrule.kernels.plans import training_plan
from chainrule.kernels.reference import Execution
from tests.golden.figures import check
from tests.golden.running import ready

X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
HELD = {"b_ih": False, "b_ho": False}
NETWORK = cr.Network.dense([3, 4, 1], "sigmoid", "half_mse", trainable=HELD)
STEP = cr.SGD(learning_rate=1.0 * len(X))


def start() -> dict[str, np.ndarray]:
    generator = np.random.RandomState(1)
    return {
        "W_ih": 2 * generator.random_sample((3, 4)) - 1,
        "b_ih": np.zeros(4),
        "W_ho": 2 * generator.random_sample((4, 1)) - 1,
        "b_ho": np.zeros(1),
    }


def error(weights: dict[str, np.ndarray]) -> float:
    """Return the mean absolute error that the post prints."""
    network = cr.Network.dense([3, 4, 1], "sigmoid", "mae", trainable=HELD)
    return cr.loss_and_gradients(network, {**start(), **weights}, X, Y, backend="reference")[0]


def advance(run: Execution, steps: int) -> dict[str, np.ndarray]:
    for _ in range(steps):
        run.all()
    return {name: run.values[name] for name in NETWORK.trainable_names}


def test_the_error_at_the_start() -> None:
    check(error({}), ".496410031903")


@pytest.mark.slow
def test_the_errors_of_training() -> None:
    """After 10,000 and after 50,000 steps of one run."""
    step = training_plan(NETWORK, STEP).only("W_ih", "W_ho")  # no step needs the loss
    run = ready(step, {**start(), "X": X, "Y_t": Y, **STEP.constants})
    check(error(advance(run, 10_000)), ".00858452565")
    check(error(advance(run, 40_000)), ".00351012257")


def test_train_takes_the_same_steps() -> None:
    """The Plan run by hand above is what ``cr.train`` does, to the bit."""
    run = ready(training_plan(NETWORK, STEP), {**start(), "X": X, "Y_t": Y, **STEP.constants})
    by_hand = advance(run, 20)
    result = cr.train(
        NETWORK,
        X,
        Y,
        parameters=start(),
        optimizer=STEP,
        epochs=20,
        batch_size=None,
        shuffle=False,
        backend="reference",
    )
    assert all(np.array_equal(result.parameters[name], by_hand[name]) for name in by_hand)
