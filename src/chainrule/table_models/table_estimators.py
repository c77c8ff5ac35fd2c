"""`TableClassifier` and `TableRegressor`: `train_table` as estimators of scikit-learn.

Unlike `MLPClassifier` they take data frames as they are: text, categories, missing values, columns
in any unit. The recipe is that of `train_table`, so that a file, a frame and an array of the same
cells give the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, check_array, check_consistent_length
from sklearn.utils import check_random_state as random_state_of
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from chainrule.arrays import FloatArray, LabelArray, RealArray
from chainrule.data import Table
from chainrule.pictures.estimator_display import ShowsCurves
from chainrule.table_models.recipes import Encoding, Preset
from chainrule.table_models.table_run import TableRun
from chainrule.table_models.table_training import train_table

__all__ = ["TableClassifier", "TableRegressor"]


class _TableEstimator(ShowsCurves, BaseEstimator):  # type: ignore[misc]
    """What both have in common: the settings, and tables of what they are given."""

    def __init__(
        self,
        preset: Preset = "default",
        *,
        time_limit: float | None = None,
        hidden: Sequence[int] | None = None,
        activation: Any = None,
        encoding: Encoding | None = None,
        dropout: float | None = None,
        smoothing: float | None = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        batch_size: int | Literal["auto"] = "auto",
        epochs: int | None = None,
        patience: int | None = None,
        folds: int | None = None,
        trials: int | None = None,
        validation: float | None = None,
        metric: str | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        threads: int | None = None,
    ) -> None:
        self.preset = preset
        self.time_limit = time_limit
        self.hidden = hidden
        self.activation = activation
        self.encoding = encoding
        self.dropout = dropout
        self.smoothing = smoothing
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.folds = folds
        self.trials = trials
        self.validation = validation
        self.metric = metric
        self.class_weight = class_weight
        self.random_state = random_state
        self.threads = threads

    def _train(self, rows: Table, targets: list[FloatArray], kind: str, weights: Any) -> None:
        """Train on a table and target columns, each (rows,); ``kind`` is "class" or "number"."""
        import polars as pl

        names = [f"target {number}" for number in range(1, len(targets) + 1)]
        while set(names) & set(rows.columns):
            names = [f"{name} of the model" for name in names]
        columns = {name: pl.Series(name, y) for name, y in zip(names, targets, strict=True)}
        settings = {name: getattr(self, name) for name in self._get_param_names()}
        state = settings.pop("random_state")
        if not isinstance(state, int | np.integer):
            state = random_state_of(state).randint(2**31)
        self.run_: TableRun = train_table(
            rows.with_columns(rows.frame.with_columns(**columns)),
            [f"{name}:{kind}" for name in names],
            seed=int(state),
            weights=weights,
            **settings,
        )
        self.model_ = self.run_.model

    def plot(self, ax: Any = None, *, language: str = "en") -> Any:
        """Return a picture of the losses by epoch, as `TableRun.plot` does."""
        check_is_fitted(self)
        return self.run_.plot(ax, language=language)

    def _outputs(self, X: Any) -> RealArray:
        """Return the model's outputs, (rows, outputs)."""
        check_is_fitted(self)
        return self.model_.outputs(self.model_.transform(self._table(X, reset=False)).matrix)

    def _table(self, X: Any, *, reset: bool) -> Table:
        """Return X as a Table; an array's columns are called x0, x1, ..."""
        import polars as pl

        if hasattr(X, "columns"):
            validate_data(self, X, skip_check_array=True, reset=reset)
            return Table.from_frame(X, "X")
        objects = getattr(X, "dtype", None) is not None and np.asarray(X).dtype.kind == "O"
        array = validate_data(
            self,
            X,
            dtype=None if objects else "numeric",
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        columns = {f"x{number}": _cells(column) for number, column in enumerate(array.T)}
        return Table.from_polars(pl.DataFrame(columns, strict=False), "X")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class TableClassifier(ClassifierMixin, _TableEstimator):  # type: ignore[misc]
    """A classifier for tables with text, categories and missing values.

    The parameters are those of `train_table`, where they are described; ``random_state`` is its
    seed. After `fit`, ``classes_`` are the labels, ``model_`` is the `TableModel`, ``run_`` the
    `TableRun` with the score on rows that were not seen.

    >>> import polars
    >>> X = polars.DataFrame({"color": ["red", "blue", None, "red"] * 9, "size": range(36)})
    >>> y = ["yes", "no", "no", "yes"] * 9
    >>> model = TableClassifier(epochs=9, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:2]).shape, model.classes_.tolist()
    ((2, 2), ['no', 'yes'])
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TableClassifier:
        """Fit to X, a data frame or an array, and one label per row."""
        y = _one_column(y)
        check_classification_targets(y)
        rows = self._table(X, reset=True)
        check_consistent_length(rows.frame, y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y must have at least two classes, got one class, {self.classes_[0]!r}"
            )
        self._train(rows, [codes.astype(np.float64)], "class", _weights(sample_weight, codes))
        return self

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of every class, (rows, classes), in the order of ``classes_``."""
        check_is_fitted(self)
        outputs = self._outputs(X)
        return self.model_.class_probabilities(outputs)

    def predict(self, X: Any) -> LabelArray:
        """Return the most probable label of every row."""
        best = self.predict_proba(X).argmax(axis=1)
        labels: LabelArray = self.classes_[best]
        return labels


class TableRegressor(RegressorMixin, _TableEstimator):  # type: ignore[misc]
    """A regressor for tables with text, categories and missing values.

    The parameters are those of `train_table`, where they are described; ``random_state`` is its
    seed. After `fit`, ``model_`` is the `TableModel`, ``run_`` the `TableRun` with the score on
    rows that were not seen.

    >>> import numpy
    >>> X = numpy.linspace(0, 1, 60)[:, None]
    >>> model = TableRegressor(epochs=9, random_state=0).fit(X, numpy.sin(6 * X[:, 0]))
    >>> model.predict(X).shape
    (60,)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TableRegressor:
        """Fit to X, a data frame or an array, and y, (rows,) or (rows, targets)."""
        _refuse_none(y)
        given = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        given = given if given.ndim == 2 and given.shape[1] > 1 else _one_column(given)
        rows = self._table(X, reset=True)
        check_consistent_length(rows.frame, given)
        if rows.n_rows == 1:
            raise ValueError("X must have at least two rows to learn from, got n_samples = 1")
        columns = list(given.T) if given.ndim == 2 else [given]
        self._train(rows, columns, "number", _weights(sample_weight, given))
        return self

    def predict(self, X: Any) -> RealArray:
        """Return a number for every row, (rows,), of several targets (rows, targets)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_std(self, X: Any) -> FloatArray:
        """Return the standard deviation of the networks' predictions, shaped as those.

        It is the uncertainty about the network; the noise of the target is not in it.
        """
        check_is_fitted(self)
        spread = self.model_.spread(self.model_.transform(self._table(X, reset=False)).matrix)
        return spread[:, 0] if spread.shape[1] == 1 else spread


def _refuse_none(y: Any) -> None:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")


def _one_column(y: Any) -> Any:
    _refuse_none(y)
    column = column_or_1d(y, warn=True)
    if column.dtype.kind == "f":
        assert_all_finite(column, input_name="y")
    return column


def _cells(column: Any) -> list[Any]:
    """Return an array's column, (rows,), as cells of a table: missing ones are None."""
    cells = column.tolist()
    for cell in cells:
        if cell is not None and not isinstance(cell, str | bool | int | float):
            raise TypeError(
                f"X: the argument must be a string or a number in every cell, got {cell!r}"
            )
    return [None if cell != cell else cell for cell in cells]  # NaN is not equal to itself


def _weights(sample_weight: Any, rows: Any) -> FloatArray | None:
    if sample_weight is None:
        return None
    weights: FloatArray = _check_sample_weight(sample_weight, rows, dtype=np.float64)
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights
