"""The same numbers as scikit-learn: loss curves, weights, epochs, draws, warnings, predictions.

Proved over random lives of an estimator (solver, activation, schedule, momentum, early stopping,
warm start, partial_fit, weights, every kind of target, both types of float): curves agree to 1e-8
relative and weights to 1e-6, or to ten times what scikit-learn differs from itself when its initial
hidden units stand in another order.
"""

import os
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from tests.estimators.side_by_side import Outcome, apart, drawn, ours, permuted, theirs
from tests.selection import sampled

COUNT = 2000 if os.environ.get("CHAINRULE_SLOW") == "1" else 210
ALLOWED = {np.dtype(np.float64): (1e-8, 1e-6), np.dtype(np.float32): (1e-4, 1e-3)}


@pytest.mark.parametrize("seed", sampled(range(COUNT), every=7))
def test_random_lives(seed: int) -> None:
    judge(seed)


def judge_diverged(found: Outcome, expected: Outcome, finite: int, allowed: Any, text: str) -> None:
    """Fail unless ours stopped where theirs went on through NaN, with the same best weights."""
    assert found.epochs == finite + 1, text
    assert any("best validation score are retained" in words for words in found.warnings), text
    np.testing.assert_allclose(found.curve[:finite], expected.curve[:finite], rtol=allowed[0])
    for one, other in zip(found.arrays, expected.arrays, strict=True):
        np.testing.assert_allclose(one, other, atol=allowed[1])


def judge(seed: int) -> None:
    """Fail where the life of this number is not the same."""
    case = drawn(seed)
    text = f"seed {seed}: {case}"
    allowed = ALLOWED[case.X.dtype]
    try:
        expected = theirs(case)
    except ValueError:
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            ours(case)
        return
    found = ours(case)
    finite = np.abs(expected.curve) < np.finfo(case.X.dtype).max  # not where it is NaN
    if not finite.all():
        judge_diverged(found, expected, int(np.argmin(finite)), allowed, text)
        return
    losses, weights = apart(found, expected)
    if losses > allowed[0] or weights > allowed[1]:
        own = [apart(permuted(case, number), expected) for number in range(3)]
        own_losses, own_weights = (max(values) for values in zip(*own, strict=True))
        assert losses <= max(allowed[0], 10 * own_losses), f"{text}: {losses}, own {own_losses}"
        assert weights <= max(allowed[1], 10 * own_weights), f"{text}: {weights}, own {own_weights}"
        return
    assert found.facts == expected.facts, text
    assert found.warnings == expected.warnings, text
    assert found.drawn == expected.drawn, text
    assert found.outputs.dtype == expected.outputs.dtype, text
    scale = np.abs(expected.outputs).max()
    np.testing.assert_allclose(
        found.outputs, expected.outputs, rtol=100 * allowed[0], atol=10 * allowed[1] * scale
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("labels", ["two", "three", "several"])
def test_hopeless_samples_count_as_much_as_there(labels: str, dtype: Any) -> None:
    # Probabilities underflow: the reported loss is that of clipped ones.
    random = np.random.default_rng(0)
    X = (1000 * random.normal(size=(60, 5))).astype(dtype)
    y = random.integers(0, 3, 60)
    y = {"two": y > 0, "three": y, "several": np.eye(3, dtype=int)[y]}[labels]
    curves = []
    for home in (neural_network, cr):
        model = home.MLPClassifier((8,), max_iter=5, random_state=0)
        with pytest.warns(ConvergenceWarning):
            curves.append(model.fit(X, y).loss_curve_)
    np.testing.assert_allclose(curves[1], curves[0], rtol=ALLOWED[np.dtype(dtype)][0])
