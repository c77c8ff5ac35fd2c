"""The cost of verification and explanation: it grows as the number of layers does."""

import numpy as np
import pytest

from chainrule.explanation.explanation import explain
from chainrule.network.architecture import Network
from chainrule.verification import verify
from tests.costs.growth import ratio

TWICE = 2.6


def of_depth(depth):
    return Network.dense([4, *[20] * depth, 3])


def explained(network):
    X = np.full((2, 4), 0.5)
    return explain(network, network.initialize(0), X, np.full((2, 3), 0.25)).to_html()


WORK = {"verify": verify, "explain": explained}


@pytest.mark.long
@pytest.mark.parametrize("name", WORK)
def test_twice_the_layers_cost_twice(name):
    deep, half = of_depth(40), of_depth(20)
    found = ratio(lambda: WORK[name](deep), lambda: WORK[name](half), TWICE)
    assert found <= TWICE


def test_few_of_many_entries_are_compared_and_the_table_says_how_many():
    result = verify(Network.dense([4, 300, 300, 3]), samples=2)
    assert result.passed
    assert result.entries == 4 * 300 + 300 + 300 * 300 + 300 + 300 * 3 + 3
    assert 3 + 5 * 20 <= result.single < 500
    last = str(result).splitlines()[-1]
    assert f"{result.single:,} of 92,703 entries compared one by one" in last
    assert verify(Network.dense([4, 300, 300, 3]), samples=2) == result  # the same entries


def test_all_entries_of_a_small_network_are_compared_and_nothing_is_said_about_it():
    result = verify(Network.dense([3, 4, 2]))
    assert result.single == result.entries == 26
    assert "one by one" not in str(result)
