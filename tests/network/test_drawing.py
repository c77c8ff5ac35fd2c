"""Drawings: well-formed, complete, without overlaps, safe for any name."""

import itertools
import math
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.formulas.functions import z
from chainrule.network.activations import Activation, activation
from chainrule.network.architecture import Network
from chainrule.network.embeddings import Embedding
from chainrule.network.gradients import differentiate
from chainrule.network.graph import Node
from chainrule.network.layers import Categories, Dense, Gated, Input
from chainrule.network.normalization import BatchNorm, LayerNorm

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


def residual(blocks: int = 3) -> Network:
    x = Input(8)
    h: Node = Dense(16, "silu")(x)
    for _ in range(blocks):
        h = h + Dense(16)(Dense(16, "silu")(LayerNorm()(h)))
    return Network(x, Dense(3, "softmax")(h), "log_loss")


def two_heads() -> Network:
    x, c = Input(8, "values"), Categories(12)
    h: Node = Dense(16, "silu")(x, Embedding(4)(c))
    h = h + Dense(16)(h)
    return Network([x, c], [Dense(1)(h), Dense(3, "softmax")(BatchNorm()(h))], ["mse", "log_loss"])


def nested() -> Network:
    x = Input(8)
    a = Dense(16, "relu")(x)
    b = Dense(8, "relu")(a)
    d = Dense(8, "relu")(Dense(4, "relu")(b), b)
    e = Dense(16, "relu")(d, a)
    return Network(x, Dense(1)(e, x) * Dense(1)(Gated(8)(x)) - Dense(1)(x))


GRAPHS = [residual(), two_heads(), nested()]


def parsed(network: Network, *, backward: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(network.draw(backward=backward).svg)


def by_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.get("class") == name]


def groups(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("layer")]


def boxes(root: ElementTree.Element) -> list[Box]:
    """Return left, top, right, bottom of every shape."""
    found: list[Box] = []
    for shape in by_class(root, "shape"):
        if shape.tag == f"{SVG}rect":
            x, y, w, h = (float(shape.attrib[k]) for k in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
        else:
            x, y, r = (float(shape.attrib[k]) for k in ("cx", "cy", "r"))
            found.append((x - r, y - r, x + r, y + r))
    return found


def points(path: str) -> list[tuple[float, float]]:
    """Return points along a path of M, H, C and L."""
    found: list[tuple[float, float]] = []
    for command, text in re.findall(r"([MHCL])([^MHCL]*)", path):
        values = [float(value) for value in text.split()]
        if command == "H":
            y = found[-1][1]
            start = found[-1][0]
            found += [(start + (values[0] - start) * k / 40, y) for k in range(1, 41)]
        elif command == "C":
            (x0, y0), (x1, y1, x2, y2, x3, y3) = found[-1], values
            for k in range(1, 21):
                t, u = k / 20, 1 - k / 20
                found.append(
                    (
                        u**3 * x0 + 3 * u * u * t * x1 + 3 * u * t * t * x2 + t**3 * x3,
                        u**3 * y0 + 3 * u * u * t * y1 + 3 * u * t * t * y2 + t**3 * y3,
                    )
                )
        else:
            found.append((values[0], values[1]))
    return found


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    "network", [cr.Network.dense([4, 16, 3], "relu", "log_loss"), cr.Network.dense([1, 1]), *GRAPHS]
)
def test_every_layer_is_drawn_once_and_nothing_overlaps(network: Network, backward: bool) -> None:
    root = parsed(network, backward=backward)
    drawn = [g.get("data-layer") for g in groups(root)]
    assert sorted(drawn, key=str) == sorted(map(str, range(len(network.nodes))))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    found = boxes(root)
    for left, top, right, bottom in found:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    for one, two in itertools.combinations(found, 2):
        apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
        assert apart, (one, two)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("network", GRAPHS)
def test_edges_are_the_connections_and_avoid_the_boxes(network: Network, backward: bool) -> None:
    root = parsed(network, backward=backward)
    edges = by_class(root, "edge")
    assert len(edges) == sum(len(node.sources) for node in network.nodes)
    for edge in (*edges, *by_class(root, "back")):
        for x, y in points(edge.attrib["d"]):
            for left, top, right, bottom in boxes(root):
                # 2: a port of a circle is on its edge, inside of the square around it.
                inside = left + 4.5 < x < right - 4.5 and top + 2 < y < bottom - 2
                assert not inside, (edge.attrib["d"], x, y)


