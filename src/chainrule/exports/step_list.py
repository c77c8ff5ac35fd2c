"""The making of a list of steps: fresh names, constants stored once, copies avoided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import FloatArray
from chainrule.exports.prediction_steps import (
    Entrywise,
    Gather,
    Largest,
    MatrixProduct,
    Missing,
    OneHot,
    Part,
    ReadDate,
    ReadNumbers,
    Step,
    Total,
)
from chainrule.formulas.expressions import Expression

__all__ = ["StepList"]


class StepList:
    """Steps and constants so far; methods return the name of a value.

    An equal step is there once.

    >>> steps = StepList()
    >>> x = steps.read([0, 1])
    >>> steps.gather([Part(x, 0, 2)]) == x  # a copy of a whole value is no step
    True
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.constants: dict[str, FloatArray] = {}
        self.widths: dict[str, int] = {}
        self._made: dict[Step, str] = {}
        self._known: dict[tuple[tuple[int, ...], bytes], str] = {}

    def constant(self, values: ArrayLike) -> str:
        """Return the name of a list of numbers or of a matrix; equal ones are stored once."""
        array = np.ascontiguousarray(values, dtype=np.float64)
        key = (array.shape, array.tobytes())
        if key not in self._known:
            name = self._known[key] = f"c{len(self.constants) + 1}"
            self.constants[name], self.widths[name] = array, array.shape[-1]
        return self._known[key]

    def read(self, columns: Sequence[int], note: str = "") -> str:
        """Read the cells of columns of numbers."""
        return self._added(ReadNumbers(self._fresh(), len(columns), note, tuple(columns)))

    def read_date(self, column: int, note: str = "") -> str:
        """Read the cell of a column of dates, as seconds since 1970."""
        return self._added(ReadDate(self._fresh(), 1, note, column))

    def one_hot(self, column: int, categories: Sequence[str | None], note: str = "") -> str:
        """Read the category of a cell of text."""
        return self._added(OneHot(self._fresh(), len(categories), note, column, tuple(categories)))

    def missing(self, source: str, note: str = "") -> str:
        """Mark the entries that are NaN."""
        return self._added(Missing(self._fresh(), self.widths[source], note, source))

    def total(self, source: str, note: str = "") -> str:
        """Add up the entries."""
        return self._added(Total(self._fresh(), 1, note, source))

    def largest(self, source: str, note: str = "") -> str:
        """Find the largest entry."""
        return self._added(Largest(self._fresh(), 1, note, source))

    def product(self, source: str, matrix: FloatArray, note: str = "") -> str:
        """Multiply with a constant matrix; one that only selects entries gathers them."""
        selected = _selection(matrix)
        if selected is not None:
            return self.gather([Part(source, index, 1) for index in selected], note)
        name = self.constant(matrix)
        return self._added(MatrixProduct(self._fresh(), matrix.shape[1], note, source, name))

    def entrywise(
        self, formula: Expression, operands: Mapping[str, str], width: int, note: str = ""
    ) -> str:
        """Compute a formula of primitives, whose symbols are the keys of ``operands``."""
        pairs = tuple(operands.items())
        return self._added(Entrywise(self._fresh(), width, note, formula, pairs))

    def gather(self, parts: Sequence[Part], note: str = "") -> str:
        """Put entries of other values one after the other."""
        joined: list[Part] = []
        for part in parts:
            last = joined[-1] if joined else None
            if last and last.source == part.source and last.start + last.count == part.start:
                joined[-1] = Part(last.source, last.start, last.count + part.count)
            else:
                joined.append(part)
        (first, *others) = joined
        if not others and first.start == 0 and first.count == self.widths[first.source]:
            return first.source
        width = sum(part.count for part in joined)
        return self._added(Gather(self._fresh(), width, note, tuple(joined)))

    def _fresh(self) -> str:
        return f"t{len(self.steps) + 1}"

    def _added(self, step: Step) -> str:
        equal = replace(step, target="", note="")
        if equal not in self._made:
            self._made[equal] = step.target
            self.steps.append(step)
            self.widths[step.target] = step.width
        return self._made[equal]


def _selection(matrix: FloatArray) -> list[int] | None:
    """Return the row of the only 1 in each column, or None if (rows, columns) has other entries."""
    if not np.isin(matrix, (0.0, 1.0)).all() or not (matrix.sum(axis=0) == 1.0).all():
        return None
    found: list[int] = matrix.argmax(axis=0).tolist()
    return found
