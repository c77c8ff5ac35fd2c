"""Run folders: complete or not there, and never over what is not ours."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from chainrule.errors import ChainruleError, InputError
from chainrule.table_models.model_files import load
from chainrule.table_models.run_folders import default_folder, refuse_folder, write_run
from chainrule.table_models.table_training import train_table


@pytest.fixture(scope="module")
def model():
    table = pl.DataFrame({"x": [1.0, 2.0, 3.0], "price": [1.5, 2.5, 9.0]})
    return train_table(table, "price", hidden=(2,), validation=0, epochs=1).model


def test_a_run_folder_is_as_good_as_the_file(model, tmp_path):
    folder = tmp_path / "run"
    file = write_run(folder, model, {"loss": [2.0, float("inf")]})
    assert file == folder / "model.safetensors"
    flat = [load(path).parameters.flat.tobytes() for path in (folder, file)]
    assert flat == [model.parameters.flat.tobytes()] * 2
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"epoch": 1, "loss": 2.0},
        {"epoch": 2, "loss": None},
    ]


def test_folders_of_others_are_refused(model, tmp_path):
    theirs, file, ours = tmp_path / "theirs", tmp_path / "file", tmp_path / "ours"
    theirs.mkdir()
    save_file({"W_1": np.zeros(1)}, theirs / "model.safetensors")  # safetensors, but not ours
    file.write_text("mine")
    for path, message in (
        (theirs, "is a folder that holds other files"),
        (file, "is a file, not a run"),
    ):
        with pytest.raises(InputError, match=rf"{message}.*name another folder \(--output DIR\)"):
            refuse_folder(path)
    write_run(ours, model, {"loss": [1.0]})
    (ours / "notes.txt").write_text("kept")
    write_run(ours, replace(model, training={"second": True}), {"loss": [2.0]})
    assert load(ours).training == {"second": True}
    assert (ours / "notes.txt").read_text() == "kept"
    (tmp_path / "empty").mkdir()
    write_run(tmp_path / "empty", model, {"loss": []})
    write_run(tmp_path / "a" / "b", model, {"loss": []})
    assert sorted(entry.name for entry in ours.iterdir()) == [
        "leaderboard.csv",
        "metrics.jsonl",
        "model.safetensors",
        "notes.txt",
    ]


def test_a_failed_run_folder_leaves_nothing(model, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(ChainruleError, match="Input/output error"):
        write_run(tmp_path / "run", model, {"loss": [1.0]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("iris.csv", "iris"),
        ("a/b/Iris.CSV.gz", "Iris"),
        ("x.parquet", "x"),
        ("two.parts.tsv", "two.parts"),
        ("-", "standard-input"),
        ("noname", "noname-model"),
        (".csv", ".csv-model"),
        ("...csv", "...csv-model"),
        ("data.dat", "data.dat-model"),
    ],
)
def test_default_folders(data, name):
    assert default_folder(data) == Path(name)
