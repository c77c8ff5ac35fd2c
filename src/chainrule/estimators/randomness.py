"""The legacy random states of scikit-learn, without the cost of a new one for each fit.

Creating a ``RandomState`` takes as long as ten epochs of a small network, seeding one almost no
time.  Therefore those that no user owns are reused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

_idle: list[np.random.RandomState] = []
_LARGEST_POOL = 8


@contextmanager
def random_state_of(given: Any) -> Iterator[np.random.RandomState]:
    """Yield the random state that ``sklearn.utils.check_random_state`` would give.

    >>> with random_state_of(3) as random_state:
    ...     random_state.uniform() == np.random.RandomState(3).uniform()
    True
    """
    if type(given) is not int or not 0 <= given < 2**32:
        yield check_random_state(given)
        return
    try:
        own = _idle.pop()
        own.seed(given)
    except IndexError:
        own = np.random.RandomState(given)
    try:
        yield own
    finally:
        if len(_idle) < _LARGEST_POOL:
            _idle.append(own)
