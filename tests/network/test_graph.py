"""Networks written layer by layer: names, structure, a layer of one's own, and what is refused."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.functions import exp
from chainrule.kernels.plan_cache import gradient_plan
from chainrule.network.graph import Layer, Node
from chainrule.network.layers import filled
from chainrule.network.scope import Scope

# -- what is refused ------------------------------------------------------------------------------

x, y, k = cr.Input(8), cr.Input(3, name="age"), cr.Categories(4)
encoder = cr.Dense(3, "tanh")
head = cr.Dense(1)(x)


def twice(layer: Layer) -> cr.Network:
    return cr.Network(x, cr.Dense(1)(layer(cr.Dense(3)(layer(x)))))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    # Sizes.
    "sum": (
        lambda: cr.Dense(3)(x) + cr.Dense(4, "relu")(x),
        "`+` must join nodes of equal width, got Dense(3) with 3 values and Dense(4, 'relu') with "
        "4. Project one of them, as in cr.Dense(4, bias=False)(x)",
    ),
    "difference": (lambda: x - y, "`−` must join nodes of equal width, got Input(8) with 8 values"),
    "product": (lambda: x * y, "`*` must join nodes of equal width, got Input(8) with 8 values"),
    "columns": (
        lambda: cr.PiecewiseLinear([[0, 1], [0, 2]])(y),
        "PiecewiseLinear(2 columns) must be applied to 2 columns, got Input(3, 'age') with 3",
    ),
    "a dense layer of two widths": (
        lambda: twice(cr.Dense(3)),
        "Dense(3) must be applied to nodes of equal width, because it uses the same W_1 each time, "
        "got 8 and 3 values",
    ),
    "a normalization of two widths": (
        lambda: twice(cr.LayerNorm()),
        "LayerNorm must be applied to nodes of equal width, because it uses the same γ_1",
    ),
    "batch normalization twice": (
        lambda: twice(cr.BatchNorm()),
        "BatchNorm must be applied once, because its running statistics are those of one node",
    ),
    # Inputs and outputs.
    "an input that is not listed": (
        lambda: cr.Network(x, cr.Dense(1)(x, y)),
        "`inputs` must have every input that the outputs use, but Input(3, 'age') is not among",
    ),
    "an input that is not used": (
        lambda: cr.Network([x, y], head),
        "`inputs` must be used by the outputs, but Input(3, 'age') is not; leave it out",
    ),
    "an input twice": (
        lambda: cr.Network([x, x], head),
        "`inputs` must have each node once, got Input(8) twice",
    ),
    "a name twice": (
        lambda: cr.Network([y, other := cr.Input(3, name="age")], cr.Dense(1)(y + other)),
        "`inputs` must have different names, got 'age' twice",
    ),
    "a computed input": (
        lambda: cr.Network(h := cr.Dense(2)(x), cr.Dense(1)(h)),
        "`inputs` must be nodes of cr.Input or cr.Categories, got Dense(2)",
    ),
    "an input as output": (
        lambda: cr.Network(x, x),
        "`outputs` must be computed, got the input Input(8)",
    ),
    "no input": (lambda: cr.Network([], head), "`inputs` must be a node such as cr.Input(8)"),
    # Layers for nodes.
    "a layer as output": (
        lambda: cr.Network(x, cr.Dense(1)),  # type: ignore[arg-type]
        "`outputs` must be a node such as cr.Input(8), or a list, got Dense(1)",
    ),
    "a layer in a list": (
        lambda: cr.Network(x, [cr.Dense(1)], ["mse"]),  # type: ignore[list-item]
        "`outputs` must be nodes such as cr.Input(8), got Dense(1). Apply it: Dense(1)(x)",
    ),
    "a layer of a layer": (
        lambda: cr.Dense(1)(cr.Dense(2)),  # type: ignore[arg-type]
        "Dense(1) must be applied to nodes such as cr.Input(8), got Dense(2)",
    ),
    "a layer in a sum": (
        lambda: x + cr.Dense(8),  # type: ignore[operator]
        "`operand` must be another node, or a number, got Dense(8)",
    ),
    "a layer of nothing": (
        lambda: cr.Dense(1)(),
        "Dense(1) must be applied to a node, as in Dense(1)(x)",
    ),
    "a layer of two": (
        lambda: cr.LayerNorm()(x, y),
        "LayerNorm must be applied to one node, got 2. Dense takes several",
    ),
    "a layer of an array": (
        lambda: cr.Dense(1)(np.zeros((2, 2))),  # type: ignore[arg-type]
        "Dense(1) must be applied to nodes such as cr.Input(8), got array",
    ),
    # Losses.
    "log_loss of a sum": (
        lambda: cr.Network(x, cr.Dense(3, "softmax")(x) + cr.Dense(3)(x), "log_loss"),
        "`loss` 'log_loss' must follow outputs in probabilities that sum to one or (0, 1), got Sum "
        "with 3 outputs in all numbers. End with the activation 'softmax' or 'sigmoid'",
    ),
    "log_loss of numbers": (
        lambda: cr.Network(x, cr.Dense(3, "relu")(x), "log_loss"),
        "`loss` 'log_loss' must follow outputs in probabilities that sum to one or (0, 1), got "
        "Dense(3, 'relu') with 3 outputs in [0, ∞).",
    ),
    "log_loss of a normalization": (
        lambda: cr.Network(x, cr.LayerNorm()(cr.Dense(3, "softmax")(x)), "log_loss"),
        "`loss` 'log_loss' must follow outputs in probabilities that sum to one or (0, 1), got "
        "LayerNorm with 3 outputs in all numbers.",
    ),
    "one share": (
        lambda: cr.Network(x, cr.Dense(1, "softmax")(x), "log_loss"),
        "as in cr.Dense(1, 'sigmoid')",
    ),
    "poisson of numbers": (
        lambda: cr.Network(x, head, "poisson"),
        "`loss` 'poisson' must follow outputs in (0, ∞), got Dense(1)",
    ),
    "one loss for two outputs": (
        lambda: cr.Network(x, [head, cr.Dense(2)(x)], "mse"),
        "`loss` must be a list of losses, one for each of Dense(1), Dense(2), got ['mse']",
    ),
    "two losses for one output": (
        lambda: cr.Network(x, head, ["mse", "mae"]),
        "`loss` must be a list of losses, one for each of Dense(1), got ['mse', 'mae']",
    ),
    "a number as loss": (
        lambda: cr.Network(x, head, 3),  # type: ignore[arg-type]
        "`loss` must be a list of losses, one for each of Dense(1), got 3",
    ),
    "two weights for one loss": (
        lambda: cr.Network(x, head, loss_weights=[1.0, 2.0]),
        "`loss_weights` must be a list of numbers, one for each of Dense(1), got [1.0, 2.0]",
    ),
    "a number as weights": (
        lambda: cr.Network(x, head, loss_weights=2.0),  # type: ignore[arg-type]
        "`loss_weights` must be a list of numbers, one for each of Dense(1), got 2.0",
    ),
    # Layers with conditions of their own.
    "tied without its layer": (
        lambda: cr.Tied(encoder)(cr.Dense(3)(x)),
        "Tied(Dense(3, 'tanh')) must follow Dense(3, 'tanh'), whose weights it uses",
    ),
    "tied to another width": (
        lambda: cr.Tied(encoder)(x),
        "Tied(Dense(3, 'tanh')) must be applied to 3 values, the units of Dense(3, 'tanh'), got "
        "Input(8) with 8",
    ),
    "tied to no dense layer": (
        lambda: cr.Tied(cr.LayerNorm()),  # type: ignore[arg-type]
        "`of` must be a Dense layer, got LayerNorm",
    ),
    "an embedding of numbers": (
        lambda: cr.Embedding(3)(x),
        "Embedding(3) must be applied to cr.Categories(levels), got Input(8). Numbers take",
    ),
    "edges that do not increase": (
        lambda: cr.PiecewiseLinear([[0.0, 1.0, 1.0]]),
        "`edges` must be at least 2 finite numbers in increasing order for each column, got [0.0",
    ),
    "one edge": (lambda: cr.PiecewiseLinear([[0.0]]), "`edges` must be at least 2 finite numbers"),
    "edges whose distance has no inverse": (
        lambda: cr.PiecewiseLinear([[0.0, 1e-310, 1.0]]),
        "`edges` must be at least 1e-37 apart, got [0.0",
    ),
    "an infinite edge": (
        lambda: cr.PiecewiseLinear([[0.0, np.inf]]),
        "`edges` must be at least 2 finite numbers in increasing order for each column, got [0.0",
    ),
    "edges in no list": (
        lambda: cr.PiecewiseLinear(3),  # type: ignore[arg-type]
        "`edges` must be a list with the edges of each column, got 3",
    ),
    "edges of one column": (
        lambda: cr.PiecewiseLinear([0.0, 1.0]),
        "`edges` must be a list with the edges of each column, got 0.0",
    ),
    "no edges": (lambda: cr.PiecewiseLinear([]), "`edges` must have the edges of one column"),
    "a gate of a layer": (
        lambda: cr.Gated(3, "softmax"),
        "`gate` must be an elementwise activation such as 'sigmoid', got 'softmax'",
    ),
    # Parameters.
    "an unknown parameter": (
        lambda: cr.Network(x, cr.Dense(1)(cr.LayerNorm()(x)), trainable={"γ_2": False}),
        "unknown parameter in trainable 'γ_2'. Did you mean 'γ_1'? Available: 'γ_1', 'b_1', 'W_2'",
    ),
    "a shared scale": (
        lambda: cr.Network(x, cr.Dense(1)(cr.LayerNorm()(x)), trainable={"γ_1": "shared"}),
        "trainable: 'γ_1' cannot be shared; only biases can",
    ),
    "a running statistic": (
        lambda: cr.Network(x, cr.BatchNorm()(x), trainable={"running_mean_1": False}),
        "trainable: 'running_mean_1' is a running statistic, which is not trained",
    ),
    "nothing to train": (
        lambda: cr.Network(x, cr.Scale()(x), trainable={"s_1": False}),
        "trainable: every parameter is frozen; leave at least one to train",
    ),
    "batch normalization of one sample": (
        lambda: cr.derive(cr.Network(x, cr.BatchNorm()(x)), batch=False),
        "`batch` must be True for a network with batch normalization",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_suit_is_refused_in_one_line(what: str) -> None:
    make, message = REFUSED[what]
    with pytest.raises((InputError, InputTypeError), match=re.escape(message)) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_softmax_in_the_middle_is_fine() -> None:
    h = cr.Dense(3, "softmax")(x)
    network = cr.Network(x, cr.Dense(2)(h) + cr.Activate("softmax")(cr.Dense(2)(h)))
    assert cr.verify(network).passed
    end = cr.Network(x, cr.Activate("softmax")(cr.LayerNorm()(cr.Dense(3)(h))), "log_loss")
    assert cr.verify(end).passed
    assert str(cr.derive(end).gradients["γ_3"])


def test_one_node_may_have_two_losses() -> None:
    network = cr.Network(x, [head, head], ["mse", "mae"], loss_weights=[1.0, 0.5])
    assert cr.verify(network).passed
    X, Y = np.ones((2, 8)), np.array([[1.0], [3.0]])
    parameters = network.initialize(0)
    loss, _ = cr.loss_and_gradients(network, parameters, X, [Y, 2 * Y])
    a = X @ parameters["W_1"] + parameters["b_1"]
    assert loss == pytest.approx(np.mean((a - Y) ** 2) + 0.5 * np.mean(abs(a - 2 * Y)))


# -- names ----------------------------------------------------------------------------------------


def test_parameters_are_named_after_the_layer_that_states_them() -> None:
    shared = cr.Dense(3)
    h = shared(cr.BatchNorm()(cr.PReLU()(cr.Dense(3, bias=False)(y, cr.Embedding(2)(k)))))
    h = cr.Gated(3)(cr.Scale()(shared(h)))
    h = cr.Periodic(2, 4)(cr.PiecewiseLinear([[0, 1]] * 3, 1)(h))
    network = cr.Network([y, k], cr.Dense(1)(h))
    assert network.parameter_names == (
        *("E_2", "W_3", "U_3", "p_4"),
        *("running_mean_5", "running_var_5", "γ_5", "b_5", "W_6", "b_6"),
        *("s_8", "W_9", "b_9", "V_9", "c_9", "W_10", "b_10"),
        *("f_11", "W_11", "U_11", "b_11", "W_12", "b_12"),
    )
    assert network.running_names == ("running_mean_5", "running_var_5")
    assert set(network.trainable_names) == set(network.parameter_names) - set(network.running_names)
    assert network.input_names == ("X_1", "k_2")
    assert network.target_names == ("Y",)
    assert network.parameter_shapes["E_2"] == (4, 2)
    assert network.parameter_shapes["W_3"] == (3, 3)
    assert network.parameter_shapes["U_3"] == (2, 3)
    assert network.parameter_shapes["W_11"] == (12, 6)


def test_a_chain_of_dense_layers_is_the_dense_network() -> None:
    network = cr.Network(x, cr.Dense(2, "identity")(cr.Dense(5, "tanh")(x)))
    same = cr.Network.dense([8, 5, 2], ["tanh", "identity"])
    assert network.parameter_names == same.parameter_names == ("W_ih", "b_ih", "W_ho", "b_ho")
    assert network.structure == same.structure
    assert str(network) == str(same)


# -- structure ------------------------------------------------------------------------------------


def network_of(
    *,
    width: int = 4,
    activation: str = "tanh",
    number: float = 0.5,
    rate: float = 0.1,
    epsilon: float = 1e-5,
    momentum: float = 0.1,
    skip: bool = True,
    shared: bool = False,
    units: int | None = 2,
    loss: Sequence[str] = ("mse", "mae"),
    trainable: dict[str, Any] | None = None,
    penalty: Sequence[Any] = (),
) -> cr.Network:
    inner = cr.Input(2)
    e = cr.PiecewiseLinear([[0, 1, 2], [0, 1, 3]], units)(inner)
    first, second = cr.Dense(width, activation), cr.Dense(width, activation)
    h = first(cr.Dense(width)(cr.Dropout(rate)(cr.LayerNorm(epsilon)(e))))
    after = (first if shared else second)(h)
    h = cr.BatchNorm(momentum=momentum)(after + number * h if skip else after - number * h)
    outputs = [cr.Dense(1)(h), cr.Dense(2)(h)]
    return cr.Network(inner, outputs, loss, trainable=trainable, penalty=penalty)


SAME: list[dict[str, Any]] = [{}, {"width": 7}]
OTHER: list[dict[str, Any]] = [
    {"activation": "relu"},
    {"number": 0.25},
    {"rate": 0.2},
    {"epsilon": 1e-3},
    {"momentum": 0.2},
    {"skip": False},
    {"shared": True},
    {"units": None},
    {"loss": ("mae", "mse")},
    {"trainable": {"W_4": False}},
    {"penalty": [cr.L2(0.1)]},
]


@pytest.mark.parametrize("options", SAME, ids=str)
def test_networks_of_the_same_structure_share_their_plan(options: dict[str, Any]) -> None:
    one, other = network_of(), network_of(**options)
    assert one.structure == other.structure
    assert hash(one.structure) == hash(other.structure)
    assert gradient_plan(one) is gradient_plan(other)


@pytest.mark.parametrize("options", OTHER, ids=str)
def test_networks_that_differ_have_different_structures(options: dict[str, Any]) -> None:
    one, other = network_of(), network_of(**options)
    assert one.structure != other.structure
    assert gradient_plan(one) is not gradient_plan(other)


def test_edges_are_values_and_no_part_of_the_structure() -> None:
    one, other = (
        cr.Network(y, cr.Dense(1)(cr.PiecewiseLinear([[0, edge]] * 3)(y))) for edge in (1.0, 4.0)
    )
    assert gradient_plan(one) is gradient_plan(other)
    parameters, X = one.initialize(0), np.full((1, 3), 0.5)
    assert cr.predict(one, parameters, X) != cr.predict(other, parameters, X)
    assert cr.predict(other, parameters, 4 * X) == cr.predict(one, parameters, X)


# -- a layer of one's own -------------------------------------------------------------------------


class RadialBasis(Layer):
    """Gaussian bells of learnable width around 0: a = e^(−w ⊙ x²)."""

    def width_of(self, sources: tuple[Node, ...]) -> int:
        return sources[0].width

    def state(self, scope: Scope, sources: Sequence[Symbol]) -> Symbol:
        (values,) = sources
        axis = scope.units(values)
        widths = scope.parameter("w", (axis,), filled(0.7))
        return scope.define("a", (axis,), exp(-widths * values**2))


def test_a_layer_of_ones_own_needs_its_forward_formula_alone() -> None:
    source = cr.Input(3)
    h = RadialBasis()(cr.Dense(5)(source))
    network = cr.Network(source, cr.Dense(1)(h + cr.Dense(5)(h)))
    assert network.parameter_names == ("W_1", "b_1", "w_2", "W_3", "b_3", "W_5", "b_5")
    derivation = cr.derive(network)
    assert str(derivation.gradients["w_2"]) == "−1ᵀ (∂Loss/∂A_2 ⊙ A_2 ⊙ Z_1^⊙2)"
    assert cr.verify(network).passed
    assert cr.check_line(network, "dW_1 = X.T @ delta_1", batch=True).correct

    generator = np.random.default_rng(0)
    X, Y = generator.normal(size=(20, 3)), generator.normal(size=20)
    one, other = (
        cr.train(network, X, Y, optimizer="adam", epochs=20, batch_size=8, backend=backend)
        for backend in ("reference", "compiled")
    )
    np.testing.assert_allclose(other.parameters.flat, one.parameters.flat, rtol=1e-9, atol=1e-12)
    assert one.history["loss"][-1] < one.history["loss"][0]

    # The formula in NumPy, and its derivative by hand.
    parameters = network.initialize(1)
    value = {name: np.asarray(array) for name, array in parameters.items()}
    z = X @ value["W_1"] + value["b_1"]
    a = np.exp(-value["w_2"] * z**2)
    output = (a + a @ value["W_3"] + value["b_3"]) @ value["W_5"] + value["b_5"]
    delta = 2 / 20 * (output - Y[:, None]) @ value["W_5"].T
    back = delta + delta @ value["W_3"].T
    _, gradients = cr.loss_and_gradients(network, parameters, X, Y)
    np.testing.assert_allclose(gradients["w_2"], (back * a * -(z**2)).sum(axis=0), rtol=1e-10)
    np.testing.assert_allclose(
        gradients["W_1"], X.T @ (back * a * -2 * value["w_2"] * z), rtol=1e-10
    )


@pytest.mark.parametrize("layer", [cr.LayerNorm, cr.BatchNorm])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_smallest_epsilon_is_not_zero_in_a_run(layer, dtype):
    # Found by mutants of model files: 1e-320 counts as zero, so that equal inputs gave 0/0.
    x = cr.Input(3)
    network = cr.Network(x, cr.Dense(1)(layer(1e-37)(x)))
    zeros = np.zeros((4, 3), dtype)
    found = cr.predict(network, network.initialize(0, dtype=dtype), zeros)
    assert np.isfinite(found).all()
    with pytest.raises(InputError, match="`epsilon` must be a finite number in"):
        layer(1e-320)
