"""Lines as learners write them, with the verdicts of a teacher; messages in both languages."""

import re
import tomllib
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError
from chainrule.marking.check_line import check_line

LINES = tomllib.loads(Path(__file__).with_name("lines.toml").read_text(encoding="utf-8"))["line"]
NETWORKS = {
    "small": cr.Network.dense([2, 3, 2]),
    "class": cr.Network.dense([4, 5, 3], ["tanh", "softmax"], "log_loss"),
    "deep": cr.Network.dense([3, 4, 5, 2], ["relu", "relu", "identity"]),
    "single": cr.Network.dense([2, 3, 1]),
    "l2": cr.Network.dense([2, 3, 2], penalty=cr.L2(0.1)),
}
RIGHT = ("right", "right_here")
OPTIMIZERS = {
    "momentum": cr.SGD(momentum=0.9),
    "nesterov": cr.SGD(momentum=0.9, nesterov=True),
}


def marked(case):
    network = NETWORKS[case.get("network", "small")]
    layout = case.get("layout", "rows")
    name = case.get("optimizer", "sgd")
    return check_line(
        network,
        case["text"],
        batch=case.get("batch", False),
        layout=layout,
        optimizer=OPTIMIZERS.get(name, name),
    )


# -- the collection ------------------------------------------------------------------------------


def test_the_collection_is_large_and_has_every_kind():
    assert len(LINES) >= 100
    assert sum("kind" not in case and "error" not in case for case in LINES) >= 40
    kinds = {case["kind"] for case in LINES if "kind" in case}
    assert kinds == {
        *("right_here", "transpose", "side", "product", "factor", "convention", "slope", "sign"),
        *("penalty", "sum", "sequential", "name", "chain", "different", "shape", "bias"),
        *("square", "root", "power", "epsilon", "correction", "decay"),
    }


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["text"])
def test_a_line_gets_the_verdict_of_a_teacher(case):
    if "error" in case:
        with pytest.raises(InputError) as caught:
            marked(case)
        assert case["error"] in str(caught.value)
        return
    verdict = marked(case)
    kind = case.get("kind", "right")
    assert verdict.kind == kind, verdict.message()
    assert verdict.correct == (kind in RIGHT)
    assert case.get("message", "") in verdict.message("en")
    if "position" in case:
        assert case["text"][slice(*verdict.position)] == case["position"]
    if "repaired" in case:
        assert verdict.repaired == case["repaired"]


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["text"])
def test_the_repaired_line_is_right(case):
    if "error" in case:
        return
    verdict = marked(case)
    if verdict.correct or not verdict.repaired or "_old" in verdict.repaired:
        return
    again = marked({**case, "text": verdict.repaired})
    # On its own, a line in another convention of momentum is right except for the convention.
    assert again.correct or again.kind == case.get("leads"), (verdict.repaired, again.message())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("case", LINES, ids=lambda case: case["text"])
def test_every_verdict_has_a_message_in_both_languages(case, language):
    if "error" in case:
        return
    message = marked(case).message(language)
    assert message
    assert "{" not in message.replace(case["text"], "")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in message) == (language == "zh")
    assert message.endswith("。" if language == "zh" else ".")


# -- messages in Chinese --------------------------------------------------------------------------

HALF_WIDTH = re.compile("[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]")
"""A half-width punctuation mark next to a Chinese character."""


def in_chinese(text):
    """Return whether a text is Chinese with full-width punctuation."""
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text)
    return chinese and text.endswith("。") and not HALF_WIDTH.search(text)


