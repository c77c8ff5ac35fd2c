"""Twelve compositions of layers, through everything that a network is for.

Runs of 200 steps are equal in the reference and in the core, and have the same bits for any number
of threads; files, verification, explanation and the marking of a line work for each.
"""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, NonFiniteLoss
from chainrule.network.layers import CategoryLayer
from chainrule.verification import random_targets

SAMPLES, BATCH, EPOCHS = 47, 10, 40
"""Five batches an epoch, the last of seven samples: 200 steps."""


def residual(units: int = 6) -> cr.Network:
    x = cr.Input(4)
    h = cr.Dense(units, "silu")(cr.LayerNorm()(x))
    h = h + cr.Dense(units, "silu")(h)
    return cr.Network(x, cr.Dense(1)(h), penalty=cr.L2(0.01))


def batch_normalized() -> cr.Network:
    x = cr.Input(4)
    # Without biases: their gradients are 0, and Adam divides what rounding makes of 0 by itself.
    h = cr.Activate("relu")(cr.BatchNorm()(cr.Dense(5, bias=False)(x)))
    h = cr.Activate("tanh")(cr.BatchNorm(affine=False)(cr.Dense(4, bias=False)(h)))
    return cr.Network(x, cr.Dense(3, "softmax")(h), loss="log_loss")


def dropped_out() -> cr.Network:
    x = cr.Input(4)
    h = cr.Dropout(0.4)(cr.Dense(9, "relu")(cr.Dropout(0.1)(x)))
    return cr.Network(x, cr.Dense(2)(h))


def noisy() -> cr.Network:
    x = cr.Input(4)
    h = cr.Dense(5, "tanh")(cr.GaussianNoise(0.2)(x))
    return cr.Network(x, cr.Dense(1, "sigmoid")(h), loss="log_loss")


def gated() -> cr.Network:
    x = cr.Input(4)
    return cr.Network(x, cr.Dense(2)(cr.Gated(3, "gelu")(cr.Gated(5, "silu")(x))), loss="huber")


def embedded() -> cr.Network:
    x, color, shape = cr.Input(3), cr.Categories(5), cr.Categories(2)
    h = cr.Dense(6, "elu")(x, cr.Embedding(3)(color), shape)
    return cr.Network([x, color, shape], cr.Dense(1)(h))


def two_heads() -> cr.Network:
    x = cr.Input(4)
    trunk = cr.Dense(6, "tanh")(x)
    heads = [cr.Dense(1)(trunk), cr.Dense(3, "softmax")(trunk)]
    return cr.Network(x, heads, ["mse", "log_loss"], loss_weights=[1.0, 0.5])


def tied() -> cr.Network:
    x = cr.Input(4)
    encoder = cr.Dense(3, "tanh")
    return cr.Network(x, cr.Tied(encoder)(encoder(x)))


def applied_twice() -> cr.Network:
    x = cr.Input(4)
    shared = cr.Dense(4, "tanh")
    return cr.Network(x, cr.Dense(1)(shared(shared(x))))


def piecewise() -> cr.Network:
    x = cr.Input(2)
    e = cr.PiecewiseLinear([[-1.0, -0.2, 0.5, 1.3], [-0.7, 0.0, 0.9]], units=2)(x)
    return cr.Network(x, cr.Dense(1)(cr.PReLU()(cr.Dense(4)(e))))


def periodic() -> cr.Network:
    x = cr.Input(2)
    return cr.Network(x, cr.Dense(1)(cr.Activate("relu")(cr.Periodic(3, 4)(x))))


def products() -> cr.Network:
    x = cr.Input(4)
    h, g = cr.Dense(3, "tanh")(x), cr.Dense(3, "sigmoid")(x)
    return cr.Network(x, cr.Dense(2)(cr.Scale(0.5)(h * g - 0.3 * h) + 0.1), loss="mae")


COMPOSITIONS: dict[str, Callable[[], cr.Network]] = {
    make.__name__: make
    for make in (
        residual,
        batch_normalized,
        dropped_out,
        noisy,
        gated,
        embedded,
        two_heads,
        tied,
        applied_twice,
        piecewise,
        periodic,
        products,
    )
}
OPTIMIZERS = {"sgd": cr.SGD(0.02), "adam": cr.Adam(0.01)}
each = pytest.mark.parametrize("name", COMPOSITIONS)


