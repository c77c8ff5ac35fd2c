"""A verdict on a line, and the numbers of the small example that go with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.marking.examples import Example
from chainrule.marking.messages import message_of
from chainrule.marking.syntax import Span

Array = NDArray[Any]
Said = tuple[str, Mapping[str, str]]
"""The key of a phrase and what is put into it."""

TOLERANCE = 1e-9
"""The worst difference, relative to the largest entry, of what counts as equal."""


@dataclass(frozen=True)
class LineVerdict:
    """What became of a line.

    ``kind`` says what is wrong in one word: ``transpose``, ``side``, ``product`` (entry by entry
    or matrix), ``factor``, ``slope``, ``sign``, ``sum``, ``sequential``, ``name``, ``bias``,
    ``penalty``, ``square``, ``root``, ``power``, ``epsilon``, ``correction``, ``decay`` (these six
    of optimizers), ``chain``, ``convention``, ``shape`` (axes do not meet), ``different``;
    ``right`` and ``right_here`` (only because of this network's widths, the optimizer's constants,
    or in the sense that the message tells) are right.
    ``position`` is where in the line the fault begins and ends.  ``numbers`` holds ``found`` and
    ``expected``, the arrays of a small example, and ``sizes``, the lengths of its axes.
    ``language`` is that of ``str()``.
    """

    line: str
    correct: bool
    kind: str
    position: Span | None = None
    repaired: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict, compare=False)
    said: tuple[tuple[str, Mapping[str, str]], ...] = field(default=(), repr=False)
    language: str = field(default="en", repr=False, compare=False)

    def message(self, language: str | None = None) -> str:
        """Return the verdict in words, in English or Chinese; first that which was asked for."""
        return message_of(self.said, self.language if language is None else language)

    def __str__(self) -> str:
        return self.message()


def same(value: Array, truth: Array) -> bool:
    """Whether a value is the truth; a vector without sides counts as the row or column it is."""
    if value.shape != truth.shape:
        flat = value.ndim < 2 and 1 in (*truth.shape, 1) and value.size == truth.size
        single = value.size == truth.size == 1
        if not (single or (flat and (truth.ndim < 2 or 1 in truth.shape))):
            return False
        value = value.reshape(truth.shape)
    scale = float(np.max(np.abs(truth), initial=1e-6))
    with np.errstate(all="ignore"):
        return bool(np.max(np.abs(value - truth), initial=0.0) <= TOLERANCE * scale)


@dataclass(frozen=True)
class Measures:
    """Lengths and numbers of an example in words."""

    example: Example

    def axis(self, length: int) -> str:
        """Return the name of the axis of a length, 1 for the unit axis."""
        batch = self.example.situation.batch
        for axis, size in self.example.sizes.items():
            if size == length and (batch or not axis.is_samples):
                return axis.name
        return str(length)

    def sides(self, shape: Sequence[int]) -> str:
        """Return a shape by the names of its axes: h×o."""
        return "×".join(self.axis(length) for length in shape) or "1×1"

    def numbers(self, found: Array | None, expected: Array) -> tuple[dict[str, Any], Said]:
        """Return both arrays with the lengths of the axes, and the worst entry in words."""
        sizes = {axis.name: self.example.sizes[axis] for axis in self.example.situation.axes}
        numbers = {"found": found, "expected": expected, "sizes": sizes}
        lengths = " | ".join(f"{name} = {size}" for name, size in sizes.items())
        wanted = self.sides(expected.shape)
        if found is None:
            return numbers, ("numbers_shape", {"sizes": lengths, "wanted": wanted})
        if found.ndim < 2 and found.size == expected.size:
            found = found.reshape(expected.shape)
        if found.shape != expected.shape:
            given = {"sizes": lengths, "given": self.sides(found.shape), "wanted": wanted}
            return numbers, ("numbers_shapes", given)
        if not np.all(np.isfinite(found)):
            return numbers, ("numbers_infinite", {"sizes": lengths})
        place = np.unravel_index(np.argmax(np.abs(found - expected)), expected.shape)
        given = {
            "sizes": lengths,
            "found": f"{float(found[place]):.6g}",
            "expected": f"{float(expected[place]):.6g}",
        }
        if expected.size == 1:
            return numbers, ("numbers_one", given)
        row, column = (int(index) + 1 for index in place)
        return numbers, ("numbers", {**given, "row": str(row), "column": str(column)})
