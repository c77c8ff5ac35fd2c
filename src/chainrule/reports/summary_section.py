"""The head of a report: what was learned, what it is worth, the losses by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chainrule.pictures.loss_curves import LossCurves
from chainrule.reports.diagnosis import curve_findings
from chainrule.reports.linear_baseline import MOST_FITTED
from chainrule.reports.network_shares import layer_settings, network_shares
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
from chainrule.reports.score_measures import Comparison, Scores
from chainrule.reports.settings import settings_of
from chainrule.reports.subject import Subject

__all__ = ["metric_text", "summary_section"]

_SHARES = ("accuracy", "balanced_accuracy", "f1", "mape", "calibration_error")


def summary_section(
    subject: Subject, scores: Scores | None, texts: Mapping[str, str], language: str
) -> Section:
    """Return what was learned and what it is worth."""
    blocks: list[Block] = [Text(_learned(subject, texts), "lead")]
    if scores is not None:
        blocks += _scores(subject, scores, texts)
    else:
        blocks.append(Text(texts["no_rows"], "note"))
    if subject.histories:
        curves = LossCurves.of(list(subject.histories))
        blocks.append(Pictures((curves.drawing(language),)))
        blocks.append(Text(texts["curves" if curves.held_out else "curves_training"], "note"))
        blocks += [Text(text, "note") for text in _about_curves(subject, texts)]
    return Section("summary", texts["summary"], tuple(blocks))


def _about_curves(subject: Subject, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield whose losses are drawn, and what distinguishes them from the scores."""
    shares = network_shares(subject.model)
    if len(shares) > 1:
        first = next(each for each in shares if each.member is subject.model.members[0])
        hidden = settings_of(layer_settings(first.network))["hidden"]
        yield texts["curves_of"].format(hidden=hidden, share=percent(first.share))
    if subject.model.temperature != 1.0 or subject.model.training.get("smoothing"):
        yield texts["curves_loss"]


def metric_text(metric: str, value: float | None) -> str:
    """Return a metric's value: shares in percent, others with four digits.

    >>> metric_text("accuracy", 0.95), metric_text("rmse", 12.3456), metric_text("rmse", 8126.0)
    ('95.0 %', '12.35', '8,126')
    """
    if metric in _SHARES:
        return percent(value)
    if value is not None and 999.5 <= abs(value) < 9999.5:
        # An error is no year: its separator is that of the larger numbers beside it.
        return f"{value:,.0f}".replace("-", "−")
    return significant(value)


def _learned(subject: Subject, texts: Mapping[str, str]) -> str:
    model = subject.model
    names = ", ".join(map(name_text, model.target.names))
    key = "learned_numbers" if model.classes is None else "learned_classes"
    rows = model.training.get("training_rows")
    return texts[key].format(
        target=names,
        classes=len(subject.classes),
        columns=f"{len(model.preprocessor.sources(model.reading)):,}",
        rows=f"{rows:,}" if isinstance(rows, int) else "–",
        networks=f"{len(model.members):,}",
    )


def _scores(subject: Subject, scores: Scores, texts: Mapping[str, str]) -> Iterator[Block]:
    key = {"held out": "held_out", "out of fold": "out_of_fold"}.get(subject.scored, subject.scored)
    rows = f"{scores.evaluation.rows:,}"
    yield Text(
        texts[f"scored_{key}"].format(rows=rows), "warning" if key == "training" else "plain"
    )
    first = scores.comparisons[0]
    several = len(subject.model.target.names) > 1
    yield Text(_headline(first, texts), "lead")
    yield _judged(first, first.estimate.naive, "naive", texts)
    if first.linear is not None:
        found = curve_findings(subject.histories, subject.model.training)
        falling = any(each.key == "still_falling" for each in found)
        yield _judged(first, first.linear, "linear", texts, falling=falling)
    headings = [texts[name] for name in ("metric", "network", "interval", "naive", "linear")]
    table, bold = [], []
    for number, each in enumerate(scores.comparisons):
        estimate = each.estimate
        name = texts[f"metric_{estimate.metric}"]
        values = (estimate.value, None, estimate.naive, each.linear)
        shown = [metric_text(estimate.metric, value) for value in values]
        shown[1] = "–" if estimate.low is None else _interval(each)
        table.append((f"{name_text(estimate.target)}: {name}" if several else name, *shown))
        known = {column: v for column, v in enumerate(values, start=1) if v is not None}
        if len(known) > 1:
            best = (max if each.larger_is_better else min)(known.values())
            bold += [(number, column) for column, value in known.items() if value == best]
    yield Grid(tuple(headings), tuple(table), frozenset({1, 2, 3, 4}), frozenset(bold))
    yield Text(texts["scores_note"].format(most=f"{MOST_FITTED:,}"), "note")


def _interval(comparison: Comparison) -> str:
    estimate = comparison.estimate
    low, high = (metric_text(estimate.metric, end) for end in (estimate.low, estimate.high))
    return f"{low} – {high}"


def _headline(comparison: Comparison, texts: Mapping[str, str]) -> str:
    estimate = comparison.estimate
    value = metric_text(estimate.metric, estimate.value)
    name = texts[f"metric_{estimate.metric}"]
    if estimate.low is None:
        return texts["headline_alone"].format(metric=name, value=value)
    return texts["headline"].format(metric=name, value=value, interval=_interval(comparison))


def _judged(
    comparison: Comparison,
    other: float | None,
    name: str,
    texts: Mapping[str, str],
    *,
    falling: bool = False,
) -> Text:
    """Return whether the model is better than the naive or the linear one."""
    found = comparison.better(other)
    key = {True: f"better_{name}", False: f"worse_{name}", None: f"equal_{name}"}[found]
    if key == "worse_linear" and falling:
        key = "worse_linear_falling"
    value = metric_text(comparison.estimate.metric, other)
    return Text(texts[key].format(value=value), "good" if found else "warning")
