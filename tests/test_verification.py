"""Verification: what its table says, what it checks, what it does with kinks and large arrays."""

import time
from dataclasses import replace

import numpy as np
import pytest

from chainrule import verification
from chainrule.check_result import CheckResult
from chainrule.errors import InputError
from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.expressions import Symbol, product, total
from chainrule.formulas.functions import tanh
from chainrule.network.activations import CATALOGUE as ACTIVATIONS
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.network.losses import CATALOGUE as LOSSES
from chainrule.network.penalties import L1, L2
from chainrule.verification import (
    ENTRIES,
    KINK_MARGIN,
    Verification,
    distance_from_kinks,
    random_targets,
    random_values,
    relative_error,
    verify,
    verify_formulation,
)
from tests.selection import sampled

METHODS = [
    "loss of the Plan",
    "complex step",
    "central differences",
    "one step from old values",
    "matrix form, samples in rows",
    "matrix form, samples in columns",
]
DISPLAYED = ["displayed lines, samples in rows", "displayed lines, samples in columns"]

# -- the table -----------------------------------------------------------------------------------


def test_the_table_lists_every_method_with_its_worst_error_and_limit():
    result = verify(Network.dense([5, 4, 3], "tanh"), seed=0)
    assert result.passed
    assert not result.failures
    title, *lines = str(result).splitlines()
    assert title == "5-4-3, tanh, mse, 39 parameters"
    assert [line[2:].split("  ")[0] for line in lines] == [*METHODS, *DISPLAYED]
    for line in lines:
        assert line.endswith("✓")
    assert "   4 checked" in lines[1]  # W and b of two layers
    assert "limit 1e-12" in lines[1]
    assert "limit 1e-06" in lines[2]


def test_rewrites_are_listed_where_there_are_any():
    result = verify(Network.dense([3, 4, 3], "tanh", "log_loss"), seed=0)
    assert [method for method, _, _ in result.methods()] == [
        *METHODS,
        "rewrites",
        *DISPLAYED,
    ]
    assert result.passed


def test_a_failure_is_shown_with_what_failed_though_another_error_is_larger():
    checks = (
        CheckResult("complex step", 0.5e-12, 1e-12, "∂Loss/∂W"),
        CheckResult("complex step", 0.25, 1e-12, "∂Loss/∂b"),
        CheckResult("central differences", 1e-9, 1e-6, "∂Loss/∂W"),
    )
    result = Verification("one", checks)
    assert not result.passed
    assert result.failures == (checks[1],)
    assert str(result).splitlines() == [
        "one",
        "  complex step            2 checked   worst  2.50e-01   limit 1e-12   ✗ ∂Loss/∂b",
        "  central differences     1 checked   worst  1.00e-09   limit 1e-06   ✓",
    ]


def test_an_error_that_is_no_number_fails_and_is_the_worst():
    checks = (CheckResult("m", 0.9, 1.0, "fine"), CheckResult("m", float("nan"), 1.0, "broken"))
    result = Verification("", checks)
    assert not result.passed
    assert "✗ broken" in str(result)
    assert CheckResult("m", float("inf"), 1.0, "infinite").passed is False


def test_nothing_checked_is_nothing_proved():
    assert not Verification("empty", ()).passed
    assert str(Verification("empty", ())) == "empty"


def test_the_relative_error_has_a_floor_beside_the_loss():
    assert relative_error(np.array([1.0, 2.0]), np.array([1.0, 2.0]), 0.0) == 0
    assert relative_error(np.array([3.0, 4.0]), np.array([0.0, 0.0]), 0.0) == 5 / 1e-3
    assert relative_error(np.array([3.0, 4.0]), np.array([0.0, 0.0]), -9.0) == 5 / 1e-2
    assert relative_error(np.array([11.0]), np.array([10.0]), 0.0) == 0.1


# -- what is checked -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sampled(ACTIVATIONS, every=3))
def test_every_activation_passes(name):
    assert verify(Network.dense([3, 4, 2], name), seed=1).passed


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_passes(name):
    assert verify(Network.dense([3, 4, 2], "tanh", name), seed=1).passed


def test_penalties_and_shared_and_frozen_parameters_pass():
    network = Network.dense(
        [3, 4, 2],
        penalty=[L2(0.1), L1(0.2)],
        trainable={"b_ih": "shared", "W_ho": False},
    )
    result = verify(network, seed=0)
    assert result.passed, str(result)
    assert ("complex step", 3) in [(method, count) for method, count, _ in result.methods()]


