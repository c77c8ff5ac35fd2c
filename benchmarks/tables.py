"""Errors and seconds on tables beside other programs: ratios, on the same rows, by the same seeds.

    pip install ".[bench]"
    taskset -c 1 python -m benchmarks.tables         # all tables and peers, three seeds
    taskset -c 1 python -m benchmarks.tables --preset best --tables concrete kin8nm
    taskset -c 1 python -m benchmarks.tables --ablation --tables concrete kin8nm german_credit
    python -m benchmarks.tables --memory

A fifth of the rows, drawn by the seed, is for testing; all programs train on the others, with their
defaults, on one thread. The error is the share of rows classified wrongly, in percent, or the RMSE.
scikit-learn's MLP gets what it needs by hand: median imputation, standardized numbers, one-hot
categories, standardized targets. ``--ablation`` leaves out one part of the recipe at a time,
``--memory`` measures the most memory of a fit, of each table in a process of its own.

The tables are scikit-learn's own, and those that lie in ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402 - the variables above are read when the libraries start
import pandas as pd  # noqa: E402
from sklearn import datasets  # noqa: E402
from sklearn.compose import (  # noqa: E402
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.metrics import log_loss  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

import chainrule as cr  # noqa: E402
from chainrule.training.metrics import METRICS  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
REGRESSION = ("california_housing", "wine_quality", "abalone", "concrete", "kin8nm", "diabetes")
FILES = (
    *("concrete", "pima_diabetes", "german_credit", "abalone", "wine_quality", "kin8nm"),
    *("letter", "covertype_20k", "california_housing", "adult"),
)
LOADERS = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "whole recipe": {},
    "no encoding": {"encoding": "none"},
    "piecewise only": {"encoding": "piecewise"},
    "periodic only": {"encoding": "periodic"},
    "no dropout": {"dropout": 0.0},
    "no smoothing": {"smoothing": 0.0},
    "Adam, no decay": {"optimizer": "adam", "learning_rate": 0.002},
    "one network": {"folds": 1},
}


@dataclass(frozen=True)
class Outcome:
    """A program's error on the test rows, and the seconds of its fit.

    Of classes its log-loss, of two classes its expected calibration error and that of labels drawn
    with its probabilities, which only so few rows make; else NaN.
    """

    error: float
    log_loss: float
    calibration: float
    calibration_of_chance: float
    seconds: float


Fit = Callable[[pd.DataFrame, pd.Series, bool, int], Any]


def load(name: str) -> tuple[pd.DataFrame, pd.Series, bool]:
    """Return the columns, the target and whether it is numbers."""
    if name in LOADERS:
        frame = LOADERS[name](as_frame=True).frame
    else:
        frame = pd.read_csv(SHARED / f"{name}.csv.gz")
    return frame.drop(columns="target"), frame["target"], name in REGRESSION


def chainrule(**settings: Any) -> Fit:
    """Return the fit of our estimators with some settings."""

    def fit(X: pd.DataFrame, y: pd.Series, numbers: bool, seed: int) -> Any:
        kind = cr.TableRegressor if numbers else cr.TableClassifier
        given = {k: v for k, v in settings.items() if not (numbers and k == "smoothing")}
        return kind(random_state=seed, threads=1, **given).fit(X, y)

    return fit


def mlp(X: pd.DataFrame, y: pd.Series, numbers: bool, seed: int) -> Any:
    """Fit scikit-learn's network in the pipeline that it needs."""
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value="missing"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    model = make_pipeline(columns, (MLPRegressor if numbers else MLPClassifier)(random_state=seed))
    if numbers:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return model.fit(X, y)


def boosting(X: pd.DataFrame, y: pd.Series, numbers: bool, seed: int) -> Any:
    """Fit scikit-learn's boosting, categories as they are."""
    kind = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
    return kind(random_state=seed, categorical_features="from_dtype").fit(categories(X), y)


def catboost(X: pd.DataFrame, y: pd.Series, numbers: bool, seed: int) -> Any:
    """Fit CatBoost, categories as text."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    text = list(X.select_dtypes(exclude="number").columns)
    kind = CatBoostRegressor if numbers else CatBoostClassifier
    model = kind(
        random_seed=seed,
        verbose=False,
        thread_count=1,
        cat_features=text,
        allow_writing_files=False,
    )
    return model.fit(X.fillna(dict.fromkeys(text, "missing")), y)


def lightgbm(X: pd.DataFrame, y: pd.Series, numbers: bool, seed: int) -> Any:
    """Fit LightGBM, categories as they are."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if numbers else LGBMClassifier
    return kind(random_state=seed, n_jobs=1, verbose=-1).fit(categories(X), y)


def categories(X: pd.DataFrame) -> pd.DataFrame:
    text = X.select_dtypes(exclude="number").columns
    return X.astype(dict.fromkeys(text, "category"))


PEERS: dict[str, Fit] = {
    "scikit-learn MLP": mlp,
    "HistGradientBoosting": boosting,
    "CatBoost": catboost,
    "LightGBM": lightgbm,
}


