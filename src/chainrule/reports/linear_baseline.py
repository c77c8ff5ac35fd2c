"""A linear model beside the networks: the same rows, the same preprocessing, the same folds.

Classes: logistic regression; numbers: ridge regression; both of scikit-learn with its defaults. A
network that is no better than this is not worth its parameters.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.data import ClassTarget
from chainrule.reports.subject import Subject

__all__ = ["MOST_FITTED", "linear_outputs"]

MOST_FITTED = 5_000
"""Of more rows so many, chosen at random, are fitted: the time grows, the score hardly."""
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
    from sklearn.linear_model import LogisticRegression

    probabilities = np.zeros((len(new), len(target.labels)))
    present = np.unique(codes)
    if len(present) == 1:
        probabilities[:, present[0]] = 1.0
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a hundred steps are enough for a comparison
            model = LogisticRegression().fit(X, codes, sample_weight=weights)
            probabilities[:, model.classes_] = model.predict_proba(new)
    return probabilities[:, 1:] if target.n_outputs == 1 else probabilities


def _numbers(
    X: FloatArray, Y: FloatArray, new: FloatArray, weights: FloatArray | None
) -> FloatArray:
    """Return predictions, (new rows, targets), of a ridge regression on (rows, features)."""
    from sklearn.linear_model import Ridge

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a matrix without full rank is solved all the same
        model = Ridge().fit(X, Y, sample_weight=weights)
        predicted: FloatArray = np.asarray(model.predict(new), np.float64)
    return predicted.reshape(len(new), Y.shape[1])