@pytest.mark.parametrize(
    "layers", sampled([[1, 1], [17, 1, 2], [1, 1, 1], [2, 2, 2, 2], [3, 3, 3]], every=2)
)
@pytest.mark.parametrize("samples", [1, 2, 17])
def test_awkward_sizes_pass(layers, samples):
    assert verify(Network.dense(layers, "sigmoid"), seed=2, samples=samples).passed


def test_given_numbers_are_the_ones_that_are_checked(monkeypatch):
    network = Network.dense([2, 3, 1], "tanh")
    parameters = network.initialize(4)
    X, Y = np.ones((3, 2)), np.zeros((3, 1))
    seen = []
    original = verification.verify_formulation

    def watched(formulation, values, **options):
        seen.append(values)
        return original(formulation, values, **options)

    monkeypatch.setattr(verification, "verify_formulation", watched)
    assert verify(network, parameters=parameters, X=X, Y=Y).passed
    assert seen[0]["X"] is X or np.array_equal(seen[0]["X"], X)
    assert np.array_equal(seen[0]["Y_t"], Y)
    assert np.array_equal(seen[0]["W_ih"], parameters["W_ih"])


def test_nothing_that_is_given_is_changed():
    network = Network.dense([2, 3, 1], "tanh")
    parameters = network.initialize(4)
    before = parameters.flat.copy()
    verify(network, parameters=parameters)
    assert np.array_equal(parameters.flat, before)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"X": np.ones((5, 3))}, "axis i"),
        ({"X": np.ones((4, 2)), "Y": np.ones((3, 1))}, "axis B"),
        ({"parameters": {"W_ih": np.ones((2, 2))}}, "axis h"),
        ({"X": np.ones(2)}, "`X` must have the axes (B, i), got shape (2,)"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(given, named):
    with pytest.raises(InputError) as caught:
        verify(Network.dense([2, 3, 1]), **given)
    assert named in str(caught.value)


def test_inputs_alone_say_how_many_samples_there_are():
    assert verify(Network.dense([2, 3, 1]), X=np.ones((3, 2))).passed


def test_a_wrong_derivation_is_caught_by_every_method_that_looks_at_it():
    network = Network.dense([3, 4, 2], "tanh")
    formulation = network.formulation()
    gradients = differentiate(formulation)
    entry = gradients.of(next(s for s in formulation.parameters if s.name == "W_ho"))
    doubled = replace(entry, derived=Equation(entry.left, 2 * entry.derived.right), rewrites=())
    wrong = replace(
        gradients,
        backward=tuple(doubled if other is entry else other for other in gradients.backward),
    )
    result = verify_formulation(formulation, random_values(network, 0), gradients=wrong)
    failed = {(check.method, check.quantity) for check in result.failures}
    assert failed == {
        ("complex step", "∂Loss/∂W_ho"),
        ("central differences", "∂Loss/∂W_ho"),
        ("one step from old values", "W_ho"),
    }


def test_a_wrong_rewrite_is_caught():
    network = Network.dense([3, 4, 3], ["tanh", "softmax"], "log_loss")
    formulation = network.formulation()
    gradients = differentiate(formulation)
    (entry,) = [entry for entry in gradients.backward if entry.rewrites]
    last = entry.rewrites[-1]
    wrong_last = replace(last, after=product(-1, last.after))
    doubled = replace(entry, rewrites=(*entry.rewrites[:-1], wrong_last))
    wrong = replace(
        gradients,
        backward=tuple(doubled if other is entry else other for other in gradients.backward),
    )
    result = verify_formulation(formulation, random_values(network, 0), gradients=wrong)
    assert "rewrites" in {check.method for check in result.failures}


def test_a_wrong_computed_form_is_caught(monkeypatch):
    # What is printed and what is evaluated disagree: the loss of the Plan is another one.
    tanh_entry = ACTIVATIONS["tanh"]
    wrong = replace(tanh_entry, computed=0.999 * tanh(Symbol("z")))
    result = verify(Network.dense([3, 4, 2], wrong), seed=0)
    assert "loss of the Plan" in {check.method for check in result.failures}


# -- kinks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quantile"])
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "hard_sigmoid", "selu"])
def test_random_batches_keep_off_the_kinks(name, loss):
    network = Network.dense([3, 17, 2], name, loss)
    formulation = network.formulation()
    for seed in range(5):
        values = random_values(network, seed)
        assert distance_from_kinks(formulation, values) >= KINK_MARGIN


