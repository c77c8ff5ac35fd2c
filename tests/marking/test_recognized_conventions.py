"""Answers in a convention that they do not state: recognized where all their lines are in it.

An answer that is called right is executed here, on random numbers: its parameters have to end where
PyTorch's gradient descent leads.
"""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command

NETWORK = cr.Network.dense([4, 5, 3], loss="half_mse")
NEGATIVE = """
delta_o = (Y - a_o) * a_o * (1 - a_o) / m
delta_h = delta_o @ W_ho.T * a_h * (1 - a_h)
W_ho += lr * a_h.T @ delta_o
W_ih += lr * X.T @ delta_h
b_ho += lr * delta_o.sum(axis=0)
b_ih += lr * delta_h.sum(axis=0)
"""
ASCENT = NEGATIVE.replace(
    "W_ho += lr * a_h.T @ delta_o", "dW_ho = a_h.T @ delta_o\nW_ho += lr * dW_ho"
).replace("W_ih += lr * X.T @ delta_h", "dW_ih = X.T @ delta_h\nW_ih += lr * dW_ih")
SLOPES = """
delta_o = (a_o - Y) * sigmoid_derivative(a_o) / m
delta_h = delta_o @ W_ho.T * sigmoid_derivative(a_h)
W_ho -= lr * a_h.T @ delta_o
W_ih -= lr * X.T @ delta_h
b_ho -= lr * delta_o.sum(axis=0)
b_ih -= lr * delta_h.sum(axis=0)
"""
GRADIENT = """
dZ2 = (a_o - Y) * a_o * (1 - a_o)
dZ1 = dZ2 @ W_ho.T * a_h * (1 - a_h)
dW2 = a_h.T @ dZ2 / m
dW1 = X.T @ dZ1 / m
db2 = dZ2.sum(axis=0) / m
db1 = dZ1.sum(axis=0) / m
W_ho -= lr * dW2
W_ih -= lr * dW1
b_ho -= lr * db2
b_ih -= lr * db1
"""
UPDATE = NEGATIVE.replace(" / m", "").replace("lr *", "lr / m *")
RIGHT = [
    (NEGATIVE, ("stated_negative",), "delta = t − o throughout", "始终取 delta = t − o"),
    (ASCENT, ("stated_ascent",), "the step is W + α dW", "更新为 W + α dW"),
    (SLOPES, ("stated_output",), "f′ as a function of the output a", "f′ 是输出 a 的函数"),
    (GRADIENT, ("stated_gradient",), "taken in dW and db, not in δ", "放在 dW 与 db 中"),
    (UPDATE, ("stated_negative", "stated_update"), "taken in the update", "放在参数更新中"),
]


