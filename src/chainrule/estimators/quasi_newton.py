"""The solver "lbfgs": SciPy's L-BFGS-B, with the derived loss and gradient.

Everything is computed in float64 for any type of X, as in scikit-learn: SciPy's vector has that
type, and a line search needs the precision.
"""

from collections.abc import Mapping
from typing import Any

import scipy.optimize

from chainrule.arrays import FloatArray, RealArray
from chainrule.kernels.backend import LossFunction
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters


class Objective:
    """The loss and its gradient at a packed vector of parameters, for SciPy.

    ``data_weight`` scales the data's part of the reported loss alone: scikit-learn reports the
    squared error of several outputs as a mean, with the gradient of the sum.
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        data: Mapping[str, RealArray],
        data_weight: float = 1.0,
    ) -> None:
        self.parameters, self.data_weight = parameters, data_weight
        self.function = LossFunction(network, parameters, data)

    def __call__(self, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and the gradient, which is a copy."""
        self.parameters.flat[...] = flat
        loss, data_loss = self.function()
        reported = self.data_weight * data_loss + (loss - data_loss)
        gradient = self.function.gradient.flat.copy()
        return (loss if self.data_weight == 1.0 else reported), gradient


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


def failure(result: Any, iterations: int, max_iter: int) -> str:
    """Return the warning of a run that did not converge, in scikit-learn's words.

    Its own function would warn of a line in this package.
    """
    more = f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
    return (
        f"lbfgs failed to converge after {iterations} iteration(s) (status={result.status}):\n"
        f"{result.message}\n"
        f"{more if iterations == max_iter else ''}"
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )


_PRINTS = tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15)
"""SciPy's L-BFGS printed before it was rewritten in C."""
