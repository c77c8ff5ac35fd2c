"""The Plan of a step for display: the equations of each kernel, and its cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from chainrule.errors import NotFused, unknown_name
from chainrule.formulas.axes import Axis
from chainrule.plans.fusion.costs import cost_of
from chainrule.plans.fusion.fuse import fuse
from chainrule.plans.fusion.fused_plan import FusedPlan
from chainrule.plans.plan import Plan

_WIDTHS = {"float32": 4, "float64": 8}
"""Bytes of a number."""


@dataclass(frozen=True)
class StepPlan:
    """The operations of one training step.

    ``operations`` is the Plan, one operation after the other, as the reference runs it; ``fused``
    are the kernels of the compiled core.  ``sizes`` are the lengths of all axes except the samples.
    ``str()`` shows each kernel with its equations, its number of operations and the bytes that it
    reads and stores, in float32, for a batch of B samples:

    >>> import chainrule as cr
    >>> plan = cr.derive(cr.Network.dense([4, 1], activation="identity"), optimizer="sgd").plan()
    >>> print(plan)
    kernel 1: 20 B operations, 24 B + 24 bytes
      Z_1 = X W_1 + b_1
      Loss·3 = (Y − Z_1)²
      ∂Loss/∂A_1 = −(2/(B n))(Y − Z_1)
      Loss·1 = sum of Loss·3
    kernel 2: 4 operations, 8 bytes
      Loss = (1/(B n)) Loss·1
    kernel 3: 8 B + 12 operations, 20 B + 20 bytes
      ∂Loss/∂W_1 = Xᵀ ∂Loss/∂A_1
      W_1 ← W_1 − α ∂Loss/∂W_1
    kernel 4: 1 B + 3 operations, 4 B + 8 bytes
      ∂Loss/∂b_1 = sum of ∂Loss/∂A_1 over rows
      b_1 ← b_1 − α ∂Loss/∂b_1
    total: 29 B + 19 operations, 48 B + 60 bytes
    """

    operations: Plan
    sizes: Mapping[Axis, int]

    @cached_property
    def fused(self) -> FusedPlan:
        """The kernels; ``NotFused`` where the core has no form for an operation."""
        return fuse(self.operations, (self.operations.loss, self.operations.data_loss))

    def to_text(self, batch_size: int | None = None, dtype: str = "float32") -> str:
        """Return the kernels with their costs, for ``batch_size`` samples or in B.

        Where the core has no form for an operation, the text shows the operations, which the
        reference runs, and the reason.  Raises ``InputError`` for another ``dtype``.
        """
        if dtype not in _WIDTHS:
            raise unknown_name("dtype", dtype, _WIDTHS)
        width = _WIDTHS[dtype]
        try:
            fused = self.fused
        except NotFused as reason:
            return f"{self.operations}\n(run by the NumPy reference: {reason})"
        costs = [cost_of(kernel, fused, self.sizes) for kernel in fused.kernels]
        lines: list[str] = []
        for number, (kernel, cost) in enumerate(zip(fused.kernels, costs, strict=True), start=1):
            lines.append(f"kernel {number}: {cost.text(batch_size, width)}")
            lines += [f"  {equation}" for equation in kernel.equations]
        whole = sum(costs[1:], start=costs[0])
        lines.append(f"total: {whole.text(batch_size, width)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<StepPlan of {len(self.operations.operations)} operations>"
