"""How the rows of a table are divided: into rows to train on, rows held out, and folds.

- By default at random, with the same share of each class in every part. A class of a single row is
  trained in every fold.
- By groups: rows of one group, such as the visits of one patient, stay together, so that the score
  is on groups that training did not see.
- By time: the rows held out are the latest, and folds are spans of time, so that neighbors in time
  are not on both sides. `RowDivision.forward` has folds whose training rows are all earlier.

Errors: groups or spans without which training has no row of a class, and classes of one row each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from chainrule.arrays import FloatArray, IntArray
from chainrule.data.splits import fold_numbers, group_numbers, holdout
from chainrule.errors import DataError, InputError, shown

__all__ = ["Fold", "RowDivision"]

Fold: TypeAlias = tuple[IntArray, IntArray]
"""Rows to train on, and rows held out."""


@dataclass(frozen=True, eq=False)
class RowDivision:
    """What decides how rows are divided; arrays have one entry per row.

    ``classes`` are codes of the labels, ``groups`` of the groups, ``times`` numbers that grow with
    time; groups and times exclude each other.

    >>> division = RowDivision(4, times=np.array([2.0, 0.0, 3.0, 1.0]))
    >>> [rows.tolist() for rows in division.held_out(0.25, seed=0)]
    [[0, 1, 3], [2]]
    >>> [(rows.tolist(), held.tolist()) for rows, held in division.forward(3)]
    [([1], [3]), ([1, 3], [0]), ([0, 1, 3], [2])]
    """

    rows: int
    classes: IntArray | None = None
    labels: Sequence[object] = ()
    """The labels that the codes stand for, for messages."""
    groups: IntArray | None = None
    times: FloatArray | None = None

    @property
    def rule(self) -> Literal["random", "group", "time"]:
        """Whether rows are divided at "random", by "group" or by "time"."""
        if self.groups is not None:
            return "group"
        return "random" if self.times is None else "time"

    @property
    def most_folds(self) -> int:
        """The most folds that the rows can be divided into."""
        if self.groups is not None:
            return len(np.unique(self.groups))
        return self.rows if self.times is None else len(np.unique(self.times))

    def part(self, rows: IntArray) -> RowDivision:
        """Return the division of some of the rows."""
        chosen = (
            None if array is None else array[rows]
            for array in (self.classes, self.groups, self.times)
        )
        classes, groups, times = chosen
        return RowDivision(len(rows), classes, self.labels, groups, times)  # type: ignore[arg-type]

    def held_out(self, share: float, seed: int) -> Fold:
        """Return the rows to train on, and about this share of the rows."""
        if self.groups is not None:
            self._refuse_few(2)
            numbers = group_numbers(self.groups, (1.0 - share, share), seed, self.classes)
            fold = (np.flatnonzero(numbers == 0), np.flatnonzero(numbers == 1))
        elif self.times is not None:
            self._refuse_few(2)
            first = np.quantile(self.times, 1.0 - share, method="higher")
            first = first if first > self.times.min() else np.unique(self.times)[1]
            fold = (np.flatnonzero(self.times < first), np.flatnonzero(self.times >= first))
        else:
            return holdout(self.rows, share, seed, self.classes)
        self._refuse_untrained([fold])
        return fold

    def folds(self, count: int, seed: int) -> list[Fold]:
        """Return so many folds, each of which trains on all rows that it does not hold out."""
        if self.rule != "random":
            self._refuse_few(count)
        if self.groups is not None:
            numbers = group_numbers(self.groups, [1.0 / count] * count, seed, self.classes)
        elif self.times is not None:
            numbers = self._spans(count)
        else:
            numbers = fold_numbers(self.rows, count, seed, self.classes)
            if self.classes is not None:
                singles = np.bincount(self.classes)[self.classes] == 1
                numbers = np.where(singles, -1, numbers)
                if singles.all():
                    raise DataError(
                        f"each of the {self.rows} rows has a class of its own "
                        f"({', '.join(map(shown, self.labels[:3]))}, ...), so that none can be "
                        "held out; a class needs two rows at least: give more rows, or declare the "
                        "target numeric (--column NAME:numeric) if it is a number"
                    )
        found = [(np.flatnonzero(numbers != n), np.flatnonzero(numbers == n)) for n in range(count)]
        found = [fold for fold in found if len(fold[1])]
        if self.rule != "random":
            self._refuse_untrained(found)
        return found

    def forward(self, count: int) -> list[Fold]:
        """Return so many folds in the order of time, each trained on the rows before it."""
        self._refuse_few(count + 1)
        spans = self._spans(count + 1)
        found = [
            (np.flatnonzero(spans < n), np.flatnonzero(spans == n)) for n in range(1, count + 1)
        ]
        self._refuse_untrained(found)
        return found

    def _spans(self, count: int) -> IntArray:
        """Return the number of each row's span of time; equal times are in one span."""
        assert self.times is not None
        distinct, positions, counts = np.unique(self.times, return_inverse=True, return_counts=True)
        before = np.cumsum(counts) - counts / 2.0  # the middle of each time's rows
        spans = np.minimum((before * count / self.rows).astype(np.int64), count - 1)
        if len(np.unique(spans)) < count:  # many rows have one time: so many times in each span
            spans = np.arange(len(distinct)) * count // len(distinct)
        return spans[positions.reshape(-1)].astype(np.int64)

    def _refuse_few(self, parts: int) -> None:
        have = self.most_folds
        if have < parts:
            what = "group" if self.groups is not None else "time"
            raise InputError(
                f"`{what}` must have at least {parts} different values to divide the rows, got "
                f"{have}. Use fewer folds, or leave `{what}` out."
            )

    def _refuse_untrained(self, folds: Iterable[Fold]) -> None:
        """Raise DataError where a fold has a class that it does not train on."""
        if self.classes is None:
            return
        every = np.unique(self.classes)
        for rows, _ in folds:
            lacking = np.setdiff1d(every, self.classes[rows])
            if len(lacking):
                where = "one group" if self.groups is not None else "one span of time"
                raise DataError(
                    f"the class {shown(self.labels[int(lacking[0])])} has rows in {where} only, "
                    "so that a fold without it cannot learn the class; give more rows, use fewer "
                    "folds, or leave out the rows of that class"
                )
