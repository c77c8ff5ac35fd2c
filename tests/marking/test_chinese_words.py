"""Chinese words as names, entries of lists in one line, np.add.reduce: read, marked, refused."""

import pytest

import chainrule as cr
from chainrule.errors import InputError

NETWORK = cr.Network.dense([4, 5, 3], "sigmoid", "half_mse")
DEEP = cr.Network.dense([4, 5, 6, 3], "sigmoid", "half_mse")


@pytest.mark.parametrize(
    "line",
    [
        "损失对W_ho的偏导 = a_hᵀ δ_o",
        "损失函数关于 W_ho 的梯度 = a_hᵀ δ_o",
        "L 对 b_ho 的偏导数 = δ_o",
        "输出层误差 = (a_o - Y) ⊙ a_o ⊙ (1 - a_o)",
        "解：输出层的误差项 = (a_o - Y) ⊙ σ'(输出层的净输入)",
        "隐藏层误差项 = 输出层误差项 W_ho的转置 ⊙ σ'(z_h)",
        "隐含层的输出 = sigmoid(X W_ih + b_ih)",
        "权重 W_ho = W_ho - 学习率 * W_ho的梯度  # 更新权重",
        "损失 = 1/2 * sum((a_o - Y)**2)",
    ],
)
def test_chinese_words_are_names(line):
    verdict = cr.check_line(NETWORK, line)
    assert verdict.kind == "right", verdict.message()
    assert verdict.line == line


@pytest.mark.parametrize(
    "line",
    [
        "损失对W_ho的偏导 = δ_oᵀ a_h",
        "损失对W_ih的偏导 = a_hᵀ δ_o",
        "输出层误差 = a_o - Y",
        "输出层误差 = (Y - a_o) ⊙ a_o ⊙ (1 - a_o)",
        "隐藏层误差项 = 输出层误差项 W_ho的转置 ⊙ σ'(a_h)",
        "W_ho = W_ho + 学习率 * W_ho的梯度",
    ],
)
def test_mistakes_in_chinese_words_are_found(line):
    verdict = cr.check_line(NETWORK, line)
    assert not verdict.correct
    assert verdict.kind != "different"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("某个量 = a_h.T @ delta_o", "某个量"),
        ("dW_ho = a_h.T @ delta_o 即为所求", "即为所求"),
        ("输出层误差的平方 = a_o", "的平方"),
    ],
)
def test_other_words_are_named_in_both_languages(line, words):
    with pytest.raises(InputError, match=f"the words '{words}' in `line` stand for no quantity"):
        cr.check_line(NETWORK, line)
    with pytest.raises(InputError, match=f"“{words}”不对应任何量"):
        cr.check_line(NETWORK, line, language="zh")


def test_a_hidden_layer_of_several_is_not_guessed():
    with pytest.raises(InputError, match="隐藏层误差"):
        cr.check_line(DEEP, "隐藏层误差 = δ_3 W_3ᵀ ⊙ σ'(z_2)")


@pytest.mark.parametrize(
    ("network", "line", "correct"),
    [
        (NETWORK, "nabla_w[-1] = np.dot(delta, activations[-2].transpose())", True),
        (DEEP, "nabla_w[-2] = np.dot(deltas[-2], activations[-3].transpose())", True),
        (DEEP, "deltas[-2] = weights[-1].T @ deltas[-1] * sigmoid_prime(zs[-2])", True),
        (DEEP, "activations[1] = sigmoid(zs[-3])", True),
        (DEEP, "nabla_w[-2] = np.dot(deltas[-1], activations[-3].transpose())", False),
        (DEEP, "deltas[-2] = weights[-2].T @ deltas[-1] * sigmoid_prime(zs[-2])", False),
        (DEEP, "activations[1] = sigmoid(zs[-2])", False),
        (NETWORK, "nabla_w[-1] = np.dot(delta, activations[-1].transpose())", False),
    ],
)
def test_entries_of_lists_of_layers(network, line, correct):
    try:
        found = cr.check_line(network, line, layout="columns").correct
    except InputError:
        found = False
    assert found == correct


@pytest.mark.parametrize(
    ("line", "correct"),
    [
        ("db_ho = np.add.reduce(delta_o)", True),
        ("db_ho = np.add.reduce(delta_o, axis=0, keepdims=True)", True),
        ("db_ho = np.add.reduce(delta_o, axis=1)", False),
        ("db_ho = np.add.reduce(delta_o, axis=None)", False),
        ("db_ho = np.add.reduce(delta_h)", False),
    ],
)
def test_add_reduce_sums_over_the_first_axis(line, correct):
    assert cr.check_line(NETWORK, line, batch=True).correct == correct
