"""The solvers "sgd" and "adam": scikit-learn's rules for the training loop.

Order of samples, learning rates, stopping and the memory of the update rule are arguments of the
run; only a score on held-out data (``early_stopping``) is computed here, between epochs.  A `Fit`
changes parameters in place and returns its `Progress`, which the estimator stores.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.errors import InputError
from chainrule.estimators.blocks import Blocks
from chainrule.estimators.fit_checkpoints import Asked, FitCheckpoints
from chainrule.estimators.samples import Samples
from chainrule.kernels.backend import trainer
from chainrule.kernels.orders import UNSHUFFLED, Given, Legacy, Order
from chainrule.kernels.stopping import Count, Stopping
from chainrule.kernels.trainer import Diverged, Run, State
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, AdamHat, Optimizer
from chainrule.network.parameters import Parameters
from chainrule.training.inputs import refuse_weightless_batch

_DIVISOR, _SMALLEST_RATE = 5.0, 1e-6
"""Constants of the learning rate "adaptive"."""

Ending = Literal["max_iter", "no_better", "interrupted", "diverged"]


class Settings(Protocol):
    """The parameters of an estimator that these solvers read."""

    solver: str
    batch_size: str | int
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool | int
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float

    def get_params(self, deep: bool = True) -> dict[str, Any]: ...


@dataclass
class Update:
    """An update rule and its state, so that ``partial_fit`` can continue."""

    rule: Optimizer
    learning_rate: float
    schedule: str = "constant"
    power: float = 0.5
    steps: int = 0
    memory: dict[str, RealArray] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "Update":
        """Return the rule of an estimator's parameters, in its initial state."""
        rate = float(settings.learning_rate_init)
        if settings.solver == "adam":
            return cls(_adam(rate, settings.beta_1, settings.beta_2, settings.epsilon), rate)
        rule = _sgd(rate, float(settings.momentum), bool(settings.nesterovs_momentum))
        return cls(rule, rate, settings.learning_rate, float(settings.power_t))

    def rate_after(self, samples: int) -> float:
        """Return the learning rate of the schedule invscaling after so many samples."""
        return self.rule.learning_rate / float((samples + 1) ** self.power)


@lru_cache(maxsize=256)
def _adam(rate: float, beta_1: float, beta_2: float, epsilon: float) -> AdamHat:
    return AdamHat(rate, beta_1, beta_2, epsilon)  # its constants are checked once


@lru_cache(maxsize=256)
def _sgd(rate: float, momentum: float, nesterov: bool) -> SGD:
    return SGD(rate, momentum, nesterov and momentum > 0)


