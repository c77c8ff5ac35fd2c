"""What scikit-learn's networks do not have: class weights, own validation data, more functions."""

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse, special
from sklearn import metrics, neural_network
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight

import chainrule as cr
from chainrule.errors import InputError
from chainrule.kernels import core_library

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
XR, YR = load_diabetes(return_X_y=True)
YR = YR / 100
PLAIN: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "max_iter": 8,
    "learning_rate_init": 0.01,
    "random_state": 0,
    "shuffle": False,
}


# -- class weights --------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("chosen", ["balanced", {0: 1.0, 1: 5.0, 2: 0.5}])
def test_class_weights_are_weights_of_rows(chosen: Any, solver: str) -> None:
    rows = np.r_[:50, 50:70, 100:135]
    weights = np.random.default_rng(0).uniform(0.5, 2, len(rows))
    model = cr.MLPClassifier(**PLAIN, solver=solver, class_weight=chosen)
    model.fit(X[rows], Y[rows], sample_weight=weights)
    theirs = neural_network.MLPClassifier(**PLAIN, solver=solver)
    combined = weights * compute_sample_weight(chosen, Y[rows])
    theirs.fit(X[rows], Y[rows], sample_weight=combined)
    np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_balanced_class_weights_need_all_rows() -> None:
    model = cr.MLPClassifier(**PLAIN, class_weight="balanced")
    with pytest.raises(
        InputError, match=r"`class_weight` must be None or .* partial_fit, got 'balanced'"
    ):
        model.partial_fit(X, Y, classes=[0, 1, 2])


# -- validation data ------------------------------------------------------------------------------


def test_validation_losses_are_those_of_the_weights_after_each_epoch() -> None:
    train, held = np.arange(0, 150, 2), np.arange(1, 150, 2)
    model = cr.MLPClassifier(**PLAIN).fit(X[train], Y[train], X_val=X[held], y_val=Y[held])
    plain = cr.MLPClassifier(**PLAIN).fit(X[train], Y[train])
    assert model.loss_curve_ == plain.loss_curve_  # looking on changes nothing
    assert plain.validation_loss_curve_ is None
    step = neural_network.MLPClassifier(**PLAIN)
    expected = []
    for _ in range(8):
        step.partial_fit(X[train], Y[train], classes=[0, 1, 2])
        expected.append(metrics.log_loss(Y[held], step.predict_proba(X[held])))
    np.testing.assert_allclose(model.validation_loss_curve_, expected, rtol=1e-10)
    assert model.best_iteration_ == 1 + int(np.argmin(model.loss_curve_))


def test_validation_losses_of_several_outputs_are_means() -> None:
    targets = np.column_stack([YR, 2 * YR])
    model = cr.MLPRegressor(**PLAIN).fit(
        XR[:300], targets[:300], X_val=XR[300:], y_val=targets[300:]
    )
    expected = metrics.mean_squared_error(targets[300:], model.predict(XR[300:])) / 2
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-12)


def test_early_stopping_on_own_data_keeps_the_best_weights() -> None:
    train, held = np.arange(0, 150, 2), np.arange(1, 150, 2)
    settings = {**PLAIN, "max_iter": 300, "early_stopping": True, "learning_rate_init": 0.05}
    model = cr.MLPClassifier(**settings).fit(X[train], Y[train], X_val=X[held], y_val=Y[held])
    assert model.n_iter_ < 300
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    best = max(model.validation_scores_)
    assert model.score(X[held], Y[held]) == best == model.best_validation_score_
    assert model.best_iteration_ == 1 + model.validation_scores_.index(best)
    # All rows of X are trained on.
    assert model.t_ == 75 * model.n_iter_


def test_words_about_wrong_validation_data() -> None:
    with pytest.raises(
        InputError, match="`X_val` and `y_val` must be given together, got only `X_val`"
    ):
        cr.MLPClassifier(**PLAIN).fit(X, Y, X_val=X)
    with pytest.raises(InputError, match=r"`y_val` must not have classes .*, got \[7\]"):
        cr.MLPClassifier(**PLAIN).fit(X, Y, X_val=X, y_val=np.where(Y == 0, 7, Y))
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 4"):
        cr.MLPClassifier(**PLAIN).fit(X, Y, X_val=X[:, :2], y_val=Y)
    with pytest.raises(InputError, match="`X_val` must be None with solver='lbfgs'"):
        cr.MLPClassifier(**PLAIN, solver="lbfgs").fit(X, Y, X_val=X, y_val=Y)


