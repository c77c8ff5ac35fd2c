"""Output that is lost costs the output alone: files are written, and there is no traceback."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.table_models.model_files import load

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
CHAINRULE = shlex.join([sys.executable, "-W", "error", "-m", "chainrule"])
TRAIN = "train iris.csv --target species --hidden 4 --epochs 2"
LOST = "chainrule: error: standard output cannot be written ({}); what was written to files is"

pytestmark = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="shells, pipes and /dev/full of Linux"
)


@pytest.fixture
def folder(tmp_path):
    """A folder to work in, with iris.csv and nothing else."""
    shutil.copy(IRIS, tmp_path / "iris.csv")
    return tmp_path


def shell(folder, arguments, redirected):
    """Run the command under a shell; return its exit code and what it wrote on both streams."""
    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {CHAINRULE} {arguments} {redirected}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "Exception ignored" not in ran.stdout + ran.stderr
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("redirected", "code", "errors"),
    [
        ("| head -1", 1, ""),
        ("| true", 1, ""),
        ("> /dev/full", 1, LOST.format("No space left on device")),
        (">&-", 1, LOST.format("Bad file descriptor")),
        ("2>&-", 0, ""),
        ("2> /dev/full", 0, ""),
        (">&- 2>&-", 1, ""),
        ("> /dev/full 2> /dev/full", 1, ""),
        ("<&- >&- 2>&-", 1, ""),
        ("--json > /dev/full", 1, LOST.format("No space left on device")),
        ("--quiet >&-", 0, ""),
    ],
)
def test_a_training_goes_on_without_its_output(folder, redirected, code, errors):
    found, _, reported = shell(folder, TRAIN, redirected)
    assert found == code
    assert reported.startswith(errors)
    assert len(reported.splitlines()) == bool(errors)
    names = sorted(path.name for path in (folder / "iris").iterdir())
    assert names == ["leaderboard.csv", "metrics.jsonl", "model.safetensors", "report.html"]
    assert load(folder / "iris").predict(folder / "iris.csv").shape == (150,)


@pytest.mark.parametrize(
    ("arguments", "redirected"),
    [
        *(
            ("derive --layers 2,3,1", redirected)
            for redirected in ("> /dev/full", ">&-", "| true", "> /dev/full 2>&1")
        ),
        ("-h", "> /dev/full"),
        ("--version", ">&-"),
        ("verify --layers 2,1", "| true"),
    ],
)
def test_other_verbs_end_with_one_line_or_quietly(folder, arguments, redirected):
    code, _, reported = shell(folder, arguments, redirected)
    assert code == 1
    assert len(reported.splitlines()) == (redirected in ("> /dev/full", ">&-"))


def test_an_error_that_cannot_be_reported_has_its_exit_code(folder):
    for redirected in ("2>&-", "2> /dev/full", ">&- 2>&-"):
        assert shell(folder, "info none", redirected)[0] == 2


def test_a_closed_standard_input_is_one_line(folder):
    code, _, reported = shell(folder, "train - --target species", "<&-")
    assert code == 1
    assert reported == "chainrule: error: the system refused: [Errno 9] Bad file descriptor\n"


def test_an_interruption_while_standard_error_is_full_keeps_the_model(folder):
    arguments = [*shlex.split(CHAINRULE), *shlex.split(TRAIN)[:-1], "1000000"]
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            arguments, cwd=folder, stdout=subprocess.PIPE, stderr=full, text=True
        )
    for line in process.stdout:
        if line.startswith("epoch"):
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert load(folder / "iris").predict(folder / "iris.csv").shape == (150,)


@pytest.mark.parametrize("module", ["click", "numpy", "chainrule_no_module"])
def test_an_interruption_of_the_start_is_one_line(tmp_path, module):
    # The module of this name interrupts the process while it is imported.
    (tmp_path / f"{module}.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
        "for _ in range(1000):\n    pass\nraise ImportError('the interruption was swallowed')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "chainrule", "verify", "--layers", "2,1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
    )
    if module == "chainrule_no_module":
        assert ran.returncode == 0  # nothing was interrupted
    else:
        assert (ran.returncode, ran.stdout) == (130, "")
        assert ran.stderr == "chainrule: error: interrupted\n"


def test_an_ignored_interruption_stays_ignored(tmp_path):
    ran = subprocess.run(
        ["bash", "-c", f"trap '' INT; {CHAINRULE} --version"], capture_output=True, timeout=60
    )
    assert ran.returncode == 0
