"""The solver "lbfgs": SciPy's L-BFGS-B, fed with the derived loss and gradient.

Everything is computed in float64, whatever the type of X, as scikit-learn's is: SciPy's vector has
that type, and a line search needs the digits.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from chainrule.errors import NotFused
from chainrule.formulas.expressions import Symbol
from chainrule.kernels import core_library
from chainrule.kernels.plan_cache import gradient_plan
from chainrule.kernels.reference import Execution, as_matrix, named_array
from chainrule.kernels.runner import Runner
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters

Array = NDArray[Any]


class Objective:
    """The loss and its gradient at a packed vector of parameters, one program for all calls.

    ``data_weight`` scales the data's part of the reported loss alone: scikit-learn reports the
    squared error of several outputs as a mean, with the gradient of the sum.
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        data: Mapping[str, Array],
        data_weight: float = 1.0,
    ) -> None:
        self.network, self.parameters, self.data = network, parameters, data
        self.data_weight = data_weight
        self.plan = gradient_plan(network, weighted="w" in data)
        shapes = {name: array.shape for name, array in parameters.items()}
        self.gradient = Parameters(shapes, np.zeros(network.size))
        axes = {symbol.name: symbol.axes for symbol in self.plan.formulation.parameters}
        self.cotangents = {
            name: Symbol(self.plan.gradients[name], axes[name]) for name in parameters
        }
        self.runner = self._runner() if core_library.available() else None

    def __call__(self, flat: Array) -> tuple[float, Array]:
        """Return the loss and the gradient, which is a copy."""
        self.parameters.flat[...] = flat
        loss, data_loss = self._by_reference() if self.runner is None else self._by_core()
        reported = self.data_weight * data_loss + (loss - data_loss)
        return (loss if self.data_weight == 1.0 else reported), self.gradient.flat.copy()

    def _runner(self) -> Runner | None:
        plan = self.plan
        wanted = [plan.loss, plan.data_loss, *plan.gradients.values()]
        values: dict[str, Array | float] = {**self.parameters, **self.network.strengths}
        rows = len(self.data["X"])
        try:
            return Runner(plan, wanted, values, self.data, np.float64, rows, whole_rows=True)
        except NotFused:
            return None

    def _by_core(self) -> tuple[float, float]:
        runner, plan = self.runner, self.plan
        assert runner is not None
        for name, value in self.parameters.items():
            runner.write(name, value)
        runner.step(0, len(self.data["X"]))
        for name, cotangent in self.cotangents.items():
            runner.read(cotangent.name, as_matrix(self.gradient[name], cotangent))
        return runner.scalar(plan.loss), runner.scalar(plan.data_loss)

    def _by_reference(self) -> tuple[float, float]:
        run = Execution(self.plan)
        run.give({**self.parameters, **self.network.strengths, **self.data})
        with np.errstate(over="ignore", invalid="ignore"):
            run.all()
        for name, cotangent in self.cotangents.items():
            self.gradient[name][...] = named_array(run.values[cotangent.name], cotangent)
        return float(run.scalar(self.plan.loss)), float(run.scalar(self.plan.data_loss))


def minimize(
    objective: Objective, *, max_fun: int, max_iter: int, tol: float, verbose: bool
) -> Any:
    """Run L-BFGS-B from the objective's parameters; return SciPy's result."""
    options: dict[str, Any] = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
    if _PRINTS:
        options["iprint"] = 1 if verbose else -1
    return scipy.optimize.minimize(
        objective, objective.parameters.flat.copy(), method="L-BFGS-B", jac=True, options=options
    )


_PRINTS = tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15)
"""SciPy's L-BFGS printed before it was rewritten in C."""
