"""Everything that a derivation prints is read back and right; a writer with a mistake is found."""

import contextlib
import re

import pytest

import chainrule as cr
from chainrule.documents import wording
from chainrule.errors import InputError
from chainrule.formulas.render import TEXT, Writer
from chainrule.marking import printed_lines
from chainrule.marking.printed_lines import read_back
from chainrule.network import activations, losses
from chainrule.network.optimizers import CATALOGUE as OPTIMIZERS
from tests.random_graphs import random_graph
from tests.selection import in_turn

DENSE = cr.Network.dense


def with_layers():
    x = cr.Input(3)
    hidden = cr.Dense(4, "tanh")(x)
    changed = cr.Dense(4)(cr.Dropout(0.3)(cr.LayerNorm()(hidden)))
    return cr.Network(x, cr.Dense(2)(cr.PReLU()(changed + hidden)))


def normalized():
    x = cr.Input(3)
    return cr.Network(x, cr.Dense(2)(cr.BatchNorm()(cr.Dense(4, "relu")(x))))


def with_two_heads():
    x = cr.Input(3)
    hidden = cr.Dense(4, "relu")(x)
    heads = [cr.Dense(2)(hidden), cr.Dense(1, "sigmoid")(hidden)]
    return cr.Network(x, heads, ["mse", "log_loss"])


def with_categories():
    kind, x = cr.Categories(4), cr.Input(2)
    return cr.Network([kind, x], cr.Dense(2)(cr.Embedding(3)(kind), x))


def periodic():
    x = cr.Input(2)
    return cr.Network(x, cr.Dense(1)(cr.Periodic(3, 2)(x)))


def gated():
    x = cr.Input(3)
    product = cr.Dense(4, "tanh")(x) * cr.Dense(4, "sigmoid")(x)
    return cr.Network(x, cr.Dense(2)(cr.Gated(4)(product)))


def for_loss(name):
    """Return a network with a loss, and the first activation of its outputs that suits it."""
    for last in ("identity", "sigmoid", "softmax", "exponential", "softplus"):
        try:
            return DENSE([2, 3, 3], ["tanh", last], name)
        except InputError:
            continue
    raise AssertionError(name)


NETWORKS = [
    DENSE([2, 3, 2], "tanh"),
    DENSE([2, 3, 4, 3], ["relu", "sigmoid", "softmax"], "log_loss"),
    DENSE([3, 2], "sigmoid"),
    DENSE([3, 3], "softmax", "log_loss"),
    DENSE([2, 3, 2], "tanh", penalty=[cr.L1(0.1), cr.L2(0.1)]),
    DENSE([2, 3, 2], "tanh", trainable={"b_ih": "shared", "W_ho": False}),
    DENSE([4, 8, 8, 8, 8, 8, 3], "tanh"),
    with_layers(),
    normalized(),
    gated(),
    with_two_heads(),
    with_categories(),
    periodic(),
    *(DENSE([2, 3, 3], [name, "identity"]) for name in list(activations.CATALOGUE)[::3]),
    *(for_loss(name) for name in list(losses.CATALOGUE)[::2]),
]


@pytest.mark.parametrize(
    ("network", "layout"), in_turn(NETWORKS, ("rows", "columns"), every=2), ids=str
)
def test_every_printed_line_is_read_and_right(network, layout):
    found = read_back(cr.derive(network, detail="full", layout=layout))
    assert len(found.right) == len(found.lines) >= 100, str(found)
    assert {line.style for line in found.lines} == {"text", "latex"}
    parts = {line.part for line in found.lines}
    assert parts >= ({"batch"} if network.needs_batch else {"index", "sample", "batch"})
    assert "function" in parts or not network.is_dense


GRAPHS = (9, 5, 7, 10, 12, 17, 25, 28, 38, 0, 1, 3, 4, 8, 13, 15, 20, 23, 27, 29, 30, 31, 33, 37)
"""Graphs without a layer that normalizes what is normalized: such a derivative is 0, and what
is computed are rounding errors."""


