"""The estimators inside what people build from them: pipelines, searches, ensembles, tables, files.

Where scikit-learn's own estimator gives a number in the same place, ours has to give the same one.
"""

import io
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingRandomSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr

X, Y = load_iris(return_X_y=True)
XR, YR = load_diabetes(return_X_y=True)
YR = (YR - YR.mean()) / YR.std()


@pytest.fixture(autouse=True)
def no_warnings_of_convergence() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        yield


def classifier(home: Any = cr, **options: Any) -> Any:
    settings = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    return home.MLPClassifier(**{**settings, "learning_rate_init": 0.02, **options})


def regressor(home: Any = cr, **options: Any) -> Any:
    settings = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    return home.MLPRegressor(**{**settings, "learning_rate_init": 0.02, **options})


def both(make: Any) -> tuple[Any, Any]:
    """Return what a function makes of our module and of scikit-learn's."""
    return make(cr), make(neural_network)


# -- built around ---------------------------------------------------------------------------------


def test_pipeline_and_column_transformer() -> None:
    def made(home: Any) -> Any:
        columns = ColumnTransformer(
            [("numbers", StandardScaler(), [0, 1, 2]), ("kinds", OneHotEncoder(), [3])]
        )
        return Pipeline([("columns", columns), ("network", classifier(home))])

    kinds = np.column_stack([X[:, :3], (X[:, 3] > 1).astype(float)])
    ours, theirs = both(made)
    ours.fit(kinds, Y, network__sample_weight=np.ones(150))
    theirs.fit(kinds, Y, network__sample_weight=np.ones(150))
    np.testing.assert_allclose(ours.predict_proba(kinds), theirs.predict_proba(kinds), rtol=1e-9)
    assert ours.score(kinds, Y) > 0.8


def test_grid_search_picks_the_same() -> None:
    grid = {
        "network__hidden_layer_sizes": [(4,), (8, 4)],
        "network__alpha": [1e-4, 1.0],
        "network__solver": ["adam", "sgd"],
    }

    def searched(home: Any) -> Any:
        pipeline = Pipeline([("scale", StandardScaler()), ("network", classifier(home))])
        return GridSearchCV(pipeline, grid, cv=3).fit(X, Y)

    ours, theirs = both(searched)
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


def test_halving_search_over_epochs() -> None:
    def searched(home: Any) -> Any:
        return HalvingRandomSearchCV(
            classifier(home),
            {"alpha": [1e-5, 1e-3, 0.1, 10.0], "activation": ["relu", "tanh", "logistic"]},
            resource="max_iter",
            max_resources=27,
            min_resources=3,
            random_state=0,
            cv=2,
        ).fit(X, Y)

    ours, theirs = both(searched)
    assert ours.best_params_ == theirs.best_params_


@pytest.mark.slow
def test_cross_validation_in_processes() -> None:
    ours = cross_val_score(classifier(), X, Y, cv=3, n_jobs=2)
    theirs = cross_val_score(classifier(neural_network), X, Y, cv=3)
    np.testing.assert_array_equal(ours, theirs)


def test_cross_validation_in_threads() -> None:
    with joblib.parallel_backend("threading", n_jobs=4):
        found = cross_val_score(classifier(), X, Y, cv=10, n_jobs=4)
    np.testing.assert_array_equal(found, cross_val_score(classifier(), X, Y, cv=10))


def test_calibration() -> None:
    ours, theirs = both(lambda home: CalibratedClassifierCV(classifier(home), cv=3).fit(X, Y))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)


def test_voting() -> None:
    def made(home: Any) -> Any:
        members = [("a", classifier(home)), ("b", LogisticRegression())]
        return VotingClassifier(members, voting="soft").fit(X, Y)

    ours, theirs = both(made)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_stacking() -> None:
    def made(home: Any) -> Any:
        members = [("a", regressor(home)), ("b", LinearRegression())]
        return StackingRegressor(members, cv=3).fit(XR, YR)

    ours, theirs = both(made)
    np.testing.assert_allclose(ours.predict(XR), theirs.predict(XR), rtol=1e-6)


def test_bagging() -> None:
    def made(home: Any) -> Any:
        return BaggingClassifier(classifier(home), n_estimators=3, random_state=0).fit(X, Y)

    ours, theirs = both(made)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_transformed_target() -> None:
    def made(home: Any) -> Any:
        return TransformedTargetRegressor(regressor(home), transformer=StandardScaler())

    ours, theirs = both(lambda home: made(home).fit(XR, 1000 + 50 * YR))
    np.testing.assert_allclose(ours.predict(XR), theirs.predict(XR), rtol=1e-9)


