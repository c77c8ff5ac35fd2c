"""Cross-validation and the search for settings, beside scikit-learn's own."""

import csv
import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import cross_val_score

import chainrule as cr
from chainrule.command_line.main import command
from chainrule.errors import InputError
from chainrule.table_models.recipe_settings import RecipeSettings
from chainrule.table_models.search import searched


def table_of(rows=120, seed=0):
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=(2, rows))
    return pl.DataFrame(
        {
            "x": x,
            "z": z,
            "color": draw.choice(["red", "blue"], rows),
            "unit": [f"u{n % 12}" for n in range(rows)],
            "day": draw.permutation(rows),
            "y": 3 * x + z**2 + draw.normal(0, 0.2, rows),
        }
    )


def run_verb(*arguments, code=0):
    result = CliRunner().invoke(command, [str(word) for word in arguments])
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table_of().write_csv("data.csv")
    return "data.csv"


# -- cross-validation ------------------------------------------------------------------------------


def test_each_fold_is_the_training_of_the_others():
    table = table_of()
    settings = {"hidden": (8,), "epochs": 100}
    found = cr.cross_validate(table, "y", folds=3, **settings)
    assert sum(evaluation.rows for evaluation in found.evaluations) == table.height
    held = found.evaluations[0].rows
    assert held == 40
    score = found["mae"]
    assert score.mean == pytest.approx(np.mean(score.values))
    assert score.deviation == pytest.approx(np.std(score.values, ddof=1))
    assert score.mean < score.naive_mean


def test_folds_by_group_are_scored_on_groups_not_seen():
    draw = np.random.default_rng(0)
    unit = np.repeat(np.arange(30), 6)
    frame = pl.DataFrame(
        {
            "unit": [f"u{n}" for n in unit],
            "code": [f"c{n}" for n in unit],
            "x": draw.normal(size=180),
            "y": draw.normal(size=30)[unit] * 3 + draw.normal(0, 0.1, 180),
        }
    )
    settings = {"folds": 3, "metrics": "rmse", "hidden": (16,), "epochs": 60}
    at_random = cr.cross_validate(frame, "y", **settings)["rmse"]
    by_group = cr.cross_validate(frame, "y", group="unit", **settings)["rmse"]
    assert at_random.mean < 0.5 * at_random.naive_mean
    assert by_group.mean > 0.8 * by_group.naive_mean


def test_folds_by_time_are_predicted_from_earlier_rows():
    frame = table_of().with_columns(y=pl.col("day").cast(float))
    found = cr.cross_validate(
        frame.drop("x", "z"), "y", time="day", folds=4, hidden=(), epochs=1, metrics="rmse"
    )
    assert found.divided == "time"
    # The naive prediction is the mean of earlier rows, so that its error grows with time.
    assert np.all(np.diff(found["rmse"].naive) > 0)
    with pytest.raises(InputError, match="`repeats` must be 1 with `time`"):
        cr.cross_validate(frame, "y", time="day", repeats=2)


def test_folds_and_metrics_are_checked_before_any_training():
    with pytest.raises(InputError, match="`folds` must be at most 12 for these rows, got 20"):
        cr.cross_validate(table_of(), "y", group="unit", folds=20)
    with pytest.raises(InputError, match="`metric` auc is for classes"):
        cr.cross_validate(table_of(), "y", metrics="auc")
    with pytest.raises(InputError, match="`group` must be a column that is not the target"):
        cr.cross_validate(table_of(), "y", group="y")


def test_repeats_divide_anew():
    found = cr.cross_validate(
        table_of(), "y", folds=2, repeats=2, hidden=(4,), epochs=3, metrics="rmse"
    )
    values = found["rmse"].values
    assert len(set(values)) == 4


def test_ctrl_c_has_the_folds_so_far():
    seen = []

    def train_ends(run):
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        cr.cross_validate(
            table_of(), "y", folds=3, hidden=(4,), epochs=3, on_fold=seen.append,
            on_progress=train_ends,
        )  # fmt: skip
    assert len(caught.value.result.evaluations) == 1


