"""The report of a run: what is measured of it, and its sections in order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from chainrule.files import write_atomically
from chainrule.language.phrase_books import phrases_of
from chainrule.reports.answers_section import answers_section
from chainrule.reports.data_section import data_section
from chainrule.reports.derivation_section import derivation_section
from chainrule.reports.diagnosis import diagnosed
from chainrule.reports.diagnosis_section import diagnosis_section
from chainrule.reports.importance import measure_importance
from chainrule.reports.importance_section import importance_section
from chainrule.reports.network_section import network_section
from chainrule.reports.report_blocks import Section, name_text
from chainrule.reports.report_page import page_of
from chainrule.reports.score_measures import measure_scores
from chainrule.reports.subject import Subject
from chainrule.reports.summary_section import summary_section
from chainrule.reports.wrong_rows import wrong_rows_section
from chainrule.table_models.table_run import TableRun

_SHARE, _MOST_SECONDS, _LEAST_SECONDS = 0.1, 2.0, 0.8
"""A report may take this share of the training's time, or so many seconds where that is more; what
is measured of the columns has what is left of it, but at least so many seconds."""

__all__ = ["Report", "report_of", "report_on"]


@dataclass(frozen=True)
class Report:
    """A page as one HTML file; a notebook shows it in a frame."""

    html: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, which is replaced as a whole.

        Raises ``InputError`` where the path cannot be written.
        """
        write_atomically(path, self.html.encode("utf-8", "replace"))

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="" '
            'style="width:100%;height:40em;border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Report of {len(self.html):,} characters; save(path) writes it>"


def report_of(run: TableRun, language: str = "en") -> Report:
    """Return the report of a run in memory.

    >>> import polars
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0] * 5, "sold": [0, 0, 1, 1] * 5})
    >>> report = report_of(train_table(table, "sold", hidden=(4,), epochs=2))
    >>> "Confusion matrix" in report.html, "<script" in report.html
    (True, False)
    """
    return report_on(Subject.of_run(run), language)


def report_on(subject: Subject, language: str = "en") -> Report:
    """Return the report of a run, or of a stored model with or without rows."""
    texts = phrases_of("report", language)
    names = ", ".join(map(name_text, subject.model.target.names))
    title = texts["title"].format(target=names, source=name_text(os.path.basename(subject.source)))
    return Report(page_of(title, list(_sections(subject, language)), texts, language))


def _sections(subject: Subject, language: str) -> Iterator[Section]:
    texts = phrases_of("report", language)
    began = time.perf_counter()
    scores = measure_scores(subject)
    yield summary_section(subject, scores, texts, language)
    yield data_section(subject, texts, language)
    if scores is not None:
        yield answers_section(subject, scores, texts, language)
        limit = max(_MOST_SECONDS, _SHARE * (subject.seconds or 0.0))
        left = max(_LEAST_SECONDS, limit - (time.perf_counter() - began))
        importance = measure_importance(subject, left / 2)
        if importance.names:
            yield importance_section(subject, importance, left / 4, texts, language)
        order = np.argsort(-importance.added, kind="stable")
        yield wrong_rows_section(subject, [importance.names[number] for number in order], texts)
    found = diagnosed(subject, scores)
    yield diagnosis_section(found, texts, rows=scores is not None)
    yield network_section(subject, texts, language)
    yield derivation_section(subject, texts, language)
