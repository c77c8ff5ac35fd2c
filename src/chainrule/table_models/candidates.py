"""The candidates of a recipe trained on the same folds, and weighted by their scores.

Each candidate is trained once for each fold, so each row has an output of networks that did not see
it. With these outputs the weights of the candidates and the temperature are found, and on many rows
they are what the model is worth on new ones: the few numbers fitted on them change little. On few
rows what it is worth is cross-fitted.

Weights: starting from nothing, the candidate is added twenty times that lowers the error of the
mean most, of the best five. Source: Caruana, Niculescu-Mizil, Crew, Ksikes 2004, "Ensemble
selection from libraries of models".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from chainrule.arrays import Array, FloatArray
from chainrule.data import ClassTarget
from chainrule.errors import InputError
from chainrule.kernels.backend import Backend
from chainrule.kernels.threads import threads_of
from chainrule.network.architecture import Network
from chainrule.table_models.calibration import calibrated, fitted_temperature
from chainrule.table_models.cross_fitting import MOST_ROWS, HeldOutputs, Mixture, cross_fitted
from chainrule.table_models.recipes import Candidate
from chainrule.table_models.row_division import Fold
from chainrule.table_models.table_model import Member
from chainrule.table_models.table_networks import inputs_for
from chainrule.table_models.time_plan import fitted_to_time
from chainrule.table_models.training_data import TrainingData
from chainrule.training.ensemble import Ensemble, train_many
from chainrule.training.results import Progress
from chainrule.training.schedules import EarlyStopping

__all__ = ["Run", "Trained", "Trial", "train_candidates"]

_ADDITIONS = 20
_MOST_MIXED = 5


@dataclass(frozen=True)
class Run:
    """The argument of a listener: the candidate in training, of how many, its members."""

    candidate: int
    of: int
    members: Sequence[Progress | None]


@dataclass(frozen=True)
class Trial:
    """A candidate as it was trained, and what it was worth.

    ``error`` is that of the `Objective` on rows that the networks did not see, None if there are
    none; ``share`` is the candidate's weight in the model.
    """

    candidate: Candidate
    error: float | None
    share: float
    seconds: float


@dataclass(frozen=True)
class Trained:
    """The members, the temperature, and the outputs for rows that members did not see.

    ``out_of_fold`` is cross-fitted for few rows, NaN in rows that all members saw, and None if that
    is every row. ``histories`` are the losses by epoch of each candidate, means over its members;
    ``member_histories`` those of each member of the first candidate.
    """

    members: tuple[Member, ...]
    temperature: float
    out_of_fold: FloatArray | None
    histories: tuple[dict[str, list[float]], ...]
    member_histories: tuple[dict[str, list[float]], ...]
    trials: tuple[Trial, ...]
    seconds: float
    ended: bool
    """Whether the time limit or a listener ended the training."""
    interrupt: KeyboardInterrupt | None


def train_candidates(
    candidates: Sequence[tuple[Candidate, Network]],
    data: TrainingData,
    folds: Sequence[Fold] | None,
    *,
    calibrate: bool,
    seed: int,
    threads: int | None = None,
    backend: Backend = "auto",
    deadline: float | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    verbose: bool | int | Literal["bar"] = False,
    on_progress: Callable[[Run], object] | None = None,
) -> Trained:
    """Train every candidate on every fold, and return their members with weights.

    ``deadline`` is a time of `time.monotonic`: as many epochs are planned as fit, runs end there,
    and candidates that do not fit are left out. ``checkpoint`` is a folder for the states of all
    runs, from which ``resume`` continues. ``verbose`` is that of `train_many`. A true result of
    ``on_progress`` ends the training too.
    """
    started = time.perf_counter()
    ended = too_short = False
    interrupt: KeyboardInterrupt | None = None
    ensembles: list[Ensemble] = []
    outputs: list[FloatArray | None] = []
    records: list[HeldOutputs | None] = []
    trained: list[tuple[Candidate, float]] = []
    for number, (given, network) in enumerate(candidates):
        began = time.perf_counter()

        def listen(members: Sequence[Progress | None], number: int = number) -> bool:
            nonlocal ended, too_short
            asked = on_progress is not None and on_progress(Run(number, len(candidates), members))
            late = deadline is not None and time.monotonic() >= deadline
            learned = any(member is not None and member.done for member in members)
            too_short = too_short or (late and not learned and not ensembles)
            ended = ended or bool(asked) or late
            return ended

        ensemble: Ensemble | None
        record: HeldOutputs | None = None
        try:
            candidate: Candidate | None = given
            if deadline is not None:
                candidate = fitted_to_time(
                    given,
                    network,
                    data,
                    np.arange(len(data.matrix)) if folds is None else folds[0][0],
                    rounds=1 if folds is None else -(-len(folds) // threads_of(threads)),
                    seconds=(deadline - time.monotonic()) / (len(candidates) - number),
                    must=number == 0,
                )
            if candidate is None:
                continue
            if verbose and len(candidates) > 1:
                print(f"Network {number + 1} of {len(candidates)}", flush=True)
            inputs = inputs_for(network, data.matrix, data.numeric)
            if folds is not None and len(folds) > 1 and len(data.matrix) <= MOST_ROWS:
                record = HeldOutputs(network, inputs, folds, data.finished)
            ensemble = train_many(
                network,
                inputs,
                data.learned(candidate.smoothing),
                folds=folds,
                members=1 if folds is None else None,
                dtype=candidate.precision,
                optimizer=candidate.optimizer,
                batch_size=candidate.batch_size,
                epochs=candidate.epochs,
                seed=seed,
                sample_weight=data.weights,
                early_stopping=_stopping(candidate, data),
                schedule=candidate.schedule,
                threads=threads,
                backend=backend,
                checkpoint=None if checkpoint is None else checkpoint / f"network-{number + 1}",
                checkpoint_every=checkpoint_every,
                resume=resume,
                verbose=verbose,
                on_epoch=record,
                on_progress=listen,
            )
        except KeyboardInterrupt as error:
            interrupt, ensemble = error, getattr(error, "result", None)
        if isinstance(ensemble, Ensemble) and _has_learned(ensemble):
            ensembles.append(ensemble)
            trained.append((candidate or given, time.perf_counter() - began))
            seen = ensemble.out_of_fold
            outputs.append(None if seen is None else data.finished(np.asarray(seen, np.float64)))
            records.append(record)
        if ended or interrupt is not None:
            break
    if interrupt is not None and not ensembles:
        raise interrupt
    if too_short:
        raise InputError("the time limit is too short for one epoch; give more seconds")
    recorded = [
        None if record is None else record.at_epochs_of_others(ensemble)
        for record, ensemble in zip(records, ensembles, strict=True)
    ]
    shares, errors, temperature, seen = _combined(
        outputs, recorded, folds or (), data, calibrate=calibrate
    )
    members = tuple(
        Member(result.network, result.parameters, share / len(ensemble))
        for share, ensemble in zip(shares, ensembles, strict=True)
        for result in ensemble.members
        if share > 0.0
    )
    return Trained(
        members=members,
        temperature=temperature,
        out_of_fold=seen,
        histories=tuple(map(_mean_history, ensembles)),
        member_histories=tuple(result.history for result in ensembles[0].members),
        trials=tuple(
            Trial(candidate, error, share, seconds)
            for (candidate, seconds), error, share in zip(trained, errors, shares, strict=True)
        ),
        seconds=time.perf_counter() - started,
        ended=ended,
        interrupt=interrupt,
    )


def _stopping(candidate: Candidate, data: TrainingData) -> EarlyStopping | None:
    """Return the candidate's rule, which monitors the metric where one is chosen."""
    measure = data.objective.measure(data.scaler)
    if candidate.stopping is None or measure is None:
        return candidate.stopping
    return replace(candidate.stopping, monitor=measure, tolerance=0.0)


