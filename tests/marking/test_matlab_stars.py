"""``*`` as MATLAB's matrix product in lines that state no notation, never in a line of NumPy."""

import pytest

import chainrule as cr

SIGMOID = cr.Network.dense([4, 5, 3])
CROSS = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")


def verdict_on(line, network=SIGMOID, **given):
    return cr.check_line(network, line, batch=True, **{"layout": "columns", **given})


@pytest.mark.parametrize("line", ["Z1 = W1*X + b1", "Z2 = W2*A1 + b2", "Z1 = W1 * A0 + b1"])
def test_a_line_that_only_matlab_computes_is_right_with_a_note(line):
    verdict = verdict_on(line)
    assert (verdict.correct, verdict.kind) == (True, "right_here")
    assert "(convention matlab)" in verdict.message()
    assert "按 MATLAB 的记法" in verdict.message("zh")
    assert verdict_on(line, convention="matlab").kind == "right"


@pytest.mark.parametrize(
    "line",
    [
        "Z1 = W1*X.T + b1",  # signs of NumPy
        "Z1 = np.add(W1*X, b1)",
        "Z2 = W2*A1 + b2  # np",
        "dZ1 = (W2.T*dZ2) * A1 * (1-A1)",
        "dZ1 = np.dot(W2, dZ2) * A1*(1-A1)",
        "Z2 = W2*A1 + b2; dW2 = dZ2 @ A1.T",
        "dW2 = dZ2*A1",  # not right in MATLAB either
        "Z1 = X*W1 + b1",
        "Z1 = W1*X - b1",
    ],
)
def test_a_line_with_signs_of_numpy_or_a_mistake_is_wrong(line):
    assert not verdict_on(line).correct


def test_one_sign_of_matlab_makes_an_answer_one_in_matlab():
    answer = "Z1 = W1*X + b1;\ndW2 = {};\n"
    found = cr.check_answer(SIGMOID, answer.format("dZ2*A1'"), layout="columns")
    assert found.count("right") == 2, str(found)
    found = cr.check_answer(SIGMOID, answer.format("dot(dZ2, A1)"), layout="columns")
    assert found.count("right") == 0, str(found)


def test_rows_are_no_notation_of_matlab():
    assert verdict_on("z_h = X*W_ih + b_ih", layout="rows").kind == "product"


def test_a_product_of_entries_stays_one():
    line = "dZ1 = dA1 * A1 * (1 - A1)"
    assert verdict_on(line).kind == "right"
    assert not verdict_on(line, convention="matlab").correct
