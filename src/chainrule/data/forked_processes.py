"""Tables in a process that was forked: refused at once, where they would hang.

polars computes with threads of its own, which a fork does not copy: a child whose parent has used
them waits for them forever. polars has no way to start them again, and a fork before their first
use does no harm. Which of the two it was is found by a sort of two rows in a thread that may be
left behind. This is the door for what Tables are made of; arrays do not come here.
"""

from __future__ import annotations

import os
import sys
import threading

from chainrule.errors import DataError

__all__ = ["refuse_dead_threads"]

LONGEST_WAIT = 2.0
"""Seconds for a sort that takes a thousandth; only a process whose threads are dead waits."""


class _Threads:
    """What is known of polars' threads in this process."""

    def __init__(self) -> None:
        # This module may be imported in the child, polars in the parent.
        self.doubtful = "polars" in sys.modules
        self.dead = False

    def after_fork(self) -> None:
        self.doubtful = "polars" in sys.modules

    def examine(self) -> None:
        """Find out whether the threads answer."""
        answered = threading.Event()
        threading.Thread(target=_sort, args=(answered,), daemon=True).start()
        self.dead = not answered.wait(LONGEST_WAIT)
        self.doubtful = False


_threads = _Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.after_fork)


def refuse_dead_threads(source: str) -> None:
    """Raise DataError where this process was forked from one that has used tables."""
    if _threads.doubtful and not _threads.dead:
        _threads.examine()
    if _threads.dead:
        raise DataError(
            f"{source}: tables do not work in a process that was forked after its parent used "
            "tables (polars' threads end with a fork); start processes by spawn or forkserver, "
            'as with multiprocessing.get_context("spawn"), or fork before the first table'
        )


def _sort(answered: threading.Event) -> None:
    import polars as pl

    pl.DataFrame({"x": [2, 1], "y": [0, 0]}).sort("x")
    answered.set()