def data_of(network: cr.Network, samples: int = SAMPLES) -> tuple[Any, Any]:
    """Draw inputs and targets; of several a list."""
    generator = np.random.default_rng(11)
    X = [
        generator.integers(node.width, size=samples)
        if isinstance(node.layer, CategoryLayer)
        else generator.normal(size=(samples, node.width))
        for node in network.inputs
    ]
    Y = [random_targets(network, generator, samples, head) for head in range(len(network.outputs))]
    return X if len(X) > 1 else X[0], Y if len(Y) > 1 else Y[0]


def trained(network: cr.Network, **options: Any) -> cr.Result:
    X, Y = data_of(network)
    options = {"batch_size": BATCH, "epochs": EPOCHS, "seed": 5, **options}
    return cr.train(network, X, Y, **options)


def outputs_of(result: cr.Result) -> list[Any]:
    X, _ = data_of(result.network)
    found = result.predict(X)
    return list(found) if isinstance(found, tuple) else [found]


# -- runs -----------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_200_steps_are_equal_in_the_reference_and_in_the_core(name: str, optimizer: str) -> None:
    network = COMPOSITIONS[name]()
    X, Y = data_of(network)
    held = (X, Y)
    one, other = (
        trained(network, optimizer=OPTIMIZERS[optimizer], validation=held, backend=backend)
        for backend in ("reference", "compiled")
    )
    for key, array in one.parameters.items():
        np.testing.assert_allclose(other.parameters[key], array, rtol=1e-9, atol=1e-9, err_msg=key)
    for key, losses in one.history.items():
        np.testing.assert_allclose(other.history[key], losses, rtol=1e-9, err_msg=key)
    assert one.history["loss"][-1] < one.history["loss"][0]


def wide() -> cr.Network:
    x, codes = cr.Input(30), cr.Categories(7)
    h = cr.Dense(512)(x, cr.Embedding(20)(codes))
    h = cr.Dropout(0.3)(cr.Activate("relu")(cr.BatchNorm()(h)))
    h = cr.LayerNorm()(h + cr.Gated(512, "silu")(h))
    return cr.Network([x, codes], cr.Dense(10, "softmax")(h), loss="log_loss")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_wide_network_has_the_same_bits_for_any_number_of_threads(dtype: type) -> None:
    network = wide()
    X, Y = data_of(network, 300)
    one, four = (
        cr.train(
            network,
            X,
            Y,
            parameters=network.initialize(0, dtype=dtype),
            optimizer="adam",
            batch_size=128,
            epochs=2,
            threads=threads,
            backend="compiled",
        )
        for threads in (1, 4)
    )
    assert one.parameters.flat.dtype == dtype
    assert one.parameters.flat.tobytes() == four.parameters.flat.tobytes()
    assert one.history == four.history
    expected = cr.predict(network, one.parameters, X, threads=1)
    assert expected.tobytes() == cr.predict(network, one.parameters, X, threads=4).tobytes()


# -- files ----------------------------------------------------------------------------------------


@each
def test_a_saved_network_is_loaded_bit_for_bit(name: str, tmp_path: Any) -> None:
    result = trained(COMPOSITIONS[name](), epochs=2)
    file = tmp_path / "model.safetensors"
    cr.save(result, file)
    loaded = cr.load(file)
    assert isinstance(loaded, cr.Result)
    assert str(loaded.network) == str(result.network)
    assert loaded.network.structure == result.network.structure
    assert list(loaded.parameters) == list(result.parameters)
    for key, array in result.parameters.items():
        assert loaded.parameters[key].tobytes() == array.tobytes(), key
    for mine, other in zip(outputs_of(loaded), outputs_of(result), strict=True):
        assert mine.tobytes() == other.tobytes()
    again = tmp_path / "again.safetensors"
    cr.save(loaded, again)
    assert again.read_bytes() == file.read_bytes()


# -- what is derived ------------------------------------------------------------------------------


@each
def test_every_gradient_is_verified(name: str) -> None:
    result = cr.verify(COMPOSITIONS[name]())
    assert result.passed, str(result)


