"""Scores of small tables that nothing was chosen for: cross-fitted outputs.

The epoch of each network, the shares of the candidates and the temperature are chosen by the rows
that a fold holds out. On few rows these choices fit the rows, and a score on them is too good: of
20 rows with classes by chance 64 % were predicted, of 20 with numbers by chance 19 % explained
(`benchmarks.chance`). Here the choices for a fold are those that the other folds lead to: the epoch
with the lowest mean loss of the other folds' networks, and shares and temperature fitted on the
other folds' rows. For this the outputs for the rows held out are recorded by epoch. The model stays
as it is.

Source: Varma and Simon 2006, "Bias in error estimation when using cross-validation for model
selection".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.arrays import Array, FloatArray, IntArray, RealArray
from chainrule.network.architecture import Network
from chainrule.table_models.row_division import Fold
from chainrule.training.ensemble import Ensemble
from chainrule.training.results import Epoch
from chainrule.training.single_pass import predict

__all__ = ["MOST_ROWS", "HeldOutputs", "Mixture", "cross_fitted"]

MOST_ROWS = 2_000
"""With more rows, what is chosen by them hardly fits them, and the outputs take memory."""
_MOST_RECORDS = 50
"""Epochs of a network that are recorded; a prediction after each would take as long as the rest."""

Mixture = tuple[Sequence[float], Callable[[FloatArray], FloatArray]]
"""The shares of candidates, and how the outputs of each are calibrated."""


@dataclass
class HeldOutputs:
    """The outputs of a candidate's networks for the rows that their folds hold out, by epoch.

    An instance is called after each epoch of each network, and records some of them at equal
    distances. ``finished`` turns outputs into the targets' units, with limits of the rows of
    training.
    """

    network: Network
    inputs: Any
    folds: Sequence[Fold]
    finished: Callable[[FloatArray, IntArray], FloatArray]
    records: dict[int, dict[int, RealArray]] = field(default_factory=dict)
    """By member and epoch."""

    def __call__(self, member: int, epoch: Epoch) -> None:
        """Record the outputs of a network after an epoch."""
        every = -(-epoch.of // _MOST_RECORDS)
        if epoch.number % every and epoch.number < epoch.of:
            return
        assert epoch.parameters is not None
        rows = self.folds[member][1]
        found = predict(self.network, epoch.parameters, _rows_of(self.inputs, rows))
        self.records.setdefault(member, {})[epoch.number] = np.asarray(found, np.float32)

    def at_epochs_of_others(self, ensemble: Ensemble) -> list[FloatArray] | None:
        """Return the outputs of each fold's rows at the epoch that the other folds lead to.

        None where a network has no record that all have: it was resumed, or it did not begin.
        """
        histories = [result.history for result in ensemble.members]
        name = next(n for n in ("monitored", "validation_loss") if n in histories[0])
        curves = [np.asarray(history[name], np.float64) for history in histories]
        recorded = [self.records.get(member, {}) for member in range(len(self.folds))]
        common = sorted(set.intersection(*(set(each) for each in recorded)))
        if not common or common[0] != min(min(each) for each in recorded):
            return None
        restored = ensemble.members[0].best_epoch is not None
        found = []
        for fold, outputs in enumerate(recorded):
            others = [curve for number, curve in enumerate(curves) if number != fold]
            mean = np.mean([curve[np.array(common) - 1] for curve in others], axis=0)
            chosen = common[int(np.argmin(mean))] if restored else max(outputs)
            found.append(self.finished(outputs[chosen].astype(np.float64), self.folds[fold][0]))
        return found


def cross_fitted(
    recorded: Sequence[Sequence[FloatArray]],
    outputs: Sequence[FloatArray],
    folds: Sequence[Fold],
    mixed: Callable[[Array], Mixture],
) -> FloatArray:
    """Return the outputs of the mixed candidates for each row that is held out, else NaN.

    ``recorded`` are the outputs of each candidate for each fold's rows, ``outputs`` those for all
    rows, with which ``mixed`` fits shares and calibration on the rows of a mask.
    """
    total = np.zeros(outputs[0].shape)
    times = np.zeros((len(total), 1))
    for number, (_, rows) in enumerate(folds):
        others = ~np.isnan(outputs[0][:, 0])
        others[rows] = False
        shares, calibrated = mixed(others)
        pairs = zip(shares, recorded, strict=True)
        total[rows] += sum(share * calibrated(each[number]) for share, each in pairs if share)
        times[rows] += 1
    with np.errstate(invalid="ignore"):
        mean: FloatArray = total / times
    return mean


def _rows_of(inputs: Any, rows: Array) -> Any:
    """Return rows of one array or of each array of several inputs."""
    if isinstance(inputs, dict):
        return {name: array[rows] for name, array in inputs.items()}
    if isinstance(inputs, list | tuple):
        return [array[rows] for array in inputs]
    return inputs[rows]
