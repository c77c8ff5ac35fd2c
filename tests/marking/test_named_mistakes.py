"""Mistakes that were "no single change": division for product, a missing derivative, ½."""

import pytest

import chainrule as cr

SIGMOID = cr.Network.dense([4, 5, 3])
TANH = cr.Network.dense([4, 5, 3], ["tanh", "sigmoid"], "mse")
HALF = cr.Network.dense([4, 5, 3], loss="half_mse")
SLOPE = {SIGMOID: "a_h * (1 - a_h)", TANH: "(1 - a_h**2)"}


def verdict_on(network, line, **options):
    return cr.check_line(network, line, batch=True, **options)


@pytest.mark.parametrize(
    ("network", "line", "kind"),
    [
        # the slope of another activation
        (TANH, "delta_h = delta_o @ W_ho.T * a_h * (1 - a_h)", "slope"),
        (TANH, "delta_h = delta_o @ W_ho.T * sigmoid(z_h) * (1 - sigmoid(z_h))", "slope"),
        (SIGMOID, "delta_h = delta_o @ W_ho.T * (1 - a_h**2)", "slope"),
        (SIGMOID, "delta_h = delta_o @ W_ho.T * (1 - np.tanh(z_h)**2)", "slope"),
        # / for *, * for /
        (TANH, "delta_h = delta_o @ W_ho.T / (1 - a_h**2)", "divisor"),
        (SIGMOID, "delta_h = delta_o @ W_ho.T / a_h * (1 - a_h)", "divisor"),
        (SIGMOID, "delta_h = delta_o @ W_ho.T * a_h / (1 - a_h)", "divisor"),
        # a derivative that is missing
        (TANH, "delta_h = W_ho.T * (1 - a_h**2)", "factor"),
        (TANH, "delta_h = 1 - a_h**2", "factor"),
        (SIGMOID, "dW_ho = a_h.T", "factor"),
        (SIGMOID, "dW_ih = X.T", "factor"),
        (SIGMOID, "da_h = W_ho.T", "factor"),
    ],
)
def test_the_mistake_is_named_and_the_repair_is_right(network, line, kind):
    verdict = verdict_on(network, line)
    assert (verdict.correct, verdict.kind) == (False, kind), verdict.message()
    assert verdict_on(network, verdict.repaired).kind == "right"
    assert "no single change" not in verdict.message()
    assert "只改一处不能" not in verdict.message("zh")


def test_the_messages():
    verdict = verdict_on(SIGMOID, "dW_ho = a_h.T")
    message = "The derivative delta_o is missing as a factor: dW_ho = a_h.T @ delta_o."
    assert verdict.message().startswith(message)
    assert verdict.message("zh").startswith("缺少导数 delta_o 这个因子")
    verdict = verdict_on(SIGMOID, "delta_h = delta_o @ W_ho.T / a_h * (1 - a_h)")
    assert verdict.message().startswith("a_h must multiply, not divide")
    exps = "a_o = np.exp(z_o) * np.sum(np.exp(z_o), axis=1, keepdims=True)"
    softmax = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
    verdict = verdict_on(softmax, exps)
    assert verdict.kind == "divisor"
    assert "must divide, not multiply" in verdict.message()


@pytest.mark.parametrize(
    ("line", "is_right"),
    [
        ("E = ½ Σ_k (y_k - a_k)²", True),
        ("E = ½ Σ (y_k - a_k)²", True),
        (r"E = \frac12 \sum_k (y_k - a_k)^2", True),
        ("E = Σ_k (y_k - a_k)²", False),
        ("E = ¼ Σ_k (y_k - a_k)²", False),
        ("E = ¾ Σ_k (y_k - a_k)²", False),
        ("E = ½½ Σ_k (y_k - a_k)²", False),
    ],
)
def test_a_half_as_one_character(line, is_right):
    assert cr.check_line(HALF, line).correct == is_right


def test_a_half_that_is_missing_is_named():
    message = cr.check_line(HALF, "E = Σ_k (y_k - a_k)²").message()
    assert "the factor 1/2 is missing" in message
