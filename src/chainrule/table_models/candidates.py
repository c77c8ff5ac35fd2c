"""The candidates of a recipe trained on the same folds, and weighted by their scores.

Each candidate is trained once for each fold, so each row has an output of networks that did not see
it. With these outputs the weights of the candidates and the temperature are found, and they are
what the model is worth on new rows: the two or three numbers fitted on them change little.

Weights: starting from nothing, the candidate is added twenty times that lowers the error of the
mean most. Source: Caruana, Niculescu-Mizil, Crew, Ksikes 2004, "Ensemble selection from libraries
of models".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import ClassTarget, NumberTarget, TargetScaler
from chainrule.errors import InputError
from chainrule.kernels.backend import Backend
from chainrule.network.architecture import Network
from chainrule.table_models.calibration import calibrated, fitted_temperature, log_loss
from chainrule.table_models.recipes import Candidate
from chainrule.table_models.table_model import Member
from chainrule.table_models.table_networks import inputs_for
from chainrule.training.ensemble import Ensemble, train_many
from chainrule.training.loop import Progress

__all__ = ["Run", "Trained", "TrainingData", "train_candidates"]

Fold = tuple[IntArray, IntArray]
_ADDITIONS = 20


@dataclass(frozen=True)
class TrainingData:
    """Features, (rows, features), and targets in their own units, (rows, outputs), of all rows."""

    matrix: FloatArray
    targets: FloatArray
    weights: RealArray | None
    numeric: tuple[int, ...]
    target: ClassTarget | NumberTarget
    scaler: TargetScaler | None
    limits: tuple[tuple[float, float], ...] | None

    def learned(self, smoothing: float) -> FloatArray:
        """Return the targets as a network learns them: scaled, or smoothed y (1 − s) + s / n."""
        if self.scaler is not None:
            return self.scaler.transform(self.targets)
        if not smoothing or not isinstance(self.target, ClassTarget):
            return self.targets
        return self.targets * (1.0 - smoothing) + smoothing / len(self.target.labels)

    def finished(self, outputs: FloatArray) -> FloatArray:
        """Return outputs in the targets' units and limits, (rows, outputs)."""
        found = outputs if self.scaler is None else self.scaler.inverse(outputs)
        return found if self.limits is None else np.clip(found, *np.transpose(self.limits))


@dataclass(frozen=True)
class Run:
    """The argument of a listener: the candidate in training, of how many, its members."""

    candidate: int
    of: int
    members: Sequence[Progress | None]


@dataclass(frozen=True)
class Trained:
    """The members, the temperature, and the outputs for rows that members did not see.

    ``out_of_fold`` is NaN in rows that all members saw, and None if that is every row.
    ``histories`` are the losses by epoch of each candidate, means over its members.
    """

    members: tuple[Member, ...]
    temperature: float
    out_of_fold: FloatArray | None
    histories: tuple[dict[str, list[float]], ...]
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
    on_progress: Callable[[Run], object] | None = None,
) -> Trained:
    """Train every candidate on every fold, and return their members with weights.

    ``deadline`` is a time of `time.monotonic`: runs end there, and the candidates not begun are
    left out. A true result of ``on_progress`` ends the training too.
    """
    started = time.perf_counter()
    ended = too_short = False
    interrupt: KeyboardInterrupt | None = None
    ensembles: list[Ensemble] = []
    outputs: list[FloatArray | None] = []
    for number, (candidate, network) in enumerate(candidates):

        def listen(members: Sequence[Progress | None], number: int = number) -> bool:
            nonlocal ended, too_short
            asked = on_progress is not None and on_progress(Run(number, len(candidates), members))
            late = deadline is not None and time.monotonic() >= deadline
            learned = any(member is not None and member.done for member in members)
            too_short = too_short or (late and not learned and not ensembles)
            ended = ended or bool(asked) or late
            return ended

        try:
            ensemble = train_many(
                network,
                inputs_for(network, data.matrix, data.numeric),
                data.learned(candidate.smoothing),
                folds=folds,
                members=1 if folds is None else None,
                dtype=candidate.precision,
                optimizer=candidate.optimizer,
                batch_size=candidate.batch_size,
                epochs=candidate.epochs,
                seed=seed,
                sample_weight=data.weights,
                # The loss on rows held out has no weights, so it would choose another epoch.
                early_stopping=candidate.stopping if data.weights is None else None,
                schedule=candidate.schedule,
                threads=threads,
                backend=backend,
                on_progress=listen,
            )
        except KeyboardInterrupt as error:
            interrupt, ensemble = error, error.result  # type: ignore[attr-defined]
        if _has_learned(ensemble):
            ensembles.append(ensemble)
            seen = ensemble.out_of_fold
            outputs.append(None if seen is None else data.finished(np.asarray(seen, np.float64)))
        if ended or interrupt is not None:
            break
    if interrupt is not None and not ensembles:
        raise interrupt
    if too_short:
        raise InputError("the time limit is too short for one epoch; give more seconds")
    shares, temperature, seen = _combined(outputs, data, calibrate=calibrate)
    members = tuple(
        Member(result.network, result.parameters, share / len(ensemble))
        for share, ensemble in zip(shares, ensembles, strict=True)
        for result in ensemble.members
        if share > 0.0
    )
    histories = tuple(map(_mean_history, ensembles))
    seconds = time.perf_counter() - started
    return Trained(members, temperature, seen, histories, seconds, ended, interrupt)


