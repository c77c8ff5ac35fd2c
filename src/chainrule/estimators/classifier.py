"""MLPClassifier: scikit-learn's interface, computed by the compiled core."""

import os
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)

from chainrule.arrays import BoolArray, LabelArray, RealArray
from chainrule.errors import InputError, shown
from chainrule.estimators.base import Perceptron
from chainrule.estimators.fit_checkpoints import Asked
from chainrule.estimators.input_checks import check_parameters
from chainrule.estimators.labels import ClassLabels
from chainrule.estimators.parameter_docs import documented
from chainrule.estimators.scores import accuracy


@documented
class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """Multi-layer perceptron classifier: scikit-learn's parameters, attributes and results.

    The loss is −Σ y log a, averaged over rows, plus ½ α ‖W‖² / rows.  Parameters are those of
    ``sklearn.neural_network.MLPClassifier``, and ``class_weight``: None, "balanced" or weights by
    class, multiplied with the weight of a row.  ``activation`` may also be another elementwise
    one of the catalogue, or a list of one for each hidden layer.  ``normalization`` ("batch" or
    "layer"), ``residual``, ``dropout`` (a rate) and ``embeddings`` (a mapping from columns with
    codes 0, 1, … to the units of their embedding) change the hidden layers, and are off by default;
    their parameters are in ``other_parameters_``.  Fitted attributes are
    scikit-learn's, ``validation_loss_curve_`` (losses on held-out rows by epoch, or None) and
    ``best_iteration_`` (the epoch, from 1, of the best validation score with ``early_stopping``, of
    the lowest loss without).

    Raises ``ValueError`` and ``TypeError`` as scikit-learn does, and as soon as a loss is no longer
    finite, naming the epoch, the batch and the layer.

    >>> X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> model = MLPClassifier((4,), activation="tanh", solver="lbfgs", random_state=1)
    >>> model.fit(X, ["no", "yes", "yes", "no"]).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    loss = "log_loss"
    _numbers = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }
    _labels: ClassLabels

    def __init__(
        self,
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
        class_weight: Any = None,
        normalization: Any = None,
        residual: bool = False,
        dropout: float = 0.0,
        embeddings: Any = None,
    ) -> None:
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
        self.class_weight = class_weight
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
    ) -> "MLPClassifier":
        """Fit to X, (samples, features), and labels y, (samples,), or (samples, labels) of 0, 1.

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
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> "MLPClassifier":
        """Run one epoch over these rows; the first call needs all ``classes``."""
        if not hasattr(self, "coefs_"):
            check_parameters(self)
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._labels = ClassLabels.of(y if several else np.asarray(classes))
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> LabelArray:
        """Return the most probable class of each row, or 0 and 1 for each label."""
        values = self._outputs(X)
        answers: LabelArray = self._labels.answers(values)
        return answers

    def predict_proba(self, X: Any) -> RealArray:
        """Return the probability of each class, (samples, classes)."""
        values = self._outputs(X)
        if values.shape[1] == 1:
            return np.hstack([1 - values, values])
        return values

    def predict_log_proba(self, X: Any) -> RealArray:
        """Return the logarithm of ``predict_proba``."""
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    # -- labels --------------------------------------------------------------------------------

    def _targets(self, y: LabelArray, dtype: DTypeLike, *, incremental: bool) -> RealArray:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._labels = ClassLabels.of(y)
            self.classes_ = self._labels.classes
        else:
            self._check_classes(unique_labels(y))
        return self._labels.columns(y, dtype)

    def _held_targets(self, y: LabelArray, dtype: DTypeLike) -> RealArray:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if len(unknown):
            raise InputError(
                "`y_val` must not have classes that `y` does not have, got "
                f"{shown(unknown.tolist())}. Leave those rows out."
            )
        return self._labels.columns(y, dtype)

    def _weighted(
        self, y: LabelArray, sample_weight: RealArray | None, *, incremental: bool
    ) -> RealArray | None:
        if self.class_weight is None:
            return sample_weight
        if incremental and self.class_weight == "balanced":
            raise InputError(
                "`class_weight` must be None or a dictionary of weights for partial_fit, got "
                "'balanced'. Use sklearn.utils.class_weight.compute_class_weight on all rows."
            )
        by_class: RealArray = compute_sample_weight(self.class_weight, y)
        return by_class if sample_weight is None else by_class * sample_weight

    def _check_classes(self, classes: LabelArray) -> None:
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _out_activation(self) -> str:
        return "softmax" if self._labels.kind == "multiclass" else "logistic"

    def _compared(self, values: RealArray) -> LabelArray:
        return self._labels.indices(values)

    @property
    def _label_binarizer(self) -> Any:
        """scikit-learn's object; converters to other formats use it."""
        return self._labels.binarizer

    def _stratified(self, targets: RealArray) -> BoolArray | None:
        # scikit-learn's column of truth values, because its error message contains them.
        return targets.astype(bool) if self.n_outputs_ == 1 else None

    def _scored(self, y: LabelArray, answers: LabelArray, sample_weight: RealArray | None) -> float:
        return accuracy(y, answers, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
