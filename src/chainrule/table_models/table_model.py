"""Networks with the mapping from a table's cells to their inputs, and from outputs to answers.

The output of a model is the weighted mean of its members' outputs, for classes of their calibrated
probabilities p^(1/T)/Σp^(1/T) with one temperature T, for numbers within the range seen in
training. It includes how it was trained: the preprocessing, the classes or the scaling of the
targets, the settings, the score and the versions. `table_training.train_table` makes one,
`model_files` writes and reads it. A model is frozen: no method changes it.
"""

from __future__ import annotations

import math
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
from chainrule.table_models.calibration import calibrated
from chainrule.table_models.cell_warnings import warn_of_cells
from chainrule.table_models.table_networks import inputs_for
from chainrule.training.metrics import Score, score_classes, score_numbers
from chainrule.training.single_pass import predict
from chainrule.validation import checked_number, requirement

__all__ = ["PERCENTILES", "Member", "TableModel", "versions"]


PERCENTILES = 101


@dataclass(frozen=True, eq=False)
class Member:
    """A trained network of a model, and its weight in the mean; the weights add up to 1."""

    network: Network
    parameters: Parameters
    weight: float = 1.0


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

    members: tuple[Member, ...]
    preprocessor: Preprocessor
    target: ClassTarget | NumberTarget
    scaler: TargetScaler | None
    """How the targets were scaled for the network; None where they were not scaled."""
    naive: tuple[float, ...]
    """The naive prediction: the index of the most frequent class, or the means."""
    temperature: float = 1.0
    """The T of calibrated probabilities; above 1 the networks are too sure."""
    limits: tuple[tuple[float, float], ...] | None = None
    """The least and the largest value of each target of numbers in training; None: no limits."""
    deviations: tuple[tuple[float, ...], ...] | None = None
    """The 0th to the 100th percentile of |y − ŷ| of each target of numbers, in rows not seen."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """The settings and the score of the run that made it, as plain values."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of the programs that made it."""
    reading: TableReading | None = None
    """How the columns of the training table were read; None in files of earlier versions."""

    def __post_init__(self) -> None:
        for network in {id(member.network): member.network for member in self.members}.values():
            for what, needed, width in (
                ("features", self.preprocessor.n_features, sum(n.width for n in network.inputs)),
                ("outputs", self.target.n_outputs, network.outputs[0].width),
            ):
                if needed != width:
                    raise InputError(f"the table has {needed} {what}, but the network has {width}")
        if self.scaler is not None and len(self.scaler.mean) != self.target.n_outputs:
            raise InputError(
                f"the scaling has {len(self.scaler.mean)} targets, but the model has "
                f"{self.target.n_outputs}"
            )

    def __repr__(self) -> str:
        count = len(self.members)
        many = "" if count == 1 else f"{count} networks, "
        columns = len(self.preprocessor.columns)
        names = ", ".join(map(shown, self.target.names[:3]))
        names += f" and {len(self.target.names) - 3} more" if len(self.target.names) > 3 else ""
        return (
            f"<TableModel {names} from {columns:,} column{'s' * (columns != 1)}: {many}"
            f"{self.network}>"
        )

    def _repr_html_(self) -> str:
        from chainrule.table_models.notebook_displays import model_html

        return model_html(self)

    # -- properties --------------------------------------------------------------------------------

    @property
    def network(self) -> Network:
        """The network of the first member."""
        return self.members[0].network

    @property
    def parameters(self) -> Parameters:
        """The parameters of the first member."""
        return self.members[0].parameters

    @property
    def is_one_network(self) -> bool:
        """Whether the model is one network, without calibration."""
        return len(self.members) == 1 and self.temperature == 1.0

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
        numbers in a numeric column, and gives a DataWarning for categories that training did not
        have, and for missing cells where it had none.
        """
        given = self.transform(table)
        warn_of_cells(given.unknown, given.missing, self.preprocessor.rare)
        return self.answers(self.outputs(given.matrix))

    def probabilities(self, table: Any) -> FloatArray:
        """Return the probability of every class, (rows, classes), in the order of ``classes``.

        Gives a DataWarning for categories that training did not have, and for missing cells where
        it had none.
        """
        self._class_target()  # an error is raised before the work
        given = self.transform(table)
        warn_of_cells(given.unknown, given.missing, self.preprocessor.rare)
        return self.class_probabilities(self.outputs(given.matrix))

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
        """Return the network's inputs, and the counts of filled, unknown and missing cells."""
        given = self.read(table)
        with np.errstate(over="ignore"):  # the network raises InputError for infinite inputs
            return self.preprocessor.apply(given)

    def outputs(self, matrix: FloatArray) -> RealArray:
        """Return the mean of the members' outputs in the targets' own units, (rows, outputs)."""
        if len(self.members) == 1:
            return self._finished(self.members[0], matrix)
        mean = np.zeros((len(matrix), self.target.n_outputs))
        for member in self.members:
            mean += member.weight * self._finished(member, matrix)
        return mean

    def spread(self, matrix: FloatArray) -> FloatArray:
        """Return the standard deviation of the members' outputs, (rows, outputs).

        It is the uncertainty about the network, and 0 of one network.
        """
        mean = self.outputs(matrix)
        variance = np.zeros(mean.shape)
        for member in self.members:
            variance += member.weight * (self._finished(member, matrix) - mean) ** 2
        return np.sqrt(variance)

    def intervals(self, outputs: RealArray, share: float) -> tuple[FloatArray, FloatArray]:
        """Return the ends of intervals around outputs, (rows, targets), that hold a share of y.

        They are ŷ ± q with q the quantile of |y − ŷ| in the rows that no network in ŷ had seen:
        about this share of new rows of the same kind lie within, on average over the rows. Source:
        Vovk 2015, "Cross-conformal predictors".
        """
        if self.deviations is None:
            raise InputError(
                "intervals need a model that predicts numbers and was scored on rows not seen; "
                "for classes request probabilities (--proba)"
            )
        allowed = "a share above 0 and below 1"
        if not 0.0 < checked_number("interval", share, allowed) < 1.0:
            raise InputError(requirement("interval", allowed, share, "For example, give 0.9."))
        levels = np.linspace(0.0, 1.0, len(self.deviations[0]))
        half = np.array([np.interp(share, levels, column) for column in self.deviations])
        return outputs - half, outputs + half

    def _finished(self, member: Member, matrix: FloatArray) -> RealArray:
        """Return a member's outputs, (rows, outputs), calibrated or in the targets' units."""
        inputs = inputs_for(member.network, matrix, self.preprocessor.numeric_features)
        raw: RealArray = predict(member.network, member.parameters, inputs)
        if isinstance(self.target, ClassTarget):
            return raw if self.temperature == 1.0 else calibrated(raw, self.temperature)
        if self.scaler is not None:
            with np.errstate(over="ignore"):  # beyond 1e308 the answer is infinite
                raw = self.scaler.inverse(raw)
        return raw if self.limits is None else np.clip(raw, *np.transpose(self.limits))

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
        """Return all but the members, as plain values for JSON."""
        return {
            "reading": None if self.reading is None else self.reading.to_dict(),
            "preprocessing": self.preprocessor.to_dict(),
            "features": list(self.feature_names),
            "target": self.target.to_dict(),
            "scaling": None if self.scaler is None else self.scaler.to_dict(),
            "naive": list(self.naive),
            "temperature": self.temperature,
            "limits": None if self.limits is None else [list(pair) for pair in self.limits],
            "deviations": None if self.deviations is None else [list(c) for c in self.deviations],
            "training": dict(self.training),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], members: tuple[Member, ...]) -> TableModel:
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
        temperature, limits = record.get("temperature"), record.get("limits")
        deviations = record.get("deviations")
        if not isinstance(temperature, float) or not 0.0 < temperature < math.inf:
            raise _damaged(f"'temperature' is {shown(temperature)}, not a positive number")
        try:
            return cls(
                members=members,
                preprocessor=preprocessor,
                target=target,
                scaler=None if scaling is None else TargetScaler.from_dict(scaling),
                naive=naive,
                temperature=temperature,
                deviations=None if deviations is None else _quantiles(deviations, target.n_outputs),
                limits=None if limits is None else _pairs(limits, target.n_outputs),
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


def _quantiles(deviations: object, count: int) -> tuple[tuple[float, ...], ...]:
    try:
        array = np.array(deviations, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (count, PERCENTILES) or (np.diff(array) < 0.0).any() or (array < 0.0).any():
        raise _damaged(f"'deviations' is not {count} lists of {PERCENTILES} ascending numbers")
    return tuple(map(tuple, array.tolist()))


def _pairs(limits: object, count: int) -> tuple[tuple[float, float], ...]:
    try:
        array = np.array(limits, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (count, 2) or not (array[:, 0] <= array[:, 1]).all():
        raise _damaged(f"'limits' is {shown(limits)}, not {count} pairs")
    return tuple((float(low), float(high)) for low, high in array)


def _dictionary(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise _damaged(f"{key!r} is missing or not a dictionary")
    return value


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(f"{what}; fetch the file again or train anew")
