"""How long a piece of work takes beside another one: the ratio of two times.

It is the time of this process, without that of others; these still take its caches away, never give
any: of several runs the fastest is the least disturbed.
The two are run by turns, so that what slows the machine for a while slows both.
"""

import time
from collections.abc import Callable

RUNS = 3


def ratio(larger: Callable[[], object], smaller: Callable[[], object], limit: float) -> float:
    """The time of the larger work over that of the smaller; runs are repeated above the limit."""
    times: tuple[list[float], list[float]] = ([], [])
    found = float("inf")
    for run in range(2 * RUNS):
        for work, taken in zip((larger, smaller), times, strict=True):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
        found = min(times[0]) / min(times[1])
        if run + 1 >= RUNS and found <= limit:
            break
    return found
