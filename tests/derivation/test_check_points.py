"""The point of a check: its derivatives against forward mode through the whole network."""

import numpy as np
import pytest

from chainrule import Input
from chainrule.derivation.check_points import (
    _with_directions,
    evaluation,
    exact_point,
    float_point,
    lengths,
)
from chainrule.formulas.fields import Residue
from chainrule.network.architecture import Network
from chainrule.network.layers import Dense
from chainrule.network.normalization import BatchNorm
from chainrule.network.penalties import L2
from chainrule.network.scope import SAMPLES


def residual():
    x = Input(3)
    first = Dense(4, "tanh")(x)
    second = Dense(4, "tanh")(BatchNorm()(first))
    return Network(x, Dense(2, "softmax")(first + second), loss="log_loss")


def shared():
    """A parameter of no axes."""
    return Network.dense([3, 3, 3], trainable={"b_ih": "shared"}, penalty=L2(0.1))


NETWORKS = (
    shared(),
    Network.dense([2, 3, 2], penalty=L2(0.1)),
    Network.dense([3, 4, 2, 3], "softmax", "log_loss"),
    residual(),
)


def point_of(network, make):
    formulation = network.formulation()
    axes = (*network.sizes, SAMPLES)
    return make(formulation, lengths(axes, formulation.same_axes), 0)


def forward_slopes(point, symbol):
    """∂Loss/∂symbol by moving every entry of it through all equations at once."""
    value = point.values[symbol]
    moving = evaluation(point.numbers, point.sizes)
    known = (*point.formulation.inputs, *point.formulation.parameters)
    for each in known:
        moving.define(each, point.values[each])
    if symbol in known:
        moving.define(symbol, _with_directions(value, value.size))
    for equation in point.formulation.equations:
        found = moving.spread(equation.right, equation.left.axes)
        if equation.left == symbol:
            found = _with_directions(value, value.size)
        moving.define(equation.left, found)
    loss = moving(point.formulation.loss)[()]
    slopes = np.zeros(value.size, int) if loss.slopes is None else loss.slopes
    return [Residue(int(slope)) for slope in slopes]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_exact_derivatives_are_those_of_forward_mode(network):
    point = point_of(network, exact_point)
    formulation = point.formulation
    inner = [e.left for e in formulation.equations if e.left != formulation.loss]
    for symbol in (*formulation.parameters, *inner):
        found = point.values[formulation.cotangent(symbol)]
        assert found.shape == point.values[symbol].shape
        assert list(found.ravel()) == forward_slopes(point, symbol), symbol


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_derivatives_in_floating_point_are_those_of_central_differences(network):
    point = point_of(network, float_point)
    formulation = point.formulation

    def loss(name, array):
        at = evaluation(point.numbers, point.sizes)
        for each in (*formulation.inputs, *formulation.parameters):
            at.define(each, array if each == name else point.values[each])
        for equation in formulation.equations:
            at.define(equation.left, at.spread(equation.right, equation.left.axes))
        return float(at(formulation.loss))

    for parameter in formulation.parameters:
        value = point.values[parameter]
        found = point.values[formulation.cotangent(parameter)]
        for index in np.ndindex(value.shape):
            step = np.zeros_like(value)
            step[index] = 1e-6
            slope = (loss(parameter, value + step) - loss(parameter, value - step)) / 2e-6
            assert found[index] == pytest.approx(slope, rel=1e-6, abs=1e-8)
