"""``chainrule check``: the exit codes, both languages, one JSON object."""

import json

import pytest
from click.testing import CliRunner

from chainrule.command_line.main import command


def run(*arguments, code):
    result = CliRunner().invoke(command, ["check", *arguments, "--layers", "2,3,2"])
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_a_right_line_is_0():
    assert run("dW_ho = a_h.T @ delta_o", code=0).stdout == "✓ dW_ho = a_h.T @ delta_o\nRight.\n"


def test_a_wrong_line_is_1_with_a_mark_below_the_fault():
    first, mark, message = run("da_h = delta_o @ W_ho", code=1).stdout.splitlines()
    assert first == "✗ da_h = delta_o @ W_ho"
    assert first[mark.index("^") : mark.rindex("^") + 1] == "W_ho"
    assert message.startswith("The transpose of W_ho is missing")
    assert "axis o does not match axis h" in message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dW_ho = a_q.T @ delta_o", "unknown name 'a_q'. Did you mean"),
        ("a_h.T @ delta_o", "equals sign"),
        ("", "got an empty line"),
    ],
)
def test_a_line_that_cannot_be_read_is_2_and_one_line_on_standard_error(line, message):
    result = run(line, code=2)
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("chainrule: error: ")
    assert result.stderr.count("\n") == 1


def test_in_chinese():
    message = run("db_ho = delta_o", "--batch", "--language", "zh", code=1).stdout.splitlines()[-1]
    assert message.startswith("缺少对样本求和")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dW_ho = a_hT @ delta_o"], "未知的名称“a_hT”：“a_h”的转置请写成“a_h.T”。"),
        (["dW_ho = a_q.T @ delta_o"], "未知的名称“a_q”，是否指“a_o”？可用的有：“X”、“W_ih”、"),
        (["a_h.T @ delta_o"], "缺少等号"),
        (["z_h = X", "--activation", "sigmod"], "未知的激活函数“sigmod”，是否指“sigmoid”？"),
        (["z_h = X", "--loss", "zebra"], "未知的损失函数“zebra”，可用的有："),
        (["z_h = X", "--optimizer", "adan"], "未知的优化器“adan”，是否指“adam”？"),
        (["z_h = X", "--optimizer", "adam", "--momentum", "0.9"], "只用于 --optimizer sgd"),
        (["z_h = X", "--l2", "-1"], "须为 [0, ∞) 中的有限数；给出的是 -1。"),
    ],
)
def test_what_is_refused_in_chinese(arguments, message):
    result = run(*arguments, "--language", "zh", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("chainrule: 错误：")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_update_of_an_optimizer():
    run("W_ho = W_ho - alpha dW_ho", code=0)
    run("W_ho = W_ho + v_W_ho", "--momentum", "0.8", code=0)
    run("v_W_ho = 0.8 v_W_ho - alpha dW_ho", "--momentum", "0.8", code=0)
    run("v_W_ho = 0.8 v_W_ho - alpha dW_ho", "--optimizer", "momentum", code=1)
    run("W_ho = W_ho + mu v_W_ho - alpha dW_ho", "--momentum", "0.8", "--nesterov", code=0)
    run("W_ho = W_ho + mu v_W_ho - alpha dW_ho", "--optimizer", "nesterov", code=0)
    line = "m_W_ho = beta_1 m_W_ho + dW_ho"
    message = run(line, "--optimizer", "adam", "--language", "zh", code=1).stdout
    assert "缺少因子 (1 - beta_1)，应为 m_W_ho = " in message
    assert "--momentum 0.9" in run("W_ho = W_ho + v_W_ho", code=2).stderr


def test_a_penalty():
    run("dW_ho = a_h.T @ delta_o", "--l2", "0.1", code=1)
    run("dW_ho = a_h.T @ delta_o + lambda W_ho", "--l2", "0.1", code=0)


def test_one_object_in_json():
    right = json.loads(run("delta_h = da_h * f'(z_h)", "--json", code=0).stdout)
    assert (right["correct"], right["kind"], right["repaired"]) == (True, "right", None)
    wrong = json.loads(run("dW_ho = a_h @ delta_o", "--json", code=1).stdout)
    assert (wrong["correct"], wrong["kind"]) == (False, "transpose")
    assert wrong["line"][slice(*wrong["position"])] == "a_h"
    assert wrong["repaired"] == "dW_ho = a_h.T @ delta_o"
    sizes = wrong["numbers"]["sizes"]
    assert len(wrong["numbers"]["expected"]) == sizes["h"]
    assert wrong["numbers"]["found"] is None
    endless = json.loads(run("a_h = exp(1/0 + z_h)", "--json", code=1).stdout)
    assert endless["numbers"]["found"][0][0] is None


def test_layout_activation_and_loss_are_those_of_derive():
    run("dW_ho = delta_o @ a_h.T", "--layout", "columns", code=0)
    options = ("--activation", "tanh,softmax", "--loss", "log_loss")
    run("delta_o = a_o - Y", *options, code=0)
    run("delta_o = a_o - Y", code=1)


def test_layers_are_needed():
    result = CliRunner().invoke(command, ["check", "z_h = X @ W_ih + b_ih"])
    assert result.exit_code == 2
    assert "--layers" in result.output
