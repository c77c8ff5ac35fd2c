"""Scales: round ticks, positions that are linear, ranges at the edge of what floats hold."""

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.pictures.scales import Scale, number_text

numbers = st.floats(-1e300, 1e300, allow_subnormal=False)
positive = st.floats(1e-280, 1e280)


def factor(value: float) -> int:
    """Return the digits of a decimal number without zeros at its end: of 0.25 they are 25."""
    digits = "".join(map(str, Decimal(repr(value)).as_tuple().digits))
    return int(digits.rstrip("0") or "0")


def step(ticks: list[float]) -> Decimal:
    gaps = {Decimal(repr(b)) - Decimal(repr(a)) for a, b in pairwise(ticks)}
    assert len(gaps) == 1, ticks
    return gaps.pop()


@given(numbers, numbers)
def test_linear_ticks_are_multiples_of_one_two_or_five_times_a_power_of_ten(a, b):
    scale = Scale.around([a, b], log=False)
    slack = 1e-8 * (scale.high - scale.low)
    assert scale.low <= min(a, b) + slack
    assert scale.high >= max(a, b) - slack
    ticks = scale.ticks(6)
    assert 2 <= len(ticks) <= 6
    assert ticks[0] == scale.low
    assert ticks[-1] == scale.high
    gap = step(ticks)
    assert int("".join(map(str, gap.as_tuple().digits)).rstrip("0")) in (1, 2, 5)
    assert all(Decimal(repr(tick)) % gap == 0 for tick in ticks)


@given(positive, positive)
def test_logarithmic_ticks_are_one_two_or_five_times_a_power_of_ten(a, b):
    scale = Scale.around([a, b], log=True)
    assert scale.low <= min(a, b) * (1 + 1e-8)
    assert scale.high >= max(a, b) * (1 - 1e-8)
    ticks = scale.ticks(6)
    assert 1 <= len(ticks) <= 8
    assert all(factor(tick) in (1, 2, 5) for tick in ticks)
    assert ticks == sorted(set(ticks))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        # The classic examples of Heckbert 1990, "Nice numbers for graph labels", and matplotlib's.
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.0, 10.0, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
        (-0.3, 0.3, [-0.2, 0.0, 0.2]),
    ],
)
def test_ticks_of_common_ranges_are_those_of_matplotlib(low, high, expected):
    assert Scale(low, high).ticks(6) == expected or Scale(low, high).ticks(4) == expected


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([0.01, 0.4], False),
        ([0.01, 0.6], True),
        ([0.0, 100.0], False),
        ([-1.0, 100.0], False),
        ([1e-300, 1.0], False),
        ([math.nan, math.inf, 1.0, 1e3], True),
    ],
)
def test_the_scale_is_logarithmic_where_positive_values_differ_much(values, log):
    assert Scale.around(values).log is log


@given(numbers, numbers, st.floats(0, 1))
def test_positions_are_linear(a, b, share):
    scale = Scale.around([a, b], log=False)
    value = scale.low + share * (scale.high - scale.low)
    assert scale.position(scale.low) == 0.0
    assert scale.position(scale.high) == 1.0
    assert scale.position(value) == pytest.approx(share, abs=1e-9)


def test_positions_are_linear_in_the_logarithm():
    scale = Scale(1e-3, 1e3, log=True)
    assert [scale.position(10.0**k) for k in range(-3, 4)] == pytest.approx(
        [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1]
    )


@pytest.mark.parametrize("values", [[], [math.nan], [0.0], [5.0, 5.0], [1e300, -1e300], [5e-324]])
def test_any_values_have_a_scale_with_ticks(values):
    scale = Scale.around(values)
    assert scale.low < scale.high
    assert scale.ticks(6)
    labels = scale.labels(scale.ticks(6))
    assert len(set(labels)) == len(labels)


@given(numbers, numbers)
def test_labels_of_different_ticks_differ_and_read_back(a, b):
    scale = Scale.around([a, b], log=False)
    ticks = scale.ticks(6)
    labels = scale.labels(ticks)
    read = [float(label.replace("−", "-").replace(",", "")) for label in labels]
    assert read == pytest.approx(ticks, rel=1e-12, abs=abs(ticks[-1] - ticks[0]) * 1e-9)


def test_epochs_are_whole():
    assert Scale(1.0, 3.0).whole_ticks(8) == [1.0, 2.0, 3.0]
    assert Scale(0.5, 1.5).whole_ticks(8) == [1.0]


def test_numbers_for_people():
    found = [number_text(v) for v in (0.0, 1.0, -0.5, 1234.5, 1e6, 5e-5, math.nan, -math.inf)]
    assert found == ["0", "1", "−0.5", "1234", "1e6", "5e−5", "NaN", "−∞"]
