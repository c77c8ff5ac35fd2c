"""The parts of the recipe for tables: each does what it says, by numbers computed otherwise."""

import time

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss as log_loss_of_scikit_learn

import chainrule as cr
from chainrule.data import NumberTarget
from chainrule.data.splits import fold_numbers
from chainrule.errors import DataError, InputError
from chainrule.table_models.calibration import calibrated, fitted_temperature, log_loss
from chainrule.table_models.candidates import _shares
from chainrule.table_models.objectives import Objective
from chainrule.table_models.recipes import recipe_for
from chainrule.table_models.table_training import train_table

DRAW = np.random.default_rng(3)


def frame_of(rows, seed=0):
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=(2, rows))
    color = draw.choice(["red", "green", "blue"], rows)
    side = np.where(x + 0.5 * z + draw.normal(0, 0.5, rows) > 0, "left", "right")
    hole = pl.Series([None if lost else float(v) for v, lost in zip(z, x > 1.5, strict=True)])
    y = 50 + 10 * np.sin(2 * x) + (color == "red") * 5 + draw.normal(0, 1, rows)
    return pl.DataFrame({"x": x, "hole": hole, "color": color, "side": side, "y": y})


def test_the_score_is_that_of_networks_that_did_not_see_a_row():
    frame = frame_of(300)
    run = train_table(frame.drop("y"), "side", preset="fast", epochs=6, seed=4)
    model = run.model
    assert run.scored == "out of fold"
    assert len(model.members) == 2
    codes = model.target.codes(model.read(frame, targets=True))
    numbers = fold_numbers(300, 2, 4, codes)
    matrix = model.transform(frame).matrix
    right = 0
    for number, member in enumerate(model.members):
        held = numbers == number
        outputs = model._finished(member, matrix[held])
        right += int(((outputs[:, 0] > 0.5) == codes[held]).sum())
    assert run.score.correct == right
    mean = np.mean([model._finished(member, matrix) for member in model.members], axis=0)
    np.testing.assert_allclose(model.outputs(matrix), mean, rtol=1e-12)


def test_probabilities_are_calibrated():
    frame, new = frame_of(800).drop("y"), frame_of(4000, 9).drop("y")
    model = train_table(frame, "side", preset="fast", seed=1).model
    assert model.temperature != 1.0
    chances = model.probabilities(new)[:, 1]
    actual = (new["side"] == "right").to_numpy()
    for low in np.arange(0.0, 1.0, 0.25):
        inside = (chances >= low) & (chances < low + 0.25)
        assert abs(actual[inside].mean() - chances[inside].mean()) < 0.08


def test_log_loss_and_the_temperature():
    p = DRAW.dirichlet([1.0, 2.0, 0.5], size=500)
    classes = np.array([DRAW.choice(3, p=row) for row in p])
    weights = DRAW.uniform(0.5, 2.0, 500)
    expected = log_loss_of_scikit_learn(classes, p, sample_weight=weights, labels=[0, 1, 2])
    assert log_loss(p, np.eye(3)[classes], weights) == pytest.approx(expected, rel=1e-9)
    single = p[:, :1] / (p[:, :1] + p[:, 1:2])
    two = DRAW.random(500) < single[:, 0]
    assert log_loss(single, two[:, None].astype(float)) == pytest.approx(
        log_loss_of_scikit_learn(two, single[:, 0]), rel=1e-9
    )
    sharp = calibrated(p, 0.4)
    found = fitted_temperature([sharp], [1.0], np.eye(3)[classes])
    grid = np.exp(np.linspace(-1.5, 2.0, 701))
    losses = [log_loss(calibrated(sharp, t), np.eye(3)[classes]) for t in grid]
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=0.01)
    np.testing.assert_array_equal(sharp.argmax(axis=1), p.argmax(axis=1))


def test_weights_of_candidates_lower_the_error():
    y = DRAW.normal(size=(400, 1))
    noise = DRAW.normal(size=(400, 1))
    high, low, bad = y + noise, y - noise, DRAW.normal(size=(400, 1))
    objective = Objective(NumberTarget(("y",)))

    def shares(*outputs):
        errors = [objective.error(array, y) for array in outputs]
        return _shares(outputs, errors, lambda array: objective.error(array, y))

    assert shares(high, low, bad) == [0.5, 0.5, 0.0]
    assert shares(bad, y) == [0.0, 1.0]
    assert shares(bad) == [1.0]


def test_numbers_stay_in_the_range_seen_and_missing_cells_are_marked():
    frame = frame_of(300).drop("side")
    model = train_table(frame, "y", preset="fast", epochs=3).model
    far = pl.DataFrame({"x": [1e9, -1e9], "hole": [None, 1e12], "color": ["red", "red"]})
    low, high = frame["y"].min(), frame["y"].max()
    assert ((model.predict(far) >= low) & (model.predict(far) <= high)).all()
    assert model.feature_names[:3] == ("x", "hole", "hole=(missing)")
    assert np.abs(model.transform(far).matrix).max() <= 3.0
    assert model.transform(far).matrix[:, 2].tolist() == [1.0, 0.0]


