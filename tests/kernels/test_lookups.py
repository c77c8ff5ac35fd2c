"""Products with one-hot rows are lookups in the core, and sums for each code on the way back."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.kernels.plan_cache import training_plan
from chainrule.plans.fusion.fuse import fuse
from chainrule.plans.fusion.fused_plan import AddedUp, LookedUp


def embedded(levels, units):
    """A network with an embedding and a dense layer of the same codes."""
    x, codes = cr.Input(3), cr.Categories(levels)
    trunk = cr.Dense(6, "tanh")(x, cr.Embedding(units)(codes), codes)
    return cr.Network([x, codes], cr.Dense(2)(trunk))


def drawn(levels, samples, seed=0):
    generator = np.random.default_rng(seed)
    X = [generator.normal(size=(samples, 3)), generator.integers(levels, size=samples)]
    return X, generator.normal(size=(samples, 2))


def test_no_kernel_makes_one_hot_rows():
    plan = training_plan(embedded(7, 4), cr.SGD())
    kernels = fuse(plan, [plan.loss]).kernels
    producers = [type(kernel.producer) for kernel in kernels]
    assert producers.count(LookedUp) == producers.count(AddedUp) == 2
    assert not any("O_1" in kernel.makes for kernel in kernels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("units", [1, 3, 16, 70])  # stored transposed, and not
@pytest.mark.parametrize("samples", [1, 5, 16, 33])
def test_gradients_are_those_of_products(units, samples, dtype):
    network = embedded(7, units)
    X, Y = drawn(7, samples)
    parameters = network.initialize(seed=1, dtype=dtype)
    (loss, found), (same_loss, expected) = (
        cr.loss_and_gradients(network, parameters, X, Y, backend=backend)
        for backend in ("compiled", "reference")
    )
    bound = 1e-5 if dtype == np.float32 else 1e-13
    assert loss == pytest.approx(same_loss, rel=bound)
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=0, atol=bound)


def test_repeated_codes_accumulate_and_others_have_no_gradient():
    network = embedded(9, 4)
    X, Y = drawn(9, 40)
    X[1] = np.where(X[1] == 8, 0, X[1])
    _, gradients = cr.loss_and_gradients(network, network.initialize(), X, Y, backend="compiled")
    of_rows = cr.loss_and_gradients
    one_by_one = sum(
        of_rows(network, network.initialize(), [a[n : n + 1] for a in X], Y[n : n + 1])[1]["E_2"]
        for n in range(40)
    )
    np.testing.assert_allclose(gradients["E_2"], one_by_one / 40, rtol=0, atol=1e-14)
    assert not gradients["E_2"][8].any()


@pytest.mark.parametrize("units", [3, 16])
def test_runs_with_a_short_last_batch_are_those_of_the_reference(units):
    network = embedded(5, units)
    X, Y = drawn(5, 53)
    runs = [
        cr.train(network, X, Y, batch_size=16, epochs=8, optimizer="adam", seed=2, backend=backend)
        for backend in ("compiled", "reference")
    ]
    np.testing.assert_allclose(*(run.parameters.flat for run in runs), rtol=0, atol=1e-12)


def test_many_levels_take_the_time_of_their_samples():
    """The memory of a step does not hold a row of one-hot entries for each sample."""
    network = embedded(200_000, 2)
    X, Y = drawn(200_000, 64)
    result = cr.train(network, X, Y, epochs=1, batch_size=64, optimizer="sgd")
    assert result.predict(X).shape == (64, 2)
