"""What a notebook shows of a model of a table and of the run that made it: tables and curves."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from chainrule.html_tables import block, facts, table
from chainrule.network.drawing_elements import shortened
from chainrule.table_models.leaderboard import leaderboard_rows
from chainrule.table_models.table_model import TableModel
from chainrule.table_models.table_run import TableRun
from chainrule.training.metrics import ClassScore, NumberScore

__all__ = ["model_html", "run_html"]

_MOST_LISTED = 8
_NAME = 60
_MOST_TRIALS = 10


def run_html(run: TableRun) -> str:
    """Return a run: its data and networks, the score beside the naive one, the losses by epoch."""
    task = run.task
    held = f", {task.held_out_rows:,} held out" if task.held_out_rows else ""
    pairs = [
        ("data", task.summary.source),
        ("target", _listed(task.summary.targets)),
        ("rows", f"{task.training_rows:,}{held}"),
        ("folds", f"{task.recipe.folds}" if task.recipe.folds > 1 else ""),
        ("networks", _networks(run.model)),
        ("time", f"{run.seconds:.1f} s{', ended early' if run.ended else ''}"),
    ]
    parts = [
        facts(pairs, caption="Training run"),
        _scores(run.scores, run.model.target.names, run.scored),
    ]
    if len(run.trials) > 1:
        parts.append(_trials(run))
    return block(*parts, run.plot().svg)


def model_html(model: TableModel) -> str:
    """Return a model: what it predicts and from what, its networks, and its score."""
    columns = [column.name for column in model.preprocessor.columns]
    classes = [] if model.classes is None else [str(label) for label in model.classes]
    pairs = [
        ("predicts", _listed(model.target.names)),
        ("task", model.task),
        ("classes", _listed(classes)),
        ("columns", _listed(columns)),
        ("inputs of a network", f"{model.preprocessor.n_features:,}"),
        ("networks", _networks(model)),
        ("temperature", "" if model.temperature == 1.0 else f"{model.temperature:.4g}"),
        ("training rows", _count(model.training.get("training_rows"))),
        ("made by", ", ".join(f"{name} {value}" for name, value in model.versions.items())),
    ]
    return block(facts(pairs, caption="Model of a table"))


def _listed(names: Sequence[str]) -> str:
    """Return the first names, each shortened, and how many more there are."""
    found = ", ".join(shortened(" ".join(name.split()), _NAME) for name in names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{found} and {more:,} more" if more > 0 else found


def _networks(model: TableModel) -> str:
    counted = Counter(" ".join(str(member.network).split()) for member in model.members)
    texts = [text if count == 1 else f"{count} of {text}" for text, count in counted.items()]
    return "; ".join(texts[:_MOST_LISTED]) + (" ..." if len(texts) > _MOST_LISTED else "")


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _scores(scores: Sequence[ClassScore | NumberScore], targets: Sequence[str], scored: str) -> str:
    headings = ("target", "metric", "model", "naive", "rows")
    rows = []
    for target, score in zip(targets, scores, strict=True):
        count = f"{score.rows:,}"
        if isinstance(score, ClassScore):
            naive = f"{score.baseline_accuracy:.1%} (always {score.baseline_label})"
            rows.append((target, "accuracy", f"{score.accuracy:.1%}", naive, count))
            continue
        naive = f"{score.baseline_rmse:.4g} (always {score.baseline_mean:.4g})"
        rows.append((target, "RMSE", f"{score.rmse:.4g}", naive, count))
        if score.r2 is not None:
            rows.append((target, "R²", f"{score.r2:.3f}", "", count))
    caption = "Score on the rows of training" if scored == "training" else f"Score, {scored}"
    return table(headings, rows, caption=caption, numeric=("model", "rows"))


def _trials(run: TableRun) -> str:
    headings = ("rank", "value", "share", "hidden", "activation", "encoding", "learning rate")
    listed = leaderboard_rows(run.trials, run.task.objective)
    rows = [
        (
            str(row["rank"]),
            "" if row["value"] is None else f"{row['value']:.4g}",
            f"{row['share']:.0%}",
            row["hidden"],
            row["activation"],
            row["encoding"],
            f"{row['learning_rate']:.3g}",
        )
        for row in listed[:_MOST_TRIALS]
    ]
    more = len(listed) - _MOST_TRIALS
    return table(
        headings,
        rows,
        caption=f"Networks by {listed[0]['metric']}",
        numeric=("rank", "value", "share", "learning rate"),
        foot=f"and {more} more" if more > 0 else "",
    )
