"""The rows that are most wrong: errors of the data are often among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.reports.report_blocks import Grid, Section, Text, name_text, percent, significant
from chainrule.reports.subject import Subject

__all__ = ["wrong_rows_section", "wrongness"]

_MOST = 10
_COLUMNS = 6


def wrongness(subject: Subject) -> FloatArray:
    """Return how wrong each row of the score is, (rows,).

    Classes: 1 − p of the actual class. Numbers: |y − ŷ| in deviations of the target, the largest of
    several targets.
    """
    assert subject.rows is not None
    if subject.model.classes is not None:
        codes = subject.codes
        return 1.0 - subject.probabilities[np.arange(len(codes)), codes]
    spread = subject.actual.std(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.abs(subject.actual - subject.rows.outputs) / np.where(spread > 0, spread, 1.0)
    found: FloatArray = np.nan_to_num(errors, nan=np.inf).max(axis=1)
    return found


def wrong_rows_section(
    subject: Subject, ranked: Sequence[str], texts: Mapping[str, str]
) -> Section:
    """Return a table of the rows that are most wrong, with the columns of most importance.

    ``ranked`` are names of columns, the most important first; empty where it is not known.
    """
    assert subject.rows is not None
    wrong = wrongness(subject)
    order = np.argsort(-wrong, kind="stable")[:_MOST]
    classes = subject.model.classes is not None
    if classes:  # answers that are right are not wrong rows
        order = order[subject.probabilities[order].argmax(axis=1) != subject.codes[order]]
    if not len(order):
        return Section("wrong", texts["wrong_title"], (Text(texts["nothing_wrong"], "good"),))
    table = subject.scored_table
    names = list(ranked) or [column.name for column in subject.model.preprocessor.columns]
    columns = [name for name in names if name in table.columns][:_COLUMNS]
    answers = np.asarray(subject.model.answers(subject.rows.outputs[order]), dtype=object)
    lines = []
    for position, row in enumerate(order.tolist()):
        line = [str(int(table.rows[row]))]  # a number to look up, as editors write it
        if classes:
            p = float(subject.probabilities[row, subject.codes[row]])
            actual = subject.classes[subject.codes[row]]
            line += [name_text(actual), name_text(answers[position]), percent(p)]
        else:
            line += [
                ", ".join(significant(float(value)) for value in subject.actual[row]),
                ", ".join(significant(float(value)) for value in subject.rows.outputs[row]),
                significant(float(wrong[row]), 3),
            ]
        cells = (table.series(name)[row] for name in columns)
        line += [
            "–" if cell is None else significant(cell) if isinstance(cell, float) else
            name_text(cell)
            for cell in cells
        ]  # fmt: skip
        lines.append(tuple(line))
    keys = ["line" if table.row_word == "line" else "row", "actual", "predicted"]
    keys.append("p_actual" if classes else "deviations")
    headings = (*(texts[key] for key in keys), *map(name_text, columns))
    note = Text(texts["wrong_note_classes" if classes else "wrong_note_numbers"], "note")
    numeric = frozenset({0, 3}) if classes else frozenset({0, 1, 2, 3})
    return Section("wrong", texts["wrong_title"], (note, Grid(headings, tuple(lines), numeric)))
