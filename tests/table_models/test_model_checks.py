"""Verification at trained parameters."""

from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.network.architecture import Network
from chainrule.table_models.model_checks import verify_network
from chainrule.table_models.table_training import train_table

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


def test_trained_networks_are_verified_where_they_are():
    model = train_table(IRIS, "species", hidden=(8,), epochs=5).model
    assert verify_network(model.network, model.parameters).passed
    assert verify_network(Network.dense([2, 2, 2], "tanh")).passed


def test_a_batch_is_drawn_until_it_keeps_off_the_kinks():
    """At this bias a unit stands on its kink for every input, so that no batch ever will."""
    network = Network.dense([1, 1, 1], ["relu", "identity"])
    stuck = {"W_ih": np.zeros((1, 1)), "b_ih": [1e-6], "W_ho": np.ones((1, 1)), "b_ho": [0.0]}
    with pytest.raises(InputError, match="away from every kink"):
        verify_network(network, stuck)
    wide = Network.dense([2, 200, 1], ["relu", "identity"])  # most draws are near some kink
    assert verify_network(wide, wide.initialize(0)).passed
