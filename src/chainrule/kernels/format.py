"""The tables that Python hands to the compiled core, described once.

An enumeration lists what one field may contain, a named tuple describes one row of a table.
``python -m chainrule.kernels.generate`` writes both to ``cpp/generated/program.inc``, with the same
names, order, defaults and comments; the bindings copy tables into these structs by their layout.
Every integer has 64 bits there.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import numpy as np

from chainrule.arrays import IntArray

NONE = -1
"""Stands for no value, no formula, no slot."""

UNIT_AXIS, SAMPLE_AXIS = 0, 1
"""Axes by number: 0 has length 1, 1 are the samples of the current batch."""


class Owner(IntEnum):
    """Which memory holds a matrix."""

    ARENA = 0
    CALLER = 1
    """Rows of the caller's array, read only as the left factor of products."""


class Producer(IntEnum):
    """What an instruction computes before its formula is applied."""

    NOTHING = 0
    PRODUCT = 1
    """destination = op(a) · b; each sum starts from the bias."""
    DOT = 2
    """destination = a · bᵀ, along contiguous rows of both."""
    TOTAL_OF_ROWS = 3
    """Sums down the columns of a: one row."""
    TOTAL_OF_COLUMNS = 4
    """Sums along the rows of a: one row, with an entry for each row of a."""
    LARGEST_OF_ROWS = 5
    """Largest entries of the columns of a: one row."""
    LARGEST_OF_COLUMNS = 6
    """Largest entries of the rows of a: one row."""
    TRANSPOSITION = 7
    """destination = aᵀ."""
    SCALARS = 8
    """Scalar code from step a to step b, b excluded."""
    CHECK = 9
    """End the step where scalar a or b is not finite; no parameter has changed by then."""
    LOOPS = 10
    """Scalar code from step a to step b, b excluded, with loops over axes."""
    MASK = 11
    """Entries drawn at random: 0 with the probability b, else 1 / (1 - b); b: bits of a double."""
    NOISE = 12
    """Entries drawn from the normal distribution with mean 0 and the standard deviation b."""
    LOOKUP = 13
    """destination = for each sample the row of b that its code in a names."""
    SUM_BY_CODE = 14
    """destination = for each code the sum of the rows of b whose code in a it is."""


class Broadcast(IntEnum):
    """How the entries of an operand belong to the entries of a formula's result."""

    ENTRIES = 0
    """One entry for each entry."""
    ROW = 1
    """One row, used for every row."""
    COLUMN = 2
    """One entry for each row, stored contiguously."""


class Operation(IntEnum):
    """The operations of a formula, of scalar code and of loops."""

    OPERAND = 0
    """An entry of operand x; y is 1 where one entry serves a whole row."""
    SCALAR = 1
    """Scalar argument x of a formula, or slot x in loops."""
    CONSTANT = 2
    """Constant x."""
    STORE = 3
    """Store register x to result y of the formula."""
    SUM = 4
    """Add register x to sum y of the formula."""
    ADD = 5
    SUBTRACT = 6
    MULTIPLY = 7
    DIVIDE = 8
    FMA = 9
    """x y + z."""
    FNMA = 10
    """z - x y."""
    NEGATE = 11
    EXP = 12
    LOG = 13
    EXPM1 = 14
    LOG1P = 15
    TANH = 16
    ERF = 17
    SIGMOID = 18
    SQRT = 19
    ABS = 20
    SIGN = 21
    MAXIMUM = 22
    MINIMUM = 23
    GREATER = 24
    """1 where x > y, 0 elsewhere."""
    WHERE = 25
    """y where x is not 0, z elsewhere."""
    POWER = 26
    SIN = 27
    COS = 28
    EQUAL = 29
    """1 where x = y, 0 elsewhere."""
    LOOP_LOAD = 30
    """Loops: an entry of value x; y and z are the counters of its row and its column."""
    LOOP_BEGIN = 31
    """Loops: set the counter `target` to 0."""
    LOOP_END = 32
    """Loops: count along axis x; repeat from y steps before until its end."""
    LOOP_ADD = 33
    """Loops: add register x to the register `target`."""
    LOOP_LARGEST = 34
    """Loops: the larger of the register `target` and register x."""
    LOOP_STORE = 35
    """Loops: store register x to an entry of value `target`; y and z as in LOOP_LOAD."""
    LOOP_SLOT = 36
    """Loops: store register x to the scalar slot `target`."""


class SampleOrder(IntEnum):
    """The order in which an epoch takes its samples."""

    UNSHUFFLED = 0
    PHILOX = 1
    """Drawn for each epoch from a seed."""
    MERSENNE_TWISTER = 2
    """The order of the last epoch, shuffled again by NumPy's RandomState."""
    GIVEN = 3
    """The same order for every epoch."""


class RunEnding(IntEnum):
    """Why a run of epochs has ended."""

    FINISHED = 0
    INTERRUPTED = 1
    """The listener raised an exception."""
    NOT_FINITE = 2
    """A loss is not finite."""
    NOT_IMPROVED = 3
    """The monitored value no longer improves."""
    REQUESTED = 4
    """The listener requested the end after an epoch."""


