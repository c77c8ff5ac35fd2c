"""Trainings in daemon threads at the end of the interpreter: they end first.

A thread that comes back from the core while Python is finalized is ended by Python in the middle of
C++ code, which aborts the process. So the hook that Python calls before it finalizes requests the
end of every run and waits for it; a run that is begun later does not begin. At that time the other
threads are daemons: Python has waited for the end of all others.
"""

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chainrule.arrays import FloatArray
from chainrule.kernels import core_library

if core_library.available():
    from chainrule.kernels import _core

__all__ = ["begin_nothing_at_the_end", "running"]

LONGEST_WAIT = 60.0
"""Seconds for runs that the core does not end at once: those of the reference, after an epoch."""


class _Runs:
    """The runs in daemon threads, and whether the interpreter ends."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.count = 0
        self.ending = False

    def end(self) -> None:
        """Request the end of all runs, and wait for it."""
        with self.changed:
            self.ending = True
            if not self.count:
                return
            if core_library.available():
                _core.close(True)
            self.changed.wait_for(lambda: not self.count, LONGEST_WAIT)
            if core_library.available():
                _core.close(False)  # the main thread may still train in other hooks

    def begin(self) -> None:
        with self.changed:
            if not self.ending:
                self.count += 1
                return
        self.stay()

    def stay(self) -> None:
        """Wait for ever where the interpreter ends: Python ends this thread, outside our code."""
        while self.ending:
            time.sleep(LONGEST_WAIT)

    def finish(self) -> None:
        with self.changed:
            self.count -= 1
            self.changed.notify_all()


_runs = _Runs()
atexit.register(lambda: _runs.end())


def _after_fork() -> None:
    global _runs
    _runs = _Runs()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def begin_nothing_at_the_end() -> None:
    """Wait for ever in a daemon thread at the end of the interpreter: nothing is built."""
    if _runs.ending and threading.current_thread().daemon:
        _runs.stay()


@contextmanager
def running(
    listener: Callable[[FloatArray], object] | None, records: FloatArray
) -> Iterator[Callable[[int], object] | None]:
    """Give the core's listener, which takes how many epochs are done, for one run.

    In a daemon thread it requests the end of the run where the interpreter ends.
    """
    if not threading.current_thread().daemon:
        yield None if listener is None else lambda done: listener(records[:done])
        return
    runs = _runs
    runs.begin()
    try:
        yield lambda done: runs.ending or (listener is not None and listener(records[:done]))
    finally:
        runs.finish()
