"""Run folders: the model of a training run and its losses by epoch.

``model.safetensors`` is the model, ``metrics.jsonl`` one JSON object per epoch. A new folder
appears complete or not at all; in a folder of an earlier run the files are replaced one by one, the
model last. Errors: a file of the folder's name, and a folder that holds other files.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from chainrule.errors import InputError
from chainrule.files import (
    flush_directory,
    make_directory,
    path_errors,
    refuse_unwritable,
    write_atomically,
    written_path,
)
from chainrule.table_models.model_files import MODEL_NAME, encoded, is_model_file
from chainrule.table_models.table_model import TableModel
from chainrule.training.metrics import finite

__all__ = ["METRICS_NAME", "default_folder", "refuse_folder", "write_run"]

METRICS_NAME = "metrics.jsonl"
_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


def default_folder(data: str | os.PathLike[str]) -> Path:
    """Return the run folder named after a data file, in the current directory.

    >>> default_folder("measured/iris.csv.gz").name, default_folder("-").name
    ('iris', 'standard-input')
    >>> default_folder("iris").name
    'iris-model'
    """
    if os.fspath(data) == "-":
        return Path("standard-input")
    whole = Path(data).name
    name = whole
    for suffixes in (_COMPRESSIONS, _TABLES):
        if name.lower().endswith(suffixes):
            name = name[: name.rindex(".")]
    return Path(name) if name.strip(". ") and name != whole else Path(f"{whole}-model")


def refuse_folder(folder: Path) -> None:
    """Raise InputError, before any training, where `write_run` could not or should not write."""
    remedy = "name another folder (--output DIR), or move it away"
    with path_errors(folder):
        if folder.is_dir():
            if any(folder.iterdir()) and not is_model_file(folder / MODEL_NAME):
                raise InputError(
                    f"{written_path(folder)}: is a folder that holds other files, not a run of "
                    f"chainrule (no {MODEL_NAME} of chainrule); {remedy}"
                )
            refuse_unwritable(folder / MODEL_NAME)
            return
        if os.path.lexists(folder):
            raise InputError(f"{written_path(folder)}: is a file, not a run folder; {remedy}")
    refuse_unwritable(folder)


def write_run(folder: Path, model: TableModel, history: Mapping[str, Sequence[float]]) -> Path:
    """Write a run folder and return the path of the model in it."""
    refuse_folder(folder)
    parts = {METRICS_NAME: _metrics(history), MODEL_NAME: encoded(model)}
    if folder.is_dir():
        for name, data in parts.items():
            write_atomically(folder / name, data)
        return folder / MODEL_NAME
    make_directory(folder.parent)
    whole = folder.parent / f".{folder.name[:80]}.{secrets.token_hex(8)}.tmp"
    with path_errors(folder):
        try:
            whole.mkdir()
            for name, data in parts.items():
                write_atomically(whole / name, data)
            os.rename(whole, folder)
        except BaseException:  # a KeyboardInterrupt leaves nothing behind either
            with suppress(OSError):
                shutil.rmtree(whole)
            raise
        flush_directory(folder.parent)
    return folder / MODEL_NAME


def _metrics(history: Mapping[str, Sequence[float]]) -> bytes:
    lines = [
        json.dumps(finite({"epoch": number, **dict(zip(history, values, strict=True))}))
        for number, values in enumerate(zip(*history.values(), strict=True), start=1)
    ]
    return "".join(f"{line}\n" for line in lines).encode("ascii")
