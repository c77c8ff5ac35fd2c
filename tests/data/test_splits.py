"""Splits: all rows once, shares retained, determined by the seed, and too few rows refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import holdout, random_order
from chainrule.data.splits import PURPOSE_HOLDOUT
from chainrule.errors import InputError, InputTypeError


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 2**64 - 1))
def test_every_row_is_in_one_part(n_rows, fraction, seed):
    try:
        train, held_out = holdout(n_rows, fraction, seed)
    except InputError as error:
        needed = int(str(error).split("at least ")[1].split()[0])
        assert needed > n_rows
        holdout(needed, fraction, seed)
        return
    assert sorted([*train, *held_out]) == list(range(n_rows))
    assert len(train)
    assert abs(len(held_out) - n_rows * fraction) <= 0.5 + 1e-6
    for part in (train, held_out):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=200),
    st.floats(0.05, 0.95),
    st.integers(0, 9),
)
def test_classes_keep_their_shares_and_a_training_row(classes, fraction, seed):
    codes = np.array(classes)
    wanted = math.floor(len(codes) * fraction + 0.5 + 1e-9)
    if not 1 <= wanted <= len(codes) - len(set(classes)):
        with pytest.raises(InputError, match="needed"):
            holdout(len(codes), fraction, seed, classes=codes)
        return
    train, held_out = holdout(len(codes), fraction, seed, classes=codes)
    assert len(held_out) == wanted
    assert sorted([*train, *held_out]) == list(range(len(codes)))
    assert set(codes[train]) == set(codes)
    counts = np.bincount(codes)
    shares = np.bincount(codes[held_out], minlength=len(counts))
    quotas = counts * len(held_out) / len(codes)
    roomy = (quotas <= counts - 1).all()
    if roomy:
        assert (np.abs(shares - quotas) < 1).all()


def test_labels_of_any_type_will_do():
    text = np.array(["b"] * 4 + ["a"] * 4)
    _, of_text = holdout(8, 0.5, 3, classes=text)
    _, of_codes = holdout(8, 0.5, 3, classes=[1] * 4 + [0] * 4)
    np.testing.assert_array_equal(of_text, of_codes)
    assert (of_text < 4).sum() == 2


@pytest.mark.parametrize(
    ("counts", "fraction", "shares"),
    [([11, 19], 0.1, [1, 2]), ([19, 11], 0.1, [2, 1]), ([5, 15], 0.5, [2, 8])],
)
def test_the_rest_goes_by_largest_remainder_then_to_the_frequent(counts, fraction, shares):
    classes = np.repeat([0, 1], counts)
    _, held_out = holdout(len(classes), fraction, 0, classes=classes)
    assert np.bincount(classes[held_out]).tolist() == shares


def test_a_class_of_one_row_trains():
    for seed in range(20):
        train, _ = holdout(10, 0.5, seed, classes=[0] * 9 + [1])
        assert 9 in train


def test_seeds_and_purposes_give_other_orders():
    orders = {tuple(random_order(20, seed, purpose)) for seed in range(5) for purpose in range(5)}
    assert len(orders) == 25
    assert tuple(random_order(20, 0, PURPOSE_HOLDOUT)) not in orders


def test_the_order_is_that_of_the_philox_words():
    words = np.random.Philox(key=np.array([42, PURPOSE_HOLDOUT], dtype=np.uint64)).random_raw(1000)
    order = random_order(1000, 42, PURPOSE_HOLDOUT)
    assert (np.diff(words[order].astype(object)) > 0).all()


def test_the_split_never_changes():
    # Whoever trained with a seed finds the same rows held out after every upgrade.
    assert random_order(10, seed=1, purpose=2).tolist() == [4, 2, 0, 6, 1, 5, 9, 8, 7, 3]
    assert holdout(10, 0.3, seed=0)[1].tolist() == [1, 5, 6]


def test_rows_are_drawn_evenly():
    drawn = np.zeros(20)
    for seed in range(2000):
        drawn[holdout(20, 0.25, seed)[1]] += 1
    # Binomial(2000, 1/4): standard deviation 19.4; five of them on either side.
    assert (np.abs(drawn - 500) < 97).all()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 2, float("nan")])
def test_fractions_outside_are_refused(fraction):
    with pytest.raises(
        InputError, match="`fraction` must be a number between 0 and 1, both excluded, got"
    ):
        holdout(10, fraction, 0)


def test_too_few_rows_are_refused_with_the_number_needed():
    with pytest.raises(InputError, match=r"4 rows are too few .* 0.1: at least 5 are needed"):
        holdout(4, 0.1, 0)
    with pytest.raises(InputError, match=r"1 row is too few"):
        holdout(1, 0.5, 0)
    with pytest.raises(InputError, match=r"4 rows with 3 classes, .* at least 6 are needed"):
        holdout(4, 0.5, 0, classes=[0, 1, 2, 2])
    with pytest.raises(
        InputError,
        match=r"`classes` must have one code for each row, shape \(4,\), got shape \(3,\)",
    ):
        holdout(4, 0.5, 0, classes=[0, 1, 1])


@pytest.mark.parametrize(
    ("seed", "error"),
    [(-1, InputError), (2**64, InputError), (0.5, InputTypeError), (True, InputTypeError),
     (None, InputTypeError)],
)  # fmt: skip
def test_seeds_are_integers_of_64_bits(seed, error):
    with pytest.raises(error, match="`seed` must be an integer from 0 to 18446744073709551615"):
        holdout(10, 0.5, seed)
