"""Rumelhart, Hinton, Williams 1986: mirror symmetry, and the ratio of the learned weights."""

import itertools
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from examples.published.example import Example
from examples.published.figures import Chance, Figure

NETWORK = cr.Network.dense([6, 2, 1], "sigmoid", "half_mse")
X = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
Y = np.array([float(np.array_equal(pattern, pattern[::-1])) for pattern in X])
SEED, SWEEPS = 0, 1000
RATIO_TOLERANCE = 0.01
"""Found: 1 : 1.995 : 3.972; with a finite error the ratio is neared, never reached."""
ANTISYMMETRY_TOLERANCE = 1e-3
"""Of the largest weight to the unit; found: 3e-4."""


def uniform(generator: np.random.Generator, inputs: int, outputs: int) -> NDArray[Any]:
    """Draw from ±.3, as the paper does."""
    return generator.uniform(-0.3, 0.3, (inputs, outputs))


@cache
def learned() -> cr.Result:
    """Train until the task is solved: all 64 patterns in every sweep."""
    return cr.train(
        NETWORK,
        X,
        Y,
        parameters=NETWORK.initialize(SEED, scheme=uniform, bias=uniform),
        optimizer=cr.SGD(learning_rate=0.1 * len(X), momentum=0.9),
        epochs=SWEEPS,
        batch_size=None,
        shuffle=False,
        backend="reference",
    )


def the_shape_of_the_solution() -> list[Figure]:
    """The weights to a hidden unit are antisymmetric about the middle, and on each side in the
    ratio 1 : 2 : 4, so that only a symmetric pattern adds up to nothing.
    """
    figures: list[Figure] = []
    for unit, weights in enumerate(learned().parameters["W_ih"].T, start=1):
        left, right = weights[:3], weights[:2:-1]
        largest = np.abs(weights).max()
        sizes = np.sort(np.abs(left))
        second, third = (sizes / sizes[0])[1:].tolist()
        apart = float(np.abs(left + right).max() / largest)
        figures += [
            Chance(f"unit {unit}: second weight / first", "2", second, 2 * RATIO_TOLERANCE),
            Chance(f"unit {unit}: third weight / first", "4", third, 4 * RATIO_TOLERANCE),
            Chance(
                f"unit {unit}: left + right, of the largest", "0", apart, ANTISYMMETRY_TOLERANCE
            ),
        ]
    return figures


EXAMPLE = Example(
    name="rumelhart",
    title="Rumelhart, Hinton, Williams 1986: mirror symmetry",
    source="David E. Rumelhart, Geoffrey E. Hinton, Ronald J. Williams, “Learning representations "
    "by back-propagating errors”, Nature 323 (1986), 533–536",
    link="https://doi.org/10.1038/323533a0",
    story="The paper that made backpropagation known. A 6-2-1 network learns whether six bits read "
    "the same backwards. Whether and when a start solves the task is chance (the paper tells of "
    "one start, solved after 1,425 sweeps), so the count is not compared. The shape of the "
    "solution is.",
    conventions=(
        "Sigmoid; all 64 patterns in every sweep; the target is 1 for a symmetric pattern.",
        "E = ½ Σ (y − a)² *summed* over patterns, ε = .1, momentum .9. `half_mse` averages over "
        "patterns, so the learning rate is .1 × 64 here.",
        "Weights and biases start uniform in ±.3 (seed 0, which solves it within 1,000 sweeps).",
        "With a finite error the ratio is neared, never reached: one percent is allowed.",
    ),
    parts=(the_shape_of_the_solution,),
    network=NETWORK,
)
