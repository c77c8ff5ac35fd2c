"""Cross-validation: what the models of a training are worth on rows that they did not see.

The rows are divided into folds; each fold is held out once, a model is trained on the others, with
everything that belongs to it (scaling, encoding, its own folds, calibration), and evaluated on the
fold. By groups or by time as in a training; folds by time train on the earlier rows alone. The mean
over the folds is what a model on as many rows is worth, its deviation shows how sure that is.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.data import ClassTarget, as_table, decide_targets
from chainrule.errors import InputError, shown
from chainrule.language.printed_phrases import Wording
from chainrule.language.text_columns import columns_of, left_padded, padded
from chainrule.table_models.evaluation import Evaluation, evaluate
from chainrule.table_models.row_roles import RowRoles
from chainrule.table_models.table_training import train_table
from chainrule.training.metrics import find_metric, finite
from chainrule.validation import checked_integer, checked_seed, requirement

__all__ = ["CrossValidation", "FoldScores", "cross_validate"]


@dataclass(frozen=True)
class FoldScores:
    """A metric on each fold, with that of the naive prediction; None where it is undefined."""

    metric: str
    target: str
    values: tuple[float | None, ...]
    naive: tuple[float | None, ...]

    @property
    def mean(self) -> float | None:
        """The mean over the folds in which the metric is defined."""
        return _mean(self.values)

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the folds (n − 1), None of fewer than two."""
        known = [value for value in self.values if value is not None]
        return float(np.std(known, ddof=1)) if len(known) > 1 else None

    @property
    def naive_mean(self) -> float | None:
        """The mean of the naive prediction's."""
        return _mean(self.naive)


