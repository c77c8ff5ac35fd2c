"""A training of the command line with its live page, where ``--live`` asks for one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from chainrule.command_line.notes import note
from chainrule.command_line.training_report import TrainingReport
from chainrule.errors import one_line
from chainrule.files import written_path
from chainrule.table_models.candidates import Run
from chainrule.table_models.run_folders import REPORT_NAME
from chainrule.table_models.table_run import TableRun, TableTask

if TYPE_CHECKING:
    from chainrule.live.live_training import LiveTraining

__all__ = ["LiveRun"]


class LiveRun:
    """The listeners of a training: those of the terminal and, where asked for, those of the page.

    A context manager, which ends the page's server. Where no page can be served, a note says so,
    and the training goes on.
    """

    def __init__(self, report: TrainingReport, language: str, *, asked: bool) -> None:
        self._report = report
        self._page: LiveTraining | None = None
        self._stack = ExitStack()
        if asked:
            from chainrule.live.live_training import LiveTraining

            self._page = self._stack.enter_context(LiveTraining(language))

    def __enter__(self) -> LiveRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def starts(self, task: TableTask) -> None:
        """Show the task, and where its page is."""
        self._report.starts(task)
        if self._page is None:
            return
        try:
            self._page.starts(task)
        except OSError as error:
            note(self._report.words.language, "no_live_page", why=one_line(error))
            return
        assert self._page.address is not None
        self._report.is_live(self._page.address)
        from chainrule.command_line.browser import open_in_browser

        open_in_browser(self._page.address)

    @property
    def listener(self) -> Callable[[Run], object] | None:
        """The listener of `train_table`, None where nothing is shown; its result ends a training.

        Ends with the epoch in which the page's button was pressed.
        """
        report, page = self._report, self._page
        if page is None:
            return None if report.silent else report.progress

        def both(run: Run) -> bool:
            report.progress(run)
            return page.progress(run)

        return both

    def trained(self, run: TableRun) -> None:
        """Note whether the page ended the training, as Ctrl-C would have done."""
        if self._page is None:
            return
        if self._page.stopped and run.ended and not self._report.interrupted:
            self._report.is_interrupted("stopped_on_page")
        self._page.trained(run)

    def ends(self, model: Path) -> None:
        """Show on the page where the model and its report are, and end its server."""
        if self._page is None:
            return
        files = {"model": model.resolve(), "report": model.resolve().with_name(REPORT_NAME)}
        self._page.ends(
            stopped=self._report.interrupted,
            files={name: written_path(path) for name, path in files.items() if path.is_file()},
        )
