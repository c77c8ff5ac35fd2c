"""An estimator that is changed between two fits, and words about targets and sizes that do not fit.

scikit-learn's warm start ends in an error about None where the solver or ``early_stopping`` was
changed, so the second fit is held against a first one of scikit-learn's from the same weights.
"""

import gc
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_diabetes, load_iris

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from tests.selection import sampled

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
XR, YR = load_diabetes(return_X_y=True)
YR = YR / 100
PLAIN: dict[str, Any] = {"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0}


class From(neural_network.MLPRegressor):
    """scikit-learn's, fitted from given weights; the random state is as if none had been drawn."""

    def begin(self, model: Any) -> Any:
        self._given = [array.copy() for array in (*model.coefs_, *model.intercepts_)]
        names = neural_network.MLPRegressor().get_params()
        return self.set_params(**{name: getattr(model, name) for name in names})

    def _initialize(self, y: Any, layer_units: Any, dtype: Any) -> None:
        super()._initialize(y, layer_units, dtype)
        layers = len(layer_units) - 1
        self.coefs_, self.intercepts_ = self._given[:layers], self._given[layers:]
        self._random_state = np.random.RandomState(self.random_state)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize(
    ("first", "early"), [("lbfgs", False), ("lbfgs", True), ("on", False), ("off", True)]
)
def test_a_warm_start_may_change_solver_and_early_stopping(
    first: str, early: bool, solver: str
) -> None:
    model = cr.MLPRegressor(
        **PLAIN,
        warm_start=True,
        solver="lbfgs" if first == "lbfgs" else solver,
        early_stopping=first == "on",
    ).fit(XR, YR)
    before = len(getattr(model, "loss_curve_", []))
    model.set_params(solver=solver, early_stopping=early)
    theirs = From().begin(model).fit(XR, YR)
    model.fit(XR, YR)
    np.testing.assert_allclose(model.loss_curve_[before:], theirs.loss_curve_, rtol=1e-8)
    for one, other in zip(model.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    if early:
        np.testing.assert_allclose(model.validation_scores_, theirs.validation_scores_, rtol=1e-8)
        assert model.best_loss_ is None
    else:
        assert model.validation_scores_ is None
        assert model.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-8)


@pytest.mark.parametrize("options", [{"solver": "lbfgs"}, {"early_stopping": True}])
def test_partial_fit_goes_on_from_another_kind_of_fit(options: dict[str, Any]) -> None:
    model = cr.MLPClassifier(**PLAIN, **options).fit(X, Y)
    weights = model.coefs_[0].copy()
    model.set_params(solver="adam", early_stopping=False).partial_fit(X, Y)
    assert model.best_loss_ == model.loss_ == model.loss_curve_[-1]
    assert 0 < np.abs(model.coefs_[0] - weights).max() < 0.1


def test_a_refused_partial_fit_leaves_the_fitted_attributes_alone() -> None:
    model = cr.MLPRegressor(**PLAIN).fit(XR, YR)
    best = model.best_loss_
    model.set_params(early_stopping=True)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        model.partial_fit(XR, YR)
    assert model.best_loss_ == best
    assert model.validation_scores_ is None


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_words_about_another_number_of_outputs(solver: str) -> None:
    model = cr.MLPRegressor(**PLAIN, solver=solver, warm_start=True).fit(XR, YR)
    with pytest.raises(InputError, match="`y` must have as many outputs as the network, 1, got 2"):
        model.fit(XR, np.column_stack([YR, YR]))
    assert model.n_outputs_ == 1


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_warm_start_keeps_the_layers_it_has(solver: str) -> None:
    # As scikit-learn's sgd and adam do; its lbfgs ends in an error of NumPy's.
    model = cr.MLPRegressor(**PLAIN, solver=solver, warm_start=True).fit(XR, YR)
    model.set_params(hidden_layer_sizes=(9,)).fit(XR, YR)
    assert [array.shape for array in model.coefs_] == [(10, 6), (6, 1)]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_there_is_no_partial_fit_of_lbfgs(name: str) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        getattr(cr, name)(solver="lbfgs").partial_fit(X, Y)


def test_words_about_targets_that_are_text() -> None:
    words = np.array(["low", "high"])[(YR > 1).astype(int)]
    for loss in ("squared_error", "poisson"):
        with pytest.raises(InputTypeError, match=r"^`y` must be numbers, got text such as '\w+'"):
            cr.MLPRegressor(**PLAIN, loss=loss).fit(XR, words)
    with pytest.raises(InputTypeError, match="`y_val` must be numbers, got text"):
        cr.MLPRegressor(**PLAIN).fit(XR, YR, X_val=XR, y_val=YR.astype(str))
    with pytest.raises(InputError, match="`y_val` must be at least 0 with loss='poisson', got -1"):
        cr.MLPRegressor(**PLAIN, loss="poisson").fit(XR, YR, X_val=XR, y_val=0 * YR - 1)


@pytest.mark.parametrize("sizes", [(3.5,), (3, "a"), (8.0, 4)])
def test_words_about_sizes_that_are_not_whole_numbers(sizes: Any) -> None:
    # scikit-learn raises a TypeError too, of NumPy's.
    with pytest.raises(
        InputTypeError,
        match=r"`hidden_layer_sizes` must be integers above 0, such as \(64, 32\), got",
    ):
        cr.MLPClassifier(sizes).fit(X, Y)


def test_words_about_no_rows_to_score() -> None:
    with pytest.raises(
        InputError, match="`validation_fraction` must be above 0 with early_stopping=True, got 0"
    ):
        cr.MLPClassifier(early_stopping=True, validation_fraction=0).fit(X, Y)
    model = cr.MLPClassifier(**PLAIN, early_stopping=True, validation_fraction=0)
    assert len(model.fit(X, Y, X_val=X, y_val=Y).validation_scores_) == 8


INTERRUPTED = """
import threading, _thread, warnings
import numpy as np
import chainrule as cr

X = np.random.RandomState(0).rand(5000, 50)
model = cr.MLPRegressor(
    max_iter=10**6, tol=0, n_iter_no_change=10**9, random_state=0, early_stopping={early}
)
threading.Timer(0.5, _thread.interrupt_main).start()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X, X.sum(axis=1))
assert [str(warning.message) for warning in caught] == ["Training interrupted by user."]
assert 0 < model.n_iter_ == len(model.loss_curve_) < 10**6
assert model.score(X, X.sum(axis=1)) > 0.9
"""


@pytest.mark.parametrize("early", sampled([False, True], every=2))
def test_an_interrupted_fit_is_a_fitted_estimator(early: bool) -> None:
    code = INTERRUPTED.format(early=early)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_checked_random_state_is_not_kept():
    """A search makes one for each fit, of 25 KB."""
    given = np.random.RandomState(0)
    before = sys.getrefcount(given)
    cr.MLPClassifier(hidden_layer_sizes=(2,), max_iter=1, random_state=given).fit(X, Y)
    gc.collect()
    assert sys.getrefcount(given) == before
