"""The output of ``chainrule train``: the data, the network, progress, the score, the file.

On a terminal labels are bold, and a bar shows the progress with a line of the held-out loss below
it, which stays when the training has ended; elsewhere the same in plain lines, with
a line for a few of the epochs. ``--quiet`` shows nothing, ``--json`` one object at the end.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from chainrule.command_line.human_numbers import figure, percent
from chainrule.data import CategoricalColumn
from chainrule.errors import one_line, shown
from chainrule.files import written_path
from chainrule.network.architecture import Network
from chainrule.pictures.loss_curves import lowest, mean_curve
from chainrule.pictures.sparkline import sparkline
from chainrule.table_models.candidates import Run
from chainrule.table_models.leaderboard import leaderboard_rows
from chainrule.table_models.recipes import Candidate
from chainrule.table_models.run_folders import LEADERBOARD_NAME, REPORT_NAME
from chainrule.table_models.table_training import TableRun, TableTask
from chainrule.training import loop
from chainrule.training.metrics import ClassScore, NumberScore, finite

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from chainrule.command_line.progress_bar import ProgressBar

__all__ = ["TrainingReport"]

LABEL = 10
PLAIN_LINES = 5
"""Epochs reported in plain lines, in addition to the first."""
CURVE = 32
"""The most characters of the line of losses."""
NAMES_SHOWN = 6
MOST_NETWORKS = 3
"""Networks described before the training, and lines of the leaderboard after it."""


class TrainingReport:
    """The listener of one training run, a context manager that always closes the progress bar."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self.as_json = as_json
        self.silent = quiet or as_json
        self._console: Console | None = None
        self._progress: ProgressBar | None = None
        self._bar: TaskID | None = None
        self.interrupted = False
        self._reported = 0
        self._candidate = 0
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
        if task.reading is not None:
            self._show("columns", *task.reading.lines)
        self._show("inputs", _inputs(task))
        pairs = list(zip(task.recipe.candidates, task.networks, strict=True))
        for label, (candidate, network) in zip(
            _labels(len(pairs)), pairs[:MOST_NETWORKS], strict=False
        ):
            self._show(label, _described(candidate, network), _settings(candidate, task))
        if len(pairs) > MOST_NETWORKS:
            self._show("", f"and {len(pairs) - MOST_NETWORKS} more, with other settings")
        self._show("training", _rows(task))
        self._begin_progress(task)

    def progress(self, run: Run) -> None:
        """Show the mean losses of the latest epoch in the bar, or a line for a few epochs."""
        members = [member for member in run.members if member is not None and member.done]
        if self.silent or not members:
            return
        of = members[0].of
        if self._progress is not None and self._bar is not None:
            done = sum(member.done for member in members) / len(run.members)
            self._progress.below = _curve(members, self._progress.console)
            self._progress.update(
                self._bar, completed=run.candidate * of + done, losses=_losses(members)
            )
            return
        done = max(1, sum(member.done for member in members) // len(run.members))
        if run.candidate != self._candidate:
            self._candidate, self._reported = run.candidate, 0
        for number in range(self._reported + 1, done + 1):
            if _is_reported(number, of, briefly=run.of > MOST_NETWORKS):
                which = f", network {run.candidate + 1}" if run.of > 1 else ""
                text = f"{number:{len(str(of))}} of {of}{which}: {_losses(members, number)}"
                self._show("epoch", text)
        self._reported = max(self._reported, done)

    def watched(self, train: Callable[..., TableRun], *given: Any, **settings: Any) -> TableRun:
        """Train, and after Ctrl-C go on with what was learned."""
        try:
            return train(*given, **settings)
        except KeyboardInterrupt as interrupt:
            run = getattr(interrupt, "result", None)
            if not isinstance(run, TableRun):
                raise
            self.is_interrupted("interrupted")
            return run

    def is_interrupted(self, how: str) -> None:
        """Note that the training was ended before its end: its model is written all the same."""
        self._end_progress()
        self.interrupted = True
        click.echo(f"chainrule: note: {how}; the model so far is written", err=True)

    def is_live(self, address: str) -> None:
        """Show the address of the page on which the training is seen; it is always shown."""
        if self.silent:
            click.echo(f"chainrule: note: live at {address}", err=True)
        self._show("live", address)

    def reported(self, run: TableRun, language: str) -> bytes:
        """Return the run's page; empty, with a note, where it cannot be made.

        Whatever is wrong with a report, the model that was trained is not lost.
        """
        self._end_progress()
        try:
            from chainrule.reports.make_report import report_of

            return report_of(run, language).html.encode("utf-8", "replace")
        except KeyboardInterrupt:
            self.interrupted = True
            why = "interrupted"
        except Exception as error:
            why = f"{type(error).__name__}: {one_line(error)}"
        click.echo(f"chainrule: note: no report was written ({why}); the model is", err=True)
        return b""

    def ends(self, run: TableRun, folder: Path, model: Path) -> None:
        """Show the score with its naive baseline, and the path of the model.

        The model is beside the folder where another training has taken that one meanwhile.
        """
        self._end_progress()
        if model.parent != folder:
            click.echo(
                f"chainrule: note: {written_path(folder)} was changed during the training; its "
                f"contents are untouched, and this model is in {written_path(model.parent)}",
                err=True,
            )
        if self.as_json:
            click.echo(json.dumps(finite(_record(run, model)), allow_nan=False))
            return
        self._show("trained", _trained(run))
        self._show("networks", *_leaders(run))
        label = {"training": "seen rows", "out of fold": "unseen"}.get(run.scored, run.scored)
        scores = run.score if isinstance(run.score, tuple) else (run.score,)
        self._show(label, *(_score(score) for score in scores), *_metric(run))
        if not all(map(_beats_baseline, scores)):
            self._show(
                "",
                "no better than that: add columns that predict the target, or change --epochs, "
                "--learning-rate or --hidden",
            )
        self._show("model", written_path(model))
        if (page := model.with_name(REPORT_NAME)).is_file():
            self._show("report", written_path(page))
        self._show("next", f"chainrule predict {shlex.quote(written_path(model.parent))} DATA")

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
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        from chainrule.command_line.progress_bar import ProgressBar

        self._progress = ProgressBar(
            TextColumn(f"{'epoch':<{LABEL - 1}}", style="bold"),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        epochs = sum(candidate.epochs for candidate in task.recipe.candidates)
        self._bar = self._progress.add_task("", total=epochs, losses="")
        self._progress.start()

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _labels(count: int) -> list[str]:
    return ["network"] if count == 1 else [f"network {number}" for number in range(1, count + 1)]


def _described(candidate: Candidate, network: Network) -> str:
    """Return what a network is, in one line: by its widths, also where it is no chain of layers."""
    if len(network.inputs) == 1 and candidate.encoding == "none" and not candidate.dropout:
        return str(network)
    settings = candidate.to_dict()
    widths = "-".join(map(str, settings["hidden"])) or "none"
    kinds = "piecewise, periodic" if candidate.encoding == "both" else candidate.encoding
    encoding = "" if candidate.encoding == "none" else f", numbers encoded ({kinds})"
    return (
        f"hidden layers {widths}, {', '.join(settings['activation'])}{encoding}, "
        f"{network.loss.name}, {network.size:,} parameters"
    )


def _settings(candidate: Candidate, task: TableTask) -> str:
    """Return how a candidate is trained, in one line."""
    optimizer = candidate.optimizer
    parts = [
        f"{optimizer.name} at {optimizer.learning_rate:g}",
        f"batches of {min(candidate.batch_size, task.training_rows):,}",
        _many(candidate.epochs, "epoch"),
    ]
    if candidate.dropout:
        parts.append(f"dropout {candidate.dropout:g}")
    if candidate.smoothing:
        parts.append(f"labels smoothed by {candidate.smoothing:g}")
    return ", ".join(parts)


def _rows(task: TableTask) -> str:
    folds = task.recipe.folds
    text = f"{task.training_rows:,} rows"
    if folds > 1:
        text += f" in {folds} folds, each network once without each of them"
    if task.held_out_rows:
        which = "the latest" if task.divided == "time" else "others"
        text += f", {task.held_out_rows:,} {which} held out"
    elif folds == 1:
        text += ", none held out"
    if task.divided == "group":
        text += ", groups whole"
    return f"{text}; seed {task.seed}"


def _trained(run: TableRun) -> str:
    """Return the seconds, and the epochs where fewer fitted into the time than the recipe has."""
    wanted = run.task.recipe.candidates[0].epochs
    done = len(run.history["loss"])
    fewer = f", {done:,} of {wanted:,} epochs" if done < wanted else ""
    return f"in {run.seconds:.1f} s{fewer}"


def _leaders(run: TableRun) -> Iterator[str]:
    """Yield a line for each of the best networks, where there are several."""
    if len(run.trials) < 2:
        return
    for row in leaderboard_rows(run.trials, run.task.objective)[:MOST_NETWORKS]:
        value = "" if row["value"] is None else f"{row['metric']} {row['value']:.4g}, "
        yield (
            f"{row['rank']}. {value}share {percent(row['share'])}: {row['hidden']} "
            f"{row['activation']}, encoding {row['encoding']}, dropout {row['dropout']:g}, "
            f"{row['optimizer']} at {row['learning_rate']:g}"
        )
    if len(run.trials) > MOST_NETWORKS:
        yield f"all {len(run.trials)} are in {LEADERBOARD_NAME}"


def _metric(run: TableRun) -> list[str]:
    metric = run.task.objective.metric
    return [] if metric is None or run.metric is None else [f"{metric.name} {figure(run.metric)}"]


def _losses(members: Sequence[loop.Progress], number: int | None = None) -> str:
    """Return the mean losses of an epoch, of the latest of each member if None, and the best."""
    last = [min(number or member.done, member.done) for member in members]
    epochs = [member.epoch(done) for member, done in zip(members, last, strict=True)]
    losses = f"loss {mean(epoch.loss for epoch in epochs):.4g}"
    held = [epoch.validation_loss for epoch in epochs if epoch.validation_loss is not None]
    if not held:
        return losses
    best = mean(
        min(list(member.history["validation_loss"])[:done])
        for member, done in zip(members, last, strict=True)
    )
    return f"{losses}, held-out loss {mean(held):.4g}, best {best:.4g}"


def _curve(members: Sequence[loop.Progress], console: Console) -> str:
    """Return the mean losses so far in one line: the held-out ones where there are any."""
    name = "validation_loss" if "validation_loss" in members[0].history else "loss"
    kind = "held-out loss" if name == "validation_loss" else "loss"
    losses = mean_curve([member.history[name] for member in members])
    text = f"  {kind}"
    best = lowest(losses)
    if best is not None:
        text += f", best {best[1]:.4g} in epoch {best[0]:,}"
    width = min(CURVE, console.width - LABEL - len(text) - 1)
    return f"{'curve':<{LABEL}}{sparkline(losses, width, console.encoding)}{text}"


def _is_reported(number: int, of: int, *, briefly: bool) -> bool:
    """Return whether an epoch is reported in a plain line: the first, the last and some between.

    ``briefly`` is the last one alone.
    """
    if briefly:
        return number == of
    every = max(1, of // PLAIN_LINES)
    return number in (1, of) or (number % every == 0 and of - number >= every)


def _inputs(task: TableTask) -> str:
    preprocessor = task.preprocessor
    columns, features = len(preprocessor.sources(task.reading)), preprocessor.n_features
    line = _many(columns, "column")
    if features != columns:
        line += f" as {features:,} numbers"
        if any(isinstance(column, CategoricalColumn) for column in preprocessor.columns):
            line += " (categories one-hot)"
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
        "networks": [str(network) for network in run.task.networks],
        "training": dict(run.model.training),
        "seconds": run.seconds,
        "history": run.history,
        "model": str(model),
        "report": str(page) if (page := model.with_name(REPORT_NAME)).is_file() else None,
    }


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
