"""Ctrl-C during a run that has something to write: it ends the training, never the writing.

People press Ctrl-C twice, and shells hand it on more than once. So the first during the training
ends it, one during a part that can be left out ends that part, and others change nothing: what is
left takes seconds and is what the run was for.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

__all__ = ["Interruptions"]


class Interruptions:
    """A context manager; KeyboardInterrupt is raised once in each block under `allowed`.

    Where Ctrl-C has no meaning of Python's own (another thread, another handler) nothing changes.
    """

    def __init__(self) -> None:
        self._raises = True
        self._installed = False

    def __enter__(self) -> Interruptions:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._seen)
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let the first Ctrl-C in the block end it, and none after the block."""
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def _seen(self, number: int, frame: FrameType | None) -> None:
        if self._raises:
            self._raises = False
            raise KeyboardInterrupt
