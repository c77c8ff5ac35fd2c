"""Numbers that change a value by less than rounding: the 1e-12 of x + 1e-12, 1.0000000001 · x.

Values cannot tell them from rounding, so such a number is moved further from the whole number
beside it: a line that stays right does not depend on it, any other was not right before.
"""

from collections.abc import Iterator

import numpy as np

from chainrule.marking.syntax import (
    Binary,
    Constant,
    Negative,
    Reduction,
    Transposed,
    Tree,
    children,
    replaced,
)

_NEAR = 1e-6
"""The largest distance from a whole number, relative to it, that values may hide."""
_MOVED = 1e-3
"""The distance, relative to it, that values show."""


def with_moved_numbers(tree: Tree) -> Iterator[Tree]:
    """Yield the tree with each hidden number in a term or a factor moved.

    Those in divisors, in functions and in comparisons are there to avoid 0, as in log(a + 1e-12).

    >>> hidden = Constant(1 + 1e-10, "1.0000000001")
    >>> [moved.value for moved in with_moved_numbers(hidden)]
    [1.001]
    >>> list(with_moved_numbers(Constant(0.5, "0.5")))
    []
    """
    for node in _linear(tree):
        if isinstance(node, Constant) and np.isfinite(node.value):
            whole = float(np.round(node.value))
            size = max(1.0, abs(whole))
            if 0 < abs(node.value - whole) <= _NEAR * size:
                moved = whole + _MOVED * size * float(np.sign(node.value - whole))
                yield replaced(tree, node, Constant(moved, node.text, span=node.span))


def _linear(tree: Tree) -> Iterator[Tree]:
    """Yield the nodes on which the value depends as a sum or a product."""
    yield tree
    match tree:
        case Binary(operation="divide"):
            yield from _linear(tree.left)
        case Binary() | Negative() | Transposed() | Reduction():
            for part in children(tree):
                yield from _linear(part)
