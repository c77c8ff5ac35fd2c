"""The training run: epochs, batches, history, validation."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import RealArray
from chainrule.errors import InputError, InputTypeError, NonFiniteLoss, shown
from chainrule.kernels import backend as backends
from chainrule.kernels.backend import Backend, check_backend
from chainrule.kernels.orders import UNSHUFFLED, Seeded
from chainrule.kernels.threads import threads_of
from chainrule.kernels.trainer import (
    PERIOD,
    Diverged,
    Listener,
    Records,
    Run,
    Trainer,
)
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.network.parameters import Parameters
from chainrule.training.checkpoint_folder import CheckpointFolder
from chainrule.training.checkpoints import description_of, restored_run, state_of
from chainrule.training.epoch_bar import epochs_shown
from chainrule.training.inputs import (
    Arrays,
    batch_of,
    held_out_of,
    parameters_of,
    refuse_weightless_batch,
    weights_of,
)
from chainrule.training.results import Epoch, Progress, Result
from chainrule.training.schedules import (
    EarlyStopping,
    Measure,
    ReduceOnPlateau,
    Schedule,
    criterion_of,
    rates_of,
    rules_of,
)
from chainrule.validation import checked_flag, checked_integer, checked_seed


def train(
    network: Network,
    X: Arrays,
    Y: Arrays,
    *,
    parameters: Mapping[str, Any] | None = None,
    optimizer: str | Optimizer | None = None,
    batch_size: int | None = 32,
    epochs: int = 100,
    shuffle: bool = True,
    seed: int = 0,
    sample_weight: ArrayLike | None = None,
    validation: tuple[Arrays, Arrays] | tuple[Arrays, Arrays, ArrayLike] | None = None,
    early_stopping: bool | EarlyStopping | None = None,
    schedule: Schedule | ReduceOnPlateau | Callable[[int], float] | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    verbose: bool | int | Literal["bar"] = False,
    on_epoch: Callable[[Epoch], object] | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> Result:
    """Train a network: apply its derived equations to one batch after another.

    ``X`` is (samples, inputs), ``Y`` (samples, outputs), or one-dimensional for one output; classes
    are one-hot.  A network with several inputs or outputs takes a list of arrays, or a mapping from
    the inputs' names; `Categories` take codes, (samples,).  The given arrays are never changed.
    ``parameters`` are the initial ones (by default ``network.initialize(seed)``) and determine the
    type of all values.  ``batch_size=None`` takes all samples at once; a last short batch is used.
    ``validation`` is a pair (X, Y), or (X, Y, weights) with the weights of its rows.

    ``early_stopping`` (True for the defaults of `EarlyStopping`) ends the run when the validation
    loss, or without validation the loss, has stopped falling; its ``monitor`` may also be a
    function of the validation targets and outputs.  ``schedule`` lets the learning rate
    start at the optimizer's and change: `InverseScaling`, `StepDecay`, `ExponentialDecay`,
    `CosineDecay`, `ReduceOnPlateau`, or a function from the epoch (from 1) to its rate.

    ``verbose`` prints a line with the losses after each epoch, or after every ``verbose`` epochs
    and the last one, a few at a time; "bar" shows one line, with the curve so far, which is
    replaced in a notebook and on a terminal.

    ``on_epoch`` is called after each epoch with its losses and the parameters, ``on_progress`` with
    all epochs finished so far, at most twenty times a second, which takes almost no time, and at
    the end.  A true result of either ends the run.  ``backend`` "auto" is the compiled core if it
    is available and has a form for the Plan, else the reference.  At most ``threads`` threads share
    the large products of a step (by default the available processors, see ``show_config``); small
    networks use one, and the results have the same bits for any number.

    ``checkpoint`` is a folder that the state is written to after every ``checkpoint_every`` epochs.
    With ``resume`` the run continues from the one that is there, or begins where there is none: it
    ends with the bits of a run that was never interrupted. Network, data and settings have to be
    the same.

    ``seed`` determines initial parameters, the order of samples, and the masks and the noise of
    every step.

    Ctrl-C ends the run within the longer of 0.1 s and one step.  The KeyboardInterrupt is
    raised to the caller; its attribute ``result`` is the result of the run up to the last complete
    step.

    Raises ``InputError`` for arrays that do not fit the network, ``NonFiniteLoss`` (which has a
    ``result`` too) as soon as the loss is NaN or infinite, naming epoch, batch and layer.

    >>> network = Network.dense([2, 3, 1])
    >>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> result = train(network, X, [0, 1, 1, 0], optimizer=SGD(0.5), epochs=2, batch_size=2)
    >>> len(result.history["loss"])
    2
    """
    check_backend(backend)
    chosen = SGD(0.1) if optimizer is None else find_optimizer(optimizer)
    current = parameters_of(network, parameters, seed)
    dtype = current.flat.dtype
    data = batch_of(network, X, Y, dtype)
    samples = len(next(iter(data.values())))
    if sample_weight is not None:
        data["w"] = weights_of(sample_weight, samples, dtype)
    size = samples if batch_size is None else checked_integer("batch_size", batch_size)
    count = checked_integer("epochs", epochs)
    held = None if validation is None else held_out_of(network, validation, dtype)

    def measured(measure: Measure) -> float:
        return _measured(measure, network, current, held, backend)

    criterion = criterion_of(early_stopping, measured)
    if criterion is not None and held is None:
        raise InputError(
            "EarlyStopping: `monitor` must be 'loss' without validation data, got a function. Give "
            "validation=(X, Y), or monitor 'loss'."
        )
    run = Run(
        network,
        chosen,
        current,
        data,
        size,
        Seeded(seed) if checked_flag("shuffle", shuffle) else UNSHUFFLED,
        held,
        rates_of(schedule, start=chosen.learning_rate, epochs=count, samples=samples),
        rules_of(early_stopping, schedule, validated=held is not None),
        threads_of(threads),
        checked_seed(seed),
        criterion,
    )
    checkpoints = None
    if checkpoint is not None:
        about = description_of(run, early_stopping, schedule, count)
        checkpoints = CheckpointFolder.of(checkpoint, checkpoint_every, about)
    found = checkpoints.newest(restored_run) if checkpoints is not None and resume else None
    lines = epochs_shown(verbose)
    if lines is not None:
        on_progress = lines.before(on_progress)
    trainer: Trainer | None = None
    try:
        trainer = backends.trainer(run, backend)
        if found is not None:
            found.apply(trainer)
            if lines is not None:
                lines.done = trainer.losses.epochs
        _epochs(trainer, count, checkpoints, on_epoch, on_progress)
        if lines is not None:
            lines.show(_history(trainer), count, ended=True)
    except Diverged as divergence:
        assert trainer is not None
        rows = trainer.batch_rows(divergence.batch)
        refuse_weightless_batch(data.get("w"), rows, divergence.batch, divergence.epoch)
        error = NonFiniteLoss(_divergence_message(divergence))
        error.result = _result(trainer, count)
        if lines is not None:
            lines.show(error.result.history, count, ended=True)
        raise error from None
    except KeyboardInterrupt as interrupt:
        # The same exception is raised: only then does Python end a script by the signal itself.
        if trainer is None:
            result = Result(network, current)
        else:
            trainer.collect()
            result = _result(trainer, count)
        if lines is not None:
            lines.show(result.history, count, ended=True)
        interrupt.result = result  # type: ignore[attr-defined]
        interrupt.add_note(
            f"training ended after {len(result.history.get('loss', ()))} of {count} epochs; the "
            "attribute `result` of this exception has the parameters"
        )
        raise
    return _result(trainer, count)


def _epochs(
    trainer: Trainer,
    count: int,
    checkpoints: CheckpointFolder | None,
    on_epoch: Callable[[Epoch], object] | None,
    on_progress: Callable[[Progress], object] | None,
) -> None:
    """Run the epochs that are left, in one call where nothing has to be done between them."""

    def so_far() -> Progress:
        return Progress(trainer.losses.epochs, count, _history(trainer))

    last_call = time.monotonic()

    def reported(progress: Progress) -> object:
        nonlocal last_call
        last_call = time.monotonic()
        assert on_progress is not None
        return on_progress(progress)

    ends: object = trainer.losses.ending == "no_better"  # of a run that is resumed
    while trainer.losses.epochs < count and not ends:
        done = trainer.losses.epochs
        listener = None
        if on_progress is not None and on_epoch is None:
            listener = _listener(trainer, count, reported)
        piece = count - done
        if on_epoch is not None:
            piece = 1
        elif checkpoints is not None:
            piece = checkpoints.epochs_until_next(done, count)
        ends = trainer.run(done + 1, piece, listener).ending != "finished"
        done = trainer.losses.epochs
        if checkpoints is not None and (ends or checkpoints.is_due(done, count)):
            checkpoints.write(*state_of(trainer))
        if on_epoch is not None:
            epoch = replace(so_far().epoch(done), parameters=trainer.given.parameters)
            ends = on_epoch(epoch) or ends
        # A call of few epochs ends before its listener is called.
        waited = time.monotonic() - last_call >= PERIOD
        if on_progress is not None and waited and done < count and not ends:
            ends = reported(so_far())
    if on_progress is not None:
        reported(so_far())


def _listener(trainer: Trainer, count: int, on_progress: Callable[[Progress], object]) -> Listener:
    """Return the listener of one call of the trainer, which gets the records of that call."""
    names = ("loss", "data_loss", "validation_loss")[: 2 if trainer.given.held is None else 3]
    before = trainer.losses.epochs

    def listener(records: Records) -> object:
        columns: dict[str, Any] = {}
        for column, name in enumerate(names):
            values = records[:, column]
            earlier = getattr(trainer.losses, name)[:before]
            columns[name] = np.concatenate([earlier, values]) if before else values
        return on_progress(Progress(before + len(records), count, columns))

    return listener


def _history(trainer: Trainer) -> dict[str, list[float]]:
    losses = trainer.losses
    history = {"loss": losses.loss, "data_loss": losses.data_loss}
    if trainer.given.held is not None:
        history["validation_loss"] = losses.validation_loss
    if trainer.given.varies:
        history["learning_rate"] = losses.rate
    if trainer.given.criterion is not None:
        history["monitored"] = losses.criterion
    return history


def _result(trainer: Trainer, count: int) -> Result:
    trainer.restore_best()
    run, losses = trainer.given, trainer.losses
    monitored = run.criterion or (run.stopping and not run.stopping[0].divisor)
    return Result(
        run.network,
        run.parameters,
        _history(trainer),
        losses.epochs < count,
        losses.best_epoch if monitored and losses.best_epoch else None,
    )


def _divergence_message(divergence: Diverged) -> str:
    return (
        f"training: the loss became {divergence.loss} in epoch {divergence.epoch}, batch "
        f"{divergence.batch}; the first value that is not finite is {divergence.symbol}; use a "
        "smaller learning rate or scale the inputs"
    )


def _measured(
    measure: Measure,
    network: Network,
    parameters: Parameters,
    held: Mapping[str, RealArray] | None,
    backend: Backend,
) -> float:
    """Return a function of the targets, outputs and weights of held-out data."""
    assert held is not None
    inputs = {name: held[name] for name in network.input_names}
    outputs = backends.outputs(network, parameters, inputs, threads=1, backend=backend)
    targets = tuple(held[name] for name in network.target_names)
    several = len(targets) > 1
    found = measure(
        targets if several else targets[0], outputs if several else outputs[0], held.get("w")
    )
    try:
        return float(found)
    except (TypeError, ValueError):
        allowed = "a function that returns a number"
        raise InputTypeError(
            f"EarlyStopping: `monitor` must be {allowed}, got {shown(found)} from it"
        ) from None
