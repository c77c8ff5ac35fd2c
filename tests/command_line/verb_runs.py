"""Runs of verbs in this process, in a folder of their own."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.command_line.main import command

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with iris.csv and nothing else."""
    shutil.copy(IRIS, tmp_path / "iris.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run folder of one training run."""
    place = tmp_path_factory.mktemp("trained")
    run = run_verb(
        *("train", IRIS, "--target", "species", "--hidden", 64),
        *("--output", place / "iris", "--quiet"),
    )
    assert run.output == ""
    return place / "iris"


def run_verb(*arguments, code=0, stdin=None):
    result = CliRunner().invoke(command, [str(word) for word in arguments], input=stdin)
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def names(place):
    return sorted(entry.name for entry in place.iterdir())