@pytest.mark.parametrize("case", LINES, ids=lambda case: case["text"])
def test_messages_in_chinese_have_chinese_punctuation(case):
    network = NETWORKS[case.get("network", "small")]
    name = case.get("optimizer", "sgd")
    given = {key: case[key] for key in ("batch", "layout") if key in case}
    given["optimizer"] = OPTIMIZERS.get(name, name)
    if "error" not in case:
        verdict = check_line(network, case["text"], language="zh", **given)
        assert str(verdict) == verdict.message("zh")
        assert in_chinese(str(verdict)), str(verdict)
        return
    with pytest.raises(InputError) as caught:
        check_line(network, case["text"], language="zh", **given)
    assert in_chinese(str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def test_lists_have_the_separators_of_the_language():
    line = "delta_o = -2 * (Y_t - a_o) * a_o * (1 - a_o)"
    network = NETWORKS["small"]
    assert "i = 4, h = 8, o = 3" in check_line(network, line).message()
    assert "i = 4，h = 8，o = 3" in check_line(network, line).message("zh")
    line = "W_ho = W_ho - alpha * m_W_ho / (sqrt(v_W_ho) + eps)"
    verdict = check_line(network, line, optimizer="adam")
    assert "m_hat_W_ho、v_hat_W_ho" in verdict.message("zh")
    line = "V_ho = mu V_ho + dW_ho; W_ho = W_ho - alpha V_ho"
    verdict = check_line(network, line, optimizer=OPTIMIZERS["momentum"])
    assert "∂Loss/∂W_ho；W_ho ← W_ho + v_W_ho。" in verdict.message("zh")


RATES = [
    ("W_ih -= 0.1*dW_ih", "sgd", "0.1", "W_ih = W_ih - alpha * dW_ih"),
    ("W_ih = W_ih - 0.1*X.T @ delta_h", "sgd", "0.1", "W_ih = W_ih - alpha * X.T @ delta_h"),
    (
        r"W_{ih} \leftarrow W_{ih} - 0.5 \frac{\partial L}{\partial W_{ih}}",
        "sgd",
        "0.5",
        "W_ih ← W_ih − α ∂L/∂W_ih",
    ),
    (
        "W_ih -= 0.001*m_W_ih/(1-0.9**t)/(np.sqrt(v_W_ih/(1-0.999**t)) + 1e-8)",
        "adam",
        "0.001",
        "alpha * m_W_ih",
    ),
]


@pytest.mark.parametrize(("line", "optimizer", "number", "repaired"), RATES)
def test_a_number_that_may_be_the_learning_rate_is_named(line, optimizer, number, repaired):
    network = cr.Network.dense([2, 3, 1])
    verdict = check_line(network, line, batch=True, optimizer=optimizer)
    assert (verdict.correct, verdict.kind) == (False, "rate"), verdict.message()
    assert f"Right if the learning rate is {number}, which is not stated." in verdict.message()
    assert f"若学习率为 {number} 则正确" in verdict.message("zh")
    assert repaired in verdict.repaired
    assert check_line(network, verdict.repaired, batch=True, optimizer=optimizer).correct


@pytest.mark.parametrize(
    "line",
    [
        "W_ih += 0.1*dW_ih",
        "W_ih -= 0.1*dW_ih.T",
        "W_ih -= 2*lr*dW_ih",
        "W_ih -= 0.1*0.1*dW_ih",
        "W_ih = 0.1*W_ih - 0.1*dW_ih",
        "W_ih -= 1*dW_ih",
        "dW_ih = 0.1 * X.T @ delta_h",
    ],
)
def test_a_number_that_is_no_learning_rate_is_not_named_so(line):
    verdict = check_line(cr.Network.dense([2, 3, 1]), line, batch=True)
    assert (verdict.correct, verdict.kind == "rate") == (False, False)


def test_the_value_of_the_learning_rate_is_accepted_only_if_it_was_given():
    line = "W_ho = W_ho - 0.01 * dW_ho"
    network = NETWORKS["small"]
    assert not check_line(network, line).correct  # the default value was not given
    assert not check_line(network, line, optimizer=cr.SGD(0.1)).correct
    verdict = check_line(network, line, optimizer=cr.SGD(0.01))
    assert verdict.correct
    assert "alpha = 0.01" in verdict.message()


def test_a_number_is_written_before_a_matrix_without_a_sign():
    line = "δ_o = 2/n * (a_o - Y) * a_o * (1 + a_o)"
    repaired = "δ_o = 2/n (a_o − Y) ⊙ a_o ⊙ (1 − a_o)"
    assert check_line(NETWORKS["small"], line).repaired == repaired


def test_an_unknown_name_of_a_deep_network_lists_similar_names_first():
    with pytest.raises(InputError, match="Available: 'dW_1', 'dW_2', 'dW_3'"):
        check_line(NETWORKS["deep"], "dW_4 = a_3.T @ delta_4")


# -- the verdict ---------------------------------------------------------------------------------


def test_the_message_on_a_wrong_line_has_values_of_an_example():
    verdict = check_line(NETWORKS["small"], "delta_o = 2/n * (Y_t - a_o) * a_o * (1 - a_o)")
    found, expected = verdict.numbers["found"], verdict.numbers["expected"]
    assert np.allclose(found, -expected)
    assert found.shape == (1, verdict.numbers["sizes"]["o"])
    worst = np.argmax(np.abs(found))
    assert f"{found[0, worst]:.6g}" in verdict.message()
    assert f"{expected[0, worst]:.6g}" in verdict.message("zh")


def test_each_axis_of_an_example_has_a_different_length():
    sizes = check_line(NETWORKS["deep"], "Loss = 1", batch=True).numbers["sizes"]
    assert list(sizes) == ["B", "i", "h1", "h2", "o"]
    assert len({*sizes.values(), 1, 2}) == 7


def test_axes_of_equal_widths_are_distinguished():
    network = cr.Network.dense([2, 2, 2])
    assert check_line(network, "da_h = delta_o @ W_ho").kind == "transpose"
    assert check_line(network, "dW_ho = delta_o.T @ a_h").kind == "side"
    assert check_line(network, "dW_ho = a_h.T @ delta_o").correct


def test_a_line_can_be_right_only_because_a_width_is_one():
    line = "delta_o = -2 * (Y_t - a_o) * a_o * (1 - a_o)"
    verdict = check_line(cr.Network.dense([2, 3, 1]), line)
    assert (verdict.correct, verdict.kind) == (True, "right_here")
    assert "1/n" in verdict.message()
    assert "1/n" in verdict.message("zh")
    assert not check_line(cr.Network.dense([2, 3, 2]), line).correct  # 2/n = 1 is no reason


def test_every_equality_of_a_chain_is_marked():
    line = "delta_o = ∂Loss/∂z_o = da_o * a_o * (1 - a_o) = 2/n*(a_o - Y)*a_o*(1 - a_o)"
    assert check_line(NETWORKS["small"], line).correct
    wrong = check_line(NETWORKS["small"], line.replace("2/n*(a_o", "3/n*(a_o"))
    assert not wrong.correct  # although n is 3 in the first example


def test_the_first_wrong_line_of_several_is_reported():
    text = "z_h = X @ W_ih + b_ih\na_h = tanh(z_h)\nz_o = a_h @ W_ho + b_ho"
    verdict = check_line(NETWORKS["small"], text)
    assert not verdict.correct
    assert "a_h = tanh(z_h)"[: len("a_h")] in verdict.message() or verdict.kind == "different"


def test_a_frozen_parameter_has_no_gradient():
    network = cr.Network.dense([2, 3, 2], trainable={"W_ho": False})
    with pytest.raises(InputError, match="dW_ho has no value here"):
        check_line(network, "dW_ho = a_h.T @ delta_o")
    assert check_line(network, "da_h = delta_o @ W_ho.T").correct


def test_arguments_of_other_kinds_are_refused():
    network = r"`network` must be a chainrule\.Network, got '2-3-1'"
    with pytest.raises(InputTypeError, match=network):
        check_line("2-3-1", "dW_ho = a_h.T @ delta_o")
    with pytest.raises(InputTypeError, match=r"`line` must be a string .* got 3"):
        check_line(NETWORKS["small"], 3)
    with pytest.raises(InputError, match="`layout` must be 'rows' or 'columns', got 'diagonal'"):
        check_line(NETWORKS["small"], "z_h = X @ W_ih + b_ih", layout="diagonal")
    with pytest.raises(InputError, match="language"):
        check_line(NETWORKS["small"], "z_h = X @ W_ih + b_ih").message("fr")
    with pytest.raises(InputError, match="language"):
        check_line(NETWORKS["small"], "z_h = X @ W_ih + b_ih", language="fr")
    with pytest.raises(InputError, match=r"optimizer 'adan'. Did you mean 'adam'"):
        check_line(NETWORKS["small"], "z_h = X @ W_ih + b_ih", optimizer="adan")


def test_the_phrases_have_the_same_keys_and_fields():
    import string

    from chainrule.marking.verdict_messages import phrases

    def fields(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, chinese = phrases("en"), phrases("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        assert fields(english[key]) == fields(chinese[key]), key


def test_a_repair_does_not_define_a_name_by_itself():
    x = cr.Input(3)
    h = cr.Dense(3, "tanh")(x)
    network = cr.Network(x, cr.Dense(2)(h + cr.Dense(3, "tanh")(h)))
    for target, other in permutations(("a_1", "a_2", "da_1", "da_2", "dh_3", "dz_4"), 2):
        verdict = cr.check_line(network, f"{target} = {other}")
        assert verdict.repaired != f"{target} = {target}"


def test_each_normalization_has_an_epsilon_of_its_own():
    x = cr.Input(4)
    h = cr.LayerNorm(epsilon=0.1)(cr.Dense(3)(cr.LayerNorm(epsilon=0.01)(x)))
    network = cr.Network(x, cr.Dense(2)(h))
    assert cr.check_line(network, "n_1 = (x - mu_1) / sqrt(v_1 + eps_1)").correct
    assert cr.check_line(network, "n_3 = (z_2 - mu_3) / sqrt(v_3 + epsilon_3)").correct
    assert not cr.check_line(network, "n_3 = (z_2 - mu_3) / sqrt(v_3 + eps_1)").correct
