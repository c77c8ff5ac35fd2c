"""Lines of equal networks share what is built once; of others they do not."""

import time

import pytest

import chainrule as cr
from chainrule.marking.equal_networks import earlier_equal


def test_equal_networks_share_one() -> None:
    first = earlier_equal(cr.Network.dense([3, 4, 2], "tanh", "mse"))
    assert earlier_equal(cr.Network.dense([3, 4, 2], "tanh", "mse")) is first


@pytest.mark.parametrize(
    "other",
    [
        cr.Network.dense([3, 4, 1], "tanh", "mse"),
        cr.Network.dense([3, 4, 2], "relu", "mse"),
        cr.Network.dense([3, 4, 2], "tanh", "mae"),
        cr.Network.dense([3, 4, 2], "tanh", "mse", penalty=cr.L2(0.1)),
        cr.Network.dense([3, 4, 2], "tanh", "mse", trainable={"b_ih": False}),
    ],
)
def test_other_networks_do_not(other: cr.Network) -> None:
    first = earlier_equal(cr.Network.dense([3, 4, 2], "tanh", "mse"))
    assert earlier_equal(other) is not first


def test_strengths_of_penalties_are_told_apart() -> None:
    # The same equations, another number: 0.1 is right for one of them only.
    line = "dW_ho = a_h.T @ delta_o + 0.1 * W_ho"
    kinds = []
    for strength in (0.1, 0.2):
        network = cr.Network.dense([3, 4, 2], "tanh", "mse", penalty=cr.L2(strength))
        kinds.append(cr.check_line(network, line).correct)
    assert kinds[0] != kinds[1]


def test_a_second_line_is_fast() -> None:
    lines = ["delta_h = (delta_o @ W_ho.T) * a_h * (1 - a_h)", "dW_ho = a_h.T @ delta_o"] * 5
    cr.check_line(cr.Network.dense([4, 5, 3]), lines[0], batch=True)
    times = []
    for line in lines:
        began = time.process_time()
        assert cr.check_line(cr.Network.dense([4, 5, 3]), line, batch=True).correct
        times.append(time.process_time() - began)
    assert sorted(times)[len(times) // 2] < 0.05
