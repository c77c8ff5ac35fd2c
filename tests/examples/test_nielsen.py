"""Nielsen's network: the example's two programs take the same steps and learn MNIST."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "nielsen_mnist.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, EXAMPLE, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def accuracies(output):
    return [float(text) for text in re.findall(r"^epoch +\d+: ([\d.]+) %", output, re.MULTILINE)]


@pytest.mark.slow
def test_two_epochs_and_the_same_steps_as_numpy(shared_data):
    done = run(shared_data, "--epochs", 2, "--compare")
    assert done.returncode == 0, done.stderr
    assert "after 200 steps in float64 no parameter differs by more than" in done.stdout
    assert max(accuracies(done.stdout)) > 90


@pytest.mark.slow
@pytest.mark.skipif("CHAINRULE_SLOW" not in os.environ, reason="on demand: CHAINRULE_SLOW=1")
def test_thirty_epochs_reach_95_percent(shared_data):
    done = run(shared_data)
    assert max(accuracies(done.stdout)) >= 95


def test_a_missing_file_is_one_line(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr
