"""What a training on a table is about to do, and what it returns."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from chainrule.data import Preprocessor, Summary, TableReading
from chainrule.network.architecture import Network
from chainrule.pictures.loss_curves import LossCurves
from chainrule.table_models.candidates import Trial
from chainrule.table_models.objectives import Objective
from chainrule.table_models.recipes import Recipe
from chainrule.table_models.run_rows import RunRows
from chainrule.table_models.table_model import TableModel
from chainrule.training.metrics import ClassScore, NumberScore, Score

__all__ = ["TableRun", "TableTask"]


@dataclass(frozen=True)
class TableTask:
    """What is about to be trained: the data, the networks and the settings."""

    summary: Summary
    reading: TableReading | None
    """How the columns' cells are read; None for a table that was decided before."""
    preprocessor: Preprocessor
    recipe: Recipe
    networks: tuple[Network, ...]
    """One for each candidate of the recipe."""
    training_rows: int
    held_out_rows: int
    divided: Literal["random", "group", "time"]
    """By what rows are held out."""
    objective: Objective
    seed: int

    @property
    def network(self) -> Network:
        """The network of the first candidate."""
        return self.networks[0]


@dataclass(frozen=True)
class TableRun:
    """A finished run: the model, its losses by epoch, and its score.

    ``history`` are the losses of the first candidate, means over its members, whose own are
    ``member_histories``; losses of scaled targets are without units. ``score`` is on rows that
    were not used for training where ``scored`` is "held out" or "out of fold", else on the
    training rows themselves ("training"). ``ended`` is whether the time limit, a listener or
    Ctrl-C ended the training.
    """

    task: TableTask
    model: TableModel
    history: dict[str, list[float]]
    score: Score
    scored: Literal["held out", "out of fold", "training"]
    metric: float | None
    """The value of the metric of the task's objective, on the rows of the score."""
    trials: tuple[Trial, ...]
    seconds: float
    ended: bool
    member_histories: tuple[dict[str, list[float]], ...] = ()
    rows: RunRows | None = field(default=None, repr=False, compare=False)
    """The table and how its rows were used: what a report measures is of them."""

    @property
    def held_out(self) -> bool:
        """Whether the score is on rows that were not used for training."""
        return self.scored != "training"

    @property
    def scores(self) -> tuple[ClassScore | NumberScore, ...]:
        """The score of each target: of classes one."""
        return self.score if isinstance(self.score, tuple) else (self.score,)

    def plot(self, ax: Any = None, *, language: str = "en") -> Any:
        """Return a picture of the first candidate's losses by epoch: members thin, the mean thick.

        The epoch of the lowest mean held-out loss is marked; each member has the parameters of
        its own best. With ``ax``, Axes of matplotlib, the curves are drawn there and the Axes are
        returned. ``language`` is "en" or "zh".
        """
        curves = LossCurves.of(self.member_histories or [self.history])
        return curves.drawing(language) if ax is None else curves.on(ax)

    def report(self, path: str | os.PathLike[str] | None = None, *, language: str = "en") -> Any:
        """Return the report of the run: a page that a notebook shows, and that `save` writes.

        With a path it is written there too, as one HTML file. ``language`` is "en" or "zh". Raises
        InputError where the path cannot be written.
        """
        # A run knows nothing of what is built upon it: the report is found by name, and last.
        module = import_module("chainrule.reports.make_report")
        made = module.report_of(self, language)
        if path is not None:
            made.save(path)
        return made

    def __getstate__(self) -> dict[str, Any]:
        """A run that is pickled leaves its table behind: files of models hold no data."""
        return {**vars(self), "rows": None}

    def __repr__(self) -> str:
        return f"<TableRun {repr(self.model)[1:-1]}; {self.seconds:.1f} s>"

    def _repr_html_(self) -> str:
        from chainrule.table_models.notebook_displays import run_html

        return run_html(self)