def test_a_small_chain_has_all_neurons_and_edges() -> None:
    root = parsed(cr.Network.dense([2, 3, 1]))
    assert len(by_class(root, "shape")) == 6
    assert len(by_class(root, "edge")) == 2 * 3 + 3 * 1
    assert not by_class(root, "dot")


def test_a_large_layer_is_folded_and_counted() -> None:
    root = parsed(cr.Network.dense([4, 10_000, 3], "relu", "log_loss"))
    assert [len(by_class(g, "shape")) for g in groups(root)] == [4, 5, 3]
    assert len(by_class(root, "dot")) == 3
    assert "10,000 units" in "".join(root.itertext())


def test_sums_products_and_differences_are_circles() -> None:
    root = parsed(nested())
    circles = [s for s in by_class(root, "shape") if s.tag == f"{SVG}circle"]
    assert len(circles) == len(by_class(root, "sign")) == 2


@pytest.mark.parametrize("network", [cr.Network.dense([2, 3, 1]), *GRAPHS])
def test_backward_names_are_those_of_the_derivation(network: Network) -> None:
    known = {entry.left.name for entry in differentiate(network.formulation()).backward}
    root = parsed(network, backward=True)
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    for name in known - {"∂Loss/∂Loss"}:
        data_loss = name in ("∂Loss/∂Loss_1", "∂Loss/∂Loss_2", "∂Loss/∂DataLoss")
        assert data_loss or any(name in title for title in titles), name
    assert by_class(root, "back")
    assert not by_class(parsed(network), "back")


def unchecked(name: str) -> Activation:
    """Return an activation with a name that is refused otherwise: the writer escapes by itself."""
    function = activation("halved", z / 2)
    object.__setattr__(function, "name", name)
    return function


def test_names_are_escaped() -> None:
    hostile = "<script>alert(1)</script>]]>&\"'\x00\x1b"
    x = Input(2, hostile)
    networks = [
        Network(x, Dense(1, unchecked(hostile))(x)),
        Network((y := Input(2, "很长的名字" * 500)), Dense(2, unchecked("é" * 5000))(y) * y),
    ]
    for network in networks:
        for backward in (False, True):
            drawing = network.draw(backward=backward)
            root = ElementTree.fromstring(drawing.svg)
            assert not list(root.iter(f"{SVG}script"))
            assert "<script" not in drawing._repr_html_()
            _, _, width, _ = map(float, root.attrib["viewBox"].split())
            assert width < 2000


def test_it_has_a_title_a_description_and_both_schemes() -> None:
    for language, title in (("en", "Network: 2-3-1"), ("zh", "网络：2-3-1")):
        svg = cr.Network.dense([2, 3, 1]).draw(language=language).svg
        root = ElementTree.fromstring(svg)
        first = root.find(f"{SVG}title")
        assert first is not None
        assert (first.text or "").startswith(title)
        assert root.find(f"{SVG}desc") is not None
        assert "prefers-color-scheme:dark" in svg
        assert "<script" not in svg
        assert root.attrib["role"] == "img"
    with pytest.raises(InputError, match="unknown language 'xx'"):
        cr.Network.dense([2, 3, 1]).draw(language="xx")


def test_it_is_saved_as_a_whole(tmp_path: Path) -> None:
    drawing = residual().draw()
    drawing.save(tmp_path / "network.svg")
    assert (tmp_path / "network.svg").read_text(encoding="utf-8") == drawing.svg
    assert [file.name for file in tmp_path.iterdir()] == ["network.svg"]
    with pytest.raises(InputError, match="directory"):
        drawing.save(tmp_path)


@pytest.mark.parametrize(
    "network", [residual(50), cr.Network.dense([10_000] * 200, "relu"), cr.Network.dense([9] * 10)]
)
def test_a_large_network_is_small_and_quick(network: Network) -> None:
    start = time.perf_counter()
    svg = network.draw().svg
    assert time.perf_counter() - start < 1
    assert len(svg.encode()) < 1_000_000
    assert math.isfinite(sum(sum(box) for box in boxes(ElementTree.fromstring(svg))))
