"""A verdict on a line, with the values of a small example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import shown
from chainrule.html_tables import block, facts
from chainrule.marking.examples import Example
from chainrule.marking.syntax import Span
from chainrule.marking.verdict_messages import MessagePart, MessageValue, message_of

Numbers: TypeAlias = Mapping[str, FloatArray | Mapping[str, int] | None]
"""The arrays ``found`` and ``expected``, and ``sizes``, the lengths by the names of the axes."""

TOLERANCE = 1e-9
"""The largest difference of equal values, relative to the largest entry."""


@dataclass(frozen=True)
class LineVerdict:
    """The result of marking a line.

    ``kind`` is ``right``; ``right_here``, for a line that is right only for this network's widths,
    for the optimizer's constants, or under an assumption that the message states; or the mistake:
    ``transpose``, ``side`` (order of factors), ``product`` (elementwise or matrix), ``factor``,
    ``slope`` (derivative of an activation), ``sign``, ``sum``, ``sequential``, ``name``, ``bias``,
    ``penalty``, for optimizers ``square``, ``root``, ``power``, ``epsilon``, ``correction``,
    ``decay`` and ``rate`` (right if a number is the learning rate), and ``chain``, ``index`` (right
    only for equal, or different, indices), ``convention``, ``itself`` (the right side uses the left
    side), ``shape`` (incompatible axes) or ``different``; in an answer also ``order`` (of
    statements or of returned values) and ``returned`` (a function returns nothing).
    ``correct`` is True for the kinds ``right`` and ``right_here``.  ``position`` is the start and
    the end of the mistake in the line, ``repaired`` the corrected line.  ``numbers`` contains
    ``found`` and ``expected``, the values of a small example, and ``sizes``, the lengths of its
    axes.  ``language`` is that of ``str()``.
    """

    line: str
    correct: bool
    kind: str
    position: Span | None = None
    repaired: str = ""
    numbers: Numbers = field(default_factory=dict, compare=False)
    message_parts: tuple[MessagePart, ...] = field(default=(), repr=False)
    language: str = field(default="en", repr=False, compare=False)

    def message(self, language: str | None = None) -> str:
        """Return the verdict as text in "en" or "zh", by default in ``language``."""
        return message_of(self.message_parts, self.language if language is None else language)

    def __str__(self) -> str:
        return self.message()

    def __repr__(self) -> str:
        return f"<LineVerdict {self.kind}: {shown(self.line)}>"

    def _repr_html_(self) -> str:
        start, end = self.position or (0, 0)
        return block(
            facts(
                [
                    ("line", self.line),
                    ("kind", self.kind),
                    ("verdict", self.message()),
                    ("where", self.line[start:end]),
                    ("repaired", self.repaired),
                ]
            )
        )


def same(value: FloatArray, truth: FloatArray) -> bool:
    """Return whether two values are equal; a vector of ndim 1 equals a row or a column."""
    if value.shape != truth.shape:
        flat = value.ndim < 2 and 1 in (*truth.shape, 1) and value.size == truth.size
        single = value.size == truth.size == 1
        if not (single or (flat and (truth.ndim < 2 or 1 in truth.shape))):
            return False
        value = value.reshape(truth.shape)
    # No smallest scale: gradients in deep networks of sigmoids are small, and differ all the same.
    scale = float(np.max(np.abs(truth), initial=0.0))
    with np.errstate(all="ignore"):
        return bool(np.max(np.abs(value - truth), initial=0.0) <= TOLERANCE * scale)


@dataclass(frozen=True)
class ExampleTexts:
    """The texts of an example's lengths and values."""

    example: Example

    def axis(self, length: int) -> str:
        """Return the name of the axis with a length, 1 for an axis of length 1."""
        batch = self.example.context.batch
        for axis, size in self.example.sizes.items():
            if size == length and (batch or not axis.is_samples):
                return axis.name
        return str(length)

    def shape(self, shape: Sequence[int]) -> str:
        """Return a shape by the names of its axes, such as h×o."""
        return "×".join(self.axis(length) for length in shape) or "1×1"

    def comparison(
        self, found: FloatArray | None, expected: FloatArray
    ) -> tuple[Numbers, MessagePart]:
        """Return both values with the lengths of the axes, and a message on the worst entry."""
        sizes = {axis.name: self.example.sizes[axis] for axis in self.example.context.axes}
        numbers: Numbers = {"found": found, "expected": expected, "sizes": sizes}
        values: dict[str, MessageValue] = {
            "sizes": tuple(f"{name} = {size}" for name, size in sizes.items())
        }
        if expected.ndim not in (0, 2):  # an axis for each letter of an index form
            found = None if found is None else np.atleast_2d(np.squeeze(found))
            expected = np.atleast_2d(np.squeeze(expected))
        shape = self.shape(expected.shape)
        if found is None:
            return numbers, MessagePart("example_shape", {**values, "expected": shape})
        if found.size == expected.size and (found.ndim < 2 or found.size == 1):
            found = found.reshape(expected.shape)
        if found.shape != expected.shape:
            values |= {"found": self.shape(found.shape), "expected": shape}
            return numbers, MessagePart("example_shapes", values)
        if not np.all(np.isfinite(found)):
            return numbers, MessagePart("example_infinite", values)
        worst = np.unravel_index(np.argmax(np.abs(found - expected)), expected.shape)
        pair = float(found[worst]), float(expected[worst])
        texts = [f"{number:.6g}" for number in pair]
        if texts[0] == texts[1]:
            texts = [f"{number:.16g}" for number in pair]
        values |= dict(zip(("found", "expected"), texts, strict=True))
        if expected.size == 1:
            return numbers, MessagePart("example_scalar", values)
        row, column = (str(int(index)) for index in worst)  # from 0, as `explain` counts
        return numbers, MessagePart("example_entry", {**values, "row": row, "column": column})
