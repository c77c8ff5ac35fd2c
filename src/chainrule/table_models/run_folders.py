"""Run folders: the model of a training run, its losses by epoch, its leaderboard, its report.

``model.safetensors`` is the model, ``metrics.jsonl`` one JSON object per epoch, ``leaderboard.csv``
a line for each network that was tried, ``report.html`` a page about the run; without a report the
one of an earlier run is removed. They belong together, and no crash may mix those of two runs:

* A new folder is written under a temporary name beside it and renamed: it appears complete.
* In a folder that exists (it may hold files of the user, so that it cannot be replaced) the run is
  written into a temporary folder inside, which is then renamed to ``.next-run``. With this rename
  the new run is valid: `load` reads the model in ``.next-run`` where there is one. Its files are
  then moved to their names, the model last, and ``.next-run`` is removed. A process killed between
  these steps leaves the rest of them to the next training into the folder.

Two trainings into one folder: `refuse_folder` notes, before training, which run the folder holds.
Where another has come by the time the training has ended (or the folder cannot be used any more),
the run is written beside it, as ``FOLDER-2``, so that neither is lost; a lock of the folder orders
two that end at once.

Errors: a file of the folder's name, and a folder that holds other files.
"""

from __future__ import annotations

import errno
import json
import os
import stat
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
    write_through,
    written_path,
)
from chainrule.table_models.model_files import MODEL_NAME, NEXT_RUN, encoded, is_model_file
from chainrule.table_models.table_model import TableModel
from chainrule.temporaries import is_temporary, locked, remove_leftovers, temporary_folder
from chainrule.training.metrics import finite

__all__ = [
    "METRICS_NAME",
    "REPORT_NAME",
    "RUN_FILES",
    "default_folder",
    "refuse_folder",
    "write_run",
]

Contents = tuple[int, ...]
"""The identity of the model in a folder: its inode, size and time; empty where there is none."""
METRICS_NAME = "metrics.jsonl"
LEADERBOARD_NAME = "leaderboard.csv"
REPORT_NAME = "report.html"
RUN_FILES = (METRICS_NAME, LEADERBOARD_NAME, REPORT_NAME, MODEL_NAME)
"""The files of a run, in the order in which they are moved."""
_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_STAGED = "run"
"""What the temporary folders inside a run folder are named after."""
_OURS = (_STAGED, *RUN_FILES)
"""What has temporaries in a run folder."""
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_found: dict[str, Contents] = {}
"""What each folder held when its training began, until that training has written it."""
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
    """Raise InputError, before any training, where `write_run` could not or should not write.

    What killed trainings into the folder have left is completed or removed.
    """
    with path_errors(folder):
        remove_leftovers(folder)
        if folder.is_dir():
            for name in _OURS:
                remove_leftovers(folder / name)
        with locked(folder):  # another training may be between two of its steps
            _complete(folder)
            found = _contents(folder)
    for path in (folder / name for name in RUN_FILES) if folder.is_dir() else (folder,):
        refuse_unwritable(path)
    _found[os.path.abspath(folder)] = found


def write_run(
    folder: Path,
    model: TableModel,
    history: Mapping[str, Sequence[float]],
    leaderboard: bytes = b"",
    report: bytes = b"",
) -> Path:
    """Write a run folder and return the path of the model in it.

    ``leaderboard`` is that of `leaderboard_csv`; ``report`` is a page, empty for none. The folder
    is another one where the given one was taken by another training since `refuse_folder`. Raises
    InputError where `refuse_folder` would and was not called before.
    """
    parts = {
        METRICS_NAME: _metrics(history),
        LEADERBOARD_NAME: leaderboard,
        REPORT_NAME: report,
        MODEL_NAME: encoded(model),
    }
    if os.path.abspath(folder) not in _found:
        refuse_folder(folder)
    expected = _found.pop(os.path.abspath(folder))
    with path_errors(folder):
        there = folder.is_dir()
        written = _replace(folder, parts, expected) if there else _create(folder, parts)
        return (folder if written else _create_beside(folder, parts)) / MODEL_NAME


def _contents(folder: Path) -> Contents:
    """Return which run is in a folder; raise InputError where it holds anything else."""
    remedy = "name another folder (--output DIR), or move it away"
    if not folder.is_dir():
        if os.path.lexists(folder):
            raise InputError(f"{written_path(folder)}: is a file, not a run folder; {remedy}")
        return ()
    model = folder / MODEL_NAME
    if is_model_file(model):
        about = model.stat()
        return (about.st_ino, about.st_size, about.st_mtime_ns)
    if not all(any(is_temporary(entry.name, of) for of in _OURS) for entry in folder.iterdir()):
        raise InputError(
            f"{written_path(folder)}: is a folder that holds other files, not a run of "
            f"chainrule (no {MODEL_NAME} of chainrule); {remedy}"
        )
    return ()


def _create(folder: Path, parts: Mapping[str, bytes]) -> bool:
    """Write a new folder; return False where there is one by the time that it is complete."""
    make_directory(folder.parent)
    with temporary_folder(folder) as staged:
        _fill(staged, {name: data for name, data in parts.items() if data or name != REPORT_NAME})
        try:
            os.rename(staged, folder)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return False
    flush_directory(folder.parent)
    return True


def _create_beside(folder: Path, parts: Mapping[str, bytes]) -> Path:
    """Write a new folder with a number after its name, the first that is free, and return it."""
    given = Path(os.path.realpath(folder)) if folder.name in ("", "..") else folder
    number = 2
    while True:
        beside = given.with_name(f"{given.name}-{number}")
        if not os.path.lexists(beside) and _create(beside, parts):
            return beside
        number += 1


def _replace(folder: Path, parts: Mapping[str, bytes], expected: Contents) -> bool:
    """Write into a folder that exists; return False where it holds another run than expected."""
    with temporary_folder(folder / _STAGED) as staged:
        _fill(staged, parts)
        # The temporary is there before the look: while it is, no other folder can be renamed here.
        with locked(folder):
            _complete(folder)
            try:
                if _contents(folder) != expected:
                    return False
            except InputError:
                return False
            os.rename(staged, folder / NEXT_RUN)
            flush_directory(folder)
            _complete(folder)
    return True


def _fill(staged: Path, parts: Mapping[str, bytes]) -> None:
    for name, data in parts.items():
        write_through(staged / name, data)
    flush_directory(staged)


def _complete(folder: Path) -> None:
    """Move the files of ``.next-run``, if there is one, to their names; the folder is locked."""
    following = folder / NEXT_RUN
    if following.is_symlink() or not following.is_dir():
        return
    for name in RUN_FILES:
        source, target = following / name, folder / name
        if not source.exists():
            continue
        if name == REPORT_NAME and not source.stat().st_size:  # no report: nor an earlier run's
            target.unlink(missing_ok=True)
            source.unlink()
            continue
        if target.is_symlink():  # a link stays a link, perhaps to another disk
            write_atomically(target, source.read_bytes())
            source.unlink()
            continue
        if target.exists():
            with suppress(OSError):
                os.chmod(source, stat.S_IMODE(target.stat().st_mode))
        os.replace(source, target)
    flush_directory(folder)  # the moves before the removal, whatever the disk does last
    following.rmdir()
    flush_directory(folder)


def _metrics(history: Mapping[str, Sequence[float]]) -> bytes:
    lines = [
        json.dumps(finite({"epoch": number, **dict(zip(history, values, strict=True))}))
        for number, values in enumerate(zip(*history.values(), strict=True), start=1)
    ]
    return "".join(f"{line}\n" for line in lines).encode("ascii")
