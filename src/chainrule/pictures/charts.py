"""The charts of a report: scatter, bars, histogram, curves beside a diagonal, heat table.

Each is one function from numbers to a picture. Rows with a value that is not finite are left out.
``language`` is that of the words, "en" or "zh".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.arrays import FloatArray
from chainrule.errors import InputError
from chainrule.language.phrase_books import phrases_of
from chainrule.network.drawing_elements import (
    Drawing,
    escaped,
    fitted,
    label,
    shortened,
    shortened_inside,
    text_width,
)
from chainrule.pictures.frame import WIDTH, Axis, Frame, Legend, Points, chart
from chainrule.pictures.scales import LARGEST, Scale, number_text
from chainrule.validation import requirement

_STYLES = ("one", "two", "three", "four")
"""Of the curves of a chart."""
_MOST_DOTS = 2_000
_MOST_BINS = 30
_NAME = 22
"""The most letters of a name beside a bar."""
_BAR = 24.0
_BARS, _WIDEST = 180.0, 420.0
"""The least width of the longest bar, and the most of a chart, which is wider with long names."""
_CELL = 30.0
_LABEL = 12
"""The most letters of a class beside a heat table."""
_MOST_NUMBERS = 40
"""Heat tables of more classes have colors alone."""


@dataclass(frozen=True)
class Series:
    """A curve of a chart, with its name in the legend."""

    name: str
    x: ArrayLike
    y: ArrayLike


def scatter(actual: ArrayLike, predicted: ArrayLike, name: str, language: str = "en") -> Drawing:
    """Return predicted against actual values, both (rows,), of a column's name.

    Of more than 2,000 rows every nth is drawn; the description has both numbers.

    >>> scatter([1.0, 2.0, 3.0], [1.1, 1.9, 3.2], "price").svg.count('class="dot faint"')
    3
    """
    texts = phrases_of("pictures", language)
    x, y = _pairs(actual, predicted, ("actual", "predicted"))
    scale = Scale.around([*x[:1], *y[:1], *_ends(x), *_ends(y)], log=False)
    frame = Frame(
        Axis(scale, f"{texts['actual']}: {name}"),
        Axis(scale, f"{texts['predicted']}: {name}"),
        [Legend(texts["equal"], "rule")],
        square=True,
    )
    frame.line([(scale.low, scale.low), (scale.high, scale.high)], "rule")
    every = max(1, -(-len(x) // _MOST_DOTS))
    for at, found in zip(x[::every].tolist(), y[::every].tolist(), strict=True):
        frame.dot(at, found, "dot faint")
    if not len(x):
        frame.note(texts["nothing"])
    described = texts["scatter_described"].format(
        drawn=f"{len(x[::every]):,}", rows=f"{np.size(actual):,}"
    )
    return frame.drawing(texts["scatter_title"].format(name=name), described)


def bars(
    names: Sequence[str],
    values: ArrayLike,
    title: str,
    *,
    deviations: ArrayLike | None = None,
    language: str = "en",
) -> Drawing:
    """Return a bar for each name, from 0 to its value, in the given order.

    ``deviations`` are drawn as lines of that length to both sides of a value.

    >>> bars(["age", "price"], [0.3, -0.01], "Importance").svg.count('class="bar"')
    2
    """
    texts = phrases_of("pictures", language)
    found = _one(values, "values", len(names))
    half = (
        np.zeros(len(found)) if deviations is None else _one(deviations, "deviations", len(found))
    )
    ends = np.concatenate([[0.0], found - half, found + half])
    usable = ends[_usable(ends)]
    scale = Scale(float(usable.min()), float(usable.max()) or float(not usable.any()))
    numbers = [number_text(float(value), 3) for value in found]
    beside = max(map(text_width, numbers), default=0) + 12
    shown = [_beside_bar(name, _WIDEST - _BARS - beside - 12) for name in names]
    left = max(map(text_width, shown), default=0) + 12
    width = max(WIDTH, left + _BARS + beside)
    right = width - beside
    # Bars below zero have their text on the right too: a column of numbers is easy to compare.
    parts = [label(4, 16, escaped(fitted(title, width - 8)), "soft", anchor="start")]

    def x(value: float) -> float:
        return left + (right - left) * scale.position(value)

    for number, (name, value, text) in enumerate(zip(shown, found.tolist(), numbers, strict=True)):
        top = 28 + _BAR * number
        tip = f"{names[number]}: {text}"
        parts.append(label(left - 8, top + 15, escaped(name), "bar-name", anchor="end", tip=tip))
        parts.append(label(width - 4, top + 15, text, "soft", anchor="end"))
        if not np.isfinite(value) or abs(value) > LARGEST:
            continue
        start, end = sorted((x(0.0), x(value)))
        parts.append(
            f'<rect class="bar" x="{start:.2f}" y="{top + 3:.1f}" width="{end - start:.2f}" '
            f'height="{_BAR - 8:.1f}" rx="2"><title>{escaped(tip)}</title></rect>'
        )
        if half[number] > 0.0 and np.isfinite(half[number]):
            low, high = x(value - half[number]), x(value + half[number])
            middle = top + _BAR / 2 - 1
            parts.append(f'<path class="axis" d="M{low:.2f} {middle:.1f}H{high:.2f}"/>')
    bottom = 28 + _BAR * len(shown)
    parts.append(f'<path class="axis" d="M{x(0.0):.2f} 26V{bottom:.1f}"/>')
    known = [number for number in range(len(shown)) if np.isfinite(found[number])]
    described = texts["nothing"]
    if known:
        longest = max(known, key=lambda number: abs(found[number]))
        described = texts["bars_described"].format(
            count=f"{len(shown):,}", name=names[longest], value=numbers[longest]
        )
    return chart(width, bottom + 10, parts, title, described)


def histogram(values: ArrayLike, name: str, language: str = "en") -> Drawing:
    """Return how often values of a column occur: at most 30 bins between round numbers.

    >>> histogram([1.0, 1.2, 2.0, 9.0], "price").svg.count('class="bar"')
    3
    """
    texts = phrases_of("pictures", language)
    given = np.asarray(values, dtype=np.float64).ravel()
    found = given[_usable(given)]
    most = min(_MOST_BINS, max(5, int(2 * len(found) ** 0.5)))
    scale = Scale.around(_ends(found), log=False, most=most + 1)
    edges = np.asarray(scale.ticks(most + 1))
    if len(edges) < 2:
        edges = np.asarray([scale.low, scale.high])
    counts = np.histogram(found, edges)[0].tolist()
    frame = Frame(
        Axis(Scale(float(edges[0]), float(edges[-1])), name),
        Axis(Scale.around([0.0, *counts], log=False), texts["count"], whole=True),
    )
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        if count:
            gap = 0.04 * (high - low)
            tip = f"{number_text(float(low))} – {number_text(float(high))}: {count:,}"
            frame.box((float(low + gap), float(high - gap)), (0.0, count), "bar", tip)
    if not len(found):
        frame.note(texts["nothing"])
    low, high = (number_text(value) for value in _ends(found) or [np.nan, np.nan])
    described = texts["histogram_described"].format(
        rows=f"{len(found):,}", low=low, high=high, missing=f"{len(given) - len(found):,}"
    )
    return frame.drawing(texts["histogram_title"].format(name=name), described)


def calibration_curve(curves: Sequence[Series], name: str, language: str = "en") -> Drawing:
    """Return shares of actual rows against predicted probabilities, beside the ideal diagonal."""
    texts = phrases_of("pictures", language)
    axes = texts["share_predicted"], texts["share_actual"]
    return _on_diagonal(
        curves, axes, texts["calibrated"], texts["calibration_title"].format(name=name), language
    )


def roc_curve(curves: Sequence[Series], name: str, language: str = "en") -> Drawing:
    """Return true against false positive rates, beside the diagonal of a guess by chance.

    >>> roc_curve([Series("model", [0, 0.1, 1], [0, 0.8, 1])], "spam").svg.count('class="line one"')
    2
    """
    texts = phrases_of("pictures", language)
    axes = texts["false_positives"], texts["true_positives"]
    return _on_diagonal(
        curves, axes, texts["chance"], texts["roc_title"].format(name=name), language
    )


def line_chart(curves: Sequence[Series], x_title: str, y_title: str) -> Drawing:
    """Return up to four curves over a common axis; one that is alone has no legend.

    >>> line_chart([Series("a", [0, 1], [2, 3])], "age", "price").svg.count('class="line one"')
    1
    """
    if len(curves) > len(_STYLES):
        raise InputError(requirement("curves", f"at most {len(_STYLES)} curves", len(curves)))
    pairs = [_pairs(series.x, series.y, ("x", "y")) for series in curves]
    styled = list(zip(curves, pairs, _STYLES, strict=False))
    legend = [Legend(series.name, f"line {style}") for series, _, style in styled]
    x_scale, y_scale = (
        Scale.around([end for pair in pairs for end in _ends(pair[axis])], log=False)
        for axis in (0, 1)
    )
    frame = Frame(Axis(x_scale, x_title), Axis(y_scale, y_title), legend if len(curves) > 1 else ())
    for _, (x, y), style in styled:
        frame.line(list(zip(x.tolist(), y.tolist(), strict=True)), f"line {style}")
    return frame.drawing(f"{y_title}, {x_title}", "; ".join(series.name for series in curves))


def heat_table(
    counts: ArrayLike, names: Sequence[str], title: str = "", language: str = "en"
) -> Drawing:
    """Return a confusion matrix: counts[i][j] rows of class i were predicted as class j.

    A cell is as dark as its share of the row.

    >>> heat_table([[8, 2], [1, 9]], ["no", "yes"]).svg.count('class="cell"')
    4
    """
    texts = phrases_of("pictures", language)
    found = np.asarray(counts)
    if found.ndim != 2 or found.shape != (len(names), len(names)):
        allowed = f"{len(names)} rows of {len(names)} counts, one for each name"
        raise InputError(requirement("counts", allowed, found.shape))
    shown = [shortened(" ".join(str(name).split()) or "∅", _LABEL) for name in names]
    numbered = len(names) <= _MOST_NUMBERS
    letters = [text_width(f"{int(count):,}") for count in found.ravel()] if numbered else []
    if numbered:
        letters += map(text_width, shown)
    cell = max(_CELL, max(letters, default=0) + 10)
    left = max(map(text_width, shown), default=0) + 12
    least = text_width(texts["predicted"] + texts["actual"]) + 56
    width = max(left + cell * len(names) + 6, least)
    top = 44.0
    parts = [
        label(4, 16, f"{escaped(texts['actual'])} ↓", "soft", anchor="start"),
        label(left, 16, f"{escaped(texts['predicted'])} →", "soft", anchor="start"),
    ]
    if left < text_width(texts["actual"]) + 32:
        shift = text_width(texts["actual"]) + 32 - left
        left, width = left + shift, width + shift
        parts[1] = label(left, 16, f"{escaped(texts['predicted'])} →", "soft", anchor="start")
    totals = np.maximum(found.sum(axis=1), 1)
    for row, name in enumerate(shown):
        y = top + _CELL * row
        parts.append(label(left - 6, y + 20, escaped(name), "soft", anchor="end", tip=names[row]))
        if numbered:
            x = left + cell * (row + 0.5)
            parts.append(label(x, 36, escaped(name), "soft", anchor="middle", tip=names[row]))
        for column in range(len(names)):
            count, x = int(found[row, column]), left + cell * column
            share = count / int(totals[row])
            tip = f"{names[row]} → {names[column]}: {count:,} ({100 * share:.1f} %)"
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{cell:.1f}" '
                f'height="{_CELL:.1f}" fill-opacity="{0.5 * share:.3f}">'
                f"<title>{escaped(tip)}</title></rect>"
            )
            if numbered and count:
                parts.append(label(x + cell / 2, y + 20, f"{count:,}", anchor="middle"))
    described = texts["heat_described"].format(
        rows=f"{int(found.sum()):,}", right=f"{int(np.trace(found)):,}"
    )
    height = top + _CELL * len(names) + 8
    return chart(width, height, parts, title or texts["heat_title"], described)


def _on_diagonal(
    curves: Sequence[Series], axes: tuple[str, str], diagonal: str, title: str, language: str
) -> Drawing:
    texts = phrases_of("pictures", language)
    if len(curves) > len(_STYLES):
        raise InputError(requirement("curves", f"at most {len(_STYLES)} curves", len(curves)))
    legend = [
        Legend(series.name, f"line {style}") for series, style in zip(curves, _STYLES, strict=False)
    ]
    x_axis, y_axis = (Axis(Scale(0.0, 1.0), name) for name in axes)
    frame = Frame(x_axis, y_axis, [*legend, Legend(diagonal, "rule")], square=True)
    frame.line([(0.0, 0.0), (1.0, 1.0)], "rule")
    described = []
    for series, style in zip(curves, _STYLES, strict=False):
        x, y = _pairs(series.x, series.y, ("x", "y"))
        points: Points = list(zip(x.tolist(), y.tolist(), strict=True))
        frame.line(points, f"line {style}")
        if points:
            (x0, y0), (x1, y1) = (map(number_text, points[at]) for at in (0, -1))
            text = texts["curve_described"].format(points=len(points), x0=x0, y0=y0, x1=x1, y1=y1)
            described.append(f"{series.name}: {text}")
    if not described:
        frame.note(texts["nothing"])
    return frame.drawing(title, " ".join(described) or texts["nothing"])


def _beside_bar(name: object, room: float) -> str:
    """Return a name as one line that fits beside a bar, with an ellipsis inside if it is long."""
    text, most = " ".join(str(name).split()) or "∅", _NAME
    while most > 3 and text_width(shortened_inside(text, most)) > room:
        most -= 1
    return shortened_inside(text, most)


def _usable(values: FloatArray) -> Any:
    return np.isfinite(values) & (np.abs(values) <= LARGEST)


def _ends(values: FloatArray) -> list[float]:
    return [float(values.min()), float(values.max())] if len(values) else []


def _one(values: ArrayLike, name: str, count: int) -> FloatArray:
    found: FloatArray = np.asarray(values, dtype=np.float64)
    if found.shape != (count,):
        raise InputError(requirement(name, f"{count} numbers, one for each name", found.shape))
    return found


def _pairs(x: ArrayLike, y: ArrayLike, names: tuple[str, str]) -> tuple[FloatArray, FloatArray]:
    """Return the rows of two columns, (rows,), in which both can be drawn."""
    one, two = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if one.ndim != 1 or one.shape != two.shape:
        allowed = f"of the shape (rows,), as {names[0]}"
        raise InputError(requirement(names[1], allowed, two.shape))
    both = _usable(one) & _usable(two)
    return one[both], two[both]
