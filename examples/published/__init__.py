"""Published worked examples of backpropagation, stated once: the tests and the gallery read them.

A module holds one source: what it publishes, under which conventions, and how chainrule finds the
same numbers.  ``tests/golden/test_published.py`` holds every figure to one unit of its last printed
digit; the documentation shows them side by side, recomputed whenever it is built.
"""

from examples.published import (
    cs231n,
    l_layer,
    mazur,
    micrograd,
    minitorch,
    nielsen,
    rumelhart,
    trask,
)
from examples.published.example import Example

GALLERY: tuple[Example, ...] = (
    mazur.EXAMPLE,
    cs231n.EXAMPLE,
    l_layer.EXAMPLE,
    minitorch.EXAMPLE,
    micrograd.EXAMPLE,
    trask.EXAMPLE,
    rumelhart.EXAMPLE,
    nielsen.EXAMPLE,
)
"""Every published example, in the order of the gallery."""
