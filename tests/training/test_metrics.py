"""Scores and metrics: by hand, and against scikit-learn's functions."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from chainrule.errors import InputError
from chainrule.training.metrics import (
    METRICS,
    find_metric,
    finite,
    score_classes,
    score_numbers,
)


def test_scores_by_hand():
    score = score_classes(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), ("a", "b", "c"), 1)
    assert (score.accuracy, score.baseline_accuracy) == (0.75, 0.5)
    assert score.to_dict()["baseline"]["class"] == "b"
    (number,) = score_numbers(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]), ["y"], [2.0])
    assert number.rmse == pytest.approx(np.sqrt(2.0))
    assert number.mae == 1.0
    assert number.r2 == pytest.approx(1 - 4.0 / 4.5)
    assert number.baseline_rmse == pytest.approx(np.sqrt(2.5))
    (same,) = score_numbers(np.array([[1.0]]), np.array([[3.0]]), ["y"], [2.0])
    assert same.r2 is None
    (huge,) = score_numbers(np.array([[1e200]]), np.array([[3e200]]), ["y"], [0.0])
    assert huge.rmse == 2e200
    assert finite({"a": [float("nan"), 1, "x"]}) == {"a": [None, 1, "x"]}


def classes_case(classes, rows=300, seed=0):
    """Actual codes, probabilities with equal values among them, and weights with zeros."""
    draw = np.random.default_rng(seed)
    actual = np.concatenate([np.arange(classes), draw.integers(0, classes, rows - classes)])
    chances = draw.dirichlet(np.ones(classes), rows).round(1)
    chances[np.arange(rows), actual] += 0.3
    chances /= chances.sum(axis=1, keepdims=True)
    return actual, chances, draw.integers(0, 4, rows).astype(float)


TWO = {
    "accuracy": lambda y, p, w: theirs.accuracy_score(y, p.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda y, p, w: theirs.balanced_accuracy_score(
        y, p.argmax(1), sample_weight=w
    ),
    "auc": lambda y, p, w: theirs.roc_auc_score(y, p[:, 1], sample_weight=w),
    "log_loss": lambda y, p, w: theirs.log_loss(y, p, sample_weight=w),
    "brier": lambda y, p, w: theirs.brier_score_loss(y, p[:, 1], sample_weight=w),
    "f1": lambda y, p, w: theirs.f1_score(y, p.argmax(1), sample_weight=w),
}
MORE = TWO | {
    "auc": lambda y, p, w: theirs.roc_auc_score(
        np.eye(p.shape[1])[y], p, average="macro", sample_weight=w
    ),
    "brier": lambda y, p, w: np.average(((p - np.eye(p.shape[1])[y]) ** 2).sum(1), weights=w),
    "f1": lambda y, p, w: theirs.f1_score(y, p.argmax(1), average="macro", sample_weight=w),
}
NUMBERS = {
    "rmse": theirs.root_mean_squared_error,
    "mae": theirs.mean_absolute_error,
    "r2": theirs.r2_score,
    "mape": theirs.mean_absolute_percentage_error,
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_metrics_of_classes_are_scikit_learns(classes, weighted):
    actual, chances, weights = classes_case(classes)
    given = weights if weighted else None
    for name, their in (TWO if classes == 2 else MORE).items():
        value = METRICS[name](actual, chances, sample_weight=given)
        assert value == pytest.approx(their(actual, chances, given), rel=1e-12), name


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_numbers_are_scikit_learns(weighted):
    draw = np.random.default_rng(1)
    actual = 1e6 + draw.normal(size=200)
    predicted = actual + draw.normal(size=200)
    weights = draw.random(200) if weighted else None
    for name, their in NUMBERS.items():
        expected = their(actual, predicted, sample_weight=weights)
        assert METRICS[name](actual, predicted, sample_weight=weights) == pytest.approx(expected)


def test_every_metric_is_compared():
    assert {*TWO, *NUMBERS, "calibration_error"} == set(METRICS)


def test_many_weightings_are_one_call_for_each():
    actual, chances, _ = classes_case(3)
    weights = np.random.default_rng(2).integers(0, 3, (4, len(actual))).astype(float)
    for metric in METRICS.values():
        given = (actual, chances) if metric.task == "classification" else (actual, chances[:, 0])
        if metric.name == "mape":
            given = (actual + 1.0, chances[:, 0])
        each = [metric(*given, sample_weight=row) for row in weights]
        np.testing.assert_allclose(metric.of_weights(*given, weights), each, rtol=1e-12)


def test_calibration_error_by_hand():
    # Bins of width 1/15: 0.9 twice (one is of the second class), 0.2 once (of the second class).
    chances = np.array([[0.1, 0.9], [0.1, 0.9], [0.8, 0.2]])
    expected = 2 / 3 * abs(0.5 - 0.9) + 1 / 3 * abs(1 - 0.2)
    assert METRICS["calibration_error"]([1, 0, 1], chances) == pytest.approx(expected)
    # Of three classes it is the top probability: 0.6 and 0.6, one of them correct; 1.0, correct.
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.0, 0.0, 1.0]])
    assert METRICS["calibration_error"]([0, 0, 2], chances) == pytest.approx(2 / 3 * 0.1)


def test_what_is_undefined_is_nan():
    chances = np.array([[0.4, 0.6], [0.2, 0.8]])
    assert np.isnan(METRICS["auc"]([1, 1], chances))
    assert METRICS["f1"]([0, 0], 1 - chances) == 0.0
    assert np.isnan(METRICS["r2"]([0.1, 0.1, 0.1], [0.0, 0.1, 0.2]))
    assert np.isnan(METRICS["mape"]([0.0, 1.0], [1.0, 1.0]))
    assert METRICS["log_loss"]([0], [[0.0, 1.0]]) == pytest.approx(-np.log(2.0**-52))
    assert METRICS["rmse"]([3e200], [1e200]) == 2e200


def test_an_auc_of_classes_that_do_not_occur_leaves_them_out():
    actual, chances, _ = classes_case(3)
    absent = np.hstack([chances, np.zeros((len(chances), 1))])
    assert METRICS["auc"](actual, absent) == METRICS["auc"](actual, chances)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("acc", "classification", "unknown metric 'acc'. Did you mean 'accuracy'?"),
        ("msae", "regression", "unknown metric 'msae'. Did you mean 'mae'?"),
        (
            "auc",
            "regression",
            "`metric` auc is for classes, but the target is numbers; use 'rmse', ",
        ),
        ("r2", "classification", "`metric` r2 is for numbers, but the target is classes; use "),
        ("r2", "both", "`task` must be 'classification' or 'regression', got 'both'"),
    ],
)
def test_unknown_metrics(name, task, message):
    with pytest.raises(InputError) as caught:
        find_metric(name, task)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "actual", "predicted", "weights", "message"),
    [
        ("rmse", [], [], None, "`actual` must be of the shape (rows,) with at least one row"),
        ("rmse", [1.0], [[1.0]], None, "`predicted` must be of shape (1,), got (1, 1)"),
        ("auc", [0, 1], [0.5, 0.5], None, "`predicted` must be probabilities of shape (2, class"),
        ("auc", [0, 2], np.ones((2, 2)), None, "`actual` must be class codes from 0 to 1, got 2"),
        ("mae", [1.0], [1.0], [0.0], "`sample_weight` must be 1 finite numbers of at least 0"),
        ("mae", [1.0], [1.0], [1.0, 2.0], "`sample_weight` must be 1 finite numbers"),
    ],
)
def test_arrays_that_do_not_fit(name, actual, predicted, weights, message):
    with pytest.raises(InputError) as caught:
        METRICS[name](actual, predicted, sample_weight=weights)
    assert str(caught.value).startswith(message)
