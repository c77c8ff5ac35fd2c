"""Right and wrong answers: of classes the confusion matrix, calibration and ROC; of numbers the
predictions beside what is actual, and the residuals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.errors import shown
from chainrule.network.drawing_elements import Drawing
from chainrule.pictures.charts import (
    Series,
    calibration_curve,
    heat_table,
    histogram,
    roc_curve,
    scatter,
)
from chainrule.reports.class_measures import calibration_points, roc_points
from chainrule.reports.report_blocks import (
    Block,
    Grid,
    Pictures,
    Section,
    Text,
    name_text,
    percent,
    significant,
)
from chainrule.reports.score_measures import Scores
from chainrule.reports.subject import Subject
from chainrule.table_models.evaluation import Evaluation

__all__ = ["answers_section"]

_MOST_CLASSES = 30
_MOST_TARGETS = 4


def answers_section(
    subject: Subject, scores: Scores, texts: Mapping[str, str], language: str
) -> Section:
    """Return how answers agree with what is actual, on the rows of the score."""
    if subject.model.classes is None:
        blocks = list(_numbers(subject, texts, language))
        return Section("answers", texts["residuals_title"], tuple(blocks))
    blocks = list(_classes(subject, scores.evaluation, texts, language))
    return Section("answers", texts["classes_title"], tuple(blocks))


def _classes(
    subject: Subject, found: Evaluation, texts: Mapping[str, str], language: str
) -> Iterator[Block]:
    labels = list(map(name_text, subject.classes))
    drawings: list[Drawing] = []
    if len(labels) <= _MOST_CLASSES:
        drawings.append(heat_table(found.confusion, labels, language=language))
    else:
        yield Text(texts["too_many_classes"].format(count=len(labels), most=_MOST_CLASSES), "note")
    probabilities, codes = subject.probabilities, subject.codes
    target = name_text(subject.model.target.names[0])
    if len(labels) == 2:
        name = shown(subject.classes[1], 30)
        score, happened = probabilities[:, 1], codes == 1
        drawings.append(roc_curve([Series(name, *roc_points(score, happened))], target, language))
    else:
        name = texts["most_probable"]
        score, happened = probabilities.max(axis=1), probabilities.argmax(axis=1) == codes
    points = calibration_points(score, happened)
    drawings.append(calibration_curve([Series(name, *points)], target, language))
    yield Pictures(tuple(drawings))
    details = sorted(found.classes, key=lambda each: -each.rows)[:_MOST_CLASSES]
    details = details if len(labels) > _MOST_CLASSES else list(found.classes)
    rows = tuple(
        (
            name_text(each.label),
            f"{each.rows:,}",
            percent(each.precision),
            percent(each.recall),
            percent(each.f1),
        )
        for each in details
    )
    headings = tuple(texts[key] for key in ("class", "rows", "precision", "recall", "metric_f1"))
    yield Grid(headings, rows, frozenset({1, 2, 3, 4}))
    yield Text(texts["classes_note"], "note")


def _numbers(subject: Subject, texts: Mapping[str, str], language: str) -> Iterator[Block]:
    assert subject.rows is not None
    outputs = np.asarray(subject.rows.outputs, np.float64)
    names = subject.model.target.names
    for column, name in enumerate(names[:_MOST_TARGETS]):
        actual, predicted = subject.actual[:, column], outputs[:, column]
        with np.errstate(over="ignore", invalid="ignore"):
            residuals = actual - predicted
        title = texts["residuals"].format(name=name_text(name))
        yield Pictures(
            (
                scatter(actual, predicted, name_text(name), language),
                histogram(residuals, title, language),
            )
        )
        known = residuals[np.isfinite(residuals)]
        if len(known):
            low, middle, high = np.quantile(known, [0.05, 0.5, 0.95])
            yield Text(
                texts["residuals_text"].format(
                    name=name_text(name),
                    low=significant(low),
                    median=significant(middle),
                    high=significant(high),
                )
            )
    if len(names) > _MOST_TARGETS:
        more = len(names) - _MOST_TARGETS
        yield Text(texts["more_targets"].format(count=more), "note")
