"""A drawing of a network: from the inputs on the left to the outputs on the right, in SVG and TikZ.

A short chain of dense layers is drawn as single neurons, every other network as a graph of layers.
The drawing has neither scripts nor fonts of its own and follows the light or dark scheme of the
page that it is in.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from zlib import crc32

from chainrule.files import write_atomically
from chainrule.formulas.expressions import Symbol
from chainrule.language.phrase_books import phrases_of
from chainrule.language.text_columns import columns_of
from chainrule.network.arithmetic import Combination
from chainrule.network.drawing_elements import (
    LETTER,
    Drawing,
    shortened,
)
from chainrule.network.drawing_layout import Arrangement, Extent, arranged
from chainrule.network.drawing_marks import (
    Box,
    Circle,
    Group,
    Label,
    Mark,
    Name,
    Path,
    Picture,
    Sign,
    Text,
    names_length,
    names_listed,
)
from chainrule.network.drawing_svg import svg_of
from chainrule.network.drawing_tikz import tikz_of
from chainrule.network.gradients import differentiate
from chainrule.network.graph import Layer, Node
from chainrule.network.layer_summary import name_of
from chainrule.network.layers import InputLayer
from chainrule.network.network_titles import counted, network_title

if TYPE_CHECKING:
    from chainrule.network.architecture import Network
    from chainrule.network.scope import Scope

MOST_ON_PAGE = 40
"""The most nodes of a network that is drawn without a request for it."""
_MOST_UNITS = 10
"""The most units of a layer that are drawn as neurons each."""
_FIRST_UNITS = 4
"""How many units of a larger layer are drawn, beside the last."""
_MOST_NEURON_LAYERS = 10
_MOST_LISTED = 12
"""The most layers that the description names."""
_NAME = 22
"""The most letters of a layer's name in a box."""
_NAMES = 28
"""The most letters of the names of symbols in a box."""
_LINE = 18.0
_RADIUS = 12.0
_ROW = 34.0
_SHIFT = 5.0
"""Between an arrow and the arrow back."""


