"""Checkpoints of a fit: the state of its run, and beside it the curves and the random state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import InputError
from chainrule.kernels.orders import Legacy
from chainrule.kernels.stopping import Count
from chainrule.tensor_files import Tensors
from chainrule.training.checkpoint_folder import CheckpointFolder, fingerprint
from chainrule.training.checkpoints import restored_run, state_of
from chainrule.validation import checked_flag, is_integer, requirement

if TYPE_CHECKING:
    from chainrule.estimators.base import Perceptron
    from chainrule.estimators.stochastic import Fit

__all__ = ["Asked", "FitCheckpoints"]

_CURVES = ("loss_curve", "validation_loss_curve", "scores")


@dataclass(frozen=True)
class Asked:
    """The arguments of ``fit`` that ask for checkpoints."""

    folder: str | os.PathLike[str]
    every: int
    resume: bool

    @classmethod
    def of(
        cls, estimator: Perceptron, folder: Any, every: int, resume: bool, *, first: bool
    ) -> Asked | None:
        """Return what is asked for, None for no checkpoints.

        Raises ``InputError`` where a resumed fit could not be the one that was interrupted.
        """
        resume = checked_flag("resume", resume)
        if folder is None:
            if resume:
                allowed = "False without `checkpoint`, the folder to resume from"
                raise InputError(requirement("resume", allowed, resume))
            return None
        if estimator.solver == "lbfgs":
            allowed = "None with solver='lbfgs', which has no epochs"
        elif not first:
            allowed = "None where a warm start continues an earlier fit"
        elif not is_integer(estimator.random_state):
            raise InputError(
                "`random_state` must be an integer with `checkpoint`, so that a resumed fit draws "
                f"what the interrupted one drew, got {estimator.random_state!r}"
            )
        else:
            return cls(folder, every, resume)
        raise InputError(requirement("checkpoint", allowed, folder))


@dataclass(frozen=True)
class FitCheckpoints:
    """The checkpoints of one `Fit`: what it adds to the state of its run."""

    files: CheckpointFolder
    resume: bool

    @classmethod
    def of(cls, asked: Asked, fit: Fit) -> FitCheckpoints:
        """Return the checkpoints of a fit, whose settings are those of its estimator."""
        run = fit.trainer.given
        held = {f"validation {name}": array for name, array in (run.held or {}).items()}
        settings = fit.settings.get_params(deep=False)
        about = {
            "estimator": type(fit.settings).__name__,
            **{name: repr(value) for name, value in settings.items() if name != "verbose"},
            "network": str(run.network),
            "type": run.parameters.flat.dtype.name,
            "data": fingerprint({**run.data, **held}),
        }
        return cls(CheckpointFolder.of(asked.folder, asked.every, about), asked.resume)

    def write(self, fit: Fit, *, stopped: bool) -> None:
        """Write the state after the last epoch; ``stopped``: a rule has ended the fit."""
        record, tensors = state_of(fit.trainer)
        progress, count = fit.progress, fit.count
        for name in _CURVES:
            values = getattr(progress, name)
            if values is not None:
                tensors[f"progress/{name}"] = np.array(values, np.float64)
        if progress.best_parameters is not None:
            flat = [array.ravel() for array in progress.best_parameters]
            tensors["progress/best_parameters"] = np.concatenate(flat)
        tensors["progress/count"] = np.array(
            [count.best, count.best_epoch, count.epochs, count.reductions], np.float64
        )
        tensors["random_state"] = Legacy(fit.random_state).words()
        added = {
            "iterations": progress.iterations,
            "samples": progress.samples,
            "learning_rate": fit.update.learning_rate,
            "stopped": stopped,
        }
        self.files.write({**record, **added}, tensors)

    def restore(self, fit: Fit) -> bool:
        """Continue from the newest checkpoint, if one is asked for; return whether it had ended."""
        if not self.resume:
            return False

        def read(record: Mapping[str, Any], tensors: Tensors) -> bool:
            return _restored(fit, record, tensors)

        return self.files.newest(read) or False


def _restored(fit: Fit, record: Mapping[str, Any], tensors: Tensors) -> bool:
    """Set a fit to the state of a checked file; return whether a rule had ended it."""
    run = restored_run(record, tensors)
    run.apply(fit.trainer)
    progress = fit.progress
    for name in _CURVES:
        if f"progress/{name}" in tensors:
            setattr(progress, name, tensors[f"progress/{name}"].tolist())
    if progress.loss_curve:
        progress.loss = progress.loss_curve[-1]
    if "progress/best_parameters" in tensors:
        progress.best_parameters = _split(
            tensors["progress/best_parameters"], list(fit.parameters.values())
        )
    best, best_epoch, epochs, reductions = tensors["progress/count"].tolist()
    fit.count = Count(best, int(best_epoch), int(epochs), int(reductions))
    Legacy(fit.random_state).set_words(np.asarray(tensors["random_state"], np.uint32))
    progress.iterations, progress.samples = int(record["iterations"]), int(record["samples"])
    fit.update.learning_rate = float(record["learning_rate"])
    return bool(record["stopped"])


def _split(flat: Array, like: list[Array]) -> list[Array]:
    """Return the parts of a vector, in the shapes of other arrays."""
    ends = np.cumsum([array.size for array in like])[:-1]
    parts = np.split(flat, ends)
    return [part.reshape(array.shape) for part, array in zip(parts, like, strict=True)]
