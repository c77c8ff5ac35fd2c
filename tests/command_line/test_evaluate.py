"""The verb evaluate, and the columns that predict copies."""

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from chainrule.command_line.main import command
from chainrule.network.architecture import Network
from chainrule.table_models.evaluation import evaluate
from chainrule.table_models.model_files import load, save
from chainrule.table_models.table_training import train_table
from chainrule.training.metrics import METRICS

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of a model of iris."""
    path = tmp_path_factory.mktemp("model") / "iris.safetensors"
    save(train_table(IRIS, "species", epochs=20).model, path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with iris.csv and nothing else."""
    shutil.copy(IRIS, tmp_path / "iris.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_verb(*arguments, code=0, stdin=None):
    result = CliRunner().invoke(command, [str(word) for word in arguments], input=stdin)
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


# -- evaluate --------------------------------------------------------------------------------------


def test_evaluate_prints_metrics_classes_and_confusion(model, folder):
    run = run_verb("evaluate", model, "iris.csv", "--resamples", 50, "--seed", 3)
    found = evaluate(load(model), "iris.csv", resamples=50, seed=3)
    assert run.stderr == ""
    assert run.stdout.splitlines() == found.lines()
    assert run.stdout.startswith("data      iris.csv, 150 rows\ninterval  95 %, from 50 bootstrap")
    for metric in METRICS.values():
        assert (f"\n{metric.name} " in run.stdout) == (metric.task == "classification")
    assert re.search(r"^'setosa' +50 ", run.stdout, re.MULTILINE)


def test_the_table_of_training_is_noticed(folder):
    """By the hash in the run folder's report; not for other rows, and not without a report."""
    train = ("train", "iris.csv", "--target", "species", "--hidden", 3, "--epochs", 1, "--quiet")
    run_verb(*train, "--output", "run")
    note = "chainrule: note: this is the table that the model was trained on"
    for data, stdin in (("iris.csv", None), ("-", Path("iris.csv").read_bytes())):
        (line,) = run_verb(
            "evaluate", "run", data, "--resamples", 0, stdin=stdin
        ).stderr.splitlines()
        assert line.startswith(note)
    text = Path("iris.csv").read_text()
    Path("other.csv").write_text(text.replace("5.1", "5.2", 1))
    assert run_verb("evaluate", "run", "other.csv", "--resamples", 0).stderr == ""
    Path("run/report.html").unlink()
    run_verb("report", "run", "--data", "other.csv")
    assert run_verb("evaluate", "run", "other.csv", "--resamples", 0).stderr == ""
    Path("run/report.html").unlink()
    assert run_verb("evaluate", "run", "iris.csv", "--resamples", 0).stderr == ""


def test_evaluate_chosen_metrics_as_json(model, folder):
    arguments = ("--metric", "accuracy", "--metric", "log_loss", "--json", "--resamples", 20)
    run = run_verb("evaluate", model, "-", *arguments, stdin=IRIS.read_bytes())
    record = json.loads(run.stdout)
    assert [one["metric"] for one in record["metrics"]] == ["accuracy", "log_loss"]
    assert record["source"] == "standard input"
    assert record["interval"]["resamples"] == 20
    assert sum(map(sum, record["confusion"])) == 150


def test_evaluate_numbers_with_unknown_categories(folder):
    table = pl.DataFrame({"a": [1.0, 2.0, 3.0] * 4, "c": ["u", "v", "u"] * 4, "y": range(12)})
    save(train_table(table, "y:number", epochs=1).model, "m.safetensors")
    Path("new.csv").write_text("a,c,y\n1,w,0\n,v,2\n3,u,9\n2,,5\n")
    run = run_verb("evaluate", "m.safetensors", "new.csv", "--resamples", 0)
    assert "mape                       -  -" in run.stdout  # a target is 0
    assert "class" not in run.stdout
    assert run.stderr.splitlines() == [
        "chainrule: note: missing cells were filled with the training rows' median: 'a' 1",
        "chainrule: note: cells have a category that the training rows did not have: 'c' 1",
        "chainrule: note: text cells are missing where no training row had a missing one: 'c' 1",
    ]
    record = json.loads(run_verb("evaluate", "m.safetensors", "new.csv", "--json").stdout)
    assert [record[key] for key in ("filled", "unknown", "missing")] == [{"a": 1}, *[{"c": 1}] * 2]


def test_evaluate_refuses(model, folder):
    pl.read_csv(IRIS).drop("species").write_csv("new.csv")
    run = run_verb("evaluate", model, "new.csv", code=2)
    assert run.output == (
        "chainrule: error: new.csv: the target 'species' is missing, and an evaluation compares "
        "predictions with it; add it, or only predict\n"
    )
    run = run_verb("evaluate", model, "iris.csv", "--metric", "acc", code=2)
    assert "error: unknown metric 'acc'. Did you mean 'accuracy'?" in run.stderr
    run = run_verb("evaluate", model, "iris.csv", "--metric", "mae", code=2)
    assert "`metric` mae is for numbers, but the target is classes; use 'accuracy', " in run.stderr
    network = Network.dense([2, 1])
    save((network, network.initialize()), "bare.safetensors")
    run = run_verb("evaluate", "bare.safetensors", "iris.csv", code=2)
    assert "contains a network without the preprocessing of a table" in run.stderr


# -- predict --keep --------------------------------------------------------------------------------


def with_codes():
    rows = pl.read_csv(IRIS).height
    return pl.read_csv(IRIS, infer_schema=False).with_columns(
        code=pl.Series([f"00{row}" for row in range(rows)]),
        text=pl.Series(['a "b", c', " spaces ", None, "1.50", "Ω"] * (rows // 5)),
    )


def test_columns_of_a_csv_file_are_copied_as_text(model, folder):
    with_codes().write_csv("new.csv")
    plain = run_verb("predict", model, "iris.csv", "--proba").stdout
    run = run_verb("predict", model, "new.csv", "--keep", "text", "--keep", "code", "--proba")
    found = pl.read_csv(run.stdout.encode(), infer_schema=False)
    assert found.columns[:3] == ["text", "code", "prediction"]
    assert found[["text", "code"]].equals(with_codes()[["text", "code"]])
    assert found.drop("text", "code").equals(pl.read_csv(plain.encode(), infer_schema=False))


def test_columns_of_a_parquet_file_keep_their_types(model, folder):
    given = pl.read_csv(IRIS).with_columns(
        id=2**60 + pl.int_range(pl.len()), day=pl.lit("2026-11-29").str.to_date()
    )
    given.write_parquet("new.parquet")
    arguments = ("--keep", "id", "--keep", "day", "--keep", "id", "--output", "p.parquet")
    run_verb("predict", model, "new.parquet", *arguments)
    found = pl.read_parquet("p.parquet")
    assert found.columns == ["id", "day", "prediction"]
    assert found[["id", "day"]].equals(given[["id", "day"]])


def test_columns_that_cannot_be_copied(model, folder):
    run = run_verb("predict", model, "iris.csv", "--keep", "specie", code=2)
    assert "iris.csv: unknown column 'specie'. Did you mean 'species'?" in run.stderr
    pl.read_csv(IRIS).with_columns(prediction=1).write_csv("new.csv")
    run = run_verb("predict", model, "new.csv", "--keep", "prediction", code=2)
    assert "got 'prediction'; rename the column in the data" in run.stderr
