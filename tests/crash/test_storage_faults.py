"""Every call of the system that writes fails once: an error of one line, and a whole file."""

import errno
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from chainrule.errors import ChainruleError
from chainrule.files import write_atomically
from chainrule.network.architecture import Network
from chainrule.table_models.model_files import load, save
from chainrule.table_models.run_folders import refuse_folder, write_run
from chainrule.table_models.table_training import train_table

CALLS = ("open", "write", "fsync", "rename", "replace", "close", "mkdir", "rmdir")
BEFORE_THE_RENAME = ("write", "rename", "replace")
CAUSES = (errno.ENOSPC, errno.EIO, errno.EACCES)


class Fault:
    """One call of ``os`` that fails at its ``at``-th use; `used` counts the uses."""

    def __init__(self, monkeypatch, name, at, cause):
        self.used, self.failed = 0, False
        real = getattr(os, name)

        def call(*given, **named):
            self.used += 1
            if self.used != at:
                return real(*given, **named)
            self.failed = True
            if name == "close":
                real(*given, **named)  # the descriptor is gone, whatever close reports
            if name == "write" and cause == "short":
                return real(given[0], bytes(given[1])[:3])
            raise OSError(cause, os.strerror(cause))

        monkeypatch.setattr(os, name, call)


def faults(monkeypatch, prepare, attempt):
    """Yield each possible fault of an attempt with the error that it led to, or None."""
    for name in CALLS:
        for cause in (*CAUSES, "short") if name == "write" else CAUSES:
            for at in range(1, 100):
                prepare()
                with monkeypatch.context() as patched:
                    fault = Fault(patched, name, at, cause)
                    try:
                        attempt()
                        error = None
                    except ChainruleError as caught:
                        error = caught
                        assert len(str(error).splitlines()) == 1
                        assert os.strerror(cause) in str(error)
                if not fault.failed:
                    assert error is None
                    break
                yield name, cause, error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_old_or_new_and_an_error_says_which_call_failed(tmp_path, monkeypatch):
    path = tmp_path / "m"
    seen = set()
    for name, cause, error in faults(
        monkeypatch,
        lambda: path.write_bytes(b"the old one"),
        lambda: write_atomically(path, b"a newer one"),
    ):
        found = path.read_bytes()
        if error is None:
            assert found == b"a newer one"
        elif name in BEFORE_THE_RENAME or found != b"a newer one":
            assert found == b"the old one", (name, cause, error)
        assert names(tmp_path) == ["m"]
        seen.add((name, cause == "short", error is None))
    # A short write is continued; every other failure of what makes the file is an error.
    assert {("write", True, True), ("write", False, False)} <= seen
    assert ("write", False, True) not in seen
    assert {("fsync", False, False), ("replace", False, False), ("close", False, False)} <= seen
    assert {("fsync", False, True), ("replace", False, True)}.isdisjoint(seen)


def test_a_model_is_old_or_new(tmp_path, monkeypatch):
    network = Network.dense([2, 3, 1])
    old, new = network.initialize(seed=0), network.initialize(seed=1)
    path = tmp_path / "m"
    for name, cause, error in faults(
        monkeypatch, lambda: save((network, old), path), lambda: save((network, new), path)
    ):
        found = load(path).parameters.flat.tobytes()
        assert found in (old.flat.tobytes(), new.flat.tobytes())
        if error is None:
            assert found == new.flat.tobytes()
        elif name in BEFORE_THE_RENAME and cause != "short":
            assert found == old.flat.tobytes()
    assert names(tmp_path) == ["m"]


@pytest.fixture(scope="module")
def model():
    table = pl.DataFrame({"x": [1.0, 2.0, 3.0], "price": [1.5, 2.5, 9.0]})
    return train_table(table, "price", hidden=(2,), validation=0, epochs=1).model


@pytest.mark.parametrize("start", ["new", "empty", "old"])
def test_a_run_is_old_or_new_and_its_parts_belong_together(model, tmp_path, monkeypatch, start):
    number = 0

    def prepare():
        nonlocal folder, number
        number += 1
        folder = tmp_path / f"run{number}"
        if start == "empty":
            folder.mkdir()
        if start == "old":
            write_run(folder, replace(model, training={"run": 1}), {"loss": [1.0]})
            (folder / "notes.txt").write_text("mine")
        refuse_folder(folder)

    folder = tmp_path

    def attempt():
        write_run(folder, replace(model, training={"run": 2}), {"loss": [2.0]})

    for _, _, error in faults(monkeypatch, prepare, attempt):
        before = load(folder).training["run"] if folder.exists() and names(folder) else None
        refuse_folder(folder)  # the next start completes what was interrupted
        if error is None:
            assert before == 2
        if before is not None:
            assert load(folder).training["run"] == before
            assert f'"loss": {before}.0' in (folder / "metrics.jsonl").read_text()
            assert names(folder) == [
                "leaderboard.csv",
                "metrics.jsonl",
                "model.safetensors",
                *(["notes.txt"] if start == "old" else []),
            ]
        else:
            assert start != "old"
            assert not folder.exists() or names(folder) == []
        assert not [name for name in names(tmp_path) if name.endswith(".tmp")]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_ends_in_the_middle_of_a_model(tmp_path):
    # The limit of a file's size is the system's own short write, and then an error.
    code = (
        "import resource, signal, sys\nimport chainrule as cr\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "network = cr.Network.dense([20, 20, 1])\n"
        "cr.save((network, network.initialize(seed=0)), sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n    cr.save((network, network.initialize(seed=1)), sys.argv[1])\n"
        "except Exception as error:\n    print(error)\n"
    )
    path = tmp_path / "m"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == (
        f"{path}: cannot be written (File too large); free some space or write elsewhere\n"
    )
    first = Network.dense([20, 20, 1]).initialize(seed=0)
    assert np.array_equal(load(path).parameters.flat, first.flat)
    assert names(tmp_path) == ["m"]
