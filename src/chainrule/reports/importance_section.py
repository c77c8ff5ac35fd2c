"""The columns in a report: their importance, and the outputs along the most important ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from chainrule.network.drawing_elements import Drawing
from chainrule.pictures.charts import Series, bars, line_chart
from chainrule.reports.importance import Dependence, Importance, measure_dependence
from chainrule.reports.report_blocks import Block, Pictures, Section, Text, name_text
from chainrule.reports.subject import Subject

__all__ = ["importance_section"]

_MOST_BARS = 20
_MOST_DEPENDENCES = 4
_MOST_CURVES = 4


def importance_section(
    subject: Subject,
    importance: Importance,
    seconds: float,
    texts: Mapping[str, str],
    language: str,
) -> Section:
    """Return the bars of importance and the dependence on the first columns, within a time."""
    order = np.argsort(-importance.added, kind="stable")
    names = [importance.names[number] for number in order]
    shown = order[:_MOST_BARS]
    metric = texts[f"metric_{importance.metric}"]
    drawings: list[Drawing] = [
        bars(
            [name_text(importance.names[number]) for number in shown],
            importance.added[shown],
            texts["importance_chart"].format(metric=metric),
            deviations=importance.deviations[shown],
            language=language,
        )
    ]
    blocks: list[Block] = [
        Text(
            texts["importance_note"].format(
                metric=metric, rows=f"{importance.rows:,}", repeats=importance.repeats
            ),
            "note",
        ),
        Pictures(tuple(drawings)),
    ]
    hidden = importance.columns - len(shown)
    if hidden > 0:
        blocks.append(Text(texts["importance_hidden"].format(count=f"{hidden:,}"), "note"))
    dependences = tuple(_dependences(subject, names, seconds, texts, language))
    if dependences:
        blocks += [Text(texts["dependence_note"], "note"), Pictures(dependences)]
    return Section("columns", texts["importance_title"], tuple(blocks))


def _dependences(
    subject: Subject,
    names: Sequence[str],
    seconds: float,
    texts: Mapping[str, str],
    language: str,
) -> Iterator[Drawing]:
    ends = time.perf_counter() + seconds
    for name in names[:_MOST_DEPENDENCES]:
        if time.perf_counter() > ends:
            return
        yield _drawn(subject, measure_dependence(subject, name), texts, language)


def _drawn(subject: Subject, found: Dependence, texts: Mapping[str, str], language: str) -> Drawing:
    outputs = _outputs(subject)
    target = ", ".join(map(name_text, subject.model.target.names))
    classes = subject.model.classes is not None
    title = texts["mean_probability" if classes else "mean_prediction"].format(name=target)
    if found.at and isinstance(found.at[0], str):
        label, column = outputs[0]
        whole = f"{title}: {label}" if classes else title
        # The column stands above: beside the bars it would leave no letters to its categories.
        whole = texts["along"].format(column=name_text(found.name), quantity=whole)
        names = list(map(name_text, found.at))
        return bars(names, found.means[:, column], whole, language=language)
    if classes and len(outputs) == 1:
        title = f"{title}: {outputs[0][0]}"
    curves = [Series(label, found.at, found.means[:, column]) for label, column in outputs]
    return line_chart(curves, name_text(found.name), title)


def _outputs(subject: Subject) -> list[tuple[str, int]]:
    """Return the outputs that are drawn, by name: of two classes the second, else the first four.

    Of more than four classes they are the most frequent in the rows of the score.
    """
    labels = subject.classes
    if not labels:
        names = subject.model.target.names[:_MOST_CURVES]
        return [(name_text(name), number) for number, name in enumerate(names)]
    if len(labels) == 2:
        return [(name_text(labels[1]), 1)]
    counts = np.bincount(subject.codes, minlength=len(labels))
    frequent = sorted(np.argsort(-counts, kind="stable")[:_MOST_CURVES].tolist())
    return [(name_text(labels[number]), number) for number in frequent]