@pytest.mark.parametrize(
    "seed", [*GRAPHS[:3], *(pytest.param(seed, marks=pytest.mark.long) for seed in GRAPHS[3:])]
)
def test_every_printed_line_of_a_random_graph_is_read_and_right(seed):
    layout = ("rows", "columns")[seed % 2]
    found = read_back(cr.derive(random_graph(seed).network, detail="full", layout=layout))
    assert len(found.right) == len(found.lines) >= 100, str(found)


@pytest.mark.parametrize(
    "line",
    [
        "Loss = ω_1 Loss_1 + ω_1 Loss_2",
        "∂Loss/∂Loss_2 = ω_1",
        "∂Loss/∂Loss_2 = ω_2/B",
        "δ_3 = (∂Loss/∂Loss_1/B)(A_3 − Y_2)",
        "δ_3 = ∂Loss/∂Loss_2(A_3 − Y_2)",
        "Loss_1 = Σ_{b=1}^{B} Σ_{i=1}^{n_o1} (1/n_o1)(y_1,bi − z_2,bi)²",
    ],
)
def test_wrong_lines_about_the_losses_of_two_heads(line):
    assert not cr.check_line(with_two_heads(), line, batch=True).correct


def test_other_letters_of_the_new_forms_are_wrong():
    assert not cr.check_line(periodic(), "p_1 = cos(φ_1)").correct
    assert not cr.check_line(periodic(), "∂Loss/∂φ_1 = ∂Loss/∂q_1 ⊙ sin(φ_1)").correct
    assert not cr.check_line(with_categories(), "O_0 = [k_1 > l_0]").correct


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("batch", [False, True])
def test_every_printed_update_is_read_and_right(name, batch):
    derivation = cr.derive(DENSE([2, 3, 2]), detail="full", batch=batch, optimizer=name)
    found = read_back(derivation)
    assert len(found.right) == len(found.lines), str(found)


# -- writers with mistakes -----------------------------------------------------------------------


def without_transposes(text):
    return text.replace("ᵀ", "")


def without_signs(text):
    return text.replace(" − ", " + ")


def without_factors(text):
    return re.sub(r"\(2/n\)|\(2/\(B n\)\)", "", text)


def with_exchanged_factors(text):
    return re.sub(r"^(\w+ᵀ) (δ_\w+)$", r"\2 \1", text)


def with_exchanged_letters(text):
    return text.replace(",jk", ",kj")


def without_sums(text):
    return re.sub(r"Σ_\{\w=1\}\^\{\w+\} ", "", text)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (without_transposes, {"sample", "batch"}),
        (without_signs, {"neuron", "function", "index", "sample", "batch"}),
        (without_factors, {"neuron", "index", "sample", "batch"}),
        (with_exchanged_factors, {"sample", "batch"}),
        (with_exchanged_letters, {"index"}),
        (without_sums, {"index", "sample", "batch"}),
    ],
)
def test_a_writer_with_a_mistake_is_found_in_every_part(monkeypatch, change, parts):
    printed = wording.written
    monkeypatch.setattr(
        printed_lines, "written", lambda *given, **more: change(printed(*given, **more))
    )
    found = read_back(cr.derive(DENSE([2, 3, 2], "tanh"), detail="full"))
    changed = {line.part for line in (*found.wrong, *found.refused) if line.style == "text"}
    assert changed == parts
    assert found.wrong
    assert not found.passed
    assert found.wrong[0].text in str(found)


def test_the_renderer_itself_with_a_mistake_is_found(monkeypatch):
    whole = Writer._product

    def without_last_factor(writer, tree):
        fewer = tree.factors[:-1] if len(tree.factors) > 2 else tree.factors
        return whole(writer, type(tree)(fewer, tree.summed) if fewer != tree.factors else tree)

    derivation = cr.derive(DENSE([2, 3, 2], "tanh"), detail="full")
    assert read_back(derivation).passed
    from chainrule.formulas.expressions import Product
    from chainrule.formulas.render import expression_writer

    monkeypatch.setitem(expression_writer._RULES, Product, without_last_factor)
    assert len(read_back(derivation).wrong) > 10


