"""Michael Nielsen, Neural Networks and Deep Learning, chapter 1: two networks on MNIST."""

import os
from pathlib import Path

import numpy as np

import chainrule as cr
from examples.nielsen_mnist import BATCH, RATE, read_mnist, starting_parameters
from examples.published.example import Example
from examples.published.figures import Chance, Figure

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("CHAINRULE_DATA", ROOT.parent / "shared" / "data"))
"""Where MNIST's four files lie; they are not part of the project."""
SEED, EPOCHS = 1, 30
SPREAD = 0.5
"""Percent: what another random start may change; half a percent is 50 images."""


def accuracies(hidden: int) -> list[float]:
    """Train for 30 epochs; return the percentage of test images named rightly after each."""
    X, Y, X_test, digits = read_mnist(FOLDER)
    network = cr.Network.dense((784, hidden, 10), "sigmoid", "half_mse")
    parameters = starting_parameters(network, SEED)
    found = []
    for epoch in range(1, EPOCHS + 1):
        result = cr.train(
            network,
            X,
            Y,
            parameters=parameters,
            optimizer=cr.SGD(RATE),
            batch_size=BATCH,
            epochs=1,
            seed=1000 * SEED + epoch,
            threads=1,
        )
        parameters = result.parameters
        found.append(100 * float(np.mean(result.predict(X_test).argmax(axis=1) == digits)))
    return found


def the_network_with_30_hidden_units() -> list[Figure]:
    """Percent of the 10,000 test images, at the best of 30 epochs."""
    return [Chance("best epoch, %", "95.42", max(accuracies(30)), SPREAD)]


def the_network_with_100_hidden_units() -> list[Figure]:
    """Percent of the 10,000 test images, after 30 epochs."""
    return [Chance("after 30 epochs, %", "96.59", accuracies(100)[-1], SPREAD)]


EXAMPLE = Example(
    name="nielsen",
    title="Nielsen: handwritten digits, chapter 1",
    source="Michael Nielsen, *Neural Networks and Deep Learning*, chapter 1",
    link="http://neuralnetworksanddeeplearning.com/chap1.html",
    story="784-30-10 on MNIST, the program that many people learned from. The book reports one run "
    "of a random start; here is another, so the figures are near, not equal. "
    "`examples/nielsen_mnist.py` also runs a NumPy program that takes the same steps and compares "
    "the weights.",
    conventions=(
        "Sigmoid in both layers; quadratic cost ½‖y − a‖² averaged over a batch (`half_mse`).",
        "η = 3.0, batches of 10, 30 epochs; weights and biases from N(0, 1). With the mean over "
        "the ten outputs (`mse`) the same step has a learning rate of 15.",
        "Half a percent is allowed for another random start.",
    ),
    parts=(the_network_with_30_hidden_units, the_network_with_100_hidden_units),
    network=cr.Network.dense((784, 30, 10), "sigmoid", "half_mse"),
    needs=FOLDER,
)
