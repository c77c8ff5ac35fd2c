"""Parameters: one flat vector, and a named view of it for each array."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import Array, RealArray
from chainrule.errors import InputError, InputTypeError, unknown_name
from chainrule.validation import requirement

Shapes = Mapping[str, tuple[int, ...]]


class Parameters(Mapping[str, RealArray]):
    """A mapping from parameter names to arrays that are views of one vector, ``flat``.

    ``shapes`` maps names to shapes, in the order of the vector.  ``flat`` is zero where it is not
    given.

    >>> parameters = Parameters({"W": (2, 3), "b": (3,)})
    >>> parameters["b"][:] = 1.0
    >>> parameters.flat
    array([0., 0., 0., 0., 0., 0., 1., 1., 1.])
    """

    def __init__(self, shapes: Shapes, flat: Array | None = None) -> None:
        sizes = {name: math.prod(shape) for name, shape in shapes.items()}
        self.flat = np.zeros(sum(sizes.values())) if flat is None else flat
        self._views: dict[str, RealArray] = {}
        start = 0
        for name, shape in shapes.items():
            self._views[name] = self.flat[start : start + sizes[name]].reshape(shape)
            start += sizes[name]

    def __getitem__(self, name: str) -> RealArray:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        listed = ", ".join(f"{name} {array.shape}" for name, array in self.items())
        return f"Parameters({listed}; {self.flat.dtype})"

    def copy(self) -> "Parameters":
        """Return a copy with a new vector."""
        return Parameters({name: array.shape for name, array in self.items()}, self.flat.copy())


def _array(name: str, given: ArrayLike) -> Array:
    try:
        return np.asarray(given)
    except ValueError:
        raise InputError(
            f"parameter {name} must be an array of numbers, got rows of different lengths"
        ) from None


def gathered(given: Mapping[str, ArrayLike], shapes: Shapes) -> Parameters:
    """Copy a mapping of arrays into one flat vector, checking names, shapes and values.

    The type is float32 where all arrays are float32, else float64.  Raises ``InputTypeError`` for
    what is no mapping, ``InputError`` where a name is missing or unknown, a shape differs, or a
    value is not a finite number.
    """
    if not isinstance(given, Mapping):
        raise InputTypeError(
            requirement("parameters", f"a dictionary of {', '.join(shapes)}", given)
        )
    for name in given:
        if name not in shapes:
            if not isinstance(name, str):
                raise InputTypeError(requirement("parameters", "a dictionary by names", given))
            raise unknown_name("parameter", name, list(shapes))
    missing = [name for name in shapes if name not in given]
    if missing:
        raise InputError(
            f"parameters: {', '.join(missing)} did not come; all of {', '.join(shapes)} are needed"
        )
    arrays = {name: _array(name, given[name]) for name in shapes}
    single = all(array.dtype == np.float32 for array in arrays.values())
    total = sum(math.prod(shape) for shape in shapes.values())
    result = Parameters(shapes, np.empty(total, np.float32 if single else np.float64))
    for name, array in arrays.items():
        if array.shape != tuple(shapes[name]):
            raise InputError(
                f"parameter {name} must have shape {tuple(shapes[name])}, got {array.shape}. "
                "Weights are stored as (inputs, outputs)"
            )
        if array.dtype.kind not in "fiu":
            raise InputError(
                f"parameter {name} must be an array of numbers, got values of type {array.dtype}"
            )
        result[name][...] = array
        if not np.all(np.isfinite(result[name])):
            raise InputError(f"parameter {name} must have finite values, got NaN or infinity")
    return result
