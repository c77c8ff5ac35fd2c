"""Checks of the input: scikit-learn's, and a faster check of arrays that pass all of them.

scikit-learn's checks take longer than 50 epochs of a small network.  A NumPy array of floats, two
dimensions, finite, with as many columns as before and no column names to compare, passes all of
them and is accepted here; all other input is passed to ``validate_data``, which raises the errors
and warnings.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn import get_config
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.arrays import LabelArray, RealArray
from chainrule.errors import InputError, InputTypeError, shown

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
_LARGEST_MEMORY = 4096
_TIMES = ("m", "M")
_LARGEST_EXACT = 2**53

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
    refuse_times_and_masks(X, "X")
    with _of_floats():
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
    refuse_times_and_masks(X, "X")
    if numbers:
        refuse_times_and_masks(y, "y")
    else:
        refuse_masks(y, "y")
        y = _whole_numbers(y)
    with _of_floats():
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


@contextmanager
def _of_floats() -> Iterator[None]:
    """Name an integer beyond the largest float, for which NumPy has an error without a name."""
    try:
        yield
    except OverflowError as error:
        raise InputError(
            f"`X` and `y` must be numbers below 1.8e308, got an integer beyond it ({error}). "
            "Divide the column by a power of ten."
        ) from None


def weights(sample_weight: Any, X: Any) -> RealArray | None:
    """Return checked weights of the rows, not all zero."""
    if sample_weight is None:
        return None
    refuse_times_and_masks(sample_weight, "sample_weight")
    checked: RealArray = _check_sample_weight(sample_weight, X)
    if not checked.any():  # before 1.9 scikit-learn does not check this
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return checked


def refuse_times_and_masks(given: Any, name: str) -> None:
    """Raise an error for dates, durations and masked entries, which would become numbers.

    scikit-learn takes the ticks of a date, which are days or nanoseconds as it happens to be
    stored, and what is below a mask.
    """
    refuse_masks(given, name)
    for dtype in _types(given):
        if getattr(dtype, "kind", "") in _TIMES or getattr(dtype, "is_temporal", bool)():
            raise InputTypeError(
                f"`{name}` must be numbers, got {dtype}. Subtract a date and divide by a unit, as "
                'in (dates - dates.min()) / np.timedelta64(1, "D"), or train from a table.'
            )


def refuse_masks(given: Any, name: str) -> None:
    """Raise InputError for a masked array with masked entries."""
    if np.ma.is_masked(given):
        raise InputError(
            f"`{name}` must have no masked entries, got {int(np.sum(np.ma.getmask(given)))}. Fill "
            "them, as with filled(), or leave out their rows."
        )


def _types(given: Any) -> list[Any]:
    """Return the types of an array, of a list, or of the columns of a data frame."""
    columns = getattr(given, "dtypes", None)
    if columns is not None:
        return list(columns) if hasattr(columns, "__iter__") else [columns]
    if isinstance(given, list | tuple):
        try:
            given = np.asarray(given)
        except ValueError:  # of different lengths: scikit-learn's error
            return []
    dtype = getattr(given, "dtype", None)
    if isinstance(given, np.ndarray) and given.dtype.kind == "O":
        return [entry.dtype for entry in given.flat if isinstance(entry, np.generic)]
    return [] if dtype is None else [dtype]


def _whole_numbers(y: Any) -> Any:
    """Return labels whose whole numbers are still distinct.

    scikit-learn makes floats of pandas' own integers, and NumPy of a list with one float: beyond
    2^53 neighbors become one class.
    """
    dtype = getattr(y, "dtype", None)
    own = getattr(dtype, "numpy_dtype", None)
    if own is not None and own.kind in "iu" and not y.isna().any():
        return y.to_numpy(dtype=own)
    if isinstance(y, list | tuple):
        found = np.asarray(y)
        if found.dtype.kind == "f" and (np.abs(found) > _LARGEST_EXACT).any():
            raise InputError(
                "`y` must not have classes beyond 2^53 beside floats, which round them, got "
                f"{shown(y[int(np.argmax(np.abs(found)))])}. Give text or integers."
            )
    return y


def dense(X: Any, dtype: DTypeLike) -> RealArray:
    """Return rows as one contiguous array."""
    return np.ascontiguousarray(X.toarray() if hasattr(X, "toarray") else X, dtype)
