"""The compiled backend: Plans fused, assembled to programs and run by the core.

The reference defines what it computes.  Nothing here is specific to a layer, an activation or a
loss: the input is a Plan, with arrays by name.  Arrays with more than two axes are refused.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from chainrule.arrays import Array, RealArray
from chainrule.formulas.expressions import Symbol
from chainrule.kernels.compiled_trainer import CompiledTrainer
from chainrule.kernels.reference import as_matrix, named_array
from chainrule.kernels.runner import PIECE, Runner
from chainrule.plans.plan import Plan

__all__ = ["CompiledTrainer", "loss_and_gradients", "outputs"]


def loss_and_gradients(
    plan: Plan,
    values: Mapping[str, Array | float],
    data: Mapping[str, Array],
    dtype: DTypeLike,
    threads: int = 1,
    seed: int = 0,
) -> tuple[float, dict[str, Array]]:
    """Return the loss of a Plan and the gradient of each of its parameters.

    ``seed`` is that of what is drawn at random, as in step 1 of a run.
    """
    rows = len(next(iter(data.values())))
    wanted = [plan.loss, plan.data_loss, *plan.gradients.values()]
    runner = Runner(
        plan, wanted, values, data, dtype, rows, whole_rows=True, threads=threads, seed=seed
    )
    runner.step(0, rows)
    gradients: dict[str, Array] = {}
    for parameter in plan.formulation.parameters:
        if parameter.name in plan.gradients:
            shape = np.shape(values[parameter.name])
            gradient = np.zeros(shape, dtype)
            cotangent = Symbol(plan.gradients[parameter.name], parameter.axes)
            matrix = np.zeros(as_matrix(gradient, cotangent).shape, dtype)
            runner.read(cotangent.name, matrix)
            gradients[parameter.name] = named_array(matrix, cotangent).reshape(shape)
    return runner.scalar(plan.loss), gradients


def outputs(
    plan: Plan,
    values: Mapping[str, Array | float],
    inputs: Mapping[str, RealArray],
    dtype: DTypeLike,
    threads: int = 1,
) -> tuple[RealArray, ...]:
    """Return each head's outputs of a prediction's Plan, (rows, outputs), in pieces of rows."""
    rows = len(next(iter(inputs.values())))
    runner = Runner(
        plan,
        plan.outputs,
        values,
        inputs,
        dtype,
        min(rows, PIECE),
        whole_rows=True,
        threads=threads,
    )
    program = runner.program
    results = []
    for name in plan.outputs:
        width = program.size(program.fused.sides[program.fused.found(name).name][1])
        results.append(np.empty((rows, width), dtype))
    for first in range(0, rows, PIECE):
        last = min(rows, first + PIECE)
        runner.step(first, last - first)
        for name, result in zip(plan.outputs, results, strict=True):
            runner.read(name, result[first:last])
    return tuple(results)
