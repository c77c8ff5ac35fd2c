"""Kinks are found wherever a formula branches, and only there where something may vary."""

import numpy as np
import pytest

from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import evaluate
from chainrule.formulas.expressions import Symbol, total
from chainrule.formulas.functions import absolute, exp, greater, maximum, minimum, sign, where
from chainrule.formulas.kinks import margins
from chainrule.network.activations import CATALOGUE

H = Axis("h", 1)
x, y, c = Symbol("x", (H,)), Symbol("y", (H,)), Symbol("c", (H,))


def found(tree, *varying: Symbol) -> list[str]:
    return [str(margin) for margin in margins(tree, set(varying))]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (absolute(x - y), ["x_i − y_i"]),
        (sign(x), ["x_i"]),
        (maximum(x, y), ["x_i − y_i"]),
        (minimum(x, 3), ["x_i − 3"]),
        (greater(x, y), ["x_i − y_i"]),
        (where(greater(x, 1), x, y), ["x_i − 1"]),
        (exp(x) * x, []),
        (1 + total(exp(absolute(x)), H), ["x_i"]),
        (maximum(absolute(x), y), ["|x_i| − y_i", "x_i"]),
    ],
)
def test_each_branch_has_its_margin(tree, expected):
    assert found(tree, x, y) == expected


def test_constants_have_no_kinks():
    assert found(absolute(x - y) + maximum(c, 0), c) == ["c_i"]
    assert found(absolute(x - y), c) == []


@pytest.mark.parametrize("name", [n for n, entry in CATALOGUE.items() if entry.kinks])
def test_declared_kinks_are_zeros_of_a_margin(name):
    entry = CATALOGUE[name]
    for kink in entry.kinks:
        at = {"x": np.array([kink])}
        assert any(evaluate(margin, at)[0] == 0 for margin in margins(entry(x), {x}))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu", "gelu", "mish", "softmax"])
def test_smooth_functions_have_none(name):
    # Their overflow-safe forms branch; the printed ones, which are differentiated, do not.
    assert found(CATALOGUE[name](x), x) == []


def test_a_function_of_a_branch_is_looked_through():
    assert found(CATALOGUE["tanh"](maximum(x, 0)), x)[-1] == "x_i"
    assert "tanh(x_i)" in found(maximum(CATALOGUE["tanh"](x), 0), x)