@dataclass(frozen=True)
class CrossValidation:
    """The scores of a cross-validation.

    ``evaluations`` are those of the folds, in their order; ``divided`` says by what they are.
    """

    source: str
    rows: int
    folds: int
    repeats: int
    divided: str
    evaluations: tuple[Evaluation, ...]
    seconds: float

    @property
    def scores(self) -> tuple[FoldScores, ...]:
        """A score for each metric and target."""
        found = []
        for position, first in enumerate(self.evaluations[0].estimates):
            each = [evaluation.estimates[position] for evaluation in self.evaluations]
            found.append(
                FoldScores(
                    first.metric,
                    first.target,
                    tuple(estimate.value for estimate in each),
                    tuple(estimate.naive for estimate in each),
                )
            )
        return tuple(found)

    def __getitem__(self, metric: str) -> FoldScores:
        """Return the score of a metric, of several targets that of the first."""
        for score in self.scores:
            if score.metric == metric:
                return score
        listed = ", ".join(dict.fromkeys(score.metric for score in self.scores))
        raise InputError(f"there is no {shown(metric)} in this cross-validation, but {listed}")

    def __repr__(self) -> str:
        first = self.scores[0]
        return f"<CrossValidation of {self.folds} folds, {first.metric} {first.mean:.4g}>"

    def lines(self, language: str = "en") -> list[str]:
        """Return the report in English or Chinese, line by line."""
        words = Wording("tables", language)
        head = words(
            f"folds_{self.divided}",
            source=self.source,
            rows=words.counted("rows", self.rows),
            folds=self.folds,
            times=words("folds_times", count=self.repeats) if self.repeats > 1 else "",
            seconds=self.seconds,
        )
        several = len({score.target for score in self.scores}) > 1
        heads = ("metric", "mean", "deviation", "least", "largest", "naive")
        table: list[tuple[str, ...]] = [tuple(words(f"head_{name}") for name in heads)]
        for score in self.scores:
            known = [value for value in score.values if value is not None]
            name = f"{score.target}: {score.metric}" if several else score.metric
            ends = (min(known), max(known)) if known else (None, None)
            numbers = (score.mean, score.deviation, *ends, score.naive_mean)
            table.append((name, *("-" if n is None else f"{n:.4g}" for n in numbers)))
        widths = [max(columns_of(row[column]) for row in table) for column in range(6)]
        made = [
            "  ".join([padded(row[0], widths[0]), *map(left_padded, row[1:], widths[1:])])
            for row in table
        ]
        return [head, "", *made]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores for JSON."""
        record = {
            "source": self.source,
            "rows": self.rows,
            "folds": self.folds,
            "repeats": self.repeats,
            "divided": self.divided,
            "seconds": self.seconds,
            "scores": [
                {
                    "metric": score.metric,
                    "target": score.target,
                    "mean": score.mean,
                    "deviation": score.deviation,
                    "naive": score.naive_mean,
                    "values": list(score.values),
                }
                for score in self.scores
            ],
        }
        found: dict[str, Any] = finite(record)
        return found


def cross_validate(
    table: Any,
    targets: str | Sequence[str],
    *,
    folds: int = 5,
    repeats: int = 1,
    metrics: str | Sequence[str] | None = None,
    group: str | ArrayLike | None = None,
    time: str | ArrayLike | None = None,
    weights: str | ArrayLike | None = None,
    columns: Mapping[str, str] | None = None,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    na: Sequence[str] = (),
    decimal: str | None = None,
    drop: Sequence[str] = (),
    seed: int = 0,
    on_fold: Callable[[Evaluation], object] | None = None,
    **settings: Any,
) -> CrossValidation:
    """Train on all folds but one and evaluate on that one, for each fold.

    ``repeats`` divides the rows anew so many times. ``metrics`` are names of `evaluate`'s metrics,
    by default all of the task. ``group``, ``time`` and ``weights`` are as in `train_table`, as are
    all other arguments, ``settings``, but for ``folds``: the folds of each training are its
    preset's. With ``time`` each fold is predicted from the rows before it. ``on_fold`` is called
    with the evaluation of each fold.

    Ctrl-C raises KeyboardInterrupt with the folds finished so far as its attribute ``result``, None
    if there are none. Raises what `train_table` does.

    >>> import polars
    >>> table = polars.DataFrame({"x": range(60), "y": [2.0 * x for x in range(60)]})
    >>> found = cross_validate(table, "y", folds=3, hidden=(8,), epochs=40)
    >>> found["rmse"].mean < found["rmse"].naive_mean, len(found["rmse"].values)
    (True, 3)
    """
    began = clock.perf_counter()
    checked_integer("folds", folds, 2)
    checked_integer("repeats", repeats)
    seed = checked_seed(seed)
    given = as_table(table)
    roles = RowRoles(group, time, weights)
    read = roles.read(
        given,
        targets,
        drop,
        categorical=categorical,
        numeric=numeric,
        columns=columns,
        na=na,
        decimal=decimal,
    )
    target = decide_targets(read, targets)
    chosen = _metrics(metrics, target)
    of_rows = roles.weights_of(given, read, target, settings.pop("class_weight", None))
    division = roles.division(given, read, target, columns)
    if division.rule == "time" and repeats > 1:
        allowed = "1 with `time`, whose folds are always the same"
        raise InputError(requirement("repeats", allowed, repeats))
    if folds > division.most_folds:
        raise InputError(
            f"`folds` must be at most {division.most_folds} for these rows, got {folds}"
        )
    kind = "class" if isinstance(target, ClassTarget) else "number"
    named = [f"{name}:{kind}" for name in target.names]
    settings.setdefault("validation", 0.0)  # the fold is what is held out
    found: list[Evaluation] = []

    def made() -> CrossValidation:
        seconds = clock.perf_counter() - began
        evaluations = tuple(found)
        return CrossValidation(
            read.source, read.n_rows, folds, repeats, division.rule, evaluations, seconds
        )

    for repeat in range(repeats):
        parts = division.folds(folds, seed + repeat) if time is None else division.forward(folds)
        for rows, held in parts:
            try:
                run = train_table(
                    read.take(rows),
                    named,
                    group=None if division.groups is None else division.groups[rows],
                    time=None if division.times is None else division.times[rows],
                    weights=None if of_rows is None else of_rows[rows],
                    seed=seed + repeat,
                    **settings,
                )
            except KeyboardInterrupt as interrupt:
                interrupt.result = made() if found else None  # type: ignore[attr-defined]
                raise
            found.append(evaluate(run.model, read.take(held), chosen, resamples=0))
            if on_fold is not None:
                on_fold(found[-1])
    return made()


def _metrics(given: str | Sequence[str] | None, target: Any) -> list[str] | None:
    """Return the names of metrics, checked before anything is trained."""
    if given is None:
        return None
    names = [given] if isinstance(given, str) else list(given)
    task = "classification" if isinstance(target, ClassTarget) else "regression"
    return [find_metric(name, task).name for name in names]  # type: ignore[arg-type]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
