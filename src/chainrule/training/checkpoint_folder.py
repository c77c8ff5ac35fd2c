"""A folder of checkpoints: a rolling pair of files, of which one is always whole.

The folder has ``checkpoint.safetensors``, and the one before it as ``previous.safetensors``: a file
appears as a whole, and where the newer one is damaged the older one is read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import InputError, ModelFileError, one_line, shown
from chainrule.files import make_directory, path_errors, write_atomically, written_path
from chainrule.tensor_files import FETCH, Tensors, encoded_tensors, opened_tensors
from chainrule.validation import checked_integer

__all__ = ["CheckpointFolder", "fingerprint", "remove_checkpoints"]

FORMAT = 1
DIGESTS = ("data", "structure")
"""What is compared by a fingerprint, which says nothing to a reader."""
NAMES = ("checkpoint.safetensors", "previous.safetensors")

_State = TypeVar("_State")


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one run: the state after every so many epochs.

    ``about`` is what the run is, in plain values by name; a checkpoint of another is refused.
    """

    folder: Path
    every: int
    about: Mapping[str, Any]

    @classmethod
    def of(
        cls, folder: str | os.PathLike[str], every: int, about: Mapping[str, Any]
    ) -> CheckpointFolder:
        """Return the checkpoints in a folder, which is made if it does not exist."""
        path = Path(folder)
        with path_errors(path):
            make_directory(path)
        return cls(path, checked_integer("checkpoint_every", every), about)

    def epochs_until_next(self, done: int, count: int) -> int:
        """Return how many epochs are run until the next checkpoint of ``count`` epochs in all."""
        return min(self.every - done % self.every, count - done)

    def is_due(self, done: int, count: int) -> bool:
        """Return whether the state after so many epochs is written."""
        return done == count or done % self.every == 0

    def write(self, record: Mapping[str, Any], tensors: Tensors) -> None:
        """Write a state: plain values and arrays."""
        current, previous = (self.folder / name for name in NAMES)
        whole = {**record, "format": FORMAT, "kind": "checkpoint", "run": dict(self.about)}
        data = encoded_tensors(whole, tensors)
        with path_errors(current):
            if current.exists():
                os.replace(current, previous)
        write_atomically(current, data)

    def newest(self, read: Callable[[Mapping[str, Any], Tensors], _State]) -> _State | None:
        """Return the newest state that ``read`` can make of a file, None where there is no file.

        Raises InputError for a checkpoint of another run, ModelFileError where all are damaged.
        """
        damage: ModelFileError | None = None
        for name in NAMES:
            path = self.folder / name
            try:
                with path_errors(path):
                    data = path.read_bytes() if path.exists() else None
                if data is not None:
                    return self._read(path, data, read)
            except ModelFileError as error:
                damage = damage or ModelFileError(f"{written_path(path)}: {error}")
        if damage is not None:
            raise damage
        return None

    def _read(
        self, path: Path, data: bytes, read: Callable[[Mapping[str, Any], Tensors], _State]
    ) -> _State:
        record, tensors = opened_tensors(data, FORMAT)
        if record.get("kind") != "checkpoint" or not isinstance(record.get("run"), dict):
            raise ModelFileError("is not a checkpoint; give the folder of another run")
        run = record["run"]
        for name, value in self.about.items():
            if run.get(name) != value:
                values = f"{name} {shown(run.get(name))}, not {shown(value)}"
                raise InputError(
                    f"{written_path(path)}: is of a run with "
                    f"{f'other {name}' if name in DIGESTS else values}; give the same network, "
                    "data and settings, or another folder"
                )
        try:
            return read(record, tensors)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ModelFileError(f"is damaged ({one_line(error)}); {FETCH}") from error


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
