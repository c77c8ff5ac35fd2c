"""Random orders that threads, resuming and the backend cannot disturb.

The generator is counter-based (Philox) and keyed by the seed, the purpose and the epoch, so the
order of epoch 7 is the same whether or not epochs 1 to 6 were run in this process.
"""

import numpy as np
from numpy.typing import NDArray

SHUFFLE = 2
"""The purpose in the key: the order of samples in an epoch (1 is drawing starting weights)."""

_EPOCH_BITS = 32


def order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of ``count`` samples in one epoch: Fisher and Yates, from the back.

    For i = count−1 … 1 the next 32 bits r of Philox (low half of each word first) choose
    j = ⌊r (i+1) / 2³²⌋, and entries i and j change places.  The compiled core does the same.

    >>> order(seed=0, epoch=1, count=5).tolist() == order(seed=0, epoch=1, count=5).tolist()
    True
    >>> sorted(order(seed=0, epoch=2, count=4).tolist())
    [0, 1, 2, 3]
    """
    if count < 2:
        return np.arange(count)
    key = np.array([seed, (SHUFFLE << _EPOCH_BITS) | epoch], dtype=np.uint64)
    words = np.random.Philox(key=key).random_raw(count // 2)
    halves = np.empty(2 * len(words), dtype=np.uint64)
    halves[0::2] = words & np.uint64(0xFFFFFFFF)
    halves[1::2] = words >> np.uint64(32)
    bounds = np.arange(count, 1, -1, dtype=np.uint64)
    chosen = ((halves[: count - 1] * bounds) >> np.uint64(32)).tolist()
    places = list(range(count))
    for last, other in zip(range(count - 1, 0, -1), chosen, strict=True):
        places[last], places[other] = places[other], places[last]
    return np.array(places)
