"""Division of the rows into training rows and held-out rows.

The order of the rows is drawn from Philox, a counter-based generator, keyed by the seed and the
purpose, so that no other use of the seed changes it. The order is that of raw 64-bit words, one per
row: NumPy guarantees the words across versions, but not the result of ``permutation``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import IntArray
from chainrule.errors import InputError
from chainrule.validation import checked_seed, requirement

__all__ = ["PURPOSE_HOLDOUT", "fold_numbers", "group_numbers", "holdout", "random_order"]

# The ASCII code of its name, so that different purposes have different numbers.
PURPOSE_HOLDOUT = int.from_bytes(b"holdout", "big")
_PURPOSE_FOLDS = int.from_bytes(b"folds", "big")


def holdout(
    n_rows: int, fraction: float, seed: int, classes: ArrayLike | None = None
) -> tuple[IntArray, IntArray]:
    """Return (training rows, held-out rows): positions from 0, both ascending, together all rows.

    Held out are round(n_rows · fraction) rows. With ``classes``, one code or label per row, every
    class contributes its share (largest remainders) and retains at least one row for training.
    Raises InputError where a fraction is not in (0, 1) or where the rows do not suffice.

    >>> train, held_out = holdout(10, 0.3, seed=0)
    >>> len(train), len(held_out), sorted([*train, *held_out]) == list(range(10))
    (7, 3, True)
    >>> train, held_out = holdout(8, 0.5, seed=0, classes=[0, 0, 0, 0, 0, 0, 1, 1])
    >>> [int(row >= 6) for row in held_out]
    [0, 0, 0, 1]
    """
    if not 0.0 < fraction < 1.0:
        allowed = "a number between 0 and 1, both excluded"
        raise InputError(requirement("fraction", allowed, fraction, "For example, give 0.2."))
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


def fold_numbers(
    n_rows: int, parts: int, seed: int, classes: ArrayLike | None = None, *, division: int = 0
) -> IntArray:
    """Return for each row the number of its part, 0 .. parts - 1, of a random division.

    Parts differ by at most one row, and with ``classes`` by at most one row of each class.
    ``division`` is the number of the division; each is random on its own.

    >>> sorted(fold_numbers(7, 3, seed=0).tolist())
    [0, 0, 0, 1, 1, 2, 2]
    >>> numbers = fold_numbers(6, 2, seed=0, classes=["a", "b", "a", "b", "b", "b"])
    >>> int(numbers[0] + numbers[2]), int(sum(numbers[[1, 3, 4, 5]]))
    (1, 2)
    """
    codes = np.zeros(n_rows, dtype=np.int64) if classes is None else _codes(classes, n_rows)
    order = random_order(n_rows, seed, _PURPOSE_FOLDS + division)
    order = order[np.argsort(codes[order], kind="stable")]  # class by class
    numbers = np.empty(n_rows, dtype=np.int64)
    numbers[order] = np.arange(n_rows) % parts
    return numbers


def group_numbers(
    groups: ArrayLike, shares: Sequence[float], seed: int, classes: ArrayLike | None = None
) -> IntArray:
    """Return for each row the number of its part, so that no group is in two parts.

    ``groups`` has one code or label per row, ``shares`` the share of the rows that each part is
    to have. Groups are placed one after another, large ones first, each where the parts' shares of
    the rows, and of the rows of each class, come closest to those wanted.

    >>> groups = ["a", "a", "b", "c", "c", "d"]
    >>> numbers = group_numbers(groups, [0.5, 0.5], seed=0)
    >>> np.bincount(numbers).tolist(), bool(numbers[0] == numbers[1])
    ([3, 3], True)
    """
    codes = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    kinds = np.zeros(len(codes), np.int64) if classes is None else _codes(classes, len(codes))
    counts = np.zeros((codes.max() + 1, kinds.max() + 1))
    np.add.at(counts, (codes, kinds), 1.0)
    wanted = np.outer(shares, counts.sum(axis=0))  # (parts, classes)
    filled = np.zeros(wanted.shape)
    placed = np.empty(len(counts), dtype=np.int64)
    order = random_order(len(counts), seed, _PURPOSE_FOLDS)
    for group in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:
        before, after = filled / wanted, (filled + counts[group]) / wanted
        placed[group] = np.argmin((after**2 - before**2).sum(axis=1))
        filled[placed[group]] += counts[group]
    return placed[codes]


def random_order(n_rows: int, seed: int, purpose: int) -> IntArray:
    """Return a random permutation of 0 .. n_rows - 1, fixed by the seed and the purpose.

    >>> random_order(5, seed=7, purpose=1).tolist() == random_order(5, seed=7, purpose=1).tolist()
    True
    """
    key = np.array([checked_seed(seed), purpose], dtype=np.uint64)
    words = np.random.Philox(key=key).random_raw(n_rows)
    return np.argsort(words, kind="stable").astype(np.int64)


def _rounded(value: float) -> int:
    """Round half up: 0.5 rows of a class count as one, whatever the parity."""
    # The offset corrects the last bit of a product such as 0.15 · 10 = 1.4999999999999998.
    return int(np.floor(value + 0.5 + 1e-9))


def _rows_needed(fraction: float, n_classes: int) -> int:
    """Return the fewest rows of which one is held out and one of every class remains."""
    # The search starts just below the bounds without rounding and takes a few steps.
    near = max(0.5 / fraction, (n_classes - 0.5) / (1.0 - fraction))
    n_rows = max(2, int(near * (1.0 - 1e-9)) - 2)
    while not 1 <= _rounded(n_rows * fraction) <= n_rows - n_classes:
        n_rows += 1
    return n_rows


def _codes(classes: ArrayLike, n_rows: int) -> IntArray:
    """Return the classes, (rows,), as codes 0, 1, ..., each of which occurs."""
    given = np.asarray(classes)
    if given.shape != (n_rows,):
        raise InputError(
            f"`classes` must have one code for each row, shape ({n_rows},), got shape {given.shape}"
        )
    return np.unique(given, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _stratified(order: IntArray, codes: IntArray, counts: IntArray, wanted: int) -> IntArray:
    """Return the rows to hold out, (wanted,), in proportion to the classes; one of each remains.

    ``order`` and ``codes`` are (rows,), ``counts`` the rows of each class, (classes,).
    """
    quotas = counts * (wanted / len(order))
    shares = np.floor(quotas + 1e-9).astype(np.int64)  # below counts, because wanted < n_rows
    # The rest is assigned by largest remainder, the more frequent class first for equal ones.
    # More than one round is needed only where many classes have a single row, used for training.
    while (left := wanted - int(shares.sum())) > 0:
        room = np.flatnonzero(shares < counts - 1)
        ranked = room[np.lexsort((-counts[room], -(quotas - shares)[room]))]
        shares[ranked[:left]] += 1
    taken = [order[codes[order] == code][:share] for code, share in enumerate(shares)]
    return np.concatenate(taken)
