"""The base of the two estimators: parameters, checked input, initial weights, solvers, outputs."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import BoolArray, LabelArray, RealArray
from chainrule.errors import InputError, InputTypeError, shown, unknown_name
from chainrule.estimators import input_checks, quasi_newton
from chainrule.estimators.as_network import (
    ACTIVATIONS,
    REPORTED_AS_MEAN,
    network_of,
    packed,
    packed_names,
    starting_weights,
)
from chainrule.estimators.blocks import NORMALIZATIONS, Blocks, embedded_columns
from chainrule.estimators.fit_checkpoints import Asked
from chainrule.estimators.randomness import random_state_of
from chainrule.estimators.samples import Samples
from chainrule.estimators.stochastic import Fit, Progress
from chainrule.kernels.backend import outputs, pooled_outputs
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters
from chainrule.pictures.estimator_display import ShowsCurves
from chainrule.pictures.loss_curves import LossCurves
from chainrule.validation import is_integer

STOCHASTIC = ("sgd", "adam")
_SPARSE_ROWS = 1024
"""Rows of a sparse matrix that are converted at a time, to limit the memory."""


class Perceptron(ShowsCurves, BaseEstimator):  # type: ignore[misc]
    """The part of an estimator that is the same for classification and regression."""

    loss: Any
    _progress: Progress | None = None
    _blocks = Blocks()
    _numbers: ClassVar[bool]
    """Whether targets have to be numbers."""
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), list, tuple],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "residual": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "embeddings": [dict, None],
    }

    # -- differences between the classes -------------------------------------------------------

    @abstractmethod
    def _targets(self, y: LabelArray, dtype: DTypeLike, *, incremental: bool) -> RealArray:
        """Return checked targets as the network's, (samples, outputs)."""

    @abstractmethod
    def _held_targets(self, y: LabelArray, dtype: DTypeLike) -> RealArray:
        """Return targets of validation data as the network's."""

    @abstractmethod
    def _out_activation(self) -> str:
        """Return scikit-learn's name for the output layer's activation."""

    @abstractmethod
    def _compared(self, values: RealArray) -> LabelArray:
        """Return the values that a score compares, from the network's outputs or its targets."""

    @abstractmethod
    def _scored(self, y: LabelArray, answers: LabelArray, sample_weight: RealArray | None) -> float:
        """Return the score that early stopping monitors."""

    # -- fitting -------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        validation: tuple[Any, Any] = (None, None),
        asked: Asked | None = None,
    ) -> "Perceptron":
        hidden = self._hidden_sizes()
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y = input_checks.training_data(self, X, y, reset=first, numbers=self._numbers)
        sample_weight = input_checks.weights(sample_weight, X)
        targets = self._targets(y, X.dtype, incremental=incremental)
        if not first and targets.shape[1] != self.coefs_[-1].shape[1]:
            raise InputError(
                f"`y` must have as many outputs as the network, {self.coefs_[-1].shape[1]}, got "
                f"{targets.shape[1]}. Use a new estimator (clone) for another number."
            )
        self.n_outputs_ = targets.shape[1]
        combined = self._weighted(y, sample_weight, incremental=incremental)
        samples = Samples(X, targets, combined, sample_weight)
        own = self._own_validation(*validation, X.dtype)
        with random_state_of(self.random_state) as random_state:
            if first:
                widths = [X.shape[1], *hidden, self.n_outputs_]
                self._initialize(widths, X, random_state)
            self._solve(samples, own, random_state, incremental, asked)
        if not all(np.isfinite(array).all() for array in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    def _solve(
        self,
        samples: Samples,
        own: Samples | None,
        random_state: np.random.RandomState,
        incremental: bool,
        asked: Asked | None,
    ) -> None:
        dtype = np.dtype(np.float64) if self.solver == "lbfgs" else self.coefs_[0].dtype
        samples = samples.dense(dtype)
        network = self._network(dtype)
        if self.solver == "lbfgs":
            if own is not None:
                raise InputError(
                    "`X_val` must be None with solver='lbfgs', which has no epochs, got validation "
                    "data. Leave it out, or use solver='adam' or 'sgd'."
                )
            self._fit_quasi_newton(network, samples)
            return
        held = None if own is None else own.dense(dtype)
        self._fit_stochastic(network, samples, held, random_state, incremental, asked)

    def _weighted(
        self, y: LabelArray, sample_weight: RealArray | None, *, incremental: bool
    ) -> RealArray | None:
        """Return the weights to train with, or None."""
        return sample_weight

    def _own_validation(self, X: Any, y: Any, dtype: Any) -> Samples | None:
        """Return the user's validation data, checked, or None."""
        if X is None and y is None:
            return None
        if X is None or y is None:
            given = "y_val" if X is None else "X_val"
            raise InputError(f"`X_val` and `y_val` must be given together, got only `{given}`")
        X, y = input_checks.training_data(self, X, y, reset=False, numbers=self._numbers)
        return Samples(X, self._held_targets(y, dtype))

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        listed = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        for size in listed:
            if not is_integer(size):
                raise InputTypeError(
                    f"`hidden_layer_sizes` must be integers above 0, such as (64, 32), got "
                    f"{size!r} in {shown(listed)}"
                )
        if any(size <= 0 for size in listed):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {listed}.")
        if not isinstance(self.activation, str):
            for name in self.activation:
                if name not in ACTIVATIONS:
                    raise unknown_name("activation", str(name), ACTIVATIONS)
            if len(self.activation) != len(listed):
                raise InputError(
                    "`activation` must be one name, or one name per hidden layer (here "
                    f"{len(listed)}), got a list of {len(self.activation)}"
                )
        return [int(size) for size in listed]

    def _activations(self, layers: int) -> list[str]:
        """Return the activation of each hidden layer."""
        if isinstance(self.activation, str):
            return [self.activation] * (layers - 1)
        return list(self.activation)

    def _initialize(
        self, widths: list[int], X: RealArray, random_state: np.random.RandomState
    ) -> None:
        dtype = X.dtype
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(widths)
        self.out_activation_ = self._out_activation()
        names = self._activations(len(widths) - 1)
        names.append(names[-1] if names else str(self.activation))
        self._progress = None
        self._blocks = Blocks(
            self.normalization,
            bool(self.residual),
            float(self.dropout),
            embedded_columns(self.embeddings, X),
        )
        self.other_parameters_: dict[str, RealArray] = {}
        if self._blocks.is_plain:
            self.coefs_, self.intercepts_ = starting_weights(random_state, widths, names, dtype)
            return
        network = self._network_of(tuple(widths), dtype)
        drawn = network.initialize(int(random_state.randint(2**31)), dtype=dtype)
        names_in_order = packed_names(network)
        ordered = Parameters({name: network.parameter_shapes[name] for name in names_in_order})
        for name in names_in_order:
            ordered[name][...] = drawn[name]
        self._take(ordered)

    def _network(self, dtype: DTypeLike) -> Network:
        widths = (self.n_features_in_, *(array.shape[1] for array in self.coefs_))
        return self._network_of(widths, dtype)

    def _network_of(self, widths: tuple[int, ...], dtype: DTypeLike) -> Network:
        names = (*self._activations(len(widths) - 1), self.out_activation_)
        alpha, quantile = float(self.alpha), float(getattr(self, "quantile", 0.5))
        return network_of(widths, names, self.loss, alpha, np.dtype(dtype), quantile, self._blocks)

    def _data_weight(self) -> float:
        """Return the factor of the data's part in the reported loss.

        scikit-learn reports the squared error of several outputs as their mean and minimizes the
        sum.
        """
        return 1.0 / self.n_outputs_ if self.loss in REPORTED_AS_MEAN else 1.0

    def _fit_quasi_newton(self, network: Network, samples: Samples) -> None:
        if network.draws or network.needs_batch:
            raise InputError(
                "`solver` must be 'adam' or 'sgd' with dropout or normalization='batch', whose "
                "loss differs from step to step, got 'lbfgs'"
            )
        parameters = self._packed(network, np.float64)
        objective = quasi_newton.Objective(
            network, parameters, samples.data(network, self._blocks), self._data_weight()
        )
        result = quasi_newton.minimize(
            objective,
            max_fun=self.max_fun,
            max_iter=self.max_iter,
            tol=self.tol,
            verbose=bool(self.verbose),
        )
        # In SciPy up to 1.0 the iterations may exceed the limit.
        self.n_iter_ = min(result.nit, self.max_iter)
        if result.status != 0:
            message = quasi_newton.failure(result, self.n_iter_, self.max_iter)
            warnings.warn(message, ConvergenceWarning, stacklevel=5)
        self.loss_ = result.fun
        parameters.flat[...] = result.x
        self._take(parameters)

    def _fit_stochastic(
        self,
        network: Network,
        samples: Samples,
        held: Samples | None,
        random_state: np.random.RandomState,
        incremental: bool,
        asked: Asked | None,
    ) -> None:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        # A warm start may follow a fit by another solver, or one that monitored the other value.
        progress = (self._progress or Progress()).monitoring(scores=self.early_stopping)
        parameters = self._packed(network, self.coefs_[0].dtype)
        score = None
        if self.early_stopping:
            if held is None:
                samples, held = self._split(samples, random_state)
            score = self._scorer(network, parameters, held)
        fit = Fit(
            self,
            network,
            parameters,
            samples,
            random_state,
            progress,
            self._blocks,
            incremental=incremental,
            data_weight=self._data_weight(),
            held=held,
            score=score,
            asked=asked,
        )
        progress = fit.run()
        self._store(progress, parameters)
        if progress.ending != "max_iter" or not incremental:
            self._warn_of_ending(progress)

    def _store(self, progress: Progress, parameters: Parameters) -> None:
        """Set the fitted attributes, scikit-learn's and ours, to the results of a run."""
        self._progress = progress
        # Private names of scikit-learn's that code out there reads.
        self._optimizer, self._no_improvement_count = progress.update, progress.stale_epochs
        self._take(parameters)
        if progress.best_parameters is not None:
            best = (array.copy() for array in progress.best_parameters)
            self._take(dict(zip(parameters, best, strict=True)))
        self.n_iter_, self.t_ = progress.iterations, progress.samples
        self.loss_curve_ = progress.loss_curve
        # Lists or None, which one depends on the parameters, as in scikit-learn.
        self.validation_loss_curve_: Any = progress.validation_loss_curve
        self.validation_scores_: Any = progress.scores
        monitors_loss = progress.scores is None
        self.best_loss_ = progress.best if monitors_loss else None
        self.best_validation_score_ = None if monitors_loss else -progress.best
        if progress.loss is not None:
            self.loss_ = progress.loss
        if progress.best_iteration is not None:
            self.best_iteration_ = progress.best_iteration

    def _warn_of_ending(self, progress: Progress) -> None:
        messages = {
            "max_iter": f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and "
            "the optimization hasn't converged yet.",
            "interrupted": "Training interrupted by user.",
            "diverged": f"Stochastic Optimizer: the loss became {progress.where}; the "
            "weights of the best validation score are retained. Scale X, or use a smaller "
            "learning_rate_init.",
        }
        if progress.ending in messages:
            category = UserWarning if progress.ending == "interrupted" else ConvergenceWarning
            warnings.warn(messages[progress.ending], category, stacklevel=6)

    def _packed(self, network: Network, dtype: DTypeLike) -> Parameters:
        return packed(network, self.coefs_, self.intercepts_, self._others(), dtype)

    def _others(self) -> dict[str, RealArray]:
        """Return the parameters beside weights and biases; none where those were set by hand."""
        return self.other_parameters_ if "other_parameters_" in vars(self) else {}

    def _take(self, parameters: Mapping[str, RealArray]) -> None:
        """Set the fitted arrays to these parameters, in the order of ``packed_names``."""
        arrays, layers = list(parameters.values()), self.n_layers_ - 1
        self.coefs_, self.intercepts_ = arrays[:layers], arrays[layers : 2 * layers]
        self.other_parameters_ = dict(list(parameters.items())[2 * layers :])

    # -- early stopping ------------------------------------------------------------------------

    def _stratified(self, targets: RealArray) -> BoolArray | None:
        """Return the labels by which held-out rows are stratified, or None."""
        return None

    def _split(
        self, samples: Samples, random_state: np.random.RandomState
    ) -> tuple[Samples, Samples]:
        """Hold out the same rows as scikit-learn, which splits arrays by random indices too."""
        if not self.validation_fraction:
            raise InputError(
                "`validation_fraction` must be above 0 with early_stopping=True, got 0. Give a "
                "number between 0 and 1, or validation data of your own (X_val, y_val)."
            )
        rows = np.arange(len(samples))
        training, held = train_test_split(
            rows,
            random_state=random_state,
            test_size=self.validation_fraction,
            stratify=self._stratified(samples.targets),
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return samples.rows(training), samples.rows(held)

    def _scorer(
        self, network: Network, parameters: Parameters, held: Samples
    ) -> Callable[[], float]:
        actual = self._compared(held.targets)
        weights = held.score_weights

        def score() -> float:
            values = self._computed(network, parameters, held.X)
            if not np.isfinite(values).all():
                return float("nan")
            return self._scored(actual, self._compared(values), weights)

        return score

    # -- pictures ------------------------------------------------------------------------------

    def plot(self, ax: Any = None, *, language: str = "en") -> Any:
        """Return a picture of the losses by epoch, and below them of the scores on held-out rows.

        The best epoch is marked: that of the best score, or where there are no scores the one of
        the lowest held-out loss.  A notebook shows the picture, ``save("losses.svg")`` writes it;
        ``language`` is "en" or "zh".  With ``ax``, Axes of matplotlib, the losses are drawn there
        and the Axes are returned.

        Raises ``NotFittedError`` before the first fit, and ``InputError`` for the solver "lbfgs",
        which has no epochs.
        """
        check_is_fitted(self)
        losses = getattr(self, "loss_curve_", None)
        if losses is None:
            raise InputError(
                f"`plot` needs losses by epoch, which the solver {shown(self.solver)} does not "
                "have. Fit with the solver 'adam' or 'sgd'."
            )
        history = {"loss": losses}
        if self.validation_loss_curve_:
            history["validation_loss"] = self.validation_loss_curve_
        best = getattr(self, "best_iteration_", None) if self.validation_scores_ else None
        curves = LossCurves.of([history], best)
        if ax is not None:
            return curves.on(ax)
        return curves.drawing(language, scores=self.validation_scores_ or (), best_score=best)

    # -- predicting ----------------------------------------------------------------------------

    def _outputs(self, X: Any) -> RealArray:
        """Return the network's outputs, (samples, outputs), for X as the user gave it."""
        if "coefs_" not in vars(self):
            check_is_fitted(self)
        X = input_checks.inputs(self, X)
        weights = self.coefs_[0].dtype
        dtype = np.dtype(np.float32 if X.dtype == weights == np.float32 else np.float64)
        network = self._network(dtype)
        arrays = (*self.coefs_, *self.intercepts_, *self._others().values())
        values = {
            name: array.astype(dtype, copy=False)
            for name, array in zip(packed_names(network), arrays, strict=True)
        }
        if not hasattr(X, "tocsr"):
            return self._computed(network, values, input_checks.dense(X, dtype))
        rows = X.tocsr()  # sparse rows are converted piece by piece
        pieces = [
            self._computed(
                network, values, input_checks.dense(rows[first : first + _SPARSE_ROWS], dtype)
            )
            for first in range(0, rows.shape[0], _SPARSE_ROWS)
        ]
        return np.concatenate(pieces)

    def _computed(
        self, network: Network, values: Mapping[str, RealArray], X: RealArray
    ) -> RealArray:
        """Return the outputs for checked rows in the values' type, (samples, outputs)."""
        if not self._blocks.embeddings:
            return pooled_outputs(network, values, X)
        (found,) = outputs(network, self._packed(network, X.dtype), self._blocks.inputs(network, X))
        return found

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
