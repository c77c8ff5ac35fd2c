"""Lines that compute a quantity from this same quantity."""

import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3], "relu")


@pytest.mark.parametrize(
    "line",
    [
        "dW_ho = dW_ho",
        "delta_h = delta_h",
        "Loss = Loss",
        "dW_ho = W_ho * dW_ho / W_ho",
        "dW_ho = 1*dW_ho + 0",
        "a_h = a_h",
        "δ_hj = δ_hj",
        "dW_ho = a_h.T @ delta_o = dW_ho",
    ],
)
def test_a_line_that_uses_what_it_defines_is_not_right(line):
    verdict = cr.check_line(NETWORK, line)
    assert (verdict.correct, verdict.kind) == (False, "itself")
    assert "itself" in verdict.message()
    assert "本身" in verdict.message("zh")


@pytest.mark.parametrize(
    "line", ["W_ho = W_ho - alpha*dW_ho", "b_o -= alpha*db_o", "z_h = X @ W_ih + b_h"]
)
def test_an_update_uses_the_old_value(line):
    assert cr.check_line(NETWORK, line, batch=True).correct


def test_a_statement_may_change_what_an_earlier_one_has_computed():
    right = "dW_ho = a_h.T @ delta_o\ndW_ho = 1*dW_ho"
    assert cr.check_answer(NETWORK, right).correct
    assert cr.check_line(NETWORK, right.replace("\n", "; "), batch=True).correct
    assert cr.check_answer(NETWORK, "dW_ho = 1*dW_ho").exit_code == 1
