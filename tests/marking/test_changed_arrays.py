"""Arrays that are changed in place, p[range(N), y] -= 1: what their names are afterwards."""

import numpy as np
import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
GENERATOR = np.random.default_rng(0)
PARAMETERS = {
    "W1": GENERATOR.normal(size=(4, 5)),
    "b1": GENERATOR.normal(size=5),
    "W2": GENERATOR.normal(size=(5, 3)),
    "b2": GENERATOR.normal(size=3),
}
X = GENERATOR.normal(size=(6, 4))
y = np.array([0, 2, 1, 1, 0, 2])

FORWARD = """
N = X.shape[0]
a_h = np.maximum(0, X @ W1 + b1)
z_o = a_h @ W2 + b2
p = np.exp(z_o) / np.sum(np.exp(z_o), axis=1, keepdims=True)
"""
LOSS = "loss = -np.sum(Y * np.log(p)) / N\n"
BACKWARD = "dW2 = a_h.T @ {0}\ndb2 = {0}.sum(axis=0)\ndW1 = X.T @ ({0} @ W2.T * (a_h > 0))\n"
PROGRAMS = [
    LOSS + "p[np.arange(N), y] -= 1\np /= N\n" + BACKWARD.format("p"),
    LOSS + "p[range(len(X)), y] -= 1\n" + BACKWARD.format("(p / N)"),
    "dscores = p.copy()\ndscores[range(N), y] -= 1\ndscores /= N\n"
    + LOSS
    + BACKWARD.format("dscores"),
    "work = p.copy()\nwork[np.arange(N), y] -= 1\nwork /= N\n" + LOSS + BACKWARD.format("work"),
    # the array has two names
    "dscores = p\ndscores[range(N), y] -= 1\ndscores /= N\n" + LOSS + BACKWARD.format("dscores"),
    "work = p\nwork[np.arange(N), y] -= 1\nwork /= N\n" + LOSS + BACKWARD.format("work"),
    "p[np.arange(N), y] -= 1\np /= N\n" + LOSS + BACKWARD.format("p"),
    LOSS + "p[np.arange(N), y] -= 1\np /= 2 * N\n" + BACKWARD.format("p"),
]


def is_right(program):
    """Return whether a program computes what PyTorch does."""
    torch = pytest.importorskip("torch")
    values = {**PARAMETERS, "X": X, "y": y, "Y": np.eye(3)[y], "np": np}
    with np.errstate(invalid="ignore"):
        exec(FORWARD + program, values)
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in PARAMETERS.items()}
    hidden = torch.relu(torch.tensor(X) @ weights["W1"] + weights["b1"])
    loss = torch.nn.functional.cross_entropy(
        hidden @ weights["W2"] + weights["b2"], torch.tensor(y)
    )
    loss.backward()
    truths = {f"d{name}": weights[name].grad for name in ("W2", "b2", "W1")}
    truths["loss"] = loss.detach()
    return all(np.allclose(values[name], truth) for name, truth in truths.items())


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_are_right_where_they_compute_what_pytorch_does(program):
    found = cr.check_answer(NETWORK, FORWARD + program, layout="rows")
    assert not found.count("unread"), str(found)
    assert found.correct == is_right(program), str(found)


def test_a_change_alone_counts_where_the_array_is_used():
    found = cr.check_answer(NETWORK, "p[np.arange(N), y] -= 1")
    assert [each.outcome for each in found.statements] == ["own"]
    assert found.exit_code == 2
