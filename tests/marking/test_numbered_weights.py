"""Mazur's lines about single weights, in his network and nowhere else."""

import pytest

import chainrule as cr
from chainrule.errors import InputError

MAZUR = cr.Network.dense([2, 2, 2], "sigmoid", "half_mse")
RIGHT = [
    "∂E/∂w5 = (out_o1 - target_o1) * out_o1*(1-out_o1) * out_h1",
    "∂E_total/∂w5 = ∂E_total/∂out_o1 * ∂out_o1/∂net_o1 * ∂net_o1/∂w5",
    r"\frac{\partial E_{total}}{\partial w_5} = -(target_{o1} - out_{o1}) (1 - out_{o1}) "
    "out_{o1} out_{h1}",
    "∂E/∂w8 = δ_o2 * out_h2",
    "∂E/∂w7 = δ_o2 out_h1",
    "∂E/∂w6 = delta_o1 * out_h2",
    "∂E/∂out_h1 = δ_o1*w5 + δ_o2*w7",
    "δ_h2 = (δ_o1*w6 + δ_o2*w8) * out_h2*(1 - out_h2)",
    "∂E/∂w1 = (δ_o1*w5 + δ_o2*w7) * out_h1*(1 - out_h1) * i1",
    "∂E/∂w4 = ∂E/∂out_h2 * ∂out_h2/∂net_h2 * ∂net_h2/∂w4",
    "w5+ = w5 - η * ∂E/∂w5",
    "∂net_o2/∂out_h1 = w7",
    "∂out_o1/∂net_o1 = out_o1*(1 - out_o1)",
]
WRONG = [
    "∂E/∂w5 = (target_o1 - out_o1) * out_o1*(1-out_o1) * out_h1",
    "∂E/∂w5 = (out_o1 - target_o1) * out_o1*(1-out_o1) * out_h2",
    "∂E/∂w6 = (out_o2 - target_o2) * out_o2*(1-out_o2) * out_h1",
    "∂E/∂w5 = (out_o1 - target_o1) * out_h1",
    "∂E/∂w8 = δ_o1 * out_h2",
    "∂E/∂out_h1 = δ_o1*w5 + δ_o2*w6",
    "∂E/∂out_h1 = δ_o1*w5",
    "δ_h2 = (δ_o1*w6 + δ_o2*w8) * out_h1*(1 - out_h1)",
    "∂E/∂w1 = (δ_o1*w5 + δ_o2*w7) * out_h1*(1 - out_h1) * i2",
    "∂E_total/∂w5 = ∂E_total/∂out_o1 * ∂out_o1/∂net_o1 * ∂net_o1/∂w6",
    "w5+ = w5 + η * ∂E/∂w5",
    "w5+ = w5 - ∂E/∂w5",
    "∂net_o2/∂out_h1 = w6",
    "∂out_o1/∂net_o1 = net_o1*(1 - net_o1)",
]


def published():
    """Return the numbers of Mazur's page, by name."""
    w = dict(zip(range(1, 9), (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55), strict=True))
    return w, (0.593269992, 0.596884378), (0.75136507, 0.772928465), (0.01, 0.99), (0.05, 0.10)


def test_the_first_line_has_the_published_value():
    _, hidden, out, target, _ = published()
    value = (out[0] - target[0]) * out[0] * (1 - out[0]) * hidden[0]
    assert value == pytest.approx(0.082167041, abs=1e-9)
    w, hidden, out, target, given = published()
    deltas = [(o - t) * o * (1 - o) for o, t in zip(out, target, strict=True)]
    back = deltas[0] * w[5] + deltas[1] * w[7]
    assert back == pytest.approx(0.036350306, abs=1e-9)
    assert back * hidden[0] * (1 - hidden[0]) * given[0] == pytest.approx(0.000438568, abs=1e-9)


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("line", RIGHT)
def test_lines_of_single_weights_are_right(line, layout):
    verdict = cr.check_line(MAZUR, line, layout=layout)
    assert verdict.correct, verdict.message()


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("line", WRONG)
def test_lines_with_another_weight_or_unit_are_not(line, layout):
    try:
        found = cr.check_line(MAZUR, line, layout=layout)
    except InputError:
        return
    assert not found.correct


@pytest.mark.parametrize(
    "network",
    [
        cr.Network.dense([4, 5, 3], "sigmoid", "half_mse"),
        cr.Network.dense([2, 3, 2], "sigmoid", "half_mse"),
        cr.Network.dense([2, 2, 2], "tanh", "half_mse"),
    ],
)
def test_in_another_network_w5_is_no_name(network):
    with pytest.raises(InputError, match="unknown name 'w5'"):
        cr.check_line(network, RIGHT[0])
