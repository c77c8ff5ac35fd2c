"""Runs beside each other: scores, settings and losses by epoch, from their run folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path

from chainrule.files import written_path
from chainrule.language.phrase_books import phrases_of
from chainrule.network.drawing_elements import Drawing
from chainrule.pictures.frame import Axis, Frame, Legend
from chainrule.pictures.loss_curves import LossCurves, epoch_axis, loss_scale, scale_title
from chainrule.reports.make_report import Report
from chainrule.reports.network_shares import network_shares
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
from chainrule.reports.report_page import page_of
from chainrule.reports.settings import SETTINGS, largest_settings, settings_of
from chainrule.reports.subject import Subject
from chainrule.reports.summary_section import metric_text
from chainrule.table_models.table_model import TableModel

__all__ = ["comparison_of"]

_STYLES = ("one", "two", "three", "four")
_SCORES = {"accuracy": max, "rmse": min, "mae": min, "r2": max}
"""The scores that model files hold, and which of several is the best."""


def comparison_of(paths: Sequence[str], language: str = "en") -> Report:
    """Return the page that compares runs, given by their folders.

    Raises InputError for a folder without a model of a table.
    """
    texts = phrases_of("report", language)
    subjects = [Subject.of_folder(path) for path in paths]
    names = _names(paths)
    sections = [
        Section("scores", texts["scores"], tuple(_scores(subjects, names, texts))),
        Section("curves", texts["curves_title"], tuple(_curves(subjects, names, language))),
        Section("settings", texts["settings"], (_settings(subjects, names, texts),)),
    ]
    title = texts["comparison_title"].format(count=len(paths))
    return Report(page_of(title, sections, texts, language))


def _names(paths: Sequence[str]) -> list[str]:
    """Return the folders' names, or their paths where two have the same name."""
    names = [Path(path).name or written_path(path) for path in paths]
    return names if len(set(names)) == len(names) else [written_path(path) for path in paths]


def _scores(
    subjects: Sequence[Subject], names: Sequence[str], texts: Mapping[str, str]
) -> Iterator[Block]:
    rows = {subject.model.training.get("training_rows") for subject in subjects}
    difference = _difference(subjects)
    if difference:
        yield Text(texts[difference], "warning")
    elif len(rows) > 1:
        yield Text(texts["other_rows"], "warning")
    lines: list[list[str]] = []
    found: list[dict[str, float]] = []
    for subject, name in zip(subjects, names, strict=True):
        score = subject.model.training.get("score", {})
        for entry in score.get("targets", []):
            values = {key: entry[key] for key in _SCORES if entry.get(key) is not None}
            baseline = entry.get("baseline", {})
            naive = next((baseline[key] for key in ("accuracy", "rmse") if key in baseline), None)
            target = entry.get("target", subject.model.target.names[0])
            unit = "accuracy" if "accuracy" in entry else "rmse"
            rule = texts[_RULES.get(score.get("rows", ""), "rows_given")]
            lines.append(
                [
                    name_text(name),
                    name_text(target),
                    rule,
                    f"{entry.get('rows', 0):,}",
                    metric_text(unit, naive),
                ]
            )
            found.append(values)
    shown = [key for key in _SCORES if any(key in values for values in found)]
    bold = set()
    for column, key in enumerate(shown, start=5):
        known = {number: values[key] for number, values in enumerate(found) if key in values}
        if not difference and len(known) > 1 and len(found) == len(subjects):
            best = _SCORES[key](known.values())
            bold |= {(number, column) for number, value in known.items() if value == best}
    cells = [
        (*line, *(metric_text(key, values.get(key)) for key in shown))
        for line, values in zip(lines, found, strict=True)
    ]
    headings = ["run", "target", "scored", "rows", "naive"]
    named = [texts[key] for key in headings] + [texts[f"metric_{key}"] for key in shown]
    yield Grid(tuple(named), tuple(cells), frozenset(range(3, len(named))), frozenset(bold))
    yield Text(texts["comparison_note"], "note")
    yield from _alone(subjects, names, texts)


