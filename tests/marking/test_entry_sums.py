"""Index forms as newcomers write them: sums without a letter, whole layers on the left."""

from contextlib import suppress

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError

NETWORK = cr.Network.dense([4, 5, 3])


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("z_h = sum(x_i w_ij) + b_j", "z_j"),
        ("z_h = Σ_i x_i w_ij + b_j", "z_j"),
        (r"z_h = \sum_i x_i w_{ij} + b_j", "z_j"),
        ("a_h = f(Σ_i x_i w_ij + b_j)", "a_j"),
        ("z_o = Σ_j a_j w_jk + b_k", "z_k"),
        ("dW_ho = a_j δ_k", "dW_jk"),
    ],
)
def test_a_whole_layer_is_no_entry(line, entry):
    with pytest.raises(InputError, match=f"Write the entry that it is: {entry} = …"):
        cr.check_line(NETWORK, line)
    with pytest.raises(InputError, match=f"左边请写成相应的分量 {entry} = …"):
        cr.check_line(NETWORK, line, language="zh")
    right = entry + line[line.index(" =") :]
    assert cr.check_line(NETWORK, right).correct


X, W, V = np.random.default_rng(1).normal(size=(3, 5, 5))
x, b, c, y = np.random.default_rng(2).normal(size=(4, 5))
z = x @ W + b
LINES = [
    # the line, what it is by the sum over the letter that the left side lacks, the true value
    ("z_j = Σ x_i w_ij + b_j", np.einsum("i,ij->j", x, W) + b, z),
    ("z_j = sum(x_i w_ij) + b_j", np.einsum("i,ij->j", x, W) + b, z),
    ("z_j = sum(x_i * w_ij + b_j)", (x[:, None] * W + b).sum(0), z),
    ("z_j = Σ x_i + b_j", x.sum() + b, z),
    ("z_j = Σ w_ij + b_j", W.sum(0) + b, z),
    ("z_j = 2 Σ x_i w_ij + b_j", 2 * np.einsum("i,ij->j", x, W) + b, z),
    ("z_j = Σ x_i w_ij - b_j", np.einsum("i,ij->j", x, W) - b, z),
    ("z_j = b_j + Σ w_ij x_i", b + np.einsum("i,ij->j", x, W), z),
]


@pytest.mark.parametrize(("line", "value", "truth"), LINES)
def test_a_sum_without_a_letter_is_over_the_one_that_the_left_side_lacks(line, value, truth):
    assert cr.check_line(NETWORK, line).correct == np.allclose(value, truth)


@pytest.mark.parametrize(
    "line", ["δ_j = a_j (1 - a_j) Σ {} w_jk δ_k", "E = 1/n Σ {} (a_k - y_k)^2"]
)
def test_a_sum_without_a_letter_is_as_one_with_it(line):
    stated = cr.check_line(NETWORK, line.replace("Σ ", "Σ_k"))
    bare = cr.check_line(NETWORK, line)
    assert stated.correct
    assert bare.correct
    wrong = line.replace("a_j (1", "a_j (2").replace("- y_k", "+ y_k")
    assert not cr.check_line(NETWORK, wrong).correct


@pytest.mark.parametrize("line", ["z_j = Σ Σ x_i w_ij + b_j", "δ_j = Σ a_j (1 - a_j) x_i w_jk δ_k"])
def test_a_sum_over_one_of_two_letters_is_not_guessed(line):
    with suppress(InputError):
        assert not cr.check_line(NETWORK, line).correct
