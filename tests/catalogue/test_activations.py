"""Every activation of the catalogue, against oracles that are not ours.

Proved for each entry: the printed value, the overflow-safe form and the slope (or pullback) agree
with SciPy, PyTorch and mpmath; the slope is what chainrule itself derives from the value; nothing
overflows at ±800 where the true value is representable; kinks and range are as declared; the safe
logarithms keep their digits.  test_mutants.py shows that these assertions can fail.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.formulas.differentiate import derivative, pull_back
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.functions import a, a_k, g_k, z, z_k
from chainrule.network import initializers
from chainrule.network.activations import ALIASES, CATALOGUE, Activation, activation, find
from chainrule.network.domains import SIMPLEX
from tests.catalogue.activation_assertions import (
    EXTREME,
    POINTS,
    ROWS,
    SPARSE,
    assert_computed,
    assert_kinks,
    assert_logarithms,
    assert_slope,
    assert_value,
    at,
    close,
    multiple_precision,
    off_kinks,
    slope_at,
)
from tests.catalogue.oracles import (
    SCIPY_ACTIVATIONS,
    SELU_ALPHA,
    SELU_SCALE,
    mpmath_activations,
    torch_activations,
)

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.elementwise]
WHOLE_LAYER = [name for name, entry in CATALOGUE.items() if not entry.elementwise]

# -- the entries --------------------------------------------------------------------------------


@pytest.fixture
def mp() -> Any:
    return multiple_precision()


def test_every_entry_has_every_oracle() -> None:
    assert set(SCIPY_ACTIVATIONS) == set(CATALOGUE)
    assert all(name == entry.name for name, entry in CATALOGUE.items())


@pytest.mark.peers("mpmath", "torch")
def test_every_entry_has_every_oracle_among_the_peers(mp: Any) -> None:
    assert set(torch_activations()) == set(CATALOGUE)
    assert set(mpmath_activations(mp)) == set(ELEMENTWISE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_value(name: str) -> None:
    assert_value(name, CATALOGUE[name])


@pytest.mark.parametrize("name", CATALOGUE)
def test_computed(name: str) -> None:
    assert_computed(name, CATALOGUE[name])


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", CATALOGUE)
def test_value_is_that_of_torch(name: str) -> None:
    import torch

    entry, function = CATALOGUE[name], torch_activations()[name]
    for row in ROWS if name in WHOLE_LAYER else [POINTS]:
        whole = name in WHOLE_LAYER
        found = evaluate(entry.computed, {"z": row}) if whole else at(entry.computed, z=row)
        close(found, function(torch.tensor(row)).numpy(), row)


@pytest.mark.parametrize("name", CATALOGUE)
def test_computed_equals_value_where_both_are_finite(name: str) -> None:
    entry = CATALOGUE[name]
    if entry.elementwise:
        printed, safe = at(entry.value, "value", z=POINTS), at(entry.computed, z=POINTS)
        assert np.all(np.isfinite(printed)), "within ±40 the printed form does not overflow"
        close(safe, printed, POINTS)
        return
    for row in ROWS:
        printed = evaluate(entry.value, {"z": row}, form="value")
        close(evaluate(entry.computed, {"z": row}), printed, row)


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", CATALOGUE)
def test_slope(name: str) -> None:
    assert_slope(name, CATALOGUE[name])


@pytest.mark.peers("mpmath")
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_and_slope_against_mpmath(name: str, mp: Any) -> None:
    entry = CATALOGUE[name]
    with mp.workdps(60):
        oracle = mpmath_activations(mp)[name]
        exact = [oracle(mp.mpf(point)) for point in SPARSE.tolist()]
        # A difference over 1e-20 with 60 digits: 20 digits of the slope are right.
        step = mp.mpf(10) ** -20
        slopes = [
            (oracle(mp.mpf(point) + step) - oracle(mp.mpf(point) - step)) / (2 * step)
            for point in SPARSE.tolist()
        ]
    close(at(entry.computed, z=SPARSE), np.array([float(x) for x in exact]), SPARSE)
    close(slope_at(entry, SPARSE), np.array([float(x) for x in slopes]), SPARSE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_slope_is_the_one_derived_from_the_value(name: str) -> None:
    entry = CATALOGUE[name]
    if entry.elementwise:
        points = off_kinks(entry, POINTS)
        derived = at(derivative(entry.value, z), "value", z=points)
        close(slope_at(entry, points), derived, points)
        return
    assert entry.pullback is not None
    derived_tree = pull_back(entry.value, a_k, g_k, [z_k])[0][z_k]
    for row in ROWS:
        output = evaluate(entry.computed, {"z": row})
        values = {"z": row, "a": output, "g": np.sin(1 + np.arange(row.size))}
        close(evaluate(entry.pullback, values), evaluate(derived_tree, values, form="value"), row)


OVERFLOWS = {"exponential": lambda points: points > 709.78}
"""Entries whose true value is too large for a float64 at some of the points."""


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_finite_at_800(name: str, dtype: Any) -> None:
    entry = CATALOGUE[name]
    points = np.array([-1e4, -800, -745.2, -710, -104, -89, 89, 104, 710, 745.2, 800, 1e4])
    infinite = OVERFLOWS.get(name, lambda points: points == np.inf)(points)
    if name in OVERFLOWS and dtype is np.float32:
        infinite = points > 88.72
    value, slope = at(entry.computed, dtype=dtype, z=points), slope_at(entry, points, dtype)
    assert value.dtype == slope.dtype == dtype
    for found in (value, slope):
        assert np.all(np.isfinite(found) == ~infinite)
        assert not np.any(np.isnan(found))


@pytest.mark.parametrize("name", WHOLE_LAYER)
def test_whole_layer_finite_at_800(name: str) -> None:
    entry = CATALOGUE[name]
    assert entry.pullback is not None
    for row in ([800.0, -800.0], [-800.0, -800.0], [800.0, 800.0, 0.0], [-1e4, 1e4], [800.0]):
        output = evaluate(entry.computed, {"z": np.array(row)})
        values = {"z": np.array(row), "a": output, "g": np.arange(1.0, 1 + len(row))}
        assert np.all(np.isfinite(output))
        assert np.all(np.isfinite(evaluate(entry.pullback, values)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_kinks(name: str) -> None:
    assert_kinks(CATALOGUE[name])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_kinks_that_are_not_as_declared_are_noticed(name: str) -> None:
    entry = CATALOGUE[name]
    for wrong in ((*entry.kinks, 1.5), entry.kinks[1:] if entry.kinks else (0.0,)):
        with pytest.raises(AssertionError):
            assert_kinks(replace(entry, kinks=wrong))


FAR = {"softsign": 1e9, "leaky_relu": 1e9, "tanh": 400.0}
"""How far out the ends of the range are approached, where that is not ±800."""


@pytest.mark.peers("mpmath")
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_range_holds_every_value_and_its_ends_are_approached(name: str, mp: Any) -> None:
    declared = CATALOGUE[name].range
    assert not declared.simplex
    far = FAR.get(name, 800.0)
    # An end that no far point approaches is a minimum inside: near −1.278, −1.192 and −0.752.
    inside = np.linspace(-4, 4, 401)
    points = [-far, -1.2785, -1.1924, -0.7518, *SPARSE.tolist(), *inside.tolist(), far]
    with mp.workdps(400):  # 1 − e^(−800) is not 1
        oracle = mpmath_activations(mp)[name]
        values = [oracle(mp.mpf(point)) for point in points]
        low, high = ((mp.mpf(end), mp.mpf(rounding(end))) for end in ends(declared))
        for value in values:
            assert low[0] - low[1] <= value <= high[0] + high[1]
            assert value != low[0] or not declared.open_low
            assert value != high[0] or not declared.open_high
        for end, reached in ((declared.low, min(values)), (declared.high, max(values))):
            assert abs(reached) > 500 if math.isinf(end) else abs(reached - end) < 1e-6


def ends(domain: Any) -> tuple[float, float]:
    return domain.low, domain.high


def rounding(end: float) -> float:
    """How far a declared end may be off: nothing where it is a whole number."""
    return 0.0 if math.isinf(end) or end == round(end) else float(np.spacing(abs(end)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_computed_values_stay_within_the_range_but_for_rounding(name: str) -> None:
    entry = CATALOGUE[name]
    points = np.concatenate([POINTS, EXTREME])
    found = at(entry.computed, z=points)
    low, high = ends(entry.range)
    # A minimum inside is met but for the rounding of the products that lead to it.
    assert np.all(found >= low - rounding(low))
    assert np.all(found <= high)
    # An open end is met where 1 − e^(−40) rounds to 1, but not near by.
    near = found[np.abs(points) < 15]
    assert not entry.range.open_low or np.all(near > low)
    assert not entry.range.open_high or np.all(near < high)


@pytest.mark.parametrize("name", WHOLE_LAYER)
def test_shares_are_positive_and_sum_to_one(name: str) -> None:
    entry = CATALOGUE[name]
    assert entry.range is SIMPLEX
    for row in ROWS:
        shares = evaluate(entry.computed, {"z": row})
        assert np.all(shares > 0)
        assert abs(np.sum(shares) - 1) < 1e-15 * row.size
    near = evaluate(entry.computed, {"z": np.array([0.0, 30.0])})
    assert 0 < near[0] < 1e-12 < 1 - 1e-12 < near[1] < 1


LOGARITHMS = {
    "sigmoid": ("logarithm", "log_complement"),
    "exponential": ("logarithm",),
    "softmax": ("logarithm",),
}
"""What the losses need: log a after these three, log(1 − a) after sigmoid."""


def test_safe_logarithms_are_stated_where_losses_need_them() -> None:
    stated = {
        name: tuple(
            which for which in ("logarithm", "log_complement") if getattr(entry, which) is not None
        )
        for name, entry in CATALOGUE.items()
    }
    assert {name: which for name, which in stated.items() if which} == LOGARITHMS


@pytest.mark.peers("mpmath")
@pytest.mark.parametrize("name", LOGARITHMS)
def test_logarithms(name: str) -> None:
    assert_logarithms(name, CATALOGUE[name])


@pytest.mark.parametrize("name", CATALOGUE)
def test_nan_comes_out_as_nan(name: str) -> None:
    # A hidden unit that made a number of it would hide a run that has broken down.
    entry = CATALOGUE[name]
    row = np.array([1.0, np.nan, 2.0])
    found = at(entry.computed, z=row) if entry.elementwise else evaluate(entry.computed, {"z": row})
    assert np.isnan(found[1])


# -- decisions of design.md, section 5 ------------------------------------------------------------


def test_slope_of_relu_at_0_is_0() -> None:
    for zero in (0.0, -0.0):
        assert slope_at(CATALOGUE["relu"], np.array([zero])) == 0.0


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_at_the_kinks_is_that_of_torch(name: str) -> None:
    import torch

    entry = CATALOGUE[name]
    argument = torch.tensor([*entry.kinks, 0.0], dtype=torch.float64, requires_grad=True)
    torch_activations()[name](argument).sum().backward()
    points = np.array([*entry.kinks, 0.0])
    np.testing.assert_allclose(slope_at(entry, points), argument.grad.numpy(), rtol=1e-15)


def test_constants() -> None:
    def value(name: str, point: float) -> float:
        return float(at(CATALOGUE[name].value, "value", z=point))

    assert value("leaky_relu", -100.0) == -1.0
    assert value("elu", -1.0) == pytest.approx(math.exp(-1) - 1, rel=1e-15)
    assert value("gelu", 1.0) == pytest.approx(0.5 * math.erfc(-math.sqrt(0.5)), rel=1e-15)
    assert value("hard_sigmoid", 1.5) == 0.75
    assert value("selu", 1.0) == pytest.approx(SELU_SCALE, rel=1e-15)
    assert value("selu", -800.0) == pytest.approx(-SELU_SCALE * SELU_ALPHA, rel=1e-15)


def test_selu_keeps_mean_0_and_variance_1() -> None:
    # What its constants are for (Klambauer et al. 2017), by Gauss–Hermite on each side of the kink.
    nodes, weights = np.polynomial.legendre.leggauss(200)
    right = 6 * (nodes + 1)  # [0, 12]
    total = {1: 0.0, 2: 0.0}
    for points in (right, -right):
        density = 6 * weights * np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
        for moment in total:
            total[moment] += float(density @ at(CATALOGUE["selu"].computed, z=points) ** moment)
    assert total == pytest.approx({1: 0.0, 2: 1.0}, abs=1e-12)


NEXT_INITIALIZER = {
    "relu": "he",
    "leaky_relu": "he",
    "elu": "he",
    "softplus": "he",
    "silu": "he",
    "gelu": "he",
    "mish": "he",
    "selu": "lecun",
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_initializer_is_in_its_catalogue_and_suits(name: str) -> None:
    named = CATALOGUE[name].initializer
    assert named in initializers.CATALOGUE
    assert named.split("_")[0] == NEXT_INITIALIZER.get(name, "glorot")


# -- names and statements -------------------------------------------------------------------------


def test_aliases_lead_to_entries() -> None:
    assert find("logistic") is CATALOGUE["sigmoid"]
    assert find(CATALOGUE["relu"]) is CATALOGUE["relu"]
    assert all(find(alias) is CATALOGUE[name] for alias, name in ALIASES.items())
    assert not set(ALIASES) & set(CATALOGUE)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'sigmoid'"):
        find("sigmod")
    with pytest.raises(InputError, match="a name such as 'tanh', or an Activation, got 3"):
        find(3)  # type: ignore[arg-type]


def test_an_activation_without_a_slope_gets_the_derived_one() -> None:
    cubic = activation("cubic", z**3 - z)
    np.testing.assert_allclose(slope_at(cubic, POINTS), 3 * POINTS**2 - 1, rtol=1e-13)
    assert cubic.computed is cubic.value


def test_a_slope_or_a_pullback_is_needed_and_not_both() -> None:
    for wrong in ({}, {"slope": a, "pullback": g_k}):
        with pytest.raises(InputError, match=r"slope.* pullback"):
            Activation(name="wrong", value=z, computed=z, **wrong)  # type: ignore[arg-type]
