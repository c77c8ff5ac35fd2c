"""The solvers "sgd" and "adam": scikit-learn's rules around the one training loop.

Order of samples, learning rates, stopping and the memory of the update rule are handed to the run;
only a score on held-out data (``early_stopping``) is computed here, between epochs.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from chainrule.errors import InputError, NotFused
from chainrule.kernels import core_library
from chainrule.kernels.compiled_trainer import CompiledTrainer
from chainrule.kernels.orders import UNSHUFFLED, Given, Legacy, Order
from chainrule.kernels.stopping import Count, Stopping
from chainrule.kernels.trainer import Diverged, ReferenceTrainer, Run, State, Trainer
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, AdamHat, Optimizer
from chainrule.network.parameters import Parameters

Array = NDArray[Any]

_DIVISOR, _SMALLEST_RATE = 5.0, 1e-6
"""Of the learning rate "adaptive"."""


@dataclass
class Update:
    """An update rule and where it stands, so that ``partial_fit`` goes on from there."""

    rule: Optimizer
    learning_rate: float
    schedule: str = "constant"
    power: float = 0.5
    steps: int = 0
    memory: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Any) -> "Update":
        """Return the rule of an estimator's parameters, at its start."""
        rate = float(model.learning_rate_init)
        if model.solver == "adam":
            return cls(_adam(rate, model.beta_1, model.beta_2, model.epsilon), rate)
        rule = _sgd(rate, float(model.momentum), bool(model.nesterovs_momentum))
        return cls(rule, rate, model.learning_rate, float(model.power_t))

    def rate_after(self, samples: int) -> float:
        """Return the learning rate once so many samples were seen, of the schedule invscaling."""
        return self.rule.learning_rate / float((samples + 1) ** self.power)


@lru_cache(maxsize=256)
def _adam(rate: float, beta_1: float, beta_2: float, epsilon: float) -> AdamHat:
    return AdamHat(rate, beta_1, beta_2, epsilon)  # its constants are checked once


@lru_cache(maxsize=256)
def _sgd(rate: float, momentum: float, nesterov: bool) -> SGD:
    return SGD(rate, momentum, nesterov and momentum > 0)