def _has_learned(ensemble: Ensemble) -> bool:
    """Return whether each member has finished an epoch."""
    return all(result.history["loss"] for result in ensemble.members)


# -- weights ---------------------------------------------------------------------------------------


def _combined(
    outputs: Sequence[FloatArray | None],
    recorded: Sequence[Sequence[FloatArray] | None],
    folds: Sequence[Fold],
    data: TrainingData,
    *,
    calibrate: bool,
) -> tuple[list[float], list[float | None], float, FloatArray | None]:
    """Return the candidates' weights and errors, the temperature, the outputs of rows not seen."""
    known = [array for array in outputs if array is not None]
    if len(known) < len(outputs):
        return [1.0 / len(outputs)] * len(outputs), [None] * len(outputs), 1.0, None
    calibrates = calibrate and isinstance(data.objective.target, ClassTarget)

    def fitted(rows: Array) -> tuple[list[float], list[float], float]:
        return _fitted([array[rows] for array in known], rows, data, calibrate=calibrates)

    def finished(array: FloatArray, temperature: float) -> FloatArray:
        return calibrated(array, temperature) if calibrates else array

    def mixed(rows: Array) -> Mixture:
        shares, _, temperature = fitted(rows)
        return shares, partial(finished, temperature=temperature)

    rows = ~np.isnan(known[0][:, 0])
    shares, errors, temperature = fitted(rows)
    complete = [each for each in recorded if each is not None]
    if len(complete) == len(known):
        mean = cross_fitted(complete, known, folds, mixed)
    else:
        parts = (
            share * finished(array, temperature) for share, array in zip(shares, known, strict=True)
        )
        mean = np.asarray(sum(parts))
    return shares, list(errors), temperature, mean


def _fitted(
    seen: Sequence[FloatArray], rows: Array, data: TrainingData, *, calibrate: bool
) -> tuple[list[float], list[float], float]:
    """Return the candidates' weights and errors, and the temperature, by outputs of some rows."""
    targets = data.targets[rows]
    weights = np.ones(len(targets)) if data.weights is None else data.weights[rows]

    def error(array: FloatArray) -> float:
        found = data.objective.error(array, targets, weights)
        return np.inf if np.isnan(found) else found

    errors = [error(array) for array in seen]
    shares = _shares(seen, errors, error)
    if not calibrate:
        return shares, errors, 1.0
    return shares, errors, fitted_temperature(seen, shares, targets, weights)


def _shares(
    outputs: Sequence[FloatArray], errors: Sequence[float], error: Callable[[FloatArray], float]
) -> list[float]:
    """Return the share of each candidate, whose sum is 1."""
    if len(outputs) == 1:
        return [1.0]
    mixed = np.argsort(errors, kind="stable")[:_MOST_MIXED]
    counts = np.zeros(len(outputs))
    total = np.zeros(outputs[0].shape)
    for number in range(1, _ADDITIONS + 1):
        best = min(mixed, key=lambda n: error((total + outputs[n]) / number))
        counts[best] += 1
        total += outputs[best]
    return [float(count) / _ADDITIONS for count in counts]


def _mean_history(ensemble: Ensemble) -> dict[str, list[float]]:
    """Return the mean over the members of each loss, up to the last epoch that all have."""
    histories = [result.history for result in ensemble.members]
    epochs = min(len(history["loss"]) for history in histories)
    return {
        name: np.mean([history[name][:epochs] for history in histories], axis=0).tolist()
        for name in histories[0]
    }
