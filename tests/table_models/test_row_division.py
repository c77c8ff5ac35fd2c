"""Rows divided by groups and by time, weighted, and epochs chosen by a metric."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight

import chainrule as cr
from chainrule.data import ClassTarget, Table
from chainrule.data.splits import group_numbers
from chainrule.errors import DataError, InputError
from chainrule.table_models.objectives import Objective
from chainrule.table_models.row_division import RowDivision
from chainrule.table_models.row_roles import class_weights, group_codes, row_times, row_weights

FAST = {"preset": "fast", "epochs": 4, "threads": 1}


def visits(rows=240, seed=0):
    """A table of patients whose own level decides the target, so that leaks are visible."""
    draw = np.random.default_rng(seed)
    patient = np.repeat(np.arange(rows // 4), 4)
    level = draw.normal(size=rows // 4)[patient]
    days = [f"2020-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(rows)]
    return pl.DataFrame(
        {
            "patient": [f"p{n}" for n in patient],
            "day": days,
            "level": level,
            "x": draw.normal(size=rows),
            "n": draw.integers(1, 5, rows),
            "y": np.where(level + draw.normal(0, 0.3, rows) > 0, "ill", "well"),
        }
    )


# -- division --------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_groups_stay_together_and_parts_are_even(parts):
    draw = np.random.default_rng(parts)
    groups = draw.integers(0, 40, 600)
    classes = (groups % 3 == 0).astype(int)
    numbers = group_numbers(groups, [1 / parts] * parts, seed=1, classes=classes)
    for group in np.unique(groups):
        assert len(np.unique(numbers[groups == group])) == 1
    sizes = np.bincount(numbers, minlength=parts)
    assert sizes.min() > 0.8 * 600 / parts
    shares = [classes[numbers == n].mean() for n in range(parts)]
    assert max(shares) - min(shares) < 0.12


def test_classes_of_one_row_each_cannot_be_learned() -> None:
    frame = pl.DataFrame({"x": np.arange(6.0), "y": list("abcdef")})
    with pytest.raises(DataError, match=r"each of the 6 rows has a class of its own \('a', 'b'"):
        cr.train_table(frame, "y", preset="fast", epochs=1)


def test_folds_by_group_hold_out_each_group_once():
    groups = np.random.default_rng(0).integers(0, 9, 100)
    folds = RowDivision(100, groups=groups).folds(3, seed=0)
    held = np.concatenate([held for _, held in folds])
    assert sorted(held) == list(range(100))
    for rows, out in folds:
        assert not set(groups[rows]) & set(groups[out])


def test_the_rows_held_out_by_time_are_the_latest():
    times = np.random.default_rng(0).permutation(50).astype(float)
    division = RowDivision(50, times=times)
    rows, held = division.held_out(0.2, seed=0)
    assert len(held) == 10
    assert times[rows].max() < times[held].min()
    for rows, held in division.forward(4):
        assert times[rows].max() < times[held].min()
    for _, held in division.folds(5, seed=0):
        assert times[held].max() - times[held].min() == len(held) - 1  # a span


def test_equal_times_are_not_divided():
    times = np.repeat([1.0, 2.0, 3.0], [80, 10, 10])
    rows, held = RowDivision(100, times=times).held_out(0.5, seed=0)
    assert set(times[rows]) == {1.0}
    assert set(times[held]) == {2.0, 3.0}
    spans = [set(times[held]) for _, held in RowDivision(100, times=times).folds(3, seed=0)]
    assert spans == [{1.0}, {2.0}, {3.0}]


def test_a_class_of_one_row_is_trained_in_every_fold():
    classes = np.array([0] * 10 + [1] * 9 + [2])
    for rows, held in RowDivision(20, classes, ("a", "b", "c")).folds(4, seed=0):
        assert 19 in rows
        assert 19 not in held


def test_a_class_in_one_group_is_an_error():
    division = RowDivision(
        8, np.array([0, 1, 0, 1, 0, 1, 2, 2]), ("a", "b", "c"), np.arange(8) // 2
    )
    with pytest.raises(DataError, match="the class 'c' has rows in one group only"):
        division.folds(4, seed=0)


def test_too_few_groups_are_an_error():
    with pytest.raises(InputError, match="`group` must have at least 2 different values"):
        RowDivision(8, groups=np.zeros(8, int)).folds(2, seed=0)


# -- roles -----------------------------------------------------------------------------------------


def test_roles_are_columns_or_arrays():
    frame = visits(8)
    table = Table.from_frame(frame)
    assert group_codes(table, "patient").tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert group_codes(table, frame["patient"].to_numpy()).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert np.diff(row_times(table, "day")).tolist() == [1.0] * 7
    stamps = np.array(frame["day"].to_list(), dtype="datetime64[D]")
    assert np.diff(row_times(table, stamps)).tolist() == [1.0] * 7
    assert row_weights(table, "n").tolist() == frame["n"].to_list()


@pytest.mark.parametrize(
    ("function", "given", "message"),
    [
        (row_times, "patient", "'p0' is neither a date nor a number"),
        (row_weights, "level", "is not a weight"),
        (group_codes, [1, 2], r"`group` must be the name of a column, or 8 entries"),
        (group_codes, "patent", "unknown column 'patent'. Did you mean 'patient'"),
    ],
)
def test_roles_that_do_not_fit_are_errors(function, given, message):
    with pytest.raises((DataError, InputError), match=message):
        function(Table.from_frame(visits(8)), given)


def test_missing_roles_name_the_row():
    frame = visits(8).with_columns(patient=pl.Series(["a", None] * 4))
    with pytest.raises(DataError, match="row 1, column 'patient': the group is missing"):
        cr.train_table(frame, "y", group="patient", **FAST)


def test_class_weights_are_those_of_scikit_learn():
    table = Table.from_frame(visits())
    labels = table.frame["y"].to_list()
    target = ClassTarget("y", ("ill", "well"))
    expected = compute_sample_weight("balanced", labels)
    assert np.allclose(class_weights(target, table, "balanced"), expected)
    expected = compute_sample_weight({"ill": 3.0}, labels)
    assert np.allclose(class_weights(target, table, {"ill": 3.0}), expected)
    with pytest.raises(InputError, match="`class_weight` must be for the labels 'ill', 'well'"):
        class_weights(target, table, {"sick": 3.0})


# -- training --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group": "y"}, "`group` must be a column that is not the target, got 'y'"),
        ({"time": "y"}, "`time` must be a column that is not the target"),
        ({"group": "patient", "time": "day"}, "`group` must be None beside `time`"),
        ({"metric": "rmse"}, "`metric` rmse is for numbers, but the target is classes"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"class_weight": "equal"}, "`class_weight` must be 'balanced'"),
    ],
)
def test_contradictions_are_errors(settings, message):
    with pytest.raises(InputError, match=message):
        cr.train_table(visits(), "y", **FAST, **settings)


def test_a_score_by_group_is_on_groups_not_seen():
    frame = visits().drop("day", "level")
    frame = frame.with_columns(code=pl.col("patient").str.slice(1).cast(int).cast(str))
    settings = FAST | {"epochs": 40}
    at_random = cr.train_table(frame, "y", columns={"code": "categorical"}, **settings)
    by_group = cr.train_table(
        frame, "y", columns={"code": "categorical"}, group="patient", **settings
    )
    assert "patient" not in by_group.model.feature_names[0]
    assert by_group.task.divided == "group"
    assert at_random.score.accuracy > by_group.score.accuracy + 0.1


def test_training_by_time_holds_out_the_latest_rows():
    run = cr.train_table(visits(), "y", time="day", **FAST)
    assert (run.scored, run.score.rows, run.task.divided) == ("held out", 48, "time")


def test_weights_of_a_column_are_those_of_an_array():
    frame = visits()
    by_name = cr.train_table(frame, "y", weights="n", **FAST)
    by_array = cr.train_table(frame.drop("n"), "y", weights=frame["n"].to_numpy(), **FAST)
    assert by_name.model.feature_names == by_array.model.feature_names
    for one, other in zip(by_name.model.members, by_array.model.members, strict=True):
        assert np.array_equal(one.parameters.flat, other.parameters.flat)
    unweighted = cr.train_table(frame.drop("n"), "y", **FAST)
    assert not np.array_equal(
        by_name.model.members[0].parameters.flat, unweighted.model.members[0].parameters.flat
    )


def test_balanced_classes_are_recalled_more_often():
    draw = np.random.default_rng(0)
    x = draw.normal(size=800)
    rare = x + draw.normal(0, 1.0, 800) > 2.0
    frame = pl.DataFrame({"x": x, "y": np.where(rare, "rare", "usual")})
    plain, balanced = (
        cr.train_table(frame, "y", class_weight=given, **FAST | {"epochs": 20}).model
        for given in (None, "balanced")
    )
    found = [np.mean(model.predict(frame)[rare] == "rare") for model in (plain, balanced)]
    assert found[1] > found[0] + 0.2


def test_the_metric_decides_the_epoch_and_the_smoothing():
    run = cr.train_table(visits(), "y", metric="auc", **FAST)
    assert run.task.recipe.candidates[0].smoothing == 0.0
    assert 0.5 < run.metric <= 1.0
    assert run.history["monitored"]
    by_answers = cr.train_table(visits(), "y", metric="balanced_accuracy", **FAST)
    assert by_answers.task.recipe.candidates[0].smoothing > 0.0


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", "mape"])
def test_metrics_of_numbers_decide_too(metric):
    run = cr.train_table(visits().drop("y", "patient", "day"), "x", metric=metric, **FAST)
    assert np.isfinite(run.metric)


def test_an_objective_is_the_metric_of_scikit_learn():
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, (100, 1)).astype(float)
    p = draw.uniform(size=(100, 1))
    objective = Objective.of(ClassTarget("y", (0, 1)), "auc")
    assert objective.error(p, y) == pytest.approx(-roc_auc_score(y[:, 0], p[:, 0]))
    smoothed = y * 0.9 + 0.05
    measure = objective.measure(None)
    assert measure(smoothed, p, None) == pytest.approx(-roc_auc_score(y[:, 0], p[:, 0]))
