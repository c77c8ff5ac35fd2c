"""Checks of the arrays for training, done once per run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import BoolArray, RealArray
from chainrule.errors import InputError, InputTypeError, one_line
from chainrule.network.architecture import Network
from chainrule.network.domains import REALS
from chainrule.network.parameters import Parameters, gathered

_SHARES_TOLERANCE = 1e-6
"""Largest deviation of the sum of a sample's shares from one: rounding of float32 data."""


def parameters_of(network: Network, given: Mapping[str, Any] | None, seed: int) -> Parameters:
    """Return a copy of the given parameters, or initial ones."""
    if given is None:
        return network.initialize(seed)
    return gathered(given, network.parameter_shapes)


def inputs_of(network: Network, X: ArrayLike, dtype: DTypeLike, name: str = "X") -> RealArray:
    """Return X as (samples, inputs), in the parameters' type; raise InputError unless finite."""
    array = _numbers(X, name, dtype)
    width = network.layers[0]
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(
            f"`{name}` must have the shape (samples, {width}), got {array.shape}. Give one row per "
            "sample and one column per input."
        )
    if not len(array):
        raise InputError(f"`{name}` must have at least one row, got {array.shape}")
    _finite(array, name)
    return array


def targets_of(
    network: Network, Y: ArrayLike, samples: int, dtype: DTypeLike, name: str = "Y"
) -> RealArray:
    """Return Y as (samples, outputs); raise InputError outside the domain of the loss."""
    array = _numbers(Y, name, dtype)
    width = network.layers[-1]
    if array.ndim == 1 and width == 1:
        array = array[:, None]
    if array.shape != (samples, width):
        also = f" or ({samples},)" if width == 1 else ""
        raise InputError(
            f"`{name}` must have the shape ({samples}, {width}){also}, got {array.shape}"
            + (". Classes are one-hot, one column per class." if network.form.shares else "")
        )
    domain = network.targets
    _finite(array, name)
    if domain != REALS:
        low = array > domain.low if domain.open_low else array >= domain.low
        high = array < domain.high if domain.open_high else array <= domain.high
        _refuse(~(low & high), array, name, f"targets in {domain} (loss {network.loss.name})")
    if network.form.shares:
        sums = array.sum(axis=1, dtype=np.float64)
        wrong = np.abs(sums - 1) > _SHARES_TOLERANCE
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"`{name}` must have rows that are one-hot or probabilities with the sum one "
                f"(softmax with log_loss), got the sum {sums[row]:g} in row {row}"
            )
    return array


def weights_of(weights: ArrayLike, samples: int, dtype: DTypeLike) -> RealArray:
    """Return sample weights as (samples,), not negative and not all zero."""
    array = _numbers(weights, "sample_weight", dtype)
    if array.shape != (samples,):
        raise InputError(f"`sample_weight` must have the shape ({samples},), got {array.shape}")
    _refuse(~(array >= 0) | ~np.isfinite(array), array, "sample_weight", "numbers of at least 0")
    if not array.any():
        raise InputError("`sample_weight` must have a weight above zero, got only zeros")
    return array


def _numbers(given: ArrayLike, name: str, dtype: DTypeLike) -> RealArray:
    """Return an array of the same shape, contiguous and of the given type."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InputTypeError(f"`{name}` must be an array of numbers ({one_line(error)})") from None
    if array.dtype.kind not in "fiub":
        raise InputTypeError(
            f"`{name}` must be an array of numbers, got the type {array.dtype}. Encode columns of "
            "text first, or train from a table."
        )
    return np.ascontiguousarray(array, dtype=dtype)


def _finite(array: RealArray, name: str) -> None:
    """Raise InputError unless every value of (rows, ...) is finite."""
    # In pieces, because a mask of 60,000 × 784 values would be the largest array of a run.
    starts = range(0, len(array), 4096)
    if not all(np.isfinite(array[start : start + 4096]).all() for start in starts):
        _refuse(~np.isfinite(array), array, name, "finite numbers")


def _refuse(wrong: BoolArray, array: RealArray, name: str, allowed: str) -> None:
    """Raise InputError with the first value where ``wrong``, of the shape of the array."""
    if wrong.any():
        position = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise InputError(
            f"`{name}` must be {allowed}, got {array[position]:g} at {list(position)}, one of "
            f"{int(wrong.sum())} such values"
        )
