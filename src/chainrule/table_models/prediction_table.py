"""Predictions as a table: the columns that `chainrule predict` writes, and their bytes.

One row for each row of the data, in its order. ``prediction`` holds the label or the number
(``prediction_<target>`` where there are several targets), ``probability_<class>`` the probability
of each class. The file's name determines its format: .parquet or .pq, else CSV; .csv.gz is
compressed.
"""

from __future__ import annotations

import gzip
import io
import os
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.arrays import Array, FloatArray
from chainrule.data import as_table
from chainrule.errors import InputError, shown
from chainrule.table_models.table_model import TableModel

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Predictions", "encoded_frame", "prediction_frame", "with_columns_first"]

LARGEST_WHOLE = 2.0**53
BLOCK = 1 << 17
"""Rows that are predicted at a time: their features take less memory than the table."""
_PARQUET = (".parquet", ".pq")
_UNSUPPORTED = (".bz2", ".xz", ".zst", ".zip", ".xlsx", ".xls", ".json", ".feather", ".arrow")


class Predictions(NamedTuple):
    """The predictions of a table, and by column the counts of cells as `Transformed` has them."""

    frame: pl.DataFrame
    filled: Mapping[str, int]
    unknown: Mapping[str, int]
    missing: Mapping[str, int]


def prediction_frame(
    model: TableModel,
    table: Any,
    *,
    probabilities: bool = False,
    spread: bool = False,
    interval: float | None = None,
) -> Predictions:
    """Return the predictions as a polars frame, and the counts of `Transformed`.

    ``spread`` adds the standard deviation of the networks' outputs (``std``), ``interval`` the
    ends ``low`` and ``high`` of intervals that hold the share ``interval`` of the targets. Raises
    InputError for probabilities of a model that predicts numbers and for intervals of one that
    does not or whose rows have all been seen, DataError for a table without the model's columns.

    >>> import polars
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0], "sold": [0, 0, 1, 1]})
    >>> model = train_table(table, "sold", hidden=(4,), validation=0).model
    >>> prediction_frame(model, table, probabilities=True).frame.columns
    ['prediction', 'probability_0', 'probability_1']
    """
    import polars as pl

    if probabilities and model.classes is None:
        raise InputError(
            "the model predicts numbers, which have no probabilities; request predictions only "
            "(without --proba)"
        )
    frames: list[pl.DataFrame] = []
    filled, unknown, missing = Counter[str](), Counter[str](), Counter[str]()
    for block in as_table(table).blocks(BLOCK):
        transformed = model.transform(block)
        filled.update(transformed.filled)
        unknown.update(transformed.unknown)
        missing.update(transformed.missing)
        columns = _columns(
            model,
            transformed.matrix,
            probabilities=probabilities,
            spread=spread,
            interval=interval,
        )
        frames.append(pl.DataFrame(columns))
    return Predictions(pl.concat(frames), filled, unknown, missing)


def _columns(
    model: TableModel,
    matrix: FloatArray,
    *,
    probabilities: bool,
    spread: bool,
    interval: float | None,
) -> dict[str, Array]:
    """Return the columns of predictions by their names, from features, (rows, features)."""
    outputs = model.outputs(matrix)
    answers = model.answers(outputs)
    columns: dict[str, Array] = {}
    if answers.ndim == 1:
        columns["prediction"] = answers
    else:
        for name, column in zip(model.target.names, answers.T, strict=True):
            columns[f"prediction_{name}"] = column
    if probabilities:
        shares = model.class_probabilities(outputs)
        for label, column in zip(model.classes or (), shares.T, strict=True):
            columns[f"probability_{label}"] = column
    names = _suffixes(model)
    if interval is not None:
        low, high = model.intervals(outputs, interval)
        for number, name in enumerate(names):
            columns[f"low{name}"], columns[f"high{name}"] = low[:, number], high[:, number]
    if spread:
        for name, column in zip(names, model.spread(matrix).T, strict=True):
            columns[f"std{name}"] = column
    return columns


def _suffixes(model: TableModel) -> list[str]:
    """Return what the columns of each output differ by; nothing for a single one."""
    if model.target.n_outputs == 1:
        return [""]
    return [f"_{name}" for name in model.classes or model.target.names]


def with_columns_first(columns: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Return columns of the data before the predictions.

    Raises InputError where both have a column of the same name.

    >>> import polars
    >>> ids, found = polars.DataFrame({"id": ["007"]}), polars.DataFrame({"prediction": [1.5]})
    >>> with_columns_first(ids, found).rows()
    [('007', 1.5)]
    >>> with_columns_first(polars.DataFrame({"id": [7.0]}), found).rows()
    [(7, 1.5)]
    >>> with_columns_first(found, found)
    Traceback (most recent call last):
    chainrule.errors.InputError: `keep` must be columns that no prediction is named after, got \
'prediction'; rename the column in the data
    """
    import polars as pl

    for name in columns.columns:
        if name in predictions.columns:
            raise InputError(
                "`keep` must be columns that no prediction is named after, got "
                f"{shown(name)}; rename the column in the data"
            )
    return pl.concat([_whole_numbers(columns), predictions], how="horizontal")


def _whole_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Return columns of whole numbers as integers; in a Table all numbers are floats."""
    import polars as pl

    whole = [
        series.cast(pl.Int64)
        for series in frame.get_columns()
        if series.dtype == pl.Float64 and ((series % 1 == 0) & (series.abs() < LARGEST_WHOLE)).all()
    ]
    return frame.with_columns(whole)


def encoded_frame(frame: pl.DataFrame, path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of the file of that name.

    >>> import polars
    >>> encoded_frame(polars.DataFrame({"prediction": ["a", "b,c"]}), "-")
    b'prediction\\na\\n"b,c"\\n'
    """
    name = os.fspath(path).lower()
    if name.endswith(_PARQUET):
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    if name.endswith(_UNSUPPORTED):
        raise InputError(
            f"{shown(os.fspath(path))}: this format is not supported; use .csv, .csv.gz or .parquet"
        )
    text = frame.write_csv().encode("utf-8")
    return gzip.compress(text, mtime=0) if name.endswith(".gz") else text
