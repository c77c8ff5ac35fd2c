"""Whole fits and single predictions beside scikit-learn: ratios, peers taking turns.

    taskset -c 1 python -m benchmarks.fit

Both estimators get the same parameters, seed and data, and run the same epochs. Before a time is
printed their loss curves are compared: the arithmetic is the same. One thread each; times are those
of the processor, so that other programs on the machine do not count.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402 - the variables above are read when the libraries start
from sklearn import datasets, neural_network  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402

import chainrule as cr  # noqa: E402

HOMES = {"chainrule": cr, "scikit-learn": neural_network}
STEADY = {"tol": 0.0, "n_iter_no_change": 10**9, "random_state": 0}
"""No stopping: the same epochs on both sides."""


@dataclass
class Row:
    """One comparison: data, parameters, and the ratio to reach."""

    name: str
    bar: float
    load: Callable[[], tuple[Any, Any]]
    parameters: dict[str, Any]
    dtype: Any = np.float64
    tolerance: float = 1e-8
    data: tuple[Any, Any] = field(init=False)

    def model(self, home: str) -> Any:
        return HOMES[home].MLPClassifier(**{**STEADY, **self.parameters})

    def prepare(self) -> None:
        X, y = self.load()
        self.data = np.ascontiguousarray((X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)), y
        self.data = self.data[0].astype(self.dtype), y

    def difference(self) -> float:
        """Return the largest relative difference of the loss curves."""
        ours, theirs = (np.array(self.fit(home).loss_curve_) for home in HOMES)
        if ours.shape != theirs.shape:
            raise SystemExit(f"{self.name}: {len(ours)} epochs against {len(theirs)}")
        worst = float(np.max(np.abs(ours / theirs - 1)))
        if not worst <= self.tolerance:
            raise SystemExit(f"{self.name}: loss curves differ by {worst:.1e}")
        return worst

    def fit(self, home: str) -> Any:
        return self.model(home).fit(*self.data)


def iris() -> tuple[Any, Any]:
    return datasets.load_iris(return_X_y=True)


def digits() -> tuple[Any, Any]:
    return datasets.load_digits(return_X_y=True)


def breast_cancer() -> tuple[Any, Any]:
    return datasets.load_breast_cancer(return_X_y=True)


ROWS = [
    Row("Iris, 16, 200 epochs", 30, iris, {"hidden_layer_sizes": (16,), "max_iter": 200}),
    Row(
        "Iris, 16, 200 epochs of batches of 32",
        30,
        iris,
        {"hidden_layer_sizes": (16,), "max_iter": 200, "batch_size": 32},
    ),
    Row("digits, 100, 20 epochs", 4.5, digits, {"hidden_layer_sizes": (100,), "max_iter": 20}),
    Row(
        "breast cancer, (64, 64), 40 epochs",
        4.5,
        breast_cancer,
        {"hidden_layer_sizes": (64, 64), "max_iter": 40},
    ),
    Row(
        "breast cancer, (64, 64), 40 epochs, float32",
        8,
        breast_cancer,
        {"hidden_layer_sizes": (64, 64), "max_iter": 40},
        dtype=np.float32,
        tolerance=2e-3,
    ),
]


def ratio(run: Callable[[str], Any], rounds: int, repeats: int = 1) -> tuple[float, float]:
    """Return our median seconds and by how much the other one's median is longer."""
    times: dict[str, list[float]] = {home: [] for home in HOMES}
    for _ in range(rounds):
        for home, seconds in times.items():
            begin = time.process_time()
            for _ in range(repeats):
                run(home)
            seconds.append((time.process_time() - begin) / repeats)
    ours, theirs = (statistics.median(values) for values in times.values())
    return ours, theirs / ours


def searched(home: str) -> Any:
    """Return a finished search of 45 fits on Iris."""
    X, y = iris()
    grid = {"hidden_layer_sizes": [(8,), (16,), (32,)], "alpha": [1e-4, 1e-2, 1.0]}
    model = HOMES[home].MLPClassifier(max_iter=100, random_state=0)
    return GridSearchCV(model, grid, cv=5).fit((X - X.mean(axis=0)) / X.std(axis=0), y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    print("times of scikit-learn over ours, bar in parentheses; one thread")
    for row in ROWS:
        row.prepare()
        difference = row.difference()
        seconds, times = ratio(row.fit, rounds)
        print(
            f"{row.name}: {seconds * 1e3:.3g} ms, {times:.3g}x ({row.bar:g}), "
            f"loss curves within {difference:.0e}",
            flush=True,
        )
    first, second = (searched(home) for home in HOMES)
    if first.best_params_ != second.best_params_:
        raise SystemExit("the searches find different parameters")
    seconds, times = ratio(searched, max(3, rounds // 3))
    print(f"GridSearchCV of 45 fits on Iris: {seconds:.3g} s, {times:.3g}x (8)", flush=True)
    for row in (ROWS[0], ROWS[2]):
        models = {home: row.fit(home) for home in HOMES}
        one = row.data[0][:1]
        seconds, times = ratio(lambda home: models[home].predict(one), 25, 40)  # noqa: B023
        name = row.name.split(",")[0]
        print(f"predict one row, {name}: {seconds * 1e6:.3g} µs, {times:.3g}x (4)", flush=True)


if __name__ == "__main__":
    main()
