"""Temporary files and folders beside what they will replace, and those that a killed process left.

A temporary of ``NAME`` is ``.NAME.<16 hexadecimal digits>.tmp`` in the same directory. Its owner
holds a lock of the system on it (flock) for as long as it is in use. The system takes the lock away
when a process ends, however it ends, so that a temporary which another process can lock is a
leftover and may be removed: process numbers would be wrong across containers and after a restart,
ages would be guesses. Where the system or the file system has no such locks, nothing is removed.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["is_temporary", "locked", "remove_leftovers", "temporary_file", "temporary_folder"]

_LONGEST_NAME = 180
"""Bytes of the target's name in a temporary's: names of more than 255 bytes cannot be created."""


@contextmanager
def temporary_file(target: Path) -> Iterator[Path]:
    """Create an empty file beside the target; it is removed at the end where it is still there."""
    # Not tempfile: its files are readable by their owner alone, and the result would be too.
    with _temporary(target, lambda path: path.touch(exist_ok=False)) as path:
        yield path


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Create a folder beside the target; it is removed at the end where it is still there."""
    with _temporary(target, Path.mkdir) as path:
        yield path


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file or folder; give False where the system has none for it.

    Waits for the process that holds it, and ends by itself with the process.
    """
    opened = _lock(path, wait=True)
    try:
        yield opened is not None
    finally:
        if opened is not None:
            _release(opened)


def remove_leftovers(target: Path) -> None:
    """Remove the temporaries of a target that no living process holds."""
    with suppress(OSError):
        names = [name for name in os.listdir(target.parent) if is_temporary(name, target.name)]
        for path in map(target.parent.joinpath, names):
            opened = _lock(path, wait=False)
            if opened is not None:
                _remove(path)
                _release(opened)


def is_temporary(name: str, of: str) -> bool:
    """Return whether a name is that of a temporary of the target named ``of``.

    >>> is_temporary(".iris.0123456789abcdef.tmp", "iris"), is_temporary(".iris.tmp", "iris")
    (True, False)
    """
    return re.fullmatch(rf"{re.escape(_start(of))}[0-9a-f]{{16}}\.tmp", name) is not None


def _start(name: str) -> str:
    """Return what the names of a target's temporaries begin with."""
    return f".{os.fsencode(name)[:_LONGEST_NAME].decode('utf-8', 'ignore')}."


@contextmanager
def _temporary(target: Path, create: Callable[[Path], None]) -> Iterator[Path]:
    path, opened = _created(target, create)
    try:
        yield path
    finally:  # a KeyboardInterrupt leaves nothing behind either
        _remove(path)
        if opened is not None:
            _release(opened)


def _created(target: Path, create: Callable[[Path], None]) -> tuple[Path, int | None]:
    """Return a new temporary and its lock, None where there are no locks."""
    while True:
        path = target.with_name(f"{_start(target.name)}{secrets.token_hex(8)}.tmp")
        try:
            create(path)
            opened = _lock(path, wait=True)
        except BaseException:
            _remove(path)
            raise
        if path.exists():
            return path, opened
        if opened is not None:  # another process took it for a leftover before it was locked
            _release(opened)


def _lock(path: Path, *, wait: bool) -> int | None:
    """Return a descriptor that holds the lock of a path, or None where it cannot be had."""
    if sys.platform == "win32":
        return None
    try:
        # No link is followed, and nothing is waited for: the name may be that of a pipe.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        _release(opened)
        return None
    except BaseException:
        _release(opened)
        raise
    return opened


def _release(opened: int) -> None:
    with suppress(OSError):  # nothing was written through it that could be lost
        os.close(opened)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
