"""Every rule of differentiation, and the sum over uses, broken once: ``check`` catches each."""

import pytest

import chainrule as cr
from chainrule.derivation.derivation import derive
from chainrule.formulas import differentiate
from chainrule.formulas.expressions import Add, Apply, Power, Product, Rename, Symbol, negative
from chainrule.formulas.functions import z
from chainrule.network.activations import activation
from chainrule.network.penalties import L2

RULES = {"sum": Add, "product": Product, "power": Power, "function": Apply, "rename": Rename}


def networks():
    """A penalty (product, power), a batch norm (sums, roots), a skip (two uses), a tied weight."""
    curved = activation("curved", z**3 / 3 + z)
    x = cr.Input(3)
    first = cr.Dense(3, activation=curved)(x)
    second = cr.Dense(3, activation="softmax")(cr.BatchNorm()(first))
    yield cr.Network(x, cr.Dense(2)(first + second), penalty=L2(0.1))
    yield cr.Network.dense([3, 4, 3], ["tanh", "softmax"], "log_loss")
    y = cr.Input(3)
    code = cr.Dense(2, activation="tanh")
    yield cr.Network(y, cr.Tied(code)(code(y)))


def passes():
    return all(derive(network).check().passed for network in networks())


def lost(contributions):
    return contributions[:-1]


def turned(contributions):
    *others, (operand, given) = contributions
    return [*others, (operand, negative(given))]


def doubled(contributions):
    *others, (operand, given) = contributions
    return [*others, (operand, 2 * given)]


BREAKS = {"lost": lost, "turned": turned, "doubled": doubled}


def test_the_rules_as_they_are_pass():
    assert passes()
    assert set(RULES.values()) == differentiate.RULES.keys()


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_caught(name, how, monkeypatch):
    node = RULES[name]
    rule = differentiate.RULES[node]
    monkeypatch.setitem(differentiate.RULES, node, lambda *given: BREAKS[how](rule(*given)))
    assert not passes()


def test_a_sum_that_is_not_taken_over_broadcast_axes_is_caught(monkeypatch):
    monkeypatch.setattr(differentiate, "sum_to", lambda tree, axes: tree)
    assert not passes()


def test_a_use_that_is_forgotten_is_caught(monkeypatch):
    monkeypatch.setattr(differentiate, "add", lambda *terms: terms[0] if terms else Symbol("0"))
    assert not passes()