@dataclass(frozen=True, repr=False)
class NetworkDrawing(Drawing):
    """The drawing of a network; ``picture`` is what it consists of."""

    picture: Picture

    def to_tikz(self) -> str:
        r"""Return the drawing for a document in LaTeX with ``\usepackage{tikz}``.

        It is as large as it is; ``\resizebox{\linewidth}{!}{...}`` fits it to the page.

        >>> from chainrule.network.architecture import Network
        >>> print(Network.dense([2, 3, 1]).draw().to_tikz().splitlines()[0])
        \begin{tikzpicture}[
        """
        return tikz_of(self.picture)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write SVG, or TikZ where the name ends in ``.tex``; a file is replaced as a whole.

        Raises ``InputError`` where the path cannot be written.
        """
        is_latex = os.fsdecode(path).lower().endswith(".tex")
        write_atomically(path, (self.to_tikz() if is_latex else self.svg).encode())


def draw(network: "Network", *, backward: bool = False, language: str = "en") -> NetworkDrawing:
    """Return the drawing of a network; with ``backward`` with the arrows back and their cotangents.

    ``language`` is that of the words, "en" or "zh".

    >>> from chainrule.network.architecture import Network
    >>> drawing = draw(Network.dense([2, 3, 1]))
    >>> drawing.svg.count('class="edge"')
    9
    """
    scene = _Scene(network, language, _cotangents(network) if backward else {})
    chain = network.is_dense and len(network.nodes) <= _MOST_NEURON_LAYERS
    picture = scene.neurons() if chain else scene.graph()
    return NetworkDrawing(svg_of(picture), picture)


def drawing_for_page(network: "Network", language: str) -> NetworkDrawing | None:
    """Return the drawing with the arrows back for a document, None for a very large network."""
    if len(network.nodes) > MOST_ON_PAGE:
        return None
    return draw(network, backward=True, language=language)


def _cotangents(network: "Network") -> dict[Symbol, str]:
    """Return the name of each cotangent of the backward pass."""
    gradients = differentiate(network.formulation())
    return {entry.of: entry.left.name for entry in gradients.backward}


class _Scene:
    """What is drawn: the network, the words, and the names of cotangents (none without them)."""

    def __init__(self, network: "Network", language: str, cotangents: Mapping[Symbol, str]) -> None:
        self.network, self.language, self.cotangents = network, language, cotangents
        self.texts = phrases_of("drawing", language)
        scope: Scope = network._scope(batch=True, training=True)
        self.nodes = network.nodes
        self.numbers = {id(node): number for number, node in enumerate(self.nodes)}
        self.values = [scope.values[id(node)] for node in self.nodes]
        self.parameters: dict[int, list[Symbol]] = {}
        # Running statistics last, as long names leave no space for others.
        for stated in sorted(scope.parameters, key=lambda stated: stated.kind == "running"):
            self.parameters.setdefault(id(stated.layer), []).append(stated.symbol)
        self.stated: dict[int, list[Symbol]] = {}
        for found, number in scope.stated_by.items():
            self.stated.setdefault(number, []).append(found)
        self.key = f"{crc32((str(network) + str(len(cotangents))).encode()):08x}"

    # -- texts ---------------------------------------------------------------------------------

    def counted(self, noun: str, count: int) -> str:
        """Return "16 units", or "1 unit"."""
        return counted(noun, count, self.language)

    def backward_names(self, number: int) -> list[str]:
        """Return the names of the cotangents of a node's values, those of its outputs last."""
        stated = self.stated.get(number, [])
        return [self.cotangents[found] for found in stated if found in self.cotangents]

    def gradient_names(self, number: int) -> list[str]:
        """Return the names of the gradients of a node's parameters."""
        stated = self.parameters_of(number)
        return [self.cotangents[found] for found in stated if found in self.cotangents]

    def parameters_of(self, number: int) -> list[Symbol]:
        return self.parameters.get(id(self.nodes[number].layer), [])

    def whole(self, width: float, height: float, marks: Sequence[Mark]) -> Picture:
        """Return the picture with its texts for readers."""
        network = self.network
        names = [name_of(node.layer) for node in self.nodes]
        listed = [shortened(name, 60) for name in names[:_MOST_LISTED]]
        if len(names) > _MOST_LISTED:
            listed.append(self.texts["more"].format(count=len(names) - _MOST_LISTED))
        description = self.texts["description"].format(
            inputs=self.counted("input", sum(node.width for node in network.inputs)),
            outputs=self.counted("output", sum(node.width for node in network.outputs)),
            layers=len(names) - len(network.inputs),
            listed=", ".join(listed),
        )
        if self.cotangents:
            description += " " + self.texts["description_backward"]
        title = shortened(network_title(network, self.language), 200)
        title = self.texts["title"].format(network=title)
        return Picture(width, height, title, description, tuple(marks), self.key)

    def group(self, number: int, inside: Iterable[Mark]) -> Group:
        """Return the group of a layer, with its full name for screen readers."""
        node = self.nodes[number]
        names = [self.values[number].name, *(found.name for found in self.parameters_of(number))]
        names += [*self.backward_names(number), *self.gradient_names(number)]
        tip = f"{name_of(node.layer)}: {', '.join(names)}"
        return Group(number, isinstance(node.layer, InputLayer), tip, tuple(inside))

    # -- graphs --------------------------------------------------------------------------------

    def graph(self) -> Picture:
        """Return the drawing with one box for each layer."""
        lines = [self.box_lines(number) for number in range(len(self.nodes))]
        sources = [[self.numbers[id(source)] for source in node.sources] for node in self.nodes]
        order = self.inputs_first()
        position = {number: index for index, number in enumerate(order)}
        arrangement = arranged(
            [[position[source] for source in sources[number]] for number in order],
            [self.extent(self.nodes[number].layer, lines[number]) for number in order],
            [position[self.numbers[id(node)]] for node in self.network.outputs],
        )
        marks: list[Mark] = [*self.graph_edges(arrangement, order)]
        for index, number in enumerate(order):
            x, y = arrangement.centers[index]
            extent = self.extent(self.nodes[number].layer, lines[number])
            marks.append(self.group(number, self.box(number, x, y, extent, lines[number])))
        return self.whole(arrangement.width, arrangement.height, marks)

    def inputs_first(self) -> list[int]:
        """Return the numbers of the nodes, inputs in their order before all others."""
        given = [self.numbers[id(node)] for node in self.network.inputs]
        return [*given, *(number for number in range(len(self.nodes)) if number not in given)]

    def box_lines(self, number: int) -> list[tuple[Text, str, int]]:
        """Return the lines of a box: a text, its style and its letters."""
        node = self.nodes[number]
        name = shortened(name_of(node.layer), _NAME)
        count = self.counted("value", node.width)
        value = self.values[number].name
        lines: list[tuple[Text, str, int]] = []
        if not isinstance(node.layer, Combination):
            lines.append(((name,), "", columns_of(name)))
        letters = names_length([value], _NAME) + columns_of(count) + 1
        lines.append(((*names_listed([value], _NAME), f" · {count}"), "soft", letters))
        for names, style in (
            ([found.name for found in self.parameters_of(number)], ""),
            (self.backward_names(number)[::-1], "cotangent"),
            (self.gradient_names(number), "cotangent"),
        ):
            if names:
                lines.append((names_listed(names, _NAMES), style, names_length(names, _NAMES)))
        return lines

    def extent(self, layer: Layer, lines: Sequence[tuple[Text, str, int]]) -> Extent:
        width = max(letters for _, _, letters in lines) * LETTER
        if isinstance(layer, Combination):
            size, labels = 2 * _RADIUS + 4, _LINE * len(lines) + 4
            return Extent(size, size, round=True, labels=labels, reach=width)
        width += 20
        return Extent(width, _LINE * len(lines) + 14)

    def box(
        self, number: int, x: float, y: float, extent: Extent, lines: list[tuple[Text, str, int]]
    ) -> Iterator[Mark]:
        layer = self.nodes[number].layer
        if isinstance(layer, Combination):
            yield Circle(x, y, extent.width / 2)
            yield Sign(layer.kind, x, y)
            below = y + extent.height / 2 + 14
        else:
            left, top = x - extent.width / 2, y - extent.height / 2
            yield Box(left, top, extent.width, extent.height)
            below = top + 20
        for index, (text, style, _) in enumerate(lines):
            yield Label(x, below + _LINE * index, text, style)

    def graph_edges(self, arrangement: Arrangement, order: Sequence[int]) -> Iterator[Mark]:
        for edge in arrangement.edges:
            yield Path(edge.path())
        if self.cotangents:
            for edge in arrangement.edges:
                if self.backward_names(order[edge.source]):
                    yield Path(edge.path(_SHIFT), "back", "start")

    # -- neurons -------------------------------------------------------------------------------

    def neurons(self) -> Picture:
        """Return the drawing of a dense chain with its single neurons."""
        widths = [node.width for node in self.nodes]
        rows = [width if width <= _MOST_UNITS else _FIRST_UNITS + 2 for width in widths]
        step = self.step()
        left = max(60.0, 0.5 * LETTER * max(map(self.foot_letters, range(len(widths)))) + 12)
        top = 58.0
        tall = (max(rows) - 1) * _ROW
        columns = [left + step * number for number in range(len(widths))]
        heights = [
            self.unit_heights(count, width, top + tall / 2)
            for count, width in zip(rows, widths, strict=True)
        ]
        marks: list[Mark] = [
            Path(f"M{x0 + _RADIUS:.0f} {y0:.0f}L{x1 - _RADIUS:.0f} {y1:.0f}", head="")
            for (x0, before), (x1, after) in pairwise(zip(columns, heights, strict=True))
            for y0 in before
            for y1 in after
        ]
        bottom = top + tall + _RADIUS
        for number, (x, units) in enumerate(zip(columns, heights, strict=True)):
            marks.append(self.group(number, self.column(number, x, units, bottom)))
        if self.cotangents:
            y = bottom + 2 * _LINE + 32
            for number, (x0, x1) in enumerate(pairwise(columns), start=1):
                end = x0 + 44 if number > 1 else (x0 + x1) / 2 - 30
                marks.append(Path(f"M{x1 - 44:.1f} {y:.1f}H{end:.1f}", "back"))
        lines = 2 + 2 * bool(self.cotangents)
        height = bottom + lines * _LINE + 26 + (_LINE if self.cotangents else 0)
        return self.whole(columns[-1] + left, height, marks)

    def foot_letters(self, number: int) -> int:
        node = self.nodes[number]
        return max(
            columns_of(self.unit_count(number)),
            columns_of(shortened(self.function(node), 18)),
            *(columns_of(name) for name in self.backward_names(number)),
            0,
        )

    def step(self) -> float:
        """Return the distance of two columns: that their labels do not touch."""
        gaps = [
            max((columns_of(found.name) + 2 for found in self.parameters_of(number)), default=0)
            for number in range(1, len(self.nodes))
        ]
        gradients = [
            columns_of(name)
            for number in range(1, len(self.nodes))
            for name in self.gradient_names(number)
        ]
        feet = [self.foot_letters(number) for number in range(len(self.nodes))]
        return max(
            150.0,
            LETTER * (2 * max(gaps) + 6),
            LETTER * (max(gradients, default=0) + max(feet) + 3),
        )

    @staticmethod
    def unit_heights(count: int, width: int, middle: float) -> list[float]:
        """Return the heights of the neurons that are drawn; dots are before the last."""
        first = middle - _ROW * (count - 1) / 2
        drawn = range(count) if count == width else [*range(_FIRST_UNITS), count - 1]
        return [first + _ROW * row for row in drawn]

    @staticmethod
    def function(node: Node) -> str:
        return ", ".join(function.name for function in node.layer.functions)

    def unit_count(self, number: int) -> str:
        noun = "input" if number == 0 else "output" if number == len(self.nodes) - 1 else "unit"
        return self.counted(noun, self.nodes[number].width)

    def column(
        self, number: int, x: float, units: Sequence[float], bottom: float
    ) -> Iterator[Mark]:
        node = self.nodes[number]
        for y in units:
            yield Circle(x, y, _RADIUS)
        if len(units) < node.width:
            gap = units[-1] - _ROW
            for shift in (-8, 0, 8):
                yield Circle(x, gap + shift, 2, "dot")
        yield Label(x, 26, (Name(self.values[number].name),))
        yield Label(x, bottom + 22, (self.unit_count(number),), "soft")
        function = self.function(node)
        if function:
            text = shortened(" ".join(function.split()), 18)
            yield Label(x, bottom + 22 + _LINE, (text,), "soft")
        names = [found.name for found in self.parameters_of(number)]
        middle = x - self.step() / 2
        if names:
            yield Label(middle, 26, names_listed(names, _NAMES))
        y = bottom + 2 * _LINE + 28
        back = self.backward_names(number)
        for index, name in enumerate(back[::-1]):
            yield Label(x, y + _LINE * index, (Name(name),), "cotangent")
        for index, name in enumerate(self.gradient_names(number)):
            yield Label(middle, y - 6 + (_LINE + 10) * index, (Name(name),), "cotangent")
