"""Every initializer of the catalogue: the moments, the shape and the limits of what it draws.

Proved: the variance is the published one in the numbers of inputs and outputs, the uniform ones end
at √(3 variance) and the normal ones have a normal's fourth moment; the same seed gives the same
numbers and another seed others; each layer gets the initializer that suits its activation.
"""

import math
from typing import Any

import numpy as np
import pytest

from chainrule.errors import InputError, InputTypeError
from chainrule.network import activations
from chainrule.network.architecture import Network
from chainrule.network.initializers import CATALOGUE, constant, find

VARIANCE = {
    "glorot": lambda inputs, outputs: 2 / (inputs + outputs),
    "he": lambda inputs, outputs: 2 / inputs,
    "lecun": lambda inputs, outputs: 1 / inputs,
}
"""Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998."""

RANDOM = [name for name in CATALOGUE if name != "zeros"]
INPUTS, OUTPUTS = 500, 300


def drawn(name: str, inputs: int = INPUTS, outputs: int = OUTPUTS, seed: int = 0) -> Any:
    return CATALOGUE[name](np.random.default_rng(seed), inputs, outputs)


def assert_moments(name: str, weights: Any) -> None:
    """Mean, variance and fourth moment, within six standard errors of 150 000 draws."""
    scheme, shape = name.split("_")
    variance = VARIANCE[scheme](INPUTS, OUTPUTS)
    scaled = weights / math.sqrt(variance)
    kurtosis = {"uniform": 1.8, "normal": 3.0}[shape]
    count = weights.size
    assert abs(scaled.mean()) < 6 / math.sqrt(count)
    assert abs(scaled.var() - 1) < 6 * math.sqrt((kurtosis - 1) / count)
    assert abs((scaled**4).mean() - kurtosis) < 6 * math.sqrt(105 / count)
    largest = np.max(np.abs(scaled))
    if shape == "uniform":
        assert 0.999 * math.sqrt(3) < largest <= math.sqrt(3)
    else:
        assert largest > 3.5


@pytest.mark.parametrize("name", RANDOM)
def test_moments(name: str) -> None:
    assert_moments(name, drawn(name))


