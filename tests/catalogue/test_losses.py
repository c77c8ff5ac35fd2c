"""Every loss of the catalogue and every form of it, against oracles that are not ours.

Proved for each form: the value and the gradient with respect to the outputs, as the Plan computes
them, agree with PyTorch and scikit-learn, with and without sample weights and for a single sample;
what is averaged and what is summed is as design.md section 5 says; domains are as declared.
test_mutants.py shows that these assertions can fail.
"""

from typing import Any

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.network import activations, losses
from chainrule.network.architecture import Network
from chainrule.network.losses import CATALOGUE
from chainrule.verification import random_targets
from tests.catalogue.loss_assertions import (
    STATED,
    Settings,
    assert_value_and_gradient,
    bare,
    drawn,
    made,
    sklearn_value,
)

FORMS = [
    pytest.param(name, place, settings, id=f"{name}-{stated.canonical}-{dict(settings)}")
    for name, forms in STATED.items()
    for place, stated in enumerate(forms)
    for settings in stated.settings
]
every_form = pytest.mark.parametrize(("name", "place", "settings"), FORMS)


@pytest.mark.peers("torch")
@every_form
def test_value_and_gradient(name: str, place: int, settings: Settings) -> None:
    assert_value_and_gradient(name, place, made(name, settings), settings)


@every_form
def test_value_is_that_of_sklearn(name: str, place: int, settings: Settings) -> None:
    loss = made(name, settings)
    generator = np.random.default_rng(6)
    for samples, outputs in ((1, 3), (17, 2), (400, 3)):
        A, Y = drawn(name, place, samples, outputs)
        for w in (None, generator.uniform(0.2, 3.0, samples)):
            expected = sklearn_value(name, place, A, Y, settings, w)
            if expected is None:
                assert (name, place) in {("huber", 0), ("log_loss", 1)}
                continue
            found, _ = bare(loss, place, weighted=w is not None).run(A, Y, w)
            np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.peers("torch")
def test_log_loss_is_cross_entropy_with_probabilities() -> None:
    import torch

    A, Y = drawn("log_loss", 0, 17, 3)
    # The logits of given shares are their logarithms.
    expected = torch.nn.functional.cross_entropy(torch.log(torch.tensor(A)), torch.tensor(Y))
    assert bare(CATALOGUE["log_loss"]()).run(A, Y)[0] == pytest.approx(expected.item(), rel=1e-14)


@pytest.mark.peers("torch")
def test_reductions_are_those_of_torch() -> None:
    import torch

    F = torch.nn.functional
    A, Y = drawn("mse", 0, 7, 3)
    P, T = drawn("log_loss", 1, 7, 3)
    a, y, p, t = map(torch.tensor, (A, Y, P, T))
    expected = {
        ("mse", 0): F.mse_loss(a, y),
        ("half_mse", 0): F.mse_loss(a, y, reduction="sum") / 2 / 7,
        ("mae", 0): F.l1_loss(a, y),
        ("huber", 0): F.huber_loss(a, y),
        ("log_loss", 1): F.binary_cross_entropy(p, t, reduction="sum") / 7,
    }
    for (name, place), value in expected.items():
        given = (A, Y) if place == 0 else (P, T)
        found, _ = bare(CATALOGUE[name](), place).run(*given)
        assert found == pytest.approx(value.item(), rel=1e-14), name


@every_form
def test_weights(name: str, place: int, settings: Settings) -> None:
    loss = made(name, settings)
    A, Y = drawn(name, place, 6, 2)
    weighted, plain = bare(loss, place, weighted=True), bare(loss, place)
    # Equal weights of any size are none, and whole weights are repeated samples.
    w = np.array([3.0, 1.0, 2.0, 1.0, 0.0, 4.0])
    times = w.astype(int)
    same, _ = weighted.run(A, Y, np.full(6, 7.5))
    assert same == pytest.approx(plain.run(A, Y)[0], rel=1e-14)
    found, slope = weighted.run(A, Y, w)
    repeated, rows = plain.run(np.repeat(A, times, axis=0), np.repeat(Y, times, axis=0))
    assert found == pytest.approx(repeated, rel=1e-14)
    gathered = np.stack([part.sum(axis=0) for part in np.split(rows, np.cumsum(times)[:-1])])
    np.testing.assert_allclose(slope, gathered, rtol=1e-13, atol=1e-17)


@every_form
def test_a_single_sample_is_a_batch_of_one(name: str, place: int, settings: Settings) -> None:
    loss = made(name, settings)
    A, Y = drawn(name, place, 1, 3)
    expected, slope = bare(loss, place).run(A, Y)
    found, row = bare(loss, place, batch=False).run(A[0], Y[0])
    assert found == pytest.approx(expected, rel=1e-15)
    np.testing.assert_allclose(row, slope[0], rtol=1e-15)


