"""Answers with samples in columns that state no layout: recognized where all of them is right.

The one that is called right is executed here: its gradients have to be those of PyTorch.
"""

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command

NETWORK = cr.Network.dense([4, 5, 3], ["tanh", "softmax"], "log_loss")
NUMPY = """
Z1 = np.dot(W1, X) + b1
A1 = np.tanh(Z1)
Z2 = np.dot(W2, A1) + b2
dZ2 = A2 - Y
dW2 = np.dot(dZ2, A1.T) / m
db2 = np.sum(dZ2, axis=1, keepdims=True) / m
dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
dW1 = np.dot(dZ1, X.T) / m
db1 = np.sum(dZ1, axis=1, keepdims=True) / m
W1 = W1 - learning_rate * dW1
W2 = W2 - learning_rate * dW2
"""
MATLAB = """
Z1 = W1*X + b1;
A1 = tanh(Z1);
Z2 = W2*A1 + b2;
dZ2 = (A2 - Y)/m;
dW2 = dZ2*A1';
db2 = sum(dZ2, 2);
dZ1 = (W2'*dZ2) .* (1 - A1.^2);
dW1 = dZ1*X';
db1 = sum(dZ1, 2);
"""
ROWS = """
dZ2 = (A2 - Y) / m
dW2 = A1.T @ dZ2
db2 = dZ2.sum(axis=0)
dZ1 = dZ2 @ W2.T * (1 - A1**2)
dW1 = X.T @ dZ1
"""
ANSWERS = [(NUMPY, ("stated_columns", "stated_gradient")), (MATLAB, ("stated_columns",))]


@pytest.mark.parametrize(("answer", "keys"), ANSWERS)
def test_an_answer_that_is_right_in_columns_is_right_and_says_so(answer, keys):
    found = cr.check_answer(NETWORK, answer)
    assert (found.exit_code, found.recognized, found.right_in_columns) == (0, keys, 0), str(found)
    assert "Right, with samples as columns (--layout columns)" in found.summary()
    assert "采用以下约定时正确：样本按列排列（--layout columns）" in found.summary("zh")


def test_the_answer_in_columns_has_the_gradients_of_pytorch():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(3)
    sizes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1)}
    start = {name: generator.normal(size=size) for name, size in sizes.items()}
    X, Y = generator.normal(size=(4, 6)), np.eye(3)[:, generator.integers(3, size=6)]
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    hidden = torch.tanh(leaves["W1"] @ torch.tensor(X) + leaves["b1"])
    logits = leaves["W2"] @ hidden + leaves["b2"]
    (-(torch.tensor(Y) * torch.log_softmax(logits, 0)).sum(0).mean()).backward()
    outputs = torch.softmax(logits, 0).detach().numpy()
    values = {**start, "X": X, "Y": Y, "A2": outputs, "m": 6, "learning_rate": 0.3, "np": np}
    exec(NUMPY, values)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(values[f"d{name}"], leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("answer", "keys"), ANSWERS)
def test_an_answer_with_a_mistake_is_not_right_and_has_a_hint(answer, keys):
    del keys
    lines = answer.strip().split("\n")
    for number, line in enumerate(lines):
        changed = "\n".join([*lines[:number], line.replace(" = ", " = -", 1), *lines[number + 1 :]])
        found = cr.check_answer(NETWORK, changed)
        assert found.exit_code == 1, changed
        assert "stated_columns" not in found.recognized
        right = cr.check_answer(NETWORK, changed, layout="columns").count("right")
        assert found.right_in_columns == right >= len(lines) - 2
        assert f"samples as columns (--layout columns): {right}." in found.summary()
        assert f"（--layout columns），正确的语句更多：{right} 句" in found.summary("zh")


@pytest.mark.parametrize(
    "answer",
    [
        "dW2 = dZ2 @ A1.T\ndW1 = dZ1 @ X.T",  # two statements
        ROWS.replace("A1.T @ dZ2", "dZ2 @ A1.T"),  # one mistake among statements in rows
        ROWS.replace("A1.T @ dZ2", "dZ2 @ A1.T").replace("X.T @ dZ1", "dZ1 @ X.T"),
        "dZ2 = (A2 - Y) / m\nA1 = np.tanh(Z1)\ndW2 = dZ2 @ A1.T",
    ],
)
def test_nothing_is_recognized_where_one_statement_or_some_are_in_columns(answer):
    found = cr.check_answer(NETWORK, answer)
    assert (found.exit_code, found.recognized, found.right_in_columns) == (1, (), 0)


def test_a_stated_layout_or_convention_is_not_changed():
    for given in ({"layout": "rows"}, {"convention": "cs231n"}):
        found = cr.check_answer(NETWORK, MATLAB, **given)
        assert (found.exit_code, found.recognized, found.right_in_columns) == (1, (), 0)


def test_the_row_of_a_hand_in_is_judged_in_the_recognized_layout(tmp_path):
    (tmp_path / "columns.py").write_text(NUMPY, encoding="utf-8")
    (tmp_path / "columns.m").write_text(MATLAB, encoding="utf-8")
    given = ["--layers", "4,5,3", "--activation", "tanh,softmax", "--loss", "log_loss"]
    shown = CliRunner().invoke(command, ["check", str(tmp_path), *given])
    assert shown.exit_code == 0, shown.output
    assert shown.output.split("\n")[1:3] == ["columns.m,9,0,0,100,,,", "columns.py,11,0,0,100,,,"]
