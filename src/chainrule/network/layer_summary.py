"""A table of a network: its layers with their sizes, parameters, operations and bytes.

Operations of a forward pass are counted in the stated equations of a prediction for one sample: a
product of an (in) row and an (in, out) matrix is 2 · in · out, a multiplication and an addition for
each weight; every other sum, product, power or function is one for each of its entries, whatever
the function costs.  A row of weights that is looked up by a code costs nothing.
"""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from chainrule.formulas.axes import Axis
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Largest,
    Number,
    Power,
    Product,
    Symbol,
    children,
)
from chainrule.html_tables import block, table
from chainrule.language.text_columns import columns_of
from chainrule.network.graph import Layer
from chainrule.network.layers import CategoryLayer
from chainrule.network.scope import SAMPLES

if TYPE_CHECKING:
    from chainrule.network.architecture import Network

_WIDTH = 80
"""The columns of a text table."""
_FLOAT32 = 4
_MINUS_ONE = Number(Fraction(-1))
"""A difference is a sum with this factor: one operation, not two."""
_LEAST_NAME = 16
"""The least width of the column of layers."""
_MOST_NAME = 48
_HEADINGS = ("#", "layer", "from", "output", "activation", "parameters", "FLOPs", "bytes")
_NUMERIC = ("#", "parameters", "FLOPs", "bytes")


@dataclass(frozen=True)
class SummaryRow:
    """One application of a layer.

    ``sources`` are the numbers of the rows that it is applied to, ``width`` its outputs for a
    sample.  ``parameters`` are those that it states itself: a layer that is applied a second time
    has none there.  ``flops`` are the operations of a forward pass for one sample, ``bytes`` those
    of the parameters in float32.
    """

    number: int
    layer: str
    sources: tuple[int, ...]
    width: int
    activation: str
    parameters: int
    flops: int

    @property
    def bytes(self) -> int:
        """The bytes of the parameters in float32."""
        return _FLOAT32 * self.parameters

    @property
    def texts(self) -> tuple[str, ...]:
        """The cells of the table."""
        return (
            str(self.number),
            self.layer,
            ", ".join(map(str, self.sources)),
            f"(B, {self.width:,})",
            self.activation,
            f"{self.parameters:,}",
            f"{self.flops:,}",
            f"{self.bytes:,}",
        )


