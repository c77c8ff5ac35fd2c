"""How many threads a run may use: what was asked for, the environment, the processors at hand.

Numbers of threads change times and never results, so they are no part of a network or a model.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np

from chainrule.errors import InputError, InputTypeError

VARIABLE = "CHAINRULE_THREADS"

MOST_BY_DEFAULT = 8
"""Steps of small networks have no work for more; whoever has larger ones can ask for it."""

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def threads_of(asked: int | None = None) -> int:
    """Return how many threads a run may use at most.

    ``asked`` decides; without it the variable CHAINRULE_THREADS; without that the processors that
    this process may use, at most 8, and at most OMP_NUM_THREADS, by which process pools and batch
    systems share a machine.

    >>> threads_of(3)
    3
    """
    if asked is not None:
        return _positive(asked, "threads")
    told = os.environ.get(VARIABLE, "").strip()
    if told:
        try:
            number = int(told)
        except ValueError:
            number = 0
        if number < 1:
            raise InputError(
                f"{VARIABLE}: {told!r} came from the environment; a whole number of at least 1 is "
                "needed, or no such variable"
            )
        return number
    return min(processors(), MOST_BY_DEFAULT, _shared_out())


def processors() -> int:
    """Return how many processors this process may use, by affinity and by its group's quota."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min(count, _quota()))


@cache
def _quota() -> int:
    """Return the processors that a container's quota amounts to, rounded up."""
    try:
        allowed, period = _QUOTA.read_text().split()
        return max(1, -(-int(allowed) // int(period)))
    except (OSError, ValueError):  # no such file, or "max": no quota
        return 1 << 16


def _shared_out() -> int:
    """Return OMP_NUM_THREADS where it is a number; its lists and mistakes are others' concern."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else 1 << 16


def _positive(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputTypeError(f"{name}: {value!r} came; a whole number of at least 1 is needed")
    if value < 1:
        raise InputError(f"{name}: {value} came; a whole number of at least 1 is needed")
    return int(value)
