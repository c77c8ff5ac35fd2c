"""diag(a) − a aᵀ as books print it: vectors are columns, whatever the layout of samples.

The matrix of derivatives of softmax is of one sample and symmetric, so its textbook form is right
also where the network has samples in rows; a program's ``@`` is what NumPy makes of it.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.marking.evaluator import ExampleValues
from chainrule.marking.examples import Example
from chainrule.marking.quantities import Quantity, Role

_OF_PROGRAMS = ("@", "np.", "dot(", "matmul(", ".T", "*")


class ColumnExample:
    """An example in rows whose vectors are columns."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.context, self.sizes = example.context, example.sizes
        self.entries: dict[Quantity, Quantity] = {}

    def standing_for(self, other: Example) -> "ColumnExample":
        """Return another example with columns."""
        return ColumnExample(other)

    @cached_property
    def values(self) -> ExampleValues:
        """The values, rows as columns."""
        found = self.example.values
        turned = {key: each.T if len(each) == 1 else each for key, each in _arrays(found).items()}
        return replace(found, values={**found.values, **turned})


def may_be_columns(line: str, target: Quantity, example: Example) -> bool:
    """Return whether a line is a formula for the derivatives of all outputs by all sums."""
    is_matrix = target.role is Role.PARTIAL and np.ndim(example.values.values[target]) == 2
    has_rows = example.context.layout == "rows" and not example.context.batch
    lengths = np.shape(example.values.values[target])
    is_square = is_matrix and lengths[0] == lengths[1] > 1
    return is_square and has_rows and not any(sign in line for sign in _OF_PROGRAMS)


def _arrays(values: ExampleValues) -> dict[Quantity, FloatArray]:
    return {key: each for key, each in values.values.items() if np.ndim(each) == 2}
