"""Checkpoints: the state of a run after an epoch, from which it continues bit for bit.

A checkpoint is one safetensors file with a checksum: parameters, the optimizer's memory, the best
parameters so far, the losses of all epochs, the counts of early stopping, and what the run is: its
network, data and settings, without which it cannot continue. Order of samples and random numbers
follow from the seed, the epoch and the step, so that they need no state.

The folder has ``checkpoint.safetensors``, and the one before it as ``previous.safetensors``: a file
appears as a whole, and where the newer one is damaged the older one is read. A run that was killed
in the middle of an epoch repeats this epoch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from chainrule.arrays import Array, RealArray
from chainrule.errors import InputError, ModelFileError, one_line, shown
from chainrule.files import make_directory, path_errors, write_atomically, written_path
from chainrule.kernels.stopping import Count
from chainrule.kernels.trainer import Losses, Run, State, Trainer
from chainrule.tensor_files import FETCH, Tensors, encoded_tensors, opened_tensors
from chainrule.training.schedules import EarlyStopping, Schedule
from chainrule.validation import checked_integer

__all__ = ["Checkpoints", "description_of", "fingerprint", "remove_checkpoints"]

FORMAT = 1
NAMES = ("checkpoint.safetensors", "previous.safetensors")
_LISTS = ("loss", "data_loss", "validation_loss", "rate", "criterion")


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run, in a folder: written every so many epochs.

    ``about`` is what the run is, in plain values by name; a checkpoint of another is refused.
    """

    folder: Path
    every: int
    about: Mapping[str, Any]

    @classmethod
    def of(
        cls, folder: str | os.PathLike[str], every: int, about: Mapping[str, Any]
    ) -> Checkpoints:
        """Return the checkpoints in a folder, which is made if it does not exist."""
        path = Path(folder)
        with path_errors(path):
            make_directory(path)
        return cls(path, checked_integer("checkpoint_every", every), about)

    def write(self, trainer: Trainer) -> None:
        """Write a checkpoint of a run after its last complete epoch."""
        state, losses = trainer.state(), trainer.losses
        counts = [*state.counts, *([] if state.criterion is None else [state.criterion])]
        tensors: dict[str, Array] = {
            "parameters": np.array(trainer.given.parameters.flat),
            **{f"memory/{name}": array for name, array in state.memory.items()},
            **{f"losses/{name}": np.array(getattr(losses, name), np.float64) for name in _LISTS},
            "best_loss": np.array([losses.best]),
            "counts": np.array(
                [(c.best, c.best_epoch, c.epochs, c.reductions) for c in counts], np.float64
            ).reshape(-1, 4),
        }
        if state.best is not None:
            tensors["best"] = state.best
        record = {
            "format": FORMAT,
            "kind": "checkpoint",
            "run": dict(self.about),
            "steps": state.steps,
            "epochs": state.epochs,
            "best_epoch": losses.best_epoch,
            "ending": losses.ending,
        }
        current, previous = (self.folder / name for name in NAMES)
        data = encoded_tensors(record, tensors)
        with path_errors(current):
            if current.exists():
                os.replace(current, previous)
        write_atomically(current, data)

    def restored(self) -> _Restored | None:
        """Return the newest state that can be read, None where there is none.

        Raises InputError for a checkpoint of another run, ModelFileError where all are damaged.
        """
        damage: ModelFileError | None = None
        for name in NAMES:
            path = self.folder / name
            try:
                with path_errors(path):
                    data = path.read_bytes() if path.exists() else None
                if data is not None:
                    return self._read(path, data)
            except ModelFileError as error:
                damage = damage or ModelFileError(f"{written_path(path)}: {error}")
        if damage is not None:
            raise damage
        return None

    def _read(self, path: Path, data: bytes) -> _Restored:
        record, tensors = opened_tensors(data, FORMAT)
        if record.get("kind") != "checkpoint" or not isinstance(record.get("run"), dict):
            raise ModelFileError("is not a checkpoint; give the folder of another run")
        run = record["run"]
        for name, value in self.about.items():
            if run.get(name) != value:
                raise InputError(
                    f"{written_path(path)}: is of a run with another {name} "
                    f"({shown(run.get(name))}, not {shown(value)}); give the same network, data "
                    "and settings, or another folder"
                )
        try:
            return _restored(record, tensors)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ModelFileError(f"is damaged ({one_line(error)}); {FETCH}") from error


