"""The leaderboard of a run: the networks that were trained, by their errors on rows not seen."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from chainrule.table_models.candidates import Trial
from chainrule.table_models.objectives import Objective

__all__ = ["leaderboard_csv", "leaderboard_rows"]

COLUMNS = (
    *("rank", "metric", "value", "share", "seconds", "hidden", "activation", "encoding", "dropout"),
    *("smoothing", "optimizer", "learning_rate", "weight_decay", "batch_size", "epochs"),
)


def leaderboard_rows(trials: Sequence[Trial], objective: Objective) -> list[dict[str, Any]]:
    """Return a record for each trial, in the given order, ranked from 1.

    >>> from chainrule.data import ClassTarget
    >>> from chainrule.table_models.recipes import Candidate
    >>> objective = Objective.of(ClassTarget("y", (0, 1)), "auc")
    >>> row, = leaderboard_rows([Trial(Candidate(), -0.75, 1.0, 2.0)], objective)
    >>> row["rank"], row["metric"], row["value"], row["hidden"], row["learning_rate"]
    (1, 'auc', 0.75, '256,256', 0.002)
    """
    rows = []
    for rank, trial in enumerate(trials, start=1):
        settings = trial.candidate.to_dict()
        optimizer = settings.pop("optimizer")
        rows.append(
            {
                "rank": rank,
                "metric": objective.name,
                "value": None if trial.error is None else objective.shown(trial.error),
                "share": trial.share,
                "seconds": round(trial.seconds, 3),
                "hidden": ",".join(map(str, settings["hidden"])) or "none",
                "activation": ",".join(settings["activation"]),
                "encoding": settings["encoding"],
                "dropout": settings["dropout"],
                "smoothing": settings["smoothing"],
                "optimizer": optimizer["name"],
                "learning_rate": optimizer["learning_rate"],
                "weight_decay": optimizer.get("weight_decay", ""),
                "batch_size": settings["batch_size"],
                "epochs": settings["epochs"],
            }
        )
    return rows


def leaderboard_csv(trials: Sequence[Trial], objective: Objective) -> bytes:
    """Return the leaderboard as a CSV file.

    The value is what has chosen: the metric, or by default the log-loss of classes and the squared
    error of numbers as a share of the variance, on rows that the networks did not see.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(leaderboard_rows(trials, objective))
    return text.getvalue().encode("utf-8")
