"""Atomic writing: a file is replaced as a whole, so that no reader and no crash sees half of one.

The bytes go to a temporary file in the same directory, which is flushed to the disk and then
renamed over the target; the directory is flushed last, so that the rename itself survives a power
loss. What killed processes have left of earlier attempts is removed first. A symbolic link stays a
link and its target is replaced. What is not a regular file (a pipe, /dev/null) cannot be replaced
and is written to directly.

Errors: a directory as the target, a link that leads to itself, a file that may not be written
(replacing it needs only the right to write its directory, but its owner protected it), and a path
that cannot be written.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.errors import ChainruleError, InputError, InputTypeError, one_line, shown
from chainrule.temporaries import remove_leftovers, temporary_file

__all__ = [
    "bytes_of",
    "flush_directory",
    "make_directory",
    "path_errors",
    "refuse_unwritable",
    "write_atomically",
    "write_through",
    "written_path",
]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""Errors of the disk, not of the user's input."""
_ANYONE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file; an earlier file stays unchanged until the new one is complete.

    Raises InputTypeError for what is no path, InputError where the path cannot be written,
    ChainruleError where the disk fails.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(path, b"whole")
    >>> path.read_bytes(), [entry.name for entry in path.parent.iterdir()]
    (b'whole', ['note.txt'])
    """
    with path_errors(path):
        target = _target(path)
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(data)
            return
        remove_leftovers(target)
        with temporary_file(target) as temporary:
            write_through(temporary, data)
            if target.exists():
                with suppress(OSError):
                    os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        flush_directory(target.parent)


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """Raise InputError before training where `write_atomically` would fail after it.

    Missing directories are assumed to be creatable: the nearest existing one is tested, by creating
    a file in it and removing it.
    """
    with path_errors(path):
        target = _target(path)
        directory = target.parent
        while not directory.exists():
            directory = directory.parent
        remove_leftovers(directory / target.name)
        with temporary_file(directory / target.name):
            pass


def make_directory(path: Path) -> None:
    """Create a directory and its missing parents."""
    with path_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def flush_directory(path: Path) -> None:
    """Make the names in a directory durable, where the system lets a directory be flushed."""
    if os.name != "posix":
        return
    try:
        opened = os.open(path, os.O_RDONLY)
    except PermissionError:  # it may be written, but not listed
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot
            raise
    finally:
        with suppress(OSError):  # nothing was written through it
            os.close(opened)


def write_through(path: Path, data: bytes) -> None:
    """Write a file, whole and to the disk, not atomically: it is not yet under its final name."""
    # Single calls of the system, so that each of their failures is seen, also that of the last.
    opened = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        rest = memoryview(data)
        while rest:
            written = os.write(opened, rest)
            if written == 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            rest = rest[written:]
        os.fsync(opened)
    except BaseException:
        with suppress(OSError):
            os.close(opened)
        raise
    os.close(opened)


def written_path(path: str | os.PathLike[str]) -> str:
    """Return the path for messages: without quotes, but escaped where it would break the line."""
    text = os.fsdecode(path)
    return text if text.isprintable() and text.strip() else repr(text)


def _target(path: str | os.PathLike[str]) -> Path:
    """Return the file behind all links; raise where it should not be written."""
    target = Path(os.path.realpath(os.fsdecode(path)))
    if target.is_symlink():
        raise InputError(f"{written_path(path)}: is a symbolic link to itself; give another path")
    if target.is_dir():
        raise InputError(f"{written_path(path)}: is a directory; give the name of a file in it")
    # The administrator may write everything: a file that no user may write is protected even so.
    if target.exists() and not (
        os.access(target, os.W_OK) and stat.S_IMODE(target.stat().st_mode) & _ANYONE
    ):
        raise InputError(
            f"{written_path(path)}: is read-only; make it writable (chmod u+w) or write elsewhere"
        )
    return target


def bytes_of(path: str | os.PathLike[str]) -> bytes:
    """Return what a file holds; raise InputError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except TypeError:
        raise InputTypeError(f"`path` must be the path of a file, got {shown(path)}") from None
    except FileNotFoundError as error:
        raise InputError(f"{written_path(path)}: no such file; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(
            f"{written_path(path)}: cannot be read ({reason}); check the path and its permissions"
        ) from error


@contextmanager
def path_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert the system's errors about a path into one-line errors of chainrule."""
    try:
        os.fsdecode(path)
    except TypeError:
        raise InputTypeError(f"`path` must be the path of a file, got {shown(path)}") from None
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
