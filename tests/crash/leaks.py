"""Fits, predictions and refused loads by the thousand: what stays in memory after each.

    python tests/crash/leaks.py [SHARE]

10,000 fits of a small network (by `cr.train` and by an estimator), 100,000 predictions and 10,000
refused loads, each times SHARE. The resident memory after a tenth of each is where its growth is
counted from: caches are then full. Prints one line of figures; the exit code is 1 where one grew by
5 MB or more.
"""

import gc
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.errors import ModelFileError

MOST_MEGABYTES = 5.0


def main(share: float) -> int:
    """Repeat each work; return the exit code."""
    warnings.simplefilter("ignore")
    generator = np.random.default_rng(0)
    X, Y = generator.normal(size=(30, 4)), generator.normal(size=(30, 1))
    network = cr.Network.dense([4, 8, 1], "tanh")
    parameters = network.initialize(seed=0)
    classes = np.arange(30) % 3
    fitted = cr.MLPClassifier((8,), max_iter=2).fit(X, classes)
    folder = Path(tempfile.mkdtemp(prefix="chainrule-leaks-"))
    path = folder / "m"
    cr.save((network, parameters), path)
    whole = path.read_bytes()

    def fit(number: int) -> None:
        cr.train(network, X, Y, epochs=2, seed=number)
        cr.MLPClassifier((8,), max_iter=2, random_state=number).fit(X, classes)

    def predict(number: int) -> None:
        rows = X[: 1 + number % 30]
        cr.predict(network, parameters, rows)
        fitted.predict(rows)

    def refused(number: int) -> None:
        damaged = bytearray(whole)
        damaged[9 + number % (len(whole) - 9)] ^= 0x55
        path.write_bytes(damaged)
        try:
            cr.load(path)
        except ModelFileError:
            return
        raise AssertionError(f"byte {number} changed, and the file was accepted")

    figures, failed = [], False
    for name, work, count in (
        ("fits", fit, 10_000),
        ("predictions", predict, 100_000),
        ("refused loads", refused, 10_000),
    ):
        count = round(count * share)
        begun, grown = time.perf_counter(), growth(work, count)
        failed |= grown >= MOST_MEGABYTES
        figures.append(f"{count} {name} +{grown:.1f} MB, {time.perf_counter() - begun:.0f} s")
    print("; ".join(figures))
    path.unlink()
    folder.rmdir()
    return 1 if failed else 0


def growth(work: Callable[[int], object], count: int) -> float:
    """Return how many MB stay after the warm-up."""
    begin = count // 10
    for number in range(begin):
        work(number)
    before = resident()
    for number in range(begin, count):
        work(number)
    return resident() - before


def resident() -> float:
    """Return the resident memory of this process, in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
