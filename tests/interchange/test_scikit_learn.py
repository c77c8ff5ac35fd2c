"""scikit-learn's estimators and chainrule's predict the same, whichever was fitted."""

import warnings

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.errors import InputError, InputTypeError

X = np.random.default_rng(0).normal(size=(80, 3))
TARGETS = {
    "two classes": (X[:, 0] > 0).astype(int),
    "three named classes": np.digitize(X[:, 0], [-0.5, 0.5]).astype(str),
    "labels": np.c_[X[:, 0] > 0, X[:, 1] > 0].astype(int),
}


def fitted(estimator, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("ours", [True, False])
def test_classifiers_predict_the_same(name, ours):
    library, convert = (cr, cr.to_sklearn) if ours else (theirs, cr.from_sklearn)
    model = fitted(
        library.MLPClassifier((7, 4), "tanh", max_iter=30, random_state=0), TARGETS[name]
    )
    other = convert(model)
    assert type(other) is not type(model)
    np.testing.assert_allclose(other.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert other.classes_.tolist() == model.classes_.tolist()
    assert other.loss_curve_ == model.loss_curve_
    other.partial_fit(X, TARGETS[name])  # and it can be trained on


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("ours", [True, False])
def test_regressors_predict_the_same(loss, ours):
    y = np.abs(X[:, :2] if loss == "squared_error" else X[:, 0])
    library, convert = (cr, cr.to_sklearn) if ours else (theirs, cr.from_sklearn)
    model = fitted(library.MLPRegressor(loss=loss, max_iter=20, random_state=0), y)
    np.testing.assert_allclose(convert(model).predict(X), model.predict(X), rtol=1e-12)


def test_a_pipeline_keeps_its_earlier_steps_and_is_not_changed():
    model = fitted(make_pipeline(StandardScaler(), theirs.MLPRegressor(max_iter=20)), X[:, 0])
    other = cr.from_sklearn(model)
    np.testing.assert_allclose(other.predict(X), model.predict(X), rtol=1e-12)
    assert isinstance(model[-1], theirs.MLPRegressor)
    assert isinstance(other[-1], cr.MLPRegressor)
    assert other[0] is not model[0]
    before = model[-1].coefs_[0].copy()
    other[-1].coefs_[0][...] = 0
    assert (model[-1].coefs_[0] == before).all()


def test_an_estimator_that_is_not_fitted_has_the_same_parameters():
    given = {"hidden_layer_sizes": (3, 2), "alpha": 0.5, "solver": "sgd"}
    other = cr.from_sklearn(theirs.MLPClassifier(**given))
    assert {name: other.get_params()[name] for name in given} == given
    assert cr.to_sklearn(other).get_params() == theirs.MLPClassifier(**given).get_params()


@pytest.mark.parametrize(
    ("estimator", "stated"),
    [
        (cr.MLPClassifier(activation="silu"), "activation='silu'"),
        (cr.MLPClassifier(dropout=0.1), "dropout=0.1"),
        (cr.MLPClassifier(class_weight="balanced"), "class_weight='balanced'"),
        (cr.MLPRegressor(loss="huber"), "loss='huber'"),
    ],
)
def test_what_scikit_learn_does_not_have_is_refused_by_name(estimator, stated):
    with pytest.raises(InputError, match=stated):
        cr.to_sklearn(estimator)


@pytest.mark.parametrize("convert", [cr.from_sklearn, cr.to_sklearn])
def test_other_objects_are_refused(convert):
    with pytest.raises(
        InputTypeError, match=r"must be an MLPClassifier or MLPRegressor of .*, got 3"
    ):
        convert(3)
