"""Andrew Trask, "A neural network in 11 lines of Python", the second network."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from examples.published.example import Example
from examples.published.figures import Figure, row

X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
HELD = {"b_ih": False, "b_ho": False}
NETWORK = cr.Network.dense([3, 4, 1], "sigmoid", "half_mse", trainable=HELD)
STEP = cr.SGD(learning_rate=1.0 * len(X))


def start() -> dict[str, NDArray[Any]]:
    """Return the post's weights: 2·random − 1, first 3×4, then 4×1; no biases."""
    generator = np.random.RandomState(1)
    return {
        "W_ih": 2 * generator.random_sample((3, 4)) - 1,
        "b_ih": np.zeros(4),
        "W_ho": 2 * generator.random_sample((4, 1)) - 1,
        "b_ho": np.zeros(1),
    }


def error(weights: Mapping[str, NDArray[Any]]) -> float:
    """Return the mean absolute error that the post prints."""
    network = cr.Network.dense([3, 4, 1], "sigmoid", "mae", trainable=HELD)
    return cr.loss_and_gradients(network, {**start(), **weights}, X, Y, backend="reference")[0]


def trained(
    steps: int, backend: Literal["auto", "reference"] = "auto"
) -> Mapping[str, NDArray[Any]]:
    """Take so many steps from the post's weights."""
    return cr.train(
        NETWORK,
        X,
        Y,
        parameters=start(),
        optimizer=STEP,
        epochs=steps,
        batch_size=None,
        shuffle=False,
        backend=backend,
    ).parameters


def the_error_at_the_start() -> list[Figure]:
    """The mean of |y − a| before the first step."""
    return row("error", error({}), ".496410031903")


def the_errors_of_training() -> list[Figure]:
    """After 10,000 and after 50,000 steps."""
    return [
        *row(["error after 10,000"], error(trained(10_000)), ".00858452565"),
        *row(["error after 50,000"], error(trained(50_000)), ".00351012257"),
    ]


EXAMPLE = Example(
    name="trask",
    title="Trask: a neural network in 11 lines",
    source="Andrew Trask, “A Neural Network in 11 lines of Python”, 2015, second network",
    link="https://iamtrask.github.io/2015/07/12/basic-python-network/",
    story="3-4-1, four samples, all in every step. Over 50,000 steps every rounding has a chance "
    "to grow, and the figures still come out.",
    conventions=(
        "Sigmoid; no biases (held at zero here); samples in rows.",
        "The post adds the gradient of ½ Σ (y − a)², *summed* over samples, to the weights with "
        "step 1. `half_mse` averages over samples, so the learning rate is 4 here.",
        "The printed error is the mean of |y − a|.",
        "Weights are 2·random − 1 from NumPy's legacy generator, seed 1, first 3×4, then 4×1.",
    ),
    parts=(the_error_at_the_start, the_errors_of_training),
    network=NETWORK,
)
