"""A Plan as a function of C: the operations of a prediction or of one step of training.

An operation states one entry at a position [i, j]. Most are a loop over the positions that stores
the entries; one that is read once, at the position where it is needed, is computed there and takes
no memory. So a gradient that only an update reads is never stored.

Values of a batch, (samples, n), are in one part of the working array, MODEL_BATCH times as long as
for one sample, all others behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError, shown
from chainrule.exports.c_text import Arithmetic
from chainrule.exports.formula_text import harmless, written
from chainrule.exports.learned_network import Learned, input_widths
from chainrule.exports.network_steps import of_primitives
from chainrule.exports.working_memory import Assignment, WorkingMemory
from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import Expression, Symbol, expression, symbols
from chainrule.kernels.reference import Execution
from chainrule.plans.operations import (
    ComputeExtreme,
    ComputeLayerwise,
    ComputePointwise,
    ComputeTotal,
    MatrixProduct,
    Operation,
    Reference,
    Spread,
)
from chainrule.plans.plan import Plan

__all__ = ["BATCH", "PlanInC"]

BATCH = "MODEL_BATCH"
_RATE_TEXT = "rate"
_BATCH = "the number of samples"


@dataclass(frozen=True)
class _Stored:
    """Where a matrix is: a pointer and its rows and columns; rows None are those of the batch."""

    pointer: str
    rows: int | None
    columns: int

    @property
    def size(self) -> int:
        """The entries, for one sample where there are several."""
        return (self.rows or 1) * self.columns


@dataclass
class PlanInC:
    """The statements of a Plan, and the working memory they need.

    ``batch`` is the number of samples as text of C. ``memory`` is the number of entries (of all
    samples together, for each sample). ``arrays`` are the constant arrays of the layers.

    The pointers in the statements are parameters, x, y, rate and work.
    """

    plan: Plan
    learned: Learned
    arithmetic: Arithmetic
    batch: str
    lines: list[str] = field(default_factory=list)
    memory: tuple[int, int] = (0, 0)
    arrays: dict[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        network = self.learned.network
        execution = Execution(self.plan)
        execution.give({**self.learned.parameters, **network.constants})
        execution.sizes.update(network.sizes)
        samples = {a for symbol in self.plan.inputs for a in symbol.axes if a.is_samples}
        batch: int | Symbol = 1 if self.batch == "1" else Symbol(_BATCH)
        self._lengths = execution.sizes
        self._sizes = {**execution.sizes, **dict.fromkeys(samples, batch)}
        self._stored: dict[str, _Stored] = {}
        self._numbers: dict[str, Expression] = {"α": Symbol(_RATE_TEXT)}
        self._names = 0
        self._operations = tuple(_flat(self.plan.operations))
        self._find_given(execution)
        self._find_inlined()
        self._find_stored()
        self.lines = [
            line
            for operation in self._operations
            if id(operation) not in self._inlined
            for line in self._loop(operation)
        ]

    def pointer_to(self, name: str) -> str:
        """Return the pointer to a value."""
        return self._stored[name].pointer

    # -- where values are --------------------------------------------------------------------------

    def _find_given(self, execution: Execution) -> None:
        """Find the parameters, the inputs, the targets and the constants."""
        network = self.learned.network
        start = 0
        for name, array in self.learned.parameters.items():
            rows, columns = array.shape if array.ndim == 2 else (1, array.size)
            self._stored[name] = _Stored(
                f"(parameters + {start})" if start else "parameters", rows, columns
            )
            start += array.size
        inputs = zip(network.input_names, input_widths(network), strict=True)
        widths = [node.width for node in network.outputs]
        for pointer, group in (
            ("x", inputs),
            ("y", zip(network.target_names, widths, strict=True)),
        ):
            start = 0
            for name, width in group:
                self._stored[name] = _Stored(self._shifted(pointer, start, 0), None, width)
                start += width
        for number, name in enumerate(network.constants):
            matrix = execution.values.get(name)
            if matrix is not None and matrix.size == 1:
                self._numbers[name] = expression(float(matrix[0, 0]))
            elif matrix is not None:
                self.arrays[f"model_constant_{number}"] = np.asarray(matrix, np.float64)
                self._stored[name] = _Stored(f"model_constant_{number}", *matrix.shape)

    def _shape(self, operation: Operation) -> _Stored:
        """Return the rows and columns of an operation's value."""
        rows, columns = (self._length_of(axis) for axis in operation.sides)
        if columns is None:
            raise InputError(
                f"`training` must be False for a network that computes {shown(str(operation))}, "
                "got True. Export it without."
            )
        return _Stored("", rows, columns)

    def _length_of(self, axis: Axis | None) -> int | None:
        if axis is None:
            return 1
        return None if axis.is_samples else self._lengths[axis]

    def _find_stored(self) -> None:
        """Give every value that is stored its part of the working array."""
        done = [op for op in self._operations if id(op) not in self._inlined]
        ends = {name: time for time, op in enumerate(done) for name in self._read(op)}
        ends |= dict.fromkeys((*self.plan.outputs, self.plan.loss), len(done))
        stored = [(time, op) for time, op in enumerate(done) if op.stage != "update"]
        of_batch, others = (
            WorkingMemory(
                (
                    Assignment(time, op.target, self._shape(op).size, self._replaced(op))
                    for time, op in stored
                    if (self._shape(op).rows is None) == is_batch
                ),
                ends,
            )
            for is_batch in (True, False)
        )
        self.memory = (others.size, of_batch.size)
        for _, operation in stored:
            name, shape = operation.target, self._shape(operation)
            if shape.rows is None:
                pointer = self._shifted("work", of_batch.starts[name], 0)
            else:
                pointer = self._shifted("work", of_batch.size, others.starts[name])
            self._stored[name] = replace(shape, pointer=pointer)

    def _shifted(self, pointer: str, for_each_sample: int, more: int) -> str:
        """Return a pointer behind so many entries for each sample, and some more."""
        if self.batch == "1" or not for_each_sample:
            offset = str(for_each_sample + more) if for_each_sample + more else ""
        else:
            offset = f"{self.batch} * {for_each_sample}" + (f" + {more}" if more else "")
        return f"({pointer} + {offset})" if offset else pointer

    # -- what is computed where it is needed -------------------------------------------------------

    def _find_inlined(self) -> None:
        """Find the operations whose entries are read once, each at its own position."""
        self._inlined: set[int] = set()
        self._made = {op.target: op for op in self._operations if op.stage != "update"}
        uses = Counter(r.name for op in self._operations for r in op.uses)
        retained = {*self.plan.outputs, self.plan.loss}
        for operation in self._operations:
            for reference in operation.uses:
                made = self._made.get(reference.name)
                if (
                    made is not None
                    and uses[reference.name] == 1
                    and reference.name not in retained
                    and self._reads_once(operation, reference)
                    and self._is_safe(operation, made)
                ):
                    self._inlined.add(id(made))

    def _reads_once(self, operation: Operation, reference: Reference) -> bool:
        if reference.transposed:
            return False
        if isinstance(operation, ComputeTotal):
            return True
        same = self._shape(operation) == self._shape(self._made[reference.name])
        return isinstance(operation, ComputePointwise) and same

    def _is_safe(self, operation: Operation, made: Operation) -> bool:
        """Return whether a value may be computed as late as in ``operation``.

        An earlier update may have changed every other parameter than the one that is updated.
        """
        read = self._read(made)
        return operation.stage != "update" or not (
            read & set(self.learned.parameters) - {operation.target}
        )

    def _read(self, operation: Operation) -> set[str]:
        """Return the stored values that an operation reads, those of inlined ones included."""
        positional, others = self._read_where(operation)
        return positional | others

    def _read_where(self, operation: Operation) -> tuple[set[str], set[str]]:
        """Return the values read at the position of the entry alone, and those read elsewhere."""
        positional: set[str] = set()
        others: set[str] = set()
        for reference in operation.uses:
            made = self._made.get(reference.name)
            if made is not None and id(made) in self._inlined:
                at_position, elsewhere = self._read_where(made)
            elif (
                made is None or reference.transposed or self._shape(made) != self._shape(operation)
            ):
                at_position, elsewhere = set(), {reference.name}
            else:
                at_position, elsewhere = {reference.name}, set()
            if not isinstance(operation, ComputePointwise):
                at_position, elsewhere = set(), at_position | elsewhere
            positional |= at_position
            others |= elsewhere
        return positional, others

    def _replaced(self, operation: Operation) -> frozenset[str]:
        positional, others = self._read_where(operation)
        return frozenset(positional - others)

    # -- statements --------------------------------------------------------------------------------

    def _loop(self, operation: Operation) -> Iterator[str]:
        """Yield the statements that store every entry of an operation."""
        matrix = self._stored[operation.target]
        yield f"/* {harmless(str(operation))} */"
        body: list[str] = []
        i, j = self._index(matrix.rows), self._index(matrix.columns)
        text = self._computed(operation, i, j, body)
        body.append(f"{_entry(matrix, i, j)} = {text};")
        yield from self._repeated([(i, matrix.rows), (j, matrix.columns)], body)

    def _index(self, count: int | None) -> str:
        """Return the name of a new index, 0 where there is one entry."""
        one = count == 1 or (count is None and self.batch == "1")
        return "0" if one else self._fresh("i")

    def _fresh(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def _repeated(self, indices: Sequence[tuple[str, int | None]], body: list[str]) -> list[str]:
        """Return statements inside of loops over indices."""
        for index, count in reversed(indices):
            if index != "0":
                limit = self.batch if count is None else count
                head = f"for (int {index} = 0; {index} < {limit}; ++{index})"
                braces = len(body) > 1
                body = [f"{head} {{" if braces else head, *(f"    {line}" for line in body)]
                body += ["}"] * braces
        return body

    def _read_entry(self, reference: Reference, i: str, j: str, lines: list[str]) -> str:
        """Return the text of an entry, after statements that compute it where it is not stored."""
        made = self._made.get(reference.name)
        if made is None or id(made) not in self._inlined:
            matrix = self._stored[reference.name]
            return _entry(matrix, *((j, i) if reference.transposed else (i, j)))
        text = self._computed(made, i, j, lines)
        if text.isidentifier():
            return text
        name = self._fresh("v")
        lines.append(f"const {self.arithmetic.real} {name} = {text};")
        return name

    def _computed(self, operation: Operation, i: str, j: str, lines: list[str]) -> str:
        """Return the text of an operation's entry, after the statements that it needs."""
        match operation:
            case MatrixProduct(left=left, right=right):
                count = self._length(left, 1)
                k = self._index(count)
                body: list[str] = []
                factors = (
                    self._read_entry(left, i, k, body),
                    self._read_entry(right, k, j, body),
                )
                return self._summed((k, count), " * ".join(factors), body, lines)
            case ComputeTotal(source=source, over=over):
                count = self._length(source, 0 if over == "rows" else 1)
                k, body = self._index(count), []
                at = (k, j) if over == "rows" else (i, k)
                return self._summed((k, count), self._read_entry(source, *at, body), body, lines)
            case ComputeExtreme(source=source, over=over):
                count = self._length(source, 0 if over == "rows" else 1)
                k, name = self._index(count), self._fresh("m")
                at, first = ((k, j), ("0", j)) if over == "rows" else ((i, k), (i, "0"))
                lines.append(
                    f"{self.arithmetic.real} {name} = {self._read_entry(source, *first, lines)};"
                )
                larger = self.arithmetic.notation.primitive("maximum")
                text = larger.format(self._read_entry(source, *at, lines), name)
                lines += self._repeated([(k, count)], [f"{name} = {text};"])
                return name
            case Spread(source=source):
                return self._read_entry(source, i, j, lines)
            case ComputePointwise():
                return self._formula(operation, i, j, lines)
        raise TypeError(f"no statement of the operation {type(operation).__name__}")

    def _length(self, reference: Reference, side: int) -> int | None:
        matrix = self._stored.get(reference.name) or self._shape(self._made[reference.name])
        return (matrix.rows, matrix.columns)[1 - side if reference.transposed else side]

    def _summed(
        self, index: tuple[str, int | None], term: str, body: list[str], lines: list[str]
    ) -> str:
        if index[0] == "0":
            lines += body
            return term
        name, real = self._fresh("s"), self.arithmetic.real
        lines.append(f"{real} {name} = {self.arithmetic.number(0.0)};")
        lines += self._repeated([index], [*body, f"{name} += {term};"])
        return name

    def _formula(self, operation: ComputePointwise, i: str, j: str, lines: list[str]) -> str:
        replaced, operands = {}, {}
        for symbol, reference in operation.operands:
            if reference.name in self._numbers:
                replaced[symbol.name] = self._numbers[reference.name]
            else:
                operands[symbol.name] = reference
        formula = of_primitives(operation.formula, replaced, self._sizes)
        used = {symbol.name for symbol in symbols(formula)}
        names = {_RATE_TEXT: _RATE_TEXT, _BATCH: f"({self.arithmetic.real}){self.batch}"}
        for name, reference in operands.items():
            if name in used:
                names[name] = self._read_entry(reference, i, j, lines)
        parts, text = written(formula, names, self.arithmetic.notation, self._fresh("u") + "_")
        lines += (f"const {self.arithmetic.real} {name} = {part};" for name, part in parts)
        return text


def _flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Yield the operations; a function of layers is those that it consists of."""
    for operation in operations:
        if isinstance(operation, ComputeLayerwise):
            yield from _flat(operation.body)
        else:
            yield operation


def _entry(matrix: _Stored, i: str, j: str) -> str:
    """Return the text of an entry; one row or one column serves all positions."""
    row = "0" if matrix.rows == 1 else i
    column = "0" if matrix.columns == 1 else j
    if row == "0":
        return f"{matrix.pointer}[{column}]"
    start = row if matrix.columns == 1 else f"{row} * {matrix.columns}"
    return (
        f"{matrix.pointer}[{start}]" if column == "0" else f"{matrix.pointer}[{start} + {column}]"
    )