def _has_learned(ensemble: Ensemble | None) -> bool:
    """Return whether each member has finished an epoch."""
    return ensemble is not None and all(result.history["loss"] for result in ensemble.members)


# -- weights ---------------------------------------------------------------------------------------


def _combined(
    outputs: Sequence[FloatArray | None], data: TrainingData, *, calibrate: bool
) -> tuple[list[float], float, FloatArray | None]:
    """Return the candidates' weights, the temperature, and the outputs of rows not seen."""
    known = [array for array in outputs if array is not None]
    if len(known) < len(outputs):
        return [1.0 / len(outputs)] * len(outputs), 1.0, None
    rows = ~np.isnan(known[0][:, 0])
    targets, seen = data.targets[rows], [array[rows] for array in known]
    of_classes = isinstance(data.target, ClassTarget)
    weights = np.ones(len(targets)) if data.weights is None else data.weights[rows]
    shares = _shares(seen, targets, weights, log_loss if of_classes else _squared_error)
    temperature = 1.0
    if calibrate and of_classes:
        temperature = fitted_temperature(seen, shares, targets, weights)
        seen = [calibrated(array, temperature) for array in seen]
    mean = np.full(data.targets.shape, np.nan)
    mean[rows] = sum(share * array for share, array in zip(shares, seen, strict=True))
    return shares, temperature, mean


def _shares(
    outputs: Sequence[FloatArray],
    targets: FloatArray,
    weights: RealArray,
    error: Callable[[FloatArray, FloatArray, RealArray], float],
) -> list[float]:
    """Return the share of each candidate, whose sum is 1; ``weights`` are (rows,)."""
    if len(outputs) == 1:
        return [1.0]
    counts = np.zeros(len(outputs))
    total = np.zeros(targets.shape)
    for number in range(1, _ADDITIONS + 1):
        errors = [error((total + array) / number, targets, weights) for array in outputs]
        best = int(np.argmin(errors))
        counts[best] += 1
        total += outputs[best]
    return [float(count) / _ADDITIONS for count in counts]


def _squared_error(outputs: FloatArray, targets: FloatArray, weights: RealArray) -> float:
    """Return the mean over the targets of Σ w (a − y)² / Σ w relative to their variance."""
    variance = np.maximum(targets.var(axis=0), np.finfo(float).tiny)
    return float((weights @ (outputs - targets) ** 2 / weights.sum() / variance).mean())


def _mean_history(ensemble: Ensemble) -> dict[str, list[float]]:
    """Return the mean over the members of each loss, up to the last epoch that all have."""
    histories = [result.history for result in ensemble.members]
    epochs = min(len(history["loss"]) for history in histories)
    return {
        name: np.mean([history[name][:epochs] for history in histories], axis=0).tolist()
        for name in histories[0]
    }