class Fit:
    """One call of ``fit`` or ``partial_fit``.

    ``model`` is the estimator, which carries what a later call goes on with.  ``data`` holds X,
    targets and weights of the training rows; ``parameters`` are changed in place.  ``held`` are
    rows whose loss is told; ``score`` is what early stopping watches, computed after each epoch.
    """

    def __init__(
        self,
        model: Any,
        network: Network,
        parameters: Parameters,
        data: Mapping[str, Array],
        random_state: np.random.RandomState,
        *,
        incremental: bool,
        data_weight: float,
        held: Mapping[str, Array] | None = None,
        score: Callable[[], float] | None = None,
    ) -> None:
        self.model, self.parameters, self.score = model, parameters, score
        self.random_state = random_state
        self.samples = len(data["X"])
        self.epochs = 1 if incremental else int(model.max_iter)
        self.incremental = incremental
        self.data_weight = data_weight
        known = getattr(model, "_optimizer", None) if incremental else None
        self.update: Update = known or Update.of(model)
        self.start_t = model.t_
        self.rule = Stopping(
            patience=model.n_iter_no_change,
            tolerance=float(model.tol),
            data_weight=data_weight,
            divisor=_DIVISOR if self.update.schedule == "adaptive" else 0.0,
            smallest_rate=_SMALLEST_RATE,
        )
        best = model.best_loss_ if score is None else -model.best_validation_score_
        self.count = Count(best=float(best), epochs=model._no_improvement_count)
        self.places: Array | None = None
        order = self._order()
        constant = self.update.schedule == "constant"
        run = Run(
            network,
            self.update.rule,
            parameters,
            data,
            self._batch(),
            order,
            held=held,
            rate=None if constant else self._rate,
            stopping=() if score else (self.rule,),
        )
        self.trainer = _trainer(run)
        counts = [] if score else [self.count]
        self.trainer.restore(State(self.update.steps, 0, self.update.memory, counts))
        self.told = 0

    # -- what the run is given -----------------------------------------------------------------

    def _order(self) -> Order:
        if not self.model.shuffle:
            return UNSHUFFLED
        with suppress(InputError):  # another generator than MT19937
            return Legacy(self.random_state)
        self.places = np.arange(self.samples)
        return Given(self.places)  # shuffled here, epoch by epoch

    def _batch(self) -> int:
        wanted = self.model.batch_size
        if isinstance(wanted, str):
            return min(200, self.samples)
        if wanted > self.samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=7,
            )
        return int(np.clip(wanted, 1, self.samples))

    def _rate(self, epoch: int) -> float:
        if self.update.schedule == "invscaling" and epoch > 1:
            return self.update.rate_after(self.start_t + (epoch - 1) * self.samples)
        return self.update.learning_rate

    # -- the run -------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the epochs; the estimator then has its curves, counts and rule.

        Raises ``ValueError``, as scikit-learn does where weights are not finite, as soon as the
        loss is not.
        """
        model = self.model
        model.n_iter_ = 0
        together = self.epochs if self.score is None and self.places is None else 1
        stopped = False
        try:
            while model.n_iter_ < self.epochs and not stopped:
                if self.places is not None:
                    self.random_state.shuffle(self.places)
                listener = self._listener if model.verbose else None
                losses = self.trainer.run(model.n_iter_ + 1, together, listener)
                self._finished()
                stopped = losses.ending == "no_better" if self.score is None else self._scored()
        except KeyboardInterrupt:
            self._finished()
            stopped = True
            warnings.warn("Training interrupted by user.", stacklevel=6)
        except Diverged as place:
            self._finished()
            stopped = True
            self._diverged(place)
        finally:
            self._kept()
        if stopped and model.verbose and model._no_improvement_count > model.n_iter_no_change:
            self._tell_end()
        if not stopped and not self.incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=6,
            )

    def _finished(self) -> None:
        """Take over the losses of the epochs that were finished since the last time."""
        model, whole = self.model, self.trainer.losses
        new = slice(model.n_iter_, None)
        curve = self._reported(whole.loss[new], whole.data_loss[new])
        if model.verbose:
            self._tell(model.n_iter_, curve)
        if curve:
            model.loss_ = curve[-1]
        model.loss_curve_ += curve
        if whole.validation_loss:
            held = [self.data_weight * loss for loss in whole.validation_loss[new]]
            model.validation_loss_curve_ = (model.validation_loss_curve_ or []) + held
        model.n_iter_ += len(curve)
        model.t_ += len(curve) * self.samples

    def _reported(self, loss: list[float], data_loss: list[float]) -> list[float]:
        if self.data_weight == 1.0:
            return loss
        pairs = zip(loss, data_loss, strict=True)
        return [self.data_weight * data + (whole - data) for whole, data in pairs]

    def _scored(self) -> bool:
        """Score the held-out rows; return whether the run is to end."""
        assert self.score is not None
        model, count = self.model, self.count
        score = self.score()
        model.validation_scores_.append(score)
        if model.verbose:
            print(f"Validation score: {score:f}")
        reductions = count.reductions
        ends = count.ends(self.rule, model.n_iter_, -score, self.update.learning_rate)
        if count.is_best:
            model.best_validation_score_ = score
            model._keep_best(self.parameters)
        if count.reductions > reductions:
            self.update.learning_rate /= _DIVISOR
        return ends

    def _diverged(self, place: Diverged) -> None:
        model = self.model
        where = f"epoch {place.epoch}, batch {place.batch}, first in {place.symbol}"
        if self._is_weightless(place.batch):
            raise InputError(
                f"sample_weight: the weights of batch {place.batch} of epoch {place.epoch} sum to "
                "0, so it has no mean; leave rows of weight 0 out, or use a larger batch_size"
            ) from None
        if self.score is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                f"values and need to be preprocessed. (The loss became {place.loss} in {where}; "
                "scale X, or use a smaller learning_rate_init.)"
            ) from None
        # The best weights so far are good: scikit-learn goes on through NaN to max_iter.
        model.loss_ = float(place.loss)
        model.loss_curve_.append(model.loss_)
        model.validation_scores_.append(float("nan"))
        model.n_iter_ += 1
        warnings.warn(
            f"Stochastic Optimizer: the loss became {place.loss} in {where}; the weights of the "
            "best validation score are kept. Scale X, or use a smaller learning_rate_init.",
            ConvergenceWarning,
            stacklevel=7,
        )

    def _is_weightless(self, batch: int) -> bool:
        run, places = self.trainer.given, self.trainer.indices
        if "w" not in run.data:
            return False
        rows: Any = slice((batch - 1) * run.batch, batch * run.batch)
        return not run.data["w"][rows if places is None else places[rows]].sum()

    def _kept(self) -> None:
        """Leave on the estimator what a later call goes on with."""
        model, update = self.model, self.update
        state = self.trainer.state()
        update.steps, update.memory = state.steps, state.memory
        count = self.count if self.score else state.counts[0]
        model._no_improvement_count = count.epochs
        if count.best_epoch:
            before = len(model.loss_curve_) - model.n_iter_
            model.best_iteration_ = before + count.best_epoch
        if self.score is None:
            model.best_loss_ = count.best
            for _ in range(count.reductions):
                update.learning_rate /= _DIVISOR
        if update.schedule == "invscaling" and model.n_iter_:
            update.learning_rate = update.rate_after(model.t_)
        model._optimizer = update

    # -- verbose -------------------------------------------------------------------------------

    def _listener(self, records: Array) -> None:
        # Epochs of this call so far; the model's count is that of the calls before.
        self._tell(self.model.n_iter_, self._reported(*records.T[:2].tolist()))

    def _tell(self, before: int, curve: list[float]) -> None:
        for epoch, loss in enumerate(curve, before + 1):
            if epoch > self.told:
                print(f"Iteration {epoch}, loss = {loss:.8f}")
                self.told = epoch

    def _tell_end(self) -> None:
        model = self.model
        watched = "Training loss" if self.score is None else "Validation score"
        slow = "Learning rate too small. " if self.rule.divisor else ""
        print(
            f"{watched} did not improve more than tol={model.tol:f} for "
            f"{model.n_iter_no_change} consecutive epochs. {slow}Stopping."
        )


def _trainer(run: Run) -> Trainer:
    if not core_library.available():
        return ReferenceTrainer(run)
    try:
        return CompiledTrainer(run)
    except NotFused:
        return ReferenceTrainer(run)
