"""The score with its uncertainty, beside the naive prediction and a linear model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.reports.linear_baseline import linear_outputs
from chainrule.reports.subject import Subject
from chainrule.table_models.bootstrap import Resamples
from chainrule.table_models.evaluation import Estimate, Evaluation, evaluate_outputs
from chainrule.training.metrics import METRICS

__all__ = ["Comparison", "Scores", "measure_scores"]

_DRAWS = 2_000_000
"""Resamples times rows; at least 100 resamples of at most 100,000 rows."""
_LEAST, _MOST, _MOST_ROWS = 100, 1_000, 100_000


@dataclass(frozen=True)
class Comparison:
    """A metric of the model with its interval, and the same metric of a linear model."""

    estimate: Estimate
    linear: float | None

    @property
    def larger_is_better(self) -> bool:
        """Whether larger values of the metric are better."""
        return METRICS[self.estimate.metric].larger_is_better

    def better(self, than: float | None) -> bool | None:
        """Whether the model is better than a value for sure, worse for sure, or neither (None).

        For sure is beyond the interval.
        """
        low, high = self.estimate.low, self.estimate.high
        if than is None or low is None or high is None or low <= than <= high:
            return None
        return (low > than) == self.larger_is_better


@dataclass(frozen=True)
class Scores:
    """The comparisons in the order of the metrics, the first one that of the headline."""

    evaluation: Evaluation
    comparisons: tuple[Comparison, ...]


def measure_scores(subject: Subject) -> Scores | None:
    """Return the scores; None without rows."""
    rows = subject.rows
    if rows is None:
        return None
    table, model = subject.scored_table, subject.model
    count = len(rows.scored)
    draws = 0 if count > _MOST_ROWS else int(np.clip(_DRAWS // count, _LEAST, _MOST))
    groups = None
    if rows.groups is not None:
        groups = np.unique(rows.groups[rows.scored], return_inverse=True)[1].reshape(-1)
    chosen = [metric for metric in METRICS.values() if metric.task == model.task]
    found = evaluate_outputs(model, rows.outputs, table, chosen, Resamples(count, draws, 0, groups))
    linear = linear_outputs(subject)
    values: tuple[float | None, ...] = (None,) * len(found.estimates)
    if linear is not None:
        beside = evaluate_outputs(model, linear, table, chosen, Resamples(count, 0, 0))
        values = tuple(estimate.value for estimate in beside.estimates)
    return Scores(found, tuple(map(Comparison, found.estimates, values)))
