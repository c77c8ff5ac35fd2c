"""Evaluations: values, intervals against SciPy and by formula, the naive prediction, the text."""

import json
import time

import numpy as np
import polars as pl
import pytest
from scipy import stats

from chainrule.errors import DataError, InputError, InputTypeError
from chainrule.table_models.evaluation import evaluate
from chainrule.table_models.table_training import train_table
from chainrule.training.metrics import METRICS


def frame_of(rows, classes=2, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    cuts = np.quantile(x, np.linspace(0, 1, classes + 1)[1:-1])
    codes = np.digitize(x + 0.3 * draw.normal(size=rows), cuts)
    return pl.DataFrame(
        {
            "x": x,
            "group": draw.choice(["a", "b", "c"], rows),
            "kind": [f"k{code:02}" for code in codes],
            "y": 5000 + 300 * x + 100 * draw.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def two():
    return train_table(frame_of(400), "kind", epochs=3).model


@pytest.fixture(scope="module")
def numbers():
    return train_table(frame_of(400).drop("kind"), "y", epochs=30).model


def test_values_are_those_of_the_metrics_on_the_predictions(two, numbers):
    table = frame_of(300, seed=1)
    found = evaluate(two, table, resamples=10)
    actual = (table["kind"] == "k01").to_numpy().astype(int)
    assert [one.metric for one in found.estimates] == [
        name for name, metric in METRICS.items() if metric.task == "classification"
    ]
    for one in found.estimates:
        assert one.value == METRICS[one.metric](actual, two.probabilities(table))
    assert found["accuracy"].value == two.evaluate(table).accuracy
    found = evaluate(numbers, table, "mae", resamples=0)
    assert found["mae"].value == pytest.approx(numbers.evaluate(table)[0].mae)
    assert (found["mae"].low, found["mae"].high, len(found.estimates)) == (None, None, 1)


def test_an_interval_holds_its_value_or_there_is_none(two, numbers):
    """A calibrated model: resampled, its calibration error is larger than 95 % of itself."""
    table = frame_of(300, seed=1)
    found = evaluate(two, table, resamples=200)
    for one in found.estimates:
        assert (one.low is None) == (one.metric == "calibration_error")
        assert one.low is None or one.low <= one.value <= one.high, one.metric
    assert found["calibration_error"].value > 0.0
    assert "calibration_error:" not in str(found)  # no count of resamples: it has none
    zero = table.with_columns(y=pl.when(pl.int_range(300) == 7).then(0.0).otherwise(pl.col("y")))
    mape = evaluate(numbers, zero, "mape", resamples=200)["mape"]
    assert (mape.value, mape.low, mape.high, mape.resamples) == (None, None, None, 0)


def test_the_interval_of_the_accuracy_is_that_of_a_share(two):
    table = frame_of(2000, seed=2)
    one = evaluate(two, table, "accuracy", resamples=4000)["accuracy"]
    deviation = np.sqrt(one.value * (1 - one.value) / 2000)
    assert one.low == pytest.approx(one.value - 1.96 * deviation, abs=0.1 * deviation)
    assert one.high == pytest.approx(one.value + 1.96 * deviation, abs=0.1 * deviation)


@pytest.mark.parametrize("name", ["rmse", "r2"])
def test_intervals_of_numbers_are_scipys(numbers, name):
    table = frame_of(300, seed=3)
    one = evaluate(numbers, table, [name], resamples=4000, seed=1)[name]
    theirs = stats.bootstrap(
        (table["y"].to_numpy(), numbers.predict(table)),
        METRICS[name],
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert one.low == pytest.approx(theirs.low, abs=0.08 * width)
    assert one.high == pytest.approx(theirs.high, abs=0.08 * width)


def test_an_interval_depends_on_the_seed_alone(two):
    table = frame_of(200, seed=4)
    every = evaluate(two, table, resamples=50, seed=3)
    assert evaluate(two, table, ["brier"], resamples=50, seed=3)["brier"] == every["brier"]
    assert evaluate(two, table, ["brier"], resamples=50, seed=4)["brier"] != every["brier"]


def test_whole_groups_are_drawn(two):
    # Every row 20 times: 40 independent rows, so the interval is that of 40 rows.
    few = frame_of(40, seed=5).with_columns(group=pl.int_range(40).cast(pl.String))
    many = pl.concat([few] * 20)
    wide = evaluate(two, few, "log_loss")["log_loss"]
    narrow = evaluate(two, many, "log_loss")["log_loss"]
    grouped = evaluate(two, many, "log_loss", group="group")["log_loss"]
    assert grouped.high - grouped.low == pytest.approx(wide.high - wide.low, rel=0.15)
    assert narrow.high - narrow.low < 0.4 * (wide.high - wide.low)
    with pytest.raises(DataError, match=r"unknown column 'gruop'. Did you mean 'group'"):
        evaluate(two, many, group="gruop")
    missing = few.with_columns(group=pl.lit(None, pl.String))
    with pytest.raises(DataError, match="row 0, column 'group': the group is missing"):
        evaluate(two, missing, group="group")


def test_the_naive_prediction(two, numbers):
    table = frame_of(100, seed=6)
    shares = table["kind"].value_counts(normalize=True)["proportion"].to_numpy()
    found = evaluate(two, table, resamples=0)
    always = two.classes[int(two.naive[0])]
    assert found["accuracy"].naive == (table["kind"] == always).mean()
    assert found["log_loss"].naive == pytest.approx(stats.entropy(shares))
    assert found["auc"].naive == 0.5
    assert found["calibration_error"].naive is None
    rmse = evaluate(numbers, table, "rmse", resamples=0)["rmse"]
    mean = numbers.naive[0]
    assert rmse.naive == pytest.approx(np.sqrt(np.mean((table["y"].to_numpy() - mean) ** 2)))


def test_classes_and_confusion_are_scikit_learns():
    from sklearn import metrics

    table = frame_of(500, classes=4)
    model = train_table(table.drop("y"), "kind", epochs=5).model
    found = evaluate(model, table, "f1", resamples=0)
    actual, answers = table["kind"].to_numpy(), model.predict(table)
    np.testing.assert_array_equal(found.confusion, metrics.confusion_matrix(actual, answers))
    theirs = metrics.precision_recall_fscore_support(actual, answers, zero_division=np.nan)
    ours = [(one.precision, one.recall, one.f1, one.rows) for one in found.classes]
    np.testing.assert_allclose(np.array(ours, float), np.array(theirs).T)
    assert [one.label for one in found.classes] == list(model.classes)


def test_the_auc_of_many_classes_has_fewer_resamples():
    table = frame_of(300, classes=3)
    model = train_table(table.drop("y"), "kind", epochs=2).model
    found = evaluate(model, table, ["auc", "accuracy"], resamples=300)
    assert [one.resamples for one in found.estimates] == [200, 300]
    assert "300 bootstrap resamples of the rows (auc: 200), seed 0" in str(found)
    assert evaluate(model, table, "auc", resamples=200)["auc"] == found["auc"]


def test_a_thousand_resamples_of_a_large_table_take_seconds(two):
    table = frame_of(20_000)
    start = time.process_time()
    evaluate(two, table)
    assert time.process_time() - start < 15  # about 1.5 s on a free machine


def test_text_fits_a_terminal_and_json_holds_all(two, numbers):
    table = frame_of(150, classes=40, seed=7).with_columns(
        kind=pl.format("a rather long name of the class {}\n", pl.col("kind"))
    )
    model = train_table(table.drop("y"), "kind:class", validation=0, epochs=1).model
    found = evaluate(model, table, resamples=20)
    assert max(map(len, found.lines())) <= 80
    assert f"and {len(model.classes) - 12} classes of fewer rows" in found.lines()
    matrix = found.lines()[found.lines().index("") :]
    start = matrix.index("rows by actual class (down) and predicted class (across)")
    cells = [line.split()[-12:] for line in matrix[start + 2 :]]
    assert len(cells) == 12
    assert sum(int(cell) for row in cells for cell in row) == 150
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert len(record["confusion"]) == len(record["classes"]) == len(model.classes)
    assert record["larger_is_better"]["log_loss"] is False

    both = train_table(frame_of(60).drop("kind"), ["x", "y"], epochs=1).model
    zero = pl.DataFrame({"group": ["a", "z"], "x": [0.0, -3e-9], "y": [1.5e12, 2.0]})
    found = evaluate(both, zero, resamples=20)
    assert max(map(len, found.lines())) <= 80
    assert "target 'x'" in found.lines()
    assert found.unknown == {"group": 1}
    assert next(one.value for one in found.estimates if one.metric == "mape") is None
    with pytest.raises(InputError, match=r"There are several targets: look through `estimates`"):
        found["mae"]
    assert repr(evaluate(numbers, frame_of(5), "rmse")).startswith(
        "Evaluation(the table, 5 rows, rmse "
    )


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"metrics": "acc"}, InputError, "unknown metric 'acc'. Did you mean 'accuracy'"),
        ({"metrics": ["rmse"]}, InputError, "`metric` rmse is for numbers, but the target is cl"),
        ({"metrics": []}, InputError, r"`metrics` must be one name or more, or None, got \[\]"),
        ({"metrics": [1]}, InputTypeError, r"`metrics` must be names of metrics, got \[1\]"),
        ({"resamples": -1}, InputError, "`resamples` must be an integer of at least 0, got -1"),
        ({"seed": -1}, InputError, "`seed` must be an integer from 0"),
    ],
)
def test_settings_that_are_not_allowed(two, settings, error, message):
    with pytest.raises(error, match=message):
        evaluate(two, frame_of(10), **settings)


def test_tables_that_cannot_be_evaluated(two):
    table = frame_of(10)
    with pytest.raises(DataError, match=r"the table: the target 'kind' is missing, and .*; add it"):
        evaluate(two, table.drop("kind"))
    with pytest.raises(DataError, match=r"rename 'Kind'\? or only predict"):
        evaluate(two, table.rename({"kind": "Kind"}))
    with pytest.raises(DataError, match=r"column 'kind': 'other' is not one of the classes"):
        evaluate(two, table.with_columns(kind=pl.lit("other")))
