"""The solvers "sgd" and "adam": scikit-learn's rules for the training loop.

Order of samples, learning rates, stopping and the memory of the update rule are arguments of the
run; only a score on held-out data (``early_stopping``) is computed here, between epochs.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.arrays import FloatArray, IntArray, RealArray
from chainrule.errors import InputError
from chainrule.kernels.backend import trainer
from chainrule.kernels.orders import UNSHUFFLED, Given, Legacy, Order
from chainrule.kernels.stopping import Count, Stopping
from chainrule.kernels.trainer import Diverged, Run, State
from chainrule.network.architecture import Network
from chainrule.network.optimizers import SGD, AdamHat, Optimizer
from chainrule.network.parameters import Parameters

_DIVISOR, _SMALLEST_RATE = 5.0, 1e-6
"""Constants of the learning rate "adaptive"."""


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
    def of(cls, model: Any) -> "Update":
        """Return the rule of an estimator's parameters, in its initial state."""
        rate = float(model.learning_rate_init)
        if model.solver == "adam":
            return cls(_adam(rate, model.beta_1, model.beta_2, model.epsilon), rate)
        rule = _sgd(rate, float(model.momentum), bool(model.nesterovs_momentum))
        return cls(rule, rate, model.learning_rate, float(model.power_t))

    def rate_after(self, samples: int) -> float:
        """Return the learning rate of the schedule invscaling after so many samples."""
        return self.rule.learning_rate / float((samples + 1) ** self.power)


@lru_cache(maxsize=256)
def _adam(rate: float, beta_1: float, beta_2: float, epsilon: float) -> AdamHat:
    return AdamHat(rate, beta_1, beta_2, epsilon)  # its constants are checked once


@lru_cache(maxsize=256)
def _sgd(rate: float, momentum: float, nesterov: bool) -> SGD:
    return SGD(rate, momentum, nesterov and momentum > 0)


class Fit:
    """One call of ``fit`` or ``partial_fit``.

    ``model`` is the estimator, which stores the state for later calls.  ``data`` holds X,
    targets and weights of the training rows; ``parameters`` are changed in place.  ``held`` are
    rows whose loss is reported; ``score`` is computed after each epoch, for early stopping.
    """

    def __init__(
        self,
        model: Any,
        network: Network,
        parameters: Parameters,
        data: Mapping[str, RealArray],
        random_state: np.random.RandomState,
        *,
        incremental: bool,
        data_weight: float,
        held: Mapping[str, RealArray] | None = None,
        score: Callable[[], float] | None = None,
    ) -> None:
        self.model, self.parameters, self.score = model, parameters, score
        self.random_state = random_state
        self.samples = len(data["X"])
        self.epochs = 1 if incremental else int(model.max_iter)
        self.incremental = incremental
        self.data_weight = data_weight
        previous = getattr(model, "_optimizer", None) if incremental else None
        self.update: Update = previous or Update.of(model)
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
        self.shuffled: IntArray | None = None
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
        self.trainer = trainer(run)
        counts = [] if score else [self.count]
        self.trainer.restore(State(self.update.steps, 0, self.update.memory, counts))
        self.reported_epochs = 0

    # -- arguments of the run ------------------------------------------------------------------

    def _order(self) -> Order:
        if not self.model.shuffle:
            return UNSHUFFLED
        with suppress(InputError):  # not the generator MT19937
            return Legacy(self.random_state)
        self.shuffled = np.arange(self.samples)
        return Given(self.shuffled)  # shuffled here before every epoch

    def _batch(self) -> int:
        size = self.model.batch_size
        if isinstance(size, str):
            return min(200, self.samples)
        if size > self.samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=7,
            )
        return int(np.clip(size, 1, self.samples))

    def _rate(self, epoch: int) -> float:
        if self.update.schedule == "invscaling" and epoch > 1:
            return self.update.rate_after(self.start_t + (epoch - 1) * self.samples)
        return self.update.learning_rate

    # -- the run -------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the epochs and store curves, counts and rule on the estimator.

        Raises ``ValueError``, as scikit-learn does for weights that are not finite, as soon as the
        loss is not finite.
        """
        model = self.model
        model.n_iter_ = 0
        together = self.epochs if self.score is None and self.shuffled is None else 1
        stopped = False
        try:
            while model.n_iter_ < self.epochs and not stopped:
                if self.shuffled is not None:
                    self.random_state.shuffle(self.shuffled)
                listener = self._listener if model.verbose else None
                losses = self.trainer.run(model.n_iter_ + 1, together, listener)
                self._finished()
                stopped = losses.ending == "no_better" if self.score is None else self._scored()
        except KeyboardInterrupt:
            self._finished()
            stopped = True
            warnings.warn("Training interrupted by user.", stacklevel=6)
        except Diverged as divergence:
            self._finished()
            stopped = True
            self._diverged(divergence)
        finally:
            self._store_state()
        if stopped and model.verbose and model._no_improvement_count > model.n_iter_no_change:
            self._print_end()
        if not stopped and not self.incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=6,
            )

    def _finished(self) -> None:
        """Append the losses of the epochs finished since the last call to the curves."""
        model, whole = self.model, self.trainer.losses
        new = slice(model.n_iter_, None)
        curve = self._reported(whole.loss[new], whole.data_loss[new])
        if model.verbose:
            self._print(model.n_iter_, curve)
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
        """Compute the score of the held-out rows; return whether the run ends."""
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

    def _diverged(self, divergence: Diverged) -> None:
        model = self.model
        where = f"epoch {divergence.epoch}, batch {divergence.batch}, first in {divergence.symbol}"
        if self._has_no_weight(divergence.batch):
            raise InputError(
                "`sample_weight` must not sum to 0 in a batch, got 0 in batch "
                f"{divergence.batch} of epoch {divergence.epoch}. Leave out rows of weight 0, or "
                "use a larger batch_size."
            ) from None
        if self.score is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                f"values and need to be preprocessed. (The loss became {divergence.loss} in "
                f"{where}; scale X, or use a smaller learning_rate_init.)"
            ) from None
        # The best weights so far are finite: scikit-learn continues with NaN up to max_iter.
        model.loss_ = float(divergence.loss)
        model.loss_curve_.append(model.loss_)
        model.validation_scores_.append(float("nan"))
        model.n_iter_ += 1
        warnings.warn(
            f"Stochastic Optimizer: the loss became {divergence.loss} in {where}; the weights "
            "of the best validation score are retained. Scale X, or use a smaller "
            "learning_rate_init.",
            ConvergenceWarning,
            stacklevel=7,
        )

    def _has_no_weight(self, batch: int) -> bool:
        weights = self.trainer.given.data.get("w")
        return weights is not None and not weights[self.trainer.batch_rows(batch)].sum()

    def _store_state(self) -> None:
        """Store on the estimator the state for later calls."""
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

    def _listener(self, records: FloatArray) -> None:
        # The epochs of this call so far; the model's count is that of earlier calls.
        self._print(self.model.n_iter_, self._reported(*records.T[:2].tolist()))

    def _print(self, before: int, curve: list[float]) -> None:
        for epoch, loss in enumerate(curve, before + 1):
            if epoch > self.reported_epochs:
                print(f"Iteration {epoch}, loss = {loss:.8f}")
                self.reported_epochs = epoch

    def _print_end(self) -> None:
        model = self.model
        monitored = "Training loss" if self.score is None else "Validation score"
        slow = "Learning rate too small. " if self.rule.divisor else ""
        print(
            f"{monitored} did not improve more than tol={model.tol:f} for "
            f"{model.n_iter_no_change} consecutive epochs. {slow}Stopping."
        )
