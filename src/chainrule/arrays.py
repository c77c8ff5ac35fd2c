"""Types of NumPy arrays by their entries."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
RealArray: TypeAlias = NDArray[np.floating[Any]]
"""Values in either precision: float32 or float64."""
LabelArray: TypeAlias = NDArray[np.generic]
"""Labels of classes: text, integers or floats, as the user gave them."""
Array: TypeAlias = NDArray[Any]
"""Entries of any type: formulas are evaluated over reals, complex numbers and exact residues."""