def test_a_time_limit_ends_with_what_was_learned():
    frame = frame_of(400).drop("side")
    began = time.monotonic()
    run = train_table(frame, "y", epochs=20_000, time_limit=1.5)
    assert time.monotonic() - began < 4.0
    planned = run.trials[0].candidate.epochs
    assert 1 < planned < 20_000
    assert len(run.history["loss"]) > 0.3 * planned
    assert run.seconds > 0.3
    assert run.score[0].rmse < run.score[0].baseline_rmse
    with pytest.raises(InputError, match="time limit is too short for one epoch"):
        train_table(frame_of(20_000).drop("side"), "y", batch_size=8, time_limit=1e-9)
    with pytest.raises(InputError, match="`time_limit` must be a positive number of seconds, got"):
        train_table(frame, "y", time_limit=-1)


def test_ctrl_c_has_the_run_so_far():
    def listen(run):
        if any(member is not None and member.done > 2 for member in run.members):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        train_table(
            frame_of(200).drop("y"), "side", preset="fast", epochs=10**6, on_progress=listen
        )
    run = caught.value.result
    assert run.ended
    assert len(run.model.predict(frame_of(20))) == 20


def test_patience_ends_runs_and_one_fold_holds_rows_out():
    frame = frame_of(300).drop("y")
    run = train_table(frame, "side", preset="fast", epochs=500, patience=3, folds=1)
    assert run.scored == "held out"
    assert (run.task.training_rows, run.task.held_out_rows) == (240, 60)
    assert len(run.history["loss"]) < 500


def test_rules_of_the_presets():
    default = recipe_for("default", 20_000, 8, classes=True, smoothed=True)
    assert [c.smoothing for c in default.candidates] == [0.1]
    assert default.candidates[0].batch_size == 256
    small = recipe_for("default", 500, 8, classes=True, smoothed=False)
    assert len(small.candidates) == 3
    assert small.candidates[0].batch_size == 32
    assert small.candidates[0].epochs > default.candidates[0].epochs
    assert (
        recipe_for("default", 20_000, 784, classes=True, smoothed=True).candidates[0].encoding
        == "none"
    )
    best = recipe_for("best", 20_000, 8, classes=True, smoothed=True)
    assert (
        best.folds
        > default.folds
        > recipe_for("fast", 20_000, 8, classes=True, smoothed=True).folds
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 31}, "`folds` must be an integer from 1 to 30, got 31"),
        ({"hidden": (4, 0)}, "`hidden` must be an integer of at least 1, got 0"),
        (
            {"encoding": "x"},
            "`encoding` must be 'none', 'piecewise', 'periodic' or 'both', got 'x'",
        ),
        ({"dropout": 1.0}, "`dropout` must be a number of at least 0 and below 1, got 1.0"),
        ({"smoothing": -0.1}, "`smoothing` must be a number of at least 0 and below 1, got -0.1"),
        ({"patience": -1}, "`patience` must be an integer of at least 0, got -1"),
        ({"folds": 0}, "`folds` must be an integer of at least 1, got 0"),
        ({"preset": "bst"}, "`preset` must be 'fast', 'default' or 'best', got 'bst'"),
    ],
)
def test_settings_that_are_not_allowed(settings, message):
    with pytest.raises(InputError) as caught:
        train_table(frame_of(30).drop("y"), "side", **settings)
    assert str(caught.value).startswith(message)


def test_too_few_rows_for_folds():
    with pytest.raises(DataError, match="3 rows are too few for folds: at least 4 are needed"):
        train_table(frame_of(3).drop("side"), "y")


def test_bins_of_a_column_with_a_frequent_value():
    column = np.concatenate([np.zeros(5000), DRAW.exponential(100.0, 300)])
    (edges,) = cr.quantile_edges(column[:, None], 16)
    assert len(edges) >= 15
    assert set(edges) <= set(column)
    counts, _ = np.histogram(column[column > 0], edges)
    assert counts[1:].max() <= 2 * np.median(counts[1:])


def test_values_next_to_zero_are_no_bin_of_their_own():
    """The inverse of 1e-300 is no number of float32, in which networks of tables learn."""
    column = np.array([0.0, 1e-300, 1.0, 2.0])
    (edges,) = cr.quantile_edges(column[:, None], 3)
    assert edges.tolist() == [0.0, 1.0, 2.0]
    table = pl.DataFrame({"x": np.tile(column, 10), "y": np.tile([0.5, 0.5, 1.5, 2.5], 10)})
    assert train_table(table, "y", epochs=2).score[0].rmse < 10
