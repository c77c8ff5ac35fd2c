"""Cross-fitted scores: what is chosen for a fold comes from the other folds alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.data import NumberTarget
from chainrule.table_models.cross_fitting import HeldOutputs, cross_fitted
from chainrule.table_models.objectives import Objective
from chainrule.table_models.training_data import TrainingData
from chainrule.training.schedules import EarlyStopping

ROWS = 24
FOLDS = [
    (np.setdiff1d(np.arange(ROWS), part), np.array(part))
    for part in (range(8), range(8, 16), range(16, 24))
]


def by_chance(rows: int, seed: int, **extra: object) -> pl.DataFrame:
    drawn = np.random.default_rng(seed)
    columns = {f"x{number}": drawn.normal(size=rows) for number in range(5)}
    return pl.DataFrame({**columns, "y": drawn.normal(size=rows), **extra})


@pytest.mark.parametrize("epochs", [12, 120])
def test_a_folds_outputs_are_those_at_the_epoch_of_the_other_folds(epochs):
    drawn = np.random.default_rng(0)
    X, Y = drawn.normal(size=(ROWS, 3)), drawn.normal(size=(ROWS, 1))
    network = cr.Network.dense([3, 8, 1], "tanh")
    settings = {"optimizer": cr.Adam(0.02), "epochs": epochs, "batch_size": 4}
    record = HeldOutputs(network, X, FOLDS, lambda outputs, _: outputs)
    stopping = EarlyStopping(patience=1000)
    ensemble = cr.train_many(
        network, X, Y, folds=FOLDS, early_stopping=stopping, on_epoch=record, **settings
    )
    found = record.at_epochs_of_others(ensemble)
    assert found is not None
    curves = np.array([result.history["validation_loss"] for result in ensemble.members])
    every = -(-epochs // 50)
    chosen = []
    for number, (rows, held) in enumerate(FOLDS):
        mean = np.delete(curves, number, axis=0).mean(axis=0)[every - 1 :: every]
        chosen.append((int(mean.argmin()) + 1) * every)
        alone = cr.train(  # the same run, ended after that epoch
            network,
            X[rows],
            Y[rows],
            parameters=network.initialize(number),
            seed=number,
            on_epoch=lambda epoch, last=chosen[-1]: epoch.number == last,
            **settings,
        )
        np.testing.assert_allclose(found[number], alone.predict(X[held]), rtol=1e-5, atol=1e-6)
    assert chosen != [result.best_epoch for result in ensemble.members]


def test_without_all_epochs_nothing_is_cross_fitted():
    X, Y = by_chance(ROWS, 1).drop("y").to_numpy(), np.zeros(ROWS)
    network = cr.Network.dense([5, 2, 1])
    record = HeldOutputs(network, X, FOLDS, lambda outputs, _: outputs)
    ensemble = cr.train_many(
        network, X, Y, folds=FOLDS, epochs=3, early_stopping=True, on_epoch=record
    )
    assert record.at_epochs_of_others(ensemble) is not None
    record.records[1] = {3: record.records[1][3]}  # that network was resumed after two epochs
    assert record.at_epochs_of_others(ensemble) is None


def test_shares_come_from_the_other_rows():
    outputs = [np.arange(6.0)[:, None], np.full((6, 1), 100.0)]
    folds = [(np.array([2, 3, 4]), np.array([0, 1])), (np.array([0, 1, 4]), np.array([2, 3]))]
    outputs[0][5] = outputs[1][5] = np.nan  # every network saw this row
    recorded = [
        [np.full((2, 1), 10.0 * candidate + fold) for fold in (1, 2)] for candidate in (0, 1)
    ]
    asked = []

    def mixed(rows):
        asked.append(np.flatnonzero(rows).tolist())
        return (0.25, 0.75), lambda array: array + 1000.0

    found = cross_fitted(recorded, outputs, folds, mixed)
    assert asked == [[2, 3, 4], [0, 1, 4]]
    first, second = 0.25 * 1001 + 0.75 * 1011, 0.25 * 1002 + 0.75 * 1012
    np.testing.assert_array_equal(found[:, 0], [first, first, second, second, np.nan, np.nan])


@pytest.mark.long
def test_numbers_by_chance_are_not_explained():
    """Scores of the rows by which the epoch was chosen had a mean R² of 0.17 for 20 such rows."""
    scores = [cr.train_table(by_chance(20, seed), "y", seed=seed).score[0].r2 for seed in range(8)]
    assert np.mean(scores) < 0.0


def test_outputs_of_a_fold_have_the_limits_of_the_rows_that_it_trains_on():
    """The largest number of all is larger than those that the networks of its fold have seen."""
    targets = np.array([[0.0], [2.5], [5.0], [7.5], [10.0]])
    data = TrainingData(
        matrix=targets,
        targets=targets,
        weights=None,
        numeric=(0,),
        objective=Objective.of(NumberTarget(("y",)), None),
        scaler=None,
        limits=((0.0, 10.0),),
    )
    outputs = np.array([[-3.0], [9.0]])
    assert data.finished(outputs, np.array([1, 2, 3])).tolist() == [[2.5], [7.5]]
    assert data.finished(outputs).tolist() == [[0.0], [9.0]]
