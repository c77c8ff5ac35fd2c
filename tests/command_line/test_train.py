"""``chainrule train`` as a person uses it: what is printed and what is written."""

import io
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule.command_line.training_report as training_report
from chainrule.command_line.epoch_texts import curve_text
from chainrule.command_line.human_numbers import figure
from chainrule.errors import DataWarning
from chainrule.language.printed_phrases import Wording
from chainrule.pictures.sparkline import sparkline
from chainrule.table_models.model_files import load
from chainrule.table_models.table_training import train_table
from chainrule.training.results import Progress
from tests.command_line.verb_runs import IRIS, folder, names, run_verb, trained

__all__ = ["folder", "trained"]  # fixtures


def test_train_shows_what_a_person_wants_to_see(folder):
    run = run_verb("train", "iris.csv", "--target", "species", "--hidden", 64)
    lines = run.stdout.splitlines()
    for place, pattern in enumerate(
        [
            "data      iris.csv",
            "          150 rows, 5 columns: 4 numeric, 1 target",
            "          target 'species' of 3 classes: 'setosa' 50, 'versicolor' 50, 'virginica' 50",
            "          no missing cells",
            "inputs    4 columns",
            "network   4-64-3, relu then softmax, log_loss, 515 parameters",
            "          adam at 0.003, batches of 32, 50 epochs",
            "training  120 rows, 30 others held out; seed 0",
        ]
    ):
        assert lines[place] == pattern
    epochs = [line for line in lines if line.startswith("epoch")]
    assert 3 <= len(epochs) <= 8
    assert all(
        re.fullmatch(
            r"epoch +\d+ of 50: loss [\d.e-]+, held-out loss [\d.e-]+, best [\d.e-]+", line
        )
        for line in epochs
    )
    assert re.fullmatch(r"trained   in \d+\.\d s", lines[-5])
    score = re.fullmatch(
        r"held out  accuracy (\d+\.\d) % \(\d+ of 30 rows\); always 'setosa', the most frequent "
        r"class: 33\.3 %",
        lines[-4],
    )
    assert float(score[1]) > 85
    assert lines[-3:] == [
        "model     iris/model.safetensors",
        "report    iris/report.html",
        "next      chainrule predict iris DATA",
    ]
    assert names(folder) == ["iris", "iris.csv"]
    files = ["leaderboard.csv", "metrics.jsonl", "model.safetensors", "report.html"]
    assert names(folder / "iris") == files
    metrics = [
        json.loads(line) for line in (folder / "iris" / "metrics.jsonl").read_text().splitlines()
    ]
    assert [line["epoch"] for line in metrics] == list(range(1, 51))
    assert {"loss", "data_loss", "validation_loss"} <= set(metrics[0])


def test_train_again_replaces_the_run(folder):
    for seed in (0, 1):
        run_verb("train", "iris.csv", "--target", "species", "--epochs", 1, "--seed", seed)
        assert load("iris").training["seed"] == seed


def test_train_on_numbers_and_a_mixed_table(folder):
    rng = np.random.default_rng(0)
    rows = 200
    x = rng.normal(size=rows)
    pl.DataFrame(
        {
            "x": [None, *x[1:]],
            "group": rng.choice(["a", "b"], rows),
            "one": ["same"] * rows,
            "y": 40_000 + 5_000 * x,
        }
    ).write_csv("mixed.csv")
    lines = run_verb("train", "mixed.csv", "--target", "y", "--hidden", 64).stdout.splitlines()
    assert "          1 missing cell: 'x' 1" in lines
    assert "          target 'y': numbers (regression)" in lines
    assert (
        "inputs    2 columns as 3 numbers (categories one-hot); left out: 'one' (constant)" in lines
    )
    assert re.fullmatch(
        r"held out  'y': RMSE [\d,.]+, R² [01]\.\d+, mean absolute error [\d,.]+ \(40 rows\); "
        r"always [\d,.]+, the mean: RMSE [\d,.]+",
        lines[-4],
    )


def test_train_reports_a_score_no_better_than_the_baseline(folder):
    run = run_verb(
        *("train", "iris.csv", "--target", "species", "--hidden", 64),
        *("--epochs", 1, "--learning-rate", 1e-9),
    )
    assert "no better than that: add columns that predict the target" in run.stdout


def test_train_without_validation_states_the_rows_of_the_score(folder):
    run = run_verb(
        *("train", "iris.csv", "--target", "species", "--hidden", 64),
        *("--validation", 0, "--epochs", 2),
    )
    assert "150 rows, none held out" in run.stdout
    assert re.search(r"^seen rows accuracy .* \(\d+ of 150 rows\)", run.stdout, re.MULTILINE)
    assert "held-out loss" not in run.stdout


def test_train_json_is_one_object(folder):
    run = run_verb(
        "train", "iris.csv", "--target", "species", "--json", "--hidden", 64, "--epochs", 3
    )
    record = json.loads(run.stdout)
    assert run.stderr == ""
    assert record["data"]["rows"] == 150
    assert record["data"]["classes"] == [["setosa", 50], ["versicolor", 50], ["virginica", 50]]
    assert record["networks"] == ["4-64-3, relu then softmax, log_loss, 515 parameters"]
    assert len(record["history"]["loss"]) == 3
    assert record["training"]["score"]["targets"][0]["baseline"]["accuracy"] == pytest.approx(1 / 3)
    assert Path(record["model"]).is_file()


