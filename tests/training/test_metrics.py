"""Scores, by hand."""

import numpy as np
import pytest

from chainrule.training.metrics import finite, score_classes, score_numbers


def test_scores_by_hand():
    score = score_classes(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), ("a", "b", "c"), 1)
    assert (score.accuracy, score.baseline_accuracy) == (0.75, 0.5)
    assert score.to_dict()["baseline"]["class"] == "b"
    (number,) = score_numbers(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]), ["y"], [2.0])
    assert number.rmse == pytest.approx(np.sqrt(2.0))
    assert number.mae == 1.0
    assert number.r2 == pytest.approx(1 - 4.0 / 4.5)
    assert number.baseline_rmse == pytest.approx(np.sqrt(2.5))
    (same,) = score_numbers(np.array([[1.0]]), np.array([[3.0]]), ["y"], [2.0])
    assert same.r2 is None
    (huge,) = score_numbers(np.array([[1e200]]), np.array([[3e200]]), ["y"], [0.0])
    assert huge.rmse == 2e200
    assert finite({"a": [float("nan"), 1, "x"]}) == {"a": [None, 1, "x"]}
