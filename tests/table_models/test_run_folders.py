"""Run folders: complete or not there, and never over what is not ours."""

import json
import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from chainrule import temporaries
from chainrule.errors import ChainruleError, InputError
from chainrule.table_models import run_folders
from chainrule.table_models.model_files import encoded, load
from chainrule.table_models.run_folders import (
    RUN_FILES,
    default_folder,
    refuse_folder,
    write_run,
)
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


def test_a_run_without_a_report_removes_the_one_of_an_earlier_run(model, tmp_path):
    folder = tmp_path / "run"
    for page, there in ((b"first", True), (b"", False), (b"", False), (b"third", True)):
        write_run(folder, model, {"loss": []}, b"", page)
        assert (folder / "report.html").exists() == there
    assert (folder / "report.html").read_bytes() == b"third"


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


class Killed(BaseException):
    """Ends a writing as SIGKILL would: nothing is cleaned after it."""


def killed_after(monkeypatch, steps, write):
    """Run a writing that is killed after so many changes of names; return whether it was."""
    done = 0

    def counted(real):
        def call(*given, **named):
            nonlocal done
            if done == steps:
                raise Killed
            done += 1
            return real(*given, **named)

        return call

    with monkeypatch.context() as patched:
        for name in ("mkdir", "rename", "replace", "rmdir", "write"):
            patched.setattr(os, name, counted(getattr(os, name)))
        patched.setattr(temporaries, "_remove", lambda path: None)
        try:
            write()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("start", ["new", "empty", "old", "linked"])
def test_a_kill_after_any_step_leaves_one_whole_run(model, tmp_path, monkeypatch, start):
    newer = (replace(model, training={"run": 2}), {"loss": [2.0]}, b"", b"2")
    seen = set()
    for steps in range(100):
        outer = tmp_path / str(steps)
        folder = outer / "run"
        outer.mkdir()
        if start == "empty":
            folder.mkdir()
        if start in ("old", "linked"):
            write_run(folder, replace(model, training={"run": 1}), {"loss": [1.0]}, b"", b"1")
        if start == "linked":
            os.rename(folder / "model.safetensors", outer / "elsewhere")
            (folder / "model.safetensors").symlink_to(outer / "elsewhere")
        refuse_folder(folder)
        killed = killed_after(monkeypatch, steps, partial(write_run, folder, *newer))
        there = folder.is_dir() and any(
            (folder / name).exists() for name in ("model.safetensors", ".next-run")
        )
        before = load(folder).training["run"] if there else None
        seen.add(before)
        refuse_folder(folder)  # the next start: it is not refused, and it completes
        assert {path.name for path in outer.iterdir()} <= {"run", "elsewhere"}
        if before is None:
            assert start in ("new", "empty")
            assert not folder.exists() or not list(folder.iterdir())
        else:
            assert load(folder).training["run"] == before
            assert json.loads((folder / "metrics.jsonl").read_text())["loss"] == before
            assert (folder / "report.html").read_text() == str(before)
            assert len(list(folder.iterdir())) == len(RUN_FILES)
        assert (folder / "model.safetensors").is_symlink() == (start == "linked")
        if not killed:
            break
    assert not killed
    assert seen == {None if start in ("new", "empty") else 1, 2}


@pytest.mark.parametrize("start", ["new", "empty", "old"])
def test_a_run_that_came_meanwhile_is_not_replaced(model, tmp_path, start):
    folder = tmp_path / "run"
    if start == "empty":
        folder.mkdir()
    if start == "old":
        write_run(folder, replace(model, training={"run": 0}), {"loss": [0.0]})
    (tmp_path / "run-2").mkdir()  # somebody's
    refuse_folder(folder)
    # Another process, which has finished first:
    found = run_folders._found.pop(str(folder))
    write_run(folder, replace(model, training={"run": 1}), {"loss": [1.0]})
    run_folders._found[str(folder)] = found
    file = write_run(folder, replace(model, training={"run": 2}), {"loss": [2.0]})
    assert file == tmp_path / "run-3" / "model.safetensors"
    assert load(folder).training == {"run": 1}
    assert load(file).training == {"run": 2}
    # The next training replaces the run that it finds.
    refuse_folder(folder)
    assert write_run(folder, model, {"loss": [3.0]}).parent == folder


def test_a_folder_that_others_have_filled_meanwhile_does_not_lose_the_run(model, tmp_path):
    for name, spoil in (("a", Path.mkdir), ("b", lambda path: path.write_text("mine"))):
        folder = tmp_path / name
        refuse_folder(folder)
        spoil(folder)
        if folder.is_dir():
            (folder / "notes.txt").write_text("mine")
        file = write_run(folder, model, {"loss": [1.0]})
        assert file.parent == tmp_path / f"{name}-2"
        assert load(file).training == model.training


def test_a_live_training_is_left_alone(model, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with (
        temporaries.temporary_folder(folder / "run") as staged,
        temporaries.temporary_file(folder / "metrics.jsonl") as probe,
    ):
        (staged / "model.safetensors").write_bytes(b"half")
        refuse_folder(folder)  # these are ours: not a folder of other files
        assert staged.exists()
        assert probe.exists()


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_training_that_begins_waits_for_one_that_is_just_writing(model, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with temporaries.locked(folder):
        (folder / "metrics.jsonl").write_text("")  # the model is moved next
        begins = threading.Thread(target=refuse_folder, args=(folder,))
        begins.start()
        begins.join(0.2)
        assert begins.is_alive()
        (folder / "model.safetensors").write_bytes(encoded(model))
    begins.join(10)
    assert not begins.is_alive()
    refuse_folder(folder)


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_read_only_run_is_refused_before_the_training(model, tmp_path):
    file = write_run(tmp_path / "run", model, {"loss": [1.0]})
    file.chmod(0o444)
    with pytest.raises(InputError, match="is read-only"):
        refuse_folder(tmp_path / "run")
