"""Loops over samples: what is called right leaves, when it is executed, PyTorch's gradients."""

import numpy as np
import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3])
INDEXED = """
dW_ho = np.zeros_like(W_ho)
db_ho = np.zeros(b_ho.shape)
for i in range(m):
    dW_ho += np.outer(a_h[i], delta_o[i])
    db_ho += delta_o[i]
"""
COLUMN = INDEXED.replace("np.outer(a_h[i], delta_o[i])", "a_h[i][:, None] * delta_o[i]")
ZIPPED = """
dW_ho = np.zeros_like(W_ho)
dW_ih = np.zeros_like(W_ih)
for x, y in zip(X, Y):
    h = sigmoid(x @ W_ih + b_ih)
    o = sigmoid(np.dot(h, W_ho) + b_ho)
    d2 = 2 * (o - y) / n * o * (1 - o)
    d1 = (W_ho @ d2) * h * (1 - h)
    dW_ho += np.outer(h, d2)
    dW_ih += np.outer(x, d1)
dW_ho /= m
dW_ih /= m
"""
SCALED = INDEXED.replace("a_h[i], delta_o[i])", "a_h[i], m * delta_o[i]) / m")
STEPS = """
for i in range(len(X)):
    W_ho -= lr * np.outer(a_h[i, :], delta_o[i, :])
"""
RIGHT = [INDEXED, COLUMN, ZIPPED, SCALED, STEPS]
WRONG = [
    INDEXED.replace("np.outer(a_h[i], delta_o[i])", "np.outer(delta_o[i], a_h[i])"),
    INDEXED.replace("+= np.outer", "-= np.outer"),
    INDEXED.replace("+= np.outer", "= np.outer"),
    INDEXED.replace("dW_ho = np.zeros_like(W_ho)\n", ""),
    INDEXED.replace("delta_o[i])", "delta_o[j])"),
    INDEXED.replace("delta_o[i])", "delta_o[0])"),
    INDEXED.replace("range(m)", "range(n)"),
    INDEXED.replace("a_h[i], delta_o[i])", "a_h[i], delta_o[i]) / m"),
    ZIPPED.replace("dW_ho /= m\n", ""),
    ZIPPED.replace("W_ho @ d2", "W_ho.T @ d2"),
    ZIPPED.replace("dW_ho += np.outer(h, d2)", "W_ho -= lr * np.outer(h, d2)"),
    ZIPPED.replace("    dW_ho += np.outer(h, d2)\n", "").replace(
        "dW_ho /= m", "dW_ho = np.outer(h, d2)"
    ),
    STEPS.replace("-=", "+="),
    "for i in range(m):\n    d = delta_o[i]\ndb_ho = d",
]


def is_right_in_numpy(text):
    """Return whether a program leaves the gradients or the step that PyTorch has."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(5)
    sizes = {"W_ih": (4, 5), "b_ih": (5,), "W_ho": (5, 3), "b_ho": (3,)}
    start = {name: generator.normal(size=size) for name, size in sizes.items()}
    X, Y, lr = generator.normal(size=(6, 4)), generator.uniform(size=(6, 3)), 0.7
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    a_h = torch.sigmoid(torch.tensor(X) @ leaves["W_ih"] + leaves["b_ih"])
    a_o = torch.sigmoid(a_h @ leaves["W_ho"] + leaves["b_ho"])
    ((a_o - torch.tensor(Y)) ** 2).mean().backward()
    values = {name: value.copy() for name, value in start.items()}
    values |= {"X": X, "Y": Y, "lr": lr, "m": 6, "n": 3, "np": np}
    values["sigmoid"] = lambda z: 1 / (1 + np.exp(-z))
    values |= {"a_h": a_h.detach().numpy(), "a_o": a_o.detach().numpy()}
    a = values["a_o"]
    values["delta_o"] = 2 * (a - Y) / Y.size * a * (1 - a)
    try:
        exec(text, values)
    except (NameError, ValueError, IndexError):
        return False
    expected = {f"d{name}": leaf.grad.numpy() for name, leaf in leaves.items()}
    for name in start:
        if f"d{name}" in values and not np.allclose(values[f"d{name}"], expected[f"d{name}"]):
            return False
        step = start[name] - lr * expected[f"d{name}"]
        is_moved = not np.array_equal(values[name], start[name])
        if is_moved and not np.allclose(values[name], step):
            return False
    return True


@pytest.mark.parametrize("text", RIGHT)
def test_a_loop_over_samples_is_right_as_it_is_executed(text):
    assert is_right_in_numpy(text)
    found = cr.check_answer(NETWORK, text)
    assert found.exit_code == 0, str(found)


@pytest.mark.parametrize("text", WRONG)
def test_a_loop_that_adds_up_something_else_is_not_right(text):
    assert not is_right_in_numpy(text)
    found = cr.check_answer(NETWORK, text)
    assert found.exit_code != 0, str(found)


def test_samples_in_columns_are_no_rows_of_a_loop():
    found = cr.check_answer(NETWORK, INDEXED, layout="columns")
    assert (found.count("wrong"), found.count("unread")) != (0, 0)
    assert "the loop over 'range(m)' is not read" in str(found)


def test_a_mistake_inside_the_loop_is_named_at_its_line():
    found = cr.check_answer(
        NETWORK, ZIPPED.replace("sigmoid(x @ W_ih + b_ih)", "sigmoid(x @ W_ih)")
    )
    (wrong,) = (each for each in found.statements if each.outcome == "wrong")
    assert (wrong.number, wrong.verdict.kind) == (5, "bias")
