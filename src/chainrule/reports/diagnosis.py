"""What may be wrong with a run: each check measures a number and reports it beyond a bound.

The bounds are rules of thumb; each finding states the number, so that the reader can judge. It
names a setting only where changing it helps: notes have no advice, and of the losses by epoch only
the first cause is reported, so that no two findings ask for opposite changes.
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
from chainrule.reports.network_shares import network_shares
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
_FALLEN = 0.5
"""A loss that ends below this share of its beginning falls, however unsteadily."""
_OVERFIT = 1.1
_GAP, _LEARNED_BY_HEART = 1.5, 10.0
"""The held-out loss by that of training, beyond which it is worth a note, and overfitting.

Dropout and the mean over an epoch make the training loss larger: neither is overstated."""
_MATTERS = 0.02
"""The share of its first value below which a held-out loss is small, whatever that of training."""
_STILL_FALLING = 0.03
_USUAL_RATES = {"sgd": 0.5}
_USUAL_RATE = 0.02
"""The largest learning rates in use, of gradient descent and of the other optimizers."""
_IDLE_UNITS = 0.2
_ROWS = 300
_FAR = 10.0
_DECIDES = 0.99
_BINS, _BIN_ROWS = 20, 5
_DUPLICATES = 0.01
_MOST_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """A check that found something: its key, and the measured numbers as texts by name."""

    key: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    note: bool = False
    """Whether it is worth knowing and nothing to change."""


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
    histories: Sequence[Mapping[str, Sequence[float]]], training: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield what the losses by epoch show; ``training`` are the settings of the model.

    >>> falling = {"loss": [4.0, 2.0, 1.0, 0.5], "validation_loss": [4.0, 2.0, 3.0, 4.0]}
    >>> [finding.key for finding in curve_findings([falling], {})]
    ['overfitting']
    """
    losses = mean_curve([h.get("data_loss", h["loss"]) for h in histories if "loss" in h])
    if not len(losses):
        return
    if not np.isfinite(losses).all():
        epoch = int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
        yield Finding("not_finite", {"epoch": f"{epoch:,}"})
        return
    held = mean_curve([h["validation_loss"] for h in histories if "validation_loss" in h])
    best = lowest(held)
    rises = [after > _RISE_COUNTS * before for before, after in pairwise(losses.tolist())]
    end = max(1, len(losses) // 10)
    fallen = losses[-end:].mean() < _FALLEN * losses[:end].mean()
    unsteady = len(rises) > 4 and np.mean(rises) > _RISES
    rising = best is not None and held[-1] > _OVERFIT * best[1] > 0.0
    if (unsteady or rising) and (rate := _large_rate(training)):
        yield Finding("rate", {"rate": significant(rate)})
    elif unsteady and not fallen:
        yield Finding("loss_rises", {"share": percent(float(np.mean(rises)))})
    elif best is None:
        yield from _falling(losses, end, "falling_unseen", note=True)
    else:
        yield from _held_out(losses, held, best, training)


def _held_out(
    losses: FloatArray, held: FloatArray, best: tuple[int, float], training: Mapping[str, object]
) -> Iterator[Finding]:
    """Yield what held-out losses show beside those of training, both (epochs,)."""
    epoch, value = best
    seen, end = float(losses[epoch - 1]), max(1, len(held) // 10)
    numbers = {"epoch": f"{epoch:,}", "held": significant(value), "seen": significant(seen)}
    matters = value > _MATTERS * held[0]
    restored = bool(training.get("best_epoch"))
    rise = {"rise": percent(float(held[-1] / value - 1.0)), "value": significant(value)}
    if held[-1] > _OVERFIT * value > 0.0 and not restored:
        yield Finding("overfitting", {**rise, "epoch": f"{epoch:,}"})
    elif matters and value > _LEARNED_BY_HEART * seen:
        yield Finding("by_heart", numbers)
    elif held[-1] > _OVERFIT * value > 0.0:
        yield Finding("overfitting_ended", {**rise, "epoch": f"{epoch:,}"}, note=True)
    elif epoch > len(held) - end and (falling := list(_falling(held, end, "still_falling"))):
        yield from falling
    elif matters and value > _GAP * seen > 0.0:
        yield Finding("gap", numbers, note=True)


def _falling(curve: FloatArray, end: int, key: str, *, note: bool = False) -> Iterator[Finding]:
    """Yield how much a loss fell in its last tenth, where that is much."""
    if len(curve) >= 10 and curve[-1 - end] > 0.0:
        fall = 1.0 - float(curve[-1] / curve[-1 - end])
        if fall > _STILL_FALLING:
            yield Finding(key, {"fall": percent(fall), "epochs": f"{end:,}"}, note)


def _large_rate(training: Mapping[str, Any]) -> float | None:
    """Return the learning rate of a training where it is beyond what is in use."""
    settings = training.get("optimizer") or {}
    rate = settings.get("learning_rate")
    usual = _USUAL_RATES.get(str(settings.get("name")), _USUAL_RATE)
    return float(rate) if isinstance(rate, int | float) and rate > usual else None


# -- the network -----------------------------------------------------------------------------------


def _units(subject: Subject) -> Iterator[Finding]:
    assert subject.rows is not None
    model = subject.model
    member = network_shares(model)[0].member
    rows = np.random.default_rng(0).permutation(subject.rows.scored)[:_ROWS]
    given = inputs_for(member.network, subject.matrix[rows], model.preprocessor.numeric_features)
    inputs: Mapping[str, Any] = inputs_of(member.network, given, np.float64)
    found = unit_activity(member.network, member.parameters, inputs)
    if not found.units:
        return
    if found.dead / found.units > _IDLE_UNITS:
        numbers = {
            "count": f"{found.dead:,}",
            "units": f"{found.units:,}",
            "rows": f"{len(rows):,}",
        }
        if _large_rate(model.training):
            yield Finding("dead_rate", numbers)
        elif model.training.get("best_epoch"):  # a preset: its decay of weights idles what it can
            yield Finding("idle", numbers, note=True)
        else:
            yield Finding("dead", numbers)
    if found.saturated / found.units > _IDLE_UNITS:
        yield Finding("saturated", {"count": f"{found.saturated:,}", "units": f"{found.units:,}"})


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

    Of few rows there are fewer parts, of five rows each: of one row each, any column decides.

    >>> binned(np.array([0.0, 1.0, 1.0, 5.0]), np.arange(4)).tolist()
    [0, 1, 1, 1]
    """
    known = np.unique(cells[trained])
    parts = int(np.clip(len(trained) // _BIN_ROWS, 2, _BINS))
    if len(known) > parts:
        known = np.unique(np.quantile(cells[trained], np.linspace(0.0, 1.0, parts + 1)[:-1]))
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
