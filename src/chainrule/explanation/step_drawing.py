"""The drawing of one step of training: a small dense network with the numbers of one sample.

Each unit has its value inside, its bias above and its δ below; each connection has its weight. A
larger network, a batch or another kind of network is drawn without numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from chainrule.arrays import Array
from chainrule.language.phrase_books import phrases_of
from chainrule.network.drawing import NetworkDrawing, drawing_for_page
from chainrule.network.drawing_elements import shortened
from chainrule.network.drawing_marks import Circle, Group, Label, Mark, Name, Path, Picture
from chainrule.network.drawing_svg import svg_of
from chainrule.network.layer_summary import name_of
from chainrule.network.network_titles import network_title

if TYPE_CHECKING:
    from chainrule.explanation.step_values import StepValues

__all__ = ["step_drawing"]

MOST_UNITS, MOST_CONNECTIONS, MOST_LAYERS = 6, 16, 5
"""Connections: between two layers."""
_LETTERS = 7
"""Of a number inside a unit."""
_RADIUS, _ROW, _MARGIN, _TOP = 26.0, 92.0, 64.0, 110.0
_STEP, _STEP_OF_UNIT = 120.0, 48.0
"""Between two columns: so much, and so much for each unit of the left one."""
_FIRST, _LAST = 0.22, 0.66
"""Where weights are written, as shares of their connections: those of each unit one below another,
those of different units beside each other."""


def step_drawing(
    batch: StepValues, values: Mapping[str, Array], language: str
) -> NetworkDrawing | None:
    """Return the drawing of a step for a page; None for a network too large for one.

    ``values`` are those of the lines of the explanation by the names of their left sides.
    """
    network = batch.network
    if not (network.is_dense and batch.single and _is_small(network.layers)):
        return drawing_for_page(network, language)
    picture = _Step(batch, values, language).picture()
    return NetworkDrawing(svg_of(picture), picture)


def _is_small(widths: Sequence[int]) -> bool:
    """Return whether there is room for the numbers of a network."""
    connections = max(before * after for before, after in pairwise(widths))
    few = max(widths) <= MOST_UNITS and connections <= MOST_CONNECTIONS
    return few and len(widths) <= MOST_LAYERS


def _figure(number: float) -> str:
    """Return a number with three significant digits, or two where it is long.

    >>> [_figure(number) for number in (0.5, -0.25, -0.0123456, 123456.0, -0.0)]
    ['0.5', '−0.25', '−0.0123', '1.2e+05', '0']
    """
    number += 0.0  # there is no negative zero
    text = f"{number:.3g}"
    return (text if len(text) <= _LETTERS else f"{number:.2g}").replace("-", "−")


class _Step:
    """What is drawn: the units by their columns, and the numbers at them."""

    def __init__(self, batch: StepValues, values: Mapping[str, Array], language: str) -> None:
        self.batch, self.language = batch, language
        self.texts = phrases_of("drawing", language)
        self.widths = batch.network.layers
        formulation = batch.formulation
        lefts = [equation.left for equation in formulation.equations]
        sums = [left for left in lefts if left in formulation.deltas]
        outputs = [lefts[lefts.index(left) + 1] for left in sums]
        deltas = {entry.of: entry.left.name for entry in batch.gradients.backward}
        self.names = [formulation.inputs[0].name, *(symbol.name for symbol in outputs)]
        self.values = [_flat(batch.given[self.names[0]])]
        self.values += [_flat(values[symbol.name]) for symbol in outputs]
        self.deltas: list[tuple[str, Array]] = [
            (deltas[symbol], _flat(values[deltas[symbol]])) for symbol in sums
        ]
        self.target = formulation.inputs[1]
        self.loss = float(_flat(values[formulation.loss.name])[0])
        self.columns = [_MARGIN]
        for width in self.widths[:-1]:
            self.columns.append(self.columns[-1] + _STEP + _STEP_OF_UNIT * max(width, 2))
        self.tall = _ROW * (max(self.widths) - 1)
        self.bottom = _TOP + self.tall + _RADIUS + 40

    def height(self, column: int, unit: int) -> float:
        return _TOP + self.tall / 2 + _ROW * (unit - (self.widths[column] - 1) / 2)

    def picture(self) -> Picture:
        network = self.batch.network
        marks: list[Mark] = [*self.connections()]
        for number, node in enumerate(network.nodes):
            names = [self.names[number], *([self.deltas[number - 1][0]] if number else [])]
            tip = f"{name_of(node.layer)}: {', '.join(names)}"
            marks.append(Group(number, number == 0, tip, tuple(self.column(number))))
        marks += self.weights()
        marks += self.ends()
        title = shortened(network_title(network, self.language), 200)
        title = self.texts["title"].format(network=title)
        description = self.texts["description_step"]
        width = self.columns[-1] + _MARGIN + 84
        return Picture(width, self.bottom + 24, title, description, tuple(marks), "step")

    def connections(self) -> Iterator[Mark]:
        for number, (left, right) in enumerate(pairwise(self.columns)):
            for before in range(self.widths[number]):
                for after in range(self.widths[number + 1]):
                    start = f"M{left + _RADIUS:.1f} {self.height(number, before):.1f}"
                    end = f"L{right - _RADIUS:.1f} {self.height(number + 1, after):.1f}"
                    yield Path(start + end, head="")

    def column(self, number: int) -> Iterator[Mark]:
        x = self.columns[number]
        layer = self.batch.network.nodes[number].layer
        yield Label(x, 26, (Name(self.names[number]),))
        if layer.functions:
            functions = ", ".join(function.name for function in layer.functions)
            yield Label(x, 44, (shortened(functions, 18),), "soft")
        bias = self.parameter("b", number)
        for unit, value in enumerate(self.values[number]):
            y = self.height(number, unit)
            yield Circle(x, y, _RADIUS)
            yield Label(x, y + 4, (_figure(value),))
            if bias is not None:  # one number where the layer shares it
                text = f"b {_figure(np.broadcast_to(bias, len(self.values[number]))[unit])}"
                yield Label(x, y - _RADIUS - 5, (text,), "soft")
            if number:
                name, deltas = self.deltas[number - 1]
                below = (Name(name), f" {_figure(deltas[unit])}")
                yield Label(x, y + _RADIUS + 15, below, "cotangent")

    def weights(self) -> Iterator[Mark]:
        for number, (left, right) in enumerate(pairwise(self.columns)):
            weights = self.parameter("W", number + 1)
            assert weights is not None
            count = self.widths[number]
            for before, row in enumerate(weights.reshape(count, -1)):
                share = _FIRST + (_LAST - _FIRST) * (before / (count - 1) if count > 1 else 0.5)
                for after, weight in enumerate(row):
                    y0, y1 = self.height(number, before), self.height(number + 1, after)
                    x = left + _RADIUS + share * (right - left - 2 * _RADIUS)
                    yield Label(x, y0 + share * (y1 - y0) + 4, (_figure(weight),), "number")

    def ends(self) -> Iterator[Mark]:
        """Yield the targets beside the outputs, and the loss."""
        x = self.columns[-1] + _RADIUS + 46
        last = len(self.widths) - 1
        for unit, value in enumerate(_flat(self.batch.given[self.target.name])):
            text = (Name(self.target.name), f" {_figure(value)}")
            yield Label(x, self.height(last, unit) + 4, text, "soft")
        loss = (Name(self.batch.formulation.loss.name), f" {_figure(self.loss)}")
        yield Label(self.columns[-1], self.bottom + 6, loss)

    def parameter(self, letter: str, number: int) -> Array | None:
        """Return a layer's weights or bias; inputs, and layers without a bias, have none."""
        layer = self.batch.network.nodes[number].layer
        for stated in self.batch.network.stated_parameters:
            if stated.layer is layer and stated.symbol.name.startswith(f"{letter}_"):
                return self.batch.parameters[stated.symbol.name]
        return None


def _flat(value: Array | float) -> Array:
    return np.asarray(value, dtype=float).reshape(-1)
