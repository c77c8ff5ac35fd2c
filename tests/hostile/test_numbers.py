"""Numbers that break others: a correct fit, or one error that names the cause; never a silent NaN.

Warnings are errors in this suite, NumPy's too.
"""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, InputError, NonFiniteLoss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(40, 3))
NUMBERS = X[:, 0] * 2 + X[:, 1]
CLASSES = (NUMBERS > 0).astype(int)


def of_network(X, y):
    network = cr.Network.dense([X.shape[1], 8, 1], "tanh")
    return cr.train(network, X, y, epochs=20, optimizer="adam").predict(X)


def of_regressor(solver):
    def fitted(X, y):
        model = cr.MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, solver=solver, random_state=0)
        return model.fit(X, y).predict(X)

    return fitted


def of_classifier(X, y):
    model = cr.MLPClassifier(hidden_layer_sizes=(8,), max_iter=20, random_state=0)
    return model.fit(X, y > 0).predict_proba(X)


def of_table(X, y):
    columns = {f"x{number}": X[:, number] for number in range(X.shape[1])}
    frame = pl.DataFrame({**columns, "y": y})
    return cr.train_table(frame, "y", hidden=(8,), epochs=5, validation=0).model.predict(frame)


FITS = {
    "network": of_network,
    "adam": of_regressor("adam"),
    "lbfgs": of_regressor("lbfgs"),
    "classifier": of_classifier,
    "table": of_table,
}


def with_value(array, value):
    found = array.copy()
    found.flat[4] = value
    return found


ROWS = np.arange(40)
DATA = {
    "a constant column": (np.hstack([X, np.full((40, 1), 7.0)]), NUMBERS),
    "constant columns": (np.ones((40, 3)), NUMBERS),
    "equal targets": (X, np.full(40, 3.0)),
    "one row": (X[:1], NUMBERS[:1]),
    "two rows": (X[:2], np.array([0.0, 1.0])),
    "fewer rows than a batch": (X[:7], NUMBERS[:7]),
    "one feature": (X[:, :1], NUMBERS),
    "features x 1e4": (X * 1e4, NUMBERS),
    "features x 1e30": (X * 1e30, NUMBERS),
    "features x 1e-30": (X * 1e-30, NUMBERS),
    "features near the largest": (np.clip(X, -1, 1) * 1.7e308, NUMBERS),
    "denormal features": (np.clip(X, -1, 1) * 1e-320, NUMBERS),
    "the smallest features": (np.sign(X) * 5e-324, NUMBERS),
    "features of -0.0": (X * 0.0 * -1.0, NUMBERS),
    "huge integers": (np.full((40, 3), 2**62) + ROWS[:, None], NUMBERS),
    "the largest integers": (
        np.full((40, 3), 2**64 - 1, dtype=np.uint64) - ROWS[:, None].astype(np.uint64),
        NUMBERS,
    ),
    "an integer of 400 digits": (np.array([[10**400, 1, n] for n in ROWS], object), NUMBERS),
    "targets x 1e6": (X, NUMBERS * 1e6),
    "targets x 1e-6": (X, NUMBERS * 1e-6),
    "targets x 1e150": (X, np.clip(NUMBERS, -1, 1) * 1e149),
    "targets near the largest": (X, np.clip(NUMBERS, -1, 1) * 1.7e308),
    "denormal targets": (X, np.clip(NUMBERS, -1, 1) * 1e-320),
    "NaN in X": (with_value(X, np.nan), NUMBERS),
    "infinity in X": (with_value(X, np.inf), NUMBERS),
    "NaN in y": (X, with_value(NUMBERS, np.nan)),
    "infinity in y": (X, with_value(NUMBERS, -np.inf)),
}
WRONG = ("NaN in X", "infinity in X", "NaN in y", "infinity in y")


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("data", DATA)
def test_a_fit_without_nan_or_one_error(data, fit):
    features, targets = DATA[data]
    if fit == "classifier" and data.endswith("y"):
        pytest.skip("classes are compared before they get here")
    try:
        found = FITS[fit](features, targets)
    except (ChainruleError, ValueError) as error:  # ValueError: scikit-learn's own checks
        message = str(error).splitlines()[0]
        assert len(message) < 700
        return
    assert data not in WRONG
    assert not np.isnan(np.asarray(found, float)).any()


def test_targets_of_any_unit_have_the_same_predictions():
    """scikit-learn's MLPRegressor falls from an R² of 0.996 to −0.009 at 1e6."""
    first = of_table(X, NUMBERS)
    for unit in (1e3, 1e6, 1e-3, 1e-6):
        again = of_table(X, NUMBERS * unit) / unit
        difference = ((again - first) ** 2).mean() / NUMBERS.var()
        assert difference < 1e-12, unit


