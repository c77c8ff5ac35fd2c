"""A linear model beside the networks: the same rows, the same preprocessing, the same folds.

Classes: logistic regression, mean log-loss + ½ ‖W‖² / rows, a network without hidden layers;
numbers: ridge regression, ‖y − X w − b‖² + ‖w‖². These are scikit-learn's defaults, whose import
would take longer than all of this. A network that is no better is not worth its parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data import ClassTarget
from chainrule.network.architecture import Network
from chainrule.network.optimizers import Adam
from chainrule.network.penalties import L2PerSample
from chainrule.reports.subject import Subject
from chainrule.training.loop import train
from chainrule.training.schedules import CosineDecay

__all__ = ["MOST_FITTED", "linear_outputs"]

MOST_FITTED = 5_000
"""Of more rows so many, chosen at random, are fitted: the time grows, the score hardly."""
_RATE, _EPOCHS = 0.1, 300
_MOST_ENTRIES = 4_000_000
"""Of a matrix that is fitted; larger ones would take longer than a report may."""


def linear_outputs(subject: Subject) -> FloatArray | None:
    """Return the linear model's outputs for the rows of the score, (rows, outputs).

    They are as the networks' own: a probability for each class, one of two classes, or numbers.
    None where the rows of training are not known, or where the table is too large.
    """
    rows = subject.rows
    if rows is None or not len(rows.training):
        return None
    matrix = subject.matrix
    if min(len(rows.training), MOST_FITTED) * matrix.shape[1] > _MOST_ENTRIES:
        return None
    target = subject.model.target
    found = np.full((len(rows.table.frame), target.n_outputs), np.nan)
    generator = np.random.default_rng(0)
    for training, held in rows.folds or ((rows.training, rows.scored),):
        chosen = training
        if len(training) > MOST_FITTED:
            chosen = np.sort(generator.choice(training, MOST_FITTED, replace=False))
        weights = None if rows.weights is None else rows.weights[chosen]
        part = rows.table.take(chosen)
        if isinstance(target, ClassTarget):
            codes = target.codes(part)
            found[held] = _classes(matrix[chosen], codes, matrix[held], weights, target)
        else:
            found[held] = _numbers(matrix[chosen], target.encode(part), matrix[held], weights)
    return found[rows.scored]


def _classes(
    X: FloatArray, codes: Any, new: FloatArray, weights: FloatArray | None, target: ClassTarget
) -> FloatArray:
    """Return probabilities, (new rows, outputs), of a logistic regression on (rows, features)."""
    outputs = target.n_outputs
    Y = (codes[:, None] == (np.arange(outputs) if outputs > 1 else 1)).astype(np.float64)
    last = "softmax" if outputs > 1 else "sigmoid"
    network = Network.dense([X.shape[1], outputs], [last], "log_loss", penalty=L2PerSample(1.0))
    zeros = {name: np.zeros(shape) for name, shape in network.parameter_shapes.items()}
    result = train(
        network,
        X,
        Y,
        parameters=zeros,
        optimizer=Adam(_RATE),
        batch_size=None,
        epochs=_EPOCHS,
        schedule=CosineDecay(),
        sample_weight=weights,
    )
    found: FloatArray = np.asarray(result.predict(new), np.float64)
    return found


def _numbers(
    X: FloatArray, Y: FloatArray, new: FloatArray, weights: FloatArray | None
) -> FloatArray:
    """Return predictions, (new rows, targets), of a ridge regression on (rows, features).

    With centered columns w = (XᵀX + I)⁻¹ Xᵀy = Xᵀ(XXᵀ + I)⁻¹ y, of which the smaller is solved.
    """
    share = np.ones(len(X)) if weights is None else weights
    center, middle = (np.average(part, axis=0, weights=share) for part in (X, Y))
    root = np.sqrt(share)[:, None]
    A, b = root * (X - center), root * (Y - middle)
    rows, columns = A.shape
    if columns <= rows:
        w = np.linalg.solve(A.T @ A + np.eye(columns), A.T @ b)
    else:
        w = A.T @ np.linalg.solve(A @ A.T + np.eye(rows), b)
    found: FloatArray = (new - center) @ w + middle
    return found
