"""The way back: order, names, and the rewrites that lead to A − Y."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule.errors import MissingRule
from chainrule.formulas import differentiate as rules
from chainrule.formulas.arrange import arrange
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Size, symbols
from chainrule.network.architecture import Network
from chainrule.network.gradients import differentiate
from tests.formulas.random_expressions import nodes


def entry_of(network: Network, name: str, *, batch: bool = False):
    gradients = differentiate(network.formulation(batch=batch))
    return next(entry for entry in gradients.backward if entry.left.name == name)


def test_cotangents_go_from_the_loss_to_the_inputs():
    gradients = differentiate(Network.dense([2, 3, 1]).formulation(batch=False))
    assert [entry.left.name for entry in gradients.backward] == [
        "∂Loss/∂a_o",
        "δ_o",
        "∂Loss/∂W_ho",
        "∂Loss/∂b_ho",
        "∂Loss/∂a_h",
        "δ_h",
        "∂Loss/∂W_ih",
        "∂Loss/∂b_ih",
    ]


@pytest.mark.parametrize("layers", [[2, 1], [2, 3, 1], [2, 3, 4, 5, 1]])
def test_each_equation_rests_on_earlier_ones(layers):
    formulation = Network.dense(layers).formulation()
    known = {*formulation.inputs, *formulation.parameters, *formulation.defined}
    for entry in differentiate(formulation).backward:
        assert symbols(entry.right) <= known
        known.add(entry.left)


def test_the_first_layer_has_no_gradient_by_the_data():
    for layers in ([2, 1], [2, 3, 1]):
        gradients = differentiate(Network.dense(layers).formulation())
        assert "X" not in {entry.of.name for entry in gradients.backward}


@pytest.mark.parametrize(
    ("activation", "loss", "layers", "printed"),
    [
        ("softmax", "log_loss", [2, 3, 4], "a_o − Y_t"),
        ("sigmoid", "log_loss", [2, 3, 4], "a_o − Y_t"),
        ("sigmoid", "log_loss", [2, 3, 1], "a_o − Y_t"),
        ("exponential", "poisson", [2, 3, 4], "(1/n)(a_o − Y_t)"),
    ],
)
def test_canonical_pairs_collapse(activation, loss, layers, printed):
    entry = entry_of(Network.dense(layers, ["tanh", activation], loss), "δ_o")
    assert str(arrange(entry.right, "rows", entry.left.axes)) == printed


@pytest.mark.parametrize(("activation", "loss"), [("tanh", "mse"), ("sigmoid", "huber")])
def test_other_pairs_keep_their_slope(activation, loss):
    entry = entry_of(Network.dense([2, 3, 4], ["tanh", activation], loss), "δ_o")
    assert not entry.rewrites
    assert "∂Loss/∂a_o" in {symbol.name for symbol in symbols(entry.right)}


def test_each_rewrite_starts_where_the_last_one_ended_and_changes_no_value():
    network = Network.dense([2, 3, 4], ["tanh", "softmax"], "log_loss")
    entry = entry_of(network, "δ_o")
    assert entry.rewrites[0].before == entry.derived.right
    for first, second in zip(entry.rewrites, entry.rewrites[1:], strict=False):
        assert first.after == second.before
    assert entry.rewrites[-1].after == entry.right
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(4), 2)
    values = {"a_o": shares[0], "Y_t": shares[1], "∂Loss/∂a_o": -shares[1] / shares[0]}
    found = symbols(entry.derived.right) | symbols(entry.right)
    at = Evaluation(values).measure(found)
    for rewrite in entry.rewrites:
        np.testing.assert_allclose(at(rewrite.after), at(rewrite.before), rtol=1e-12)


def test_without_the_fact_that_targets_are_shares_nothing_collapses_to_the_difference():
    formulation = Network.dense([2, 3, 4], ["tanh", "softmax"], "log_loss").formulation(batch=False)
    bare = differentiate(replace(formulation, facts={}))
    (entry,) = [entry for entry in bare.backward if entry.left.name == "δ_o"]
    assert "Σ" in str(entry.right)


@pytest.mark.parametrize("last", ["identity", "tanh", "sigmoid"])
def test_the_average_over_the_batch_is_part_of_delta(last):
    formulation = Network.dense([2, 3, 1], ["tanh", last]).formulation()
    gradients = differentiate(formulation)
    (entry,) = [entry for entry in gradients.backward if entry.left.name == "δ_o"]
    written_out = gradients.expanded(entry.right, 1000)
    sizes = {node.axis.name for node in nodes(written_out) if isinstance(node, Size)}
    assert sizes == {"B", "o"}


def test_written_out_nothing_but_forward_symbols_is_left():
    formulation = Network.dense([2, 3, 4, 2]).formulation()
    gradients = differentiate(formulation)
    names = {entry.left for entry in gradients.backward}
    for parameter in formulation.parameters:
        written_out = gradients.expanded(gradients.of(parameter).right, 1000)
        assert not symbols(written_out) & names


@pytest.mark.parametrize(
    ("kind", "loss"), [("Add", "mse"), ("Product", "mse"), ("Power", "mse"), ("Apply", "mse")]
)
def test_without_a_rule_the_derivation_of_a_network_fails_by_name(kind, loss, monkeypatch):
    formulation = Network.dense([3, 5, 2], "tanh", loss).formulation()
    (node,) = [node for node in rules.RULES if node.__name__ == kind]
    monkeypatch.delitem(rules.RULES, node)
    with pytest.raises(MissingRule) as caught:
        differentiate(formulation)
    assert caught.value.operation == kind


def test_two_derivations_of_one_network_are_the_same():
    formulation = Network.dense([3, 5, 4, 2], "gelu", "huber").formulation()
    first, second = differentiate(formulation), differentiate(formulation)
    assert [str(e.equation.right) for e in first.backward] == [
        str(e.equation.right) for e in second.backward
    ]
    assert first.backward == second.backward
