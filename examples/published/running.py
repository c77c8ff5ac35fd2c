"""Runs Plans by hand: values in, an ``Execution`` or the gradients out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.kernels.reference import Execution, named_array
from chainrule.network.formulation import Formulation
from chainrule.network.gradients import differentiate
from chainrule.plans.plan import Plan, plan


def ready(whole: Plan, values: Mapping[str, Any]) -> Execution:
    """Return an execution that holds copies of the values: updates happen in place."""
    run = Execution(whole)
    run.give({name: np.array(value, dtype=float) for name, value in values.items()})
    return run


def gradients(
    formulation: Formulation, values: Mapping[str, Any]
) -> dict[str, NDArray[np.float64]]:
    """Derive a formulation, run its Plan, and return each parameter's gradient by name."""
    whole = plan(differentiate(formulation))
    run = ready(whole, values)
    run.all()
    return {
        symbol.name: named_array(run.values[whole.gradients[symbol.name]], symbol)
        for symbol in formulation.parameters
    }
