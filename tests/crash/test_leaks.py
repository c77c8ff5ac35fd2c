"""Repeated work leaves nothing in memory; `scripts/soak leaks` does ten times as much."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("leaks.py")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the resident memory of Linux")
def test_nothing_stays_after_fits_predictions_and_refused_loads():
    # A program of its own: what other tests leave is not counted.
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), "0.1"], capture_output=True, text=True, timeout=300
    )
    assert ran.stderr == ""
    assert ran.returncode == 0, ran.stdout
