"""Wrong lines of kinds that a check by values on examples can miss."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.marking.examples import EXAMPLE_COUNT, Example
from chainrule.marking.marking_contexts import MarkingContext
from chainrule.marking.quantities import (
    LEARNING_RATE,
    TARGETS,
    applied_activations,
    constant,
    outputs,
)
from chainrule.network import activations, losses

SMALL = cr.Network.dense([4, 5, 3])


# -- comments --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["#", "%"])
def test_a_comment_ends_at_the_end_of_its_line(mark):
    block = f"dW_ho = a_h.T @ delta_o  {mark} right\ndW_ih = 7"
    verdict = cr.check_line(SMALL, block, batch=True)
    assert not verdict.correct
    assert "∂Loss/∂W_ih = " in verdict.message()
    right = block.replace("= 7", f"= X.T @ delta_h {mark} also right")
    assert cr.check_line(SMALL, right, batch=True).kind == "right"


@pytest.mark.parametrize("mark", ["#", "%"])
def test_a_block_may_begin_with_a_comment(mark):
    block = f"{mark} the gradient\n{mark}\n\ndW_ho = a_h.T @ delta_o"
    assert cr.check_line(SMALL, block).kind == "right"
    assert not cr.check_line(SMALL, block.replace("a_h.T", "a_h.T.T")).correct


# -- constants of the examples ---------------------------------------------------------------------

MOMENTUM = cr.SGD(0.5, momentum=0.9)
OTHER_NUMBERS = [
    ("W_ho = W_ho - 0.3*dW_ho", cr.SGD(0.5)),
    ("v_W_ho = 0.83*v_W_ho - 0.5*dW_ho", MOMENTUM),
    ("v_W_ho = 0.9*v_W_ho - 0.3*dW_ho", MOMENTUM),
    ("m_W_ho = 0.6*m_W_ho + 0.4*dW_ho", "adam"),
    ("v_W_ho = 0.77*v_W_ho + 0.23*dW_ho**2", "adam"),
    ("m_hat_W_ho = m_W_ho / (1 - 0.6**3)", "adam"),
    ("m_W_ho = 0.6*m_W_ho + (1 - beta_1)*dW_ho", "adam"),
]


@pytest.mark.parametrize(("line", "optimizer"), OTHER_NUMBERS)
def test_numbers_are_compared_with_the_constants_that_were_chosen(line, optimizer):
    assert not cr.check_line(SMALL, line, batch=True, optimizer=optimizer).correct


def test_no_constant_of_an_example_is_right_as_a_number():
    for number in range(EXAMPLE_COUNT):
        context = MarkingContext(SMALL, "rows", True, cr.SGD(0.5, momentum=0.9))
        values = Example(context, context.distinct_lengths(number), number).values.values
        alpha, mu = values[LEARNING_RATE], values[constant("μ")]
        for line in (f"v_W_ho = 0.9*v_W_ho - {alpha}*dW_ho", f"v_W_ho = {mu}*v_W_ho - 0.5*dW_ho"):
            assert not cr.check_line(SMALL, line, batch=True, optimizer=MOMENTUM).correct, line


def test_the_strength_of_a_penalty_is_not_confused_with_a_number():
    network = cr.Network.dense([2, 3, 2], penalty=cr.L2(0.1))
    assert cr.check_line(network, "dW_ho = a_h.T @ delta_o + lambda * W_ho").correct
    assert cr.check_line(network, "dW_ho = a_h.T @ delta_o + 0.1 * W_ho").correct
    assert not cr.check_line(network, "dW_ho = a_h.T @ delta_o + 10 * lambda**2 * W_ho").correct
    assert not cr.check_line(network, "dW_ho = a_h.T @ delta_o + 0.2 * W_ho").correct


# -- regions of piecewise functions ----------------------------------------------------------------


def examples_of(network, batch):
    context = MarkingContext(network, "rows", batch)
    for number in range(EXAMPLE_COUNT):
        yield Example(context, context.distinct_lengths(number), number).values.values


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("layers", [[2, 3, 1], [3, 2, 4, 3, 2]])
@pytest.mark.parametrize("name", [n for n, f in activations.CATALOGUE.items() if f.kinks])
def test_examples_visit_every_region_of_an_activation(name, layers, batch):
    network = cr.Network.dense(layers, name)
    kinks = activations.CATALOGUE[name].kinks
    applied = applied_activations(network)
    visited = {a.argument: set() for a in applied}
    for values in examples_of(network, batch):
        for each in applied:
            visited[each.argument] |= set(np.searchsorted(kinks, values[each.argument]).ravel())
    assert all(len(regions) == len(kinks) + 1 for regions in visited.values()), visited


@pytest.mark.parametrize("batch", [True, False])
def test_examples_visit_both_branches_of_huber(batch):
    network = cr.Network.dense([2, 3, 2], "tanh", "huber")
    outer = 0
    for values in examples_of(network, batch):
        error = np.abs(values[TARGETS] - values[outputs(network)[0]])
        outer += np.any(error > 1) and np.any(error < 1)
    assert outer
    inner = "delta_o = (a_o - Y_t) / (B*n) * (1 - a_o**2)"
    assert not cr.check_line(network, inner, batch=True).correct
    clipped = "delta_o = minimum(maximum(a_o - Y_t, -1), 1) / (B*n) * (1 - a_o**2)"
    assert cr.check_line(network, clipped, batch=True).correct


def test_targets_are_negative_where_the_loss_takes_them():
    for name, make in losses.CATALOGUE.items():
        network = cr.Network.dense([2, 3, 2], "tanh", name) if name in REAL_LOSSES else None
        if network is not None:
            lowest = min(float(np.min(values[TARGETS])) for values in examples_of(network, True))
            assert lowest < 0, name
            assert make().forms[0].targets.low == -np.inf
    network = cr.Network.dense([2, 3, 2], "tanh")
    assert not cr.check_line(network, "Loss = mean((abs(Y_t) - a_o)**2)", batch=True).correct


REAL_LOSSES = ("mse", "half_mse", "mae", "huber", "quantile")


def test_the_saturation_of_hard_sigmoid_is_seen():
    network = cr.Network.dense([2, 3, 1], "hard_sigmoid")
    assert not cr.check_line(network, "a_h = z_h/6 + 1/2", batch=True).correct
    assert not cr.check_line(network, "delta_h = delta_o @ W_ho.T / 6", batch=True).correct
    right = "delta_h = delta_o @ W_ho.T / 6 * (abs(z_h) < 3)"
    assert cr.check_line(network, right, batch=True).correct


def test_signs_do_not_agree_by_chance_in_one_sample():
    network = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
    for layout in ("rows", "columns"):
        assert not cr.check_line(network, "dz_h = da_h * (dz_h > 0)", layout=layout).correct
        assert not cr.check_line(network, "dz_h = da_h * (da_h > 0)", layout=layout).correct


# -- small values ----------------------------------------------------------------------------------


def test_the_chain_of_a_deep_network_does_not_vanish():
    network = cr.Network.dense([3] * 16, "sigmoid")
    right = "delta_1 = delta_2 @ W_2.T * a_1 * (1 - a_1)"
    assert cr.check_line(network, right, batch=True).correct
    for wrong in (right.replace(" * a_1 *", " *"), "delta_1 = 3 * delta_2", "delta_1 = 0 * z_1"):
        assert not cr.check_line(network, wrong, batch=True).correct, wrong


# -- products --------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["W_ho - lr @ dW_ho", "W_ho - np.matmul(lr, dW_ho)"])
def test_the_matrix_product_with_a_number_is_an_error(line):
    verdict = cr.check_line(SMALL, f"W_ho = {line}", batch=True)
    assert verdict.kind == "product"
    assert verdict.repaired == "W_ho = W_ho - lr * dW_ho"
    for right in ("W_ho - lr * dW_ho", "W_ho - np.dot(lr, dW_ho)"):
        assert cr.check_line(SMALL, f"W_ho = {right}", batch=True).correct


# -- conventions -----------------------------------------------------------------------------------

FACTORS = [
    "z_h = 2*(X @ W_ih + b_ih)",
    "z_h = (X @ W_ih + b_ih) / m",
    "a_h = sigmoid(z_h) / 2",
    "delta_h = delta_o @ W_ho.T * a_h * (1 - a_h) / m",
    "delta_h = 2 * delta_o @ W_ho.T * a_h * (1 - a_h)",
    "da_h = delta_o @ W_ho.T / m",
    "dW_ho = 2 * a_h.T @ delta_o",
]


@pytest.mark.parametrize("line", FACTORS)
def test_a_factor_is_no_convention_where_both_sides_scale_alike_with_the_loss(line):
    verdict = cr.check_line(SMALL, line, batch=True)
    assert verdict.kind == "factor", verdict.message()


@pytest.mark.parametrize(
    "line",
    [
        "delta_o = (a_o - Y_t) * a_o * (1 - a_o) / (B*n)",
        "delta_o = 2/n * (a_o - Y_t) * a_o * (1 - a_o)",
        "Loss = np.sum((Y_t - a_o)**2) / n",
        "dW_ho = a_h.T @ delta_o / m",
    ],
)
def test_a_factor_is_a_convention_where_the_loss_is_stated_by_the_line(line):
    assert cr.check_line(SMALL, line, batch=True).kind == "convention"


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("last", [("identity", "mse"), ("exponential", "gamma")])
def test_a_condition_that_no_saturated_unit_would_contradict_is_wrong(batch, layout, last):
    """a ≤ 1 is never below −1, so 1 > −a says nothing: units with a = 1 have to be seen."""
    activation, loss = last
    network = cr.Network.dense([2, 3, 2], ["hard_sigmoid", activation], loss)
    for condition, expected in (("1 > a_h", True), ("1 > -a_h", False), ("a_h > -1", False)):
        line = f"delta_h = 1/6 * da_h * (a_h > 0) * ({condition})"
        given = {"batch": batch, "layout": layout}
        assert cr.check_line(network, line, **given).correct == expected, condition
