"""What reports measure, against scikit-learn and against predictions made in another way."""

import re

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, auc, log_loss, roc_auc_score, roc_curve
from sklearn.model_selection import cross_val_predict

import chainrule as cr
from chainrule.data import ClassTarget
from chainrule.language.phrase_books import phrases_of
from chainrule.network.architecture import Network
from chainrule.reports.class_measures import calibration_points, roc_points
from chainrule.reports.importance import (
    measure_dependence,
    measure_importance,
    unseen_outputs,
)
from chainrule.reports.linear_baseline import _classes, _numbers, linear_outputs
from chainrule.reports.report_blocks import Grid
from chainrule.reports.score_measures import measure_scores
from chainrule.reports.subject import Subject
from chainrule.reports.summary_section import metric_text, summary_section
from chainrule.reports.unit_activity import unit_activity
from chainrule.reports.wrong_rows import wrong_rows_section, wrongness
from chainrule.table_models import candidates
from tests.reports.runs import hostile_run, iris_run, numbers_run


@pytest.fixture(scope="module")
def iris():
    return Subject.of_run(iris_run())


@pytest.fixture(scope="module")
def numbers():
    return Subject.of_run(numbers_run())


def test_roc_points_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    score = generator.integers(0, 30, 500) / 30  # many are equal
    positive = generator.random(500) < score
    false, true = roc_points(score, positive)
    theirs = roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(false, theirs[0])
    np.testing.assert_allclose(true, theirs[1])
    assert auc(false, true) == pytest.approx(roc_auc_score(positive, score))
    assert len(roc_points(score, positive & False)[0]) == 0


def test_calibration_points_are_shares_of_equally_many_rows():
    generator = np.random.default_rng(0)
    probability = generator.random(40_000)
    happened = generator.random(40_000) < probability**2
    predicted, actual = calibration_points(probability, happened)
    assert len(predicted) == 10
    np.testing.assert_allclose(predicted, np.arange(0.05, 1, 0.1), atol=0.01)
    np.testing.assert_allclose(actual, predicted**2, atol=0.02)


def test_the_linear_model_of_folds_is_scikit_learns(iris):
    table = iris.rows.table
    y = np.array(table.series("species").to_list())
    folds = [(rows, held) for rows, held in iris.rows.folds]
    theirs = cross_val_predict(LogisticRegression(), iris.matrix, y, cv=folds)
    ours = linear_outputs(iris)
    assert ours.shape == (150, 3)
    answers = iris.model.target.decode(ours)
    assert (answers == theirs[iris.rows.scored]).all()
    scores = measure_scores(iris)
    assert scores.comparisons[0].linear == pytest.approx(accuracy_score(y, theirs))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [("no", "yes"), ("a", "b", "c")])
def test_the_linear_models_are_scikit_learns(names, weighted):
    draw = np.random.default_rng(4)
    X = draw.normal(size=(300, 5))
    codes = np.digitize(X[:, 0] + draw.normal(size=300), [-0.6, 0.6][: len(names) - 1])
    weights = draw.uniform(0.2, 3, 300) if weighted else None
    theirs = LogisticRegression(max_iter=1000).fit(X, codes, sample_weight=weights)
    ours = _classes(X, codes, X[:50], weights, ClassTarget("y", names))
    expected = theirs.predict_proba(X[:50])
    np.testing.assert_allclose(ours, expected if len(names) > 2 else expected[:, 1:], atol=2e-3)
    for rows in (300, 4):  # more rows than columns, and fewer
        few = None if weights is None else weights[:rows]
        inputs, targets = X[:rows], X[:rows, :2] ** 2
        expected = Ridge().fit(inputs, targets, sample_weight=few).predict(X[:50])
        np.testing.assert_allclose(_numbers(inputs, targets, X[:50], few), expected, rtol=1e-8)


def test_the_linear_model_of_numbers_is_scikit_learns(numbers):
    ((rows, held),) = numbers.rows.folds
    target = numbers.rows.table.series("target").to_numpy()
    theirs = Ridge().fit(numbers.matrix[rows], target[rows]).predict(numbers.matrix[held])
    np.testing.assert_allclose(linear_outputs(numbers)[:, 0], theirs)
    rmse = next(c for c in measure_scores(numbers).comparisons if c.estimate.metric == "rmse")
    assert rmse.linear == pytest.approx(np.sqrt(np.mean((theirs - target[held]) ** 2)))


def test_the_score_of_a_report_is_that_of_the_run(iris, numbers):
    for subject in (iris, numbers):
        first = measure_scores(subject).comparisons[0].estimate
        stored = subject.model.training["score"]["targets"][0]
        assert first.value == pytest.approx(stored[first.metric])
        assert first.low < first.value < first.high


def test_the_best_of_each_row_is_bold(iris, numbers):
    texts = phrases_of("report", "en")
    smaller = {"log_loss", "brier", "calibration_error", "rmse", "mae", "mape"}
    for subject in (iris, numbers):
        scores = measure_scores(subject)
        section = summary_section(subject, scores, texts, "en")
        (grid,) = (block for block in section.blocks if isinstance(block, Grid))
        for row, each in enumerate(scores.comparisons):
            values = {1: each.estimate.value, 3: each.estimate.naive, 4: each.linear}
            known = {column: value for column, value in values.items() if value is not None}
            best = (min if each.estimate.metric in smaller else max)(known.values())
            expected = {column for column, value in known.items() if value == best}
            assert {column for line, column in grid.bold if line == row} == expected


