"""How many threads a run may use: as requested, from the environment, or from the processors.

The number of threads changes times and never results, so it is no part of a network or a model.
"""

import os
from functools import cache
from pathlib import Path

from chainrule.errors import InputError
from chainrule.validation import checked_integer, requirement

VARIABLE = "CHAINRULE_THREADS"

MOST_BY_DEFAULT = 8
"""Steps of small networks have no work for more; for larger ones more can be requested."""

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def threads_of(requested: int | None = None) -> int:
    """Return how many threads a run may use at most.

    That is ``requested``; without it the variable CHAINRULE_THREADS; without that the processors
    that this process may use, at most 8, and at most OMP_NUM_THREADS, by which process pools and
    batch systems share a machine.

    >>> threads_of(3)
    3
    """
    if requested is not None:
        return checked_integer("threads", requested)
    text = os.environ.get(VARIABLE, "").strip()
    if text:
        try:
            number = int(text)
        except ValueError:
            number = 0
        if number < 1:
            message = requirement(VARIABLE, "an integer of at least 1", text)
            raise InputError(f"{message} from the environment")
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
    """Return OMP_NUM_THREADS if it is a number; lists and other texts are ignored."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else 1 << 16
