"""Every entry of the table of partial derivatives, broken once, is caught by ``check``.

The exact checks have slopes of their own (``formulas.fields``), floating point has the complex
step: neither reads the table.
"""

import pytest

from chainrule.derivation.derivation import derive
from chainrule.formulas import differentiate, fields
from chainrule.formulas.expressions import ONE, add, negative
from chainrule.formulas.functions import (
    absolute,
    cosine,
    equal,
    erf,
    exp,
    expm1,
    greater,
    log,
    log1p,
    maximum,
    minimum,
    sign,
    sine,
    tanh,
    where,
    z,
)
from chainrule.network.activations import activation
from chainrule.network.architecture import Network

VALUES = {
    "exp": exp(z),
    "log": log(z**2 + 1),
    "expm1": expm1(z),
    "log1p": log1p(z**2),
    "tanh": tanh(z),
    "erf": erf(z),
    "abs": absolute(z),
    "sign": z * sign(z),
    "maximum": maximum(z, z / 2),
    "minimum": minimum(z, z / 2),
    "greater": z * greater(z, z / 2),
    "equal": z * equal(z, z / 2),
    "sin": sine(z),
    "cos": cosine(z),
    "where": z * where(greater(z, z / 3), z, z / 2),
}
BREAKS = {"one more": lambda slope: add(slope, ONE), "the other sign": negative}


def passes(name):
    network = Network.dense([2, 3, 1], [activation("mine", VALUES[name]), "identity"])
    return derive(network).check().passed


def test_every_primitive_has_a_case_and_a_slope_of_its_own():
    assert VALUES.keys() == differentiate.PARTIALS.keys() == fields._SLOPES.keys()


@pytest.mark.parametrize("name", VALUES)
def test_the_table_as_it_is_passes(name):
    assert passes(name)


ARGUMENTS = {"maximum": 2, "minimum": 2, "greater": 2, "equal": 2, "where": 3}


def broken():
    for name in VALUES:
        for place in range(ARGUMENTS.get(name, 1)):
            if (name, place) == ("where", 0):
                continue  # the slope of a condition is 0: its factor never counts
            for how in BREAKS:
                if name not in ("sign", "greater", "equal") or how != "the other sign":  # −0 is 0
                    yield pytest.param(name, place, how, id=f"{name}-{place}-{how}")


@pytest.mark.parametrize(("name", "place", "how"), list(broken()))
def test_a_broken_entry_is_caught(name, place, how, monkeypatch):
    stated = differentiate.PARTIALS[name]

    def wrong(*arguments):
        partials = list(stated(*arguments))
        partials[place] = BREAKS[how](partials[place])
        return tuple(partials)

    monkeypatch.setitem(differentiate.PARTIALS, name, wrong)
    assert not passes(name)
