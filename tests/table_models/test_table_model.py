"""From a table to a model and back: the task, the split, the scaling, the answers, the scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chainrule.data import ClassTarget, NumberTarget, holdout, read_table
from chainrule.errors import DataError, InputError, InputTypeError, NonFiniteLoss
from chainrule.network.optimizers import SGD, Adam
from chainrule.table_models.recipes import plain
from chainrule.table_models.table_networks import network_for
from chainrule.table_models.table_training import train_table

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


@pytest.fixture(scope="module")
def iris():
    return train_table(IRIS, "species", hidden=(16,), epochs=60)


def frame_of(rows=120, seed=0):
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=rows), draw.normal(size=rows)
    color = draw.choice(["red", "green", "blue"], rows)
    return pl.DataFrame(
        {
            "x": x,
            "z": z,
            "color": color,
            "y": 5000.0 + 300.0 * x - 200.0 * z + 400.0 * (color == "red"),
            "count": draw.poisson(np.exp(0.5 * x)),
            "side": np.where(x > z, "left", "right"),
            "grade": (x > 0).astype(int) + (z > 0).astype(int) + 3,
        }
    )


def test_iris_is_learned(iris):
    assert iris.held_out
    assert iris.score.rows == 30
    assert iris.score.accuracy >= 0.9
    assert iris.score.baseline_accuracy == pytest.approx(1 / 3)
    assert iris.history["loss"][-1] < 0.5 * iris.history["loss"][0]
    assert len(iris.history["validation_loss"]) == 60


def test_answers_are_labels_and_probabilities(iris):
    model = iris.model
    answers = model.predict(IRIS)
    chances = model.probabilities(IRIS)
    assert answers.shape == (150,)
    assert set(answers.tolist()) == set(model.classes)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert [model.classes[place] for place in chances.argmax(axis=1)] == answers.tolist()
    assert model.evaluate(IRIS).accuracy == np.mean(
        answers == read_table(IRIS).series("species").to_numpy()
    )


def test_the_score_is_on_the_rows_held_out_and_nothing_is_fitted_on_them(iris):
    table = read_table(IRIS)
    codes = iris.model.target.codes(table)
    kept, held = holdout(150, 0.2, seed=0, classes=codes)
    assert iris.model.evaluate(table.take(held)) == iris.score
    part = train_table(table.take(kept), "species", hidden=(16,), epochs=60, validation=0)
    assert part.model.preprocessor == iris.model.preprocessor
    assert not part.held_out
    assert part.score.rows == 120


def test_the_same_seed_gives_the_same_bits():
    runs = [train_table(IRIS, "species", epochs=3, seed=seed) for seed in (5, 5, 6)]
    flat = [run.model.parameters.flat.tobytes() for run in runs]
    assert flat[0] == flat[1] != flat[2]


def test_numbers_come_back_in_their_own_units():
    frame = frame_of(400)
    run = train_table(frame, "y", epochs=60)
    (score,) = run.score
    assert run.model.scaler is not None
    assert score.rmse < 0.3 * score.baseline_rmse
    assert score.r2 > 0.9
    answers = run.model.predict(frame)
    assert answers.shape == (400,)
    assert abs(answers.mean() - frame["y"].mean()) < 50
    with pytest.raises(InputError, match="predicts numbers \\('y'\\), which have no probabilities"):
        run.model.probabilities(frame)


def test_the_units_of_a_target_do_not_matter():
    frame = frame_of()
    tiny = frame.with_columns(pl.col("y") * 2.0**-40)
    one, other = (train_table(given, "y", epochs=5).score[0] for given in (frame, tiny))
    assert other.rmse * 2.0**40 == pytest.approx(one.rmse, rel=1e-9)
    assert other.r2 == pytest.approx(one.r2, abs=1e-9)


def test_several_targets():
    frame = frame_of()
    run = train_table(frame, ["y", "x:number"], hidden=(64,), epochs=5)
    assert run.model.predict(frame).shape == (120, 2)
    assert [score.target for score in run.score] == ["y", "x"]
    np.testing.assert_allclose(
        run.score[0].baseline_rmse,
        np.sqrt(np.mean((frame["y"].to_numpy()[_held(frame)] - run.score[0].baseline_mean) ** 2)),
    )


def _held(frame):
    return holdout(len(frame), 0.2, seed=0)[1]


def test_two_classes_have_one_output_and_whole_numbers_stay_whole():
    frame = frame_of()
    run = train_table(frame.drop("y", "count"), "side", hidden=(64,), epochs=40)
    assert run.model.network.layers[-1] == 1
    assert run.model.network.activations[-1].name == "sigmoid"
    assert run.score.accuracy > run.score.baseline_accuracy
    grades = train_table(frame.drop("y", "count"), "grade", epochs=2).model
    assert grades.classes == (3, 4, 5)
    assert grades.predict(frame).dtype.kind == "i"
    assert grades.task == "classification"


@pytest.mark.parametrize("loss", ["mae", "half_mse", "huber", "quantile"])
def test_losses_of_differences_scale_the_targets(loss):
    run = train_table(frame_of(), "y", loss=loss, epochs=2)
    assert run.model.scaler is not None
    assert run.model.network.loss.name == loss


def test_counts_are_learned_as_they_are():
    run = train_table(frame_of(300).drop("y"), "count:number", loss="poisson", epochs=60)
    assert run.model.scaler is None
    assert run.model.network.activations[-1].name == "exponential"
    assert (run.model.predict(frame_of()) > 0).all()
    assert run.score[0].rmse < run.score[0].baseline_rmse


def test_outputs_with_bounds_are_in_the_targets_units():
    run = train_table(frame_of(), "y", hidden=(64,), activation=["tanh", "exponential"], epochs=1)
    assert run.model.scaler is None


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (
            "poisson",
            [1.5, -1.0, 0.0, 2.0],
            r"line 3, column 'y': the target is -1, but loss pois.* requires targets in",
        ),
        ("gamma", [1.5, 0.0, 3.0, -2.0], r"line 3.*\(lines 3, 5 of 4 are outside\); correct.*mse"),
        ("log_loss", [0.5, 1.5, 0.0, 1.0], r"line 3.*targets in \[0, 1\].*':class'"),
    ],
)
def test_targets_that_do_not_suit_the_loss(tmp_path, loss, y, message):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{x},{value}\n" for x, value in enumerate(y)))
    with pytest.raises(DataError, match=message):
        train_table(path, "y:number", loss=loss)


def test_probabilities_as_targets_are_learned_with_log_loss():
    frame = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "p": [0.0, 0.25, 0.75, 1.0]})
    run = train_table(frame, "p", loss="log_loss", validation=0, epochs=3)
    assert run.model.network.activations[-1].name == "sigmoid"
    assert run.model.scaler is None


def test_the_arguments_of_the_listeners():
    calls = []

    def listen(run):
        (member,) = run.members
        if member is not None:
            calls.append(member.done)
        return member is not None and member.done > 3

    run = train_table(
        IRIS,
        "species",
        hidden=(64,),
        epochs=1_000_000,
        on_start=lambda task: calls.append((task.training_rows, task.held_out_rows)),
        on_progress=listen,
    )
    assert calls[0] == (120, 30)
    assert calls[-1] > 3
    assert run.ended
    assert 3 < run.model.training["epochs"] < 1_000_000
    assert run.task.recipe.candidates[0].batch_size == 32


def test_one_activation_is_that_of_the_hidden_layers():
    numbers, classes = NumberTarget(("y",)), ClassTarget("c", ("a", "b", "c"))

    def network(target, hidden, activation="relu", loss="auto"):
        candidate = replace(plain(9).candidates[0], hidden=hidden, activation=activation)
        return network_for(target, np.eye(3), (), candidate, loss)

    def names(*given, **settings):
        return [activation.name for activation in network(*given, **settings).activations]

    assert names(numbers, (4, 4)) == ["relu", "relu", "identity"]
    assert names(numbers, (4,), ["tanh"]) == ["tanh", "identity"]
    assert names(numbers, (4,), ["tanh", "softplus"]) == ["tanh", "softplus"]
    assert names(classes, (), "relu") == ["softmax"]
    assert names(classes, (4,), loss="mse") == ["relu", "softmax"]
    with pytest.raises(
        InputError, match=r"`activation` must be one name, or .*\(here 1\) .* got a list of 3"
    ):
        network(numbers, (4,), ["tanh", "tanh", "tanh"])
    with pytest.raises(InputError, match=r"tanh of the last .* 3 classes need .*; use softmax"):
        network(classes, (4,), ["tanh", "tanh"], "mse")
    with pytest.raises(InputError, match=r"loss gamma requires .*'c' are 0 and 1; use log_loss"):
        network(classes, (4,), loss="gamma")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"epochs": 0}, InputError, "`epochs` must be an integer of at least 1, got 0"),
        ({"epochs": 1.5}, InputTypeError, "`epochs` must be an integer of at least 1, got 1.5"),
        ({"batch_size": -1}, InputError, "`batch_size` must be an integer of at least 1, got -1"),
        ({"threads": 0}, InputError, "`threads` must be an integer of at least 1, got 0"),
        (
            {"validation": 1.0},
            InputError,
            r"`validation` must be a fraction from 0 .* not including 1, got 1.0",
        ),
        ({"validation": "a"}, InputTypeError, "`validation` must be a fraction from 0 .* got 'a'"),
        ({"validation": 0.999}, DataError, "iris.csv: 150 rows .* too few .*hold out no rows"),
        (
            {"seed": -1},
            InputError,
            "`seed` must be an integer from 0 to 18446744073709551615, got -1",
        ),
        ({"hidden": 64}, InputTypeError, "`hidden` must be a list of widths, .* got 64"),
        ({"hidden": (0,)}, InputError, "`hidden` must be an integer of at least 1, got 0"),
        ({"l2": float("nan")}, InputError, "`l2` must be a finite number of at least 0, got nan"),
        ({"l2": -1.0}, InputError, r"strength must be a finite number in \[0, ∞\), .* got -1"),
        (
            {"learning_rate": -1.0},
            InputError,
            r"learning_rate must be a finite number in \(0, ∞\), .* got -1",
        ),
        ({"optimizer": "adan"}, InputError, "unknown optimizer 'adan'. Did you mean 'adam'"),
        (
            {"optimizer": SGD(0.1), "learning_rate": 0.1},
            InputError,
            "`learning_rate` must be None beside an opt",
        ),
        ({"loss": "mze"}, InputError, "unknown loss 'mze'. Did you mean 'mse'"),
        ({"activation": "rely"}, InputError, "unknown activation 'rely'. Did you mean 'relu'"),
        ({"optimizer": SGD(1e200)}, NonFiniteLoss, "epoch 1, batch .* smaller learning rate"),
    ],
)
def test_settings_that_are_not_allowed(settings, error, message):
    calls = []
    if error is not NonFiniteLoss:
        settings = {**settings, "on_start": calls.append}
    with pytest.raises(error, match=message):
        train_table(IRIS, "species", **settings)
    assert not calls  # raised before on_start is called


def test_l2_and_categorical_reach_the_network():
    frame = pl.DataFrame({"zip": [1, 2, 3] * 10, "y": [0.5, 1.5, 9.0] * 10})
    run = train_table(frame, "y", categorical=["zip"], l2=0.25, epochs=1)
    assert run.model.feature_names == ("zip=1", "zip=2", "zip=3")
    assert run.model.network.strengths == {"λ": 0.25}


def test_the_optimizers_own_rates():
    for name, expected in (("adam", Adam(0.003)), ("sgd", SGD(0.1))):
        run = train_table(IRIS, "species", hidden=(4,), optimizer=name, epochs=1)
        assert run.task.recipe.candidates[0].optimizer == expected


def test_missing_columns_are_named(iris):
    table = pl.read_csv(IRIS).rename({"petal_width": "petal_widht"})
    with pytest.raises(DataError, match=r"needs the column 'petal_width'.*rename 'petal_widht'"):
        iris.model.predict(table)


@pytest.mark.parametrize(
    ("name", "target", "hidden", "margin"),
    [
        ("german_credit", "target", (32,), 0.02),
        ("adult", "target", (16,), 0.06),
        ("letter", "target", (64,), 0.5),
    ],
)
def test_shared_classes_beat_the_most_frequent_one(shared_data, name, target, hidden, margin):
    run = train_table(shared_data / f"{name}.csv.gz", target, hidden=hidden, epochs=4)
    assert run.score.accuracy > run.score.baseline_accuracy + margin


@pytest.mark.parametrize(("name", "share"), [("california_housing", 0.6), ("concrete", 0.8)])
def test_shared_numbers_beat_their_mean(shared_data, name, share):
    run = train_table(shared_data / f"{name}.csv.gz", "target", hidden=(32,), epochs=6)
    assert run.score[0].rmse < share * run.score[0].baseline_rmse


def test_what_training_decided_is_applied_at_prediction(tmp_path):
    """A model of one format predicts from another, and its file retains how cells are read."""
    from chainrule.table_models.model_files import load, save

    draw = np.random.default_rng(0)
    x = draw.normal(size=60).round(3)
    flag = draw.random(60) > 0.5
    frame = pl.DataFrame({"x": x, "flag": flag, "sold": (x > 0) ^ flag})
    text = ["x;flag;sold", *(f"{v:.3f} kg;{f};{s}".replace(".", ",") for v, f, s in frame.rows())]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(text))
    of_frame = train_table(frame, "sold", epochs=30).model
    of_file = train_table(path, "sold", epochs=30).model
    assert of_frame.classes == (False, True)
    assert of_file.classes == ("False", "True")
    np.testing.assert_array_equal(of_frame.transform(frame).matrix, of_file.transform(path).matrix)
    np.testing.assert_array_equal(of_file.transform(frame).matrix, of_file.transform(path).matrix)
    assert not of_file.transform(frame).unknown
    assert of_frame.predict(frame).dtype == bool
    assert of_frame.evaluate(frame).accuracy == of_file.evaluate(path).accuracy
    assert of_file.evaluate(frame).accuracy == of_file.evaluate(path).accuracy
    save(of_file, tmp_path / "m.safetensors")
    restored = load(tmp_path / "m.safetensors")
    assert restored.reading == of_file.reading
    np.testing.assert_array_equal(restored.predict(path), of_file.predict(path))
    path.write_text("x;flag\n1,5 kg;true\n2,5 g;false\n")
    with pytest.raises(DataError, match=r"t.csv, line 3, column 'x': '2,5 g' is not a number as"):
        restored.predict(path)


def test_cells_of_unused_columns_and_targets_do_not_matter_at_prediction(tmp_path):
    frame = pl.DataFrame({"x": [0.0, 1.0] * 4, "k": ["1"] * 8, "y": [1.5, 2.5] * 4})
    model = train_table(frame, "y", epochs=2, validation=0).model
    path = tmp_path / "t.csv"
    path.write_text("x,k,y\n1,a,unclear\n")
    assert model.predict(path).shape == (1,)
    with pytest.raises(DataError, match="column 'y': 'unclear' is not a number"):
        model.evaluate(path)
