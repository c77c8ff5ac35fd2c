"""Arrays that were taken for something else without an error: dates, masks, large labels, flags."""

import warnings

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.data import Table
from chainrule.errors import InputError, InputTypeError

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(20, 2))
Y = np.arange(20) % 2
DAYS = np.arange(40).reshape(20, 2).astype("datetime64[D]")
SPANS = DAYS - DAYS[0, 0]
MASKED = np.ma.masked_array(X, mask=np.eye(20, 2) > 0)
TIMES = {
    "days": DAYS,
    "nanoseconds": DAYS.astype("datetime64[ns]"),
    "durations": SPANS,
    "a list": list(DAYS),
    "objects": np.array([[np.datetime64("2020-01-01"), 1.0]] * 20, dtype=object),
    "pandas": pd.DataFrame({"a": DAYS[:, 0], "b": X[:, 0]}),
    "pandas durations": pd.DataFrame({"a": SPANS[:, 0], "b": SPANS[:, 1]}),
    "polars": pl.DataFrame({"a": DAYS[:, 0], "b": DAYS[:, 1]}),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("estimator", [cr.MLPClassifier, cr.MLPRegressor])
def test_dates_are_no_features(estimator, kind):
    with pytest.raises(InputTypeError, match=r"`X` must be numbers, got .*Subtract a date"):
        estimator(hidden_layer_sizes=(3,), max_iter=2).fit(TIMES[kind], Y)
    fitted = estimator(hidden_layer_sizes=(3,), max_iter=2).fit(X, Y)
    with pytest.raises(InputTypeError, match="`X` must be numbers"):
        fitted.predict(TIMES[kind])
    with pytest.raises(InputTypeError, match="`X` must be numbers"):
        fitted.partial_fit(TIMES[kind], Y)


@pytest.mark.parametrize("times", [DAYS[:, 0], SPANS[:, 0], pd.Series(DAYS[:, 0])])
def test_dates_are_no_targets_and_no_weights(times):
    with pytest.raises(InputTypeError, match="`y` must be numbers"):
        cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2).fit(X, times)
    with pytest.raises(InputTypeError, match="`sample_weight` must be numbers"):
        cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2).fit(X, Y, sample_weight=times)


def test_dates_may_be_classes():
    model = cr.MLPClassifier(hidden_layer_sizes=(3,), max_iter=2).fit(X, DAYS[Y, 0])
    assert model.predict(X).dtype == DAYS.dtype


def test_masked_entries_are_refused():
    network = cr.Network.dense([2, 1])
    weight = np.ma.masked_array(np.ones(20), mask=Y > 0)
    for arguments in (
        {"X": MASKED, "Y": Y},
        {"X": X, "Y": np.ma.masked_array(Y, mask=Y > 0)},
        {"X": X, "Y": Y, "sample_weight": weight},
    ):
        with pytest.raises(InputError, match=r"must have no masked entries.*got \d+\. Fill them"):
            cr.train(network, epochs=1, **arguments)
    with pytest.raises(InputError, match="no masked entries"):
        cr.predict(network, network.initialize(), MASKED)
    for estimator in (cr.MLPClassifier, cr.MLPRegressor):
        model = estimator(hidden_layer_sizes=(3,), max_iter=2)
        for arrays in ((MASKED, Y), (X, np.ma.masked_array(Y, mask=Y > 0)), (X, Y, weight)):
            with pytest.raises(InputError, match="no masked entries"):
                model.fit(*arrays)
        with pytest.raises(InputError, match="no masked entries"):
            model.fit(X, Y).predict(MASKED)
        assert model.fit(np.ma.masked_array(X), Y) is model


@pytest.mark.parametrize(
    "given", [pd.Series([2**53, 2**53 + 1] * 10, dtype=kind) for kind in ("Int64", "UInt64")]
)
def test_classes_beyond_2_53_stay_apart(given):
    model = cr.MLPClassifier(hidden_layer_sizes=(3,), max_iter=2).fit(X, given)
    assert model.classes_.tolist() == [2**53, 2**53 + 1]
    model.partial_fit(X, given)


def test_classes_that_numpy_rounds_are_refused():
    with pytest.raises(InputError, match=r"classes beyond 2\^53 beside floats"):
        cr.MLPClassifier(max_iter=2).fit(X, [2**53 + 2, 2**53 + 3, 1.0, 2.0] * 5)


def test_whole_numbers_as_objects_keep_their_digits():
    frame = pd.DataFrame({"key": pd.Series([2**53, 2**53 + 1, None, 2**70], dtype=object)})
    cells = Table.from_frame(frame).frame["key"].to_list()
    assert cells == ["9007199254740992", "9007199254740993", None, "1180591620717411303424"]


@pytest.mark.parametrize("shuffle", ["no", 0, None])
def test_shuffle_is_a_flag(shuffle):
    with pytest.raises(InputTypeError, match="`shuffle` must be True or False"):
        cr.train(cr.Network.dense([2, 1]), X, Y, epochs=1, shuffle=shuffle)


@pytest.mark.parametrize("sizes", [True, (True, 3), [3, np.True_]])
def test_true_is_no_number_of_units(sizes):
    with pytest.raises(InputTypeError, match="`hidden_layer_sizes` must be integers above 0"):
        cr.MLPClassifier(hidden_layer_sizes=sizes, max_iter=2).fit(X, Y)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_batch_without_weight_is_named(shuffle):
    weight = np.zeros(20)
    weight[:2] = 1
    expected = r"`sample_weight` must not sum to 0 in a batch, got 0 in batch \d of epoch 1"
    network = cr.Network.dense([2, 1])
    with pytest.raises(InputError, match=expected):
        cr.train(network, X, Y, sample_weight=weight, batch_size=5, epochs=1, shuffle=shuffle)
    with pytest.raises(InputError, match=expected):
        cr.MLPRegressor(batch_size=5, shuffle=shuffle).fit(X, Y, weight)


@pytest.mark.parametrize("estimator", [cr.MLPClassifier, cr.MLPRegressor])
def test_a_warning_of_lbfgs_points_at_the_caller(estimator):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=2, tol=0.0).fit(X, Y)
    (warning,) = caught
    assert warning.filename == __file__