def _difference(subjects: Sequence[Subject]) -> str:
    """Return the key of what keeps scores from being compared: targets, or data; or nothing.

    Runs on the same data may leave out columns, so that half of the columns have to be common.
    """
    targets = {(subject.model.target.names, subject.classes) for subject in subjects}
    if len({names for names, _ in targets}) > 1:
        return "other_targets"
    columns = [_columns(subject.model) for subject in subjects]
    common = [2 * len(a & b) >= min(len(a), len(b)) for a, b in combinations(columns, 2)]
    return "" if all(common) and len(targets) == 1 else "other_data"


def _columns(model: TableModel) -> frozenset[str]:
    """Return the names of the columns of a model's table, also of those that it left out."""
    dropped = (column.name for column in model.preprocessor.dropped)
    return frozenset((*model.preprocessor.sources(model.reading), *dropped))


def _alone(
    subjects: Sequence[Subject], names: Sequence[str], texts: Mapping[str, str]
) -> Iterator[Block]:
    """Yield what the leaderboards hold beside the scores: the log-loss of classes, for example."""
    lines = []
    for subject, name in zip(subjects, names, strict=True):
        for leader in subject.leaders[:1]:
            with suppress(KeyError, TypeError, ValueError):  # a damaged file is no leaderboard
                metric, value = str(leader["metric"]), float(leader["value"])
                label = texts.get(f"metric_{metric}", name_text(metric))
                lines.append((name_text(name), label, metric_text(metric, value)))
    if lines:
        headings = tuple(texts[key] for key in ("run", "metric", "alone"))
        yield Grid(headings, tuple(lines), frozenset({2}))
        yield Text(texts["alone_note"], "note")


_RULES = {"held out": "rows_held_out", "out of fold": "rows_out_of_fold", "training": "rows_seen"}


def _settings(subjects: Sequence[Subject], names: Sequence[str], texts: Mapping[str, str]) -> Grid:
    each = [settings_of(largest_settings(subject)) for subject in subjects]
    lines = [
        (texts[f"setting_{name}"], *(settings.get(name, "–") for settings in each))
        for name in SETTINGS
        if any(name in settings for settings in each)
    ]
    largest = [network_shares(subject.model)[0] for subject in subjects]
    columns = [
        (texts["size"], *(significant(float(each.network.size), 6) for each in largest)),
        (texts["share"], *(percent(each.share) for each in largest)),
    ]
    differing = {
        (number, column)
        for number, line in enumerate([*lines, *columns])
        if len(set(line[1:])) > 1
        for column in range(1, len(line))
    }
    headings = (texts["setting"], *map(name_text, names))
    return Grid(
        headings,
        (*lines, *columns),
        bold=frozenset(differing),
        caption=texts["differing"] if len(subjects) > 1 else "",
    )


def _curves(subjects: Sequence[Subject], names: Sequence[str], language: str) -> Iterator[Block]:
    if len(subjects) <= len(_STYLES) and not _difference(subjects):
        yield Pictures((_together(subjects, names, language),))
        yield Text(phrases_of("report", language)["dashed"], "note")
        return
    drawings = (LossCurves.of(list(subject.histories)).drawing(language) for subject in subjects)
    yield Pictures(tuple(drawings), tuple(map(name_text, names)))


def _together(subjects: Sequence[Subject], names: Sequence[str], language: str) -> Drawing:
    """Return the held-out losses of all runs in one chart, the training losses dashed."""
    texts = phrases_of("pictures", language)
    curves: list[tuple[Sequence[float], str]] = []
    legend = []
    for subject, name, style in zip(subjects, names, _STYLES, strict=False):
        legend.append(Legend(name_text(name), f"line {style}"))
        for history in subject.histories:
            held = history.get("validation_loss")
            curves.append((history.get("data_loss", history["loss"]), f"line dashed {style}"))
            if held is not None:
                curves.append((held, f"line {style}"))
    scale, cut = loss_scale([curve for curve, _ in curves])
    epochs = max((len(curve) for curve, _ in curves), default=0)
    title = scale_title(texts["loss"], scale, cut=cut, language=language)
    frame = Frame(epoch_axis(epochs, texts["epoch"]), Axis(scale, title), legend)
    for curve, style in curves:
        frame.line([(float(n), float(v)) for n, v in enumerate(curve, start=1)], style)
    if not curves:
        frame.note(texts["nothing"])
    return frame.drawing(texts["loss_title"], phrases_of("report", language)["dashed"])
