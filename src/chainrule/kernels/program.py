"""Programs: a fused Plan at given widths, as the tables of numbers that the core runs.

Here it is decided how each matrix lies in memory.  One with few columns is stored turned over
(samples in the lanes of a vector), by its width and the type of its numbers, never by the batch
size; products, totals and formulas then read and write it so, and only where no kernel can read a
matrix as it lies is it transposed first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import NotFused
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import Expression, Symbol, add
from chainrule.kernels.loops import LOOP_LINES, Loops
from chainrule.kernels.tape import OPERATIONS, Line, ScalarCode, Tape, sources
from chainrule.plans.fusion.fused_plan import (
    UNIT,
    Assignment,
    FusedPlan,
    Kernel,
    Looped,
    Multiplied,
    Reduced,
    names_of,
)
from chainrule.plans.operations import Reference

NOTHING, PRODUCT, DOT, TOTAL_ROWS, TOTAL_COLUMNS, LARGEST_ROWS, LARGEST_COLUMNS = range(7)
TRANSPOSITION, SCALARS, CHECK, LOOPS = 7, 8, 9, 10
ENTRYWISE, EACH_ROW, EACH_COLUMN, EVERYWHERE = range(4)
ARENA, IN_PLACE = 0, 1
REGISTERS, OPERANDS, SCALAR_ARGUMENTS, STORES, SUMS = 24, 16, 16, 8, 4
"""What one formula may have (``cpp/formula.hpp``, ``cpp/tape.hpp``)."""


class TooLarge(NotFused):
    """A fused formula needs more registers or operands than the core has."""


@dataclass
class Stored:
    """A matrix of the program: its number, its axes as stored, and whether that is turned over."""

    number: int
    rows: int
    columns: int
    turned: bool
    owner: int = ARENA


@dataclass
class Program:
    """The tables of ``cpp/program.hpp``, and where each value is found."""

    fused: FusedPlan
    sizes: Mapping[Axis, int]
    lanes: int
    natives: Mapping[str, int] = field(default_factory=dict)
    in_place: frozenset[str] = frozenset()
    stored: dict[str, Stored] = field(default_factory=dict)
    scalars: ScalarCode = field(default_factory=ScalarCode)
    instructions: list[tuple[int, ...]] = field(default_factory=list)
    formulas: list[tuple[int, ...]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    tape: list[tuple[int, ...]] = field(default_factory=list)
    steps: list[tuple[int, ...]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    read_by_vectors: set[str] = field(default_factory=set)
    registers: int = 0
    counters: int = 0

    def __post_init__(self) -> None:
        plan = self.fused.plan
        self.axes: list[Axis | None] = [None]
        samples = next((axis for axis in self.sizes if axis.is_samples), None)
        self.axes.append(samples or Axis("B", -1))
        self.axes += [axis for axis in self.sizes if axis is not samples]
        for axis in self.axes[1:]:
            assert axis is not None
            self.scalars.settle(f"|{axis.name}|")
        for symbol in (*plan.inputs, *plan.memory):
            if self.fused.sides.get(symbol.name) == UNIT and symbol.name not in self._changing:
                self.scalars.settle(symbol.name)
        self._checked = False
        for kernel in self.fused.kernels:
            self._kernel(kernel)
        if not self._checked:
            self._check()

    # -- what the engine is given -------------------------------------------------------------

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The tables as arrays, by the names of the binding's arguments."""
        prelude = len(self.scalars.steps)
        placed = sorted(self.stored.values(), key=lambda value: value.number)
        plan = self.fused.plan
        instructions = [
            (i[0], i[1], i[2] + prelude, i[3], i[4] + prelude, *i[5:])
            if i[0] in (SCALARS, LOOPS)
            else i
            for i in self.instructions
        ]
        return {
            "axes": _table(
                [[1 if axis is None else self.sizes.get(axis, 1)] for axis in self.axes]
            ),
            "values": _table([(v.rows, v.columns, v.owner) for v in placed], 3),
            "instructions": _table(instructions, 12),
            "formulas": _table(self.formulas, 11),
            "places": _table(self.places, 2),
            "slots": _table([[slot] for slot in self.slots], 1),
            "tape": _table(self.tape, 5),
            "scalar_code": _table([*self.scalars.steps, *self.steps], 5),
            "constants": np.array([*self.scalars.constants, 0.0]),
            "counts": (
                prelude,
                len(self.scalars.slots),
                self.scalars.slots[f"|{self.axes[1].name}|"],  # type: ignore[union-attr]
                self.scalars.slots["t"] if Symbol("t") in plan.inputs else -1,
                self._slot_of(plan.loss),
                self._slot_of(plan.data_loss),
                self.registers,
                self.counters,
            ),
        }

    def _slot_of(self, name: str) -> int:
        return self.scalars.slots.get(self.fused.found(name).name, 0)

    # -- how matrices lie ---------------------------------------------------------------------

    @cached_property
    def _changing(self) -> set[str]:
        return {name for kernel in self.fused.kernels for name in kernel.makes}

    def size(self, axis: Axis | None) -> int:
        """Return the length of an axis."""
        return 1 if axis is None else self.sizes[axis]

    def turned(self, sides: Sides) -> bool:
        """Return whether a matrix with these sides is stored turned over."""
        rows, columns = sides
        return rows is not None and self._narrow(self.size(columns))

    def _narrow(self, width: int) -> bool:
        """Return whether a row leaves so many lanes of a vector empty that it is better turned.

        Up to 10 of 16: measured with 4, 10 and 16; with 16 nothing is gained and more is folded.
        """
        return width == 1 or width * 8 <= self.lanes * 5

    def place(self, axis: Axis | None) -> int:
        """Return the number of an axis."""
        return self.axes.index(axis)

    def value(self, name: str) -> Stored:
        """Return where a matrix is stored, giving it a place when it is first met."""
        if name not in self.stored:
            sides = self.fused.sides[name]
            turned = self.turned(sides)
            rows, columns = reversed(sides) if turned else sides
            owner = IN_PLACE if name in self.in_place else ARENA
            self.stored[name] = Stored(
                len(self.stored), self.place(rows), self.place(columns), turned, owner
            )
        return self.stored[name]

    def _temporary(self, rows: int, columns: int) -> int:
        number = len(self.stored)
        self.stored[f"·{number}"] = Stored(number, rows, columns, False)
        return number

    # -- kernels ------------------------------------------------------------------------------

    def _kernel(self, kernel: Kernel) -> None:
        if kernel.updates and not self._checked:
            self._check()
        if kernel.scalar:
            for assignment in kernel.assignments:
                self._scalar_assignment(assignment)
            return
        turned = self.turned(kernel.sides)
        rows, columns = reversed(kernel.sides) if turned else kernel.sides
        instruction = [NOTHING, -1, 0, 0, 0, -1, self.place(rows), self.place(columns), 0, -1, 0, 0]
        bias = kernel.bias
        match kernel.producer:
            case Multiplied():
                left, right = kernel.producer.left, kernel.producer.right
                if turned:
                    left, right = right.turned(), left.turned()
                bias = self._product(instruction, left, right, bias, turned)
            case Reduced():
                self._reduction(instruction, kernel.producer, turned)
            case Looped():
                self._loops(instruction, kernel)
                if kernel.sides == UNIT:
                    self.instructions.append(tuple(instruction))
                    return
        result = self._result(kernel, bias)
        needs_value = instruction[0] not in (NOTHING, PRODUCT)
        if kernel.producer and (needs_value or result):
            instruction[1] = self.value(result or kernel.result).number
            instruction[11] = int(not result)
        self._formula(kernel, instruction, bias, turned, result)
        self.instructions.append(tuple(instruction))

    def _result(self, kernel: Kernel, bias: Reference | None) -> str:
        """Return the kept value that is the producer's result itself, if there is one."""
        if kernel.producer is None or bias is not None:
            return ""
        if kernel.result in kernel.stored:
            return kernel.result
        for assignment in kernel.assignments:
            if assignment.formula == Symbol(kernel.result) and assignment.target in kernel.stored:
                return assignment.target
        return ""

    def _product(
        self,
        instruction: list[int],
        left: Reference,
        right: Reference,
        bias: Reference | None,
        turned: bool,
    ) -> Reference | None:
        """Fill in a product of matrices as stored; return a bias that it cannot start from."""
        a, b = self.value(left.name), self.value(right.name)
        a_turned, b_turned = left.transposed != a.turned, right.transposed != b.turned
        rows = instruction[6]
        depth = a.rows if a_turned else a.columns
        a_number, b_number = a.number, b.number
        producer = PRODUCT
        if b_turned:
            length = 1 if rows == 0 else self.size(self.axes[rows])
            if rows != 1 and self._narrow(length):
                producer = DOT
                self.read_by_vectors |= {left.name, right.name}
                if a_turned and a.rows != 0:
                    a_number, a_turned = self._turn(a), False
            else:
                self.read_by_vectors.add(right.name)
                b_number = self._turn(b)
        else:
            self.read_by_vectors.add(right.name)
        instruction[0], instruction[2], instruction[3] = producer, a_number, int(a_turned)
        instruction[4], instruction[8] = b_number, depth
        if bias is None or (producer == DOT and not turned):
            return bias
        instruction[5] = self.value(bias.name).number
        instruction[10] = int(producer == PRODUCT and turned)
        return None

    def _turn(self, value: Stored) -> int:
        number = self._temporary(value.columns, value.rows)
        self.instructions.append(
            (TRANSPOSITION, number, value.number, 0, 0, -1, value.columns, value.rows, 0, -1, 0, 0)
        )
        return number

    def _reduction(self, instruction: list[int], reduced: Reduced, turned: bool) -> None:
        source = self.value(reduced.source.name)
        self.read_by_vectors.add(reduced.source.name)
        lies_turned = reduced.source.transposed != source.turned
        over_rows = (reduced.over == "rows") != lies_turned
        kinds = (LARGEST_ROWS, LARGEST_COLUMNS) if reduced.largest else (TOTAL_ROWS, TOTAL_COLUMNS)
        instruction[0] = kinds[0] if over_rows else kinds[1]
        instruction[2] = source.number
        instruction[8] = source.rows if over_rows else source.columns

    def _loops(self, instruction: list[int], kernel: Kernel) -> None:
        """Fill in an expression in loops: a line's place is its register."""
        assert isinstance(kernel.producer, Looped)
        references = {symbol.name: reference for symbol, reference in kernel.producer.operands}
        sides = {symbol.name: orient(symbol.axes, "rows") for symbol, _ in kernel.producer.operands}
        loops = Loops(sides)
        loops.store(kernel.producer.expression, kernel.result, kernel.sides)
        begin = len(self.steps)
        for place, line in enumerate(loops.code.lines):
            self.steps.append(self._loop_line(line, place, references))
        instruction[0], instruction[2], instruction[4] = LOOPS, begin, len(self.steps)
        self.registers = max(self.registers, len(loops.code.lines))
        self.counters = max(self.counters, loops.counter_count)

    def _loop_line(
        self, line: Line, place: int, references: Mapping[str, Reference]
    ) -> tuple[int, ...]:
        kind = OPERATIONS.index(line[0]) if line[0] in OPERATIONS else -1
        if line[0] in LOOP_LINES:
            kind = len(OPERATIONS) + LOOP_LINES.index(line[0])
        match line:
            case ("constant", value):
                return (kind, place, self.scalars.constant(value), 0, 0)
            case ("scalar", name):
                known = references.get(name)
                return (kind, place, self.scalars.slot(known.name if known else name), 0, 0)
            case ("load", name, row, column):
                reference = references[name]
                stored = self.value(reference.name)
                self.read_by_vectors.add(reference.name)
                if reference.transposed != stored.turned:
                    row, column = column, row
                return (kind, place, stored.number, row, column)
            case ("put", name, source, row, column):
                stored = self.value(name)
                row, column = (column, row) if stored.turned else (row, column)
                return (kind, stored.number, source, row, column)
            case ("put number", name, source):
                return (kind, self.scalars.slot(name), source, 0, 0)
            case ("begin", counter):
                return (kind, counter, 0, 0, 0)
            case ("end", counter, axis, begin):
                return (kind, counter, self.place(axis), place - begin, 0)
            case ("add to" | "largest of", target, source):
                return (kind, target, source, 0, 0)
        x, y, z = [*line[1:], 0, 0][:3]
        return (kind, place, x, y, z)

    def _formula(
        self,
        kernel: Kernel,
        instruction: list[int],
        bias: Reference | None,
        turned: bool,
        result: str,
    ) -> None:
        def leaf(name: str) -> tuple[Any, str] | None:
            return self._operand(references[name], kernel, turned)

        references: dict[str, Reference] = {}

        def scalar(formula: Expression) -> int:
            slot, steps = self.scalars.compute(formula)
            self._scalar_steps(steps)
            return slot

        tape = Tape(leaf, scalar)
        if kernel.producer:
            tape.values[kernel.result] = tape.operand(((-1, ENTRYWISE), "v"))
            if bias is not None:
                references[str(bias)] = bias
                tape.assign(kernel.result, add(Symbol(kernel.result), Symbol(str(bias))))
        for assignment in kernel.assignments:
            references |= assignment.operands
            tape.assign(assignment.target, assignment.formula)
        for source in kernel.sums.values():
            if source not in tape.values:
                references[source] = Reference(source)
                tape.assign(source, Symbol(source))
        stores = [name for name in kernel.stored if name not in kernel.sums and name != result]
        sums = list(kernel.sums)
        if not stores and not sums:
            return
        for name, source in kernel.sums.items():
            tape.values[name] = tape.values[source]
        tape.finish(stores, sums)
        self._append(tape, instruction)

    def _append(self, tape: Tape, instruction: list[int]) -> None:
        registers = allocated(tape.code.lines, tape.ends)
        sizes = (
            (registers.count, REGISTERS, "registers"),
            (len(tape.operands), OPERANDS, "operands"),
            (len(tape.scalars), SCALAR_ARGUMENTS, "scalars"),
            (len(tape.stores), STORES, "results"),
            (len(tape.sums), SUMS, "sums"),
        )
        for used, largest, what in sizes:
            if used > largest:
                raise TooLarge(f"a formula needs {used} {what}; the core has {largest}")
        text = tape.text
        self.texts.append(text)
        code = len(self.tape)
        for place, line in enumerate(tape.code.lines):
            self.tape.append(self._line(line, place, registers.of))
        for name, source, number in tape.ends:
            self.tape.append((OPERATIONS.index(name), 0, registers.of[source], number, 0))
        row = [self.natives.get(text, -1), code, len(self.tape)]
        row.append(len(self.places))
        self.places += [where for where, _ in tape.operands]
        row += [len(self.places), len(self.slots)]
        self.slots += tape.scalars
        row += [len(self.slots), len(self.places)]
        self.places += [(self.value(name).number, ENTRYWISE) for name in tape.stores]
        row += [len(self.places), len(self.slots)]
        self.slots += [self.scalars.slot(name) for name in tape.sums]
        row.append(len(self.slots))
        instruction[9] = len(self.formulas)
        self.formulas.append(tuple(row))

    def _line(self, line: Line, place: int, registers: Mapping[int, int]) -> tuple[int, ...]:
        name, target = OPERATIONS.index(line[0]), registers[place]
        match line:
            case ("operand", number, kind):
                return (name, target, number, int(kind == "b"), 0)
            case ("scalar", number):
                return (name, target, number, 0, 0)
            case ("constant", value):
                return (name, target, self.scalars.constant(value), 0, 0)
        found = [registers[source] for source in line[1:]]
        x, y, z = [*found, 0, 0][:3]
        return (name, target, x, y, z)

    def _operand(
        self, reference: Reference, kernel: Kernel, turned: bool
    ) -> tuple[Any, str] | None:
        """Return an operand's place and kind as a formula of this kernel reads it."""
        rows, columns = self.fused.sides[reference.name]
        if reference.transposed:
            rows, columns = columns, rows
        if rows is None and columns is None:
            return None
        value = self.value(reference.name)
        self.read_by_vectors.add(reference.name)
        if (rows is None) == (kernel.sides[0] is None) and (columns is None) == (
            kernel.sides[1] is None
        ):
            lies_turned = reference.transposed != value.turned
            vector = rows is None or columns is None
            if lies_turned == turned or vector:
                return ((value.number, ENTRYWISE), "v")
            number = self._turn(value)
            return ((number, ENTRYWISE), "v")
        by_row = (rows is None) != turned
        return ((value.number, EACH_ROW), "v") if by_row else ((value.number, EACH_COLUMN), "b")

    # -- scalars ------------------------------------------------------------------------------

    def _scalar_steps(self, steps: Sequence[tuple[int, ...]]) -> None:
        if not steps:
            return
        begin = len(self.steps)
        self.steps += steps
        end = len(self.steps)
        self.instructions.append((SCALARS, -1, begin, 0, end, -1, 0, 0, 0, -1, 0, 0))

    def _scalar_assignment(self, assignment: Assignment) -> None:
        slot, steps = self.scalars.compute(assignment.formula)
        target = self.scalars.slot(assignment.target)
        if steps and steps[-1][1] == slot:  # the last step can write to the target itself
            operation, _, *read = steps[-1]
            self._scalar_steps([*steps[:-1], (operation, target, *read)])
        else:
            copy = (OPERATIONS.index("maximum"), target, slot, slot, 0)
            self._scalar_steps([*steps, copy])

    def _check(self) -> None:
        plan = self.fused.plan
        self._checked = True
        loss = self.scalars.slots.get(self.fused.found(plan.loss).name)
        data_loss = self.scalars.slots.get(self.fused.found(plan.data_loss).name)
        made = {name for kernel in self.fused.kernels for name in kernel.makes}
        if self.fused.found(plan.loss).name in made and loss is not None and data_loss is not None:
            self.instructions.append((CHECK, -1, loss, 0, data_loss, -1, 0, 0, 0, -1, 0, 0))

    @property
    def names(self) -> set[str]:
        """Every value that a kernel reads or keeps."""
        return names_of(self.fused.kernels)


@dataclass(frozen=True)
class Registers:
    """A register for each line, and how many there are."""

    of: Mapping[int, int]
    count: int


def allocated(lines: Sequence[Line], ends: Sequence[Line]) -> Registers:
    """Give each line a register that is free while its value is needed."""
    last: dict[int, int] = {}
    for place, line in enumerate(lines):
        for source in sources(line):
            last[source] = place
    for end in ends:
        last[end[1]] = len(lines)
    free: list[int] = []
    of: dict[int, int] = {}
    count = 0
    for place, line in enumerate(lines):
        # A source is read before the result of the same line is stored: it may be its place.
        free += [of[source] for source in set(sources(line)) if last[source] == place]
        if not free:
            free.append(count)
            count += 1
        of[place] = free.pop()
    return Registers(of, count)


def _table(rows: Sequence[Any], width: int = 1) -> NDArray[np.int64]:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)
