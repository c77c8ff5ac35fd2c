"""The instructions of a program, from the kernels of a fused Plan.

Each kernel becomes one instruction: a producer and a formula that is applied to its result.  A
matrix that no producer can read in its layout is transposed first; arithmetic on single numbers
becomes scalar code.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.errors import NotFused
from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Symbol, add
from chainrule.kernels.format import (
    NONE,
    OPERATIONS,
    Broadcast,
    Counts,
    FormulaRow,
    Instruction,
    OperandRow,
    Operation,
    Producer,
    Step,
    ValueRow,
    table,
)
from chainrule.kernels.loops import Loops
from chainrule.kernels.program import Program
from chainrule.kernels.program_layout import Layout, StoredValue
from chainrule.kernels.tape import Line, Operand, ScalarCode, Tape, allocated
from chainrule.network.distributions import Mask, Noise
from chainrule.plans.fusion.fused_plan import (
    UNIT,
    AddedUp,
    Assignment,
    Drawn,
    FusedPlan,
    Kernel,
    LookedUp,
    Looped,
    Multiplied,
    Reduced,
)
from chainrule.plans.operations import Reference

REGISTERS, OPERANDS, SCALAR_ARGUMENTS, STORES, SUMS = 24, 16, 16, 8, 4
"""What one formula may have (``cpp/formula.hpp``, ``cpp/tape.hpp``)."""


_RANDOM = {Mask: Producer.MASK, Noise: Producer.NOISE}


class TooLarge(NotFused):
    """A fused formula needs more registers or operands than the core has."""


def assembled(
    fused: FusedPlan,
    sizes: Mapping[Axis, int],
    lanes: int,
    natives: Mapping[str, int] | None = None,
    from_caller: frozenset[str] = frozenset(),
) -> Program:
    """Return the program of a fused Plan at these lengths of axes.

    ``lanes`` are the entries of a vector, ``natives`` the generated kernels by the text of their
    formula; values in ``from_caller`` are read from the caller's arrays.  Raises ``TooLarge`` if
    a formula exceeds the core.
    """
    return Assembly(Layout(fused, sizes, lanes, from_caller), natives or {}).program()


class Assembly:
    """The tables of one program, filled in kernel by kernel."""

    def __init__(self, layout: Layout, natives: Mapping[str, int]) -> None:
        self.layout = layout
        self.fused = layout.fused
        self.natives = natives
        self.scalars = ScalarCode()
        self.instructions: list[Instruction] = []
        self.formulas: list[FormulaRow] = []
        self.operands: list[OperandRow] = []
        self.slots: list[int] = []
        self.tape: list[Step] = []
        self.steps: list[Step] = []
        self.texts: list[str] = []
        self.registers = 0
        self.counters = 0
        self._checked = False
        plan = self.fused.plan
        changing = {name for kernel in self.fused.kernels for name in kernel.makes}
        for axis in layout.named_axes:
            self.scalars.mark_fixed(f"|{axis.name}|")
        for symbol in (*plan.inputs, *plan.memory):
            if self.fused.sides.get(symbol.name) == UNIT and symbol.name not in changing:
                self.scalars.mark_fixed(symbol.name)
        for kernel in self.fused.kernels:
            self._add_kernel(kernel)
        if not self._checked:
            self._add_check()

    def program(self) -> Program:
        """Return the finished tables."""
        layout, scalars, plan = self.layout, self.scalars, self.fused.plan
        prelude = len(scalars.steps)
        instructions = [
            instruction._replace(a=instruction.a + prelude, b=instruction.b + prelude)
            if instruction.producer in (Producer.SCALARS, Producer.LOOPS)
            else instruction
            for instruction in self.instructions
        ]
        counts = Counts(
            prelude_steps=prelude,
            slots=len(scalars.slots),
            batch_slot=scalars.slots[f"|{layout.samples.name}|"],
            time_slot=scalars.slots["t"] if Symbol("t") in plan.inputs else NONE,
            loss_slot=self._slot_of(plan.loss) or 0,
            data_loss_slot=self._slot_of(plan.data_loss) or 0,
            registers=self.registers,
            counters=self.counters,
        )
        axes = range(1 + len(layout.named_axes))
        return Program(
            fused=self.fused,
            sizes=layout.sizes,
            stored=layout.stored,
            scalar_slots=scalars.slots,
            read_by_vectors=frozenset(layout.read_by_vectors),
            texts=tuple(self.texts),
            axes=np.array([[layout.length(axis)] for axis in axes], np.int64),
            values=table(ValueRow, [value.row for value in layout.stored.values()]),
            instructions=table(Instruction, instructions),
            formulas=table(FormulaRow, self.formulas),
            operands=table(OperandRow, self.operands),
            slots=np.array(self.slots, np.int64).reshape(-1, 1),
            tape=table(Step, self.tape),
            scalar_code=table(Step, [*scalars.steps, *self.steps]),
            constants=np.array([*scalars.constants, 0.0]),
            counts=table(Counts, [counts]),
        )

    def _slot_of(self, name: str) -> int | None:
        return self.scalars.slots.get(self.fused.found(name).name)

    # -- producers ----------------------------------------------------------------------------

    def _add_kernel(self, kernel: Kernel) -> None:
        if kernel.updates and not self._checked:
            self._add_check()
        if kernel.scalar:
            for assignment in kernel.assignments:
                self._add_scalar_assignment(assignment)
            return
        transposed = self.layout.transposed(kernel.sides)
        rows, columns = reversed(kernel.sides) if transposed else kernel.sides
        instruction = Instruction(
            Producer.NOTHING,
            rows=self.layout.axis_number(rows),
            columns=self.layout.axis_number(columns),
        )
        bias = kernel.bias
        match kernel.producer:
            case Multiplied(left, right):
                if transposed:
                    left, right = right.turned(), left.turned()
                instruction, bias = self._product(instruction, left, right, bias, transposed)
            case Reduced() as reduced:
                instruction = self._reduction(instruction, reduced)
            case LookedUp(codes, source) | AddedUp(codes, source):
                looks_up = isinstance(kernel.producer, LookedUp)
                instruction = instruction._replace(
                    producer=Producer.LOOKUP if looks_up else Producer.SUM_BY_CODE,
                    a=self.layout.value(codes.name).number,
                    a_transposed=transposed,
                    b=self.layout.value(source.name).number,
                    b_transposed=self.layout.value(source.name).transposed,
                    depth=self.layout.axis_number(self.layout.samples),
                )
            case Drawn() as drawn:
                instruction = self._draws(instruction, drawn, transposed)
            case Looped() as looped:
                instruction = self._loops(instruction, looped, kernel)
                if kernel.sides == UNIT:
                    self.instructions.append(instruction)
                    return
        result = self._stored_result(kernel, bias)
        needs_value = instruction.producer not in (Producer.NOTHING, Producer.PRODUCT)
        if kernel.producer and (needs_value or result):
            instruction = instruction._replace(
                destination=self.layout.value(result or kernel.result).number,
                formula_only=not result,
            )
        formula = self._add_formula(kernel, bias, transposed, result)
        self.instructions.append(instruction._replace(formula=formula))

    def _stored_result(self, kernel: Kernel, bias: Reference | None) -> str:
        """Return the stored value that is the producer's result itself, or an empty name."""
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
        instruction: Instruction,
        left: Reference,
        right: Reference,
        bias: Reference | None,
        transposed: bool,
    ) -> tuple[Instruction, Reference | None]:
        """Return a product of matrices as stored, and a bias that its sums cannot start from."""
        layout = self.layout
        a, b = layout.value(left.name), layout.value(right.name)
        a_transposed = left.transposed != a.transposed
        b_transposed = right.transposed != b.transposed
        depth = a.rows if a_transposed else a.columns
        producer = Producer.PRODUCT
        if b_transposed:
            if instruction.rows != 1 and layout.is_narrow(layout.length(instruction.rows)):
                producer = Producer.DOT
                layout.read_by_vectors |= {left.name, right.name}
                if a_transposed and a.rows != 0:
                    a, a_transposed = self._add_transposition(a), False
            else:
                layout.read_by_vectors.add(right.name)
                b = self._add_transposition(b)
        else:
            layout.read_by_vectors.add(right.name)
        instruction = instruction._replace(
            producer=producer, a=a.number, a_transposed=a_transposed, b=b.number, depth=depth
        )
        if bias is None or (producer == Producer.DOT and not transposed):
            return instruction, bias
        return (
            instruction._replace(
                bias=layout.value(bias.name).number,
                bias_by_row=producer == Producer.PRODUCT and transposed,
            ),
            None,
        )

    def _add_transposition(self, value: StoredValue) -> StoredValue:
        copy = self.layout.temporary(value.columns, value.rows)
        self.instructions.append(
            Instruction(
                Producer.TRANSPOSITION,
                destination=copy.number,
                a=value.number,
                rows=value.columns,
                columns=value.rows,
            )
        )
        return copy

    def _reduction(self, instruction: Instruction, reduced: Reduced) -> Instruction:
        source = self.layout.value(reduced.source.name)
        self.layout.read_by_vectors.add(reduced.source.name)
        transposed = reduced.source.transposed != source.transposed
        over_rows = (reduced.over == "rows") != transposed
        if reduced.largest:
            producer = Producer.LARGEST_OF_ROWS if over_rows else Producer.LARGEST_OF_COLUMNS
        else:
            producer = Producer.TOTAL_OF_ROWS if over_rows else Producer.TOTAL_OF_COLUMNS
        return instruction._replace(
            producer=producer, a=source.number, depth=source.rows if over_rows else source.columns
        )

    def _draws(self, instruction: Instruction, drawn: Drawn, transposed: bool) -> Instruction:
        producer = _RANDOM.get(type(drawn.distribution))
        if producer is None:
            raise NotFused(f"the core does not draw from the distribution {drawn}")
        bits = np.float64(drawn.distribution.parameter).view(np.int64)
        return instruction._replace(
            producer=producer, a=drawn.stream, a_transposed=transposed, b=int(bits)
        )

    def _loops(self, instruction: Instruction, looped: Looped, kernel: Kernel) -> Instruction:
        """Return an expression in loops; the index of a line is its register."""
        references = {symbol.name: reference for symbol, reference in looped.operands}
        sides = {symbol.name: orient(symbol.axes, "rows") for symbol, _ in looped.operands}
        loops = Loops(sides)
        loops.store(looped.expression, kernel.result, looped.sides)
        begin = len(self.steps)
        for index, line in enumerate(loops.code.lines):
            self.steps.append(self._loop_step(line, index, references))
        self.registers = max(self.registers, len(loops.code.lines))
        self.counters = max(self.counters, loops.counter_count)
        return instruction._replace(producer=Producer.LOOPS, a=begin, b=len(self.steps))

    def _loop_step(self, line: Line, index: int, references: Mapping[str, Reference]) -> Step:
        operation = OPERATIONS[line[0]]
        match line:
            case ("constant", value):
                return Step(operation, index, self.scalars.constant(value))
            case ("scalar", name):
                known = references.get(name)
                return Step(operation, index, self.scalars.slot(known.name if known else name))
            case ("loop_load", name, row, column):
                reference = references[name]
                stored = self.layout.value(reference.name)
                self.layout.read_by_vectors.add(reference.name)
                if reference.transposed != stored.transposed:
                    row, column = column, row
                return Step(operation, index, stored.number, row, column)
            case ("loop_store", name, source, row, column):
                stored = self.layout.value(name)
                row, column = (column, row) if stored.transposed else (row, column)
                return Step(operation, stored.number, source, row, column)
            case ("loop_slot", name, source):
                return Step(operation, self.scalars.slot(name), source)
            case ("loop_begin", counter):
                return Step(operation, counter)
            case ("loop_end", counter, axis, begin):
                return Step(operation, counter, self.layout.axis_number(axis), index - begin)
            case ("loop_add" | "loop_largest", target, source):
                return Step(operation, target, source)
        return Step(operation, index, *line[1:])

    # -- formulas -----------------------------------------------------------------------------

    def _add_formula(
        self, kernel: Kernel, bias: Reference | None, transposed: bool, result: str
    ) -> int:
        """Add the formula of a kernel; return its number, or ``NONE`` where it has none."""

        def leaf(name: str) -> Operand | None:
            return self._operand(references[name], kernel, transposed)

        references: dict[str, Reference] = {}

        def scalar(formula: Expression) -> int:
            slot, steps = self.scalars.compute(formula)
            self._add_scalar_steps(steps)
            return slot

        tape = Tape(leaf, scalar)
        if kernel.producer:
            tape.values[kernel.result] = tape.operand((OperandRow(NONE), "v"))
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
            return NONE
        for name, source in kernel.sums.items():
            tape.values[name] = tape.values[source]
        tape.finish(stores, sums)
        return self._add_tape(tape)

    def _add_tape(self, tape: Tape) -> int:
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
        code_begin = len(self.tape)
        for index, line in enumerate(tape.code.lines):
            self.tape.append(self._tape_step(line, index, registers.of))
        for name, source, number in tape.ends:
            self.tape.append(Step(OPERATIONS[name], 0, registers.of[source], number))
        operand_begin = len(self.operands)
        self.operands += [operand for operand, _ in tape.operands]
        store_begin = len(self.operands)
        self.operands += [OperandRow(self.layout.value(name).number) for name in tape.stores]
        scalar_begin = len(self.slots)
        self.slots += tape.scalars
        sum_begin = len(self.slots)
        self.slots += [self.scalars.slot(name) for name in tape.sums]
        self.formulas.append(
            FormulaRow(
                native=self.natives.get(text, NONE),
                code_begin=code_begin,
                code_end=len(self.tape),
                operand_begin=operand_begin,
                operand_end=store_begin,
                scalar_begin=scalar_begin,
                scalar_end=sum_begin,
                store_begin=store_begin,
                store_end=len(self.operands),
                sum_begin=sum_begin,
                sum_end=len(self.slots),
            )
        )
        return len(self.formulas) - 1

    def _tape_step(self, line: Line, index: int, registers: Mapping[int, int]) -> Step:
        operation, target = OPERATIONS[line[0]], registers[index]
        match line:
            case ("operand", number, kind):
                return Step(operation, target, number, int(kind == "b"))
            case ("scalar", number):
                return Step(operation, target, number)
            case ("constant", value):
                return Step(operation, target, self.scalars.constant(value))
        return Step(operation, target, *(registers[source] for source in line[1:]))

    def _operand(self, reference: Reference, kernel: Kernel, transposed: bool) -> Operand | None:
        """Return an operand as a formula of this kernel reads it; None for a single number."""
        rows, columns = self.fused.sides[reference.name]
        if reference.transposed:
            rows, columns = columns, rows
        if rows is None and columns is None:
            return None
        value = self.layout.value(reference.name)
        self.layout.read_by_vectors.add(reference.name)
        if (rows is None) == (kernel.sides[0] is None) and (columns is None) == (
            kernel.sides[1] is None
        ):
            vector = rows is None or columns is None
            if (reference.transposed != value.transposed) != transposed and not vector:
                value = self._add_transposition(value)
            return OperandRow(value.number), "v"
        if (rows is None) != transposed:
            return OperandRow(value.number, Broadcast.ROW), "v"
        return OperandRow(value.number, Broadcast.COLUMN), "b"

    # -- scalars ------------------------------------------------------------------------------

    def _add_scalar_steps(self, steps: Sequence[Step]) -> None:
        if not steps:
            return
        begin = len(self.steps)
        self.steps += steps
        self.instructions.append(Instruction(Producer.SCALARS, a=begin, b=len(self.steps)))

    def _add_scalar_assignment(self, assignment: Assignment) -> None:
        slot, steps = self.scalars.compute(assignment.formula)
        target = self.scalars.slot(assignment.target)
        if steps and steps[-1].target == slot:  # the last step can write to the target itself
            self._add_scalar_steps([*steps[:-1], steps[-1]._replace(target=target)])
        else:
            copy = Step(Operation.MAXIMUM, target, slot, slot)
            self._add_scalar_steps([*steps, copy])

    def _add_check(self) -> None:
        plan = self.fused.plan
        self._checked = True
        loss, data_loss = self._slot_of(plan.loss), self._slot_of(plan.data_loss)
        made = {name for kernel in self.fused.kernels for name in kernel.makes}
        if self.fused.found(plan.loss).name in made and loss is not None and data_loss is not None:
            self.instructions.append(Instruction(Producer.CHECK, a=loss, b=data_loss))
