"""scikit-learn's own checks of what calls itself an estimator, all of them, and its own tests."""

import os
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import chainrule as cr

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"MLPClassifier": 68, "MLPRegressor": 60}
"""Checks of scikit-learn 1.9.1: as many as for its own classes, and one for class_weight."""


@parametrize_with_checks([cr.MLPClassifier(), cr.MLPRegressor()])
def test_check(estimator: Any, check: Any) -> None:
    # None is expected to fail: there is no list of exceptions here, and pytest's marks are strict.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # networks of one epoch do not converge
        check(estimator)


@pytest.mark.parametrize("model", [cr.MLPClassifier(), cr.MLPRegressor()])
def test_so_many_checks_were_generated(model: Any) -> None:
    names = [check.func.__name__ for _, check in estimator_checks_generator(model)]
    if version("scikit-learn") == "1.9.1":
        assert len(names) == GENERATED[type(model).__name__]
    assert len(names) >= 50  # of any version
    assert "check_sample_weight_equivalence_on_dense_data" in names


@pytest.mark.slow
def test_the_suite_of_scikit_learn_passes_with_our_classes() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "sklearn_suite"), "-q"],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
    )
    assert done.returncode == 0, done.stdout[-5000:]
    if version("scikit-learn") == "1.9.1":
        assert "58 passed, 1 deselected" in done.stdout
