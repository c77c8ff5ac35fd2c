"""Weights of 8 bits: every product with a constant matrix, with one scale for each unit.

w_ij ≈ s_j q_ij, with whole numbers q from -127 to 127 and s_j = max_i |w_ij| / 127, so that an
entry is off by s_j / 2 at most. A product is Σ_i x_i q_ij in single precision, times s_j at the
end. Biases, preprocessing and activations stay as they are: they take little flash, and with the
inputs of products as they are no example rows have to be given to find their ranges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError
from chainrule.exports.prediction_steps import MatrixProduct, Prediction, Step

__all__ = ["LARGEST", "QuantizedProduct", "quantized", "quantized_constants"]

LARGEST = 127
"""The largest whole number; -128 has no counterpart."""


@dataclass(frozen=True)
class QuantizedProduct(Step):
    """Σ_i source_i matrix_ij · scales_j, with a matrix of whole numbers."""

    source: str
    matrix: str
    scales: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source, self.matrix, self.scales)

    def value(self, x: FloatArray, matrix: FloatArray, scales: FloatArray) -> FloatArray:
        """Return the product, (rows, units), of (rows, inputs) and (inputs, units).

        The sum is that of the program: in single precision, one input after the other.

        >>> step = QuantizedProduct("t2", 2, "", "t1", "c1", "c2")
        >>> whole = np.array([[127.0, 0.0], [1.0, 2.0]])
        >>> step.value(np.eye(2), whole, np.array([1.0, 0.5])).tolist()
        [[127.0, 0.0], [1.0, 1.0]]
        """
        total = np.zeros((len(x), matrix.shape[1]), np.float32)
        for column, row in zip(x.T.astype(np.float32), matrix.astype(np.float32), strict=True):
            total += column[:, None] * row
        return (total * scales.astype(np.float32)).astype(np.float64)


def whole_numbers(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the whole numbers, (inputs, units), and the scales, (units,), of a matrix.

    The scales are exact in single precision.

    >>> q, s = whole_numbers(np.array([[0.5, 0.0], [-1.27, 0.0]]))
    >>> q.tolist(), [round(float(entry), 6) for entry in s]
    ([[50.0, 0.0], [-127.0, 0.0]], [0.01, 1.0])
    """
    largest = np.abs(matrix).max(axis=0)
    scales = np.where(largest > 0.0, largest / LARGEST, 1.0).astype(np.float32).astype(np.float64)
    scales = np.where(scales > 0.0, scales, 1.0)  # smaller than single precision has
    return np.clip(np.rint(matrix / scales), -LARGEST, LARGEST) + 0.0, scales


def quantized(prediction: Prediction) -> Prediction:
    """Return a prediction whose products have weights of 8 bits; InputError where it has none."""
    constants = dict(prediction.constants)
    steps: list[Step] = []
    for step in prediction.steps:
        if isinstance(step, MatrixProduct):
            whole, scales = f"{step.matrix}_whole", f"{step.matrix}_scales"
            constants[whole], constants[scales] = whole_numbers(prediction.constants[step.matrix])
            step = QuantizedProduct(step.target, step.width, step.note, step.source, whole, scales)
        steps.append(step)
    if len(constants) == len(prediction.constants):
        raise InputError(
            "`int8` must be False for a model without a product of weights, got True. "
            "Export it without."
        )
    used = {source for step in steps for source in step.sources}
    return replace(
        prediction,
        steps=tuple(steps),
        constants={name: array for name, array in constants.items() if name in used},
    )


def quantized_constants(prediction: Prediction) -> frozenset[str]:
    """Return the names of the matrices of whole numbers."""
    return frozenset(s.matrix for s in prediction.steps if isinstance(s, QuantizedProduct))