def test_inspection() -> None:
    ours, theirs = both(lambda home: regressor(home).fit(XR, YR))
    found, expected = (
        permutation_importance(model, XR, YR, n_repeats=2, random_state=0)
        for model in (ours, theirs)
    )
    np.testing.assert_allclose(found.importances, expected.importances, rtol=1e-6, atol=1e-9)
    found, expected = (partial_dependence(model, XR, [2]) for model in (ours, theirs))
    np.testing.assert_allclose(found["average"], expected["average"], rtol=1e-9)


# -- copies and files -----------------------------------------------------------------------------


def test_clone_is_unfitted_and_equal() -> None:
    model = classifier(alpha=0.5).fit(X, Y)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coefs_")
    theirs = set(neural_network.MLPClassifier().get_params())
    assert theirs <= set(copy.get_params())
    for name, value in neural_network.MLPClassifier().get_params().items():
        assert cr.MLPClassifier().get_params()[name] == value
    for name, value in neural_network.MLPRegressor().get_params().items():
        assert cr.MLPRegressor().get_params()[name] == value


def through_pickle(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


def through_joblib(model: Any) -> Any:
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@pytest.mark.parametrize("through", [through_pickle, through_joblib])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_files_keep_predictions_and_go_on(through: Any, solver: str) -> None:
    model = classifier(solver=solver).fit(X, Y)
    read = through(model)
    np.testing.assert_array_equal(read.predict_proba(X), model.predict_proba(X))
    if solver != "lbfgs":
        # The memory of the update rule is in the file too.
        read.partial_fit(X, Y)
        model.partial_fit(X, Y)
        for one, other in zip(read.coefs_, model.coefs_, strict=True):
            np.testing.assert_array_equal(one, other)


def test_weights_that_are_set_count() -> None:
    model = regressor().fit(XR, YR)
    before = model.predict(XR[:5])
    model.intercepts_[-1] += 1.0
    np.testing.assert_allclose(model.predict(XR[:5]), before + 1, rtol=1e-12)
    model.coefs_ = [np.zeros_like(array) for array in model.coefs_]
    np.testing.assert_array_equal(model.predict(XR[:5]), np.full(5, model.intercepts_[-1]))


# -- routing and containers -----------------------------------------------------------------------


def test_metadata_routing() -> None:
    weights = np.random.default_rng(0).uniform(0.1, 2, 150)
    groups = np.arange(150) % 3
    with sklearn.config_context(enable_metadata_routing=True):

        def validated(home: Any) -> Any:
            model = classifier(home)
            model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            return cross_validate(
                make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model),
                X,
                Y,
                cv=GroupKFold(3),
                params={"sample_weight": weights, "groups": groups},
            )["test_score"]

        ours, theirs = both(validated)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_set_output() -> None:
    pytest.importorskip("polars")
    pipeline = make_pipeline(StandardScaler(), classifier()).set_output(transform="polars")
    pipeline.fit(X, Y)
    assert list(pipeline[-1].feature_names_in_) == ["x0", "x1", "x2", "x3"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.predict(X)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_bring_feature_names(library: str) -> None:
    module = pytest.importorskip(library)
    names = ["length", "width", "petal length", "petal width"]
    columns = dict(zip(names, X.T.copy(), strict=True))
    table = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
    model, theirs = classifier(), classifier(neural_network)
    model.fit(table, Y)
    theirs.fit(table, Y)
    assert getattr(model, "feature_names_in_", None) is None or (
        list(model.feature_names_in_) == list(theirs.feature_names_in_) == names
    )
    assert hasattr(model, "feature_names_in_") == hasattr(theirs, "feature_names_in_")
    np.testing.assert_allclose(model.predict_proba(table), theirs.predict_proba(table), rtol=1e-9)
    if library == "pandas":
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(table[names[::-1]])
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(X)


def test_a_score_of_labels_in_words() -> None:
    words = np.array(["setosa", "versicolor", "virginica"], dtype=object)[Y]
    ours, theirs = both(lambda home: classifier(home, early_stopping=True).fit(X, words))
    assert ours.validation_scores_ == theirs.validation_scores_
    assert list(ours.predict(X)) == list(theirs.predict(X))
    assert ours.classes_.tolist() == theirs.classes_.tolist()