@dataclass
class Progress:
    """What a call of ``fit`` or ``partial_fit`` returns, and the next one continues from.

    The monitored value, which is to fall, is the training loss, or −score on held-out rows where
    ``scores`` is a list.  ``best`` is its lowest, after the epoch ``best_iteration`` (from 1),
    ``stale_epochs`` the number of epochs since it improved by the tolerance; ``best_parameters``
    are copied where a score is monitored.  ``iterations`` are the epochs of the last call,
    ``samples`` the rows of all epochs.  ``ending`` says why the last call ended, ``where`` the
    loss, epoch, batch and layer in which it diverged.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] | None = None
    scores: list[float] | None = None
    best: float = np.inf
    best_iteration: int | None = None
    best_parameters: list[RealArray] | None = None
    stale_epochs: int = 0
    iterations: int = 0
    samples: int = 0
    loss: float | None = None
    update: Update | None = None
    ending: Ending = "max_iter"
    where: str = ""

    def monitoring(self, *, scores: bool) -> "Progress":
        """Return this progress, with the best value forgotten if another value is monitored now."""
        if scores != (self.scores is not None):
            self.scores = [] if scores else None
            self.best, self.best_parameters, self.stale_epochs = np.inf, None, 0
        return self


class Fit:
    """One call of ``fit`` or ``partial_fit``.

    ``samples`` are the training rows; ``parameters`` are changed in place; ``progress`` is that of
    the earlier calls, and continued.  ``held`` are rows whose loss is reported; ``score`` is
    computed after each epoch, for early stopping.  With ``incremental`` one epoch is run.
    ``asked`` are the checkpoints that are asked for.
    """

    def __init__(
        self,
        settings: Settings,
        network: Network,
        parameters: Parameters,
        samples: Samples,
        random_state: np.random.RandomState,
        progress: Progress,
        blocks: Blocks,
        *,
        incremental: bool,
        data_weight: float,
        held: Samples | None = None,
        score: Callable[[], float] | None = None,
        asked: Asked | None = None,
    ) -> None:
        self.settings, self.parameters, self.score = settings, parameters, score
        self.random_state, self.progress = random_state, progress
        if progress.scores is not None and progress.best_parameters is None:
            progress.best_parameters = [array.copy() for array in parameters.values()]
        self.rows, self.weights = len(samples), samples.weights
        self.epochs = 1 if incremental else int(settings.max_iter)
        self.data_weight = data_weight
        previous = progress.update if incremental else None
        self.update = progress.update = previous or Update.of(settings)
        self.samples_before = progress.samples
        self.rule = Stopping(
            patience=settings.n_iter_no_change,  # type: ignore[arg-type] # may be infinity
            tolerance=float(settings.tol),
            data_weight=data_weight,
            divisor=_DIVISOR if self.update.schedule == "adaptive" else 0.0,
            smallest_rate=_SMALLEST_RATE,
        )
        self.count = Count(best=float(progress.best), epochs=progress.stale_epochs)
        self.shuffled: IntArray | None = None
        order = self._order()
        constant = self.update.schedule == "constant"
        run = Run(
            network,
            self.update.rule,
            parameters,
            samples.data(network, blocks),
            self._batch(network),
            order,
            held=None if held is None else held.data(network, blocks),
            rate=None if constant else self._rate,
            stopping=() if score else (self.rule,),
            seed=int(random_state.randint(2**31)) if network.draws else 0,
        )
        self.trainer = trainer(run)
        counts = [] if score else [self.count]
        self.trainer.restore(State(self.update.steps, 0, self.update.memory, counts))
        self.checkpoints = None if asked is None else FitCheckpoints.of(asked, self)
        self.reported_epochs = 0

    # -- arguments of the run ------------------------------------------------------------------

    def _order(self) -> Order:
        if not self.settings.shuffle:
            return UNSHUFFLED
        with suppress(InputError):  # not the generator MT19937
            return Legacy(self.random_state)
        self.shuffled = np.arange(self.rows)
        return Given(self.shuffled)  # shuffled here before every epoch

    def _batch(self, network: Network) -> int:
        size = self.settings.batch_size
        if isinstance(size, str):
            size = min(200, self.rows)
            # Batch normalization takes no batch of a single row.
            return size + (network.needs_batch and self.rows % size == 1)
        if size > self.rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=7,
            )
        return int(np.clip(size, 1, self.rows))

    def _rate(self, epoch: int) -> float:
        if self.update.schedule == "invscaling" and epoch > 1:
            return self.update.rate_after(self.samples_before + (epoch - 1) * self.rows)
        return self.update.learning_rate

    # -- the run -------------------------------------------------------------------------------

    def run(self) -> Progress:
        """Run the epochs; return curves, counts, update rule and ending.

        Raises ``ValueError``, as scikit-learn does for weights that are not finite, as soon as the
        loss is not finite and no best weights are stored.
        """
        progress = self.progress
        progress.iterations, progress.ending = 0, "max_iter"
        stopped = False
        if self.checkpoints is not None:
            stopped = self.checkpoints.restore(self)
            self.reported_epochs = progress.iterations
        try:
            while progress.iterations < self.epochs and not stopped:
                if self.shuffled is not None:
                    self.random_state.shuffle(self.shuffled)
                listener = self._listener if self.settings.verbose else None
                losses = self.trainer.run(progress.iterations + 1, self._together(), listener)
                self._finished()
                stopped = losses.ending == "no_better" if self.score is None else self._scored()
                self._write_checkpoint(stopped)
            if stopped:
                progress.ending = "no_better"
        except KeyboardInterrupt:
            self._finished()
            progress.ending = "interrupted"
        except Diverged as divergence:
            self._finished()
            self._diverged(divergence)
        self._store_state()
        if progress.ending != "max_iter" and self.settings.verbose:
            self._print_end()
        return progress

    def _together(self) -> int:
        """Return how many epochs are run in one call: to the next thing that is done here."""
        done = self.progress.iterations
        if self.score is not None or self.shuffled is not None:
            return 1
        if self.checkpoints is not None:
            return self.checkpoints.files.epochs_until_next(done, self.epochs)
        return self.epochs - done

    def _write_checkpoint(self, stopped: bool) -> None:
        checkpoints, done = self.checkpoints, self.progress.iterations
        if checkpoints is not None and (stopped or checkpoints.files.is_due(done, self.epochs)):
            checkpoints.write(self, stopped=stopped)

    def _finished(self) -> None:
        """Append the losses of the epochs finished since the last call to the curves."""
        progress, whole = self.progress, self.trainer.losses
        new = slice(progress.iterations, None)
        curve = self._reported(whole.loss[new], whole.data_loss[new])
        if self.settings.verbose:
            self._print(progress.iterations, curve)
        if curve:
            progress.loss = curve[-1]
        progress.loss_curve += curve
        if whole.validation_loss:
            held = [self.data_weight * loss for loss in whole.validation_loss[new]]
            progress.validation_loss_curve = (progress.validation_loss_curve or []) + held
        progress.iterations += len(curve)
        progress.samples += len(curve) * self.rows

    def _reported(self, loss: list[float], data_loss: list[float]) -> list[float]:
        if self.data_weight == 1.0:
            return loss
        pairs = zip(loss, data_loss, strict=True)
        return [self.data_weight * data + (whole - data) for whole, data in pairs]

    def _scored(self) -> bool:
        """Compute the score of the held-out rows; return whether the run ends."""
        progress, count = self.progress, self.count
        assert self.score is not None
        assert progress.scores is not None
        score = self.score()
        progress.scores.append(score)
        if self.settings.verbose:
            print(f"Validation score: {score:f}")
        reductions = count.reductions
        ends = count.ends(self.rule, progress.iterations, -score, self.update.learning_rate)
        if count.is_best:
            progress.best_parameters = [array.copy() for array in self.parameters.values()]
        if count.reductions > reductions:
            self.update.learning_rate /= _DIVISOR
        return ends

    def _diverged(self, divergence: Diverged) -> None:
        progress = self.progress
        where = f"epoch {divergence.epoch}, batch {divergence.batch}, first in {divergence.symbol}"
        rows = self.trainer.batch_rows(divergence.batch)
        refuse_weightless_batch(self.weights, rows, divergence.batch, divergence.epoch)
        if progress.scores is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                f"values and need to be preprocessed. (The loss became {divergence.loss} in "
                f"{where}; scale X, or use a smaller learning_rate_init.)"
            ) from None
        # The best weights so far are finite: scikit-learn continues with NaN up to max_iter.
        progress.ending, progress.where = "diverged", f"{divergence.loss} in {where}"
        progress.loss = float(divergence.loss)
        progress.loss_curve.append(progress.loss)
        progress.scores.append(float("nan"))
        progress.iterations += 1

    def _store_state(self) -> None:
        """Store the state from which the next call continues."""
        progress, update = self.progress, self.update
        state = self.trainer.state()
        update.steps, update.memory = state.steps, state.memory
        count = self.count if self.score else state.counts[0]
        progress.best, progress.stale_epochs = count.best, count.epochs
        if count.best_epoch:
            before = len(progress.loss_curve) - progress.iterations
            progress.best_iteration = before + count.best_epoch
        if self.score is None:
            for _ in range(count.reductions):
                update.learning_rate /= _DIVISOR
        if update.schedule == "invscaling" and progress.iterations:
            update.learning_rate = update.rate_after(progress.samples)

    # -- verbose -------------------------------------------------------------------------------

    def _listener(self, records: FloatArray) -> None:
        # The epochs of this call so far; the progress counts those of earlier calls.
        self._print(self.progress.iterations, self._reported(*records.T[:2].tolist()))

    def _print(self, before: int, curve: list[float]) -> None:
        for epoch, loss in enumerate(curve, before + 1):
            if epoch > self.reported_epochs:
                print(f"Iteration {epoch}, loss = {loss:.8f}")
                self.reported_epochs = epoch

    def _print_end(self) -> None:
        settings, progress = self.settings, self.progress
        if progress.stale_epochs <= settings.n_iter_no_change:
            return
        monitored = "Training loss" if progress.scores is None else "Validation score"
        slow = "Learning rate too small. " if self.rule.divisor else ""
        print(
            f"{monitored} did not improve more than tol={settings.tol:f} for "
            f"{settings.n_iter_no_change} consecutive epochs. {slow}Stopping."
        )
