"""Losses along directions: each move alone, of what is given and of what is computed."""

import numpy as np

from chainrule.formulas.axes import Axis
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.directions import directions_in, losses_along, parts_of
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol, product, total

I, H = Axis("i", 0), Axis("h", 1)
X, W = Symbol("x", (I,)), Symbol("W", (I, H))
Z, LOSS = Symbol("z", (H,)), Symbol("Loss")
EQUATIONS = (Equation(Z, product(X, W, over=[I])), Equation(LOSS, total(Z**2, H)))
GIVEN = {"x": np.array([1.0, 2.0]), "W": np.array([[1.0, -1.0, 0.5], [0.0, 2.0, 3.0]])}


def known():
    at = Evaluation(GIVEN).measure([X, W])
    for equation in EQUATIONS:
        at.define(equation.left, at(equation.right))
    return at


def moves():
    found = [(W, d) for d in directions_in((2, 3), 0, 6, 1, 1)]
    found += [(Z, d) for d in directions_in((3,), 0, 3, 1, 1)]
    return [found[i] for i in (0, 7, 3, 8, 1, 6, 2, 4, 5)]


def test_each_row_is_one_move_alone():
    for (symbol, direction), loss in zip(
        moves(), losses_along(EQUATIONS, LOSS, known(), moves(), 0.25), strict=True
    ):
        z = GIVEN["x"] @ (GIVEN["W"] + (0.25 * direction if symbol == W else 0))
        z = z + (0.25 * direction if symbol == Z else 0)
        assert loss == np.sum(z**2)


def test_the_imaginary_part_is_the_derivative():
    losses = losses_along(EQUATIONS, LOSS, known(), moves(), 1e-20j)
    z = GIVEN["x"] @ GIVEN["W"]
    for (symbol, direction), loss in zip(moves(), losses, strict=True):
        slope = 2 * z if symbol == Z else np.outer(GIVEN["x"], 2 * z)
        np.testing.assert_allclose(loss.imag / 1e-20, np.sum(slope * direction), rtol=1e-14)


def test_what_the_loss_does_not_depend_on_leaves_it():
    other = Symbol("b")
    found = losses_along(EQUATIONS, LOSS, known(), [(other, np.asarray(1.0))], 1.0)
    assert list(found) == [known()(LOSS)]


def test_parts_hold_every_move_once_and_in_order(monkeypatch):
    monkeypatch.setattr("chainrule.formulas.directions.TOGETHER", 25)
    sizes = {W: 6, Z: 3, LOSS: 1}
    parts = list(parts_of(EQUATIONS, sizes, moves()))
    assert len(parts) > 3
    flat = [move for part in parts for move in part]
    assert all(a[0] == b[0] and a[1] is b[1] for a, b in zip(flat, flat, strict=True))
    assert [symbol for symbol, _ in flat] == [symbol for symbol, _ in moves()]


def test_directions_of_a_large_shape_have_length_one_and_are_drawn_by_the_seed():
    first, again, other = (list(directions_in((40, 5), seed, 12, 6, 3)) for seed in (0, 0, 1))
    assert len(first) == 9
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert all(abs(np.linalg.norm(direction) - 1) < 1e-12 for direction in first)
    assert [np.count_nonzero(direction) for direction in first[:6]] == [1] * 6
