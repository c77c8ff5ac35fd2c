"""Epochs that fit into a time limit.

A run that is cut off in the middle of its schedule has learned less than one whose schedule was
planned for the time that there is, so a short stretch of steps is timed before a limited training.
"""

from __future__ import annotations

import time
from dataclasses import replace

from chainrule.arrays import IntArray
from chainrule.network.architecture import Network
from chainrule.table_models.recipes import Candidate
from chainrule.table_models.table_networks import inputs_for
from chainrule.table_models.training_data import TrainingData
from chainrule.training.loop import train

__all__ = ["fitted_to_time"]

STRETCH = 40
"""Steps that are timed."""
RESERVE = 0.85
"""The share of the time that is planned for; the rest is for the rows held out and the model."""
LEAST = 0.25
"""A candidate that cannot have this share of its epochs is not worth its time."""


def fitted_to_time(
    candidate: Candidate,
    network: Network,
    data: TrainingData,
    rows: IntArray,
    *,
    rounds: int,
    seconds: float,
    must: bool,
) -> Candidate | None:
    """Return the candidate with as many epochs as fit into so many seconds, at most its own.

    ``rows`` are those of one member, ``rounds`` how often the threads train one after another.
    None if less than a quarter of the epochs fit, unless it ``must`` be trained.
    """
    each = rounds * seconds_of_epoch(candidate, network, data, rows)
    epochs = min(candidate.epochs, int(RESERVE * seconds / each))
    if epochs < LEAST * candidate.epochs and not must:
        return None
    return replace(candidate, epochs=max(1, epochs))


def seconds_of_epoch(
    candidate: Candidate, network: Network, data: TrainingData, rows: IntArray
) -> float:
    """Return how long an epoch over the rows takes, from the time of a few steps."""
    timed = rows[: STRETCH * candidate.batch_size]
    inputs = inputs_for(network, data.matrix[timed], data.numeric)
    targets = data.learned(candidate.smoothing)[timed]

    def seconds(epochs: int) -> float:
        started = time.perf_counter()
        train(
            network,
            inputs,
            targets,
            parameters=network.initialize(0, dtype=candidate.precision),
            optimizer=candidate.optimizer,
            batch_size=candidate.batch_size,
            epochs=epochs,
            threads=1,
        )
        return time.perf_counter() - started

    seconds(1)  # derives the equations
    more = -(-STRETCH * candidate.batch_size // len(timed))
    each = (seconds(1 + more) - seconds(1)) / more  # without the time to set up a run
    return max(each, 1e-6) * len(rows) / len(timed)