@pytest.mark.parametrize("name", RANDOM)
def test_wrong_moments_are_caught(name: str) -> None:
    weights = drawn(name)
    for wrong in (weights * 1.02, weights + 0.002, np.abs(weights), weights.clip(-0.05, 0.05)):
        with pytest.raises(AssertionError):
            assert_moments(name, wrong)
    for other in RANDOM:
        if other != name:
            with pytest.raises(AssertionError):
                assert_moments(name, drawn(other))


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", RANDOM)
def test_spread_is_that_of_torch(name: str) -> None:
    import torch

    scheme, shape = name.split("_")
    # PyTorch stores (outputs, inputs).
    weights = torch.empty(OUTPUTS, INPUTS, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    if scheme == "glorot":
        draw = {"uniform": "xavier_uniform_", "normal": "xavier_normal_"}[shape]
        getattr(torch.nn.init, draw)(weights, generator=generator)
    else:
        gain = {"he": "relu", "lecun": "linear"}[scheme]
        draw = {"uniform": "kaiming_uniform_", "normal": "kaiming_normal_"}[shape]
        getattr(torch.nn.init, draw)(weights, nonlinearity=gain, generator=generator)
    found = drawn(name)
    assert found.std() == pytest.approx(weights.std().item(), rel=0.02)
    if shape == "uniform":
        assert np.max(np.abs(found)) == pytest.approx(weights.abs().max().item(), rel=1e-3)


@pytest.mark.parametrize("name", CATALOGUE)
def test_shape_type_and_seed(name: str) -> None:
    for inputs, outputs in ((1, 1), (2, 17), (17, 3)):
        weights = drawn(name, inputs, outputs)
        assert weights.shape == (inputs, outputs)
        assert weights.dtype == np.float64
        np.testing.assert_array_equal(weights, drawn(name, inputs, outputs))
        if name != "zeros":
            assert np.all(weights != drawn(name, inputs, outputs, seed=1))


def test_constants() -> None:
    assert not drawn("zeros", 3, 2).any()
    generator = np.random.default_rng(0)
    for given in (constant(0.25), find(0.25)):
        np.testing.assert_array_equal(given(generator, 2, 3), np.full((2, 3), 0.25))
    assert find(1)(generator, 1, 1).dtype == np.float64


def test_every_entry_is_tested() -> None:
    assert set(RANDOM) == {f"{s}_{d}" for s in VARIANCE for d in ("uniform", "normal")}
    assert set(CATALOGUE) == {*RANDOM, "zeros"}


def test_errors() -> None:
    with pytest.raises(InputError, match="Did you mean 'he_normal'"):
        find("he_norml")
    for wrong in (math.nan, math.inf, None, [1.0]):
        with pytest.raises(
            InputError, match=r"`initializer` must be a name .*, a finite number or a function"
        ):
            find(wrong)


# -- a network's starting values ------------------------------------------------------------------


def test_the_same_seed_gives_the_same_network() -> None:
    network = Network.dense([5, 4, 3, 2], activation="relu")
    first, again = network.initialize(seed=7), network.initialize(seed=7)
    np.testing.assert_array_equal(first.flat, again.flat)
    other = network.initialize(seed=8)
    assert np.all(first["W_1"] != other["W_1"])
    assert network.initialize(2**64 - 1).flat.shape == first.flat.shape
    assert np.shares_memory(first["W_1"], first.flat)


def test_known_numbers() -> None:
    # Philox keyed by (seed, 1): a change of the draw would change every published seed.
    key = np.array([3, 1], dtype=np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    network = Network.dense([4, 3, 2], activation=["tanh", "relu"])
    parameters = network.initialize(seed=3)
    limit = math.sqrt(6 / 7)
    np.testing.assert_array_equal(parameters["W_ih"], generator.uniform(-limit, limit, (4, 3)))
    limit = math.sqrt(6 / 3)
    np.testing.assert_array_equal(parameters["W_ho"], generator.uniform(-limit, limit, (3, 2)))


@pytest.mark.parametrize("name", activations.CATALOGUE)
def test_each_layer_gets_the_initializer_of_its_activation(name: str) -> None:
    network = Network.dense([INPUTS, OUTPUTS, 2], activation=[name, "identity"])
    assert_moments(activations.CATALOGUE[name].initializer, network.initialize()["W_ih"])


def test_scheme_and_bias_may_be_given() -> None:
    network = Network.dense([INPUTS, OUTPUTS, 2], trainable={"b_ho": "shared"})
    parameters = network.initialize(scheme="lecun_normal", bias=0.25)
    assert_moments("lecun_normal", parameters["W_ih"])
    np.testing.assert_array_equal(parameters["b_ih"], np.full(OUTPUTS, 0.25))
    assert parameters["b_ho"].shape == ()
    assert parameters["b_ho"] == 0.25
    assert not network.initialize()["b_ih"].any()

    def ramp(generator: Any, inputs: int, outputs: int) -> Any:
        return np.arange(inputs * outputs, dtype=float).reshape(inputs, outputs)

    small = Network.dense([2, 3])
    np.testing.assert_array_equal(small.initialize(scheme=ramp)["W_1"], [[0, 1, 2], [3, 4, 5]])
    assert small.initialize(dtype=np.float32).flat.dtype == np.float32


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed"):
        Network.dense([2, 1]).initialize(seed)


@pytest.mark.parametrize("seed", [True, 1.0, "1", None])
def test_a_seed_of_another_type_is_refused(seed: Any) -> None:
    with pytest.raises(InputTypeError, match="seed"):
        Network.dense([2, 1]).initialize(seed)
