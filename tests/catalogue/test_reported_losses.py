"""What a history is told where that is not what is minimized: the clipped log loss, summed outputs.

Proved: log_loss(clip) is scikit-learn's, saturated outputs included, in both executors, and its
gradient is that of the log loss; summed() leaves the average out.
"""

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import _base

import chainrule as cr
from chainrule.network.losses import log_loss, poisson

EPSILON = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("backend", ["reference", "compiled"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("last", ["softmax", "sigmoid"])
def test_clipped_log_loss(last: str, weighted: bool, backend: Any) -> None:
    clipped = cr.Network.dense([3, 3], activation=[last], loss=log_loss(EPSILON))
    exact = cr.Network.dense([3, 3], activation=[last], loss="log_loss")
    generator = np.random.default_rng(0)
    X = np.concatenate([generator.normal(size=(20, 3)), 200 * generator.normal(size=(20, 3))])
    Y = np.eye(3)[generator.integers(0, 3, 40)]
    w = generator.uniform(0.5, 2, 40) if weighted else None
    parameters = exact.initialize(seed=0)
    P = cr.predict(exact, parameters, X, backend=backend)
    theirs = _base.binary_log_loss if last == "sigmoid" else _base.log_loss
    loss, gradients = cr.loss_and_gradients(
        clipped, parameters, X, Y, sample_weight=w, backend=backend
    )
    # One by one probabilities differ from 1 by a few times ε, and so does their logarithm.
    assert loss == pytest.approx(theirs(Y, P, w), rel=1e-12)
    full, expected = cr.loss_and_gradients(
        exact, parameters, X, Y, sample_weight=w, backend=backend
    )
    assert full > 1.5 * loss
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, expected[name])


@pytest.mark.parametrize("backend", ["reference", "compiled"])
def test_a_diverged_network_is_not_hidden_by_the_clip(backend: Any) -> None:
    network = cr.Network.dense([1, 2], activation=["softmax"], loss=log_loss(EPSILON))
    parameters = {"W_1": [[1e308, -1e308]], "b_1": [0.0, 0.0]}
    loss, _ = cr.loss_and_gradients(network, parameters, [[1e10]], [[1.0, 0.0]], backend=backend)
    assert np.isnan(loss)


def test_summed_outputs() -> None:
    mean = cr.Network.dense([2, 3], activation="exponential", loss=poisson())
    total = cr.Network.dense([2, 3], activation="exponential", loss=poisson().summed())
    assert poisson().summed() is poisson().summed()
    parameters = mean.initialize(seed=0)
    X, Y = [[0.1, 0.2], [0.3, -0.4]], [[1.0, 2.0, 0.0], [3.0, 1.0, 1.0]]
    a, b = (cr.loss_and_gradients(network, parameters, X, Y) for network in (mean, total))
    assert b[0] == pytest.approx(3 * a[0], rel=1e-14)
    P = cr.predict(mean, parameters, X)
    assert b[0] == pytest.approx(_base.poisson_loss(np.array(Y), P), rel=1e-13)
    for name, gradient in b[1].items():
        np.testing.assert_allclose(gradient, 3 * a[1][name], rtol=1e-13)
