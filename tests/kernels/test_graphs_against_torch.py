"""Random networks of all layers against PyTorch, in float64, to 1e-10: the reference and the core.

The networks are those of ``tests/random_graphs.py``.  Both sides see the same masks and noise:
those that a run with the network's seed draws.
"""

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.arrays import RealArray
from chainrule.kernels.backend import Backend
from chainrule.verification import relative_error
from tests.random_graphs import (
    KINDS,
    Array,
    Graph,
    InTorch,
    draws_of,
    in_torch,
    kinds_of,
    random_graph,
    values_of,
)
from tests.selection import sampled

LIMIT = 1e-10
COUNT = 500
RATE = 0.001
BACKENDS: tuple[Backend, ...] = ("reference", "compiled")

graph = cache(random_graph)
every_graph = pytest.mark.parametrize("seed", sampled(range(COUNT), 13))
some_graphs = pytest.mark.parametrize("seed", sampled(range(0, COUNT, 6), 7))


# -- what was drawn -------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_kind_of_layer_is_drawn_at_least_20_times() -> None:
    graphs = [graph(seed) for seed in range(COUNT)]
    counts = Counter(kind for each in graphs for kind in kinds_of(each))
    assert set(counts) == KINDS
    assert min(counts.values()) >= 20, counts
    assert {each.samples for each in graphs} >= {1, 2, 3, 17, 40}
    assert {each.weighted for each in graphs} == {False, True}
    losses = Counter(loss.name for each in graphs for loss in each.network.losses)
    assert len(losses) == 8
    assert min(losses.values()) >= 20, losses


def test_the_same_seed_makes_the_same_network() -> None:
    for seed in range(20):
        one, other = random_graph(seed), random_graph(seed)
        assert str(one) == str(other)
        assert one.network.structure == other.network.structure
        assert one.network.parameter_shapes == other.network.parameter_shapes


# -- the comparison -------------------------------------------------------------------------------


def data_of(case: Graph, values: dict[str, Array]) -> tuple[dict[str, Array], Any, Any]:
    """Return parameters, inputs and targets as chainrule's functions take them."""
    network = case.network
    X = [values[name] for name in network.input_names]
    Y = [values[name] for name in network.target_names]
    parameters = {name: values[name] for name in network.parameter_names}
    return parameters, X if len(X) > 1 else X[0], Y if len(Y) > 1 else Y[0]


def weights_of(case: Graph, values: dict[str, Array]) -> Array | None:
    return values["w"] if case.weighted else None


def assert_near(found: RealArray, expected: Array) -> None:
    scale = 1 + float(np.max(np.abs(expected)))
    assert found.shape == expected.shape
    assert float(np.max(np.abs(found - expected))) <= LIMIT * scale


@every_graph
@pytest.mark.peers("torch")
def test_loss_and_gradients(seed: int) -> None:
    case = graph(seed)
    values = values_of(case)
    draws = draws_of(case.network, seed, 1, case.samples)
    loss, gradients, _ = in_torch(case, values, draws)
    for backend in BACKENDS:
        found, mine = cr.loss_and_gradients(
            case.network,
            *data_of(case, values),
            sample_weight=weights_of(case, values),
            seed=seed,
            backend=backend,
        )
        assert abs(found - loss) <= LIMIT * (1 + abs(loss)), (backend, case)
        assert set(mine) == set(gradients)
        for name, gradient in gradients.items():
            assert mine[name].shape == gradient.shape
            error = relative_error(mine[name], gradient, loss)
            assert error <= LIMIT, f"{backend}, {name}: {error:.1e} in {case}"


@every_graph
@pytest.mark.peers("torch")
def test_predictions_have_no_masks_and_use_running_statistics(seed: int) -> None:
    import torch

    case = graph(seed)
    values = values_of(case)
    known = {name: torch.tensor(array) for name, array in values.items()}
    expected = InTorch(case.network, known).outputs()
    parameters, X, _ = data_of(case, values)
    for backend in BACKENDS:
        found = cr.predict(case.network, parameters, X, backend=backend)
        found = (found,) if len(expected) == 1 else found
        for mine, output in zip(found, expected, strict=True):
            assert_near(mine, output.numpy())


@some_graphs
@pytest.mark.peers("torch")
def test_two_steps_of_training_and_the_running_statistics(seed: int) -> None:
    case = graph(seed)
    network, start = case.network, values_of(case)
    values = dict(start)
    for step in (1, 2):
        draws = draws_of(network, seed, step, case.samples)
        _, gradients, run = in_torch(case, values, draws)
        for name, gradient in gradients.items():
            values[name] = values[name] - RATE * gradient
        values |= {name: tensor.numpy() for name, tensor in run.running.items()}
    assert set(run.running) == set(network.running_names)
    parameters, X, Y = data_of(case, start)
    for backend in BACKENDS:
        trained = cr.train(
            network,
            X,
            Y,
            parameters=parameters,
            optimizer=cr.SGD(RATE),
            batch_size=None,
            epochs=2,
            shuffle=False,
            seed=seed,
            sample_weight=weights_of(case, start),
            backend=backend,
        )
        for name in network.parameter_names:
            assert_near(trained.parameters[name], values[name])


# -- without PyTorch: what these networks have brought to light -----------------------------------


@pytest.mark.parametrize("samples", range(2, 18))
@pytest.mark.parametrize("width", [1, 5, 17])
def test_statistics_of_a_dense_layer_in_the_core(width: int, samples: int) -> None:
    """The padding of a narrow layer's rows is no part of the sums over its samples."""
    generator = np.random.default_rng(samples)
    x = cr.Input(3)
    network = cr.Network(x, cr.Dense(2)(cr.BatchNorm()(cr.Dense(width)(x))))
    parameters = network.initialize(0, bias=lambda g, i, o: g.normal(3.0, 1.0, (i, o)))
    X, Y = generator.normal(size=(samples, 3)), generator.normal(size=(samples, 2))
    (first, one), (second, other) = (
        cr.loss_and_gradients(network, parameters, X, Y, backend=backend) for backend in BACKENDS
    )
    assert second == pytest.approx(first, rel=1e-12)
    for name, gradient in one.items():
        assert relative_error(other[name], gradient, first) <= LIMIT, name
