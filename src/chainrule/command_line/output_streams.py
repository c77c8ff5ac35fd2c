"""Standard output and standard error of a process, which may be lost without stopping the work.

A reader that goes away (``| head -1``), a full disk and a closed stream must cost the output alone:
a training goes on, and its model is written. So the first write that fails is noted, all later
output goes nowhere, and the exit code says so at the end.
"""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["LastingOutput", "make_output_last", "open_closed_streams", "output_failure"]


class LastingOutput(io.RawIOBase):
    """The bytes of a descriptor; after a failed write, ``failure``, they are dropped."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write some of the bytes and return how many; an error is stored, never raised."""
        while self.failure is None:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # a terminal that another program made non-blocking
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def open_closed_streams() -> None:
    """Give the standard streams that the process was started without a descriptor that fails.

    Otherwise the next file that is opened, perhaps the model, becomes the standard output of every
    library that writes to descriptor 1.
    """
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, which is this one.
            os.open(os.devnull, mode)
    # What Python found closed at its start, it has set to None.
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the process's life
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - for the process's life
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - for the process's life


def make_output_last() -> None:
    """Replace the two output streams by those that cannot fail."""
    sys.stdout = _lasting(sys.stdout)
    sys.stderr = _lasting(sys.stderr)


def output_failure() -> OSError | None:
    """Return why standard output was lost, None where it was not or is not ours."""
    with suppress(ValueError):  # closed by the program itself
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, LastingOutput) else None


def _lasting(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # a test's, which cannot be lost
    return io.TextIOWrapper(
        io.BufferedWriter(LastingOutput(stream.fileno())),
        encoding=stream.encoding,
        errors="backslashreplace",  # a terminal without Greek letters gets them escaped
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
