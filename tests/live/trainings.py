"""Trainings of the command line with a live page, as processes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.page_client import Page

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


@dataclass
class Training:
    """A process that trains, the folder that it works in, and its page."""

    process: subprocess.Popen[str]
    folder: Path
    page: Page
    log: Path

    @property
    def output(self) -> str:
        """What the process has printed so far."""
        return self.log.read_text(encoding="utf-8")

    def ended(self, seconds: float = 90.0) -> int:
        """Wait for the end of the process, and return its exit code."""
        return self.process.wait(seconds)


@contextmanager
def training(folder: Path, *options: str) -> Iterator[Training]:
    """Train on iris in a folder with ``--live``; the process is ended with the block."""
    shutil.copy(IRIS, folder / "iris.csv")
    log = folder / "log.txt"
    command = [sys.executable, "-W", "error", "-m", "chainrule", "train", "iris.csv"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--target", "species", "--live", *options],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Training(process, folder, Page(_address(process, log)), log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+/\S+/", log.read_text(encoding="utf-8"))
        if found:
            return found[0]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise TimeoutError(log.read_text(encoding="utf-8"))
