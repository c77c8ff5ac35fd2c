"""Checks of the arrays for training, done once per run."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from chainrule.arrays import Array, BoolArray, RealArray
from chainrule.errors import InputError, InputTypeError, one_line, shown
from chainrule.network.architecture import Network
from chainrule.network.domains import REALS
from chainrule.network.graph import Layer
from chainrule.network.layers import CategoryLayer
from chainrule.network.losses import Form
from chainrule.network.parameters import Parameters, gathered
from chainrule.validation import requirement

Arrays: TypeAlias = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]
"""The array of one input or output; of several a list, or a mapping from the inputs' names."""

_SHARES_TOLERANCE = 1e-6
"""Largest deviation of the sum of a sample's shares from one: rounding of float32 data."""


def parameters_of(network: Network, given: Mapping[str, Any] | None, seed: int) -> Parameters:
    """Return a copy of the given parameters, or initial ones."""
    if given is None:
        return network.initialize(seed)
    return gathered(given, network.parameter_shapes)


def inputs_of(
    network: Network, X: object, dtype: DTypeLike, name: str = "X"
) -> dict[str, RealArray]:
    """Return the arrays of the inputs by their symbols, in the parameters' type.

    X is one array, or for several inputs a list of arrays or a mapping from their names.  Raises
    InputError unless every array is finite and suits its input.
    """
    given = _for_each(X, [node.layer for node in network.inputs], network.input_names, name)
    arrays: dict[str, RealArray] = {}
    for (label, value), symbol, node in zip(
        given, network.input_names, network.inputs, strict=True
    ):
        checked = _codes if isinstance(node.layer, CategoryLayer) else _columns
        arrays[symbol] = checked(value, label, node.width, dtype)
    lengths = {label: len(array) for (label, _), array in zip(given, arrays.values(), strict=True)}
    if len(set(lengths.values())) > 1:
        raise InputError(f"`{name}` must have inputs with equally many rows, got {lengths}")
    return arrays


def _for_each(
    given: object, layers: Sequence[Layer], symbols: Sequence[str], name: str
) -> list[tuple[str, Any]]:
    """Return what was given for each input or output, with the name for messages."""
    if isinstance(given, Mapping):
        return _by_name(given, layers, symbols, name)
    if len(symbols) == 1:
        return [(name, given)]
    if not isinstance(given, (list, tuple)) or len(given) != len(symbols):
        listed = ", ".join(map(str, layers))
        count = len(given) if isinstance(given, (list, tuple)) else "one array"
        raise InputError(
            f"`{name}` must be a list of {len(symbols)} arrays, one for each of {listed}, got "
            f"{count}"
        )
    return [(f"{name}[{number}]", value) for number, value in enumerate(given)]


def _by_name(
    given: Mapping[str, Any], layers: Sequence[Layer], symbols: Sequence[str], name: str
) -> list[tuple[str, Any]]:
    found = []
    for layer, symbol in zip(layers, symbols, strict=True):
        own: str | None = getattr(layer, "name", None)
        key = own if own is not None and own in given else symbol
        if key not in given:
            raise InputError(
                f"`{name}` must have the key {own or symbol!r} for {layer}, got "
                f"{shown(list(given))}"
            )
        found.append((f"{name}[{key!r}]", given[key]))
    if len(given) > len(found):
        allowed = f"{len(found)} arrays, by the names of the inputs"
        raise InputError(requirement(name, allowed, list(given)))
    return found


def _columns(X: Any, name: str, width: int, dtype: DTypeLike) -> RealArray:
    """Return numeric columns, (samples, width)."""
    array = _numbers(X, name, dtype)
    if array.ndim != 2 or array.shape[1] != width:
        raise InputError(
            f"`{name}` must have the shape (samples, {width}), got {array.shape}. Give one row per "
            "sample and one column per input."
        )
    if not len(array):
        raise InputError(f"`{name}` must have at least one row, got {array.shape}")
    _finite(array, name)
    return array