def after_the_step(answer):
    """Return the parameters after the answer, and after gradient descent in PyTorch."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(5)
    sizes = {"W_ih": (4, 5), "b_ih": (1, 5), "W_ho": (5, 3), "b_ho": (1, 3)}
    start = {name: generator.normal(size=size) for name, size in sizes.items()}
    X, Y, lr = generator.normal(size=(6, 4)), generator.uniform(size=(6, 3)), 0.7
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    a_h = torch.sigmoid(torch.tensor(X) @ leaves["W_ih"] + leaves["b_ih"])
    a_o = torch.sigmoid(a_h @ leaves["W_ho"] + leaves["b_ho"])
    (0.5 * ((a_o - torch.tensor(Y)) ** 2).sum(1).mean()).backward()
    values = {name: value.copy() for name, value in start.items()}
    values |= {"X": X, "Y": Y, "lr": lr, "m": 6, "sigmoid_derivative": lambda a: a * (1 - a)}
    values |= {"a_h": a_h.detach().numpy(), "a_o": a_o.detach().numpy()}
    exec(answer, {}, values)
    expected = {name: start[name] - lr * leaf.grad.numpy() for name, leaf in leaves.items()}
    return {name: values[name] for name in sizes}, expected


@pytest.mark.parametrize(("answer", "keys", "english", "chinese"), RIGHT)
def test_an_answer_in_one_convention_is_right_and_takes_the_true_step(
    answer, keys, english, chinese
):
    found = cr.check_answer(NETWORK, answer)
    assert (found.exit_code, found.recognized) == (0, keys), str(found)
    assert "Right, with " in found.summary()
    assert english in found.summary()
    assert chinese in found.summary("zh")
    values, expected = after_the_step(answer)
    for name, value in values.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("answer", "keys", "english", "chinese"), RIGHT)
def test_any_one_changed_sign_or_factor_leaves_no_answer_right(answer, keys, english, chinese):
    del english, chinese
    lines = answer.strip().split("\n")
    for number, line in enumerate(lines):
        changed = line.replace("+=", "-=") if "+=" in line else line.replace("-=", "+=")
        if changed == line:
            changed = line.replace(" = ", " = 2 * ", 1)
        text = "\n".join([*lines[:number], changed, *lines[number + 1 :]])
        found = cr.check_answer(NETWORK, text)
        assert found.exit_code == 1, text
        assert found.count("wrong") >= 1


def test_one_mistake_is_named_as_that_mistake():
    answer = NEGATIVE.replace("@ W_ho.T * a_h * (1 - a_h)", "@ W_ho.T * a_h")
    found = cr.check_answer(NETWORK, answer)
    assert (found.exit_code, found.count("wrong")) == (1, 1)
    (wrong,) = (each.verdict for each in found.statements if each.outcome == "wrong")
    assert wrong.kind == "slope"
    assert "is in another convention, with delta = t − o throughout" in found.summary()
    assert "这份解答采用另一种约定，并按它批改：始终取" in found.summary("zh")


@pytest.mark.parametrize(
    "answer",
    [
        "delta_o = (Y - a_o) * a_o * (1 - a_o) / m",  # one statement could be a mistake
        "delta_h = delta_o @ W_ho.T * sigmoid_derivative(a_h)",
        "W_ho += lr * dW_ho\nW_ih += lr * dW_ih",  # the sign of dW is not seen
        "for W, g in zip([W1, W2], [dW1, dW2]):\n    W += lr * g",
        NEGATIVE.partition("delta_h")[2].partition("\n")[2],
        "dW2 = a_h.T @ dZ2 / m\ndW1 = X.T @ dZ1 / m",
        NEGATIVE.replace("+=", "-="),
        ASCENT.replace("W_ho += lr * dW_ho\n", ""),  # dW alone has one sign
        ASCENT.replace("dW_ho", "grad_W_ho"),
        NEGATIVE.replace("W_ho += lr *", "W_ho -= lr *").replace("b_ho += lr *", "b_ho -= lr *"),
    ],
)
def test_nothing_is_recognized_without_two_lines_that_agree(answer):
    found = cr.check_answer(NETWORK, answer)
    assert found.exit_code == 1
    assert not [each for each in found.recognized if not found.count("wrong")]


def test_a_stated_convention_is_not_changed():
    stated = cr.Convention(slope_of="output")
    assert cr.check_answer(NETWORK, NEGATIVE, convention=stated).recognized == ()
    ascent = cr.Convention(delta="ascent")
    assert cr.check_answer(NETWORK, ASCENT, convention=ascent).exit_code == 0


def test_the_command_names_the_convention(tmp_path):
    path = tmp_path / "answer.py"
    path.write_text(NEGATIVE, encoding="utf-8")
    given = ["check", str(path), "--layers", "4,5,3", "--loss", "half_mse"]
    shown = CliRunner().invoke(command, given)
    assert (shown.exit_code, "delta = t − o throughout" in shown.output) == (0, True)
    record = json.loads(CliRunner().invoke(command, [*given, "--json"]).output)
    assert record["convention"] == ["negative"]
