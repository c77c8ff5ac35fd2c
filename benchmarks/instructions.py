"""Machine instructions of one training step, counted by callgrind (no clock, so any load will do).

    python -m benchmarks.instructions [--rows 2-3-1 4-16-3] [--optimizer sgd|adam]

Needs valgrind, which knows AVX2 but not AVX-512: the counts are those of the core's x86-64-v3.  Two
runs that differ in their number of steps are counted; everything but the steps cancels out.
"""

import argparse
import os
import re
import subprocess
import sys

from benchmarks.step import RATE, ROWS, Task, ours

STEPS = 20_000


def count(row: str, optimizer: str, epochs: int) -> int:
    """Return the instructions of a whole process that trains for that many epochs."""
    command = [sys.executable, "-m", "benchmarks.instructions", "--run", str(epochs)]
    command += ["--rows", row, "--optimizer", optimizer]
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    environment = {**os.environ, "CHAINRULE_ISA": "x86-64-v3", "PYTHONHASHSEED": "0"}
    done = subprocess.run(valgrind, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizer", choices=list(RATE), default="sgd")
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), default=["2-3-1", "4-16-3"])
    parser.add_argument("--run", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for row in arguments.rows:
        layers, batch, _ = ROWS[row]
        batches = 100
        if arguments.run:
            ours(Task(layers, batch, arguments.optimizer, batches))(arguments.run)
            continue
        few = STEPS // batches
        counts = [count(row, arguments.optimizer, times * few) for times in (1, 2)]
        each = (counts[1] - counts[0]) / (few * batches)
        print(f"{row}, {batch}, {arguments.optimizer}: {each:.0f} instructions a step", flush=True)


if __name__ == "__main__":
    main()