class ValueRow(NamedTuple):
    """A matrix as it is stored."""

    rows: int
    """Axis of its rows."""
    columns: int
    """Axis of its columns."""
    owner: Owner = Owner.ARENA


class Instruction(NamedTuple):
    """A producer, and a formula that is applied to its result block by block."""

    producer: Producer
    destination: int = NONE
    """Value; none: the result is stored in a scratch block."""
    a: int = 0
    """Value; first step of scalar code; slot of a checked scalar; stream of what is drawn."""
    a_transposed: bool = False
    """What is drawn: samples are the columns as stored."""
    b: int = 0
    """Value; end of scalar code; slot of a checked scalar; bits of a distribution's parameter."""
    bias: int = NONE
    """Value that is added to each row (product), or one entry to each row (dot)."""
    rows: int = UNIT_AXIS
    """Axis of the result's rows."""
    columns: int = UNIT_AXIS
    """Axis of the result's columns."""
    depth: int = UNIT_AXIS
    """Axis of the terms of a sum."""
    formula: int = NONE
    """Row in the table of formulas."""
    bias_by_row: bool = False
    """Product: the bias is one entry for each row."""
    b_transposed: bool = False
    """Lookup, sum by code: b is stored transposed; `a_transposed` is whether the destination is."""
    formula_only: bool = False
    """No other instruction reads the destination: it need not be stored."""


class FormulaRow(NamedTuple):
    """A formula entry by entry: its code and what it reads and writes.

    Each pair of a begin and an end (excluded) is a range of rows in another table.
    """

    native: int
    """Number of the generated kernel; none: the tape."""
    code_begin: int
    """Rows of the tape."""
    code_end: int
    operand_begin: int
    """Rows of the operands."""
    operand_end: int
    scalar_begin: int
    """Rows of the slots: scalar arguments."""
    scalar_end: int
    store_begin: int
    """Rows of the operands: results that are stored."""
    store_end: int
    sum_begin: int
    """Rows of the slots: each receives the sum over all entries."""
    sum_end: int


class OperandRow(NamedTuple):
    """Where a formula reads an operand or stores a result."""

    value: int
    """None: the producer's result."""
    broadcast: Broadcast = Broadcast.ENTRIES


class Step(NamedTuple):
    """One step of the tape or of scalar code: an operation and up to three sources."""

    operation: Operation
    target: int
    """Register of the tape or of loops; slot of scalar code."""
    x: int = 0
    y: int = 0
    z: int = 0


class Counts(NamedTuple):
    """Numbers that belong to a whole program."""

    prelude_steps: int = 0
    """Steps at the beginning of scalar code that depend on given scalars and on the batch only."""
    slots: int = 0
    """Number of scalar slots."""
    batch_slot: int = NONE
    """Slot of the number of samples in the batch."""
    time_slot: int = NONE
    """Slot of the number of the step; none: no formula reads it."""
    loss_slot: int = 0
    data_loss_slot: int = 0
    registers: int = 0
    """Registers that loops need."""
    counters: int = 0
    """Counters that loops need."""


class StoppingRow(NamedTuple):
    """A monitored value and its state: the rule of ``kernels/stopping.py``.

    An epoch improves where the value is at most the best one minus ``tolerance``.  After more than
    ``patience`` epochs in a row that do not, the learning rate is divided; where it already is at
    most ``smallest_rate``, or ``divisor`` is 0, the run ends.
    """

    held_out: float
    """1: the held-out loss; 0: data_weight · data loss + penalties."""
    data_weight: float
    patience: float
    tolerance: float
    divisor: float
    """Of the learning rate; 0: the run ends at once."""
    smallest_rate: float
    restores_best: float
    """1: store the parameters after each best epoch."""
    best: float = np.inf
    """The lowest value so far; this and the following fields are updated by a run."""
    best_epoch: float = 0.0
    not_improved: float = 0.0
    """Epochs in a row without improvement."""
    reductions: float = 0.0
    """How often the learning rate was divided."""


class EpochRow(NamedTuple):
    """The record of one epoch."""

    loss: float = 0.0
    data_loss: float = 0.0
    held_loss: float = 0.0
    rate: float = 0.0
    """The learning rate."""


Row: TypeAlias = (
    ValueRow | Instruction | FormulaRow | OperandRow | Step | Counts | StoppingRow | EpochRow
)

ENUMERATIONS: tuple[type[IntEnum], ...] = (
    Owner,
    Producer,
    Broadcast,
    Operation,
    SampleOrder,
    RunEnding,
)
ROWS: tuple[type[Row], ...] = (
    ValueRow,
    Instruction,
    FormulaRow,
    OperandRow,
    Step,
    Counts,
    StoppingRow,
    EpochRow,
)

OPERATIONS: dict[str, Operation] = {operation.name.lower(): operation for operation in Operation}
"""Operations by the names that lines of code have."""


def table(kind: type[Row], rows: Iterable[Row]) -> IntArray:
    """Return rows of integers as an array of shape (rows, fields).

    >>> table(ValueRow, [ValueRow(rows=1, columns=2)]).tolist()
    [[1, 2, 0]]
    """
    listed = list(rows)
    return np.array(listed, dtype=np.int64).reshape(len(listed), len(kind._fields))
