"""Networks from formulas: equal to the same network in layers and in PyTorch, and every error."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.network.architecture import Network

Array = NDArray[np.float64]
SIZES = {"i": 4, "h": 16, "o": 3}
PLAIN = "A_h = tanh(X @ W_ih + b_ih); A_o = softmax(A_h @ W_ho + b_ho)"


def data(inputs: int, outputs: int, samples: int = 7) -> tuple[Array, Array]:
    generator = np.random.default_rng(3)
    rows = np.eye(outputs)[generator.integers(outputs, size=samples)]
    return generator.normal(size=(samples, inputs)), rows


def random_parameters(network: Network) -> dict[str, Array]:
    generator = np.random.default_rng(5)
    return {k: generator.normal(size=shape) for k, shape in network.parameter_shapes.items()}


def loss_and_gradients(
    network: Network, values: Mapping[str, Array], X: Array, Y: Array
) -> tuple[float, dict[str, Array]]:
    parameters = network.initialize(seed=0)
    for name, value in values.items():
        parameters[name][...] = value
    loss, gradients = cr.loss_and_gradients(network, parameters, X, Y)
    return float(loss), {name: np.asarray(gradients[name]) for name in network.parameter_names}


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "Z_h = X @ W_ih + b_ih\nA_h = tanh(Z_h)\n# outputs\nA_o = softmax(A_h @ W_ho + b_ho)  # P",
        r"A_h = \tanh(X W_{ih} + b_{ih}); A_o = \operatorname{softmax}(A_h W_{ho} + b_{ho})",
        "A_h = tanh(X @ W_ih + b_ih); A_o = softmax(A_h @ W_ho + b_ho, axis=1)",
        r"A_h = \tanh\left(X_i W_{i,h} + b_{ih}\right); A_o = \text{softmax}(A_h W_{h,o} + b_{ho})",
        "A_h = tanh(\n  X @ W_ih\n  + b_ih\n)；A_o = softmax(A_h @ W_ho + b_ho);",
    ],
)
def test_the_plain_text_is_the_dense_network(text: str) -> None:
    network = cr.network_from(text, loss="log_loss", sizes=SIZES)
    dense = cr.Network.dense([4, 16, 3], "tanh", "log_loss")
    assert network.parameter_shapes == dense.parameter_shapes
    assert str(network) == str(dense)
    values = random_parameters(dense)
    X, Y = data(4, 3)
    loss, gradients = loss_and_gradients(network, values, X, Y)
    expected, known = loss_and_gradients(dense, values, X, Y)
    assert loss == expected
    for name in known:
        np.testing.assert_array_equal(gradients[name], known[name])
    for name, start in dense.initialize(seed=4).items():
        np.testing.assert_array_equal(network.initialize(seed=4)[name], start)


def test_the_general_layers_have_the_gradients_of_the_dense_network() -> None:
    text = "H = relu(X @ W_ih + b_h); P = softmax(H @ W_ho + b_o)"
    network = cr.network_from(text, loss="log_loss", sizes=SIZES)
    dense = cr.Network.dense([4, 16, 3], "relu", "log_loss")
    assert not network.is_dense
    called = {"W_ih": "W_ih", "b_ih": "b_h", "W_ho": "W_ho", "b_ho": "b_o"}
    values = random_parameters(dense)
    X, Y = data(4, 3)
    loss, gradients = loss_and_gradients(
        network, {called[name]: value for name, value in values.items()}, X, Y
    )
    expected, known = loss_and_gradients(dense, values, X, Y)
    assert loss == pytest.approx(expected, rel=1e-12)
    for name, gradient in known.items():
        np.testing.assert_allclose(gradients[called[name]], gradient, rtol=1e-10, atol=1e-14)
    start = network.initialize(seed=4)
    for name, value in dense.initialize(seed=4).items():
        np.testing.assert_array_equal(start[called[name]], value)


# -- against PyTorch ---------------------------------------------------------------------------

Forward = Callable[[Any, Any, Mapping[str, Any]], Any]
FORMULAS: dict[str, tuple[str, dict[str, int], Forward]] = {
    "residual": (
        "A = relu(X @ W_ih + b_h); B_1 = A + relu(A @ W_hh_1 + b_h_1)\n"
        "C = B_1 + gelu(B_1 @ W_hh_2 + b_h_2) + X @ S_ih; P = C @ W_ho + b_o",
        SIZES,
        lambda torch, X, p: _residual(torch, X, p) @ p["W_ho"] + p["b_o"],
    ),
    "gated": (
        "G = sigmoid(X @ W_ih + b_h) * tanh(X @ V_ih + c_h); P = G @ W_ho - b_o",
        SIZES,
        lambda torch, X, p: (
            (torch.sigmoid(X @ p["W_ih"] + p["b_h"]) * torch.tanh(X @ p["V_ih"] + p["c_h"]))
            @ p["W_ho"]
            - p["b_o"]
        ),
    ),
    "normalized": (
        "H = X @ W_ih; m = mean(H, axis=1); v = mean((H - m)**2, axis=1)\n"
        "N = (H - m) / sqrt(v + 0.001) * g_h + b_h; P = N @ W_ho",
        SIZES,
        lambda torch, X, p: (
            torch.nn.functional.layer_norm(X @ p["W_ih"], (16,), p["g_h"], p["b_h"], 0.001)
            @ p["W_ho"]
        ),
    ),
    "tied": (
        "H = tanh(X @ W_ih + b_h); P = H @ W_ih.T + b_i",
        {"i": 4, "h": 3},
        lambda torch, X, p: torch.tanh(X @ p["W_ih"] + p["b_h"]) @ p["W_ih"].T + p["b_i"],
    ),
    "parameters alone": (
        "V = W_ih / sqrt(1 + W_ih**2); P = exp(-square(X @ V + b_h)) / 2",
        {"i": 4, "h": 2},
        lambda torch, X, p: (
            torch.exp(-((X @ (p["W_ih"] / (1 + p["W_ih"] ** 2).sqrt()) + p["b_h"]) ** 2)) / 2
        ),
    ),
    "inner axes": (
        "P = log(1 + exp(X @ W_ih)) @ W_hh @ W_ho / 3",
        SIZES,
        lambda torch, X, p: torch.log(1 + torch.exp(X @ p["W_ih"])) @ p["W_hh"] @ p["W_ho"] / 3,
    ),
    "maximum": (
        "H = where(X > 0, X, 0.1 * X); P = max(H @ W_io, -1) - min(X @ V_io, abs(X @ U_io))",
        {"i": 4, "o": 2},
        lambda torch, X, p: (
            torch.clamp(torch.where(X > 0, X, 0.1 * X) @ p["W_io"], min=-1)
            - torch.minimum(X @ p["V_io"], torch.abs(X @ p["U_io"]))
        ),
    ),
    "words": (
        "A = silu(X_in @ W_in_hid + b_hid); P = A @ W_hidout",
        {"in": 4, "hid": 5, "out": 2},
        lambda torch, X, p: (
            torch.nn.functional.silu(X @ p["W_in_hid"] + p["b_hid"]) @ p["W_hidout"]
        ),
    ),
}


def _residual(torch: Any, X: Any, p: Mapping[str, Any]) -> Any:
    A = torch.relu(X @ p["W_ih"] + p["b_h"])
    B = A + torch.relu(A @ p["W_hh_1"] + p["b_h_1"])
    return B + torch.nn.functional.gelu(B @ p["W_hh_2"] + p["b_h_2"]) + X @ p["S_ih"]


@pytest.mark.peers("torch")
@pytest.mark.parametrize("name", FORMULAS)
def test_loss_and_gradients_are_those_of_torch(name: str) -> None:
    import torch

    text, sizes, forward = FORMULAS[name]
    network = cr.network_from(text, sizes=sizes)
    values = {name: 0.5 * value for name, value in random_parameters(network).items()}
    X, Y = data(4, network.outputs[0].width)
    loss, gradients = loss_and_gradients(network, values, X, Y)
    p = {k: torch.tensor(value, requires_grad=True) for k, value in values.items()}
    expected = torch.nn.functional.mse_loss(forward(torch, torch.tensor(X), p), torch.tensor(Y))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-10)
    for parameter, value in p.items():
        assert value.grad is not None
        np.testing.assert_allclose(
            gradients[parameter], value.grad.numpy(), rtol=1e-8, atol=1e-12, err_msg=parameter
        )


@pytest.mark.parametrize("name", FORMULAS)
def test_each_formula_is_verified_and_trains(name: str) -> None:
    text, sizes, _ = FORMULAS[name]
    network = cr.network_from(text, sizes=sizes)
    assert cr.verify(network, seed=0).passed
    X, Y = data(4, network.outputs[0].width)
    losses = cr.train(network, X, Y, optimizer=cr.SGD(0.01), epochs=20).history["loss"]
    assert losses[-1] < losses[0]
    assert network.summary().parameters == network.size
    assert 'class="layer"' in network.draw(backward=True).svg


def test_a_derivation_has_the_names_of_the_text() -> None:
    text = "H = X + tanh(X @ W_ii + b_i); P = sigmoid(H @ W_io)"
    network = cr.network_from(text, loss="log_loss", sizes={"i": 3, "o": 1})
    derivation = cr.derive(network)
    assert str(derivation.gradients["W_io"]) == "Hᵀ δ_P"
    lines = [line.split("  ")[0].strip() for line in derivation.to_text().splitlines() if line]
    shown = [line.strip() for line in derivation.to_text().splitlines()]
    assert any(line.startswith("H = X + tanh(Z_H)") for line in shown)
    assert any(line.startswith("Z_H = X W_ii + b_i") for line in shown)
    assert "1. P = sigmoid(H @ W_io)" in lines
    assert [str(node.layer) for node in network.nodes[1:]] == text.split("; ")


def test_factors_start_at_one_and_weights_as_suits_the_activation() -> None:
    network = cr.network_from("Z = X @ W_ih + b_h; P = relu(Z) * s_h", sizes={"i": 100, "h": 50})
    start = network.initialize(seed=0)
    assert (start["s_h"] == 1).all()
    assert (start["b_h"] == 0).all()
    he = np.sqrt(6 / 100)
    assert 0.95 * he < np.abs(start["W_ih"]).max() <= he


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "A_h = tanh(X @ W_ih); A_o = A_h @ W_io",
            r"A_h \(B, h\) meets W_io \(i, o\), so h = 16 meets i = 4",
        ),
        ("A = X W_{ho}", r"X \(B, i\) meets W_ho \(h, o\), so i = 4 meets h = 16"),
        ("A = X @ W_ih + X", r"\+ must join .* got \(B, h\) and \(B, i\) .* h = 16 meets i = 4"),
        ("A = X @ W_iq", r"`sizes` must have the axes of 'W_iq'.*Axes: 'i', 'h', 'o'"),
        ("A = X_q @ W_io", r"`sizes` must have 'q', the axis of the inputs X_q, got 'i', 'h', 'o'"),
        ("A = X @ W_ih + foo", r"'foo' in the statement of A is neither .* Values: 'X'"),
        (
            "Hidden = X @ W_ih; A = Hiden @ W_ho",
            r"'Hiden'.* Did you mean 'Hidden'\?.* Values: 'X', 'Hidden'",
        ),
        ("A = tanh(C @ W_hh); C = A @ W_hh", r"cycle: A is computed from C, and C from A"),
        ("A = A + X", r"cycle: A is used in its own statement"),
        ("A = X @ W_io + C; C = X @ V_io", r"C is used in the statement of A before"),
        ("A = X @ W_ih; P = X @ W_io", r"statement of A is not used by that of the outputs, P"),
        ("", r"must state an output"),
        ("# only a comment", r"must state an output"),
        ("A = mean(X @ W_ih, axis=1)", r"outputs A must be a row for each sample, got \(B\)"),
        ("A = W_ih @ W_ho", r"outputs A do not depend on the inputs X"),
        ("A = X + X", r"must have a parameter to train"),
        ("P = rellu(X @ W_io)", r"unknown function 'rellu'\. Did you mean 'relu'\? Available: "),
        ("P = tanh(X, X)", r"arguments is 2 instead of 1"),
        ("P = min(X)", r"arguments is 1 instead of 2"),
        ("P = max(X)", r"max\(X\)', which no network can use"),
        ("P = relu", r"'relu' is a function; apply it"),
        ("P = relu'(X @ W_io)", r"derivative of relu"),
        ("P = X ** X", r"exponents must be constant numbers, got 'X\*\*X'"),
        ("P = X @ W_io; P = X", r"define each name once, got P twice"),
        ("P = X @ W_io = X", r"one formula for each name, got two for P"),
        ("P + 1 = X", r"an equals sign"),
        ("3 = X", r"one name on the left"),
        ("X = X @ W_ii", r"X are the inputs"),
        ("Y = X @ W_io", r"Y is the targets"),
        ("P = X @ W_iho", r"one or two axes, got W_iho with i, h, o"),
        ("P = X.T @ X", r"adds up samples"),
        ("P = X @ X.T", r"the samples on both sides"),
        ("P = sum(X)", r"with axis=1, got 'sum\(X\)'"),
        ("P = X g_i", r"'X g_i' is ambiguous"),
        ("P = X * g_i / 0", r"divide by zero"),
        ("A = X @ W_ih; P = A @ W_ho + W_ih @ W_ho", r"\+ must join"),
        ("A = X @ W_ih + W_ih", r"W_ih is used as \(i, h\) and as \(h\)"),
        ("P = X @ W_io", r"`sizes` has 'h', but no name in `text` has this axis"),
        ("P = open('x')", r"parsed"),
        ("P = X.__class__", r"unknown character"),
        ("P = __import__('os').system('ls')", r"unknown character"),
    ],
)
def test_an_error_is_one_line_that_names_both_sides(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        cr.network_from(text, sizes=SIZES)
    assert "\n" not in str(caught.value)
    assert "`line`" not in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "size of each axis"),
        ({"i": 0}, r"`sizes\['i'\]` must be an integer of at least 1, got 0"),
        ({"B": 3}, "'B' is the axis of samples"),
        ({"i j": 3}, "letters and digits"),
        ({"i": 2, "z": 3}, "`sizes` has 'z'"),
    ],
)
def test_sizes_are_checked(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cr.network_from("P = X * g_i", sizes=sizes)


def test_arguments_of_another_type_are_refused() -> None:
    with pytest.raises(InputTypeError, match="`text`"):
        cr.network_from(3, sizes=SIZES)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="`sizes`"):
        cr.network_from(PLAIN, sizes=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "P = X * g_i" + " + 1" * 50_000,
        "P = " + "X" * 100_000,
        "P = " + "(" * 10_000 + "X" + ")" * 10_000,
        "P = " + "(" * 400 + "X" + ")" * 400,
        "P = " + "-" * 290 + "X",
        "P = X * 9**9**9",
        "P = X * (9**9)**9**9",
        "P = X * ((((9**9)**9)**9)**9)",
        "P = X * g_i * 1e300 * 1e300",
        "P = X" + "**2" * 120,
        "P = X" + " W_{ii}" * 200,
        ";".join(f"A_{k} = X" for k in range(2_000)),
        "P = sum(" * 60 + "X" + ")" * 60,
    ],
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        cr.network_from(text, sizes={"i": 3})
    assert time.perf_counter() - start < 1
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "text", ["P = X" + " W_{ii}" * 60, "P = X" + " @ W_ii" * 120, "P = X * g_i" + " + X" * 120]
)
def test_a_long_formula_is_read_quickly(text: str) -> None:
    start = time.perf_counter()
    assert cr.network_from(text, sizes={"i": 3}).size in (3, 9)
    assert time.perf_counter() - start < 1


def test_softmax_over_the_samples_is_no_function_of_a_network() -> None:
    text = PLAIN.replace("b_ho)", "b_ho, axis=0)")
    with pytest.raises(InputError, match="softmax must be applied to rows with units"):
        cr.network_from(text, loss="log_loss", sizes=SIZES)