def outcome(name: str, program: str, fit: Fit, seed: int) -> Outcome:
    """Fit a program on four fifths of a table, and return what it does on the rest."""
    X, y, numbers = load(name)
    order = np.random.default_rng(seed).permutation(len(y))
    test, train = order[: len(y) // 5], order[len(y) // 5 :]
    if program in ("HistGradientBoosting", "LightGBM"):
        X = categories(X)  # of the whole table, so that the codes agree
    if program == "CatBoost":
        text = list(X.select_dtypes(exclude="number").columns)
        X = X.fillna(dict.fromkeys(text, "missing"))
    began = time.process_time()
    model = fit(X.iloc[train], y.iloc[train], numbers, seed)
    seconds = time.process_time() - began
    found = np.ravel(model.predict(X.iloc[test]))
    actual = y.iloc[test].to_numpy()
    if numbers:
        error = float(np.sqrt(np.mean((found - actual) ** 2)))
        return Outcome(error, np.nan, np.nan, np.nan, seconds)
    chances = model.predict_proba(X.iloc[test])
    loss = log_loss(actual, chances, labels=list(model.classes_))
    calibration = of_chance = np.nan
    if len(model.classes_) == 2:
        measure, draw = METRICS["calibration_error"], np.random.default_rng(seed)
        calibration = measure((actual == model.classes_[1]).astype(int), chances)
        drawn = (draw.uniform(size=(50, len(actual))) < chances[:, 1]).astype(int)
        of_chance = float(np.mean([measure(labels, chances) for labels in drawn]))
    error = float(100.0 * np.mean(found != actual))
    return Outcome(error, loss, calibration, of_chance, seconds)


def compare(tables: list[str], programs: dict[str, Fit], seeds: int) -> None:
    """Print a row for each table, and the geometric means of the ratios to the first program."""
    first, *others = programs
    heads = "".join(f" | {name} | s" for name in programs)
    print(f"| table{heads} |")
    print("|---" * (1 + 2 * len(programs)) + "|")
    ratios: dict[str, list[float]] = {name: [] for name in others}
    losses: dict[str, list[float]] = {name: [] for name in others}
    calibrations: dict[str, list[tuple[float, float]]] = {}
    for table in tables:
        found = {}
        for name, fit in programs.items():
            runs = [outcome(table, name, fit, seed) for seed in range(seeds)]
            columns = np.array([astuple(run) for run in runs])
            found[name] = Outcome(*columns.mean(axis=0).tolist())
        calibrations[table] = [
            (run.calibration, run.calibration_of_chance) for run in found.values()
        ]
        cells = "".join(f" | {run.error:.5g} | {run.seconds:.1f}" for run in found.values())
        print(f"| {table}{cells} |", flush=True)
        for name in others:
            if found[name].error and found[first].error:
                ratios[name].append(np.log(found[first].error / found[name].error))
            if np.isfinite(found[name].log_loss):
                losses[name].append(np.log(found[first].log_loss / found[name].log_loss))
    for name in others:
        text = f"{first} / {name}: error {np.exp(np.mean(ratios[name])):.3f}"
        if losses[name]:
            text += f", log-loss {np.exp(np.mean(losses[name])):.3f}"
        print(text)
    for table, values in calibrations.items():
        if np.isfinite(values[0][0]):
            listed = ", ".join(f"{value:.3f} ({chance:.3f})" for value, chance in values)
            print(f"calibration error (of chance), {table}: {listed}")


def memory(tables: list[str], preset: str) -> None:
    """Print the most memory of a fit beyond that before it, beside what the table takes."""
    for table in tables:
        command = [sys.executable, "-m", "benchmarks.tables", "--fit", table, "--preset", preset]
        megabytes, floats = map(float, subprocess.check_output(command).split())
        print(f"{table}: {megabytes:.0f} MB, table as float32 {floats:.1f} MB", flush=True)


def fit_for_memory(table: str, preset: str) -> None:
    X, y, numbers = load(table)
    small = 20 if numbers else np.unique(y, return_index=True)[1]
    few = np.arange(small) if numbers else np.union1d(np.arange(20), small)
    chainrule(epochs=1)(X.iloc[few], y.iloc[few], numbers, 0)  # what is imported is imported
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chainrule(preset=preset)(X, y, numbers, 0)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) / 1024, (X.shape[0] * X.shape[1] * 4) / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    there = [name for name in FILES if (SHARED / f"{name}.csv.gz").is_file()]
    parser.add_argument("--tables", nargs="*", default=[*LOADERS, *there])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--preset", default="default", choices=["fast", "default", "best"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.fit:
        return fit_for_memory(given.fit, given.preset)
    if given.memory:
        return memory(given.tables, given.preset)
    if given.ablation:
        programs = {name: chainrule(**settings) for name, settings in ABLATIONS.items()}
    else:
        ours = {"chainrule": chainrule(preset=given.preset)}
        programs = ours | {name: PEERS[name] for name in given.peers}
    return compare(given.tables, programs, given.seeds)


if __name__ == "__main__":
    main()
