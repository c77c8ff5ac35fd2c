"""Units that do nothing: dead ones are 0 in all rows, saturated ones at an end of their range.

A dead unit of a rectifier has no slope and learns no more; a saturated one has nearly none. Values
are those of a prediction, computed literally from the network's equations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.arrays import Array, FloatArray
from chainrule.formulas.evaluate import Evaluation
from chainrule.network.architecture import Network
from chainrule.network.layers import Dense

__all__ = ["UnitActivity", "unit_activity"]

_NEAR = 0.01
"""At an end is within this share of the range."""
_SATURATED = 0.95
"""The share of the rows in which a saturated unit is at an end."""


@dataclass(frozen=True)
class UnitActivity:
    """The hidden units of a network, how many of them are dead, and how many saturated."""

    units: int
    dead: int
    saturated: int


def unit_activity(
    network: Network, parameters: Mapping[str, Array], inputs: Mapping[str, FloatArray]
) -> UnitActivity:
    """Return how many hidden units do nothing, for inputs by symbol, (rows, width).

    >>> network = Network.dense([1, 2, 1], ["relu", "identity"])
    >>> W = {"W_ih": [[1.0, -1.0]], "b_ih": [0.0, -9.0], "W_ho": [[1.0], [1.0]], "b_ho": [0.0]}
    >>> unit_activity(network, W, {"X": np.array([[1.0], [2.0]])})
    UnitActivity(units=2, dead=1, saturated=0)
    """
    units = dead = saturated = 0
    for layer, values in _hidden_values(network, parameters, inputs):
        units += values.shape[1]
        (function,) = layer.functions
        low, high = function.range.low, function.range.high
        if np.isfinite(low) and np.isfinite(high):
            near = _NEAR * (high - low)
            at_end = (values < low + near) | (values > high - near)
            saturated += int((at_end.mean(axis=0) >= _SATURATED).sum())
        elif low == 0.0:
            dead += int((values == 0.0).all(axis=0).sum())
    return UnitActivity(units, dead, saturated)


def _hidden_values(
    network: Network, parameters: Mapping[str, Array], inputs: Mapping[str, FloatArray]
) -> Iterator[tuple[Dense, FloatArray]]:
    """Yield each hidden dense layer with one function, and its values, (rows, units)."""
    scope = network._scope(batch=True, training=False)
    formulation = network.formulation(training=False)
    given = {
        **{name: np.asarray(array, np.float64) for name, array in parameters.items()},
        **{name: np.asarray(array, np.float64) for name, array in inputs.items()},
        **network.constants,
    }
    evaluation = Evaluation(given, dtype=np.float64)
    evaluation.measure((*formulation.inputs, *formulation.parameters))
    wanted = {
        scope.values[id(node)]: node.layer
        for node in network.nodes
        if isinstance(node.layer, Dense)
        and len(node.layer.functions) == 1
        and node not in network.outputs
    }
    with np.errstate(all="ignore"):
        for equation in formulation.equations:
            if not wanted:
                return
            evaluation.define(equation.left, evaluation.spread(equation.right, equation.left.axes))
            layer = wanted.pop(equation.left, None)
            if layer is not None:
                values = evaluation(equation.left)
                yield layer, np.asarray(values).reshape(-1, values.shape[-1])
