"""What a report is about: a model, its losses, and where there are any the rows of its score.

It is made from a run in memory, or from a run folder, whose rows are then those of a table that is
given beside it: the rows that training has seen are not known there.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chainrule.arrays import FloatArray, IntArray
from chainrule.data import ClassTarget, Table, as_table
from chainrule.errors import InputError
from chainrule.files import path_errors, written_path
from chainrule.table_models.leaderboard import leaderboard_rows
from chainrule.table_models.model_files import load
from chainrule.table_models.run_folders import LEADERBOARD_NAME, METRICS_NAME
from chainrule.table_models.run_rows import RunRows
from chainrule.table_models.table_model import TableModel
from chainrule.table_models.table_run import TableRun

__all__ = ["Subject", "losses_of"]

Scored = Literal["held out", "out of fold", "training", "given"]


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    ``histories`` are the losses by epoch, of each network of the first candidate, or their means
    alone. ``rows`` is None for a model without a table, ``seconds`` for one of a file.
    """

    source: str
    model: TableModel
    histories: Sequence[Mapping[str, Sequence[float]]]
    scored: Scored
    rows: RunRows | None = None
    seconds: float | None = None
    leaders: Sequence[Mapping[str, Any]] = ()
    """The leaderboard, where it is known."""

    @classmethod
    def of_run(cls, run: TableRun) -> Subject:
        """Return the subject of a run in memory."""
        histories = run.member_histories or (run.history,)
        leaders = leaderboard_rows(run.trials, run.task.objective)
        source = run.task.summary.source
        return cls(source, run.model, histories, run.scored, run.rows, run.seconds, leaders)

    @classmethod
    def of_folder(cls, path: str, data: Any = None) -> Subject:
        """Return the subject of a run folder, with the rows of a table that has the target.

        Raises InputError for a folder without a model of a table, DataError for a table that does
        not suit the model.
        """
        model = load(path)
        if not isinstance(model, TableModel):
            raise InputError(
                f"{written_path(path)}: contains a network without the preprocessing of a table; "
                "give a run folder that `chainrule train` wrote"
            )
        histories = [losses] if (losses := losses_of(Path(path))) else []
        name = Path(path).name or written_path(path)
        leaders = _leaders_of(Path(path))
        if data is None:
            return cls(name, model, histories, "given", leaders=leaders)
        table = model.read(as_table(data), targets=True)
        matrix = model.transform(table).matrix
        every = np.arange(table.n_rows)
        rows = RunRows(table, every[:0], every, model.outputs(matrix))
        return cls(table.source, model, histories, "given", rows, leaders=leaders)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels as texts, none for numbers."""
        return tuple(map(str, self.model.classes or ()))

    @cached_property
    def scored_table(self) -> Table:
        """The rows of the score."""
        assert self.rows is not None
        return self.rows.table.take(self.rows.scored)

    @cached_property
    def matrix(self) -> FloatArray:
        """The networks' inputs for the whole table, (rows, features)."""
        assert self.rows is not None
        return self.model.transform(self.rows.table).matrix

    @cached_property
    def actual(self) -> FloatArray:
        """The targets of the rows of the score, (rows, targets); of classes codes, (rows, 1)."""
        target = self.model.target
        if isinstance(target, ClassTarget):
            return target.codes(self.scored_table).astype(np.float64)[:, np.newaxis]
        return target.encode(self.scored_table)

    @cached_property
    def codes(self) -> IntArray:
        """The classes of the rows of the score, (rows,)."""
        return self.actual[:, 0].astype(np.int64)

    @cached_property
    def probabilities(self) -> FloatArray:
        """The predicted probabilities of the rows of the score, (rows, classes)."""
        assert self.rows is not None
        return self.model.class_probabilities(self.rows.outputs)


def losses_of(folder: Path) -> dict[str, list[float]]:
    """Return the losses by epoch of a run folder, by their names; empty where it has none.

    Raises InputError for a file that is not what `write_run` writes.
    """
    path = folder / METRICS_NAME
    if not folder.is_dir() or not path.exists():
        return {}
    found: dict[str, list[float]] = {}
    with path_errors(path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        for line in lines:
            for name, value in json.loads(line).items():
                if name != "epoch":
                    found.setdefault(name, []).append(math.nan if value is None else float(value))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{written_path(path)}: is damaged (it must hold one JSON object of numbers a line); "
            "remove it, or train anew"
        ) from error
    return found


def _leaders_of(folder: Path) -> list[dict[str, str]]:
    """Return the leaderboard of a run folder; empty where it has none."""
    path = folder / LEADERBOARD_NAME
    if not path.is_file():
        return []
    with path_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    return list(csv.DictReader(text.splitlines()))
