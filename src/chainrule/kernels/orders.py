"""The orders in which an epoch takes its samples: a closed family, the same in every backend.

As the samples lie; drawn anew in each epoch from a seed, so that neither threads nor resuming can
disturb it; as scikit-learn draws it from NumPy's RandomState; or as given.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError

Array = NDArray[Any]
Places = NDArray[np.int64]

SHUFFLE = 2
"""The purpose in Philox's key: the order of samples (1 is drawing starting weights)."""

_EPOCH_BITS = 32


@dataclass(frozen=True)
class AsTheyLie:
    """No shuffling: sample 0 first."""


@dataclass(frozen=True)
class Seeded:
    """An order for each epoch, by `order` from the seed and the epoch's number alone."""

    seed: int


@dataclass(frozen=True, eq=False)
class Legacy:
    """The orders of scikit-learn: ``RandomState.shuffle`` on the order of the epoch before.

    Epoch 1 shuffles 0, 1, 2, …; each further one what came before it, which is what
    ``sample_idx = sklearn.utils.shuffle(sample_idx, random_state=random_state)`` comes to.  The
    random state is advanced as if NumPy had drawn; its generator has to be MT19937.
    """

    random_state: np.random.RandomState

    def __post_init__(self) -> None:
        # Not get_state(), which copies 624 words one by one: 80 us.
        name = type(self.random_state._bit_generator).__name__
        if name != "MT19937":
            raise InputError(
                f"order: a RandomState over {name} came; one over MT19937 is needed, such as "
                "numpy.random.RandomState(0)"
            )

    def words(self) -> NDArray[np.uint32]:
        """Return the generator's state: 624 words, then how many of them are used up."""
        state = self.random_state.get_state(legacy=False)["state"]
        return np.append(state["key"], np.uint32(state["pos"]))

    def go_on_from(self, words: NDArray[np.uint32]) -> None:
        """Set the generator's state, and leave a pending normal number pending."""
        state = self.random_state.get_state(legacy=False)
        state["state"] = {"key": words[:-1], "pos": int(words[-1])}
        self.random_state.set_state(state)


@dataclass(frozen=True, eq=False)
class Given:
    """One order for every epoch: the places of the samples, read anew by each call."""

    places: Array


Order = AsTheyLie | Seeded | Legacy | Given

AS_THEY_LIE = AsTheyLie()


def order(seed: int, epoch: int, count: int) -> Places:
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


def given_places(given: Given, samples: int) -> Places:
    """Return a given order as places, refusing one that reads outside the samples."""
    places = np.ascontiguousarray(given.places, dtype=np.int64)
    if places.shape != (samples,) or places.min() < 0 or places.max() >= samples:
        raise InputError(
            f"order: an array of shape {places.shape} came; {samples} places from 0 to "
            f"{samples - 1} are needed"
        )
    return places


def next_places(chosen: Order, epoch: int, before: Places) -> Places:
    """Return the order of an epoch, given that of the epoch before (at first 0, 1, 2, …)."""
    match chosen:
        case AsTheyLie():
            return before
        case Seeded(seed):
            return order(seed, epoch, len(before))
        case Legacy(random_state):
            places = before.copy()
            random_state.shuffle(places)
            return places
        case Given():
            return given_places(chosen, len(before))
