"""Atomic writing: a file is replaced as a whole, so that no reader and no crash sees half of one.

The bytes go to a temporary file in the same directory, which is flushed to the disk and then
renamed over the target; the directory is flushed last, so that the rename itself survives a power
loss. A symbolic link stays a link and its target is replaced. What is not a regular file (a pipe,
/dev/null) cannot be replaced and is written to directly. Errors: a directory as the target, and a
path that cannot be written.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.errors import ChainruleError, InputError

__all__ = [
    "flush_directory",
    "make_directory",
    "path_errors",
    "refuse_unwritable",
    "write_atomically",
    "written_path",
]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""Errors of the disk, not of the user's input."""


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file; an earlier file stays unchanged until the new one is complete.

    Raises InputError where the path cannot be written, ChainruleError where the disk fails.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(path, b"whole")
    >>> path.read_bytes(), [entry.name for entry in path.parent.iterdir()]
    (b'whole', ['note.txt'])
    """
    with path_errors(path):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise InputError(f"{written_path(path)}: is a directory; give the name of a file in it")
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(data)
            return
        temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(8)}.tmp")
        try:
            _write_through(temporary, data, target)
            os.replace(temporary, target)
        except BaseException:  # a KeyboardInterrupt leaves nothing behind either
            with suppress(OSError):
                temporary.unlink()
            raise
        flush_directory(target.parent)


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Raise InputError before training where `write_atomically` would fail after it.

    Missing directories are assumed to be creatable: the nearest existing one is tested, by creating
    a file in it and removing it.
    """
    with path_errors(path):
        directory = Path(os.path.realpath(path)).parent
        while not directory.exists():
            directory = directory.parent
        probe = directory / f".{secrets.token_hex(8)}.tmp"
        try:
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        finally:
            with suppress(OSError):
                probe.unlink()


def make_directory(path: Path) -> None:
    """Create a directory and its missing parents."""
    with path_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def flush_directory(path: Path) -> None:
    """Make the names in a directory durable, where the system lets a directory be opened."""
    if os.name != "posix":
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def written_path(path: str | os.PathLike[str]) -> str:
    """Return the path for messages: without quotes, but escaped where it would break the line."""
    text = os.fspath(path)
    return text if text.isprintable() and text.strip() else repr(text)


def _write_through(temporary: Path, data: bytes, target: Path) -> None:
    # os.open with O_EXCL and the usual mode, not tempfile: its files are readable by their owner
    # alone, and the result would be too.
    opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with open(opened, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if target.exists():
        with suppress(OSError):
            os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))


@contextmanager
def path_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert the system's errors about a path into one-line errors of chainrule."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{written_path(path)}: is no valid path ({error}); give another"
        ) from error
    except OSError as error:
        reason = f"{written_path(path)}: cannot be written ({error.strerror})"
        if error.errno in _NO_ROOM:
            raise ChainruleError(f"{reason}; free some space or write elsewhere") from error
        raise InputError(
            f"{reason}; check the path and its permissions, or write elsewhere"
        ) from error
