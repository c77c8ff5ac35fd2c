"""Numbers that are learning rates: read as rates, with the mistakes beside them named."""

import pytest

import chainrule as cr
from chainrule.network.optimizers import SGD

NETWORK = cr.Network.dense([4, 5, 3])
RATES = ["0.1", "0.25", "1e-2", "1/10", "1/3"]


def kind(line, **options):
    verdict = cr.check_line(NETWORK, line, batch=True, **options)
    assert not verdict.correct
    return verdict.kind, verdict.message(), verdict.message("zh")


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("line", ["W2 -= {} * dW2", "W2 = W2 - {} * dW2"])
def test_a_number_is_a_rate(rate, line):
    name, message, _ = kind(line.format(rate))
    assert name == "rate"
    assert message.endswith("For any learning rate: W2 = W2 - alpha * dW2.")


@pytest.mark.parametrize("line", ["W2 -= dW2 / 10", "W2 = W2 - dW2 / 10", "W2 -= 1 / 10 * dW2"])
def test_a_number_that_divides_is_a_rate(line):
    name, message, chinese = kind(line)
    assert name == "rate"
    assert "if the learning rate is 1 / 10," in message
    assert "若学习率为 1 / 10" in chinese


@pytest.mark.parametrize("line", ["W2 -= dW2 / 10", "W2 -= 0.1 * dW2", "W2 -= 1 / 10 * dW2"])
@pytest.mark.parametrize("rate", [0.5, 0.05])
def test_a_number_is_not_another_rate_that_is_stated(line, rate):
    assert kind(line, optimizer=SGD(rate))[0] != "rate"


@pytest.mark.parametrize(
    "line",
    ["W2 += {} * dW2", "W2 = W2 + {} * dW2", "W2 = {} * dW2 + W2", "W2 = W2 - (-{}) * dW2"],
)
@pytest.mark.parametrize("rate", ["0.1", "lr", "alpha", "1/10"])
def test_gradient_ascent_is_named(line, rate):
    name, message, chinese = kind(line.format(rate))
    assert name == "sign"
    assert "gradient ascent" in message
    assert "梯度上升" in chinese


def test_what_is_no_ascent_is_not_called_so():
    line = "W2 = alpha * dW2 - W2"  # the weight has the wrong sign, too
    assert "ascent" not in kind(line)[1]
    verdict = cr.check_line(
        NETWORK, "delta_o = 2 * (Y - a_o) / Y.size * a_o * (1 - a_o)", batch=True
    )
    assert verdict.kind == "sign"
    assert "ascent" not in verdict.message()


@pytest.mark.parametrize("rate", ["lr", "0.01", "1/100"])
def test_other_mistakes_of_an_update_with_a_rate(rate):
    for line, expected in (
        ("W2 = W2 - {} * dW2 / m", ("factor", "W2 = W2 - {} * dW2")),
        ("W2 = W2 - {} * dW2.T", ("transpose", "W2 = W2 - {} * dW2")),
        ("b2 -= {} * dW2", ("name", "b2 = b2 - {} * db2")),
    ):
        verdict = cr.check_line(NETWORK, line.format(rate), batch=True)
        letter = "lr" if rate == "lr" else "alpha"
        assert (verdict.kind, verdict.repaired) == (expected[0], expected[1].format(letter))


@pytest.mark.parametrize("line", ["W2 -= 0.1 * W2", "W2 -= dW2", "W2 -= 0 * dW2", "W2 -= dW2 / 1"])
def test_what_is_no_update_with_a_rate(line):
    assert kind(line)[0] != "rate"
