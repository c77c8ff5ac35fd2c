"""The orders in which an epoch takes its samples: a closed family, the same in every backend.

Not shuffled; drawn for each epoch from a seed, independent of threads and of resuming; as
scikit-learn draws it from NumPy's RandomState; or as given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.arrays import Array, IntArray
from chainrule.errors import InputError

SHUFFLE = 2
"""The purpose in Philox's key: the order of samples (1: initial weights)."""

_EPOCH_BITS = 32


@dataclass(frozen=True)
class Unshuffled:
    """No shuffling: sample 0 first."""


@dataclass(frozen=True)
class Seeded:
    """An order for each epoch, by `order` from the seed and the epoch's number alone."""

    seed: int


@dataclass(frozen=True, eq=False)
class Legacy:
    """The orders of scikit-learn: ``RandomState.shuffle`` on the order of the epoch before.

    Epoch 1 shuffles 0, 1, 2, …; each further one shuffles the order of the epoch before, as
    ``sample_idx = sklearn.utils.shuffle(sample_idx, random_state=random_state)`` does.  The random
    state is advanced as if NumPy had drawn; its generator must be MT19937.
    """

    random_state: np.random.RandomState

    def __post_init__(self) -> None:
        # Not get_state(), which copies 624 words one by one: 80 us.
        name = type(self.random_state._bit_generator).__name__
        if name != "MT19937":
            raise InputError(
                f"`order` must be drawn from a RandomState over MT19937, got one over {name}. "
                "Use numpy.random.RandomState(0), for example."
            )

    def words(self) -> NDArray[np.uint32]:
        """Return the generator's state: 624 words, then how many of them are used."""
        state = self.random_state.get_state(legacy=False)["state"]
        return np.append(state["key"], np.uint32(state["pos"]))

    def set_words(self, words: NDArray[np.uint32]) -> None:
        """Set the generator's state; a stored normal number remains stored."""
        state = self.random_state.get_state(legacy=False)
        state["state"] = {"key": words[:-1], "pos": int(words[-1])}
        self.random_state.set_state(state)


@dataclass(frozen=True, eq=False)
class Given:
    """One order for every epoch: the indices of the samples, read again by each call."""

    indices: Array


Order = Unshuffled | Seeded | Legacy | Given

UNSHUFFLED = Unshuffled()


def order(seed: int, epoch: int, count: int) -> IntArray:
    """Return the order of ``count`` samples in one epoch: Fisher and Yates, from the back.

    For i = count−1 … 1 the next 32 bits r of Philox (low half of each word first) choose
    j = ⌊r (i+1) / 2³²⌋, and entries i and j are exchanged.  The compiled core does the same.

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
    indices = list(range(count))
    for last, other in zip(range(count - 1, 0, -1), chosen, strict=True):
        indices[last], indices[other] = indices[other], indices[last]
    return np.array(indices)


def given_indices(given: Given, samples: int) -> IntArray:
    """Return a given order as indices.

    Raises ``InputError`` unless it has an index from 0 to ``samples`` − 1 for each sample.
    """
    indices = np.ascontiguousarray(given.indices, dtype=np.int64)
    if indices.shape != (samples,) or indices.min() < 0 or indices.max() >= samples:
        raise InputError(
            f"`order` must be {samples} indices from 0 to {samples - 1}, got an array of shape "
            f"{indices.shape}"
        )
    return indices


def next_indices(chosen: Order, epoch: int, before: IntArray) -> IntArray:
    """Return the order of an epoch, given that of the epoch before (at first 0, 1, 2, …)."""
    match chosen:
        case Unshuffled():
            return before
        case Seeded(seed):
            return order(seed, epoch, len(before))
        case Legacy(random_state):
            indices = before.copy()
            random_state.shuffle(indices)
            return indices
        case Given():
            return given_indices(chosen, len(before))
