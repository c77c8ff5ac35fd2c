"""A network's description in a file."""

import json

import pytest

from chainrule.errors import InputError, ModelFileError
from chainrule.formulas.functions import z
from chainrule.network.activations import activation
from chainrule.network.architecture import Network
from chainrule.network.losses import Form, Loss
from chainrule.network.losses import a as output
from chainrule.network.losses import y as wanted
from chainrule.network.penalties import L2
from chainrule.table_models.model_files import save
from chainrule.table_models.network_records import network_from_dict, network_to_dict


def test_a_network_record_is_plain_json():
    network = Network.dense([2, 3, 1], "relu", "log_loss", penalty=L2(0.1))
    record = json.loads(json.dumps(network_to_dict(network)))
    assert str(network_from_dict(record)) == str(network)
    for damaged in (None, [], {}, {**record, "layers": None}, {**record, "activations": {}}):
        with pytest.raises(ModelFileError, match="its network is damaged: "):
            network_from_dict(damaged)


def test_what_is_in_no_catalogue_is_not_saved(tmp_path):
    own = activation("own", z * z)
    impostor = activation("relu", 2 * z)
    other = Loss("mse", (Form((wanted - output) ** 4),))
    unnamed = Loss("own_loss", (Form((wanted - output) ** 4),))
    for network, message in (
        (Network.dense([2, 3, 1], [own, "identity"]), "activation 'own' is not the catalogue's"),
        (Network.dense([2, 3, 1], [impostor, "identity"]), "activation 'relu' is not the cat"),
        (Network.dense([2, 1], "identity", other), "loss 'mse' is not the catalogue's"),
        (Network.dense([2, 1], "identity", unnamed), "loss 'own_loss' is not the catalogue's"),
    ):
        with pytest.raises(InputError, match=message):
            save((network, network.initialize()), tmp_path / "m")
    assert not list(tmp_path.iterdir())
