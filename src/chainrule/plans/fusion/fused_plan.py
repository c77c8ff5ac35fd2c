"""A fused Plan: kernels, each a producer and the formulas that follow it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import (
    Expression,
    Symbol,
)
from chainrule.formulas.functions import Function
from chainrule.network.activations import CATALOGUE
from chainrule.network.distributions import Distribution
from chainrule.plans.operations import (
    Over,
    Reference,
)
from chainrule.plans.plan import Plan

UNIT: Sides = (None, None)
IN_CORE: Mapping[Function, str] = {CATALOGUE[name]: name for name in ("sigmoid",)}
"""Named functions that are primitives of the core; all others are replaced by their formulas."""


@dataclass(frozen=True)
class Assignment:
    """``target`` = a formula; its symbols have the names of the references in ``operands``."""

    target: str
    formula: Expression
    operands: Mapping[str, Reference]
    update: bool = False

    def __str__(self) -> str:
        return f"{self.target} {'←' if self.update else '='} {self.formula}"


@dataclass(frozen=True)
class Multiplied:
    """The producer op(left) · op(right)."""

    left: Reference
    right: Reference

    def __str__(self) -> str:
        return f"{self.left} {self.right}"


@dataclass(frozen=True)
class Reduced:
    """The producer: sums or largest entries over the rows or the columns of ``source``."""

    source: Reference
    over: Over
    largest: bool = False

    def __str__(self) -> str:
        return f"{'max' if self.largest else 'sum'} of {self.source} over {self.over}"


@dataclass(frozen=True)
class Looped:
    """The producer of an expression without matrix form: entry by entry, in loops over axes.

    ``operands`` are its symbols and their values; ``sides`` are those of the result, by the axes of
    the expression.
    """

    expression: Expression
    operands: tuple[tuple[Symbol, Reference], ...]
    sides: Sides

    def __str__(self) -> str:
        return f"{self.expression} in loops"


@dataclass(frozen=True)
class Drawn:
    """The producer: entries drawn at random in each step."""

    distribution: Distribution
    stream: int

    def __str__(self) -> str:
        return f"{self.distribution.name}({self.distribution.parameter:g})"


@dataclass(frozen=True)
class LookedUp:
    """The producer O E with one-hot rows O: for each sample the row of E that its code names."""

    codes: Reference
    rows: Reference

    def __str__(self) -> str:
        return f"rows {self.codes} of {self.rows}"


@dataclass(frozen=True)
class AddedUp:
    """The producer Oᵀ G with one-hot rows O: for each code the sum of G over its samples."""

    codes: Reference
    source: Reference

    def __str__(self) -> str:
        return f"sum of {self.source} for each {self.codes}"


Producer = Multiplied | Reduced | Looped | Drawn | LookedUp | AddedUp


@dataclass(eq=False)
class Kernel:
    """One kernel: a producer, the formulas that follow in registers, and what is stored.

    ``result`` is the name of the produced value; ``bias`` is added to each of its rows.  ``sums``
    maps a scalar to the value whose entries are added up; ``stored`` are the values that other
    kernels read, and updates.  ``fresh`` are parameters and memories that this kernel reads after
    another kernel's update.
    """

    sides: Sides
    producer: Producer | None = None
    result: str = ""
    bias: Reference | None = None
    assignments: list[Assignment] = field(default_factory=list)
    sums: dict[str, str] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    fresh: set[str] = field(default_factory=set)

    @property
    def makes(self) -> set[str]:
        """Every value that is computed here, stored or not."""
        made = {assignment.target for assignment in self.assignments} | set(self.sums)
        return made | {self.result} if self.producer else made

    @property
    def produced_from(self) -> tuple[Reference, ...]:
        """The values that the producer reads."""
        match self.producer:
            case Multiplied():
                return (self.producer.left, self.producer.right)
            case Reduced():
                return (self.producer.source,)
            case LookedUp():
                return (self.producer.codes, self.producer.rows)
            case AddedUp():
                return (self.producer.codes, self.producer.source)
            case Looped():
                return tuple(reference for _, reference in self.producer.operands)
        return ()

    @property
    def reads(self) -> set[str]:
        """Every value that is read and not computed in this kernel before."""
        names = {reference.name for reference in self.produced_from}
        if self.bias:
            names.add(self.bias.name)
        made = {self.result} if self.producer else set()
        for assignment in self.assignments:
            names |= {r.name for r in assignment.operands.values()} - made
            made.add(assignment.target)
        return names | (set(self.sums.values()) - made)

    @property
    def updates(self) -> set[str]:
        """The parameters and memories that this kernel changes."""
        return {assignment.target for assignment in self.assignments if assignment.update}

    @property
    def scalar(self) -> bool:
        """Whether this is arithmetic on scalars only."""
        return self.sides == UNIT and self.producer is None and not self.sums

    @property
    def equations(self) -> list[str]:
        """The equations as text, in order; a product with a bias has the name of their sum."""
        lines = []
        assignments = self.assignments
        if self.producer:
            name = self.result
            if self.bias and assignments and str(assignments[0].formula) == name:
                name, assignments = assignments[0].target, assignments[1:]
            bias = f" + {self.bias}" if self.bias else ""
            lines.append(f"{name} = {self.producer}{bias}")
        lines += map(str, assignments)
        return lines + [f"{name} = sum of {source}" for name, source in self.sums.items()]

    def __str__(self) -> str:
        return "; ".join(self.equations)


@dataclass(frozen=True)
class FusedPlan:
    """Kernels in order; ``sides`` of every value by name, inputs included."""

    plan: Plan
    kernels: tuple[Kernel, ...]
    sides: Mapping[str, Sides]
    aliases: Mapping[str, Reference]
    wanted: tuple[str, ...]

    @property
    def axes(self) -> list[Axis]:
        """Every axis that a value has, samples first."""
        found = {axis for sides in self.sides.values() for axis in sides if axis is not None}
        return sorted(found, key=lambda axis: (axis.position, axis.name))

    def found(self, name: str) -> Reference:
        """Return the reference to a value of the Plan."""
        return self.aliases.get(name, Reference(name))

    def __str__(self) -> str:
        return "\n".join(f"{number}: {kernel}" for number, kernel in enumerate(self.kernels, 1))


def names_of(kernels: Collection[Kernel]) -> set[str]:
    """Return the names of all values that are read, stored or summed."""
    names: set[str] = set()
    for kernel in kernels:
        names |= kernel.reads | set(kernel.stored) | set(kernel.sums)
    return names
