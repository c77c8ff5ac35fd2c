"""A network with the mapping from a table's cells to its inputs, and from its outputs to answers.

It includes how it was trained: the preprocessing, the classes or the scaling of the targets, the
settings, the score and the versions. `table_training.train_table` makes one,
`model_files` writes and reads it. A model is frozen: no method changes it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Literal

import numpy as np

from chainrule.arrays import FloatArray, LabelArray, RealArray
from chainrule.data import (
    ClassTarget,
    NumberTarget,
    Preprocessor,
    Table,
    TableReading,
    TargetScaler,
    Transformed,
    as_table,
    target_from_dict,
)
from chainrule.data.record_fields import numbers_of
from chainrule.errors import InputError, ModelFileError, shown
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters
from chainrule.training.loop import predict
from chainrule.training.metrics import Score, score_classes, score_numbers

__all__ = ["TableModel", "versions"]


@dataclass(frozen=True, eq=False)
class TableModel:
    """A trained network that takes tables: paths of CSV or Parquet files, data frames or Tables.

    >>> import polars
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0], "sold": [0, 0, 1, 1]})
    >>> model = train_table(table, "sold", hidden=(4,), validation=0).model
    >>> model.task, model.classes, model.feature_names
    ('classification', (0, 1), ('x',))
    >>> model.predict(polars.DataFrame({"x": [0.05, 0.95]})).tolist()
    [0, 1]
    >>> model.probabilities(polars.DataFrame({"x": [0.05]})).shape
    (1, 2)
    """

    network: Network
    parameters: Parameters
    preprocessor: Preprocessor
    target: ClassTarget | NumberTarget
    scaler: TargetScaler | None
    """How the targets were scaled for the network; None where they were not scaled."""
    naive: tuple[float, ...]
    """The naive prediction: the index of the most frequent class, or the means."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """The settings and the score of the run that made it, as plain values."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of the programs that made it."""
    reading: TableReading | None = None
    """How the columns of the training table were read; None in files of earlier versions."""

    def __post_init__(self) -> None:
        for what, needed, width in (
            ("features", self.preprocessor.n_features, self.network.layers[0]),
            ("outputs", self.target.n_outputs, self.network.layers[-1]),
            ("scaled targets", len(self.scaler.mean) if self.scaler else 0, 0),
        ):
            if width and needed != width:
                raise InputError(f"the table has {needed} {what}, but the network has {width}")
        if self.scaler is not None and len(self.scaler.mean) != self.target.n_outputs:
            raise InputError(
                f"the scaling has {len(self.scaler.mean)} targets, but the model has "
                f"{self.target.n_outputs}"
            )

    # -- properties --------------------------------------------------------------------------------

    @property
    def task(self) -> Literal["classification", "regression"]:
        """The kind of its predictions."""
        return "classification" if isinstance(self.target, ClassTarget) else "regression"

    @property
    def classes(self) -> tuple[str | int | float, ...] | None:
        """The labels, in the order of the columns of `probabilities`; None for numbers."""
        return self.target.labels if isinstance(self.target, ClassTarget) else None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the network's inputs."""
        return self.preprocessor.feature_names

    # -- predictions -------------------------------------------------------------------------------

    def predict(self, table: Any) -> LabelArray:
        """Return one label per row, or numbers in the target's own units.

        Integer labels are returned as integers. The shape is (rows,), and (rows, targets) where
        there are several targets. Raises DataError for missing columns and for cells that are not
        numbers in a numeric column.
        """
        return self.answers(self.outputs(self.transform(table).matrix))

    def probabilities(self, table: Any) -> FloatArray:
        """Return the probability of every class, (rows, classes), in the order of ``classes``."""
        self._class_target()  # an error is raised before the work
        return self.class_probabilities(self.outputs(self.transform(table).matrix))

    def evaluate(self, table: Any) -> Score:
        """Return the score on a table that has the target too, beside the naive baseline."""
        given = self.read(table, targets=True)
        return self.score(self.outputs(self.transform(given).matrix), given)

    # -- steps of a prediction ---------------------------------------------------------------------

    def read(self, table: Any, *, targets: bool = False) -> Table:
        """Return a table with the columns of the model, and its targets, as in training."""
        given = as_table(table)
        if self.reading is None:
            return given
        names = [column.name for column in self.preprocessor.columns]
        return self.reading.apply(given, only=[*names, *(self.target.names if targets else ())])

    def transform(self, table: Any) -> Transformed:
        """Return the network's inputs, and the counts of filled and unknown cells."""
        given = self.read(table)
        with np.errstate(over="ignore"):  # the network raises InputError for infinite inputs
            return self.preprocessor.apply(given)

    def outputs(self, matrix: FloatArray) -> RealArray:
        """Return the network's outputs in the targets' own units, (rows, outputs)."""
        raw: RealArray = predict(self.network, self.parameters, matrix)
        if self.scaler is None:
            return raw
        with np.errstate(over="ignore"):  # beyond 1e308 the answer is infinite
            return self.scaler.inverse(raw)

    def answers(self, outputs: RealArray) -> LabelArray:
        """Return the predictions of outputs: labels, or the numbers themselves."""
        if isinstance(self.target, ClassTarget):
            return self.target.decode(outputs)
        return outputs[:, 0] if self.target.n_outputs == 1 else outputs

    def class_probabilities(self, outputs: RealArray) -> FloatArray:
        """Return the probability of every class from outputs, (rows, classes)."""
        return self._class_target().probabilities(outputs)

    def score(self, outputs: RealArray, table: Table) -> Score:
        """Return how good outputs are against a table's targets."""
        if isinstance(self.target, ClassTarget):
            found = self.target.probabilities(outputs).argmax(axis=1)
            actual = self.target.codes(table)
            return score_classes(found, actual, self.target.labels, int(self.naive[0]))
        return score_numbers(outputs, self.target.encode(table), self.target.names, self.naive)

    def _class_target(self) -> ClassTarget:
        if isinstance(self.target, ClassTarget):
            return self.target
        raise InputError(
            f"the model predicts numbers ({', '.join(map(shown, self.target.names))}), which have "
            "no probabilities; request predictions only"
        )

    # -- files -------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return all but the network and its parameters, as plain values for JSON."""
        return {
            "reading": None if self.reading is None else self.reading.to_dict(),
            "preprocessing": self.preprocessor.to_dict(),
            "features": list(self.feature_names),
            "target": self.target.to_dict(),
            "scaling": None if self.scaler is None else self.scaler.to_dict(),
            "naive": list(self.naive),
            "training": dict(self.training),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_dict(
        cls, record: Mapping[str, Any], network: Network, parameters: Parameters
    ) -> TableModel:
        """Return what `to_dict` wrote; raise ModelFileError if it is damaged."""
        target = target_from_dict(record.get("target"))
        preprocessor = Preprocessor.from_dict(record.get("preprocessing"))
        scaling = record.get("scaling")
        reading = record.get("reading")
        naive = numbers_of(record, "naive")
        width = 1 if isinstance(target, ClassTarget) else target.n_outputs
        if len(naive) != width:
            raise _damaged(f"'naive' has {len(naive)} entries, not {width}")
        if isinstance(target, ClassTarget) and naive[0] not in range(len(target.labels)):
            raise _damaged(f"'naive' is {shown(naive[0])}, which is not the index of a class")
        try:
            return cls(
                network=network,
                parameters=parameters,
                preprocessor=preprocessor,
                target=target,
                scaler=None if scaling is None else TargetScaler.from_dict(scaling),
                naive=naive,
                training=_dictionary(record, "training"),
                versions=_dictionary(record, "versions"),
                reading=None if reading is None else TableReading.from_dict(reading),
            )
        except ModelFileError:
            raise
        except InputError as error:
            raise _damaged(str(error)) from error


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages that affect results."""
    found = {"python": platform.python_version(), "numpy": np.__version__}
    try:
        found["chainrule"] = metadata.version("chainrule")
    except metadata.PackageNotFoundError:
        found["chainrule"] = "not installed"  # run from a source folder
    return found


def _dictionary(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise _damaged(f"{key!r} is missing or not a dictionary")
    return value


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(f"{what}; fetch the file again or train anew")
