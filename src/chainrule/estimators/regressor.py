"""MLPRegressor: scikit-learn's interface, computed by the compiled core."""

import os
from numbers import Real
from typing import Any, ClassVar, cast

from numpy.typing import DTypeLike
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from chainrule.arrays import LabelArray, RealArray
from chainrule.errors import InputError, InputTypeError
from chainrule.estimators.as_network import LOSSES
from chainrule.estimators.base import Perceptron
from chainrule.estimators.fit_checkpoints import Asked
from chainrule.estimators.input_checks import check_parameters
from chainrule.estimators.parameter_docs import documented
from chainrule.estimators.scores import r_squared


@documented
class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """Multi-layer perceptron regressor: scikit-learn's parameters, attributes and results.

    The loss is ½ Σ (y − a)², averaged over rows (and reported as a mean over outputs), or that of
    ``loss``, plus ½ α ‖W‖² / rows.  Parameters are those of
    ``sklearn.neural_network.MLPRegressor``; ``loss`` may also be "absolute_error", "huber" (δ = 1),
    "quantile" (its level is ``quantile``) or "gamma", ``activation`` another elementwise one of the
    catalogue, or a list of one for each hidden layer.  ``normalization`` ("batch" or "layer"),
    ``residual``, ``dropout`` (a rate) and ``embeddings`` (a mapping from columns with codes 0, 1, …
    to the units of their embedding) change the hidden layers, and are off by default; their
    parameters are in ``other_parameters_``.  Fitted attributes are scikit-learn's,
    ``validation_loss_curve_`` (losses on held-out rows by epoch, or None) and ``best_iteration_``
    (the epoch, from 1, of the best validation score with ``early_stopping``, of the lowest loss
    without).

    Raises ``ValueError`` and ``TypeError`` as scikit-learn does, for targets that the loss is not
    defined for, and as soon as a loss is no longer finite, naming the epoch, the batch and the
    layer.

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> model = MLPRegressor(
    ...     hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99
    True
    """

    _numbers = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions(set(LOSSES) - {"log_loss"})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        quantile: float = 0.5,
        normalization: Any = None,
        residual: bool = False,
        dropout: float = 0.0,
        embeddings: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.quantile = quantile
        self.normalization = normalization
        self.residual = residual
        self.dropout = dropout
        self.embeddings = embeddings

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 1,
        resume: bool = False,
    ) -> "MLPRegressor":
        """Fit to X, (samples, features), and y, (samples,) or (samples, outputs).

        ``X_val`` and ``y_val`` are validation data of your own: their loss after each epoch is in
        ``validation_loss_curve_``, and ``early_stopping`` scores them instead of holding rows out.

        ``checkpoint`` is a folder that the state is written to after every ``checkpoint_every``
        epochs. With ``resume`` the fit continues from the one that is there, or begins where there
        is none, and ends with the bits of a fit that was never interrupted; data and parameters
        have to be the same, and ``random_state`` an integer.
        """
        check_parameters(self)
        first = not (self.warm_start and hasattr(self, "coefs_"))
        asked = Asked.of(self, checkpoint, checkpoint_every, resume, first=first)
        self._fit(X, y, sample_weight, validation=(X_val, y_val), asked=asked)
        return self

    @available_if(lambda model: model._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "MLPRegressor":
        """Run one epoch over these rows, from the estimator's present state."""
        if not hasattr(self, "coefs_"):
            check_parameters(self)
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> RealArray:
        """Return the outputs, (samples,), or (samples, outputs) where there are several."""
        values = self._outputs(X)
        return values.ravel() if values.shape[1] == 1 else values

    def _targets(self, y: LabelArray, dtype: DTypeLike, *, incremental: bool) -> RealArray:
        return self._numbers_of(y, "y")

    def _held_targets(self, y: LabelArray, dtype: DTypeLike) -> RealArray:
        return self._numbers_of(y, "y_val")

    def _numbers_of(self, y: LabelArray, name: str) -> RealArray:
        if y.dtype.kind in "US":
            raise InputTypeError(
                f"`{name}` must be numbers, got text such as {str(y.flat[0])!r}. Use "
                "y.astype(float) for numbers written as text, MLPClassifier for classes."
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        values = cast(RealArray, y[:, None] if y.ndim == 1 else y)
        if (self.loss == "poisson" and values.min() < 0) or (
            self.loss == "gamma" and values.min() <= 0
        ):
            allowed = "at least 0" if self.loss == "poisson" else "above 0"
            raise InputError(
                f"`{name}` must be {allowed} with loss={self.loss!r}, got {values.min():g}"
            )
        return values

    def _out_activation(self) -> str:
        return "exp" if self.loss in ("poisson", "gamma") else "identity"

    def _compared(self, values: RealArray) -> LabelArray:
        return values

    def _scored(self, y: LabelArray, answers: LabelArray, sample_weight: RealArray | None) -> float:
        return r_squared(cast(RealArray, y), cast(RealArray, answers), sample_weight)
