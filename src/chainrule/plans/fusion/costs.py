"""The costs of the kernels of a fused Plan: operations and bytes, for any number of samples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import (
    Expression,
    Product,
    children,
)
from chainrule.plans.fusion.fused_plan import (
    AddedUp,
    FusedPlan,
    Kernel,
    Looped,
    Multiplied,
    Reduced,
)


@dataclass(frozen=True)
class Cost:
    """Operations and entries moved: polynomials in the number of samples.

    ``operations[k]`` and ``entries[k]`` are the coefficients of the k-th power.  Operations count
    each multiplication and addition of a matrix product, and each operation of a formula for every
    entry; entries count every matrix that a kernel reads or stores once.
    """

    operations: tuple[int, ...]
    entries: tuple[int, ...]

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            tuple(map(sum, zip(self.operations, other.operations, strict=True))),
            tuple(map(sum, zip(self.entries, other.entries, strict=True))),
        )

    def text(self, samples: int | None, width: int) -> str:
        """Return the cost with ``width`` bytes to an entry, and B where ``samples`` is None."""
        moved = tuple(width * factor for factor in self.entries)
        return f"{_number(self.operations, samples)} operations, {_number(moved, samples)} bytes"


def cost_of(kernel: Kernel, fused: FusedPlan, sizes: Mapping[Axis, int]) -> Cost:
    """Return the cost of a kernel; an axis without a size is that of the samples."""

    def with_samples(samples: int) -> Mapping[Axis, int]:
        return {axis: sizes.get(axis, samples) for axis in fused.axes}

    return Cost(
        _polynomial(lambda samples: _counted(kernel, fused, with_samples(samples))),
        _polynomial(lambda samples: _moved(kernel, fused, with_samples(samples))),
    )


def _polynomial(counted: Callable[[int], int]) -> tuple[int, int, int]:
    """Return the coefficients of a count, from its values at 0, 1 and 2.

    A matrix has two axes, so that the degree is 2 at most.
    """
    none, one, two = (counted(samples) for samples in range(3))
    square = (two - 2 * one + none) // 2
    return none, one - none - square, square


def _number(factors: tuple[int, ...], samples: int | None) -> str:
    if samples is not None:
        return f"{sum(factor * samples**power for power, factor in enumerate(factors)):,}"
    terms = [
        f"{factor:,}" + ("", " B", " B²")[power] for power, factor in enumerate(factors) if factor
    ]
    return " + ".join(reversed(terms)) or "0"


def _area(sides: Sides, sizes: Mapping[Axis, int]) -> int:
    rows, columns = (1 if axis is None else sizes[axis] for axis in sides)
    return rows * columns


def _counted(kernel: Kernel, fused: FusedPlan, sizes: Mapping[Axis, int]) -> int:
    area = _area(kernel.sides, sizes)
    total = 0
    match kernel.producer:
        case Multiplied(left=left):
            inner = fused.sides[left.name][0 if left.transposed else 1]
            total = 2 * area * (1 if inner is None else sizes[inner])
        case Reduced(source=source):
            total = _area(fused.sides[source.name], sizes)
        case AddedUp(source=source):
            total = _area(fused.sides[source.name], sizes)
        case Looped(expression=expression):
            total = _looped(expression, sizes)
    arithmetic = sum(_weight(assignment.formula) for assignment in kernel.assignments)
    return total + area * (arithmetic + len(kernel.sums) + (kernel.bias is not None))


def _looped(tree: Expression, sizes: Mapping[Axis, int]) -> int:
    """Return the operations of an expression in loops.

    Each node counts once for every index of its own and its summed axes.
    """
    around = prod(sizes[axis] for axis in tree.axes)
    inner = tree.summed if isinstance(tree, Product) else ()
    own = max(1, len(children(tree)) - 1) if children(tree) else 0
    return own * around * prod(sizes[axis] for axis in inner) + sum(
        _looped(part, sizes) for part in children(tree)
    )


def _weight(formula: Expression) -> int:
    parts = children(formula)
    own = max(1, len(parts) - 1) if parts else 0
    return own + sum(_weight(part) for part in parts)


def _moved(kernel: Kernel, fused: FusedPlan, sizes: Mapping[Axis, int]) -> int:
    names = kernel.reads | set(kernel.stored)
    return sum(_area(fused.sides[name], sizes) for name in names)
