"""Programs: a fused Plan at given widths, as the finished tables that the core runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.arrays import FloatArray, IntArray
from chainrule.formulas.axes import Axis
from chainrule.kernels.program_layout import StoredValue
from chainrule.plans.fusion.fused_plan import FusedPlan


@dataclass(frozen=True, eq=False)
class Program:
    """The tables of a program (``kernels/format.py``), and where each named value is stored."""

    fused: FusedPlan
    sizes: Mapping[Axis, int]
    stored: Mapping[str, StoredValue]
    """Matrices by name; those without a name are copies that a transposition makes."""
    scalar_slots: Mapping[str, int]
    """Slots of single numbers, by name."""
    read_by_vectors: frozenset[str]
    """Values that need rows with padding: not only the left factor of products."""
    texts: tuple[str, ...]
    """The code of each formula as text."""
    axes: IntArray
    """Lengths by number of axis, shape (axes, 1)."""
    values: IntArray
    """Rows: ``ValueRow``."""
    instructions: IntArray
    """Rows: ``Instruction``."""
    formulas: IntArray
    """Rows: ``FormulaRow``."""
    operands: IntArray
    """Rows: ``OperandRow``."""
    slots: IntArray
    """Scalar slots that formulas read or write sums to, shape (entries, 1)."""
    tape: IntArray
    """The code of formulas; rows: ``Step``."""
    scalar_code: IntArray
    """Arithmetic on single numbers and loops; rows: ``Step``."""
    constants: FloatArray
    """Constants of all code, shape (entries,)."""
    counts: IntArray
    """One row: ``Counts``."""

    def size(self, axis: Axis | None) -> int:
        """Return the length of an axis."""
        return 1 if axis is None else self.sizes[axis]
