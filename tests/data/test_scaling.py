"""Mean and deviation against exact fractions and scikit-learn; targets scaled and brought back."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from chainrule.data import TargetScaler
from chainrule.data.scaling import mean_and_deviation
from chainrule.errors import DataError, InputError, ModelFileError


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=12))
def test_mean_and_deviation_are_those_of_exact_fractions(values):
    mean, deviation = mean_and_deviation(np.array(values))
    exact = [Fraction(value) for value in values]
    exact_mean = sum(exact) / len(exact)
    size = max(abs(value) for value in exact) or Fraction(1)
    variance = sum(((value - exact_mean) / size) ** 2 for value in exact) / len(exact)
    assert abs(Fraction(mean) - exact_mean) <= size * Fraction(1, 10**14) + Fraction(5e-324)
    assert abs(deviation - math.sqrt(variance) * float(size)) <= 1e-14 * float(size) + 1e-323


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_the_scaling_by_powers_of_two_changes_no_bit(scale):
    values = np.random.default_rng(0).normal(size=1000)
    mean, deviation = mean_and_deviation(values)
    assert (mean, deviation) == (values.mean(), values.std())
    scaled = mean_and_deviation(values * scale)
    np.testing.assert_allclose(scaled, [mean * scale, deviation * scale], rtol=1e-12)


def test_a_constant_has_no_deviation():
    # The computed mean of seven times 0.1 is not 0.1, and so the computed deviation is 1e-17.
    assert np.full(7, 0.1).std() > 0.0
    assert mean_and_deviation(np.full(7, 0.1)) == (0.1, 0.0)


def test_targets_are_scaled_as_by_scikit_learn_and_come_back():
    targets = np.random.default_rng(1).normal([5.0, -300.0], [0.1, 40.0], size=(200, 2))
    scaler = TargetScaler.fit(targets)
    np.testing.assert_allclose(
        scaler.transform(targets), StandardScaler().fit_transform(targets), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(scaler.inverse(scaler.transform(targets)), targets, rtol=1e-14)
    assert TargetScaler.from_dict(json.loads(json.dumps(scaler.to_dict()))) == scaler


def test_a_constant_output_is_refused():
    with pytest.raises(DataError, match="target output 1 is 7 in all 2 training rows"):
        TargetScaler.fit([[1.0, 7.0], [2.0, 7.0]])


@pytest.mark.parametrize("targets", [[1.0, 2.0], np.zeros((0, 1))])
def test_shapes_are_checked(targets):
    with pytest.raises(
        InputError,
        match=r"`targets` must be an array of shape \(rows, outputs\) with at least one row, got",
    ):
        TargetScaler.fit(targets)
    scaler = TargetScaler((0.0,), (1.0,))
    for method in (scaler.transform, scaler.inverse):
        with pytest.raises(
            InputError, match=r"`(targets|outputs)` must be .* shape \(rows, 1\), got \(1, 2\)"
        ):
            method([[1.0, 2.0]])


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"mean": [], "deviation": []},
        {"mean": [1.0], "deviation": []},
        {"mean": [1.0], "deviation": [-1.0]},
        {"mean": [1.0], "deviation": [float("nan")]},
        {"mean": 1.0, "deviation": 1.0},
    ],
)
def test_damaged_records_are_refused(record):
    with pytest.raises(ModelFileError, match="damaged"):
        TargetScaler.from_dict(record)
