"""The frame of a chart: two axes with ticks and labels, a legend, and the marks within.

Everything is laid out from the texts' lengths, so that no label leaves the picture or touches
another. Colors are classes of a style sheet, which follows the light or dark scheme of the page.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from chainrule.network.drawing_elements import (
    Drawing,
    escaped,
    fitted,
    framed,
    label,
    text_width,
)
from chainrule.pictures.scales import Scale, usable

WIDTH = 400.0
"""The width of a chart, in its own units: on a phone one unit is about 0.9 pixels."""
_SHOWN = (0.7, 1.25)
"""The least and the most pixels on a page for each unit."""
_HEIGHT = 180.0
_LINE = 18.0
_GAP = 14.0
"""Between labels that are beside each other."""
_SAMPLE = 22.0
"""The width of a line in the legend, before its text."""
_RIGHT = 16.0
_DOT = 2.6

STYLE = """\
.chainrule-chart{font:13px system-ui,sans-serif;--ink:#1b1c1f;--paper:#ffffff;--soft:#55575f;\
--grid:#e3e5ec;--one:#2f5fc0;--two:#c2500f;--three:#2c7a4b;--four:#8a3fa8;background:var(--paper)}
@media (prefers-color-scheme:dark){.chainrule-chart{--ink:#e7e7ea;--paper:#17181a;--soft:#a9a9b2;\
--grid:#33353c;--one:#8fb0f5;--two:#ffa066;--three:#7fd3a0;--four:#d3a1ee}}
.chainrule-chart text{fill:var(--ink);stroke:none}
.chainrule-chart .soft{fill:var(--soft)}
.chainrule-chart .grid{stroke:var(--grid);stroke-width:1}
.chainrule-chart .axis{stroke:var(--soft);stroke-width:1}
.chainrule-chart :is(.line,.thin,.rule){fill:none;stroke-width:2;stroke-linejoin:round;\
stroke-linecap:round}
.chainrule-chart .thin{stroke-width:1;opacity:.45}
.chainrule-chart .rule{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 4}
.chainrule-chart .dashed{stroke-dasharray:6 5}
.chainrule-chart .one{stroke:var(--one)}
.chainrule-chart .two{stroke:var(--two)}
.chainrule-chart .three{stroke:var(--three)}
.chainrule-chart .four{stroke:var(--four)}
.chainrule-chart .best{fill:var(--paper);stroke:var(--ink);stroke-width:2}
.chainrule-chart .dot{stroke:none;fill:var(--one)}
.chainrule-chart .dot.two{fill:var(--two)}
.chainrule-chart .dot.three{fill:var(--three)}
.chainrule-chart .dot.four{fill:var(--four)}
.chainrule-chart .faint{fill-opacity:.45}
.chainrule-chart .bar{fill:var(--one);stroke:none}
.chainrule-chart .cell{fill:var(--one);stroke:var(--grid);stroke-width:1}
"""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """An axis: its scale, its title, and whether its ticks are whole numbers."""

    scale: Scale
    title: str
    whole: bool = False

    def ticks(self, room: float, most: int, *, wide: bool) -> list[tuple[float, str]]:
        """Return ticks with labels that fit into the room, side by side where ``wide``."""
        while True:
            found = self.scale.whole_ticks(most) if self.whole else self.scale.ticks(most)
            texts = self.scale.labels(found)
            needed = sum(text_width(text) + _GAP for text in texts)
            if most <= 1 or not wide or needed <= room:
                return list(zip(found, texts, strict=True))
            most -= 1


@dataclass(frozen=True)
class Legend:
    """An entry of the legend: a text, with the class of its line or dot."""

    text: str
    style: str


@dataclass
class Frame:
    """A chart in the making; `x` and `y` are the pixels of a value, `parts` what is drawn."""

    x_axis: Axis
    y_axis: Axis
    legend: Sequence[Legend] = ()
    square: bool = False
    """Whether a unit of both axes is equally long."""
    parts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rows = _legend_rows(self.legend)
        self.top = 2 * _LINE + _LINE * len(self._rows)
        self._y_ticks = self.y_axis.ticks(0.0, 6, wide=False)
        self.left = max(text_width(text) for _, text in self._y_ticks) + 16
        self.right = WIDTH - _RIGHT
        if self.square:
            self.right = min(self.right, self.left + 290.0)
        height = self.right - self.left if self.square else _HEIGHT
        self.bottom = self.top + height
        self.height = self.bottom + 2 * _LINE + 14
        self._x_ticks = self.x_axis.ticks(self.right - self.left, 8, wide=True)

    def x(self, value: float) -> float:
        """Return the pixels of a value from the left."""
        return self.left + (self.right - self.left) * self.x_axis.scale.position(value)

    def y(self, value: float) -> float:
        """Return the pixels of a value from the top."""
        return self.bottom - (self.bottom - self.top) * self.y_axis.scale.position(value)

    # -- marks -------------------------------------------------------------------------------------

    def line(self, points: Points, style: str) -> None:
        """Draw a line with a gap where a value cannot be drawn; a point alone is a dot."""
        kind = style.split()[-1]
        for piece in self._pieces(self._cut(points)):
            if len(piece) == 1:
                self.dot(*piece[0], f"dot {kind}")
                continue
            steps = "L".join(f"{self.x(x):.2f} {self.y(y):.2f}" for x, y in self._thinned(piece))
            self.parts.append(f'<path class="{style}" d="M{steps}"/>')

    def dot(self, x: float, y: float, style: str, radius: float = _DOT, tip: str = "") -> None:
        """Draw a dot, where both values can be drawn."""
        if self._drawable(x, y):
            title = f"<title>{escaped(tip)}</title>" if tip else ""
            self.parts.append(
                f'<circle class="{style}" cx="{self.x(x):.2f}" cy="{self.y(y):.2f}" '
                f'r="{radius:g}">{title}</circle>'
            )

    def box(self, x: tuple[float, float], y: tuple[float, float], style: str, tip: str) -> None:
        """Draw a rectangle between two values of each axis."""
        left, right = sorted(map(self.x, x))
        top, bottom = sorted(map(self.y, y))
        self.parts.append(
            f'<rect class="{style}" x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" '
            f'height="{bottom - top:.2f}"><title>{escaped(tip)}</title></rect>'
        )

    def upright(self, x: float) -> None:
        """Draw a dashed line from bottom to top."""
        self.parts.append(
            f'<path class="rule" d="M{self.x(x):.2f} {self.bottom:.2f}V{self.top:.2f}"/>'
        )

    def note(self, text: str) -> None:
        """Write a text into the middle, where nothing is drawn."""
        middle = (self.left + self.right) / 2
        at = (self.top + self.bottom) / 2
        self.parts.append(label(middle, at, escaped(text), "soft", anchor="middle"))

    def _drawable(self, x: float, y: float) -> bool:
        """Return whether both values have a position: a logarithm needs a positive one."""
        return all(
            usable(value) and (value > 0.0 or not axis.scale.log)
            for value, axis in ((x, self.x_axis), (y, self.y_axis))
        )

    def _cut(self, points: Points) -> Iterable[tuple[float, float]]:
        """Yield the points up to the scale's upper end, with those where the line crosses it."""
        scale = self.y_axis.scale
        over = scale.high + 1e-6 * abs(scale.high - scale.low)
        before = None
        for x, y in points:
            if before is not None and (y > over) != (before[1] > over) and usable(y - before[1]):
                way = (scale.high - before[1]) / (y - before[1])
                yield before[0] + way * (x - before[0]), scale.high
            yield x, math.nan if y > over else y
            before = x, y

    def _pieces(self, points: Iterable[tuple[float, float]]) -> Iterable[Points]:
        piece: list[tuple[float, float]] = []
        for point in points:
            if self._drawable(*point):
                piece.append(point)
            elif piece:
                yield piece
                piece = []
        if piece:
            yield piece

    def _thinned(self, points: Points) -> Points:
        """Return the first, last, lowest and highest point of each pixel: more cannot be seen."""
        if len(points) <= 2 * WIDTH:
            return points
        found: list[tuple[float, float]] = []
        column: list[tuple[float, float]] = []

        def flush() -> None:
            chosen = {0, len(column) - 1}
            for choose in (min, max):
                chosen.add(choose(range(len(column)), key=lambda number: column[number][1]))
            found.extend(column[number] for number in sorted(chosen))
            column.clear()

        for point in points:
            if column and math.floor(self.x(point[0])) != math.floor(self.x(column[0][0])):
                flush()
            column.append(point)
        flush()
        return found

    # -- the whole ---------------------------------------------------------------------------------

    def drawing(self, title: str, description: str) -> Drawing:
        """Return the chart, with a title and a description for screen readers."""
        return chart(WIDTH, self.height, [*self._axes(), *self.parts], title, description)

    def _axes(self) -> Iterable[str]:
        title = escaped(fitted(self.y_axis.title, WIDTH - 8))
        yield label(4, 16, title, "soft y-title", anchor="start")
        for number, row in enumerate(self._rows):
            yield from _legend_row(row, 16 + _LINE * (number + 1))
        for value, text in self._y_ticks:
            y = self.y(value)
            yield f'<path class="grid" d="M{self.left:.1f} {y:.2f}H{self.right:.1f}"/>'
            yield label(self.left - 7, y + 4.5, text, "soft y-tick", anchor="end")
        below = self.bottom
        yield f'<path class="axis" d="M{self.left:.1f} {below:.1f}H{self.right:.1f}"/>'
        for value, text in self._x_ticks:
            x = self.x(value)
            half = text_width(text) / 2
            middle = min(max(x, half), WIDTH - half)
            yield f'<path class="axis" d="M{x:.2f} {below:.1f}v4"/>'
            yield label(middle, below + 19, text, "soft x-tick", anchor="middle")
        across = (self.left + self.right) / 2
        title = escaped(fitted(self.x_axis.title, 2 * min(across, WIDTH - across) - 4))
        yield label(across, below + 2 * _LINE + 2, title, "soft x-title", anchor="middle")


def chart(
    width: float, height: float, parts: Sequence[str], title: str, description: str
) -> Drawing:
    """Return the picture of parts in the style of charts."""
    least, most = _SHOWN
    mark = f"{crc32(''.join([title, description, *parts]).encode('utf-8', 'replace')):08x}"
    shown = (least * width, most * width)
    return Drawing(framed((width, height), shown, title, description, parts, mark, "chart", STYLE))


def stacked(drawings: Sequence[tuple[Frame, str, str]]) -> Drawing:
    """Return frames below each other as one picture; each has a title and a description."""
    parts: list[str] = []
    top = 0.0
    for frame, _, _ in drawings:
        parts.append(f'<g transform="translate(0 {top:.1f})">')
        parts += [*frame._axes(), *frame.parts, "</g>"]
        top += frame.height
    titles = "; ".join(title for _, title, _ in drawings)
    return chart(WIDTH, top, parts, titles, " ".join(text for _, _, text in drawings))


def _legend_rows(legend: Sequence[Legend]) -> list[list[tuple[float, Legend]]]:
    """Return the entries by row, each with its position from the left."""
    rows: list[list[tuple[float, Legend]]] = []
    at = WIDTH
    for entry in legend:
        short = Legend(fitted(entry.text, WIDTH - _SAMPLE - 20), entry.style)
        needed = _SAMPLE + 6 + text_width(short.text)
        if at + needed > WIDTH - 4:
            rows.append([])
            at = 6.0
        rows[-1].append((at, short))
        at += needed + _GAP
    return rows


def _legend_row(row: Sequence[tuple[float, Legend]], y: float) -> Iterable[str]:
    for x, entry in row:
        if entry.style == "best" or entry.style.startswith("dot"):
            middle = x + _SAMPLE / 2
            yield f'<circle class="{entry.style}" cx="{middle:.1f}" cy="{y - 4.5:.1f}" r="4"/>'
        else:
            yield f'<path class="{entry.style}" d="M{x:.1f} {y - 4.5:.1f}h{_SAMPLE:.0f}"/>'
        yield label(x + _SAMPLE + 6, y, escaped(entry.text), "legend", anchor="start")
