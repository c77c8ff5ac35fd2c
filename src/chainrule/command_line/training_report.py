"""The output of ``chainrule train``: the data, the network, progress, the score, the file.

On a terminal labels are bold and a bar shows the progress; elsewhere the same in plain lines, with
a line for a few of the epochs. ``--quiet`` shows nothing, ``--json`` one object at the end.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click

from chainrule.command_line.human_numbers import figure, percent
from chainrule.errors import shown
from chainrule.files import written_path
from chainrule.table_models.table_training import TableRun, TableTask
from chainrule.training import loop
from chainrule.training.metrics import ClassScore, NumberScore, finite

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["TrainingReport"]

LABEL = 10
PLAIN_LINES = 5
"""Epochs reported in plain lines, in addition to the first."""
NAMES_SHOWN = 6


class TrainingReport:
    """The listener of one training run, a context manager that always closes the progress bar."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self.as_json = as_json
        self.silent = quiet or as_json
        self._console: Console | None = None
        self._progress: Progress | None = None
        self._bar: TaskID | None = None
        self._reported = 0
        if not self.silent and sys.stdout.isatty():
            from rich.console import Console

            self._console = Console(highlight=False)

    def __enter__(self) -> TrainingReport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_progress()

    # -- events ----------------------------------------------------------------------------------

    def starts(self, task: TableTask) -> None:
        """Show the data, the network and the settings."""
        summary = task.summary
        self._show("data", summary.source, *summary.lines())
        if task.model.reading is not None:
            self._show("columns", *task.model.reading.lines)
        self._show("inputs", _inputs(task))
        self._show("network", str(task.network))
        held = f"{task.held_out_rows:,} others held out" if task.held_out_rows else "none held out"
        self._show(
            "training",
            f"{task.training_rows:,} rows, {held}; {task.optimizer.name} at "
            f"{task.optimizer.learning_rate:g}, batches of "
            f"{min(task.batch_size, task.training_rows):,}, "
            f"{_many(task.epochs, 'epoch')}, seed {task.seed}",
        )
        self._begin_progress(task)

    def progress(self, progress: loop.Progress) -> None:
        """Show the losses of the latest epoch in the bar, or of a few epochs in a line each."""
        if self.silent:
            return
        if self._progress is not None and self._bar is not None:
            losses = _losses(progress.epoch(progress.done))
            self._progress.update(self._bar, completed=progress.done, losses=losses)
            return
        width = len(str(progress.of))
        for number in range(self._reported + 1, progress.done + 1):
            if _is_reported(number, progress.of):
                losses = _losses(progress.epoch(number))
                self._show("epoch", f"{number:{width}} of {progress.of}: {losses}")
        self._reported = progress.done

    def ends(self, run: TableRun, folder: Path, model: Path) -> None:
        """Show the score with its naive baseline, and the path of the model."""
        self._end_progress()
        if self.as_json:
            click.echo(json.dumps(finite(_record(run, model)), allow_nan=False))
            return
        self._show("trained", f"in {run.seconds:.1f} s")
        label = "held out" if run.held_out else "seen rows"
        scores = run.score if isinstance(run.score, tuple) else (run.score,)
        self._show(label, *(_score(score) for score in scores))
        if not all(map(_beats_baseline, scores)):
            self._show(
                "",
                "no better than that: add columns that predict the target, or change --epochs, "
                "--learning-rate or --hidden",
            )
        self._show("model", written_path(model))
        self._show("next", f"chainrule predict {shlex.quote(written_path(folder))} DATA")

    # -- output ----------------------------------------------------------------------------------

    def _show(self, label: str, *lines: str) -> None:
        if self.silent:
            return
        for number, line in enumerate(lines):
            head = f"{label if number == 0 else '':<{LABEL}}"
            if self._console is None:
                click.echo(head + line)
            else:
                from rich.text import Text

                self._console.print(Text.assemble((head, "bold"), line), soft_wrap=True)

    def _begin_progress(self, task: TableTask) -> None:
        if self._console is None:
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn(f"{'epoch':<{LABEL - 1}}", style="bold"),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar = self._progress.add_task("", total=task.epochs, losses="")
        self._progress.start()

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _losses(epoch: loop.Epoch) -> str:
    losses = f"loss {epoch.loss:.4g}"
    if epoch.validation_loss is not None:
        losses += f", held-out loss {epoch.validation_loss:.4g}"
    return losses


def _is_reported(number: int, of: int) -> bool:
    """Return whether an epoch is reported in a plain line: the first, the last and some between."""
    every = max(1, of // PLAIN_LINES)
    return number in (1, of) or (number % every == 0 and of - number >= every)


def _inputs(task: TableTask) -> str:
    preprocessor = task.model.preprocessor
    columns, features = len(preprocessor.columns), preprocessor.n_features
    line = _many(columns, "column")
    if features != columns:
        line += f" as {features:,} numbers (categories one-hot)"
    if preprocessor.dropped:
        named = [f"{shown(d.name)} ({d.reason})" for d in preprocessor.dropped[:NAMES_SHOWN]]
        rest = len(preprocessor.dropped) - NAMES_SHOWN
        line += f"; left out: {', '.join(named)}{f' and {rest} more' if rest > 0 else ''}"
    return line


def _score(score: ClassScore | NumberScore) -> str:
    if isinstance(score, ClassScore):
        return (
            f"accuracy {percent(score.accuracy)} ({score.correct:,} of {score.rows:,} rows); "
            f"always {shown(score.baseline_label)}, the most frequent class: "
            f"{percent(score.baseline_accuracy)}"
        )
    r2 = "" if score.r2 is None else f", R² {score.r2:.3f}"
    return (
        f"{shown(score.target)}: RMSE {figure(score.rmse)}{r2}, mean absolute error "
        f"{figure(score.mae)} ({score.rows:,} rows); always {figure(score.baseline_mean)}, the "
        f"mean: RMSE {figure(score.baseline_rmse)}"
    )


def _beats_baseline(score: ClassScore | NumberScore) -> bool:
    if isinstance(score, ClassScore):
        return score.correct > score.baseline_correct
    return score.rmse < score.baseline_rmse


def _record(run: TableRun, model: Path) -> dict[str, object]:
    return {
        "data": run.task.summary.to_dict(),
        "dropped": [
            {"name": dropped.name, "reason": dropped.reason}
            for dropped in run.model.preprocessor.dropped
        ],
        "network": {"text": str(run.model.network), "layers": list(run.model.network.layers)},
        "training": dict(run.model.training),
        "seconds": run.seconds,
        "history": run.history,
        "model": str(model),
    }


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