@pytest.mark.parametrize("sign", [1, -1])
def test_logits_of_ten_thousand(sign):
    network = cr.Network.dense([3, 2], "softmax", "log_loss")
    weights = {"W_1": np.zeros((3, 2)), "b_1": np.array([1e4, -1e4]) * sign}
    loss, gradients = cr.loss_and_gradients(network, weights, X, np.eye(2)[CLASSES])
    wrong = (CLASSES > 0) == (sign > 0)
    assert loss == pytest.approx(2e4 * wrong.mean())
    assert gradients["b_1"][0] == pytest.approx(sign * wrong.mean())
    binary = cr.Network.dense([3, 1], "sigmoid", "log_loss")
    weights = {"W_1": np.zeros((3, 1)), "b_1": np.array([1e4 * sign])}
    loss, _ = cr.loss_and_gradients(binary, weights, X, (1 - CLASSES)[:, None])
    assert loss == pytest.approx(1e4 * wrong.mean())


@pytest.mark.parametrize("rate", [1e6, 1e300])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_an_enormous_learning_rate(rate, solver):
    model = cr.MLPRegressor(
        hidden_layer_sizes=(8,), max_iter=20, solver=solver, learning_rate_init=rate, random_state=0
    )
    if (solver, rate) == ("adam", 1e6):  # steps of Adam are no longer than the rate
        assert np.isfinite(model.fit(X, NUMBERS).predict(X)).all()
        return
    with pytest.raises(ValueError, match=r"in epoch \d+, batch \d+, first in \w+; .*smaller lea"):
        model.fit(X, NUMBERS)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_a_run_that_diverges_stops_and_keeps_the_best(backend):
    network = cr.Network.dense([3, 8, 1], ["relu", "identity"])
    with pytest.raises(NonFiniteLoss) as caught:
        cr.train(
            network,
            X,
            NUMBERS,
            optimizer=cr.SGD(0.01),
            schedule=lambda epoch: 0.01 if epoch < 6 else 1e300,
            validation=(X, NUMBERS),
            early_stopping=cr.EarlyStopping(patience=50, restore_best=True),
            epochs=10**6,
            backend=backend,
        )
    message = str(caught.value)
    for part in ("in epoch 6, batch 2", "not finite is Z_", "use a smaller learning rate"):
        assert part in message
    result = caught.value.result
    assert result.best_epoch == 5
    losses = result.history["validation_loss"]
    found = ((result.predict(X)[:, 0] - NUMBERS) ** 2).mean()
    assert found == pytest.approx(min(losses))


def test_one_row_of_validation_and_too_few_rows():
    result = cr.train(
        cr.Network.dense([3, 4, 1]),
        X,
        NUMBERS,
        validation=(X[:1], NUMBERS[:1]),
        early_stopping=True,
        epochs=5,
    )
    assert np.isfinite(result.history["validation_loss"]).all()
    frame = pl.DataFrame({"x": X[:, 0], "y": NUMBERS})
    model = cr.train_table(frame, "y", hidden=(4,), epochs=3, validation=0.025).model
    assert np.isfinite(model.predict(frame)).all()
    with pytest.raises(ValueError, match="validation set is too small"):
        cr.MLPRegressor(hidden_layer_sizes=(4,), early_stopping=True).fit(X[:2], NUMBERS[:2])


def test_one_class():
    with pytest.raises(InputError, match="has one class only, 'a'"):
        cr.train_table(pl.DataFrame({"x": X[:, 0], "y": ["a"] * 40}), "y")
    model = cr.MLPClassifier(hidden_layer_sizes=(4,), max_iter=5).fit(X, np.zeros(40, int))
    assert set(model.predict(X)) == {0}


@pytest.mark.filterwarnings("ignore::chainrule.errors.DataWarning")
@pytest.mark.parametrize("digits", [30, 309, 400, 5000])
def test_whole_numbers_of_many_digits_in_a_table(tmp_path, digits):
    """Beyond 4,300 digits Python reads no integer, beyond 309 no float."""
    path = tmp_path / "t.csv"
    rows = [f"{'9' * (digits - 3)}{100 + row},{row % 7}.5" for row in range(40)]
    path.write_text("key,y\n" + "\n".join(rows) + "\n")
    found = cr.train_table(path, "y", hidden=(2,), epochs=1).model.predict(path)
    assert np.isfinite(found).all()


def test_the_callers_arithmetic_is_left_alone():
    """Denormals are flushed within a run only."""
    code = (
        "import sys, json, numpy as np, chainrule as cr\n"
        "cr.train(cr.Network.dense([2, 3, 1]), np.ones((9, 2)), np.ones(9), epochs=2)\n"
        "print(json.dumps([sys.float_info.min / 2 != 0, float(np.float64(5e-324) * 1.0) != 0]))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert json.loads(printed) == [True, True]
