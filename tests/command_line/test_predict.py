"""``chainrule predict`` as a person uses it: its columns, files and notes."""

import csv
import io
from pathlib import Path

import numpy as np
import polars as pl

from chainrule.table_models.model_files import load
from tests.command_line.verb_runs import IRIS, folder, names, run_verb, trained

__all__ = ["folder", "trained"]  # fixtures


def test_predict_to_standard_output(trained):
    run = run_verb("predict", trained, IRIS)
    rows = list(csv.reader(io.StringIO(run.stdout)))
    assert rows[0] == ["prediction"]
    assert [row[0] for row in rows[1:]] == load(trained).predict(IRIS).tolist()


def test_predict_with_probabilities_to_files(trained, folder):
    frames = []
    for name in ("p.csv", "p.csv.gz", "p.parquet"):
        run = run_verb("predict", trained / "model.safetensors", IRIS, "--proba", "--output", name)
        assert run.output == ""
        read = pl.read_parquet if name.endswith("parquet") else pl.read_csv
        frames.append(read(name))
    assert names(folder) == ["iris.csv", "p.csv", "p.csv.gz", "p.parquet"]
    assert frames[0].columns == [
        "prediction",
        "probability_setosa",
        "probability_versicolor",
        "probability_virginica",
    ]
    for frame in frames:
        assert frame.equals(frames[0])
    chances = load(trained).probabilities(IRIS)
    np.testing.assert_array_equal(frames[0].select(pl.exclude("prediction")).to_numpy(), chances)


def test_categories_that_are_too_rare_are_stated_in_training_and_prediction(folder):
    frame = pl.DataFrame({"c": [f"c{n % 250}" for n in range(1000)], "y": ["p", "q"] * 500})
    frame.write_csv("t.csv")
    options = ("--hidden", 2, "--epochs", 1)
    run = run_verb("train", "t.csv", "--target", "y", *options)
    assert "categories too rare to be retained: 'c' 50" in run.stdout
    assert run_verb("predict", "t", "t.csv").stderr.splitlines() == [
        "chainrule: note: cells have a category that was too rare in training to be retained, or "
        "not there: 'c' 200"
    ]


def test_predict_finds_columns_by_name_and_reports_the_filled_cells(folder):
    pl.DataFrame(
        {"y": [1.5, 2.5, 3.5] * 4, "a": [1.0, 2.0, 3.0] * 4, "c": ["u", "v", "u"] * 4}
    ).write_csv("t.csv")
    run_verb("train", "t.csv", "--target", "y", "--epochs", 1, "--quiet")
    Path("new.csv").write_text("extra,c,a\n1,u,2\n2,w,\n3,v,1\n3,,1\n4, ,1\n")
    run = run_verb("predict", "t", "new.csv")
    assert len(run.stdout.splitlines()) == 6
    assert run.stderr.splitlines() == [
        "chainrule: note: missing cells were filled with the training rows' median: 'a' 1",
        "chainrule: note: cells have a category that the training rows did not have: 'c' 1",
        "chainrule: note: text cells are missing where no training row had a missing one: 'c' 2",
    ]
    assert run_verb("predict", "t", "new.csv", "--language", "zh").stderr.splitlines()[2] == (
        "chainrule: 注意：有文字单元格缺失，而训练行中该列没有缺失：'c' 2"
    )


def test_every_verb_reads_a_table_of_a_stated_encoding(folder):
    rows = [f"{n},{'广州' if n % 2 else '北京'},{n % 2}" for n in range(40)]
    Path("旧.csv").write_text("\n".join(["面积,城市,已售", *rows]), encoding="gb18030")
    data, encoded = ("旧.csv",), ("--text-encoding", "gb18030")
    settings = ("--target", "已售", "--hidden", 3, "--epochs", 2)
    assert "--text-encoding gb18030" in run_verb("train", *data, *settings, code=2).stderr
    run_verb("train", *data, *settings, *encoded, "--output", "run", "--quiet", "--no-report")
    assert load("run").preprocessor.feature_names == ("面积", "城市=北京", "城市=广州")
    cells = pl.read_csv(
        run_verb("predict", "run", *data, *encoded, "--keep", "城市").stdout.encode()
    )
    assert cells["城市"].to_list() == ["北京", "广州"] * 20
    assert "40 rows" in run_verb("evaluate", "run", *data, *encoded, "--resamples", 0).stdout
    assert run_verb("explain", "run", *data, *encoded, "--json").stdout
    assert run_verb("cv", *data, *settings, *encoded, "--folds", 2, "--json").stdout
    run_verb("report", "run", "--data", *data, *encoded)
    assert Path("run", "report.html").exists()
    refused = run_verb("predict", "run", *data, "--text-encoding", "gb1803", code=2).stderr
    assert "unknown encoding 'gb1803'. Did you mean 'gb18030'?" in refused


def test_predict_several_targets(folder):
    run_verb(
        "train", "iris.csv", "--target", "petal_length", "--target", "petal_width",
        "--epochs", 1, "--quiet",
    )  # fmt: skip
    run = run_verb("predict", "iris", "-", stdin=IRIS.read_bytes())
    assert run.stdout.splitlines()[0] == "prediction_petal_length,prediction_petal_width"


def test_the_deviation_of_one_network_is_noted(trained):
    run = run_verb("predict", trained, IRIS, "--std", "--language", "zh")
    deviations = pl.read_csv(io.StringIO(run.stdout)).select(pl.col("^std_.*$"))
    assert deviations.shape == (150, 3)
    assert not deviations.to_numpy().any()
    assert "只有一个网络" in run.stderr
    assert "one network" not in run_verb("predict", trained, IRIS, "--language", "en").stderr