@dataclass(frozen=True)
class _Restored:
    """The parameters as one vector, the state of the trainer, and the losses so far."""

    parameters: RealArray
    state: State
    losses: Losses

    def apply(self, trainer: Trainer) -> None:
        """Continue from here; the parameters are already in the run."""
        state = self.state
        if trainer.given.criterion is not None:
            state = replace(state, counts=state.counts[:-1], criterion=state.counts[-1])
        trainer.restore(state)
        trainer.losses = self.losses


def _restored(record: Mapping[str, Any], tensors: Tensors) -> _Restored:
    """Return the state that a checked file holds."""
    losses = Losses(
        ending=record["ending"],
        best=float(tensors["best_loss"][0]),
        best_epoch=int(record["best_epoch"]),
        **{name: tensors[f"losses/{name}"].tolist() for name in _LISTS},
    )
    counts = [
        Count(best, int(epoch), int(epochs), int(reductions))
        for best, epoch, epochs, reductions in tensors["counts"].tolist()
    ]
    memory = {
        name.removeprefix("memory/"): cast(Array, array)
        for name, array in tensors.items()
        if name.startswith("memory/")
    }
    state = State(int(record["steps"]), int(record["epochs"]), memory, counts, tensors.get("best"))
    return _Restored(tensors["parameters"], state, losses)


def description_of(
    run: Run, early_stopping: object, schedule: object, epochs: int
) -> dict[str, Any]:
    """Return what a run is, in plain values: what a checkpoint has to agree with."""
    data = {**run.data, **{f"validation {name}": a for name, a in (run.held or {}).items()}}
    structure = repr(run.network.structure).encode()
    return {
        "network": str(run.network),
        "structure": fingerprint({"structure": np.frombuffer(structure, np.uint8)}),
        "type": run.parameters.flat.dtype.name,
        "parameters": {name: list(array.shape) for name, array in run.parameters.items()},
        "optimizer": repr(run.optimizer),
        "batch_size": run.batch,
        "order": repr(run.order),
        "seed": run.seed,
        "epochs": epochs,
        "early_stopping": _stated(early_stopping),
        "schedule": _stated(schedule),
        "data": fingerprint(data),
    }


def _stated(rule: object) -> str:
    """Return a rule as text, functions without their address."""
    if isinstance(rule, EarlyStopping) and callable(rule.monitor):
        return repr(replace(rule, monitor=None)) + " of a function"
    return "a function" if callable(rule) and not isinstance(rule, Schedule) else repr(rule)


def remove_checkpoints(folder: Path) -> None:
    """Remove a folder's checkpoints, of all runs in it, and the folders that are empty then."""
    with path_errors(folder):
        for path, _, files in os.walk(folder, topdown=False):
            for name in files:
                if name in NAMES:
                    (Path(path) / name).unlink()
            with suppress(OSError):  # other files are in it
                os.rmdir(path)


def fingerprint(arrays: Mapping[str, Array]) -> str:
    """Return a text that differs for other names, shapes, types or values of arrays.

    >>> fingerprint({"X": np.zeros((2, 3))}) == fingerprint({"X": np.zeros((2, 3))})
    True
    >>> fingerprint({"X": np.zeros((2, 3))}) == fingerprint({"X": np.zeros((3, 2))})
    False
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.shape, array.dtype.str)).encode())
        digest.update(np.asarray(array, order="C").data)
    return digest.hexdigest()
