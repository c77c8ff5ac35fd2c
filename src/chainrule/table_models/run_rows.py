"""The table of a run, how its rows were used, and the outputs that its score is of.

What a report measures beyond the score needs them. They are in memory with a run and in no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.data import Table
from chainrule.table_models.row_division import Fold

__all__ = ["RunRows", "placed"]


@dataclass(frozen=True, eq=False)
class RunRows:
    """A table with its kinds decided; positions are those of its rows.

    ``scored`` are the rows of the score, ``outputs`` what was predicted of them, (scored, outputs),
    in the targets' units. ``folds`` are the rows that each part of the score was trained on and
    scored on; none where the score is on the rows of training. ``groups`` has the group of each row
    of the table, ``weights`` its weight in the loss.
    """

    table: Table
    training: IntArray
    scored: IntArray
    outputs: RealArray
    folds: tuple[Fold, ...] = ()
    groups: IntArray | None = None
    weights: FloatArray | None = None


def placed(rows: IntArray, folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """Return folds of some rows of a table as positions in the table.

    >>> import numpy as np
    >>> folds = placed(np.array([4, 6, 9]), [(np.array([0, 2]), np.array([1]))])
    >>> [(rows.tolist(), held.tolist()) for rows, held in folds]
    [([4, 9], [6])]
    """
    return tuple((rows[trained], rows[held]) for trained, held in folds)
