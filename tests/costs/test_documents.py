"""The cost of derivations: it grows as the number of layers does, and not with their widths."""

import pytest

from chainrule.derivation.derivation import derive
from chainrule.marking.check_line import check_line
from chainrule.network.architecture import Network
from chainrule.network.penalties import L2
from tests.costs.growth import ratio

TWICE, SAME = 2.6, 1.5


def of_depth(depth, **settings):
    return Network.dense([4, *[20] * depth, 3], **settings)


def of_width(width):
    return Network.dense([4, width, width, 10])


def marked(network):
    # What a line is compared with is computed once for each network: a new one costs it anew.
    fresh = Network.dense(network.layers)
    for line in ("dW_2 = a_1.T @ delta_2", "dW_2 = a_1 @ delta_2"):
        check_line(fresh, line)


WORK = {
    "html": lambda network: derive(network).to_html(),
    "text": lambda network: derive(network).to_text(),
    "check": lambda network: derive(network).check(),
    "full": lambda network: derive(network, detail="full").to_html(),
    "mark": marked,
}


@pytest.mark.parametrize("name", WORK)
def test_a_wide_layer_costs_what_a_narrow_one_does(name):
    work = WORK[name]
    wide, narrow = of_width(2000), of_width(20)
    found = ratio(lambda: work(wide), lambda: work(narrow), SAME)
    assert found <= SAME


@pytest.mark.long
@pytest.mark.parametrize("name", WORK)
@pytest.mark.parametrize("settings", [{}, {"penalty": L2(0.1)}], ids=["plain", "penalty"])
def test_twice_the_layers_cost_twice(name, settings):
    work = WORK[name]
    deep, half = of_depth(48, **settings), of_depth(24, **settings)
    found = ratio(lambda: work(deep), lambda: work(half), TWICE)
    assert found <= TWICE
