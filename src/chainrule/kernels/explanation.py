"""A fused Plan in words: which equations run in which kernel, with FLOPs and bytes."""

from collections.abc import Iterable, Mapping
from math import prod

from chainrule.formulas.axes import Axis, Sides
from chainrule.formulas.expressions import (
    Expression,
    Product,
    children,
)
from chainrule.kernels.fused_plan import FusedPlan, Kernel, Looped, Multiplied, Reduced
from chainrule.kernels.fusion import fuse
from chainrule.network.plan import Plan


def explain(
    plan: Plan, sizes: Mapping[Axis, int], wanted: Iterable[str] = (), *, width: int = 4
) -> str:
    """Return which equations run fused in which kernel, with operations and bytes of memory.

    ``sizes`` are the lengths of the axes, ``width`` the bytes of a number.  Operations count each
    product and sum of a matrix product and one for each operation of a formula's entries; bytes
    count every matrix that a kernel reads and keeps once.

    >>> from chainrule.network.architecture import Network
    >>> from chainrule.network.gradients import differentiate
    >>> from chainrule.network.optimizers import SGD
    >>> from chainrule.network.plan import plan
    >>> network = Network.dense([4, 1], activation="identity")
    >>> whole = plan(differentiate(network.formulation()), SGD(0.1))
    >>> axes = {axis: 4 for axis in whole.formulation.axes}
    >>> print(explain(whole, axes).splitlines()[-1])
    total: 512 operations, 564 bytes
    """
    names = tuple(wanted) or (plan.loss, plan.data_loss)
    fused = fuse(plan, names)
    lines: list[str] = []
    operations = traffic = 0
    for place, kernel in enumerate(fused.kernels, start=1):
        counted, moved = _counted(kernel, fused, sizes), _moved(kernel, fused, sizes) * width
        operations, traffic = operations + counted, traffic + moved
        lines.append(f"kernel {place}: {counted:,} operations, {moved:,} bytes")
        lines += [f"  {part}" for part in str(kernel).split("; ")]
    lines.append(f"total: {operations:,} operations, {traffic:,} bytes")
    return "\n".join(lines)


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
        case Looped(expression=expression):
            total = _looped(expression, sizes)
    arithmetic = sum(_weight(assignment.formula) for assignment in kernel.assignments)
    return total + area * (arithmetic + len(kernel.sums))


def _looped(tree: Expression, sizes: Mapping[Axis, int]) -> int:
    """Count an expression in loops: each node once for every place of its own and summed axes."""
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
    names = kernel.reads | set(kernel.kept)
    return sum(_area(fused.sides[name], sizes) for name in names)
