"""Vectors of one sample with one axis, as in NumPy: what NumPy computes decides what is right."""

import numpy as np
import pytest

import chainrule as cr

SIGMOID = cr.Network.dense([4, 5, 3])
RIGHT = [
    "delta_h = np.dot(W_ho, delta_o) * a_h * (1-a_h)",
    "da_h = W_ho @ delta_o",
    "z_h = W_ih.T @ X + b_ih",
    "z_h = np.matmul(W_ih.T, X) + b_ih",
    "Loss = (a_o - Y) @ (a_o - Y) / n",
]
WRONG = [
    "delta_h = np.dot(W_ho, delta_o) * a_h * (1+a_h)",
    "delta_h = np.dot(W_ho.T, delta_o) * a_h * (1-a_h)",
    "da_h = W_ho @ delta_o.T",
    "da_h = 1.0000000001 * W_ho @ delta_o",
    "z_h = W_ih @ X + b_ih",
    "dW_ho = np.dot(a_h, delta_o)",
    "dW_ho = a_h @ delta_o",
    "Loss = (a_o - Y) @ (a_o - Y)",
]


def numpy_agrees(line):
    """Return whether NumPy computes the left side of a line, for arrays of one axis."""
    generator = np.random.default_rng(3)
    values = {name: generator.normal(size=size) for name, size in [("X", 4), ("b_ih", 5)]}
    values |= {"W_ih": generator.normal(size=(4, 5)), "W_ho": generator.normal(size=(5, 3))}
    values |= {"Y": generator.normal(size=3), "np": np, "n": 3}
    values["z_h"] = np.einsum("i,ij->j", values["X"], values["W_ih"]) + values["b_ih"]
    values["a_h"] = 1 / (1 + np.exp(-values["z_h"]))
    z_o = np.einsum("i,ij->j", values["a_h"], values["W_ho"])
    values["a_o"] = a = 1 / (1 + np.exp(-z_o))
    values["Loss"] = np.mean((a - values["Y"]) ** 2)
    values["delta_o"] = 2 / 3 * (a - values["Y"]) * a * (1 - a)
    values["da_h"] = np.einsum("j,ij->i", values["delta_o"], values["W_ho"])
    values["delta_h"] = values["da_h"] * values["a_h"] * (1 - values["a_h"])
    values["dW_ho"] = np.einsum("i,j->ij", values["a_h"], values["delta_o"])
    left, _, right = line.partition(" = ")
    try:
        found = eval(right, {}, values)
    except ValueError:
        return False
    return np.shape(found) == np.shape(values[left]) and np.allclose(
        found, values[left], rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("line", RIGHT)
def test_a_program_for_one_sample_is_right_as_numpy_computes_it(line):
    assert numpy_agrees(line)
    verdict = cr.check_line(SIGMOID, line)
    assert verdict.kind == "right_here", verdict.message()
    assert "NumPy arrays of one axis" in verdict.message()
    assert "NumPy 的一维数组" in verdict.message("zh")


@pytest.mark.parametrize("line", WRONG)
def test_what_numpy_computes_otherwise_is_wrong(line):
    assert not numpy_agrees(line) or ".T" in line
    assert not cr.check_line(SIGMOID, line).correct


@pytest.mark.parametrize("line", RIGHT[:4])
def test_a_batch_has_matrices_and_books_have_rows(line):
    assert not cr.check_line(SIGMOID, line, batch=True).correct
    assert not cr.check_line(SIGMOID, "da_h = W_ho delta_o").correct


def test_a_threshold_that_random_values_miss_is_wrong_here_too():
    relu = cr.Network.dense([4, 5, 3], ["relu", "sigmoid"])
    line = "delta_h = np.dot(W_ho, delta_o) * (z_h > {})"
    assert cr.check_line(relu, line.format("0")).kind == "right_here"
    assert not cr.check_line(relu, line.format("0.001")).correct