# -- activations and losses -----------------------------------------------------------------------


def test_an_activation_for_each_layer() -> None:
    settings = {**PLAIN, "hidden_layer_sizes": (5, 4)}
    one = cr.MLPRegressor(**settings, activation="tanh").fit(XR, YR)
    several = cr.MLPRegressor(**settings, activation=["tanh", "tanh"]).fit(XR, YR)
    np.testing.assert_array_equal(one.coefs_[0], several.coefs_[0])
    mixed = cr.MLPRegressor(**settings, activation=("tanh", "relu")).fit(XR, YR)
    (W1, W2, W3), (b1, b2, b3) = mixed.coefs_, mixed.intercepts_
    expected = np.maximum(np.tanh(XR @ W1 + b1) @ W2 + b2, 0) @ W3 + b3
    np.testing.assert_allclose(mixed.predict(XR), expected[:, 0], rtol=1e-12)


def test_activations_of_the_catalogue() -> None:
    model = cr.MLPRegressor(**PLAIN, activation="gelu").fit(XR, YR)
    (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
    z = XR @ W1 + b1
    expected = (z * special.ndtr(z)) @ W2 + b2
    np.testing.assert_allclose(model.predict(XR), expected[:, 0], rtol=1e-12)


def test_words_about_wrong_activations() -> None:
    with pytest.raises(InputError, match="Did you mean 'gelu'"):
        cr.MLPClassifier(activation=["geluu"]).fit(X, Y)
    with pytest.raises(
        InputError, match=r"`activation` must be one name, or .*\(here 2\), got a list of 1"
    ):
        cr.MLPClassifier((3, 3), activation=["gelu"]).fit(X, Y)
    with pytest.raises(ValueError, match="The 'activation' parameter of MLPClassifier must be"):
        cr.MLPClassifier(activation="softmax").fit(X, Y)


def half_huber(y: Any, a: Any) -> float:
    return float(special.huber(1.0, y - a).mean())


LOSSES = {
    "absolute_error": metrics.mean_absolute_error,
    "huber": half_huber,
    "quantile": lambda y, a: metrics.mean_pinball_loss(y, a, alpha=0.8),
    "gamma": lambda y, a: metrics.mean_gamma_deviance(y, a) / 2,
}


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_those_of_the_metrics(loss: str, outputs: int) -> None:
    y = YR if outputs == 1 else np.column_stack([YR, YR + 1, 2 * YR])
    settings = {**PLAIN, "max_iter": 1, "alpha": 0.0, "batch_size": len(XR)}
    start = neural_network.MLPRegressor(
        **{**settings, "learning_rate_init": 1e-300},
        loss="poisson" if loss == "gamma" else "squared_error",
    ).fit(XR, y)
    model = cr.MLPRegressor(**settings, loss=loss, quantile=0.8).fit(XR, y)
    if loss == "gamma":  # summed, as scikit-learn's Poisson loss is
        pairs = zip(y.reshape(len(y), -1).T, start.predict(XR).reshape(len(y), -1).T, strict=True)
        expected = sum(LOSSES[loss](*pair) for pair in pairs)
    else:
        expected = LOSSES[loss](y, start.predict(XR))
    assert model.loss_ == pytest.approx(expected, rel=1e-10)


def test_quantiles_lie_where_they_should() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (2000, 1))
    y = x[:, 0] + random.normal(size=2000)
    for level in (0.1, 0.9):
        model = cr.MLPRegressor(
            loss="quantile", quantile=level, hidden_layer_sizes=(8,), random_state=0, max_iter=100
        ).fit(x, y)
        assert np.mean(y < model.predict(x)) == pytest.approx(level, abs=0.02)


@pytest.mark.parametrize(("loss", "value"), [("poisson", -1.0), ("gamma", 0.0)])
def test_words_about_targets_that_a_loss_is_not_defined_for(loss: str, value: float) -> None:
    with pytest.raises(InputError, match=f"`y` must be .* with loss='{loss}', got {value:g}"):
        cr.MLPRegressor(loss=loss).fit([[1.0], [2.0]], [1.0, value])


