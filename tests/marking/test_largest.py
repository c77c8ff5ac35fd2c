"""Functions of the largest: length(X), np.max and max with braces, which are easily mistaken."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError

RELU = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
SINGLE = cr.Network.dense([4, 5, 1], ["relu", "sigmoid"], "log_loss")


@pytest.mark.parametrize(("layout", "axis"), [("rows", 1), ("columns", 2)])
@pytest.mark.parametrize("of", ["X", "Y", "a_h", "a_o"])
@pytest.mark.parametrize("line", ["delta_o = (a_o - Y) / length({})", "m = length({})"])
def test_the_length_of_a_matrix_may_be_either_dimension(layout, axis, of, line):
    options = {"batch": True, "layout": layout}
    with pytest.raises(InputError, match=rf"Write size\({of}, {axis}\) for the count of samples"):
        cr.check_line(RELU, line.format(of), **options)
    right = line.format(of).replace(f"length({of})", f"size({of}, {axis})")
    assert cr.check_line(RELU, right, **options).correct
    with pytest.raises(InputError, match="样本数请写成"):
        cr.check_line(RELU, line.format(of), language="zh", **options)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_the_length_of_a_vector_of_targets_is_the_count_of_samples(layout):
    options = {"batch": True, "layout": layout}
    assert cr.check_line(SINGLE, "delta_o = (a_o - Y) / length(Y)", **options).correct
    assert not cr.check_line(SINGLE, "delta_o = (Y - a_o) / length(Y)", **options).correct
    with pytest.raises(InputError, match="size"):
        cr.check_line(SINGLE, "delta_o = (a_o - Y) / length(X)", **options)


def test_lengths_in_answers():
    text = "m = length(Y);\ndelta_o = (a_o - Y) / m;\ndW_ho = a_h' * delta_o;"
    assert cr.check_answer(SINGLE, text).correct
    found = cr.check_answer(RELU, text)
    assert not found.correct
    assert found.exit_code == 2
    assert "size(Y, 1)" in str(found)


@pytest.mark.parametrize(
    "line",
    [
        r"a_h = \max\{0, z_h\}",
        r"a_h = \max\{z_h, 0\}",
        r"a_h = \max\left\{0, z_h\right\}",
        r"A_h = \max\bigl\{0,\, X W_{ih} + b_{ih}\bigr\}",
        r"\delta_h = \{\delta_o W_{ho}^\top\} \odot \{z_h > 0\}",
        r"a_h = \left\{\begin{cases} z_h & z_h > 0 \\ 0 & \text{otherwise} \end{cases}\right.",
    ],
)
def test_braces_with_backslashes_are_brackets(line):
    assert cr.check_line(RELU, line, batch=True).correct


@pytest.mark.parametrize(
    "line", [r"a_h = \min\{0, z_h\}", r"a_h = \max\{0, z_o\}", r"a_h = \max\{1, z_h\}"]
)
def test_braces_do_not_hide_a_mistake(line):
    assert not cr.check_line(RELU, line, batch=True).correct


@pytest.mark.parametrize("line", [r"a_h = \max\{0, z_h", r"a_h = \max\{0, z_h)"])
def test_a_brace_that_is_not_closed(line):
    with pytest.raises(InputError, match="missing"):
        cr.check_line(RELU, line, batch=True)


@pytest.mark.parametrize(
    ("call", "repaired"),
    [
        ("np.max(0, z_h)", "maximum(0, z_h)"),
        ("np.amax(0, z_h)", "maximum(0, z_h)"),
        ("numpy.max(0, X @ W_ih + b_ih)", "maximum(0, X @ W_ih + b_ih)"),
        ("np.max(z_h, 0)", "maximum(z_h, 0)"),
    ],
)
def test_numpys_max_is_not_maximum(call, repaired):
    z_h = np.array([[1.0, -2.0], [3.0, -4.0]])
    relu = np.array([[1.0, 0.0], [3.0, 0.0]])
    values = {"np": np, "numpy": np, "z_h": z_h, "X": z_h, "W_ih": np.eye(2), "b_ih": 0}
    try:
        differs = not np.array_equal(eval(call, values), relu)
    except TypeError:
        differs = True
    assert differs, "NumPy computes something else"
    assert np.array_equal(eval("np." + repaired, values), relu)
    verdict = cr.check_line(RELU, f"a_h = {call}", batch=True)
    assert (verdict.kind, verdict.repaired) == ("maximum", f"a_h = {repaired}")
    assert "np.maximum" in verdict.message()
    assert "np.maximum" in verdict.message("zh")
    assert cr.check_line(RELU, f"a_h = np.{repaired}", batch=True).correct


@pytest.mark.parametrize(
    "call", ["torch.max(0, z_h)", "torch.max(z_h, 0)", "torch.max(z_h, dim=0)"]
)
def test_pytorchs_max_of_a_number_is_not_maximum(call):
    import torch

    z_h = torch.tensor([[1.0, -2.0], [3.0, -4.0]])
    try:
        found = eval(call, {"torch": torch, "z_h": z_h})
    except TypeError:
        found = None
    assert not torch.is_tensor(found), "PyTorch has no tensor for this"
    try:
        verdict = cr.check_line(RELU, f"a_h = {call}", batch=True)
    except InputError:
        return
    assert not verdict.correct
    assert "torch.clamp" in verdict.message()


@pytest.mark.peers("torch")
@pytest.mark.parametrize(
    "call",
    [
        "torch.max(z_h, torch.zeros_like(z_h))",
        "torch.clamp(z_h, min=0)",
        "z_h.clamp(min=0)",
        "torch.clamp(z_h, 0)",
    ],
)
def test_relu_of_pytorch(call):
    import torch

    z_h = torch.tensor([[1.0, -2.0], [3.0, -4.0]])
    assert torch.equal(eval(call, {"torch": torch, "z_h": z_h}), torch.relu(z_h))
    assert cr.check_line(RELU, f"a_h = {call}", batch=True).correct
    assert not cr.check_line(RELU, f"a_o = {call}", batch=True).correct


def test_numpys_max_beside_another_mistake():
    verdict = cr.check_line(RELU, "a_h = np.max(2, z_o - X) * X", batch=True)
    assert not verdict.correct
    verdict = cr.check_line(RELU, "a_h = np.max(0, -7 * z_h) - 3", batch=True)
    assert "its second argument is no axis here" in verdict.message()
    assert "第二个参数不是轴" in verdict.message("zh")


def test_the_largest_along_an_axis_stays_right():
    line = "a_o = np.exp(z_o - np.max(z_o, 1, keepdims=True))"
    whole = f"{line} / np.sum({line.partition(' = ')[2]}, axis=1, keepdims=True)"
    assert cr.check_line(RELU, whole, batch=True).correct
