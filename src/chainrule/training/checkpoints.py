"""The state of a run after an epoch as plain values and arrays, to continue it bit for bit.

A state has the parameters, the optimizer's memory, the best parameters so far, the losses of all
epochs and the counts of early stopping; with it stands what the run is: its network, data and
settings, without which it cannot continue. Order of samples and random numbers follow from the
seed, the epoch and the step, so that they need no state; only the orders of scikit-learn do. A run
that was killed in the middle of an epoch repeats this epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from chainrule.arrays import Array, RealArray
from chainrule.kernels.stopping import Count
from chainrule.kernels.trainer import Losses, Run, State, Trainer
from chainrule.tensor_files import Tensors
from chainrule.training.checkpoint_folder import fingerprint
from chainrule.training.schedules import EarlyStopping, Schedule

__all__ = ["RestoredRun", "description_of", "restored_run", "state_of"]

_LISTS = ("loss", "data_loss", "validation_loss", "rate", "criterion")


def state_of(trainer: Trainer) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the state of a run after its last complete epoch: plain values, and arrays."""
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
    if state.indices is not None:
        tensors["indices"] = state.indices
    record = {
        "steps": state.steps,
        "epochs": state.epochs,
        "best_epoch": losses.best_epoch,
        "ending": losses.ending,
    }
    return record, tensors


@dataclass(frozen=True)
class RestoredRun:
    """The parameters as one vector, the state of the trainer, and the losses so far."""

    parameters: RealArray
    state: State
    losses: Losses

    def apply(self, trainer: Trainer) -> None:
        """Continue from here."""
        state = self.state
        trainer.set_parameters(self.parameters)
        if trainer.given.criterion is not None:
            state = replace(state, counts=state.counts[:-1], criterion=state.counts[-1])
        trainer.restore(state)
        trainer.losses = self.losses


def restored_run(record: Mapping[str, Any], tensors: Tensors) -> RestoredRun:
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
    steps, epochs = int(record["steps"]), int(record["epochs"])
    indices = np.asarray(tensors["indices"], np.int64) if "indices" in tensors else None
    state = State(steps, epochs, memory, counts, tensors.get("best"), indices)
    return RestoredRun(tensors["parameters"], state, losses)


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
        "seed": run.seed,
        "order": repr(run.order),
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
