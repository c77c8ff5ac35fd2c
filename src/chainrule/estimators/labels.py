"""Class labels as columns of the network's targets, and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.preprocessing import LabelBinarizer

from chainrule.arrays import BoolArray, IntArray, LabelArray, RealArray


@dataclass(frozen=True)
class ClassLabels:
    """The classes of a classifier, as in scikit-learn's LabelBinarizer.

    ``kind`` is its ``y_type_``: binary, multiclass or multilabel-indicator.  ``sparse`` is
    whether labels were given as a sparse matrix; predictions then are sparse too.
    """

    classes: LabelArray
    kind: str
    sparse: bool = False

    @classmethod
    def of(cls, y: Any) -> "ClassLabels":
        """Return the classes of targets; targets without labels raise scikit-learn's error.

        >>> ClassLabels.of(np.array([3, 1, 3])).kind
        'binary'
        """
        if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iubU" and len(y):
            classes = np.unique(y)
            return cls(classes, "binary" if len(classes) <= 2 else "multiclass")
        binarizer = LabelBinarizer().fit(y)
        return cls(binarizer.classes_, binarizer.y_type_, bool(binarizer.sparse_input_))

    @property
    def binarizer(self) -> Any:
        """The same as scikit-learn's object, for users of ``_label_binarizer``."""
        binarizer = LabelBinarizer()
        binarizer.classes_, binarizer.y_type_ = self.classes, self.kind
        binarizer.sparse_input_ = self.sparse
        return binarizer

    @property
    def one_by_one(self) -> bool:
        """Whether every output is a label of its own."""
        return self.kind.startswith("multilabel")

    def columns(self, y: Any, dtype: DTypeLike) -> RealArray:
        """Return targets: a column of 0 and 1 for two classes, else a column for each class.

        >>> ClassLabels.of(np.array([3, 1, 2])).columns(np.array([2, 3]), float).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        """
        if self.one_by_one or y.ndim != 1:
            columns = self.binarizer.transform(y)
            dense = columns.toarray() if hasattr(columns, "toarray") else columns
            filled: RealArray = np.asarray(dense, dtype)
            return filled
        indices = np.searchsorted(self.classes, y)
        if self.kind == "binary":
            column: RealArray = indices.astype(dtype)[:, None]
            return column
        columns = np.zeros((len(y), len(self.classes)), dtype)
        columns[np.arange(len(y)), indices] = 1
        return columns

    def indices(self, values: RealArray) -> IntArray | BoolArray:
        """Return predictions as numbers: the index of the class, or 0 and 1 for each label."""
        found: IntArray | BoolArray
        found = values.argmax(axis=1) if self.kind == "multiclass" else values > 0.5
        if self.one_by_one:
            return found.astype(np.int64)
        return found[:, 0] if self.kind == "binary" else found

    def answers(self, values: RealArray) -> Any:
        """Return the labels for the network's outputs."""
        if self.sparse:
            return self.binarizer.inverse_transform(values)
        indices = self.indices(values)
        if self.one_by_one:
            return indices
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(values))
        return self.classes.take(indices)
