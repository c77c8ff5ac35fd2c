"""What may be wrong with a run: each check measures a number and reports it beyond a bound.

The bounds are rules of thumb; each finding states the number, so that the reader can judge, and the
one setting that changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.arrays import FloatArray, IntArray
from chainrule.data import ClassTarget, NumericColumn
from chainrule.pictures.loss_curves import lowest, mean_curve
from chainrule.reports.report_blocks import name_text, percent, significant
from chainrule.reports.score_measures import Scores
from chainrule.reports.subject import Subject
from chainrule.reports.unit_activity import unit_activity
from chainrule.table_models.table_networks import inputs_for
from chainrule.training.inputs import inputs_of

__all__ = ["Finding", "diagnosed"]

_RISES = 0.35
"""The share of the epochs in which the loss rises, beyond which steps are too large."""
_RISE_COUNTS = 1.02
_OVERFIT = 1.1
_GAP = 1.5
_STILL_FALLING = 0.03
_IDLE_UNITS = 0.2
_ROWS = 300
_FAR = 10.0
_DECIDES = 0.99
_BINS = 20
_DUPLICATES = 0.01
_MOST_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """A check that found something: its key, and the measured numbers as texts by name."""

    key: str
    numbers: Mapping[str, str] = field(default_factory=dict)


def diagnosed(subject: Subject, scores: Scores | None) -> tuple[Finding, ...]:
    """Return what was found, in the order of the checks; without rows the curves alone."""
    found = list(curve_findings(subject.histories, subject.model.training))
    if subject.rows is not None and scores is not None:
        found += [
            *_units(subject),
            *_far_values(subject),
            *_deciding_columns(subject),
            *_duplicates(subject),
            *_never_predicted(scores),
        ]
    return tuple(found)


# -- curves ----------------------------------------------------------------------------------------


def curve_findings(
    histories: Sequence[Mapping[str, Sequence[float]]], training: Mapping[str, object]
) -> Iterator[Finding]:
    """Yield what the losses by epoch show; ``training`` are the settings of the model.

    >>> falling = {"loss": [4.0, 2.0, 1.0, 0.5], "validation_loss": [4.0, 2.0, 3.0, 4.0]}
    >>> [finding.key for finding in curve_findings([falling], {})]
    ['overfitting']
    """
    losses = mean_curve([history["loss"] for history in histories if "loss" in history])
    if not len(losses):
        return
    if not np.isfinite(losses).all():
        epoch = int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
        yield Finding("not_finite", {"epoch": f"{epoch:,}"})
        return
    rises = [after > _RISE_COUNTS * before for before, after in pairwise(losses.tolist())]
    if len(rises) > 4 and np.mean(rises) > _RISES:
        yield Finding("loss_rises", {"share": percent(float(np.mean(rises)))})
    held = mean_curve([h["validation_loss"] for h in histories if "validation_loss" in h])
    best = lowest(held)
    curve = held if best is not None else losses
    end = max(1, len(curve) // 10)
    if best is not None and held[-1] > _OVERFIT * best[1] > 0.0:
        key = "overfitting_ended" if training.get("best_epoch") else "overfitting"
        rise = percent(float(held[-1] / best[1] - 1.0))
        yield Finding(key, {"rise": rise, "epoch": f"{best[0]:,}", "value": significant(best[1])})
    elif len(curve) >= 10 and curve[-1 - end] > 0.0:
        fall = 1.0 - float(curve[-1] / curve[-1 - end])
        if fall > _STILL_FALLING and (best is None or best[0] > len(curve) - end):
            yield Finding("still_falling", {"fall": percent(fall), "epochs": f"{end:,}"})
    comparable = not training.get("dropout") and not training.get("smoothing")
    if best is not None and comparable:
        # With dropout or smoothed labels the loss of training is another quantity.
        seen = losses[best[0] - 1]
        if seen > 0.0 and best[1] > _GAP * seen:
            yield Finding("gap", {"held": significant(best[1]), "seen": significant(float(seen))})


# -- the network -----------------------------------------------------------------------------------


def _units(subject: Subject) -> Iterator[Finding]:
    assert subject.rows is not None
    model = subject.model
    member = model.members[0]
    rows = np.random.default_rng(0).permutation(subject.rows.scored)[:_ROWS]
    given = inputs_for(member.network, subject.matrix[rows], model.preprocessor.numeric_features)
    inputs: Mapping[str, Any] = inputs_of(member.network, given, np.float64)
    found = unit_activity(member.network, member.parameters, inputs)
    for key, count in (("dead", found.dead), ("saturated", found.saturated)):
        if found.units and count / found.units > _IDLE_UNITS:
            yield Finding(key, {"count": f"{count:,}", "units": f"{found.units:,}"})


# -- the data --------------------------------------------------------------------------------------


def _far_values(subject: Subject) -> Iterator[Finding]:
    """Yield the columns whose scaled values are large: one cell outweighs the others."""
    start = 0
    far: list[tuple[float, str]] = []
    for column in subject.model.preprocessor.columns:
        if isinstance(column, NumericColumn):
            largest = float(np.abs(subject.matrix[:, start]).max(initial=0.0))
            if largest > _FAR:
                far.append((largest, column.name))
        start += len(column.feature_names)
    for largest, name in sorted(far, reverse=True)[:_MOST_NAMED]:
        yield Finding("far", {"column": name_text(name), "value": significant(largest, 3)})


def _deciding_columns(subject: Subject) -> Iterator[Finding]:
    assert subject.rows is not None
    rows = subject.rows
    trained = rows.training if len(rows.training) else rows.scored
    target = subject.model.target
    start = 0
    if isinstance(target, ClassTarget):
        codes, spread = target.codes(rows.table), None
        if np.bincount(codes).max() / len(codes) > _DECIDES:
            return
    else:
        codes, spread = None, target.encode(rows.table)
    listed = 0
    for column in subject.model.preprocessor.columns:
        span = subject.matrix[:, start : start + len(column.feature_names)]
        start += len(column.feature_names)
        cells = span[:, 0] if isinstance(column, NumericColumn) else span.argmax(axis=1)
        if codes is not None:
            share = _share_right(cells, codes, trained, rows.scored)
            key = "decides_class"
        else:
            assert spread is not None
            share = max(_explained(cells, y, trained, rows.scored) for y in spread.T)
            key = "decides_number"
        if share >= _DECIDES and listed < _MOST_NAMED:
            listed += 1
            yield Finding(key, {"column": name_text(column.name), "share": percent(share)})


def binned(cells: FloatArray | IntArray, trained: IntArray) -> IntArray:
    """Return the part of the column that each cell is in, (rows,): 20 of equally many rows.

    >>> binned(np.array([0.0, 1.0, 1.0, 5.0]), np.arange(4)).tolist()
    [0, 1, 1, 2]
    """
    known = np.unique(cells[trained])
    if len(known) > _BINS:
        known = np.unique(np.quantile(cells[trained], np.linspace(0.0, 1.0, _BINS + 1)[:-1]))
    return np.maximum(np.searchsorted(known, cells, side="right") - 1, 0).astype(np.int64)


def _share_right(
    cells: FloatArray | IntArray, codes: IntArray, trained: IntArray, scored: IntArray
) -> float:
    """Return the share of rows that are right by the most frequent class in their part."""
    parts, classes = binned(cells, trained), int(codes.max()) + 1
    counts = np.zeros((int(parts.max()) + 1, classes))
    np.add.at(counts, (parts[trained], codes[trained]), 1.0)
    return float((counts.argmax(axis=1)[parts[scored]] == codes[scored]).mean())


def _explained(
    cells: FloatArray | IntArray, y: FloatArray, trained: IntArray, scored: IntArray
) -> float:
    """Return R² of the mean in the cell's part, or of a line, whichever is more."""
    parts = binned(cells, trained)
    total = float(((y[scored] - y[scored].mean()) ** 2).sum())
    if not 0.0 < total < np.inf:
        return 0.0
    counts = np.maximum(np.bincount(parts[trained], minlength=int(parts.max()) + 1), 1)
    sums = np.bincount(parts[trained], weights=y[trained], minlength=len(counts))
    steps = 1.0 - float(((y[scored] - (sums / counts)[parts[scored]]) ** 2).sum()) / total
    x = np.asarray(cells, np.float64)
    if np.ptp(x[trained]) == 0.0 or np.ptp(x[scored]) == 0.0:
        return steps
    with np.errstate(all="ignore"):
        line = float(np.corrcoef(x[scored], y[scored])[0, 1] ** 2)
    return max(steps, line if np.isfinite(line) else 0.0)


def _duplicates(subject: Subject) -> Iterator[Finding]:
    """Yield how many rows of the score have an equal row, target included, in training."""
    assert subject.rows is not None
    rows = subject.rows
    names = [column.name for column in subject.model.preprocessor.columns]
    frame = rows.table.frame.select([*names, *subject.model.target.names])
    keys = frame.hash_rows(seed=0).to_numpy()
    twins = sum(int(np.isin(keys[held], keys[trained]).sum()) for trained, held in rows.folds)
    count = sum(len(held) for _, held in rows.folds)
    if count and twins / count >= _DUPLICATES:
        yield Finding("duplicates", {"count": f"{twins:,}", "rows": f"{count:,}"})


def _never_predicted(scores: Scores) -> Iterator[Finding]:
    missed = [each for each in scores.evaluation.classes if each.rows and each.precision is None]
    if missed:
        listed = ", ".join(name_text(each.label) for each in missed[:_MOST_NAMED])
        rows = sum(each.rows for each in missed)
        yield Finding(
            "never", {"classes": listed, "count": f"{len(missed):,}", "rows": f"{rows:,}"}
        )
