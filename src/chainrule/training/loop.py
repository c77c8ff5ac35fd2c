"""The training run: epochs, batches, history, validation."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError, InputTypeError, NonFiniteLoss, NotFused
from chainrule.kernels.orders import UNSHUFFLED, Seeded
from chainrule.kernels.plan_cache import gradient_plan, prediction_plan
from chainrule.kernels.reference import Execution, named_array
from chainrule.kernels.threads import threads_of
from chainrule.kernels.trainer import (
    PERIOD,
    Diverged,
    Listener,
    Records,
    ReferenceTrainer,
    Run,
    Trainer,
)
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.network.parameters import Parameters
from chainrule.training.inputs import inputs_of, parameters_of, targets_of, weights_of
from chainrule.training.schedules import (
    EarlyStopping,
    ReduceOnPlateau,
    Schedule,
    rates_of,
    rules_of,
)

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
class Progress:
    """How far a run is: epochs finished, of how many, and the losses of each so far."""

    done: int
    of: int
    history: Mapping[str, Sequence[float] | NDArray[np.float64]]

    def epoch(self, number: int) -> Epoch:
        """Return a finished epoch; they count from 1."""
        validation = self.history.get("validation_loss")
        return Epoch(
            number,
            self.of,
            float(self.history["loss"][number - 1]),
            float(self.history["data_loss"][number - 1]),
            None if validation is None else float(validation[number - 1]),
        )


@dataclass(frozen=True)
class Result:
    """A finished run: the parameters, and the course of the losses by epoch.

    ``history`` has ``loss`` (what was minimized), ``data_loss`` (without penalties) and, with
    validation data, ``validation_loss``; where the learning rate may change, ``learning_rate``.  An
    epoch's loss is the mean over its batches, each taken at the parameters before its own step.
    ``stopped_early`` says whether the run ended before its last epoch.  ``best_epoch`` is the epoch
    with the lowest watched loss, with early stopping; the parameters are those after it, unless
    ``restore_best=False`` kept the last ones.
    """

    network: Network
    parameters: Parameters
    history: dict[str, list[float]] = field(default_factory=dict)
    stopped_early: bool = False
    best_epoch: int | None = None

    def predict(self, X: Any) -> Array:
        """Return the outputs, (samples, outputs)."""
        return predict(self.network, self.parameters, X)

    def __repr__(self) -> str:
        losses = self.history.get("loss", ())
        if not losses:
            return f"<Result {self.network}>"
        epochs = f"{len(losses)} epoch{'s' * (len(losses) > 1)}"
        return f"<Result {self.network}; {epochs}, loss {losses[-1]:.4g}>"


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
    early_stopping: bool | EarlyStopping | None = None,
    schedule: Schedule | ReduceOnPlateau | Callable[[int], float] | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
    on_epoch: Callable[[Epoch], Any] | None = None,
    on_progress: Callable[[Progress], Any] | None = None,
) -> Result:
    """Train a network: repeat its derived equations over batches.

    ``X`` is (samples, inputs), ``Y`` (samples, outputs), or one-dimensional for one output; classes
    are one-hot.  The given arrays are never changed.  ``parameters`` are where to start (by default
    ``network.initialize(seed)``) and decide the type of all numbers.  ``batch_size=None`` takes all
    samples at once; a last short batch is used.  ``validation`` is a pair (X, Y).

    ``early_stopping`` (True for the defaults of `EarlyStopping`) ends the run when the validation
    loss, or without validation the loss, has stopped falling.  ``schedule`` lets the learning rate
    start at the optimizer's and change: `InverseScaling`, `StepDecay`, `ExponentialDecay`,
    `CosineDecay`, `ReduceOnPlateau`, or a function from the epoch (from 1) to its rate.

    ``on_epoch`` is told of every epoch, by a call after each; ``on_progress`` of all epochs
    finished so far, at most twenty times a second, which costs next to nothing, and at the end.  A
    true answer of either ends the run.  ``backend`` "auto" is the compiled core where it can be had
    and has a form for the Plan, else the reference.  At most ``threads`` threads share the large
    products of a step (by default the processors at hand, see ``show_config``); small networks stay
    on one, and the results have the same bits for any number.

    Ctrl-C ends the run within the longer of 0.1 s and one step.  The KeyboardInterrupt goes on to
    the caller; its attribute ``result`` is what the run would have returned had it ended after the
    last complete step.

    Raises ``InputError`` where arrays do not suit the network, ``NonFiniteLoss`` (which has a
    ``result`` too) as soon as the loss is NaN or infinite, naming epoch, batch and layer.

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
        Seeded(seed) if shuffle else UNSHUFFLED,
        held,
        rates_of(schedule, start=chosen.learning_rate, epochs=count, samples=samples),
        rules_of(early_stopping, schedule, validated=held is not None),
        threads_of(threads),
    )
    trainer = _trainer(run, core, backend)
    try:
        _epochs(trainer, count, on_epoch, on_progress)
    except Diverged as place:
        error = NonFiniteLoss(_told(place))
        error.result = _result(trainer, count)
        raise error from None
    except KeyboardInterrupt as interrupt:
        # The very exception goes on: Python ends a script by the signal itself only for that one.
        trainer.collect()
        interrupt.result = _result(trainer, count)  # type: ignore[attr-defined]
        interrupt.add_note(
            f"training ended after {trainer.losses.epochs} of {count} epochs; the attribute "
            "`result` of this exception has the parameters"
        )
        raise
    return _result(trainer, count)


def _epochs(
    trainer: Trainer,
    count: int,
    on_epoch: Callable[[Epoch], Any] | None,
    on_progress: Callable[[Progress], Any] | None,
) -> None:
    """Run the epochs, in one call where nobody wants to be told of each."""

    def so_far() -> Progress:
        return Progress(trainer.losses.epochs, count, _history(trainer))

    if on_epoch is None:
        listener = None if on_progress is None else _listener(trainer.given, count, on_progress)
        trainer.run(1, count, listener)
    else:
        told = time.monotonic()
        for number in range(1, count + 1):
            ending = trainer.run(number, 1).ending
            ends = on_epoch(so_far().epoch(number)) or ending != "finished"
            if on_progress is not None and time.monotonic() - told >= PERIOD and not ends:
                ends = on_progress(so_far())
                told = time.monotonic()
            if ends:
                break
    if on_progress is not None:
        on_progress(so_far())


def _listener(run: Run, count: int, on_progress: Callable[[Progress], Any]) -> Listener:
    names = ("loss", "data_loss", "validation_loss")[: 2 if run.held is None else 3]

    def listener(records: Records) -> Any:
        columns = {name: records[:, place] for place, name in enumerate(names)}
        return on_progress(Progress(len(records), count, columns))

    return listener


def _history(trainer: Trainer) -> dict[str, list[float]]:
    losses = trainer.losses
    history = {"loss": losses.loss, "data_loss": losses.data_loss}
    if trainer.given.held is not None:
        history["validation_loss"] = losses.validation_loss
    if trainer.given.varies:
        history["learning_rate"] = losses.rate
    return history


def _result(trainer: Trainer, count: int) -> Result:
    trainer.restore_best()
    run, losses = trainer.given, trainer.losses
    watched = run.stopping and not run.stopping[0].divisor
    return Result(
        run.network,
        run.parameters,
        _history(trainer),
        losses.epochs < count,
        losses.best_epoch if watched and losses.best_epoch else None,
    )


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
    from chainrule.kernels import compiled, core_library

    if backend == "compiled":
        core_library.require()
    return compiled if core_library.available() else None
