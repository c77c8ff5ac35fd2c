"""The command as a process: streams, signals, pipes and terminals."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.table_models.model_files import load

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
CHAINRULE = [sys.executable, "-W", "error", "-m", "chainrule"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with iris.csv and nothing else."""
    shutil.copy(IRIS, tmp_path / "iris.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_process_trains_and_predicts(folder):
    run = subprocess.run(
        [*CHAINRULE, "train", "iris.csv", "--target", "species", "--epochs", "5"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    assert "\x1b" not in run.stdout
    piped = subprocess.run(
        [*CHAINRULE, "predict", "iris", "-"],
        input=IRIS.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert piped.stdout.count(b"\n") == 151


def test_a_mistake_in_a_process(folder):
    run = subprocess.run(
        [*CHAINRULE, "train", "iris.cvs", "--target", "species"], capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == ("chainrule: error: iris.cvs: no such file; did you mean 'iris.csv'?\n")


def test_the_help_of_the_verbs_imports_no_verb(folder):
    code = (
        "import sys\nfrom click.testing import CliRunner\n"
        "from chainrule.command_line.main import command\nCliRunner().invoke(command, ['-h'])\n"
        "print([name for name in ('train', 'check', 'info')\n"
        "       if f'chainrule.command_line.{name}' in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")
@pytest.mark.parametrize("times", [1, 2, 12])
def test_an_interruption_is_one_line_and_what_was_learned_is_written(folder, times):
    process = subprocess.Popen(
        [*CHAINRULE, "train", "iris.csv", "--target", "species", "--epochs", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("epoch"):
            break
    time.sleep(0.1)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    output, errors = process.communicate(timeout=30)
    notes = errors.splitlines()
    assert process.returncode == 130
    assert notes[0] == "chainrule: note: interrupted; the model so far is written"
    # A later one may end the report, which can be made again from the model, but nothing else.
    assert notes[1:] in (
        [],
        ["chainrule: note: no report was written (interrupted); the model is"] * (times > 1),
    )
    assert "next      chainrule predict iris DATA" in output
    assert load(folder / "iris").predict(folder / "iris.csv").shape == (150,)


SEND = "os.kill(os.getpid(), signal.SIGINT)"
INTERRUPTED = {
    "in an exec, as that of a dataclass": (
        "info.described = lambda model: exec('raise KeyboardInterrupt')"
    ),
    "in the verb": f"info.described = lambda model: {SEND}",
    "while threads end": (
        f"thread = lambda: (threading.main_thread().join(), {SEND}, time.sleep(20))\n"
        "info.described = lambda model: threading.Thread(target=thread).start() or sys.exit(0)"
    ),
    "while a verb is imported": (
        "class Sender:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == 'chainrule.command_line.derive': {SEND}\n"
        "sys.meta_path.insert(0, Sender())\n"
        "sys.argv[1:] = ['derive', '-h']"
    ),
}


def run_module(folder, lines):
    """Run the command line in a process as ``python -m``, after some lines."""
    start = (
        "import atexit, os, signal, sys, threading, time\n"
        "from chainrule.command_line import info\n"
        "from chainrule.command_line.start_up import main\n"
        "sys.argv[1:] = ['info', 'absent']\n"
    )
    (folder / "interrupted.py").write_text(f"{start}{lines}\nmain()\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "interrupted"], capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("when", INTERRUPTED)
def test_an_interruption_is_one_line_and_the_exit_code_130(folder, when):
    run = run_module(folder, INTERRUPTED[when])
    assert (run.returncode, run.stdout) == (130, "")
    assert run.stderr == "chainrule: error: interrupted\n"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interruption_while_python_ends_changes_nothing(folder):
    lines = (
        f"class Last:\n    def __del__(self, send=os.kill, own=os.getpid(), which=signal.SIGINT):\n"
        "        send(own, which)\n"
        f"last = Last()\natexit.register(lambda: {SEND})\nsys.argv[1:] = ['--version']"
    )
    run = run_module(folder, lines)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("chainrule ")


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")
@pytest.mark.parametrize("arguments", [["derive", "--layers", "9,8,7,6"], ["-h"]])
def test_a_reader_that_goes_away_is_no_error(arguments):
    process = subprocess.Popen(
        [*CHAINRULE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert errors == b""


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_a_bar_and_no_color_is_obeyed(folder, no_color):
    import pty

    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI", "COLUMNS")}
    environment |= {"TERM": "xterm-256color", **({"NO_COLOR": "1"} if no_color else {})}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*CHAINRULE, "train", "iris.csv", "--target", "species", "--epochs", "20"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux raises when the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    text = seen.decode()
    assert "60 of 60" in text  # three networks
    assert "unseen" in text
    colored = re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;5;\d+)m", text)
    assert bool(colored) is not no_color


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_of_two_trainings_into_one_folder_both_are_written(folder):
    arguments = [
        *CHAINRULE,
        "train",
        "iris.csv",
        "--target",
        "species",
        "--hidden",
        "4",
        "--epochs",
    ]
    slow = subprocess.Popen(
        [*arguments, "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in slow.stdout:
        if line.startswith("epoch"):
            break
    subprocess.run([*arguments, "2"], capture_output=True, check=True)
    first = (folder / "iris" / "model.safetensors").read_bytes()
    slow.send_signal(signal.SIGINT)
    output, errors = slow.communicate(timeout=60)
    assert slow.returncode == 130
    assert errors.splitlines()[1:] == [
        "chainrule: note: iris was changed during the training; its contents are untouched, and "
        "this model is in iris-2"
    ]
    assert "next      chainrule predict iris-2 DATA" in output
    assert (folder / "iris" / "model.safetensors").read_bytes() == first
    assert load(folder / "iris-2").predict(folder / "iris.csv").shape == (150,)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_states_of_a_training_that_did_not_end_are_not_written_over(folder):
    arguments = ["train", "iris.csv", "--target", "species", "--hidden", "4", "--epochs", "40000"]
    arguments += ["--checkpoint-every", "1"]
    process = subprocess.Popen([*CHAINRULE, *arguments], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("epoch"):
            break
    states = folder / "iris.checkpoint"
    while not list(states.rglob("previous.safetensors")):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    before = {path: path.read_bytes() for path in states.rglob("*.safetensors")}
    again = subprocess.run([*CHAINRULE, *arguments], capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (2, "")
    assert "holds the state of a training that did not end; add --resume" in again.stderr
    assert {path: path.read_bytes() for path in states.rglob("*.safetensors")} == before
    resumed = subprocess.Popen(
        [*CHAINRULE, *arguments, "--resume"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = next(line for line in resumed.stdout if line.startswith("epoch"))
    resumed.send_signal(signal.SIGINT)
    _, notes = resumed.communicate(timeout=60)
    assert "chainrule: note: the training in iris.checkpoint goes on" in notes
    assert not re.match(r"epoch +1 of", first)
