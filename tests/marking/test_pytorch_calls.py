"""Functions of torch.nn.functional: read as what PyTorch computes, in lines and in programs."""

import pytest

import chainrule as cr
from chainrule.errors import InputError

CLASSES = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
BINARY = cr.Network.dense([4, 5, 1], ["tanh", "sigmoid"], "log_loss")
SQUARES = cr.Network.dense([4, 5, 3], ["relu", "identity"], "mse")
PREFIXES = ["F.", "torch.nn.functional."]

LINES = [
    (CLASSES, "loss = {}cross_entropy(z_o, Y)", True),
    (CLASSES, "loss = {}cross_entropy(z_o, Y, reduction='mean')", True),
    (CLASSES, "loss = {}cross_entropy(z_o, Y, reduction='sum') / len(X)", True),
    (CLASSES, "loss = {}cross_entropy(a_o, Y)", False),
    (CLASSES, "loss = {}cross_entropy(Y, z_o)", False),
    (CLASSES, "loss = {}nll_loss(torch.log(a_o), Y)", True),
    (CLASSES, "loss = {}nll_loss(a_o, Y)", False),
    (BINARY, "loss = {}binary_cross_entropy(a_o, Y)", True),
    (BINARY, "loss = {}binary_cross_entropy(z_o, Y)", False),
    (BINARY, "loss = {}binary_cross_entropy_with_logits(z_o, Y)", True),
    (BINARY, "loss = {}binary_cross_entropy_with_logits(a_o, Y)", False),
    (SQUARES, "loss = {}mse_loss(a_o, Y)", True),
    (SQUARES, "loss = {}mse_loss(Y, a_o)", True),
    (SQUARES, "loss = {}l1_loss(a_o, Y)", False),
    (SQUARES, "a_h = {}relu(z_h)", True),
    (CLASSES, "a_o = {}softmax(z_o, dim=1)", True),
    (CLASSES, "a_o = {}softmax(z_o, dim=0)", False),
    (SQUARES, "z_h = {}linear(X, W_ih.T, b_ih)", True),
    (SQUARES, "z_h = {}linear(X, W_ih, b_ih)", True),
    (SQUARES, "z_h = {}linear(X, W_ih, bias=b_ih)", True),
    (SQUARES, "z_h = {}linear(X, W_ih)", False),
    (SQUARES, "z_h = {}linear(W_ih, X, b_ih)", False),
]


@pytest.mark.parametrize(("network", "line", "is_right"), LINES)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_lines(network, line, is_right, prefix):
    assert cr.check_line(network, line.format(prefix), batch=True).correct == is_right


def truth(network, left, weights_are):
    """Return the names of a line with the values that PyTorch computes for them."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(3)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    names = {"X": drawn(7, 4), "W_ih": drawn(4, 5), "b_ih": drawn(5)}
    outputs = network.layers[-1]
    names |= {"W_ho": drawn(5, outputs), "b_ho": drawn(outputs)}
    F = torch.nn.functional
    names["z_h"] = names["X"] @ names["W_ih"] + names["b_ih"]
    names["a_h"] = torch.tanh(names["z_h"]) if network is BINARY else F.relu(names["z_h"])
    names["z_o"] = names["a_h"] @ names["W_ho"] + names["b_ho"]
    z_o = names["z_o"]
    names["Y"] = torch.eye(max(outputs, 2), dtype=z_o.dtype)[torch.arange(7) % 2][:, :outputs]
    if network is CLASSES:
        names |= {"a_o": torch.softmax(z_o, 1)}
        names["loss"] = -(names["Y"] * torch.log_softmax(z_o, 1)).sum() / 7
    elif network is BINARY:
        a = torch.sigmoid(z_o)
        names |= {
            "a_o": a,
            "loss": -(torch.log(a)[names["Y"] == 1].sum() + torch.log(1 - a)[names["Y"] == 0].sum())
            / 7,
        }
    else:
        names |= {"a_o": z_o, "loss": ((z_o - names["Y"]) ** 2).mean()}
    if weights_are == "outputs as rows":
        names["W_ih"] = names["W_ih"].T
    return {**names, "F": F, "torch": torch}


@pytest.mark.parametrize(("network", "line", "is_right"), LINES)
def test_pytorch_computes_the_same(network, line, is_right):
    left, _, right = line.format("F.").partition(" = ")
    agrees = []
    for weights_are in ("inputs as rows", "outputs as rows"):
        names = truth(network, left, weights_are)
        if "nll_loss" in line:  # takes the numbers of the classes
            names["Y"] = names["Y"].argmax(1)
        try:
            value = eval(right, dict(names))
        except RuntimeError:
            continue
        same = value.shape == names[left].shape and names["torch"].allclose(value, names[left])
        agrees.append(same)
    assert any(agrees) == is_right


def test_a_loss_of_probabilities_is_named():
    verdict = cr.check_line(CLASSES, "loss = F.cross_entropy(a_o, Y)", batch=True)
    assert verdict.kind == "name"
    assert verdict.message().startswith("a_o must be z_o")


def test_weights_as_pytorch_stores_them_are_said():
    verdict = cr.check_line(SQUARES, "z_h = F.linear(X, W_ih, b_ih)", batch=True)
    assert verdict.kind == "right_here"
    assert verdict.message().startswith("Right with W_ih as PyTorch stores weights")
    assert verdict.message("zh").startswith("若 W_ih 按 PyTorch 的方式存放")
    wrong = cr.check_line(SQUARES, "z_h = F.linear(X, W_ih, -b_ih)", batch=True)
    assert wrong.kind == "sign"


FORWARD = """
import torch.nn.functional as F
h = F.relu(F.linear(x, W1, b1))
z_o = F.linear(h, W2, b2)
loss = F.cross_entropy(z_o, y)
"""


@pytest.mark.parametrize(
    ("more", "is_right"),
    [
        ("", True),
        ("W1 -= alpha * dW1\nb1 -= alpha * db1\n", True),
        ("dz = (F.softmax(z_o, dim=1) - y) / len(x)\ndb2 = dz.sum(dim=0)\n", True),
        ("dz = (F.softmax(z_o, dim=1) - y) / len(x)\ndh = dz @ W2.T\n", False),
        ("dz = (F.softmax(z_o, dim=1) - y) / len(x)\ndW2 = h.t() @ dz\n", False),
        ("z_h = x @ W1 + b1\n", False),
        ("z_h = F.linear(x, W1.T, b1)\n", False),
    ],
)
def test_programs(more, is_right):
    found = cr.check_answer(CLASSES, FORWARD + more, layout="rows")
    assert not found.count("unread"), str(found)
    assert found.correct == is_right, str(found)
    if not is_right:
        assert "other statements have the inputs of" in str(found)
        assert "其余语句中" in found.text("zh")
        turned = (
            (FORWARD + more.replace("W1.T", "W1"))
            .replace("W1, b1", "W1.T, b1")
            .replace("W2, b2", "W2.T, b2")
        )
        assert cr.check_answer(CLASSES, turned).correct


@pytest.mark.parametrize(
    "line",
    [
        "loss = F.cross_entropy(z_o, Y, label_smoothing=0.1)",
        "loss = F.cross_entropy(z_o, Y, reduction='none')",
        "loss = F.cross_entropy(z_o)",
        "loss = F.mse_loss(a_o, Y, 1)",
        "z_h = F.linear(X)",
        "loss = cross_entropy(z_o, Y)",
        "loss = F.mse_loss(a_o, Y",
    ],
)
def test_other_arguments_are_refused(line):
    with pytest.raises(InputError):
        cr.check_line(CLASSES, line, batch=True)
