"""The drawing of a step has the numbers of the step at the units and connections they belong to."""

import re
from collections import Counter

import numpy as np
import pytest

import chainrule as cr
from chainrule.network.drawing_marks import Circle, Group, Label, Name

X, Y = [[0.05, 0.1]], [[0.01, 0.99]]
MAZUR = {
    "W_ih": [[0.15, 0.25], [0.2, 0.3]],
    "b_ih": [0.35, 0.35],
    "W_ho": [[0.4, 0.5], [0.45, 0.55]],
    "b_ho": [0.6, 0.6],
}
"""Mazur, A step by step backpropagation example, 2015."""


def mazur(layout="rows"):
    network = cr.Network.dense([2, 2, 2], "sigmoid", "half_mse")
    return cr.explain(network, MAZUR, X, Y, layout=layout)


def labels(explanation, language="en"):
    """Return the texts of the drawing, and where they are."""
    from chainrule.explanation.step_drawing import step_drawing

    drawing = step_drawing(explanation.batch, explanation.values, language)
    assert drawing is not None
    marks = [
        inside
        for mark in drawing.picture.marks
        for inside in (mark.marks if isinstance(mark, Group) else [mark])
    ]
    found = [mark for mark in marks if isinstance(mark, Label)]
    texts = [
        "".join(piece.name if isinstance(piece, Name) else piece for piece in mark.text)
        for mark in found
    ]
    return texts, found, [mark for mark in marks if isinstance(mark, Circle)]


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_the_published_numbers_are_in_the_drawing(layout):
    """The source prints 0.593269992, 0.596884378, 0.75136507, 0.772928465 and 0.298371109."""
    texts, _, circles = labels(mazur(layout))
    assert len(circles) == 6
    counted = Counter(texts)
    for text in ("0.05", "0.1", "0.593", "0.597", "0.751", "0.773", "Loss 0.298"):
        assert counted[text] == 1, text
    for weight in ("0.15", "0.25", "0.2", "0.3", "0.4", "0.5", "0.45", "0.55"):
        assert counted[weight] == 1, weight
    assert counted["b 0.35"] == counted["b 0.6"] == 2
    assert [text for text in texts if text.startswith("δ_o")] == ["δ_o 0.138", "δ_o −0.0381"]
    assert {"Y_t 0.01", "Y_t 0.99"} <= set(texts)


def test_each_number_is_at_its_unit_and_each_weight_on_its_connection():
    texts, found, circles = labels(mazur())
    at = {text: (mark.x, mark.y) for text, mark in zip(texts, found, strict=True)}
    centers = [(circle.x, circle.y) for circle in circles]
    values = ("0.05", "0.1", "0.593", "0.597", "0.751", "0.773")
    for text, (x, y) in zip(values, centers, strict=True):
        assert at[text][0] == x
        assert abs(at[text][1] - y) < 8
    for number, name in ((0, "W_ih"), (2, "W_ho")):
        for i, row in enumerate(MAZUR[name]):
            for j, weight in enumerate(row):
                (x0, y0), (x1, y1) = centers[number + i], centers[number + 2 + j]
                x, y = at[f"{weight:g}"]
                assert x0 < x < x1
                share = (x - x0 - circles[0].radius) / (x1 - x0 - 2 * circles[0].radius)
                assert y - 4 == pytest.approx(y0 + share * (y1 - y0))


def test_weights_do_not_hide_each_other():
    network = cr.Network.dense([3, 4, 3], "tanh")
    explanation = cr.explain(network, network.initialize(0), [[0.1, 0.2, 0.3]], [[0.0, 1.0, 0.5]])
    _, found, _ = labels(explanation)
    numbers = [(mark.x, mark.y) for mark in found if mark.style == "number"]
    assert len(numbers) == 24
    apart = [
        abs(a[0] - b[0]) > 40 or abs(a[1] - b[1]) > 11
        for number, a in enumerate(numbers)
        for b in numbers[:number]
    ]
    assert np.mean(apart) > 0.97


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_shared_bias_and_a_penalty(layout):
    network = cr.Network.dense([2, 2, 1], "tanh", penalty=cr.L2(0.1)).with_trainable(
        {"b_ih": "shared"}
    )
    explanation = cr.explain(network, network.initialize(0), X, [[0.5]], layout=layout)
    texts, _, _ = labels(explanation)
    assert texts.count("b 0") == 3
    loss = float(np.ravel(explanation.values["Loss"])[0])
    assert f"Loss {loss:.3g}" in texts


@pytest.mark.parametrize(
    "network",
    [cr.Network.dense([2, 40, 1]), cr.Network.dense([2, 5, 5, 1]), cr.Network.dense([2] * 8)],
    ids=["wide", "many connections", "deep"],
)
def test_what_has_no_room_for_numbers_is_drawn_without(network):
    page = cr.explain(network, network.initialize(0), X, [[0.5] * network.layers[-1]]).to_html()
    assert page.count("<svg") == 1
    assert "its δ below" not in page


def test_a_batch_is_drawn_without_numbers():
    network = cr.Network.dense([2, 2, 2])
    page = cr.explain(network, MAZUR, X * 2, Y * 2).to_html()
    assert page.count("<svg") == 1
    assert 'class="number"' not in page


def test_pages_begin_with_the_drawing_and_parts_of_pages_have_none():
    explanation = mazur()
    page = explanation.to_html("zh")
    assert page.index("</h1>") < page.index("<svg") < page.index("<nav")
    assert "下面是 δ" in page
    assert "<svg" not in explanation.to_html(document=False)
    derived = cr.derive(explanation.batch.network)
    assert derived.to_html().count("<svg") == 1
    assert "<svg" not in derived.to_html(document=False)
    large = cr.Network.dense([1] * 60)
    assert "<svg" not in cr.derive(large).to_html()


def test_latex_has_the_numbers_too():
    latex = mazur().to_latex()
    inside = re.search(r"\\begin\{tikzpicture\}.*\\end\{tikzpicture\}", latex, re.DOTALL)[0]
    assert inside.count("[cr number]") == 8
    assert r"{$\delta_{o}$ $-$0.0381}" in inside
