"""A network's description in a file."""

import json

import numpy as np
import pytest

from chainrule.errors import InputError, ModelFileError
from chainrule.formulas.functions import greater, log1p, where, z
from chainrule.network.activations import activation, sigmoid
from chainrule.network.architecture import Network
from chainrule.network.graph import Layer
from chainrule.network.layers import Dense, Input
from chainrule.network.losses import Form, Loss
from chainrule.network.losses import a as output
from chainrule.network.losses import y as wanted
from chainrule.network.penalties import L2
from chainrule.table_models.model_files import load, save
from chainrule.table_models.network_records import network_from_dict, network_to_dict
from chainrule.training.single_pass import loss_and_gradients, predict


def test_a_network_record_is_plain_json():
    network = Network.dense([2, 3, 1], "relu", "log_loss", penalty=L2(0.1))
    record = json.loads(json.dumps(network_to_dict(network)))
    assert str(network_from_dict(record)) == str(network)
    for damaged in (None, [], {}, {**record, "layers": None}, {**record, "activations": {}}):
        with pytest.raises(ModelFileError, match="its network is damaged: "):
            network_from_dict(damaged)


OWN = activation("own", z * z)
IMPOSTOR = activation("relu", 2 * z)
CURVED = activation("curved", where(greater(z, 0), log1p(z), sigmoid(z) - 1 / 2), kinks=(0.0,))
FOURTH = (wanted - output) ** 4
OWN_NETWORKS = {
    "activation": Network.dense([2, 3, 1], [OWN, "identity"]),
    "activation with a name of the catalogue": Network.dense([2, 3, 1], [IMPOSTOR, "identity"]),
    "functions and kinks": Network.dense([2, 3, 1], [CURVED, "tanh"]),
    "loss": Network.dense([2, 1], "identity", Loss("own_loss", (Form(FOURTH, averaged=False),))),
    "loss with a name of the catalogue": Network.dense(
        [2, 1], "tanh", Loss("mse", (Form(FOURTH),))
    ),
}


@pytest.mark.parametrize("network", OWN_NETWORKS.values(), ids=OWN_NETWORKS)
def test_functions_of_the_users_own_are_saved_as_formulas(network, tmp_path):
    parameters = network.initialize(seed=1)
    save((network, parameters), tmp_path / "m")
    loaded = load(tmp_path / "m")
    X, Y = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([0.5, -0.25])
    assert np.array_equal(loaded.predict(X), predict(network, parameters, X))
    expected, gradients = loss_and_gradients(network, parameters, X, Y)
    found, same = loss_and_gradients(loaded.network, loaded.parameters, X, Y)
    assert found == expected
    assert all(np.array_equal(gradients[name], same[name]) for name in gradients)
    record = network_to_dict(network)
    assert network_to_dict(loaded.network) == record


def test_a_damaged_formula_is_refused():
    record = network_to_dict(OWN_NETWORKS["activation"])

    def with_value(value):
        function = {**record["activations"][0], "value": value}
        return {**record, "activations": [function, "identity"]}

    deep = ["symbol", "z"]
    for _ in range(200):
        deep = ["add", deep, ["number", "1"]]
    for value in (
        *(None, [], "z", ["symbol"], ["symbol", 3], ["number", "nan"], ["number", "1/0"]),
        *(["number", "9" * 1000], ["primitive", "system", ["symbol", "z"]], ["import", "os"]),
        *(["primitive", "exp"], ["power", ["symbol", "z"]], ["function", "own", ["symbol", "z"]]),
        deep,
    ):
        with pytest.raises(ModelFileError, match="its network is damaged: "):
            network_from_dict(with_value(value))


def test_a_layer_of_the_users_own_is_not_saved(tmp_path):
    class Twice(Layer):
        def width_of(self, sources):
            return sources[0].width

        def state(self, scope, sources):
            (x,) = sources
            return scope.define("a", (scope.units(x),), 2 * x)

    x = Input(2)
    network = Network(x, Dense(1)(Twice()(x)))
    with pytest.raises(InputError, match="the layer 'Twice' is not the catalogue's"):
        save((network, network.initialize()), tmp_path / "m")
    assert not list(tmp_path.iterdir())
