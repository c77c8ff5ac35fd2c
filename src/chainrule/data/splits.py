"""Dividing rows into those that train and those that are held out.

The order of the rows is drawn from Philox, a counter-based generator, keyed by the seed and the
purpose, so that no other use of the seed can disturb it. The order is that of raw 64-bit words, one
per row: NumPy promises that the words stay the same for ever, but not what ``permutation`` makes of
them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError, InputTypeError, shown

__all__ = ["PURPOSE_HOLDOUT", "holdout", "random_order"]

# A purpose is its own name in ASCII, so that no two of them can be given the same number.
PURPOSE_HOLDOUT = int.from_bytes(b"holdout", "big")

Rows = NDArray[np.int64]


def holdout(
    n_rows: int, fraction: float, seed: int, classes: ArrayLike | None = None
) -> tuple[Rows, Rows]:
    """Return (training rows, held-out rows): positions from 0, both ascending, together all rows.

    Held out are round(n_rows · fraction) rows. With ``classes``, one code or label per row, every
    class gives its share (largest remainders) and keeps at least one row for training.
    Raises InputError where a fraction is not in (0, 1) or where the rows do not suffice.

    >>> train, held_out = holdout(10, 0.3, seed=0)
    >>> len(train), len(held_out), sorted([*train, *held_out]) == list(range(10))
    (7, 3, True)
    >>> train, held_out = holdout(8, 0.5, seed=0, classes=[0, 0, 0, 0, 0, 0, 1, 1])
    >>> [int(row >= 6) for row in held_out]
    [0, 0, 0, 1]
    """
    if not 0.0 < fraction < 1.0:
        raise InputError(
            f"the fraction to hold out is {shown(fraction)}; give a number between 0 and 1, both "
            "excluded, for example 0.2"
        )
    codes = np.zeros(n_rows, dtype=np.int64) if classes is None else _codes(classes, n_rows)
    counts = np.bincount(codes)
    wanted = _rounded(n_rows * fraction)
    if not 1 <= wanted <= n_rows - len(counts):
        lacking = 1 <= wanted < n_rows  # then only for the classes
        each = f" with {len(counts)} classes, a training row for each," if lacking else ""
        raise InputError(
            f"{n_rows} {'row' if n_rows == 1 else 'rows'}{each} "
            f"{'is' if n_rows == 1 else 'are'} too few to hold out the fraction {fraction:g}: at "
            f"least {_rows_needed(fraction, len(counts))} are needed; give more rows or another "
            "fraction"
        )
    order = random_order(n_rows, seed, PURPOSE_HOLDOUT)
    held_out = _stratified(order, codes, counts, wanted)
    mask = np.zeros(n_rows, dtype=bool)
    mask[held_out] = True
    return np.flatnonzero(~mask).astype(np.int64), np.flatnonzero(mask).astype(np.int64)


def random_order(n_rows: int, seed: int, purpose: int) -> Rows:
    """Return a random permutation of 0 .. n_rows - 1, fixed by the seed and the purpose.

    >>> random_order(5, seed=7, purpose=1).tolist() == random_order(5, seed=7, purpose=1).tolist()
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InputTypeError(f"the seed is {shown(seed)}; give a whole number from 0 to 2**64 - 1")
    if not 0 <= seed < 2**64:
        raise InputError(f"the seed is {shown(seed)}; give a whole number from 0 to 2**64 - 1")
    key = np.array([seed, purpose], dtype=np.uint64)
    words = np.random.Philox(key=key).random_raw(n_rows)
    return np.argsort(words, kind="stable").astype(np.int64)


def _rounded(value: float) -> int:
    """Round half up: 0.5 rows of a class count as one, whatever the parity (as banks round)."""
    # The nudge undoes the last bit of a product such as 0.15 · 10 = 1.4999999999999998.
    return int(np.floor(value + 0.5 + 1e-9))


def _rows_needed(fraction: float, n_classes: int) -> int:
    """Return the fewest rows of which one is held out and one of every class remains."""
    # The bounds without rounding are near; from just below them it is a few steps.
    near = max(0.5 / fraction, (n_classes - 0.5) / (1.0 - fraction))
    n_rows = max(2, int(near * (1.0 - 1e-9)) - 2)
    while not 1 <= _rounded(n_rows * fraction) <= n_rows - n_classes:
        n_rows += 1
    return n_rows


def _codes(classes: ArrayLike, n_rows: int) -> Rows:
    """Return the classes as codes 0, 1, ..., none of them without a row."""
    given = np.asarray(classes)
    if given.shape != (n_rows,):
        raise InputError(
            f"classes has the shape {given.shape} for {n_rows} rows; give one code for each row"
        )
    return np.unique(given, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _stratified(order: Rows, codes: Rows, counts: Rows, wanted: int) -> Rows:
    """Return the rows to hold out, class by class in proportion, one of each left for training."""
    quotas = counts * (wanted / len(order))
    shares = np.floor(quotas + 1e-9).astype(np.int64)  # below counts, for wanted is below n_rows
    # The rest goes by largest remainder, the more frequent class first where remainders are equal.
    # More than one round is needed only where many classes have a single row, which has to train.
    while (left := wanted - int(shares.sum())) > 0:
        room = np.flatnonzero(shares < counts - 1)
        ranked = room[np.lexsort((-counts[room], -(quotas - shares)[room]))]
        shares[ranked[:left]] += 1
    taken = [order[codes[order] == code][:share] for code, share in enumerate(shares)]
    return np.concatenate(taken)