def test_warnings_point_at_the_line_of_the_user() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cr.MLPRegressor(**PLAIN, batch_size=1000).fit(XR, YR)
    assert {warning.filename for warning in caught} == {__file__}
    assert len(caught) == 2  # a clipped batch, and no convergence


def test_sparse_rows_are_predicted_in_pieces() -> None:
    random = np.random.default_rng(0)
    rows = sparse.random_array((2500, 30), density=0.1, rng=random)
    y = np.asarray(rows.sum(axis=1)).ravel()
    model = cr.MLPRegressor(**PLAIN).fit(rows.tocsc(), y)
    for matrix in (rows.tocsr(), rows.tocsc()):
        np.testing.assert_array_equal(model.predict(matrix), model.predict(rows.toarray()))
    theirs = neural_network.MLPRegressor(**PLAIN).fit(rows.tocsr(), y)
    np.testing.assert_allclose(theirs.loss_curve_, model.loss_curve_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_without_the_core_the_reference_runs(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = cr.MLPClassifier(**PLAIN, solver=solver).fit(X, Y)
    monkeypatch.setattr(core_library, "available", lambda: False)
    found = cr.MLPClassifier(**PLAIN, solver=solver).fit(X, Y)
    assert found.loss_ == pytest.approx(expected.loss_, rel=1e-10)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-9)


def test_parameters_are_checked_again_where_only_their_type_differs() -> None:
    cr.MLPRegressor(**{**PLAIN, "shuffle": True}).fit(XR, YR)
    with pytest.raises(ValueError, match="The 'shuffle' parameter of MLPRegressor must be"):
        cr.MLPRegressor(**{**PLAIN, "shuffle": 1}).fit(XR, YR)


# -- where we differ on purpose (docs/scikit-learn.md) ---------------------------------------------


def kept_weights_were_kept(home: Any) -> list[bool]:
    """Return, for each warm start that found nothing better, whether the weights stayed."""
    settings = {**PLAIN, "early_stopping": True, "warm_start": True, "max_iter": 30}
    y = YR + np.random.default_rng(0).normal(size=len(YR))
    kept = []
    for seed in range(5):
        model = home.MLPRegressor(**{**settings, "random_state": seed})
        before: list[Any] = []
        for _ in range(4):
            model.fit(XR, y)
            after = [array.copy() for array in (*model.coefs_, *model.intercepts_)]
            scores = model.validation_scores_
            if before and int(np.argmax(scores)) < len(scores) - model.n_iter_:
                same = [np.array_equal(*pair) for pair in zip(before, after, strict=True)]
                kept.append(all(same))
            before = after
    return kept


def test_a_warm_start_keeps_the_best_weights_of_all_fits() -> None:
    ours = kept_weights_were_kept(cr)
    assert len(ours) >= 3
    assert all(ours)
    # scikit-learn trains on in the very arrays in which it keeps the best weights.
    assert not all(kept_weights_were_kept(neural_network))


def test_divergence_ends_a_run_at_once() -> None:
    model = cr.MLPRegressor(solver="sgd", learning_rate_init=10.0, random_state=0)
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*in epoch \d+, batch \d"):
        model.fit(XR * 100, YR)
    held = cr.MLPRegressor(
        solver="sgd", learning_rate_init=10.0, random_state=0, early_stopping=True
    )
    with pytest.warns(ConvergenceWarning, match="best validation score are retained"):
        held.fit(XR * 100, YR)
    assert np.isnan(held.validation_scores_[-1])
    assert np.isfinite(held.predict(XR)).all()


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_batch_without_weight_is_named(shuffle: bool) -> None:
    weights = np.where(np.arange(len(YR)) < 20, 0.0, 1.0)
    model = cr.MLPRegressor(shuffle=shuffle, batch_size=2, random_state=0)
    with pytest.raises(
        InputError, match=r"`sample_weight` must not sum to 0 .* batch \d+ of epoch \d+"
    ):
        model.fit(XR, YR, sample_weight=weights)
