"""Drawings in TikZ: what the SVG has, balanced, safe for any name."""

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.explanation.step_drawing import step_drawing
from tests.network.test_drawing import GRAPHS, by_class, nested, parsed, points, unchecked

NETWORKS = [
    cr.Network.dense([4, 16, 3], "relu", "log_loss"),
    cr.Network.dense([2, 3, 1]),
    cr.Network.dense([1, 1]),
    *GRAPHS,
]
NUMBER = r"(-?[0-9.]+)"
POINT = rf"\({NUMBER},{NUMBER}\)"


def lines(tikz: str) -> list[str]:
    """Return the commands of a picture, each of which ends a line."""
    begin, *rest = tikz.split("]\n", 1)[1].splitlines()
    assert tikz.startswith("\\begin{tikzpicture}[\n")
    assert rest[-1] == "\\end{tikzpicture}"
    return [begin, *rest[:-1]]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_it_has_every_shape_and_arrow_of_the_svg(network: cr.Network, backward: bool) -> None:
    root = parsed(network, backward=backward)
    commands = lines(network.draw(backward=backward).to_tikz())
    assert all(re.fullmatch(r"  \\(path|node)(\[.*\])? .*;", command) for command in commands)
    assert all("cr " in command or "\\node at" in command for command in commands)

    def count(*words: str) -> int:
        return sum(all(word in command for word in words) for command in commands)

    assert count("\\path[cr shape") + count("\\path[cr given") == len(by_class(root, "shape"))
    assert count("\\path[cr dot") == len(by_class(root, "dot"))
    assert count("\\path[cr edge") == len(by_class(root, "edge"))
    assert count("\\path[cr back") == len(by_class(root, "back"))
    assert count("\\node at") == len(by_class(root, "sign"))
    texts = [element for element in root.iter() if element.tag.endswith("}text")]
    assert count("\\node[cr ") == len(texts)


@pytest.mark.parametrize("network", NETWORKS)
def test_paths_are_those_of_the_svg(network: cr.Network) -> None:
    root = parsed(network, backward=True)
    commands = lines(network.draw(backward=True).to_tikz())
    heads = heads_of(root)
    for style in ("edge", "back"):
        paths = [c for c in commands if f"\\path[cr {style}" in c]
        expected = [element.attrib["d"] for element in by_class(root, style)]
        for command, data in zip(paths, expected, strict=True):
            found = [tuple(map(float, pair)) for pair in re.findall(POINT, command)]
            ends = [points(data)[0], points(data)[-1]]
            np.testing.assert_allclose([found[0], found[-1]], ends, atol=0.051)
            assert command.count("controls") == data.count("C")
            assert command.split("]")[0].removeprefix(rf"  \path[cr {style}") == heads[data]


def heads_of(root: ElementTree.Element) -> dict[str, str]:
    """Return where the head of an arrow is, as TikZ has it, by the data of its path."""
    found = {}
    for style in ("edge", "back"):
        for path in by_class(root, style):
            ends = {"marker-end": ", ->", "marker-start": ", <-"}
            found[path.attrib["d"]] = "".join(ends[key] for key in path.attrib if key in ends)
    return found


@pytest.mark.parametrize("network", NETWORKS)
def test_texts_are_those_of_the_svg(network: cr.Network) -> None:
    root = parsed(network)
    texts = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]
    nodes = [c for c in lines(network.draw().to_tikz()) if "\\node[cr " in c]
    for command, text in zip(nodes, texts, strict=True):
        written = command[command.index(") {") + 3 : -2]
        plain = re.sub(r"\\(mathrm|gamma|beta|dots|mu|sigma)\b|[{}$\\_]", "", written)
        words = re.findall("[A-Za-z0-9]+", text)
        assert all(word in plain or word in "γβμσ" for word in words), (text, written)


def test_names_are_escaped() -> None:
    hostile = "\\input{x}%$&#_^~{\n\x00]; \\end{tikzpicture}"
    x = cr.Input(2, hostile)
    for network in (
        cr.Network(x, cr.Dense(1, unchecked(hostile))(x)),
        cr.Network((y := cr.Input(2, hostile)), cr.Dense(2, unchecked(hostile))(y) * y),
    ):
        tikz = network.draw(backward=True).to_tikz()
        assert tikz.count("\\end{tikzpicture}") == 1
        assert "\\input" not in tikz
        assert not re.search("[\x00-\x09\x0b-\x1f]", tikz)
        plain = tikz.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}")
        assert not re.search(r"(?<!\\)[%&#]", plain)
        assert all(c.startswith("  \\") and c.endswith(";") for c in lines(tikz))


def test_save_writes_what_the_ending_says(tmp_path: Path) -> None:
    drawing = cr.Network.dense([2, 3, 1]).draw()
    drawing.save(tmp_path / "network.TEX")
    assert (tmp_path / "network.TEX").read_text(encoding="utf-8") == drawing.to_tikz()
    drawing.save(tmp_path / "network.svg")
    assert (tmp_path / "network.svg").read_text(encoding="utf-8") == drawing.svg
    with pytest.raises(InputError):
        drawing.save(tmp_path / "no" / "network.tex")


def test_documents_have_the_drawing_below_their_title() -> None:
    network = cr.Network.dense([2, 3, 1])
    explanation = cr.explain(network, network.initialize(seed=0), [[0.5, 1.0]], [[1.0]])
    step = step_drawing(explanation.batch, explanation.values, "zh")
    assert step is not None
    for document, drawn in (
        (cr.derive(network), network.draw(backward=True, language="zh").to_tikz().rstrip("\n")),
        (explanation, step.to_tikz().rstrip("\n")),
    ):
        for whole in (True, False):
            latex = document.to_latex("zh", document=whole)
            assert latex.count(drawn) == 1
            assert latex.index("\\section*") < latex.index(drawn) < latex.index("\\subsection*")
            head = latex[: latex.index("\\section*")]
            assert "tikz" in head
            assert "graphicx" in head
    assert "tikzpicture" not in cr.derive(deep()).to_latex()
    assert "tikz" not in cr.derive(network)._repr_latex_()


def deep() -> cr.Network:
    """A network of 41 nodes."""
    return cr.Network.dense([1] * 41, "identity")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("network", [*NETWORKS, nested()])
def test_it_compiles(network: cr.Network, tmp_path: Path) -> None:
    tikz = network.draw(backward=True).to_tikz()
    (tmp_path / "drawing.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{amsmath,amssymb,tikz}"
        f"\\begin{{document}}\n{tikz}\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "drawing.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