def test_mse_of_one_sample_is_the_source_page() -> None:
    # (1/n) Σ (y − a)², n outputs.
    found, slope = bare(CATALOGUE["mse"]()).run(np.array([[1.0, 2.0]]), np.array([[3.0, 1.0]]))
    assert found == 2.5
    assert slope.tolist() == [[-2.0, 1.0]]


def test_slopes_at_kinks() -> None:
    # design.md: the slope of abs at 0 is 0.
    zero = np.zeros((1, 1))
    assert bare(CATALOGUE["mae"]()).run(zero, zero)[1] == 0.0
    huber = bare(CATALOGUE["huber"](delta=2.0))
    for error, slope in ((2.0, -2.0), (-2.0, 2.0), (1.5, -1.5), (5.0, -2.0), (0.0, 0.0)):
        assert huber.run(zero, np.array([[error]]))[1] == slope


# -- domains --------------------------------------------------------------------------------------


def test_every_entry_is_stated_here() -> None:
    assert set(STATED) == set(CATALOGUE)
    assert all(entry().name == name for name, entry in CATALOGUE.items())


@pytest.mark.parametrize("name", CATALOGUE)
def test_domains_and_conventions_are_those_of_the_design(name: str) -> None:
    forms = CATALOGUE[name]().forms
    assert len(forms) == len(STATED[name])
    for form, stated in zip(forms, STATED[name], strict=True):
        assert form.outputs == stated.outputs
        assert form.targets == stated.targets
        assert form.canonical == stated.canonical
        assert form.averaged is stated.averaged
        assert form.shares is stated.outputs.simplex
        assert activations.CATALOGUE[form.canonical].range <= form.outputs


@every_form
def test_loss_is_least_where_output_and_target_agree(
    name: str, place: int, settings: Settings
) -> None:
    loss = bare(made(name, settings), place)
    _, Y = drawn(name, place, 17, 3)
    Y = np.clip(Y, 0.02, None) if STATED[name][place].outputs.low == 0 else Y
    if STATED[name][place].outputs.simplex:
        Y /= Y.sum(axis=1, keepdims=True)
    least, slope = loss.run(Y, Y)
    assert name == "log_loss" or least == pytest.approx(0, abs=1e-15)
    if name == "log_loss" and place == 0:
        # On the simplex: the same slope in every direction.
        np.testing.assert_allclose(slope, -1 / 17, rtol=1e-14)
    elif name != "quantile":
        np.testing.assert_allclose(slope, 0, atol=1e-14)
    for seed in range(20):
        A, _ = drawn(name, place, 17, 3, seed)
        assert loss.run(A, Y)[0] > least


@every_form
def test_loss_is_finite_at_the_closed_ends_of_the_targets(
    name: str, place: int, settings: Settings
) -> None:
    A, _ = drawn(name, place, 2, 3)
    targets = STATED[name][place].targets
    for end in (targets.low, targets.high):
        if end in targets and np.isfinite(end):
            value, slope = bare(made(name, settings), place).run(A, np.full((2, 3), end))
            assert np.isfinite(value)
            assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("name", CATALOGUE)
def test_drawn_targets_lie_in_the_domain(name: str) -> None:
    for stated in STATED[name]:
        network = Network.dense([2, 3], [stated.canonical], name)
        Y = random_targets(network, np.random.default_rng(0), 50)
        assert all(float(y) in network.targets for y in Y.flat)
        if stated.outputs.simplex:
            np.testing.assert_allclose(Y.sum(axis=1), 1, rtol=1e-14)


# -- names and constants --------------------------------------------------------------------------


def test_names_aliases_and_constants() -> None:
    assert losses.find("cross_entropy").name == "log_loss"
    assert all(losses.find(alias).name == name for alias, name in losses.ALIASES.items())
    given = CATALOGUE["huber"](delta=2.0)
    assert losses.find(given) is given
    assert dict(given.settings) == {"delta": 2.0}
    assert losses.find("quantile").settings == {"level": 0.5}
    with pytest.raises(InputError, match="Did you mean 'poisson'"):
        losses.find("poison")


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_huber_refuses(delta: float) -> None:
    with pytest.raises(InputError, match="delta"):
        CATALOGUE["huber"](delta=delta)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.1, float("nan")])
def test_quantile_refuses(level: float) -> None:
    with pytest.raises(InputError, match="level"):
        CATALOGUE["quantile"](level=level)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_constants_may_be_numpy_numbers(kind: Any) -> None:
    # What np.linspace or a grid search passes.
    A, Y = drawn("huber", 0, 5, 2)
    expected, _ = bare(CATALOGUE["huber"](delta=0.75)).run(A, Y)
    assert bare(CATALOGUE["huber"](delta=kind(0.75))).run(A, Y)[0] == expected
