"""A training run of the command line, shown as it goes on and written to a run folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from chainrule.command_line.interruptions import Interruptions
from chainrule.command_line.live_run import LiveRun
from chainrule.command_line.notes import note
from chainrule.command_line.shared_options import Command, together
from chainrule.command_line.shown_language import language_option
from chainrule.command_line.table_options import (
    DATA,
    column_options,
    data_options,
    recipe_options,
    row_options,
    table_settings,
)
from chainrule.command_line.training_report import TrainingReport
from chainrule.data import TableFile
from chainrule.errors import InputError
from chainrule.files import written_path
from chainrule.table_models.leaderboard import leaderboard_csv
from chainrule.table_models.run_folders import default_folder, refuse_folder, write_run
from chainrule.table_models.table_training import train_table
from chainrule.training.checkpoint_folder import remove_checkpoints

__all__ = ["WRITTEN", "run_options", "train_to_folder"]

WRITTEN = (
    f"{DATA}  Ctrl-C ends the training, and the model so far is written.  The model is written to "
    "DIR/model.safetensors, the losses by epoch to DIR/metrics.jsonl, a page about the run to "
    "DIR/report.html, and where there are several networks their settings by their errors to "
    "DIR/leaderboard.csv."
)


def run_options(command: Command) -> Command:
    """Add the options of a training that writes a run folder, but for those of the network."""
    return together(
        data_options,
        recipe_options,
        click.option(
            "--folds",
            type=int,
            metavar="N",
            help="Train each network N times, each time without another part of the rows; 1: once.",
        ),
        click.option(
            "--validation",
            type=float,
            metavar="F",
            show_default="0 with several folds, whose score is out of fold; 0.2 with one, or with "
            "--time",
            help="The share of the rows that is held out for the score; 0: none.",
        ),
        row_options,
        column_options,
        click.option(
            "--output",
            metavar="DIR",
            show_default="named after DATA, in the current directory",
            help="The run folder; one of an earlier run is replaced.",
        ),
        click.option(
            "--checkpoint-every",
            type=click.IntRange(1),
            metavar="N",
            help="Write the state of the training to DIR.checkpoint after every N epochs.",
        ),
        click.option(
            "--resume",
            is_flag=True,
            help="Continue a training that was interrupted, from DIR.checkpoint, with the same "
            "data and options; the model is that of a training that was not.",
        ),
        click.option(
            "--report/--no-report",
            "with_report",
            default=True,
            show_default="--report",
            help="Write DIR/report.html: what the model is worth, and why.",
        ),
        language_option,
        click.option(
            "--live",
            is_flag=True,
            help="Show the curves while they grow, on a page of this computer with a button that "
            "ends the training as Ctrl-C does; the page closes with the run.",
        ),
        click.option(
            "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
        ),
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
    )(command)


def train_to_folder(
    context: click.Context,
    *,
    data: str,
    text_encoding: str | None,
    targets: tuple[str, ...],
    output: str | None,
    as_json: bool,
    quiet: bool,
    checkpoint_every: int | None,
    resume: bool,
    with_report: bool,
    language: str,
    live: bool,
    **options: Any,
) -> None:
    """Train as the options of `run_options` state, and write the run folder."""
    folder = default_folder(data) if output is None else _folder(output)
    settings = table_settings(options)
    states = folder.with_name(f"{folder.name}.checkpoint")
    if checkpoint_every is not None or resume:
        settings |= {
            "checkpoint": states,
            "checkpoint_every": checkpoint_every or 1,
            "resume": resume,
        }
    refuse_folder(folder)
    if checkpoint_every is not None and not resume and states.exists():
        raise InputError(
            f"{written_path(states)}: holds the state of a training that did not end; add --resume "
            "to continue it, or remove the folder to begin anew"
        )
    if resume:
        key = "resumed" if states.exists() else "nothing_to_resume"
        note(language, key, folder=written_path(states))
    with (
        Interruptions() as interruptions,
        TrainingReport(
            language, quiet=quiet, as_json=as_json, resumed=resume and states.exists()
        ) as report,
        LiveRun(report, language, asked=live) as seen,
    ):
        with interruptions.allowed():
            run = report.watched(
                train_table,
                TableFile(data, text_encoding),
                targets,
                **settings,
                on_start=seen.starts,
                on_progress=seen.listener,
            )
        seen.trained(run)
        leaderboard = leaderboard_csv(run.trials, run.task.objective)
        page = b""
        if with_report:
            with interruptions.allowed():
                page = report.reported(run)
        model = write_run(folder, run.model, run.history, leaderboard, page)
        report.ends(run, folder, model)
        seen.ends(model)
    if not report.interrupted and states.exists():
        remove_checkpoints(states)
    if report.interrupted:
        context.exit(130)  # as of a process that the signal ended


def _folder(output: str) -> Path:
    """Return the run folder of a path, by its own name where the path is "." or ends in ".."."""
    folder = Path(output)
    named = folder if folder.name not in ("", "..") else Path(os.path.abspath(folder))
    if not named.name:
        raise InputError(f"{written_path(output)}: is no folder of a run; give one, such as run")
    return named
