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


COLUMNS = """
dW2 = np.zeros((3, 5))
db2 = np.zeros((3, 1))
dW1 = np.zeros(W1.shape)
db1 = np.zeros_like(b1)
m = X.shape[1]
for i in range(m):
    x = X[:, i:i+1]
    y = Y[:, i:i+1]
    a1 = sigmoid(np.dot(W1, x) + b1)
    a2 = sigmoid(W2 @ a1 + b2)
    d2 = 2 / n * (a2 - y) * a2 * (1 - a2)
    d1 = np.dot(W2.T, d2) * a1 * (1 - a1)
    dW2 += d2 @ a1.T
    db2 += d2
    dW1 = dW1 + np.dot(d1, x.T)
    db1 += d1 / m
dW2 /= m
db2 = db2 / m
dW1 /= m
"""
COLUMNS_WRONG = [
    ("d2 @ a1.T", "a1 @ d2.T"),
    ("W2.T, d2", "W2, d2"),
    ("np.zeros((3, 5))", "np.zeros((5, 3))"),
    ("np.zeros((3, 1))", "np.zeros(3)"),
    ("np.zeros((3, 1))", "np.zeros((3, 3))"),
    ("dW2 /= m\n", ""),
    ("    db2 += d2\n", "    db2 -= d2\n"),
    ("np.zeros_like(b1)", "np.ones_like(b1)"),
    ("db1 = np.zeros_like(b1)\n", ""),
    ("dW1 = dW1 + np.dot(d1, x.T)", "dW1 = np.dot(d1, x.T)"),
    ("X[:, i:i+1]", "X[:, i:i+2]"),
    ("X[:, i:i+1]", "X[:, 0:1]"),
    ("X[:, i:i+1]", "X[i:i+1, :]"),
]


def columns_are_right_in_numpy(text):
    """Return whether a program with samples in columns leaves PyTorch's gradients."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(6)
    sizes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1)}
    start = {name: generator.normal(size=size) for name, size in sizes.items()}
    X, Y = generator.normal(size=(4, 6)), generator.uniform(size=(3, 6))
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    a1 = torch.sigmoid(leaves["W1"] @ torch.tensor(X) + leaves["b1"])
    a2 = torch.sigmoid(leaves["W2"] @ a1 + leaves["b2"])
    ((a2 - torch.tensor(Y)) ** 2).mean().backward()
    values = {**start, "X": X, "Y": Y, "n": 3, "np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    try:
        exec(text, values)
        return all(
            values[f"d{name}"].shape == sizes[name]
            and np.allclose(values[f"d{name}"], leaves[name].grad.numpy())
            for name in sizes
        )
    except (NameError, ValueError, IndexError):
        return False


def test_a_loop_over_columns_is_right_as_it_is_executed():
    assert columns_are_right_in_numpy(COLUMNS)
    found = cr.check_answer(NETWORK, COLUMNS, layout="columns")
    assert found.exit_code == 0, str(found)
    assert not found.missing


@pytest.mark.parametrize(("part", "other"), COLUMNS_WRONG)
def test_a_loop_over_columns_with_a_mistake_is_not_right(part, other):
    text = COLUMNS.replace(part, other)
    assert text != COLUMNS
    assert not columns_are_right_in_numpy(text)
    found = cr.check_answer(NETWORK, text, layout="columns")
    assert found.exit_code != 0 or found.missing, str(found)


def test_rows_as_matrices_of_one_row_are_read():
    text = INDEXED.replace("np.outer(a_h[i], delta_o[i])", "a_h[i:i+1].T @ delta_o[i:i+1, :]")
    text = text.replace("db_ho += delta_o[i]", "db_ho += delta_o[i:i+1]")
    text = text.replace("np.zeros(b_ho.shape)", "np.zeros((1, 3))")
    assert is_right_in_numpy(text)
    found = cr.check_answer(NETWORK, text)
    assert found.exit_code == 0, str(found)


def test_a_sum_without_a_value_to_begin_with_says_so():
    text = INDEXED.replace("dW_ho = np.zeros_like(W_ho)\n", "") + "dW_ho = dW_ho * 1\n"
    found = cr.check_answer(NETWORK, text)
    (wrong,) = (each for each in found.statements if each.outcome == "wrong")
    assert wrong.verdict.kind == "order"
    assert "dW_ho is added to here before it has a value" in wrong.message("en")
    assert "累加 dW_ho，而它还没有初值" in wrong.message("zh")


@pytest.mark.parametrize(
    ("lengths", "outcome"),
    [
        ("(5, 3)", "right"),
        ("(n_h, n_y)", "right"),
        ("(self.hidden_size, self.output_size)", "right"),
        ("(3, 5)", "wrong"),
        ("(n_y, n_h)", "wrong"),
        ("(5, 5)", "wrong"),
        ("5", "wrong"),
        ("(q, 3)", "unread"),
    ],
)
def test_zeros_have_the_shape_of_the_gradient(lengths, outcome):
    text = INDEXED.replace("np.zeros_like(W_ho)", f"np.zeros({lengths})")
    first = cr.check_answer(NETWORK, text).statements[0]
    assert first.outcome == outcome
    if outcome == "wrong":
        assert "These zeros do not have the shape of W_ho" in first.message("en")
        assert "这些零的形状与 W_ho 不同" in first.message("zh")
    if outcome == "unread":
        assert "the length 'q' of zeros in `line` is not known" in first.message("en")
        assert "长度“q”未知" in first.message("zh")


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