def test_the_distance_is_that_of_the_nearest_pre_activation():
    network = Network.dense([1, 2, 1], ["relu", "identity"])
    values = {
        "X": np.array([[1.0], [2.0]]),
        "W_ih": np.array([[1.0, -1.0]]),
        "b_ih": np.array([-0.9, 0.5]),
        "W_ho": np.ones((2, 1)),
        "b_ho": np.zeros(1),
        "Y_t": np.zeros((2, 1)),
    }
    assert distance_from_kinks(network.formulation(), values) == pytest.approx(0.1)


def test_a_kink_that_no_parameter_can_cross_does_not_count():
    network = Network.dense([1, 1], ["exponential"], "poisson")
    values = {
        "X": np.ones((1, 1)),
        "W_1": np.ones((1, 1)),
        "b_1": np.zeros(1),
        "Y": np.zeros((1, 1)),  # y log y branches at 0, in the target alone
    }
    assert distance_from_kinks(network.formulation(), values) == np.inf


def test_where_no_batch_keeps_off_the_kinks_it_says_so(monkeypatch):
    monkeypatch.setattr(verification, "KINK_MARGIN", 10.0)
    with pytest.raises(InputError, match="fewer samples") as caught:
        verify(Network.dense([2, 3, 1], "relu"))
    assert len(str(caught.value).splitlines()) == 1


def test_the_same_seed_draws_the_same_batch():
    network = Network.dense([3, 4, 2], "relu")
    first, again, other = (random_values(network, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["X"], other["X"])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("outputs", [1, 3])
def test_random_targets_suit_the_loss(loss, outputs):
    network = Network.dense([2, 3, outputs], "tanh", loss)
    drawn = random_targets(network, np.random.default_rng(0), 50)
    assert drawn.shape == (50, outputs)
    assert all(float(value) in network.targets for value in drawn.ravel())
    if network.form.shares:
        np.testing.assert_allclose(drawn.sum(axis=1), 1)


# -- large arrays --------------------------------------------------------------------------------


def count_directions(network: Network, monkeypatch) -> dict[int, int]:
    counted: dict[int, int] = {}
    original = verification._directions

    def watched(array, seed, most):
        for direction in original(array, seed, most):
            counted[array.size] = counted.get(array.size, 0) + 1
            assert np.linalg.norm(direction) == pytest.approx(1.0)
            yield direction

    monkeypatch.setattr(verification, "_directions", watched)
    result = verify(network, seed=0, samples=2)
    assert result.passed, str(result)
    return counted


def test_small_arrays_entry_by_entry_and_two_hundred_units_along_random_directions(monkeypatch):
    counted = count_directions(Network.dense([3, 200, 2], "tanh"), monkeypatch)
    assert counted[2] == 2
    for size in (600, 200, 400):
        assert 0 < counted[size] <= ENTRIES


def test_a_wrong_entry_of_a_large_array_shows_along_random_directions():
    # One entry of 600 wrong by 10⁻⁶: mixed directions see it though no single one was drawn there.
    network = Network.dense([3, 200, 2], "tanh")
    values = random_values(network, 0)
    directions = list(verification._directions(values["W_ih"], 0, ENTRIES))
    seen = sum(abs(direction[1, 137]) > 1e-4 for direction in directions)
    assert seen >= 3


def test_a_network_for_digits_verifies_in_bounded_time():
    network = Network.dense([784, 128, 64, 10], "relu", "log_loss")
    start = time.perf_counter()
    result = verify(network, seed=0, samples=2)
    taken = time.perf_counter() - start
    assert result.passed, str(result)
    assert taken < 30


# -- any formulation -----------------------------------------------------------------------------


def test_an_output_with_a_scalar_parameter_and_a_product_over_three_symbols():
    B, I = Axis("B", -1), Axis("i", 0, "n_i")
    X, w, s, L = Symbol("X", (B, I)), Symbol("w", (I,)), Symbol("s"), Symbol("Loss")
    Z = Symbol("Z", (B,))
    stated = Formulation(
        (Equation(Z, tanh(product(X, w, over=[I])) * s), Equation(L, total(Z**2, B))),
        L,
        (w, s),
        (X,),
        Z,
        L,
    )
    rng = np.random.default_rng(0)
    values = {"X": rng.normal(size=(4, 3)), "w": rng.normal(size=3), "s": 0.7}
    result = verify_formulation(stated, values, title="a formula")
    assert result.passed, str(result)
    assert str(result).startswith("a formula\n")
