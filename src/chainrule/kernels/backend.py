"""The choice of backend: the compiled core, or the reference where the core cannot run a Plan.

All other packages compute through these functions.  ``backend`` is "reference", "compiled" (an
error where the core is missing or has no form for the Plan) or "auto": the core if it is available
and has a form for the Plan, else the reference.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import Array, RealArray
from chainrule.errors import NotFused
from chainrule.formulas.expressions import Symbol
from chainrule.kernels.plan_cache import gradient_plan, prediction_plan
from chainrule.kernels.reference import Execution, named_array
from chainrule.kernels.trainer import ReferenceTrainer, Run, Trainer
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters
from chainrule.plans.plan import Plan
from chainrule.validation import checked_choice

if TYPE_CHECKING:
    from chainrule.kernels.gradient_runner import GradientRunner

__all__ = [
    "Backend",
    "LossFunction",
    "check_backend",
    "loss_and_gradients",
    "outputs",
    "pooled_outputs",
    "trainer",
]

Backend: TypeAlias = Literal["auto", "reference", "compiled"]


def check_backend(backend: str) -> None:
    """Raise InputError for an unknown backend, CoreUnavailable for "compiled" without the core."""
    checked_choice("backend", backend, ("auto", "reference", "compiled"))
    _core_is_used(backend)


def trainer(run: Run, backend: Backend = "auto") -> Trainer:
    """Return the trainer of a run."""
    if _core_is_used(backend):
        from chainrule.kernels import compiled

        with _reference_if_not_fused(backend):
            return compiled.CompiledTrainer(run)
    return ReferenceTrainer(run)


def outputs(
    network: Network,
    parameters: Parameters,
    inputs: Mapping[str, RealArray],
    *,
    threads: int = 1,
    backend: Backend = "auto",
) -> tuple[RealArray, ...]:
    """Return each head's outputs, (samples, outputs), for checked inputs by symbol.

    Inputs have the type of the parameters.
    """
    plan = prediction_plan(network)
    dtype = parameters.flat.dtype
    values: dict[str, Array | float] = {**parameters, **network.constants}
    if _core_is_used(backend):
        from chainrule.kernels import compiled

        with _reference_if_not_fused(backend):
            return compiled.outputs(plan, values, inputs, dtype, threads)
    run = _executed(plan, {**values, **inputs}, dtype)
    return tuple(run.values[name] for name in plan.outputs)


def pooled_outputs(network: Network, values: Mapping[str, RealArray], X: RealArray) -> RealArray:
    """Return the outputs of a network with one input and one head, (samples, outputs).

    X is checked and has the type of the values.  Faster than `outputs` for repeated calls with few
    rows: the memory in the core is reused.
    """
    if _library().available():
        try:
            return _pool().outputs(network, values, X)  # type: ignore[no-any-return]
        except NotFused:
            pass
    plan = prediction_plan(network)
    run = _executed(plan, {**values, **network.constants, network.input_names[0]: X}, X.dtype)
    found: RealArray = run.values[plan.output].copy()
    return found


def loss_and_gradients(
    network: Network,
    parameters: Parameters,
    data: Mapping[str, RealArray],
    *,
    seed: int = 0,
    threads: int = 1,
    backend: Backend = "auto",
) -> tuple[float, dict[str, RealArray]]:
    """Return the loss of a checked batch and the gradients of the trainable parameters by name.

    ``seed`` is that of what is drawn at random, as in step 1 of a run.
    """
    plan = gradient_plan(network, weighted="w" in data)
    values: dict[str, Array | float] = {**parameters, **network.constants}
    dtype = parameters.flat.dtype
    if _core_is_used(backend):
        from chainrule.kernels import compiled

        with _reference_if_not_fused(backend):
            return compiled.loss_and_gradients(plan, values, data, dtype, threads, seed)
    run = _executed(plan, {**values, **data}, dtype, seed)
    symbols = {symbol.name: symbol for symbol in plan.formulation.parameters}
    gradients = {
        name: named_array(run.values[plan.gradients[name]], symbols[name]).copy()
        for name in network.trainable_names
    }
    return float(run.scalar(plan.loss)), gradients


class LossFunction:
    """The loss on fixed data as a function of the parameters, with its gradient.

    A call computes at the present values of ``parameters`` and writes into ``gradient``; the
    program in the core is prepared once for all calls.
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        data: Mapping[str, RealArray],
        backend: Backend = "auto",
    ) -> None:
        self.network, self.parameters, self.data = network, parameters, data
        self.plan = gradient_plan(network, weighted="w" in data)
        shapes = {name: array.shape for name, array in parameters.items()}
        self.gradient = Parameters(shapes, np.zeros(network.size, parameters.flat.dtype))
        axes = {symbol.name: symbol.axes for symbol in self.plan.formulation.parameters}
        self.cotangents = {
            name: Symbol(self.plan.gradients[name], axes[name]) for name in network.trainable_names
        }
        self.runner: GradientRunner | None = None
        if _core_is_used(backend):
            from chainrule.kernels import gradient_runner

            with _reference_if_not_fused(backend):
                self.runner = gradient_runner.GradientRunner(
                    self.plan, {**parameters, **network.constants}, data, parameters.flat.dtype
                )

    def __call__(self) -> tuple[float, float]:
        """Return the loss and the loss without penalties; write the gradient."""
        if self.runner is not None:
            return self.runner.run(self.parameters, self.gradient, self.cotangents)
        values: dict[str, ArrayLike] = {
            **self.parameters,
            **self.network.constants,
            **self.data,
        }
        run = _executed(self.plan, values, self.parameters.flat.dtype)
        for name, cotangent in self.cotangents.items():
            self.gradient[name][...] = named_array(run.values[cotangent.name], cotangent)
        return float(run.scalar(self.plan.loss)), float(run.scalar(self.plan.data_loss))


def _executed(
    plan: Plan, values: Mapping[str, ArrayLike], dtype: DTypeLike, seed: int = 0
) -> Execution:
    """Return the reference's execution of a Plan, completed; values have their symbols' axes."""
    run = Execution(plan, dtype=dtype)
    run.seed = seed
    run.give(values)
    with np.errstate(over="ignore", invalid="ignore"):
        run.all()
    return run


# -- the core --------------------------------------------------------------------------------------
# Its modules are imported when first needed: the shared library and the compiler of its programs
# are a fifth of the time that `import chainrule` may take.


@cache
def _library() -> ModuleType:
    from chainrule.kernels import core_library

    return core_library


@cache
def _pool() -> ModuleType:
    from chainrule.kernels import machine_pool

    return machine_pool


def _core_is_used(backend: str) -> bool:
    """Return whether the core is to run; raise CoreUnavailable where it has to and cannot."""
    if backend == "reference":
        return False
    library = _library()
    if backend == "compiled":
        library.require()
    return bool(library.available())


def _reference_if_not_fused(backend: str) -> AbstractContextManager[None]:
    """Suppress NotFused, so that the reference runs the Plan, unless backend is "compiled"."""
    return nullcontext() if backend == "compiled" else suppress(NotFused)
