"""What is drawn at random in a step: the definition, which the core repeats bit for bit.

An entry is a function of the seed of the run, the number of the step, the stream (which
distribution of the step), its row in the batch and its column.  It depends on nothing else: not on
how a matrix is stored, nor on what was drawn before, nor on the number of threads.

The seed, the step and the stream give a key of 64 bits.  The number of the entry,
row · columns + column, is hashed to 32 random bits with the two halves of the key.
"""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.arrays import Array
from chainrule.network.distributions import Distribution, Mask, Noise

__all__ = ["drawn", "keys", "words"]

GOLDEN = 0x9E3779B97F4A7C15
"""2⁶⁴ over the golden ratio, an odd number."""
_ALL = 2**64 - 1


def drawn(
    distribution: Distribution,
    seed: int,
    step: int,
    stream: int,
    rows: int,
    columns: int,
    dtype: DTypeLike,
) -> Array:
    """Return entries of a distribution, (rows, columns); ``step`` is counted from 1.

    >>> from chainrule.network.distributions import Mask
    >>> drawn(Mask(0.5), seed=0, step=1, stream=0, rows=2, columns=4, dtype=float)
    array([[0., 2., 0., 0.],
           [0., 0., 2., 2.]])
    """
    first, second = keys(seed, step, stream)
    bits = words(first, rows, columns)
    match distribution:
        case Mask(rate):
            threshold = np.uint32(int(float(rate) * 2**32))
            return np.where(bits < threshold, 0.0, 1 / (1 - float(rate))).astype(dtype)
        case Noise(deviation):
            u = (bits + 0.5) * 2.0**-32
            v = (words(second, rows, columns) + 0.5) * 2.0**-32
            radius = np.sqrt(-2 * np.log(u)) * float(deviation)
            return np.asarray(radius * np.cos(2 * np.pi * v), dtype=dtype)
    raise NotImplementedError(f"{type(distribution).__name__} is not drawn")


def keys(seed: int, step: int, stream: int) -> tuple[int, int]:
    """Return the keys of the first and of the second word of each entry."""
    key = _mixed(_mixed(_mixed(seed + GOLDEN) + step * GOLDEN) + stream * GOLDEN)
    return key, _mixed(key + GOLDEN)


def words(key: int, rows: int, columns: int) -> NDArray[np.uint32]:
    """Return 32 random bits for each entry, (rows, columns)."""
    entries = np.arange(rows * columns, dtype=np.uint64).astype(np.uint32).reshape(rows, columns)
    low, high = np.uint32(key & 0xFFFFFFFF), np.uint32(key >> 32)
    return _hashed(_hashed(entries ^ low) + high)


def _mixed(number: int) -> int:
    """Return 64 bits mixed: the finalizer of splitmix64 (Steele, Lea and Flood, 2014)."""
    number &= _ALL
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _ALL
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _ALL
    return number ^ (number >> 31)


def _hashed(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return words of 32 bits mixed: the function lowbias32 of Chris Wellons."""
    mixed = words.copy()
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x7FEB352D)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x846CA68B)
    mixed ^= mixed >> np.uint32(16)
    return mixed