@pytest.mark.parametrize("name", [name for name in COMPOSITIONS if name != "embedded"])
def test_an_explanation_agrees_with_independent_values(name: str) -> None:
    network = COMPOSITIONS[name]()
    result = trained(network, epochs=2)
    X, Y = data_of(network)
    explanation = cr.explain(network, result.parameters, X, Y, rows=[0, 3, 4])
    assert explanation.passed
    assert str(explanation)


LINES = {
    "residual": ("da_2 = dh_4 + delta_3 @ W_3.T", "da_2 = dh_4 + delta_3 @ W_3"),
    "batch_normalized": ("da_3 = delta_4 @ W_4.T", "da_3 = delta_4 @ W_4"),
    "dropped_out": ("dW_2 = A_1.T @ delta_2", "dW_2 = A_1 @ delta_2"),
    "noisy": ("dW_2 = A_1.T @ delta_2", "dW_2 = A_1 @ delta_2"),
    "gated": ("da_1 = du_2 @ V_2.T + delta_2 @ W_2.T", "da_1 = du_2 @ V_2.T + delta_2 @ W_2"),
    "embedded": ("da_2 = delta_4 @ U_4.T", "da_2 = delta_4 @ U_4"),
    "two_heads": (
        "da_1 = delta_3 @ W_3.T + delta_2 @ W_2.T",
        "da_1 = delta_3 @ W_3 + delta_2 @ W_2.T",
    ),
    "tied": ("dW_1 = delta_2.T @ A_1 + X.T @ delta_1", "dW_1 = delta_2 @ A_1 + X.T @ delta_1"),
    "applied_twice": (
        "dW_1 = A_1.T @ delta_2 + X.T @ delta_1",
        "dW_1 = A_1 @ delta_2 + X.T @ delta_1",
    ),
    "piecewise": ("dW_2 = z_1.T @ delta_2", "dW_2 = z_1 @ delta_2"),
    "periodic": ("dW_3 = a_2.T @ delta_3", "dW_3 = a_2 @ delta_3"),
    "products": ("dW_8 = h_7.T @ delta_8", "dW_8 = h_7 @ delta_8"),
}
"""A line of each derivation for a batch, and the same without a transpose."""


@each
def test_a_line_is_marked(name: str) -> None:
    network = COMPOSITIONS[name]()
    right, wrong = LINES[name]
    verdict = cr.check_line(network, right, batch=True)
    assert verdict.correct, verdict.message()
    verdict = cr.check_line(network, wrong, batch=True)
    assert not verdict.correct
    assert verdict.kind in ("transpose", "shape"), verdict.message()


@pytest.mark.parametrize("backend", ["reference", "compiled"])
def test_a_loss_that_is_not_finite_leaves_the_running_statistics(backend: Any) -> None:
    network = batch_normalized()
    X, Y = data_of(network)
    X[BATCH : 2 * BATCH] = 1.7e308  # the sum of the second batch is infinite
    with pytest.raises(NonFiniteLoss) as caught:
        cr.train(network, X, Y, batch_size=BATCH, epochs=2, shuffle=False, backend=backend)
    found = caught.value.result.parameters
    assert all(np.isfinite(array).all() for array in found.values())
    once = cr.train(
        network, X[:BATCH], Y[:BATCH], batch_size=BATCH, epochs=1, shuffle=False, backend=backend
    )
    for name in network.running_names:
        np.testing.assert_allclose(found[name], once.parameters[name], rtol=1e-12)


def test_batch_normalization_takes_no_batch_of_one_sample() -> None:
    network = batch_normalized()
    X, Y = data_of(network, 21)
    for size in (1, 10, 20):
        with pytest.raises(InputError, match="no batch of a single sample"):
            cr.train(network, X, Y, batch_size=size, epochs=1)
    cr.train(network, X, Y, batch_size=None, epochs=1)
    model = cr.MLPRegressor(normalization="batch", max_iter=2)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(np.ones((201, 2)) * np.arange(201)[:, None], np.arange(201.0))


@each
def test_a_network_survives_pickling_after_it_was_used(name: str) -> None:
    network = COMPOSITIONS[name]()
    X, Y = data_of(network)
    result = cr.train(network, X, Y, epochs=1, seed=3)
    copied = pickle.loads(pickle.dumps(network))
    assert str(copied.summary()) == str(network.summary())
    again = cr.train(copied, X, Y, epochs=1, seed=3)
    np.testing.assert_array_equal(again.parameters.flat, result.parameters.flat)
