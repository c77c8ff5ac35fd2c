"""The mistakes that every course knows are named as what they are, and repaired."""

import pytest

import chainrule as cr

MSE = cr.Network.dense([4, 5, 3])
SOFTMAX = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
BINARY = cr.Network.dense([4, 5, 1], "tanh", loss="log_loss")
DEEP = cr.Network.dense([4, 6, 5, 3], "tanh", "half_mse")
MISTAKES = [
    (SOFTMAX, "delta_o = (a_o - Y) * a_o * (1 - a_o) / B", "slope", "(a_o - Y) / B"),
    (BINARY, "delta_o = (a_o - Y) * sigmoid_prime(z_o) / B", "slope", "(a_o - Y) / B"),
    (SOFTMAX, "delta_h = np.maximum(0, delta_o @ W_ho.T)", "slope", "delta_o @ W_ho.T * (a_h > 0)"),
    (SOFTMAX, "delta_h = da_h * (z_h < 0)", "comparison", "da_h * (z_h > 0)"),
    (SOFTMAX, "da_o = (a_o - Y) / B", "other", ""),
    (MSE, "W_ho = lr * dW_ho", "update", "W_ho - lr * dW_ho"),
    (MSE, "Loss = np.mean(Y - a_o)**2", "square", "mean((Y - a_o)**2)"),
    (MSE, "Loss = np.mean(np.abs(Y - a_o))", "square", "mean((Y - a_o)**2)"),
    (MSE, "delta_h = (Y - a_o) @ W_ho.T * a_h * (1 - a_h)", "name",
     "delta_o @ W_ho.T * a_h * (1 - a_h)"),
    (DEEP, "dW1 = X.T @ delta2 @ W2.T", "slope", "X.T @ (delta2 @ W2.T * (1 - a1**2))"),
    (DEEP, "delta3 = (a3 - y) * (1 - a3**2) * m", "divisor", "(a3 - y) * (1 - a3**2) / m"),
    (DEEP, "dW2 = a2.T @ delta2", "name", "a1.T @ delta2"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "line", "kind", "repaired"), MISTAKES)
def test_a_classic_mistake_has_its_name_and_its_repair(network, line, kind, repaired):
    verdict = cr.check_line(network, line, batch=True)
    assert verdict.kind == kind, verdict.message()
    assert verdict.repaired == (f"{line.split(' = ')[0]} = {repaired}" if repaired else "")
    if repaired:
        assert cr.check_line(network, verdict.repaired, batch=True).correct


BESIDE = [
    (MSE, "delta_h = (a_o - Y) @ W_ho.T * a_h * (1 - a_h)", "slope"),
    (MSE, "delta_o = (a_o - Y) * z_o * (1 - z_o)", "slope"),
    (MSE, "delta_o = (a_o + Y) * a_o * (1 - a_o)", "sign"),
    (MSE, "Loss = 0.5 * np.sum((Y + a_o)**2)", "sign"),
    (MSE, "db_ho = np.sum(delta_o, axis=1) / m", "sum"),
    (MSE, "dW_ho = (a_h @ delta_o) / m", "transpose"),
    (MSE, "dW_ih = a_h.T @ delta_h / m", "name"),
    (SOFTMAX, "dscores = (probs - y) * probs * (1 - probs)", "slope"),
    (BINARY, "dz2 = a1 - y", "name"),
]


@pytest.mark.parametrize(("network", "line", "kind"), BESIDE)
def test_one_mistake_in_another_convention_is_named_with_it(network, line, kind):
    verdict = cr.check_line(network, line, batch=True)
    assert verdict.kind == kind, verdict.message()
    assert "Beside this, the line is in another convention" in verdict.message()
    assert "此外，这一行采用另一种约定" in verdict.message("zh")
    assert cr.check_line(network, verdict.repaired, batch=True).correct, verdict.repaired


@pytest.mark.parametrize("line", ["L = \\sum_i (y_{ti} - a_{oi})^2", "Loss = sum(a_o)"])
def test_no_message_says_that_a_shape_has_to_be_itself(line):
    message = cr.check_line(MSE, line).message()
    assert "The result is 1×1, but must be 1×1" not in message


def test_repairs_are_simplified():
    lines = [
        "delta_o = -(1/n) * (Y - a_o) * a_o * (1 - a_o)",
        "delta_o = (a_o - Y) * a_o * (1-a_o)",
    ]
    for line in lines:
        repaired = cr.check_line(MSE, line).repaired
        assert "2 * 1" not in repaired
        assert "--" not in repaired
        assert cr.check_line(MSE, repaired).correct, repaired
