"""The loss and its gradient in the core, by one program for many calls."""

from collections.abc import Mapping

from numpy.typing import DTypeLike

from chainrule.arrays import Array, RealArray
from chainrule.formulas.expressions import Symbol
from chainrule.kernels.reference import as_matrix
from chainrule.kernels.runner import Runner
from chainrule.network.parameters import Parameters
from chainrule.plans.plan import Plan

__all__ = ["GradientRunner"]


class GradientRunner:
    """A prepared program of a Plan's losses and gradients for all rows of the data.

    ``seed`` is that of what is drawn at random, the same in each call.
    """

    def __init__(
        self,
        plan: Plan,
        values: Mapping[str, Array | float],
        data: Mapping[str, RealArray],
        dtype: DTypeLike,
        seed: int = 0,
    ) -> None:
        self.plan = plan
        self.rows = len(next(iter(data.values())))
        results = [plan.loss, plan.data_loss, *plan.gradients.values()]
        self.runner = Runner(
            plan, results, values, data, dtype, self.rows, whole_rows=True, seed=seed
        )

    def run(
        self, parameters: Parameters, gradient: Parameters, cotangents: Mapping[str, Symbol]
    ) -> tuple[float, float]:
        """Return the loss and the loss without penalties; write the gradient.

        ``cotangents`` are the gradients' symbols in the Plan, with the axes of the parameters.
        """
        runner = self.runner
        for name, value in parameters.items():
            runner.write(name, value)
        runner.step(0, self.rows)
        for name, cotangent in cotangents.items():
            runner.read(cotangent.name, as_matrix(gradient[name], cotangent))
        return runner.scalar(self.plan.loss), runner.scalar(self.plan.data_loss)
