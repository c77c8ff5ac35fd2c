"""scikit-learn: its MLPClassifier and MLPRegressor as chainrule's, and back, fitted as they are."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import Pipeline

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.labels import ClassLabels
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["from_sklearn", "to_sklearn"]

_OURS: dict[Any, Any] = {TheirClassifier: MLPClassifier, TheirRegressor: MLPRegressor}
_ADDED = {
    "class_weight": None,
    "normalization": None,
    "residual": False,
    "dropout": 0.0,
    "embeddings": None,
    "quantile": 0.5,
}
"""Parameters that scikit-learn does not have, with the value that means the same as none."""
_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
_LOSSES = ("squared_error", "poisson", "log_loss")


def from_sklearn(estimator: Any) -> Any:
    """Return chainrule's estimator with the parameters and the fitted arrays of scikit-learn's.

    ``estimator`` is an MLPClassifier or MLPRegressor, fitted or not, or a Pipeline that ends with
    one, of which a copy is returned whose last step is chainrule's. Predictions are the same; a
    new ``fit`` is chainrule's. Optimizer states are not taken: ``partial_fit`` begins with new
    ones.

    >>> import sklearn.neural_network
    >>> theirs = sklearn.neural_network.MLPClassifier((3,), solver="lbfgs", random_state=0)
    >>> theirs = theirs.fit([[0.0], [1.0], [2.0]], ["a", "b", "b"])
    >>> from_sklearn(theirs)
    MLPClassifier(hidden_layer_sizes=(3,), random_state=0, solver='lbfgs')
    """
    return _converted(estimator, _ours, "`estimator` must be an MLPClassifier or MLPRegressor of "
                      "scikit-learn")  # fmt: skip


def to_sklearn(estimator: Any) -> Any:
    """Return scikit-learn's estimator with the parameters and fitted arrays of chainrule's.

    ``estimator`` is an MLPClassifier or MLPRegressor of chainrule, or a Pipeline that ends with
    one. Raises ``InputError`` for what scikit-learn does not have: other activations and losses,
    ``dropout``, ``normalization``, ``residual``, ``embeddings``, ``class_weight``.

    >>> to_sklearn(MLPClassifier((5,), max_iter=3)).__module__.split(".")[0]
    'sklearn'
    """
    return _converted(estimator, _theirs, "`estimator` must be an MLPClassifier or MLPRegressor of "
                      "chainrule")  # fmt: skip


def _converted(estimator: Any, convert: Any, allowed: str) -> Any:
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        earlier = [copy.deepcopy(step) for step in estimator.steps[:-1]]
        return Pipeline([*earlier, (name, _converted(last, convert, allowed))])
    found = convert(estimator)
    if found is None:
        raise InputTypeError(f"{allowed}, or a Pipeline that ends with one, got {shown(estimator)}")
    return found


def _ours(estimator: Any) -> Any:
    for theirs, ours in _OURS.items():
        if isinstance(estimator, theirs):
            made = ours(**estimator.get_params(deep=False))
            _take_fitted(made, estimator)
            if hasattr(estimator, "classes_"):
                binarizer = estimator._label_binarizer
                made._labels = ClassLabels(
                    estimator.classes_, binarizer.y_type_, bool(binarizer.sparse_input_)
                )
            if hasattr(estimator, "coefs_"):
                made.other_parameters_ = {}
            return made
    return None


def _theirs(estimator: Any) -> Any:
    for theirs, ours in _OURS.items():
        if isinstance(estimator, ours):
            settings = estimator.get_params(deep=False)
            for name, default in _ADDED.items():
                value = settings.pop(name, default)
                if value != default and not (name == "quantile" and settings["loss"] != "quantile"):
                    raise _refused(name, value)
            if settings["activation"] not in _ACTIVATIONS:
                raise _refused("activation", settings["activation"])
            if settings.get("loss", "log_loss") not in _LOSSES:
                raise _refused("loss", settings["loss"])
            made = theirs(**settings)
            _take_fitted(made, estimator)
            if hasattr(estimator, "classes_"):
                made._label_binarizer = estimator._labels.binarizer
            return made
    return None


def _take_fitted(made: Any, estimator: Any) -> None:
    """Set the fitted attributes, whose names end with an underscore, to copies."""
    for name, value in vars(estimator).items():
        if name.endswith("_") and not name.startswith("_"):
            setattr(made, name, copy.deepcopy(value))


def _refused(name: str, value: object) -> InputError:
    return InputError(
        f"`estimator` must have parameters of scikit-learn, got {name}={shown(value)}, which it "
        "does not have. Export it (cr.export) instead"
    )
