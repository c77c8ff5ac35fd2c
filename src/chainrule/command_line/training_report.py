"""The output of ``chainrule train``: the data, the network, progress, the score, the file.

On a terminal labels are bold, and a bar shows the progress with a line of the held-out loss below
it, which stays when the training has ended; elsewhere the same in plain lines, with
a line for a few of the epochs. ``--quiet`` shows nothing, ``--json`` one object at the end.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from chainrule.command_line.epoch_texts import LABEL, curve_text, is_reported, latest, losses_text
from chainrule.command_line.human_numbers import figure, percent
from chainrule.command_line.notes import note
from chainrule.data import CategoricalColumn, Preprocessor
from chainrule.errors import one_line, shown
from chainrule.files import written_path
from chainrule.language.printed_phrases import Wording
from chainrule.language.text_columns import padded
from chainrule.network.architecture import Network
from chainrule.table_models.candidates import Run
from chainrule.table_models.leaderboard import leaderboard_rows
from chainrule.table_models.recipes import Candidate
from chainrule.table_models.run_folders import LEADERBOARD_NAME, REPORT_NAME
from chainrule.table_models.table_run import TableRun, TableTask
from chainrule.training.metrics import ClassScore, NumberScore, finite

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from chainrule.command_line.progress_bar import ProgressBar

__all__ = ["SCORED", "TrainingReport", "listed_dropped"]

NAMES_SHOWN = 6
SCORED = {"training": "seen", "out of fold": "unseen", "held out": "held_out"}
"""The part of a label's key by the rows of a score."""
MOST_NETWORKS = 3
"""Networks described before the training, and lines of the leaderboard after it."""