def test_estimators_are_cross_validated_by_scikit_learn_too():
    frame = table_of(200).drop("unit", "day")
    X, y = frame.drop("y"), frame["y"].to_numpy()
    regressor = cr.TableRegressor("fast", epochs=30, random_state=0, metric="mae")
    scores = cross_val_score(regressor, X.to_pandas(), y, cv=3, scoring="neg_mean_absolute_error")
    naive = mean_absolute_error(y, np.full(len(y), y.mean()))
    assert np.all(-scores < 0.6 * naive)


def test_the_verb_cv(data):
    settings = ("--target", "y", "--folds", 3, "--hidden", 4, "--epochs", 2)
    lines = run_verb("cv", data, *settings, "--score", "mae").stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [f"fold {n} of 3" for n in (1, 2, 3)]
    assert lines[3].startswith("data.csv: 120 rows, 3 folds at random")
    assert lines[-1].split()[0] == "mae"
    record = json.loads(run_verb("cv", data, *settings, "--score", "mae", "--json").stdout)
    assert len(record["scores"][0]["values"]) == 3
    assert record["scores"][0]["mean"] == pytest.approx(np.mean(record["scores"][0]["values"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--group", "y"), "`group` must be a column that is not the target, got 'y'"),
        (("--group", "unti"), "unknown column 'unti'. Did you mean 'unit'?"),
        (("--time", "color"), "is neither a date nor a number"),
        (("--weights", "z"), "is not a weight"),
        (("--class-weight", "balanced"), "`class_weight` must be None for targets that are"),
        (("--class-weight", "a:x"), "must be balanced or LABEL:WEIGHT"),
        (("--metric", "auc"), "`metric` auc is for classes, but the target is numbers"),
        (("--folds", "500"), "`folds` must be at most 120 for these rows, got 500"),
    ],
)
def test_bad_options_are_one_line(data, options, message):
    result = run_verb("cv", data, "--target", "y", *options, code=2)
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


# -- search ----------------------------------------------------------------------------------------


def test_trials_are_trained_on_the_same_folds_and_ranked():
    run = cr.train_table(table_of(), "y", preset="fast", epochs=5, trials=6)
    assert len(run.trials) == 6
    errors = [trial.error for trial in run.trials]
    assert errors == sorted(errors)
    assert sum(trial.share for trial in run.trials) == pytest.approx(1.0)
    assert sum(trial.share > 0 for trial in run.trials) <= 5


def test_what_is_given_is_not_searched():
    recipe = RecipeSettings(hidden=(24,), trials=8, dropout=0.25).recipe(
        100, 3, classes=False, smoothed=False
    )
    assert {candidate.hidden for candidate in recipe.candidates} == {(24,)}
    assert {candidate.dropout for candidate in recipe.candidates} == {0.25}
    rates = {candidate.optimizer.learning_rate for candidate in recipe.candidates}
    assert len(rates) == 8


def test_a_search_is_determined_by_the_seed():
    base = RecipeSettings().recipe(100, 3, classes=False, smoothed=False).candidates[0]
    assert searched(base, 9, seed=1) == searched(base, 9, seed=1)
    assert searched(base, 9, seed=1) != searched(base, 9, seed=2)
    assert searched(base, 9, seed=1)[:4] == searched(base, 4, seed=1)


def test_the_verb_tune_writes_a_leaderboard(data):
    run = run_verb("tune", data, "--target", "y", "--trials", 4, "--epochs", 3, "--metric", "mae")
    with open("data/leaderboard.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    values = [float(row["value"]) for row in rows]
    assert values == sorted(values)
    assert {row["metric"] for row in rows} == {"mae"}
    assert f"1. mae {values[0]:.4g} alone, share" in run.stdout
    assert cr.load("data").predict("data.csv").shape == (120,)
