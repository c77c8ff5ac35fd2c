"""Types of NumPy arrays by their entries."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
Real: TypeAlias = np.floating[Any]
"""A number in either precision: float32 or float64."""
RealArray: TypeAlias = NDArray[Real]
"""Values in either precision."""
RealType: TypeAlias = np.dtype[Real]
"""float32 or float64, as a NumPy type."""
LabelArray: TypeAlias = NDArray[np.generic]
"""Labels of classes: text, integers or floats, as the user gave them."""
Array: TypeAlias = NDArray[Any]
"""Entries of any type: formulas are evaluated over reals, complex numbers and exact residues."""