class TrainingReport:
    """The listener of one training run, a context manager that always closes the progress bar."""

    def __init__(self, language: str, *, quiet: bool, as_json: bool, resumed: bool = False) -> None:
        self.words = Wording("tables", language)
        self.as_json = as_json
        self.silent = quiet or as_json
        self._console: Console | None = None
        self._progress: ProgressBar | None = None
        self._bar: TaskID | None = None
        self.interrupted = False
        self._reported = 0
        self._resumed = resumed
        self._first = 0
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
        words, summary = self.words, task.summary
        self._show(words("label_data"), summary.source, *summary.lines(words.language))
        if task.reading is not None:
            self._show(words("label_columns"), *task.reading.lines_in(words.language))
        self._show(words("label_inputs"), _inputs(task, words))
        pairs = list(zip(task.recipe.candidates, task.networks, strict=True))
        for label, (candidate, network) in zip(
            _labels(len(pairs), words), pairs[:MOST_NETWORKS], strict=False
        ):
            described = _described(candidate, network, words)
            self._show(label, described, _settings(candidate, task, words))
        if len(pairs) > MOST_NETWORKS:
            self._show("", words("more_networks", count=len(pairs) - MOST_NETWORKS))
        self._show(words("label_training"), _rows(task, words))
        self._begin_progress(task)

    def progress(self, run: Run) -> None:
        """Show the mean losses of the latest epoch in the bar, or a line for a few epochs."""
        members = [member for member in run.members if member is not None and member.done]
        if self.silent or not members:
            return
        of = members[0].of
        if self._progress is not None and self._bar is not None:
            done = sum(member.done for member in members) / len(run.members)
            self._progress.below = curve_text(members, self._progress.console, self.words)
            completed = run.candidate * of + done
            self._progress.update(
                self._bar,
                shown=self.words(
                    "epoch_of", number=f"{completed:.0f}", of=f"{self._progress.tasks[0].total:.0f}"
                ),
                completed=completed,
                losses=losses_text(members, len(run.members), latest(members), self.words),
            )
            return
        done = max(1, sum(member.done for member in members) // len(run.members))
        if run.candidate != self._candidate:
            self._candidate, self._reported = run.candidate, 0
        if self._resumed:  # the epochs before were reported by the training that was interrupted
            self._resumed, self._reported, self._first = False, done - 1, done
        for number in range(self._reported + 1, done + 1):
            briefly = run.of > MOST_NETWORKS
            if number == self._first or is_reported(number, of, briefly=briefly):
                text = self.words(
                    "epoch_line_network" if run.of > 1 else "epoch_line",
                    number=f"{number:{len(str(of))}}",
                    of=of,
                    network=run.candidate + 1,
                    losses=losses_text(members, len(run.members), number, self.words),
                )
                self._show(self.words("label_epoch"), text)
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
        """Note how the training was ended before its end: its model is written all the same."""
        self._end_progress()
        self.interrupted = True
        note(self.words.language, how)

    def is_live(self, address: str) -> None:
        """Show the address of the page on which the training is seen; it is always shown."""
        if self.silent:
            note(self.words.language, "live_at", address=address)
        self._show(self.words("label_live"), address)

    def reported(self, run: TableRun) -> bytes:
        """Return the run's page; empty, with a note, where it cannot be made.

        Whatever is wrong with a report, the model that was trained is not lost.
        """
        self._end_progress()
        try:
            from chainrule.reports.make_report import report_of

            return report_of(run, self.words.language).html.encode("utf-8", "replace")
        except KeyboardInterrupt:
            self.interrupted = True
            note(self.words.language, "report_interrupted")
        except Exception as error:
            why = f"{type(error).__name__}: {one_line(error)}"
            note(self.words.language, "report_failed", why=why)
        return b""

    def ends(self, run: TableRun, folder: Path, model: Path) -> None:
        """Show the score with its naive baseline, and the path of the model.

        The model is beside the folder where another training has taken that one meanwhile.
        """
        self._end_progress()
        if model.parent != folder:
            note(
                self.words.language,
                "folder_changed",
                folder=written_path(folder),
                other=written_path(model.parent),
            )
        if self.as_json:
            click.echo(json.dumps(finite(_record(run, model)), allow_nan=False))
            return
        words = self.words
        self._show(words("label_trained"), _trained(run, words))
        self._show(words("label_networks"), *_leaders(run, words))
        scores = run.score if isinstance(run.score, tuple) else (run.score,)
        shown_scores = (_score(score, words) for score in scores)
        self._show(words(f"label_{SCORED[run.scored]}"), *shown_scores, *_metric(run))
        if not all(map(_beats_baseline, scores)):
            self._show("", words("no_better"))
        self._show(words("label_model"), written_path(model))
        if (page := model.with_name(REPORT_NAME)).is_file():
            self._show(words("label_report"), written_path(page))
        following = f"chainrule predict {shlex.quote(written_path(model.parent))} DATA"
        self._show(words("label_next"), following)

    # -- output ----------------------------------------------------------------------------------

    def _show(self, label: str, *lines: str) -> None:
        if self.silent:
            return
        for number, line in enumerate(lines):
            head = padded(label if number == 0 else "", LABEL)
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
            TextColumn(padded(self.words("label_epoch"), LABEL - 1), style="bold"),
            TextColumn("{task.fields[shown]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        epochs = sum(candidate.epochs for candidate in task.recipe.candidates)
        shown = self.words("epoch_of", number=0, of=epochs)
        self._bar = self._progress.add_task("", total=epochs, losses="", shown=shown)
        self._progress.start()

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _labels(count: int, words: Wording) -> list[str]:
    if count == 1:
        return [words("label_network")]
    return [words("label_network_number", number=number) for number in range(1, count + 1)]


def _described(candidate: Candidate, network: Network, words: Wording) -> str:
    """Return what a network is, in one line: by its widths, also where it is no chain of layers."""
    if len(network.inputs) == 1 and candidate.encoding == "none" and not candidate.dropout:
        return str(network)
    settings = candidate.to_dict()
    kinds = ["piecewise", "periodic"] if candidate.encoding == "both" else [candidate.encoding]
    return words(
        "hidden_layers" if candidate.encoding == "none" else "hidden_layers_encoded",
        widths="-".join(map(str, settings["hidden"])) or words("hidden_none"),
        activations=", ".join(settings["activation"]),
        encodings=", ".join(kinds),
        loss=network.loss.name,
        size=network.size,
    )


def _settings(candidate: Candidate, task: TableTask, words: Wording) -> str:
    """Return how a candidate is trained, in one line."""
    optimizer = candidate.optimizer
    parts = [
        words("optimizer_at", name=optimizer.name, rate=optimizer.learning_rate),
        words("batches", size=min(candidate.batch_size, task.training_rows)),
        words.counted("epochs", candidate.epochs),
    ]
    if candidate.dropout:
        parts.append(words("dropout", share=candidate.dropout))
    if candidate.smoothing:
        parts.append(words("smoothed", share=candidate.smoothing))
    return words("comma").join(parts)


def _rows(task: TableTask, words: Wording) -> str:
    folds = task.recipe.folds
    parts = [words.counted("rows", task.training_rows)]
    if folds > 1:
        parts = [words("rows_in_folds", rows=parts[0], folds=words("in_folds", folds=folds))]
    if task.held_out_rows:
        which = "latest_held_out" if task.divided == "time" else "others_held_out"
        parts.append(words(which, count=task.held_out_rows))
    elif folds == 1:
        parts.append(words("none_held_out"))
    if task.divided == "group":
        parts.append(words("groups_whole"))
    return words("comma").join(parts) + words("semicolon") + words("seed", seed=task.seed)


def _trained(run: TableRun, words: Wording) -> str:
    """Return the seconds, and the epochs where fewer fitted into the time than the recipe has."""
    wanted = run.task.recipe.candidates[0].epochs
    done = len(run.history["loss"])
    seconds = words("seconds", seconds=run.seconds)
    if done == wanted:
        return seconds
    return words("fewer_epochs", seconds=seconds, done=done, wanted=wanted)


def _leaders(run: TableRun, words: Wording) -> Iterator[str]:
    """Yield a line for each of the best networks, where there are several."""
    if len(run.trials) < 2:
        return
    for row in leaderboard_rows(run.trials, run.task.objective)[:MOST_NETWORKS]:
        value = "" if row["value"] is None else words("leader_value", **row)
        optimizer = words("optimizer_at", name=row["optimizer"], rate=row["learning_rate"])
        filled = {"value": value, "share": percent(row["share"]), "optimizer": optimizer}
        yield words("leader", **{**row, **filled})
    if len(run.trials) > MOST_NETWORKS:
        yield words("leaders_in", count=len(run.trials), file=LEADERBOARD_NAME)


def _metric(run: TableRun) -> list[str]:
    metric = run.task.objective.metric
    return [] if metric is None or run.metric is None else [f"{metric.name} {figure(run.metric)}"]


def _inputs(task: TableTask, words: Wording) -> str:
    preprocessor = task.preprocessor
    columns, features = len(preprocessor.sources(task.reading)), preprocessor.n_features
    line = words.counted("columns", columns)
    if features != columns:
        one_hot = any(isinstance(column, CategoricalColumn) for column in preprocessor.columns)
        key = "features_one_hot" if one_hot else "features"
        line = words(key, columns=line, features=features)
    if preprocessor.rare:
        line = words("with_rare", inputs=line, listed=_listed_rare(preprocessor, words))
    if preprocessor.dropped:
        listed = listed_dropped(preprocessor, words, NAMES_SHOWN)
        line = words("left_out", inputs=line, listed=listed)
    return line


def _listed_rare(preprocessor: Preprocessor, words: Wording) -> str:
    rare = list(preprocessor.rare.items())
    listed = words("comma").join(f"{shown(name)} {n:,}" for name, n in rare[:NAMES_SHOWN])
    rest = len(rare) - NAMES_SHOWN
    return words("more", listed=listed, count=rest) if rest > 0 else listed


def listed_dropped(preprocessor: Preprocessor, words: Wording, most: int) -> str:
    """Return the columns that are not used, so many of them by name, with the reason of each."""
    listed = words("comma").join(
        words("dropped", name=shown(column.name), reason=words(f"reason_{column.reason}"))
        for column in preprocessor.dropped[:most]
    )
    rest = len(preprocessor.dropped) - most
    return words("more", listed=listed, count=rest) if rest > 0 else listed


def _score(score: ClassScore | NumberScore, words: Wording) -> str:
    rows = words.counted("rows", score.rows)
    if isinstance(score, ClassScore):
        return words(
            "score_classes",
            accuracy=percent(score.accuracy),
            correct=score.correct,
            rows=rows,
            label=shown(score.baseline_label),
            naive=percent(score.baseline_accuracy),
        )
    return words(
        "score_numbers",
        target=shown(score.target),
        rmse=figure(score.rmse),
        r2="" if score.r2 is None else words("score_r2", value=score.r2),
        mae=figure(score.mae),
        rows=rows,
        mean=figure(score.baseline_mean),
        naive=figure(score.baseline_rmse),
    )


def _beats_baseline(score: ClassScore | NumberScore) -> bool:
    if isinstance(score, ClassScore):
        return score.correct > score.baseline_correct
    equal = figure(score.rmse) == figure(score.baseline_rmse)
    return score.rmse < score.baseline_rmse and not equal


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
