"""A prediction as a list of elementary steps: what every writer of a language reads.

A value has a name (t1, t2, ...) and belongs to one row of the table: a list of ``width`` numbers.
Constants (c1, c2, ...) are the same for every row: lists of numbers, or matrices for products.

=================  =============================================================================
``ReadNumbers``    the cells of columns of numbers, NaN where a cell is missing
``ReadDate``       the date in a cell: seconds since 1970-01-01 00:00 UTC, NaN where it is missing
``OneHot``         1 for the category of a cell of text, 0 for all others
``Missing``        1 where a number is NaN, else 0
``Gather``         entries of other values, one after the other
``MatrixProduct``  a value times a constant matrix
``Entrywise``      a formula of primitives entry by entry; an operand of width 1 serves all entries
``Total``          the sum of the entries
``Largest``        the largest entry
=================  =============================================================================

Names of columns and classes are data here: they occur in no identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from chainrule.arrays import FloatArray
from chainrule.data.number_texts import NumberForm
from chainrule.formulas.expressions import Expression

__all__ = [
    "Cell",
    "Column",
    "DateReading",
    "Entrywise",
    "Gather",
    "Largest",
    "MatrixProduct",
    "Missing",
    "OneHot",
    "Part",
    "Prediction",
    "ReadDate",
    "ReadNumbers",
    "Step",
    "Total",
    "last_uses",
    "needed",
]

Label = str | int | float
"""A label of a class; booleans are integers."""
Cell = float | str | bool | None
"""A cell of a table, of a date its text; None is missing."""


@dataclass(frozen=True)
class DateReading:
    """The form of the dates of a column (`date_texts.FORMS`), and whether they have times.

    ISO dates are read in every column, as the model does. ``earliest`` is the earliest date in
    training, in seconds since 1970. To a date in UTC ``zone`` minutes are added, and ``earliest``
    has them: the offset of all cells in training.
    """

    form: str = "iso"
    times: bool = False
    earliest: float = 0.0
    zone: int = 0


@dataclass(frozen=True)
class Column:
    """A column that a prediction reads; ``marks`` are texts that count as missing.

    ``form`` is how numbers as text are written, None where only plain numbers are expected;
    ``date`` is how dates are.
    """

    name: str
    kind: Literal["number", "boolean", "date", "text"]
    marks: tuple[str, ...] = ()
    form: NumberForm | None = None
    date: DateReading | None = None


@dataclass(frozen=True)
class Step:
    """One assignment to ``target``, a value of ``width`` numbers; ``note`` says what it is."""

    target: str
    width: int
    note: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the values and constants that the step reads."""
        raise NotImplementedError


@dataclass(frozen=True)
class ReadNumbers(Step):
    """The cells of columns of numbers, by the columns' indices; NaN where one is missing."""

    columns: tuple[int, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class ReadDate(Step):
    """The date in a cell, in seconds since 1970-01-01 00:00 UTC; NaN where it is missing."""

    column: int

    @property
    def sources(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class OneHot(Step):
    """1 for the category of a cell, 0 for all others; None is the category of missing cells."""

    column: int
    categories: tuple[str | None, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class _OfOne(Step):
    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,)


@dataclass(frozen=True)
class Missing(_OfOne):
    """1 where an entry is NaN, else 0."""


@dataclass(frozen=True)
class Total(_OfOne):
    """The sum of the entries."""


@dataclass(frozen=True)
class Largest(_OfOne):
    """The largest entry."""


@dataclass(frozen=True)
class MatrixProduct(_OfOne):
    """Σ_i source_i matrix_ij, with a constant matrix (source's width, width)."""

    matrix: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source, self.matrix)


@dataclass(frozen=True)
class Part:
    """``count`` consecutive entries of a value or of a list of constants."""

    source: str
    start: int
    count: int


@dataclass(frozen=True)
class Gather(Step):
    """Entries of other values, one part after the other."""

    parts: tuple[Part, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(part.source for part in self.parts)


@dataclass(frozen=True)
class Entrywise(Step):
    """A formula of primitives; ``operands`` are its symbols' names and what they stand for."""

    formula: Expression
    operands: tuple[tuple[str, str], ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.operands)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Everything that a writer needs: columns, steps in order, constants, and the answer.

    ``output`` is the value with the answer: a probability for each of ``labels``, or numbers, named
    by ``outputs``. ``title`` is one line about the model. ``examples`` makes rows with the model's
    own answers: the cells of each column, and the outputs, (rows, outputs). ``target_scale`` is the
    mean and the deviation of each target in training, where these were scaled.
    """

    columns: tuple[Column, ...]
    steps: tuple[Step, ...]
    constants: Mapping[str, FloatArray]
    output: str
    outputs: tuple[str, ...]
    labels: tuple[Label, ...] | None
    title: str
    examples: Callable[[], tuple[tuple[tuple[Cell, ...], ...], FloatArray]]
    target_scale: tuple[FloatArray, FloatArray] | None = None

    @property
    def widths(self) -> dict[str, int]:
        """The number of entries of every value and list of constants; columns of matrices."""
        found = {name: array.shape[-1] for name, array in self.constants.items()}
        return found | {step.target: step.width for step in self.steps}


def last_uses(prediction: Prediction) -> dict[str, int]:
    """Return the index of the last step that reads each value; the answer is read after all."""
    found = {
        source: index for index, step in enumerate(prediction.steps) for source in step.sources
    }
    return found | {prediction.output: len(prediction.steps)}


def needed(steps: tuple[Step, ...], output: str) -> Iterator[Step]:
    """Yield the steps that the answer needs, in order."""
    wanted, chosen = {output}, []
    for step in reversed(steps):
        if step.target in wanted:
            chosen.append(step)
            wanted.update(step.sources)
    yield from reversed(chosen)
