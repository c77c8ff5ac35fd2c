"""Where the boxes of a drawing are: columns from the inputs to the outputs, and free lanes.

A node is in the column after that of its latest source.  An edge to the next column is a curve in
the gap between the columns, where no box is; an edge that skips columns runs along a lane, a height
at which no box is in any of the columns it passes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GAP = 56.0
"""Between two columns, for the curves."""
SEPARATION = 34.0
"""Between two boxes of a column; a lane fits in between."""
CLEARANCE = 14.0
"""Between a lane and a box or another lane."""
_MARGIN = 18.0


@dataclass(frozen=True)
class Extent:
    """A box: its size, whether it is round, and the space of labels outside of it.

    ``labels`` is their height, left free below and above; ``reach`` the width with the labels.
    """

    width: float
    height: float
    round: bool = False
    labels: float = 0.0
    reach: float = 0.0

    @property
    def half(self) -> float:
        """Half of the height with the labels."""
        return self.height / 2 + self.labels

    @property
    def space(self) -> float:
        """The width with the labels."""
        return max(self.width, self.reach)


@dataclass(frozen=True)
class Edge:
    """The path of one connection, as (x, y) of its start, its end, and its lane if it has one."""

    source: int
    target: int
    start: tuple[float, float]
    end: tuple[float, float]
    bands: tuple[float, float]
    """Where the gap after the source begins and the gap before the target ends."""
    lane: tuple[float, float, float] | None = None
    """x of its start, x of its end, y."""

    def path(self, shift: float = 0.0) -> str:
        """Return the path for SVG, moved down by ``shift``."""
        (x0, y0), (x1, y1) = self.start, self.end
        y0, y1 = y0 + shift, y1 + shift
        leave, enter = self.bands
        parts = [f"M{x0:.1f} {y0:.1f}"]
        if leave > x0:
            parts.append(f"H{leave:.1f}")
        if self.lane is None:
            parts.append(_curve(leave, y0, enter, y1))
        else:
            begin, finish, height = self.lane
            height += shift
            parts += [
                _curve(leave, y0, begin, height),
                f"H{finish:.1f}",
                _curve(finish, height, enter, y1),
            ]
        if x1 > enter:
            parts.append(f"H{x1:.1f}")
        return "".join(parts)


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    if y0 == y1:
        return f"H{x1:.1f}"
    middle = (x0 + x1) / 2
    return f"C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


@dataclass(frozen=True)
class Arrangement:
    """The center of each box, the paths of all edges, and the size of the drawing."""

    centers: tuple[tuple[float, float], ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


def arranged(
    sources: Sequence[Sequence[int]], extents: Sequence[Extent], last: Sequence[int]
) -> Arrangement:
    """Return where the boxes are.

    ``sources`` are the numbers of the boxes before each box, which are smaller than its own;
    ``last`` the boxes of the last column.
    """
    columns = _columns(sources, last)
    members: list[list[int]] = [[] for _ in range(max(columns) + 1)]
    for number, column in enumerate(columns):
        members[column].append(number)
    heights: dict[int, float] = {}
    for inside in members:
        _stack(inside, sources, extents, heights)
    widths = [max(extents[number].space for number in inside) for inside in members]
    lefts = [_MARGIN]
    for width in widths:
        lefts.append(lefts[-1] + width + GAP)
    lanes = _lanes(sources, columns, members, extents, heights)
    tops = [heights[number] - extent.half for number, extent in enumerate(extents)]
    ends = [heights[number] + extent.half for number, extent in enumerate(extents)]
    top = min([*tops, *(height - CLEARANCE for height in lanes.values())])
    bottom = max([*ends, *(height + CLEARANCE for height in lanes.values())])
    down = _MARGIN - top
    centers = tuple(
        (lefts[column] + widths[column] / 2, heights[number] + down)
        for number, column in enumerate(columns)
    )
    edges: list[Edge] = []
    for target, before in enumerate(sources):
        arriving = []
        for index, source in enumerate(before):
            skips = columns[target] - columns[source] > 1
            height = lanes[source, target] + down if skips else centers[source][1]
            arriving.append((height, index, source, skips))
        for order, (height, _, source, skips) in enumerate(sorted(arriving)):
            x, y = centers[source]
            start = (x + extents[source].width / 2, y)
            lane = None
            if skips:
                first, final = columns[source] + 1, columns[target] - 1
                lane = (lefts[first], lefts[final] + widths[final], height)
            edges.append(
                Edge(
                    source,
                    target,
                    start,
                    _port(centers[target], extents[target], order, len(before)),
                    (
                        lefts[columns[source]] + widths[columns[source]],
                        lefts[columns[target]],
                    ),
                    lane,
                )
            )
    width = lefts[-1] - GAP + _MARGIN
    return Arrangement(centers, tuple(edges), width, bottom - top + 2 * _MARGIN)


def _columns(sources: Sequence[Sequence[int]], last: Sequence[int]) -> list[int]:
    columns: list[int] = []
    for before in sources:
        columns.append(1 + max((columns[source] for source in before), default=-1))
    used = {source for before in sources for source in before}
    for number in last:
        if number not in used:
            columns[number] = max(columns)
    return columns


def _stack(
    column: list[int],
    sources: Sequence[Sequence[int]],
    extents: Sequence[Extent],
    heights: dict[int, float],
) -> None:
    """Choose the heights of a column: near the sources, without overlaps."""

    def wanted(number: int) -> float:
        before = [heights[source] for source in sources[number]]
        return sum(before) / len(before) if before else 0.0

    # Blocks of boxes that touch; a block is centered at what its boxes would like on average.
    blocks: list[tuple[float, list[int]]] = []
    for number in sorted(column, key=lambda number: (wanted(number), number)):
        block = (wanted(number), [number])
        while blocks and _end(blocks[-1], extents) + SEPARATION > block[0] - _span(
            block[1], extents
        ):
            center, inside = blocks.pop()
            count = len(inside) + len(block[1])
            mean = (center * len(inside) + block[0] * len(block[1])) / count
            block = (mean, [*inside, *block[1]])
        blocks.append(block)
    for center, inside in blocks:
        y = center - _span(inside, extents)
        for number in inside:
            heights[number] = y + extents[number].half
            y += 2 * extents[number].half + SEPARATION


def _span(inside: Sequence[int], extents: Sequence[Extent]) -> float:
    """Return half of the height of a block."""
    whole = sum(2 * extents[number].half for number in inside) + SEPARATION * (len(inside) - 1)
    return whole / 2


def _end(block: tuple[float, list[int]], extents: Sequence[Extent]) -> float:
    return block[0] + _span(block[1], extents)


def _lanes(
    sources: Sequence[Sequence[int]],
    columns: Sequence[int],
    members: Sequence[Sequence[int]],
    extents: Sequence[Extent],
    heights: Mapping[int, float],
) -> dict[tuple[int, int], float]:
    """Return the height of the lane of each edge that skips columns.

    Edges from one source share a lane; short ones are chosen first, so that longer ones are around
    them.
    """
    taken: list[set[tuple[float, float]]] = [
        {
            (
                heights[number] - extents[number].half - CLEARANCE,
                heights[number] + extents[number].half + CLEARANCE,
            )
            for number in column
        }
        for column in members
    ]
    skipping: dict[int, list[int]] = {}
    for target, before in enumerate(sources):
        for source in before:
            if columns[target] - columns[source] > 1 and target not in skipping.get(source, []):
                skipping.setdefault(source, []).append(target)
    lanes: dict[tuple[int, int], float] = {}

    def length(source: int) -> int:
        return max(columns[target] for target in skipping[source]) - columns[source]

    for source in sorted(skipping, key=lambda source: (length(source), source)):
        targets = skipping[source]
        passed = range(columns[source] + 1, max(columns[target] for target in targets))
        occupied = sorted(set().union(*(taken[column] for column in passed)))
        wanted = (heights[source] + sum(heights[target] for target in targets) / len(targets)) / 2
        height = _free(occupied, wanted)
        for column in passed:
            taken[column].add((height - CLEARANCE, height + CLEARANCE))
        for target in targets:
            lanes[source, target] = height
    return lanes


def _free(occupied: Sequence[tuple[float, float]], wanted: float) -> float:
    """Return the nearest height outside of all intervals, the upper one of two equally near."""
    above = below = wanted
    for low, high in occupied:
        if low < below < high:
            below = high
    for low, high in sorted(occupied, key=lambda interval: -interval[1]):
        if low < above < high:
            above = low
    return above if wanted - above <= below - wanted else below


def _port(
    center: tuple[float, float], extent: Extent, order: int, count: int
) -> tuple[float, float]:
    """Return where an edge enters a box: the left side, one below the other."""
    offset = (order - (count - 1) / 2) * min(12.0, 0.7 * extent.height / max(1, count))
    half = extent.width / 2
    depth = half if not extent.round else max(half**2 - offset**2, 0.0) ** 0.5
    return center[0] - depth, center[1] + offset
