"""The training run: epochs, batches, history, validation."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError, InputTypeError, NonFiniteLoss, NotFused
from chainrule.kernels.plans import gradient_plan, prediction_plan
from chainrule.kernels.reference import Execution, named_array
from chainrule.kernels.runs import Diverged, ReferenceTrainer, Run, Trainer
from chainrule.kernels.threads import threads_of
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.network.parameters import Parameters
from chainrule.training.inputs import inputs_of, parameters_of, targets_of, weights_of
from chainrule.training.randomness import order

Array = NDArray[Any]
Backend = Literal["auto", "reference", "compiled"]


@dataclass(frozen=True)
class Epoch:
    """What a listener is told after an epoch; numbers are means over its samples."""

    number: int
    of: int
    loss: float
    data_loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class Result:
    """A finished run: the parameters, and the course of the losses by epoch.

    ``history`` has ``loss`` (what was minimized), ``data_loss`` (without penalties) and, with
    validation data, ``validation_loss``.  An epoch's loss is the mean over its batches, each taken
    at the parameters before its own step.
    """

    network: Network
    parameters: Parameters
    history: dict[str, list[float]] = field(default_factory=dict)

    def predict(self, X: Any) -> Array:
        """Return the outputs, (samples, outputs)."""
        return predict(self.network, self.parameters, X)


def train(
    network: Network,
    X: Any,
    Y: Any,
    *,
    parameters: Mapping[str, Any] | None = None,
    optimizer: str | Optimizer | None = None,
    batch_size: int | None = 32,
    epochs: int = 100,
    shuffle: bool = True,
    seed: int = 0,
    sample_weight: Any = None,
    validation: tuple[Any, Any] | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
    on_epoch: Callable[[Epoch], bool | None] | None = None,
) -> Result:
    """Train a network: repeat its derived equations over batches.

    ``X`` is (samples, inputs), ``Y`` (samples, outputs), or one-dimensional for one output; classes
    are one-hot.  The given arrays are never changed.  ``parameters`` are where to start (by default
    ``network.initialize(seed)``) and decide the type of all numbers.  ``batch_size=None`` takes all
    samples at once; a last short batch is used.  ``validation`` is a pair (X, Y).  ``on_epoch`` is
    told after each epoch; a true return value stops.  ``backend`` "auto" is the compiled core where
    it can be had and has a form for the Plan, else the reference.  At most ``threads`` threads share
    the large products of a step (by default the processors at hand, see ``show_config``); small
    networks stay on one, and the results have the same bits for any number.

    Raises ``InputError`` where arrays do not suit the network, ``NonFiniteLoss`` as soon as the
    loss is NaN or infinite, naming epoch, batch and layer.

    >>> network = Network.dense([2, 3, 1])
    >>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> result = train(network, X, [0, 1, 1, 0], optimizer=SGD(0.5), epochs=2, batch_size=2)
    >>> len(result.history["loss"])
    2
    """
    core = _core(backend)
    chosen = SGD(0.1) if optimizer is None else find_optimizer(optimizer)
    kept = parameters_of(network, parameters, seed)
    dtype = kept.flat.dtype
    inputs = inputs_of(network, X, dtype)
    samples = len(inputs)
    data = {"X": inputs, network.names.target: targets_of(network, Y, samples, dtype)}
    if sample_weight is not None:
        data["w"] = weights_of(sample_weight, samples, dtype)
    size = samples if batch_size is None else _whole(batch_size, "batch_size")
    count = _whole(epochs, "epochs")
    held = None if validation is None else _validation(network, validation, dtype)

    run = Run(
        network,
        chosen,
        kept,
        data,
        size,
        lambda epoch: order(seed, epoch, samples) if shuffle else np.arange(samples),
        seed if shuffle else None,
        held,
        threads_of(threads),
    )
    trainer = _trainer(run, core, backend)
    history: dict[str, list[float]] = {"loss": [], "data_loss": []}
    if held is not None:
        history["validation_loss"] = []
    together = count if on_epoch is None else 1
    for number in range(1, count + 1, together):
        try:
            losses = trainer.run(number, together)
        except Diverged as place:
            raise NonFiniteLoss(_told(place)) from None
        for name, values in history.items():
            values.extend(getattr(losses, name))
        if on_epoch is not None:
            latest = {name: values[-1] for name, values in history.items()}
            told = Epoch(
                number,
                count,
                latest["loss"],
                latest["data_loss"],
                latest.get("validation_loss"),
            )
            if on_epoch(told):
                break
    return Result(network, kept, history)


def _trainer(run: Run, core: Any, backend: Backend) -> Trainer:
    """Return what runs the epochs: the core, or the reference where the core cannot."""
    if core is None:
        return ReferenceTrainer(run)
    try:
        trainer: Trainer = core.CompiledTrainer(run)
    except NotFused:
        if backend == "compiled":
            raise
        return ReferenceTrainer(run)
    return trainer


def _told(place: Diverged) -> str:
    return (
        f"training: the loss became {place.loss} in epoch {place.epoch}, batch {place.batch}; the "
        f"first value that is not finite is {place.symbol}; use a smaller learning rate or scale "
        "the inputs"
    )


def loss_and_gradients(
    network: Network,
    parameters: Mapping[str, Any],
    X: Any,
    Y: Any,
    *,
    sample_weight: Any = None,
    threads: int | None = None,
    backend: Backend = "auto",
) -> tuple[float, dict[str, Array]]:
    """Return the loss of a batch and ∂Loss/∂(every trainable parameter), by name.

    Shapes and ``threads`` are those of ``train``; a gradient has the shape of its parameter.

    >>> network = Network.dense([1, 1], activation="identity")
    >>> loss_and_gradients(network, {"W_1": [[2.0]], "b_1": [0.0]}, [[1.0]], [5.0])
    (9.0, {'W_1': array([[-6.]]), 'b_1': array([-6.])})
    """
    core = _core(backend)
    most_threads = threads_of(threads)
    kept = parameters_of(network, parameters, 0)
    dtype = kept.flat.dtype
    data = _batch(network, X, Y, dtype)
    if sample_weight is not None:
        data["w"] = weights_of(sample_weight, len(data["X"]), dtype)
    plan = gradient_plan(network, weighted=sample_weight is not None)
    if core:
        with _unless_not_fused(backend):
            found: tuple[float, dict[str, Array]] = core.loss_and_gradients(
                plan, {**kept, **network.strengths}, data, dtype, most_threads
            )
            return found
    run = Execution(plan, dtype=dtype)
    run.give({**kept, **network.strengths, **data})
    with np.errstate(over="ignore", invalid="ignore"):
        run.all()
    symbols = {symbol.name: symbol for symbol in plan.formulation.parameters}
    gradients = {
        name: named_array(run.values[plan.gradients[name]], symbols[name]).copy()
        for name in network.trainable_names
    }
    return float(run.scalar(plan.loss)), gradients


def predict(
    network: Network,
    parameters: Mapping[str, Any],
    X: Any,
    *,
    threads: int | None = None,
    backend: Backend = "auto",
) -> Array:
    """Return the network's outputs, (samples, outputs); ``threads`` is that of ``train``.

    >>> network = Network.dense([1, 1], activation="identity")
    >>> predict(network, {"W_1": [[2.0]], "b_1": [1.0]}, [[3.0]])
    array([[7.]])
    """
    kept = parameters_of(network, parameters, 0)
    plan = prediction_plan(network)
    inputs = inputs_of(network, X, kept.flat.dtype)
    core = _core(backend)
    most_threads = threads_of(threads)
    if core:
        with _unless_not_fused(backend):
            outputs: Array = core.output(plan, kept, inputs, kept.flat.dtype, most_threads)
            return outputs
    run = Execution(plan, dtype=kept.flat.dtype)
    run.give({**kept, "X": inputs})
    with np.errstate(over="ignore", invalid="ignore"):
        run.all()
    return run.values[plan.output]


def _unless_not_fused(backend: Backend) -> AbstractContextManager[None]:
    """Let the reference take over what the core has no form for, unless the core was asked for."""
    return nullcontext() if backend == "compiled" else suppress(NotFused)


def _batch(
    network: Network, X: Any, Y: Any, dtype: Any, names: tuple[str, str] = ("X", "Y")
) -> dict[str, Array]:
    inputs = inputs_of(network, X, dtype, names[0])
    targets = targets_of(network, Y, len(inputs), dtype, names[1])
    return {"X": inputs, network.names.target: targets}


def _validation(network: Network, pair: Any, dtype: Any) -> dict[str, Array]:
    try:
        X, Y = pair
    except (TypeError, ValueError):
        raise InputTypeError(
            "validation: a pair (X, Y) of held-out data is needed, such as validation=(X_v, Y_v)"
        ) from None
    return _batch(network, X, Y, dtype, ("validation X", "validation Y"))


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputTypeError(f"{name}: {value!r} came; a whole number of at least 1 is needed")
    if value < 1:
        raise InputError(f"{name}: {value} came; a whole number of at least 1 is needed")
    return int(value)


def _core(backend: str) -> Any:
    """Return the compiled backend where it is to run, checking what was asked for."""
    if backend not in ("auto", "reference", "compiled"):
        raise InputError(f"backend: {backend!r} came; 'auto', 'reference' or 'compiled' is allowed")
    if backend == "reference":
        return None
    # When first needed: the shared library and what writes its programs are a fifth of the time
    # that `import chainrule` may take.
    from chainrule.kernels import compiled

    if backend == "compiled":
        compiled.require()
    return compiled if compiled.available() else None
