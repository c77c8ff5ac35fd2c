"""What may go into training: arrays checked once, at the door."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError, InputTypeError
from chainrule.network.architecture import Network
from chainrule.network.domains import REALS
from chainrule.network.parameters import Parameters, gathered

Array = NDArray[Any]

_SHARES_TOLERANCE = 1e-6
"""How far the shares of a sample may be from summing to one: rounding of float32 data."""


def parameters_of(network: Network, given: Mapping[str, Any] | None, seed: int) -> Parameters:
    """Return a copy of the given parameters, or starting ones."""
    if given is None:
        return network.initialize(seed)
    return gathered(given, network.parameter_shapes)


def inputs_of(network: Network, X: Any, dtype: Any, name: str = "X") -> Array:
    """Return X as (samples, inputs), in the parameters' type, finite."""
    array = _numbers(X, name, dtype)
    width = network.layers[0]
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(
            f"{name}: an array of shape {array.shape} came; (samples, {width}) is needed: one row "
            f"per sample, one column per input"
        )
    if not len(array):
        raise InputError(f"{name}: no samples came; at least one row is needed")
    _finite(array, name)
    return array


def targets_of(network: Network, Y: Any, samples: int, dtype: Any, name: str = "Y") -> Array:
    """Return Y as (samples, outputs), within what the loss is defined for."""
    array = _numbers(Y, name, dtype)
    width = network.layers[-1]
    if array.ndim == 1 and width == 1:
        array = array[:, None]
    if array.shape != (samples, width):
        also = f" or ({samples},)" if width == 1 else ""
        raise InputError(
            f"{name}: an array of shape {array.shape} came; ({samples}, {width}){also} is needed"
            + ("; classes are given one-hot, one column per class" if network.form.shares else "")
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
                f"{name}: row {row} sums to {sums[row]:g}; with softmax and log_loss the targets "
                "of a sample are one-hot or probabilities that sum to one"
            )
    return array


def weights_of(weights: Any, samples: int, dtype: Any) -> Array:
    """Return sample weights as (samples,), not negative and not all zero."""
    array = _numbers(weights, "sample_weight", dtype)
    if array.shape != (samples,):
        raise InputError(
            f"sample_weight: an array of shape {array.shape} came; ({samples},) is needed"
        )
    _refuse(~(array >= 0) | ~np.isfinite(array), array, "sample_weight", "numbers of at least 0")
    if not array.any():
        raise InputError("sample_weight: every weight is zero; at least one must be above zero")
    return array


def _numbers(given: Any, name: str, dtype: Any) -> Array:
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InputTypeError(f"{name}: {error}; an array of numbers is needed") from None
    if array.dtype.kind not in "fiub":
        raise InputTypeError(
            f"{name}: values of type {array.dtype} came; numbers are needed "
            "(encode text columns first, or train from a table)"
        )
    return np.ascontiguousarray(array, dtype=dtype)


def _finite(array: Array, name: str) -> None:
    # In pieces: a mask of 60,000 × 784 values would be the largest array of a whole run.
    starts = range(0, len(array), 4096)
    if not all(np.isfinite(array[start : start + 4096]).all() for start in starts):
        _refuse(~np.isfinite(array), array, name, "finite numbers")


def _refuse(wrong: Array, array: Array, name: str, allowed: str) -> None:
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise InputError(
            f"{name}: {array[place]:g} came at {list(place)}; {allowed} are needed; "
            f"{int(wrong.sum())} such values in all"
        )
