"""Names in formulas, which model files hold too: nothing but letters reaches HTML and LaTeX."""

import pytest

import chainrule as cr
from chainrule.errors import InputError, ModelFileError
from chainrule.formulas.functions import z
from chainrule.network.activations import activation
from chainrule.table_models.model_files import encoded, load
from tests.hostile import mutants

HOSTILE = [
    "<script>alert(1)</script>",
    "\\input{/etc/passwd}",
    "a}\\write18{rm}",
    "a & b",
    "$x$",
    "100 %",
    "a\nb",
    "a\0b",
    "\x1b[2J",
    "\u202etxt.exe",
    '"onload="x',
    "x" * 61,
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_an_activation_has_a_name_that_can_be_printed(name):
    with pytest.raises(InputError, match="`name` must be at most 60 letters") as caught:
        activation(name, z * z)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("entry", ["activation", "symbol", "constant", "loss"])
def test_a_model_file_brings_no_markup(tmp_path, name, entry):
    """The name went into a page as it was, though anyone can write a model file."""
    network = cr.Network.dense([2, 3, 1], [activation("mine", z * z), "identity"])
    header, record, rest = mutants.parts(encoded((network, network.initialize())))
    described = record["networks"][0]["activations"][0]
    if entry == "activation":
        described["name"] = name
    elif entry == "symbol":
        described["value"] = ["add", ["symbol", "z"], ["symbol", name]]
    elif entry == "loss":
        record["networks"][0]["loss"] = {"name": name, "settings": {}, "forms": []}
    else:
        described["value"] = ["add", ["symbol", "z"], ["number", "2", name]]
    path = tmp_path / "m"
    path.write_bytes(mutants.signed(header, record, rest))
    with pytest.raises(ModelFileError, match="`name` must be at most"):
        load(path)


@pytest.mark.parametrize("name", ["soft step", "größe", "f'", "swish (b = 2)", "激活"])
def test_other_names_are_printed(tmp_path, name):
    network = cr.Network.dense([2, 3, 1], [activation(name, z * z), "identity"])
    cr.save((network, network.initialize()), tmp_path / "m")
    found = cr.derive(cr.load(tmp_path / "m").network)
    assert "<script" not in found.to_html()
    assert found.to_latex()
