"""An evaluation as lines of text, at most 80 columns wide.

The metrics, one in a line with its interval and the naive value; for classes a line for each, and
the confusion matrix. Of more than 12 classes those with most rows are shown, the others as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.arrays import IntArray
from chainrule.errors import shown
from chainrule.language.printed_phrases import Wording
from chainrule.language.text_columns import columns_of, left_padded, padded, wrapped
from chainrule.training.metrics import METRICS

if TYPE_CHECKING:
    from chainrule.table_models.evaluation import Estimate, Evaluation

__all__ = ["naive_rule", "written"]

WIDTH = 80
LABEL = 10
MOST_CLASSES = 12
LONGEST_LABEL = 20


def written(evaluation: Evaluation, language: str = "en") -> list[str]:
    """Return the lines of an evaluation in English or Chinese.

    >>> import polars
    >>> from chainrule.table_models.evaluation import evaluate
    >>> from chainrule.table_models.table_training import train_table
    >>> table = polars.DataFrame({"x": [0.0, 0.1, 0.9, 1.0], "sold": [0, 0, 1, 1]})
    >>> model = train_table(table, "sold", hidden=(4,), validation=0).model
    >>> for line in written(evaluate(model, table, "accuracy", resamples=0))[3:]:
    ...     print(line)
    metric                 value  95 % interval            naive  better
    accuracy              1.0000  -                       0.5000  larger
    <BLANKLINE>
    class                   rows  precision     recall         f1
    0                          2     1.0000     1.0000     1.0000
    1                          2     1.0000     1.0000     1.0000
    <BLANKLINE>
    rows by actual class (down) and predicted class (across)
                            1  2
    1  0                    2  0
    2  1                    0  2
    """
    words = Wording("tables", language)
    return [
        *_head(evaluation, words),
        *(line for target in _targets(evaluation) for line in _metrics(evaluation, target, words)),
        *(_classes(evaluation, words) if evaluation.classes else ()),
    ]


def naive_rule(evaluation: Evaluation, language: str) -> str:
    """Return the rule of the naive prediction, in words."""
    words = Wording("tables", language)
    if evaluation.task == "regression":
        return words("naive_mean")
    return words("naive_class", label=shown(evaluation.naive_label, 24))


def _head(evaluation: Evaluation, words: Wording) -> Iterator[str]:
    rows = words.counted("rows", evaluation.rows)
    text = words("evaluated", source=evaluation.source, rows=rows)
    yield from _labelled(words("label_data"), text)
    if evaluation.resamples:
        fewer = dict.fromkeys(
            words("resampled_fewer", metric=one.metric, count=one.resamples)
            for one in evaluation.estimates
            if 0 < one.resamples < evaluation.resamples
        )
        text = words(
            "resampled_rows" if evaluation.group is None else "resampled_groups",
            count=evaluation.resamples,
            group=shown(evaluation.group),
            fewer="".join(fewer),
            seed=evaluation.seed,
        )
        yield from _labelled(words("label_interval"), text)
    yield from _labelled(words("label_naive"), naive_rule(evaluation, words.language))


def _labelled(label: str, text: str) -> list[str]:
    lines = wrapped(text, WIDTH - LABEL)
    return [padded(label if i == 0 else "", LABEL) + line for i, line in enumerate(lines)]


# -- metrics ---------------------------------------------------------------------------------------


def _targets(evaluation: Evaluation) -> list[str]:
    return list(dict.fromkeys(estimate.target for estimate in evaluation.estimates))


def _metrics(evaluation: Evaluation, target: str, words: Wording) -> Iterator[str]:
    yield ""
    if len(_targets(evaluation)) > 1:
        yield words("target", name=shown(target))
    metric, value, interval, naive, better = (
        words(f"head_{name}") for name in ("metric", "value", "interval", "naive", "better")
    )
    numbers = f"{left_padded(value, 10)}  {padded(interval, 23)}{left_padded(naive, 7)}"
    yield f"{padded(metric, 18)}{numbers}  {better}"
    fixed = evaluation.task == "classification"
    for estimate in evaluation.estimates:
        if estimate.target == target:
            better = words("larger" if METRICS[estimate.metric].larger_is_better else "smaller")
            value, naive = (_number(one, fixed) for one in (estimate.value, estimate.naive))
            interval = _interval(estimate, words, fixed)
            # What an interval of many digits needs is taken from the spaces before the naive value.
            rest = f"{interval} {naive:>{29 - columns_of(interval)}}"
            yield f"{estimate.metric:<18}{value:>10}  {rest}  {better}"


def _interval(estimate: Estimate, words: Wording, fixed: bool) -> str:
    if estimate.low is None or estimate.high is None:
        return "-"
    low, high = _number(estimate.low, fixed), _number(estimate.high, fixed)
    return words("interval", low=low, high=high)


def _number(value: float | None, fixed: bool) -> str:
    """Return a number with four decimals, or with four significant digits in any units."""
    if value is None:
        return "-"
    if not np.isfinite(value):
        return f"{value:g}"
    if fixed:
        return f"{value:.4f}"
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3e}"
    return np.format_float_positional(value, 4, unique=False, fractional=False, trim="-")


# -- classes ---------------------------------------------------------------------------------------


def _classes(evaluation: Evaluation, words: Wording) -> Iterator[str]:
    confusion = np.array(evaluation.confusion, dtype=np.int64)
    yield ""
    named, *numbers = (
        words(f"head_{name}") for name in ("class", "rows", "precision", "recall", "f1")
    )
    yield padded(named, 20) + "".join(map(left_padded, numbers, (8, 11, 11, 11)))
    visible = _most_frequent(confusion, MOST_CLASSES)
    for k in visible:
        detail = evaluation.classes[k]
        shares = (detail.precision, detail.recall, detail.f1)
        cells = "".join(f"{_number(share, fixed=True):>11}" for share in shares)
        yield f"{padded(_label(detail.label), 20)}{detail.rows:>8}{cells}"
    hidden = len(evaluation.classes) - len(visible)
    if hidden:
        yield words("more_classes", count=hidden)
    yield ""
    yield words("confusion")
    yield from _matrix([_label(detail.label) for detail in evaluation.classes], confusion, words)


def _matrix(labels: Sequence[str], confusion: IntArray, words: Wording) -> Iterator[str]:
    cell = max(2, len(str(confusion.max()))) + 1
    fitting = (WIDTH - LONGEST_LABEL - 3) // cell
    visible = _most_frequent(confusion, min(MOST_CLASSES, fitting))
    if len(visible) < len(labels):
        visible = _most_frequent(confusion, min(MOST_CLASSES, fitting) - 1)
        others = np.setdiff1d(np.arange(len(labels)), visible)
        confusion = _folded(confusion, visible, others)
        cell = max(cell, len(str(confusion.max())) + 1)
        names = [*(labels[k] for k in visible), words("other_classes", count=len(others))]
    else:
        names = list(labels)
    numbers = range(1, len(names) + 1)
    yield f"{'':<{LONGEST_LABEL + 2}}" + "".join(f"{number:>{cell}}" for number in numbers)
    for number, name, counts in zip(numbers, names, confusion, strict=True):
        cells = "".join(f"{count:>{cell}}" for count in counts)
        yield f"{number:<3}{padded(name, LONGEST_LABEL - 1)}{cells}"


def _most_frequent(confusion: IntArray, most: int) -> list[int]:
    """Return the classes with most rows, in the order of the labels."""
    ranked = np.argsort(-confusion.sum(axis=1), kind="stable")
    return sorted(ranked[:most].tolist())


def _folded(confusion: IntArray, visible: Sequence[int], others: IntArray) -> IntArray:
    """Return the counts of the visible classes, and of the others as one, last."""
    groups = [[k] for k in visible] + [list(others)]
    rows = np.stack([confusion[group].sum(axis=0) for group in groups])
    return np.stack([rows[:, group].sum(axis=1) for group in groups], axis=1)


def _label(label: object) -> str:
    return shown(label, LONGEST_LABEL - 2)
