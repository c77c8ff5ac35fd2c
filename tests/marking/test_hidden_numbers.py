"""Numbers that change a value by less than the tolerance of the marking."""

import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3], "relu")
LOG_LOSS = cr.Network.dense([4, 5, 3], ["relu", "sigmoid"], "log_loss")


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize(
    "line",
    [
        "dW_ho = a_h.T @ delta_o + 1e-12",
        "dW_ho = a_h.T @ delta_o - 1e-20",
        "dW_ho = 1.0000000001 * a_h.T @ delta_o",
        "dW_ho = 0.9999999999 * (a_h.T @ delta_o)",
        "dW_ho = (1 - 1e-11) * (a_h.T @ delta_o)",
        "z_h = X @ W_ih + b_ih + 1e-15",
        "W_ho = W_ho - alpha*dW_ho + 1e-13",
    ],
)
def test_a_hidden_number_makes_a_line_wrong(line, batch):
    assert not cr.check_line(NETWORK, line, batch=batch).correct


@pytest.mark.parametrize(
    "line",
    [
        "dW_ho = 1.0 * a_h.T @ delta_o + 0.0",
        "a_h = np.maximum(z_h, 0.0)",
        "W_ho = W_ho - alpha*dW_ho",
    ],
)
def test_numbers_without_an_effect_are_right(line):
    assert cr.check_line(NETWORK, line, batch=True).correct


def test_numbers_that_avoid_a_division_by_zero_are_right():
    line = "Loss = -np.sum(Y*np.log(a_o + 1e-15) + (1 - Y)*np.log(1 - a_o + 1e-15)) / B"
    assert cr.check_line(LOG_LOSS, line, batch=True).correct


def test_the_digits_show_the_difference():
    verdict = cr.check_line(NETWORK, "dW_ho = a_h.T @ delta_o + 1e-9", batch=True)
    assert not verdict.correct
    parts = verdict.message().split("the line gives ")[-1].split("; correct is ")
    assert len(set(part.rstrip(".") for part in parts)) == 2
