"""The catalogue of initializers: starting weights, with the reason for their variance.

A layer that sums n inputs of variance 1 with weights of variance s has outputs of variance n s.
Each scheme chooses s so that the variance of signals, or of gradients, is about the same in every
layer.
"""

import math
from collections.abc import Callable
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError, unknown_name
from chainrule.validation import requirement

Draw = Callable[[np.random.Generator, int, int], NDArray[np.float64]]
"""A function of (generator, inputs, outputs) that returns a matrix (inputs, outputs)."""
Initializer: TypeAlias = str | float | Draw
"""A name of the catalogue, a constant, or a function."""


def _uniform(variance: Callable[[int, int], float]) -> Draw:
    # A uniform distribution on ±r has variance r²/3.
    def draw(generator: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float64]:
        limit = math.sqrt(3 * variance(inputs, outputs))
        return generator.uniform(-limit, limit, (inputs, outputs))

    return draw


def _normal(variance: Callable[[int, int], float]) -> Draw:
    def draw(generator: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float64]:
        return generator.normal(0.0, math.sqrt(variance(inputs, outputs)), (inputs, outputs))

    return draw


def _glorot(inputs: int, outputs: int) -> float:
    """2/(in + out): between 1/in for signals and 1/out for gradients. Glorot & Bengio 2010."""
    return 2.0 / (inputs + outputs)


def _he(inputs: int, outputs: int) -> float:
    """2/in: a rectifier halves the mean square of its inputs. He et al. 2015."""
    return 2.0 / inputs


def _lecun(inputs: int, outputs: int) -> float:
    """1/in: the variance of the signal is unchanged. LeCun et al. 1998; SELU assumes it."""
    return 1.0 / inputs


def constant(value: float) -> Draw:
    """Return the initializer that sets every weight to one value."""
    return lambda generator, inputs, outputs: np.full((inputs, outputs), float(value))


CATALOGUE: dict[str, Draw] = {
    "glorot_uniform": _uniform(_glorot),
    "glorot_normal": _normal(_glorot),
    "he_uniform": _uniform(_he),
    "he_normal": _normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _normal(_lecun),
    "zeros": constant(0.0),
}
"""Every initializer by name; a number stands for ``constant(number)``."""


def find(given: object) -> Draw:
    """Return the initializer of a name; a number is a constant, a callable is returned as it is.

    Raises ``InputError`` for any other value.

    >>> find(0.5)(np.random.default_rng(0), 1, 2)
    array([[0.5, 0.5]])
    """
    if isinstance(given, str):
        if given not in CATALOGUE:
            raise unknown_name("initializer", given, list(CATALOGUE))
        return CATALOGUE[given]
    if isinstance(given, (int, float)):
        if math.isfinite(given):
            return constant(given)
    elif callable(given):
        return cast(Draw, given)
    raise InputError(
        requirement(
            "initializer",
            f"a name ({', '.join(CATALOGUE)}), a finite number or a function "
            "(generator, inputs, outputs)",
            given,
        )
    )