def test_networks_that_saw_a_row_have_no_part_in_its_importance(monkeypatch):
    monkeypatch.setattr(candidates, "MOST_ROWS", 0)  # as of many rows: with the model's own choices
    iris = Subject.of_run(iris_run())
    every = np.arange(len(iris.rows.scored))
    matrix = iris.matrix[iris.rows.scored]
    np.testing.assert_allclose(
        unseen_outputs(iris, every, matrix), iris.rows.outputs, rtol=1e-5, atol=1e-7
    )
    assert not np.allclose(iris.model.outputs(matrix), iris.rows.outputs, atol=1e-4)


def test_importance_is_the_added_error_and_noise_has_none():
    generator = np.random.default_rng(0)
    x, noise = generator.normal(size=(2, 400))
    y = np.where(x + generator.normal(size=400) > 0, "yes", "no")  # much error without exchange
    run = cr.train_table(
        pl.DataFrame({"noise": noise, "x": x, "y": y}), "y", hidden=(8,), learning_rate=0.03
    )
    subject = Subject.of_run(run)
    found = measure_importance(subject, seconds=60.0)
    added = dict(zip(found.names, found.added, strict=True))
    held = subject.scored_table.frame
    chances = []
    for seed in range(20):  # the same with data frames and scikit-learn
        shuffled = held.with_columns(held["x"].shuffle(seed=seed))
        both = [run.model.probabilities(frame) for frame in (shuffled, held)]
        chances.append(log_loss(held["y"], both[0]) - log_loss(held["y"], both[1]))
    assert added["x"] == pytest.approx(np.mean(chances), rel=0.3)
    assert abs(added["noise"]) < 0.1 * added["x"]
    assert found.repeats == 5
    assert (found.deviations >= 0).all()


def test_importance_ends_at_its_time(iris):
    found = measure_importance(iris, seconds=0.0)
    assert found.names == ()
    assert found.columns == 4


def test_dependence_is_the_mean_prediction_of_changed_tables():
    subject = Subject.of_run(hostile_run())
    for column in subject.model.preprocessor.columns:
        found = measure_dependence(subject, column.name)
        chosen = np.random.default_rng(1).permutation(subject.rows.scored)[:100]
        frame = subject.rows.table.take(chosen).frame
        for value, means in zip(found.at, found.means, strict=True):
            changed = frame.with_columns(pl.lit(value).alias(column.name))
            expected = subject.model.probabilities(changed).mean(axis=0)
            np.testing.assert_allclose(means, expected, rtol=1e-9)


def test_the_most_wrong_rows_are_those_of_largest_error(iris, numbers):
    probabilities = iris.probabilities[np.arange(150), iris.codes]
    assert wrongness(iris).argmax() == probabilities.argmin()
    target = load_diabetes().target[numbers.rows.scored]
    errors = np.abs(target - numbers.rows.outputs[:, 0])
    np.testing.assert_allclose(wrongness(numbers), errors / target.std())


def test_dead_and_saturated_units_are_counted():
    network = Network.dense([2, 3, 2, 1], ["relu", "tanh", "identity"])
    parameters = {
        "W_1": [[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]],
        "b_1": [0.0, -50.0, 0.1],
        "W_2": [[9.0, 0.1], [0.0, 0.0], [9.0, 0.1]],
        "b_2": [30.0, 0.0],
        "W_3": [[1.0], [1.0]],
        "b_3": [0.0],
    }
    parameters = {name: np.array(value) for name, value in parameters.items()}
    X = np.random.default_rng(0).normal(size=(200, 2))
    found = unit_activity(network, parameters, {"X": X})
    hidden = np.maximum(X @ parameters["W_1"] + parameters["b_1"], 0.0)
    assert (hidden == 0).all(axis=0).tolist() == [False, True, False]
    second = np.tanh(hidden @ parameters["W_2"] + parameters["b_2"])
    assert ((np.abs(second) > 0.99).mean(axis=0) > 0.95).tolist() == [True, False]
    assert (found.units, found.dead, found.saturated) == (5, 1, 1)


def test_numbers_of_errors_and_lines_are_written_alike():
    """8,126 stands beside 11,363; lines are numbers to look up, without separators."""
    assert [metric_text("rmse", value) for value in (999.4, 8126.0, -8126.4, 11363.0)] == [
        "999.4",
        "8,126",
        "−8,126",
        "11,363",
    ]
    x = np.random.default_rng(0).normal(size=1500)
    table = pl.DataFrame({"x": x, "y": np.where(np.arange(1500) == 1400, 99.0, x)})
    run = cr.train_table(table, "y", hidden=(4,), epochs=1, validation=0)
    (_, grid) = wrong_rows_section(Subject.of_run(run), (), phrases_of("report", "en")).blocks
    assert grid.rows[0][0] == "1400"


def test_one_column_and_one_repeat_are_counted_in_sound_english():
    x = np.linspace(0.0, 1.0, 40)
    page = cr.train_table(pl.DataFrame({"x": x, "y": x + 0.01}), "y", hidden=(2,), epochs=1)
    html = page.report().html
    assert "predicted from: 1;" in html
    assert not re.search(r"\b1 (columns|networks|rows|repeats)\b", html)