def test_the_chain_into_a_hidden_softmax_ends_with_its_own_letter():
    network = DENSE([2, 3, 3], ["softmax", "identity"])
    derivation = cr.derive(network, detail="full")
    lines = [line for _, line in printed_lines.printed_lines(derivation, TEXT)]
    assert "∂Loss/∂a_hj = Σ_{k=1}^{n} ∂Loss/∂z_ok × ∂z_ok/∂a_hj" in lines


# -- what is near to a printed line and wrong ----------------------------------------------------

DEEP = DENSE([2, 3, 4, 3], ["relu", "sigmoid", "softmax"], "log_loss")


@pytest.mark.parametrize(
    ("network", "line"),
    [
        (DEEP, "z_1j = Σ_{i=1}^{n_i} x_i w_1,ji + b_1j"),
        (DEEP, "z_1j = x_i w_1,ij + b_1j"),
        (DEEP, "z_2k = Σ_{j=1}^{n_h1} a_1j w_2,jk + b_1k"),
        (DEEP, "z_2k = Σ_{j=1}^{n_h2} a_1j w_2,jk + b_2k"),
        (DEEP, "a_3l = e^(z_3l)/(Σ_{m=1}^{n} e^(z_3l))"),
        (DEEP, "δ_3l = ∂Loss/∂a_3l × ∂a_3l/∂z_3l"),
        (DEEP, "δ_3l = Σ_{m=1}^{n} ∂Loss/∂a_3m × ∂a_3m/∂z_3m"),
        (DEEP, "∂Loss/∂w_2,jk = δ_2j a_1k"),
        (DENSE([3, 2], "sigmoid"), "∂Loss/∂w = δ + x"),
        (DENSE([3, 2], "sigmoid"), "∂a/∂z = a(1 + a)"),
        (DENSE([2, 3, 2], "tanh"), "∂Loss/∂w = δ w"),
        (DENSE([2, 3, 2], "tanh"), "db_ho = 1ᵀ ⊙ delta_o"),
        (with_layers(), "∂Loss/∂a_1 = ∂Loss/∂h_5 × ∂h_5/∂a_1"),
        (with_layers(), "∂Loss/∂μ_2 = ∂Loss/∂n_2 × ∂n_2/∂μ_2"),
        (with_layers(), "μ_2 = (1/n_i) Σ_{j=1}^{n_h1} a_1j"),
    ],
)
def test_lines_near_to_printed_ones_are_wrong_or_refused(network, line):
    with contextlib.suppress(InputError):
        assert not cr.check_line(network, line).correct


def test_a_sum_over_some_paths_names_all_of_them():
    verdict = cr.check_line(with_layers(), "∂Loss/∂μ_2 = ∂Loss/∂n_2 × ∂n_2/∂μ_2")
    assert verdict.kind == "chain"
    assert "depends on μ_2 through v_2 and n_2" in verdict.message().replace("'", "").replace(
        ", ", " and "
    )
    assert "依赖于 μ_2" in verdict.message("zh")


def test_a_sum_to_the_length_of_another_axis_is_refused():
    with pytest.raises(InputError, match="the sum over 'j' ends at 'n_h2', but 'j' counts to 'n_h"):
        cr.check_line(DEEP, "z_2k = Σ_{j=1}^{n_h2} a_1j w_2,jk + b_2k")
    with pytest.raises(InputError, match="求和"):
        cr.check_line(DEEP, "z_2k = Σ_{j=1}^{n_h2} a_1j w_2,jk + b_2k", language="zh")


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_vector_and_a_matrix_of_one_letter_are_two_things(layout):
    x = cr.Input(3)
    edges = [[-1, 0.5, 1], [-2, 2], [0, 1]]
    network = cr.Network(x, cr.Dense(2)(cr.PiecewiseLinear(edges)(x)))  # s_1 and S_1
    found = read_back(cr.derive(network, detail="full", layout=layout))
    assert len(found.right) == len(found.lines) >= 70, str(found)
