"""kill -9 at random moments, a few times; `scripts/soak kills` does it for long."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("kills.py")


@pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL of POSIX")
def test_nothing_is_lost_and_leftovers_are_removed():
    # A program of its own, because it forks: pytest's process has threads.
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), "30"], capture_output=True, text=True, timeout=300
    )
    assert ran.stderr == ""
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.endswith("; lost: 0\n")
