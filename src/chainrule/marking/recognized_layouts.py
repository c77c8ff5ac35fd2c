"""Answers with samples in columns where no layout is stated: recognized where all of them is right.

Two statements that are wrong with samples in rows have to be right: one could be a transpose that
is missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chainrule.marking.answer_run import AnswerRun
from chainrule.marking.answer_verdicts import StatementVerdict
from chainrule.marking.line_marker import LineMarker
from chainrule.marking.recognized_conventions import Recognized, recognized

LEAST_RIGHT = 3
"""The fewest statements that are right in an answer that shows its layout."""


@dataclass(frozen=True)
class InColumns:
    """What an answer is with samples in columns, and how many of its statements are right there."""

    right: int
    whole: Recognized | None
    """The answer in columns if all of it is right."""


def in_columns(
    marker: LineMarker,
    text: str,
    verdicts: Sequence[StatementVerdict],
    run_of: Callable[[LineMarker], AnswerRun],
) -> InColumns | None:
    """Return how an answer fares with samples in columns if most of it is right only there."""
    before = _counts(verdicts)
    if marker.layout == "columns" or before["wrong"] < 2:
        return None
    turned = replace(marker, layout="columns")
    run = run_of(turned)
    found = Recognized(turned.convention, (), run, run.verdicts())
    found = recognized(turned, text, found.verdicts, run_of) or found
    counts = _counts(found.verdicts)
    faults = counts["wrong"] + counts["unread"]
    if counts["right"] < max(LEAST_RIGHT, before["right"] + 2, faults + 1):
        return None
    whole = None if faults else replace(found, keys=("stated_columns", *found.keys))
    return InColumns(counts["right"], whole)


def _counts(verdicts: Sequence[StatementVerdict]) -> dict[str, int]:
    outcomes = [each.outcome for each in verdicts]
    return {name: outcomes.count(name) for name in ("right", "wrong", "unread")}
