"""Paths and shares against PyTorch sample by sample, the loss of one row, and brute force."""

from itertools import product

import numpy as np
import pytest

import chainrule as cr
from chainrule.documents.elements import ArrayEntry
from chainrule.explanation.step_values import StepValues
from chainrule.explanation.weight_paths import MOST_PATHS, WeightPath, WeightPaths
from chainrule.explanation.weight_selector import entry_of
from chainrule.network.scope import SAMPLES
from tests.explanation.cases import cases, drawn, entry, places
from tests.random_networks import Case

CASES = cases()


def chains_of(network: cr.Network, parameters, X, Y) -> tuple[WeightPaths, StepValues]:
    batch = cr.explain(network, parameters, X, Y, rows=range(len(X))).batch
    return WeightPaths(batch), batch


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_each_share_is_that_of_the_sample_alone(case: Case) -> None:
    """The share of a sample is its own gradient, taken alone, over the number of samples."""
    parameters, X, Y = drawn(case)
    network = cr.Network.dense(
        case.network.layers,
        list(case.network.activations),
        case.network.loss,
        trainable=case.network.trainable,
    )
    chains, _ = chains_of(network, parameters, X, Y)
    alone = [
        cr.loss_and_gradients(network, parameters, X[[row]], Y[[row]], backend="reference")[1]
        for row in range(len(X))
    ]
    for weight in places(network, np.random.default_rng(case.number), 2):
        found = chains.shares(entry_of(network, chains.batch.formulation, weight))
        name = weight.partition("[")[0]
        own = [entry(gradients[name], weight) / len(X) for gradients in alone]
        assert np.allclose(found, own, rtol=1e-9, atol=1e-14)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("last", ["identity", "sigmoid"])
def test_shares_are_the_per_sample_gradients_of_torch(last: str) -> None:
    import torch

    network = cr.Network.dense([3, 4, 5, 2], ["tanh", "relu", last], "mse")
    generator = np.random.default_rng(2)
    parameters = {
        name: generator.normal(size=shape) for name, shape in network.parameter_shapes.items()
    }
    X, Y = generator.normal(size=(7, 3)), generator.normal(size=(7, 2))
    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in parameters.items()}

    def outputs(x):
        a = torch.tanh(x @ tensors["W_1"] + tensors["b_1"])
        a = torch.relu(a @ tensors["W_2"] + tensors["b_2"])
        z = a @ tensors["W_3"] + tensors["b_3"]
        return torch.sigmoid(z) if last == "sigmoid" else z

    chains, batch = chains_of(network, parameters, X, Y)
    samples = []
    for row in range(7):
        for tensor in tensors.values():
            tensor.grad = None
        error = outputs(torch.tensor(X[row])) - torch.tensor(Y[row])
        (torch.mean(error**2) / 7).backward()
        samples.append({name: tensor.grad.numpy().copy() for name, tensor in tensors.items()})
    for symbol in batch.formulation.parameters:
        for index in np.ndindex(parameters[symbol.name].shape):
            place = ArrayEntry(symbol, tuple(zip(symbol.axes, index, strict=True)))
            own = [sample[symbol.name][index] for sample in samples]
            assert np.allclose(chains.shares(place), own, rtol=1e-10, atol=1e-15)


def test_every_factor_is_a_quotient_of_differences() -> None:
    """Each ∂above/∂below along a path, by moving one value and computing forward by hand."""
    network = cr.Network.dense([2, 3, 2], ["tanh", "sigmoid"], "half_mse")
    generator = np.random.default_rng(4)
    W, b, V, c = (generator.normal(size=shape) for shape in ((2, 3), 3, (3, 2), 2))
    x, y = generator.normal(size=2), generator.uniform(size=2)
    parameters = {"W_ih": W, "b_ih": b, "W_ho": V, "b_ho": c}
    story = cr.explain(network, parameters, [x], [y], weight="W_ih[1,2]").weight
    assert story is not None
    z = x @ W + b
    a = np.tanh(z)
    out = 1 / (1 + np.exp(-(a @ V + c)))
    for part in story.paths.parts:
        path = part.label.path
        assert path is not None
        output = path.factors[0].below.index[0]
        expected = [
            out[output] - y[output],
            out[output] * (1 - out[output]),
            V[2, output],
            1 - a[2] ** 2,
            x[1],
        ]
        assert [factor.value for factor in path.factors] == pytest.approx(expected, rel=1e-12)
        assert [str(factor.below) for factor in path.factors] == [
            f"a_o[{output}]",
            f"z_o[{output}]",
            "a_h[2]",
            "z_h[2]",
            "W_ih[1,2]",
        ]
    assert len(story.paths.parts) == 2


def every_way(chains: WeightPaths, place: ArrayEntry, sample: int) -> list[float]:
    """The product along every path, by walking all of them."""
    found = []
    for factor in chains._onward(place, sample):
        if factor.above.symbol == chains.batch.formulation.loss:
            found.append(factor.value)
        else:
            found += [factor.value * rest for rest in every_way(chains, factor.above, sample)]
    return found


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_the_ways_told_are_the_largest_of_all(case: Case) -> None:
    parameters, X, Y = drawn(case)
    chains, batch = chains_of(case.network, parameters, X, Y)
    for weight in places(case.network, np.random.default_rng(case.number), 1):
        place = entry_of(case.network, batch.formulation, weight)
        count = chains.count(place, 0)
        told = chains.paths(place, 0)
        assert len(told) == min(count, MOST_PATHS)
        if count > 3000:
            continue
        walked = every_way(chains, place, 0)
        assert len(walked) == count
        largest = sorted(map(abs, walked), reverse=True)[: len(told)]
        assert [abs(path.value) for path in told] == pytest.approx(largest, rel=1e-9, abs=1e-300)
        share = chains.shares(place)[0]
        scale = sum(map(abs, walked)) or 1.0
        assert sum(walked) == pytest.approx(share, abs=1e-12 * scale)