def test_train_with_every_option(folder):
    run_verb(
        *("train", "iris.csv", "--target", "petal_length", "--target", "petal_width:number"),
        *("--hidden", "5,4", "--activation", "tanh,relu", "--loss", "huber", "--optimizer", "sgd"),
        *("--learning-rate", "0.05", "--batch-size", "7", "--epochs", "2", "--validation", "0.5"),
        *("--categorical", "sepal_width", "--seed", "9", "--threads", "1", "--l2", "0.01"),
        *("--output", "deep/er/run", "--quiet"),
    )
    model = load("deep/er/run")
    assert re.match(r"\d\d-5-4-2, tanh\W.* relu\W.* identity, huber, L2 0.01", str(model.network))
    assert model.training["optimizer"] == {
        "name": "sgd",
        "learning_rate": 0.05,
        "momentum": 0.0,
        "nesterov": False,
    }
    assert (model.training["batch_size"], model.training["seed"]) == (7, 9)
    with pytest.warns(DataWarning, match="'sepal_width' 2"):  # widths of held-out rows alone
        assert model.predict("iris.csv").shape == (150, 2)


def test_train_states_how_columns_are_read_and_takes_declarations(folder):
    rows = [f"{n},$1,{n % 28 + 1}/2/2020,{n % 7},x{n},{n % 2 == 0}" for n in range(30)]
    (folder / "t.csv").write_text(
        "\n".join(["a,price,day,code,note,sold", *rows]).replace("$1", "$2")
    )
    options = (
        "--column",
        "code:categorical",
        "--drop",
        "note",
        "--na",
        "3",
        "--epochs",
        "1",
        "--hidden",
        "4",
    )
    text = run_verb("train", "t.csv", "--target", "sold", *options).output
    start = text.index("columns ")
    assert text[start : text.index("inputs ")].splitlines() == [
        "columns   price: currency $, read as numbers",
        "          day: dates (day/month/year), read as year, month, day of week, day of year and "
        "days since the earliest",
        "          note: left out, as declared",
        "          sold: true and false, read as one feature",
    ]
    assert load("t").classes == ("False", "True")
    run_verb("predict", "t", "t.csv", "--output", "out.csv")
    assert set((folder / "out.csv").read_text().split()[1:]) <= {"False", "True"}
    run_verb("explain", "t", "t.csv", "--row", "0")
    error = run_verb("train", "t.csv", "--target", "sold", "--column", "code:text", code=2).output
    assert (
        "must be NAME:KIND with KIND one of numeric, categorical, date, date_dmy, date_mdy, drop"
        in error
    )
    (folder / "u.csv").write_text("a,sold\n" + '"1,234",x\n"2,345",y\n' * 5)
    assert (
        "declare the decimal sign" in run_verb("train", "u.csv", "--target", "sold", code=2).output
    )
    run_verb("train", "u.csv", "--target", "sold", "--decimal", ",", "--epochs", "1")


def test_train_from_standard_input_and_without_hidden_layers(folder):
    run_verb(
        *("train", "-", "--target", "species", "--hidden", "none", "--epochs", "1"),
        stdin=IRIS.read_bytes(),
    )
    assert load("standard-input").network.layers == (4, 3)


def test_the_command_line_and_the_library_agree(folder):
    run_verb("train", "iris.csv", "--target", "species", "--epochs", 4, "--quiet")
    same = train_table("iris.csv", "species", epochs=4).model
    assert load("iris").parameters.flat.tobytes() == same.parameters.flat.tobytes()


def test_on_a_terminal_there_is_a_bar_and_it_always_ends(folder, monkeypatch):
    """A real pseudo-terminal is met in test_processes; here the bar is met by its own console."""
    from rich.console import Console

    written = io.StringIO()
    report = training_report.TrainingReport("en", quiet=False, as_json=False)
    report._console = Console(file=written, force_terminal=True, width=100, highlight=False)
    with report:
        run = train_table("iris.csv", "species", hidden=(64,), epochs=3, on_start=report.starts,
                          on_progress=report.progress)  # fmt: skip
        report.ends(run, Path("iris"), Path("iris/model.safetensors"))
    text = written.getvalue()
    assert "3 of 3" in text
    assert "held-out loss" in text
    curves = re.findall(r"curve     ([▁-█]+)  held-out loss, best (\S+) in epoch (\d)", text)
    held = run.history["validation_loss"]
    assert curves[-1] == (sparkline(held), f"{min(held):.4g}", str(1 + held.index(min(held))))
    assert "\x1b[?25l" in text  # the cursor is hidden for the bar ...
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # ... and shown again
    with report:
        report.starts(run.task)
        assert report._progress is not None
    assert report._progress is None  # ended without an end, as an exception would


def test_the_curve_is_of_the_training_loss_without_rows_held_out_and_fits_the_terminal():
    from rich.console import Console

    narrow = Console(file=io.StringIO(), force_terminal=True, width=60)
    progress = Progress(200, 200, {"loss": [float(200 - n) for n in range(200)]})
    words = Wording("tables", "en")
    line = curve_text([progress], narrow, words)
    assert line.endswith("  loss, best 1 in epoch 200")
    assert len(line) == 59 < len(curve_text([progress], Console(width=100), words))
    nothing = Progress(1, 1, {"loss": [float("nan")]})
    assert curve_text([nothing], narrow, words) == "curve     x  loss"


def test_figures():
    assert [figure(value) for value in (0.0, 1.0, -0.5, 999.96, 123456.7, 1e12, 3.14159e-7)] == [
        "0",
        "1",
        "-0.5",
        "1,000",
        "123,457",
        "1e+12",
        "3.142e-07",
    ]
    assert figure(float("inf")) == "inf"


def test_the_encoding_of_a_file_is_another_option(folder):
    train = ("train", "iris.csv", "--target", "species", "--encoding")
    assert "a file is --text-encoding gb18030" in run_verb(*train, "gb18030", code=2).output
    refused = run_verb(*train, "polynomial", code=2).output
    assert "none, piecewise, periodic, both, got 'polynomial'" in refused
    assert "--text-encoding" not in refused
