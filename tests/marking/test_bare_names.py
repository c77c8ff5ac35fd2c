"""Letters without a layer (w, b, delta): the layer in which the line is right, never another's."""

from contextlib import suppress

import pytest

import chainrule as cr
from chainrule.errors import InputError

HALF = cr.Network.dense([4, 5, 3], loss="half_mse")
DEEP = cr.Network.dense([4, 5, 6, 3], loss="half_mse")
CLASSES = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")

OF_EVERY_LAYER = [
    (HALF, r"w \to w - \eta \frac{\partial C}{\partial w}", "rows"),
    (HALF, r"\nabla_W = \delta a^T", "columns"),
    (DEEP, "b = b - lr * db", "rows"),
    (DEEP, "dW = a.T @ delta", "rows"),
    (DEEP, "z = a @ W + b", "rows"),
    (DEEP, "a = sigmoid(z)", "rows"),
    (DEEP, "db = delta", "rows"),
]
OF_ONE = [
    (CLASSES, "delta = p - y", "delta = delta_o"),
    (HALF, "dw = x.T @ delta", "dw = dW_ih, delta = delta_h"),
    (DEEP, "delta = delta_2 @ W_2.T * a_1 * (1-a_1)", "delta = delta_1"),
    (DEEP, "delta = (a - y) * a * (1 - a)", "delta = delta_3, a = a_3"),
    (DEEP, "∂C/∂w^2 = (a^1)^T δ", "δ = delta_2"),
]


@pytest.mark.parametrize(("network", "line", "layout"), OF_EVERY_LAYER)
def test_a_line_of_every_layer_is_right(network, line, layout):
    verdict = cr.check_line(network, line, layout=layout)
    assert (verdict.kind, verdict.message()) == ("right", "Right.")


@pytest.mark.parametrize(("network", "line", "meaning"), OF_ONE)
def test_a_line_of_one_layer_is_right_with_that_layer(network, line, meaning):
    verdict = cr.check_line(network, line)
    assert verdict.kind == "right_here"
    assert verdict.message() == f"Right with {meaning}."
    assert verdict.message("zh") == f"若指 {meaning.replace(', ', '，')}，则正确。"


@pytest.mark.parametrize(
    ("network", "line", "kind"),
    [
        (HALF, "w = w + lr * dw", "sign"),
        (CLASSES, "delta = y - p", "sign"),
        (DEEP, "dW = a @ delta", "transpose"),
        (DEEP, "∂C/∂w^2 = a^1 δ", "transpose"),
    ],
)
def test_one_mistake_is_named(network, line, kind):
    verdict = cr.check_line(network, line)
    assert (verdict.correct, verdict.kind) == (False, kind), verdict.message()


@pytest.mark.parametrize(
    "line",
    [
        *("w = w - lr * delta", "dw = w", "a = sigmoid(a)", "foo = delta"),
        "delta = delta_1 @ W_2.T * a_1 * (1-a_1)",
        "dW_3 = a_1.T @ delta",
        "z = z @ W + b",
    ],
)
def test_a_line_of_no_layer_is_not_right(line):
    with suppress(InputError):
        assert not cr.check_line(DEEP, line).correct


def test_a_superscript_is_the_layer_of_b_too():
    line = r"\frac{\partial C}{\partial b^2} = \delta^2"
    assert cr.check_line(HALF, line, layout="columns").kind == "right"
    assert not cr.check_line(HALF, line.replace("b^2", "b^1"), layout="columns").correct
    count = "delta_o = (a_o - Y) * a_o * (1 - a_o) / B^2 * B"
    assert cr.check_line(HALF, count, batch=True).kind == "right"
