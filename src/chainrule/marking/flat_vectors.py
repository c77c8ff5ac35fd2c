"""Vectors of one sample as NumPy has them, with one axis: W_ho @ delta_o is delta_o @ W_ho.T.

A vector of ndim 1 is a row on the left of a product and a column on its right, so that programs
for one sample are right in either order.  Only products of programs (``@``, ``dot``, ``matmul``)
are read so, and only lines without a transposed vector: who transposes one means a matrix.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputError
from chainrule.marking.evaluator import Computation, ExampleValues, ShapeMismatch
from chainrule.marking.examples import Example
from chainrule.marking.quantities import Quantity
from chainrule.marking.syntax import Binary, Name, Transposed, Tree, Vector, nodes

_PROGRAMS = ("@", "dot(", "matmul(", "axis=", "dim=")
"""The signs of products of arrays, and the axes of functions."""


class FlatExample:
    """An example of one sample whose vectors have one axis."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.context, self.sizes = example.context, example.sizes
        self.entries: dict[Quantity, Quantity] = {}

    def standing_for(self, other: Example) -> "FlatExample":
        """Return another example with vectors of one axis."""
        return FlatExample(other)

    @cached_property
    def values(self) -> ExampleValues:
        """The values, without axes of length 1."""
        found = self.example.values
        return replace(found, values={key: _flat(each) for key, each in found.values.items()})


def may_be_flat(line: str, tree: Tree, example: Example) -> bool:
    """Return whether a line is of a program for one sample, and transposes no vector."""
    if example.context.batch or not any(sign in line for sign in _PROGRAMS):
        return False
    computation = Computation(FlatExample(example).values)
    for node in nodes(tree):
        if isinstance(node, Vector) or (isinstance(node, Binary) and node.operation == "product"):
            return False
        if isinstance(node, Transposed):
            try:
                if computation(node.operand).ndim < 2:
                    return False
            except (ShapeMismatch, InputError):
                return False
    return True


def vectors_in(tree: Tree, example: Example) -> tuple[str, ...]:
    """Return the names of the vectors in a tree, in their order."""
    values = example.values.values
    names = [node for node in nodes(tree) if isinstance(node, Name)]
    found = [name.text for name in names if 1 in np.shape(values.get(name.quantity, 0.0))]
    return tuple(dict.fromkeys(found))


def _flat(value: FloatArray) -> FloatArray:
    """Return a row or a column with one axis; matrices and numbers are unchanged."""
    return np.ravel(value) if np.ndim(value) == 2 and 1 in np.shape(value) else value
