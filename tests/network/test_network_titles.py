"""What a network is, in one line: in English its own text, in Chinese the same numbers."""

import re

import pytest

import chainrule as cr
from chainrule.network.network_titles import network_title


def graph(inputs: int) -> cr.Network:
    x = cr.Input(inputs)
    return cr.Network(x, cr.Dense(2)(cr.Dropout(0.2)(cr.Dense(3, "tanh")(x))))


NETWORKS = [
    cr.Network.dense([1, 2, 1]),
    cr.Network.dense([30, 16, 4], ["relu", "softmax"], "log_loss"),
    cr.Network.dense([3, 4, 5, 1], ["gelu", "tanh", "identity"], penalty=[cr.L2(0.1), cr.L1(0.5)]),
    graph(1),
    graph(7),
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_titles_in_both_languages(network):
    assert network_title(network) == str(network)
    chinese = network_title(network, "zh")
    assert not re.search("input|layer|output|parameter|then", chinese)
    assert re.findall(r"[\d,.-]*\d", chinese) == re.findall(r"[\d,.-]*\d", str(network))