@dataclass(frozen=True)
class Summary:
    """The layers of a network, one row each, and their totals.

    ``frozen`` are the parameters that training leaves as they are, ``running`` the statistics that
    it moves without a gradient.  ``str()`` is a table of text that fits 80 columns where the
    numbers allow it; a notebook shows a table of HTML.
    """

    title: str
    rows: tuple[SummaryRow, ...]
    frozen: int
    running: int

    @property
    def parameters(self) -> int:
        """The number of all parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """The number of parameters that training changes by their gradients."""
        return self.parameters - self.frozen - self.running

    @property
    def flops(self) -> int:
        """The operations of a forward pass for one sample."""
        return sum(row.flops for row in self.rows)

    @property
    def bytes(self) -> int:
        """The bytes of all parameters in float32."""
        return _FLOAT32 * self.parameters

    @property
    def totals(self) -> str:
        """One line with the totals."""
        counts = f"{self.parameters:,} parameters: {self.trainable:,} trainable"
        if self.frozen:
            counts += f", {self.frozen:,} frozen"
        if self.running:
            counts += f", {self.running:,} running statistics"
        return (
            f"{counts}\n{self.flops:,} FLOPs per sample (forward), {self.bytes:,} bytes in float32"
        )

    def __str__(self) -> str:
        return f"{self.title}\n\n{_text_table(self.rows)}\n\n{self.totals}"

    def __repr__(self) -> str:
        return f"<Summary {self.title}>"

    def _repr_html_(self) -> str:
        rows = (row.texts for row in self.rows)
        return block(table(_HEADINGS, rows, caption=self.title, numeric=_NUMERIC, foot=self.totals))


def summary(network: "Network") -> Summary:
    """Return the table of a network's layers.

    >>> from chainrule.network.architecture import Network
    >>> found = summary(Network.dense([4, 16, 3], "relu", "log_loss"))
    >>> [(row.layer, row.parameters, row.flops) for row in found.rows]
    [('Input(4)', 0, 0), ('Dense(16, relu)', 80, 160), ('Dense(3, softmax)', 51, 102)]
    """
    scope = network._scope(batch=True, training=False)
    lengths: Mapping[Axis, int] = {**scope.lengths, SAMPLES: 1}
    looked_up = {
        scope.values[id(node)] for node in network.inputs if isinstance(node.layer, CategoryLayer)
    }
    counts = dict.fromkeys(range(len(network.nodes)), 0)
    for equation in scope.equations:
        if equation.left not in looked_up:
            number = scope.stated_by[equation.left]
            counts[number] += _operations(equation.right, lengths, looked_up)
    sizes: dict[int, int] = {}
    frozen = running = 0
    for stated in scope.parameters:
        size = math.prod(lengths[axis] for axis in stated.symbol.axes)
        sizes[id(stated.layer)] = sizes.get(id(stated.layer), 0) + size
        if stated.kind == "running":
            running += size
        elif scope.option(stated.symbol.name) is False:
            frozen += size
    numbers = {id(node): number for number, node in enumerate(network.nodes)}
    rows = tuple(
        SummaryRow(
            number=number,
            layer=name_of(node.layer),
            sources=tuple(numbers[id(source)] for source in node.sources),
            width=node.width,
            activation=", ".join(function.name for function in node.layer.functions),
            parameters=sizes.pop(id(node.layer), 0),
            flops=counts[number],
        )
        for number, node in enumerate(network.nodes)
    )
    return Summary(" ".join(str(network).split()), rows, frozen, running)


def name_of(layer: Layer) -> str:
    """Return the text of a layer on one line, activations without quotes."""
    text = str(layer)
    for function in layer.functions:
        text = text.replace(repr(function.name), function.name)
    return " ".join(text.split())


def _operations(tree: Expression, lengths: Mapping[Axis, int], looked_up: set[Symbol]) -> int:
    """Return the operations of an expression for one sample; equal parts are computed once."""
    found = 0
    seen: set[Expression] = set()
    pending = [tree]
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        parts = children(node)
        pending += parts
        entries = math.prod(lengths[axis] for axis in node.axes)
        if isinstance(node, Product):
            factors = [part for part in parts if part not in looked_up and part != _MINUS_ONE]
            picked = {axis for part in parts if part in looked_up for axis in part.axes}
            summed = [axis for axis in node.summed if axis not in picked]
            inside = entries * math.prod(lengths[axis] for axis in summed)
            found += inside * (max(0, len(factors) - 1) + bool(summed))
        elif isinstance(node, Add):
            found += entries * (len(parts) - 1)
        elif isinstance(node, (Power, Apply)):
            found += entries
        elif isinstance(node, Largest):
            found += math.prod(lengths[axis] for axis in parts[0].axes)
    return found


# -- tables ------------------------------------------------------------------------------------


def _text_table(rows: tuple[SummaryRow, ...]) -> str:
    cells = [_HEADINGS, *(row.texts for row in rows)]
    columns = range(len(_HEADINGS))
    widths = [max(columns_of(texts[column]) for texts in cells) for column in columns]
    # A number is never broken; a list of sources is, and a name gets what remains.
    widths[2] = min(widths[2], 10)
    widths[4] = min(widths[4], 12)
    others = sum(widths) - widths[1] + 2 * (len(widths) - 1)
    widths[1] = max(min(widths[1], _LEAST_NAME), min(widths[1], _MOST_NAME, _WIDTH - others))
    lines: list[str] = []
    for number, texts in enumerate(cells):
        parts = [_wrapped(text, width) for text, width in zip(texts, widths, strict=True)]
        for height in range(max(map(len, parts))):
            line: list[str] = []
            for part, width, heading in zip(parts, widths, _HEADINGS, strict=True):
                text = part[height] if height < len(part) else ""
                blank = " " * (width - columns_of(text))
                line.append(blank + text if heading in _NUMERIC else text + blank)
            lines.append("  ".join(line).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    fitting = width if columns_of(text) == len(text) else width // 2
    return textwrap.wrap(text, fitting) or [""]