def _codes(X: Any, name: str, levels: int, dtype: DTypeLike) -> RealArray:
    """Return codes of categories, (samples,), from (samples,) or (samples, 1)."""
    array = _numbers(X, name, np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not len(array):
        raise InputError(f"`{name}` must have the shape (samples,), got {array.shape}")
    wrong = ~((array >= 0) & (array < levels) & (array == np.floor(array)))
    _refuse(wrong, array, name, f"codes from 0 to {levels - 1}")
    return np.ascontiguousarray(array, dtype=dtype)


def targets_of(
    network: Network, Y: object, samples: int, dtype: DTypeLike, name: str = "Y"
) -> dict[str, RealArray]:
    """Return the arrays of the targets by their symbols, each (samples, outputs).

    Y is one array, or for several outputs a list of arrays.  Raises InputError outside the domain
    of a loss.
    """
    given = _for_each(Y, [node.layer for node in network.outputs], network.target_names, name)
    return {
        symbol: _targets(value, label, samples, node.width, form, loss.name, dtype)
        for (label, value), symbol, node, form, loss in zip(
            given,
            network.target_names,
            network.outputs,
            network.forms,
            network.losses,
            strict=True,
        )
    }


def _targets(
    Y: Any, name: str, samples: int, width: int, form: Form, loss: str, dtype: DTypeLike
) -> RealArray:
    """Return the targets of one output, (samples, width)."""
    array = _numbers(Y, name, dtype)
    if array.ndim == 1 and width == 1:
        array = array[:, None]
    if array.shape != (samples, width):
        also = f" or ({samples},)" if width == 1 else ""
        raise InputError(
            f"`{name}` must have the shape ({samples}, {width}){also}, got {array.shape}"
            + (". Classes are one-hot, one column per class." if form.shares else "")
        )
    domain = form.targets
    _finite(array, name)
    if domain != REALS:
        low = array > domain.low if domain.open_low else array >= domain.low
        high = array < domain.high if domain.open_high else array <= domain.high
        _refuse(~(low & high), array, name, f"targets in {domain} (loss {loss})")
    if form.shares:
        sums = array.sum(axis=1, dtype=np.float64)
        wrong = np.abs(sums - 1) > _SHARES_TOLERANCE
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"`{name}` must have rows that are one-hot or probabilities with the sum one "
                f"(softmax with log_loss), got the sum {sums[row]:g} in row {row}"
            )
    return array


def weights_of(
    weights: ArrayLike, samples: int, dtype: DTypeLike, name: str = "sample_weight"
) -> RealArray:
    """Return weights of samples as (samples,), not negative and not all zero."""
    array = _numbers(weights, name, dtype)
    if array.shape != (samples,):
        raise InputError(f"`{name}` must have the shape ({samples},), got {array.shape}")
    _refuse(~(array >= 0) | ~np.isfinite(array), array, name, "numbers of at least 0")
    if not array.any():
        raise InputError(f"`{name}` must have a weight above zero, got only zeros")
    return array


def batch_of(
    network: Network,
    X: Arrays,
    Y: Arrays,
    dtype: DTypeLike,
    names: tuple[str, str] = ("X", "Y"),
) -> dict[str, RealArray]:
    """Return checked X, (samples, inputs), and targets, (samples, outputs)."""
    inputs = inputs_of(network, X, dtype, names[0])
    samples = len(next(iter(inputs.values())))
    return {**inputs, **targets_of(network, Y, samples, dtype, names[1])}


def held_out_of(network: Network, given: Any, dtype: DTypeLike) -> dict[str, RealArray]:
    """Return the checked arrays of held-out data, shaped as those of training."""
    try:
        X, Y, *rest = given
        if len(rest) > 1:
            raise ValueError
    except (TypeError, ValueError):
        allowed = "a pair (X, Y) of held-out data, or (X, Y, weights)"
        raise InputTypeError(requirement("validation", allowed, given)) from None
    data = batch_of(network, X, Y, dtype, ("validation X", "validation Y"))
    if rest and rest[0] is not None:
        samples = len(next(iter(data.values())))
        data["w"] = weights_of(rest[0], samples, dtype, "validation weights")
    return data


def refuse_weightless_batch(
    weights: RealArray | None, rows: Array | slice, batch: int, epoch: int
) -> None:
    """Raise InputError where the rows of a batch have no weight: its loss is 0/0.

    It is asked when a loss was not finite, since hardly any run has such a batch.
    """
    if weights is not None and not weights[rows].sum():
        raise InputError(
            f"`sample_weight` must not sum to 0 in a batch, got 0 in batch {batch} of epoch "
            f"{epoch}. Leave out rows of weight 0, or use a larger batch_size."
        ) from None


def _numbers(given: ArrayLike, name: str, dtype: DTypeLike) -> RealArray:
    """Return an array of the same shape, contiguous and of the given type."""
    if np.ma.is_masked(given):
        raise InputError(
            f"`{name}` must have no masked entries, which would be trained on as they stand, got "
            f"{int(np.sum(np.ma.getmask(given)))}. Fill them, as with filled(), or leave out their "
            "rows."
        )
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
