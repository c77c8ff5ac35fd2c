"""Checks of the input: scikit-learn's, and a faster check of arrays that pass all of them.

scikit-learn's checks take longer than 50 epochs of a small network.  A NumPy array of floats, two
dimensions, finite, with as many columns as before and no column names to compare, passes all of
them and is accepted here; all other input is passed to ``validate_data``, which raises the errors
and warnings.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn import get_config
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.arrays import LabelArray, RealArray

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
_LARGEST_MEMORY = 4096

_good: set[tuple[Any, ...]] = set()
_names: dict[type, tuple[str, ...]] = {}


def check_parameters(model: Any) -> None:
    """Check an estimator's parameters by scikit-learn, once for each set of values."""
    kind = type(model)
    if kind not in _names:
        _names[kind] = tuple(kind._get_param_names())
    values = [getattr(model, name) for name in _names[kind]]
    known = (kind, *map(type, values), *values) if all(map(_is_small, values)) else None
    if known in _good:
        return
    if get_config()["skip_parameter_validation"]:
        return
    model._validate_params()
    if known is not None and len(_good) < _LARGEST_MEMORY:
        _good.add(known)


def _is_small(value: Any) -> bool:
    """Return whether a parameter's value may be remembered: a number, a text, a tuple of them.

    A RandomState takes 25 KB, and is a new one in each fit of a search.
    """
    if isinstance(value, tuple):
        return all(map(_is_small, value))
    return value is None or type(value) in (bool, int, float, str)


def is_plain(model: Any, X: Any, *, reset: bool) -> bool:
    """Return whether every check of X would pass without a warning.

    >>> class Model: n_features_in_ = 2
    >>> is_plain(Model(), np.zeros((3, 2)), reset=False)
    True
    >>> is_plain(Model(), np.zeros((3, 4)), reset=False), is_plain(Model(), [[0.0]], reset=True)
    (False, False)
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in _FLOATS or 0 in X.shape:
        return False
    if not reset and (
        X.shape[1] != getattr(model, "n_features_in_", None) or hasattr(model, "feature_names_in_")
    ):
        return False
    return bool(np.isfinite(X).all())


def inputs(model: Any, X: Any) -> Any:
    """Return checked rows to predict for."""
    if is_plain(model, X, reset=False):
        return X
    return validate_data(model, X, accept_sparse=["csr", "csc"], reset=False)


def training_data(
    model: Any, X: Any, y: Any, *, reset: bool, numbers: bool
) -> tuple[Any, LabelArray]:
    """Return checked rows and targets; with ``numbers`` targets have to be numbers."""
    kinds = "iuf" if numbers else "iub"
    if (
        type(y) is np.ndarray
        and y.dtype.kind in kinds
        and y.ndim == 1
        and is_plain(model, X, reset=reset)
        and len(X) == len(y)
        and (y.dtype.kind != "f" or (y.dtype in _FLOATS and np.isfinite(y).all()))
    ):
        if reset:
            model.n_features_in_ = X.shape[1]
            vars(model).pop("feature_names_in_", None)
        return X, y
    X, y = validate_data(
        model,
        X,
        y,
        reset=reset,
        accept_sparse=["csr", "csc"],
        multi_output=True,
        dtype=(np.float64, np.float32),
        **({"y_numeric": True} if numbers else {}),
    )
    return X, y


def weights(sample_weight: Any, X: Any) -> RealArray | None:
    """Return checked weights of the rows, not all zero."""
    if sample_weight is None:
        return None
    checked: RealArray = _check_sample_weight(sample_weight, X)
    if not checked.any():  # before 1.9 scikit-learn does not check this
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return checked


def dense(X: Any, dtype: DTypeLike) -> RealArray:
    """Return rows as one contiguous array."""
    return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X, dtype)
