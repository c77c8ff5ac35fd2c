"""A training that can be watched: what its listener receives is what the page shows.

The listener stores a reference and no more. Texts and pictures are made when a page asks, at most
as often as it takes a fiftieth of the time; without a page that is open they are not made.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import replace
from types import TracebackType

from chainrule.live.live_page import page_of
from chainrule.live.live_view import Moment, State, view_of
from chainrule.live.local_server import LocalServer, Resources
from chainrule.table_models.candidates import Run
from chainrule.table_models.table_run import TableRun, TableTask
from chainrule.training.results import Progress

__all__ = ["LiveTraining"]

LEAST_PERIOD = 0.4
"""Seconds between two pictures."""
SHARE = 0.02
"""The most of the time that making them takes."""
LINGERS = 2.5
"""Seconds for which the end of a run is shown to a page that is open."""


class LiveTraining:
    """The page of one training on a table, a context manager that ends the server.

    `starts` and `progress` are the listeners of `train_table`; `progress` returns whether the page
    asked for the end. ``address`` is None before the start.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.address: str | None = None
        self._stop = threading.Event()
        self._server: LocalServer | None = None
        self._moment = Moment(())
        self._began = self._ended = 0.0
        self._made, self._next = b"{}", 0.0
        self._making = threading.Lock()

    @property
    def stopped(self) -> bool:
        """Whether the page asked for the end."""
        return self._stop.is_set()

    def starts(self, task: TableTask) -> None:
        """Serve the page; raises OSError where the system gives no port."""
        self._began = time.monotonic()
        self._moment = Moment(task.recipe.candidates)
        nonce = secrets.token_urlsafe(16)
        keeps_best = all(candidate.stopping is not None for candidate in task.recipe.candidates)
        page = page_of(task.summary.source, self.language, nonce, keeps_best=keeps_best)
        self._server = LocalServer(Resources(page, nonce, self._data, self._stop.set))
        self.address = self._server.address

    def progress(self, run: Run) -> bool:
        """Store a state of the run, and return whether it is to end."""
        self._moment = self._moment.after(run)
        return self.stopped

    def trained(self, run: TableRun) -> None:
        """Show the whole of the losses: the model is being written."""
        histories = run.member_histories
        if self._moment.run is not None and self._moment.run.of == 1 and histories:
            planned = [member.of for member in self._moment.members]  # fewer with a time limit
            of = max(planned, default=run.task.recipe.candidates[0].epochs)
            members = [Progress(len(each["loss"]), of, each) for each in histories]
            self._moment = replace(self._moment, run=Run(0, 1, members))
        self._becomes("writing")

    def ends(self, *, stopped: bool, files: dict[str, str]) -> None:
        """Show where the files are to who looks, and end the server."""
        self._moment = replace(self._moment, files=files)
        self._ends("stopped" if stopped else "ended")

    def __enter__(self) -> LiveTraining:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends("failed")

    # -- the server's threads ----------------------------------------------------------------------

    def _data(self) -> bytes:
        """Return what the page shows as JSON, made anew where it is time for that."""
        if self._making.acquire(blocking=False):
            try:
                began = time.perf_counter()
                if began >= self._next:
                    self._made = self._written()
                    took = time.perf_counter() - began
                    self._next = began + max(LEAST_PERIOD, took / SHARE)
            finally:
                self._making.release()
        return self._made

    def _written(self) -> bytes:
        moment = self._moment
        if moment.state == "training" and self.stopped:
            moment = replace(moment, state="stopping")
        end = self._ended or time.monotonic()
        moment = replace(moment, seconds=end - self._began)
        return json.dumps(view_of(moment, self.language)).encode()

    def _becomes(self, state: State) -> None:
        with self._making:
            self._ended = self._ended or time.monotonic()
            self._moment = replace(self._moment, state=state)
            self._next = 0.0

    def _ends(self, state: State) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        self._becomes(state)
        try:
            server.wait_for_viewer(LINGERS)
        finally:
            server.close()