def test_wide_layers_are_not_walked_through() -> None:
    """A million million paths: the twelve largest are found at once, and are right."""
    network = cr.Network.dense([3, 1000, 1000, 1000, 4], "tanh", "mse")
    generator = np.random.default_rng(0)
    parameters = network.initialize(seed=1)
    X, Y = generator.normal(size=(1, 3)), generator.normal(size=(1, 4))
    chains, batch = chains_of(network, parameters, X, Y)
    place = entry_of(network, batch.formulation, "W_1[0,7]")
    assert chains.count(place, 0) == 1000 * 1000 * 4
    paths = chains.paths(place, 0)
    assert len(paths) == MOST_PATHS
    assert len({path.through for path in paths}) == MOST_PATHS
    best = _best_by_hand(batch, 7)
    assert abs(paths[0].value) == pytest.approx(best * abs(X[0, 0]), rel=1e-9)


def _best_by_hand(batch: StepValues, unit: int) -> float:
    """The largest |product| from z_1 of a unit to the loss, layer by layer, by NumPy alone."""
    a = [np.reshape(batch.named.values["X"], -1)]
    for layer in (1, 2, 3, 4):
        a.append(np.tanh(a[-1] @ batch.parameters[f"W_{layer}"] + batch.parameters[f"b_{layer}"]))
    back = np.abs(2 / 4 * (a[4] - batch.data["Y"][0])) * (1 - a[4] ** 2)
    for layer in (4, 3, 2):
        back = np.max(np.abs(batch.parameters[f"W_{layer}"]) * back, axis=1) * (
            1 - a[layer - 1] ** 2
        )
    return float(back[unit])


def test_a_shared_bias_reaches_the_loss_through_every_unit() -> None:
    network = cr.Network.dense([2, 3, 2], trainable={"b_ih": "shared"})
    X, Y = [[0.1, -0.4], [1.0, 0.3]], [[0.0, 1.0], [1.0, 0.0]]
    found = cr.explain(network, network.initialize(seed=0), X, Y, weight="b_ih")
    assert found.weight is not None
    assert sum(part.label.count for part in found.weight.paths.parts) == 6
    assert found.weight.mark.passed
    _, gradients = cr.loss_and_gradients(network, network.initialize(seed=0), X, Y)
    assert found.weight.gradient.total == pytest.approx(float(gradients["b_ih"]), rel=1e-12)


def test_a_penalty_is_a_share_of_its_own() -> None:
    network = cr.Network.dense([2, 3, 1], penalty=[cr.L2(0.1), cr.L1(0.01)])
    parameters = network.initialize(seed=0)
    story = cr.explain(network, parameters, [[1.0, 2.0]], [1.0], weight="W_ih[1,1]").weight
    assert story is not None
    w = parameters["W_ih"][1, 1]
    (penalty,) = [part for part in story.gradient.parts if part.label.kind == "penalty"]
    assert penalty.value == pytest.approx(0.1 * w + 0.01 * np.sign(w), rel=1e-12)
    causes = {part.label.kind: part.value for part in story.step.parts}
    assert causes["penalty"] == pytest.approx(-0.01 * penalty.value, rel=1e-12)
    bias = cr.explain(network, parameters, [[1.0, 2.0]], [1.0], weight="b_ih[1]").weight
    assert bias is not None
    assert [part.label.kind for part in bias.gradient.parts] == ["sample"]


def test_of_many_samples_the_largest_shares_are_told_and_the_rest_together() -> None:
    network = cr.Network.dense([2, 3, 1])
    generator = np.random.default_rng(1)
    X, Y = generator.normal(size=(50, 2)), generator.uniform(size=50)
    found = cr.explain(network, network.initialize(seed=0), X, Y, weight="W_ih[0,0]")
    story = found.weight
    assert story is not None
    assert found.entry is not None
    shares = WeightPaths(found.batch).shares(found.entry)
    parts = story.gradient.parts
    assert parts[-1].label.kind == "others"
    assert parts[-1].label.count == 40
    told = {part.label.sample for part in parts[:-1]}
    assert told == set(np.argsort(-np.abs(shares))[:10].tolist())
    assert story.sample == int(np.argmax(np.abs(shares)))
    assert parts[-1].value == pytest.approx(sum(s for i, s in enumerate(shares) if i not in told))


def test_ways_are_values() -> None:
    """All combinations of two outputs and one hidden unit: no path is told twice."""
    network = cr.Network.dense([1, 1, 2])
    story = cr.explain(
        network, network.initialize(seed=0), [[1.0]], [[0.0, 1.0]], weight="W_ih[0,0]"
    )
    assert story.weight is not None
    paths = [part.label.path for part in story.weight.paths.parts]
    assert all(isinstance(path, WeightPath) for path in paths)
    outputs = {path.through[0].index for path in paths if path is not None}
    assert outputs == set(product(range(2)))
    assert SAMPLES not in dict(paths[0].through[0].position)  # type: ignore[union-attr]
