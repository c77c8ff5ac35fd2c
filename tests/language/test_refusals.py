"""Refusals in two languages: the same keys and fields, Chinese marks, one line, pickled."""

import pickle
import string

import pytest

import chainrule as cr
from chainrule.errors import InputError, unknown_name
from chainrule.language.refusals import LONGEST, Refusal, in_language, phrases, unknown


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_fields():
    english, chinese = phrases("en"), phrases("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        left_out = {"example"} if key == "constant" else set()  # an English phrase of the caller
        assert fields(chinese[key]) == fields(english[key]) - left_out, key


def test_a_language_that_there_is_not_is_refused():
    with pytest.raises(InputError, match="unknown language 'fr'"):
        phrases("fr")


def test_names_get_the_quotes_of_the_language_and_long_lists_are_cut():
    refusal = unknown("name", "x\ny", "xy", tuple(f"n{number}" for number in range(LONGEST + 3)))
    assert str(refusal).startswith("unknown name 'x\\ny': did you mean 'xy'? Known: 'n0', 'n1'")
    assert str(refusal).endswith("and 3 more")
    said = refusal.message("zh")
    assert "“x\\ny”" in said
    assert "“n0”、“n1”" in said
    assert said.endswith("等，另有 3 个。")


def test_braces_in_what_came_are_no_fields():
    assert "'{name}'" in str(Refusal("command", text=("{name}",)))


def test_a_refusal_survives_pickling():
    refusal = Refusal("layers_few", came="[2]")
    again = pickle.loads(pickle.dumps(refusal))
    assert str(again) == str(refusal)
    assert again.message("zh") == refusal.message("zh")


NETWORKS = [
    (lambda: cr.Network.dense([2]), "layers：", "至少须有输入与输出"),
    (lambda: cr.Network.dense([2, 0, 1]), "layers：", "不小于 1 的整数"),
    (lambda: cr.Network.dense([2, 3, 1], ["tanh"]), "activation：", "网络有 2 层"),
    (
        lambda: cr.Network.dense([2, 3], ["identity"], "log_loss"),
        "激活函数“identity”",
        "值域为 全体实数",
    ),
    (lambda: cr.Network.dense([2, 3], "sigmod"), "未知的激活函数“sigmod”", "是否指“sigmoid”"),
    (lambda: cr.Network.dense([2, 3], loss="zebra"), "未知的损失函数“zebra”", "“mse”、"),
    (lambda: cr.derive(cr.Network.dense([2, 3]), optimizer="adan"), "未知的优化器", "“adam”"),
    (lambda: cr.SGD(nesterov=True), "SGD：", "须大于 0"),
    (lambda: cr.L2(-1), "L2: strength = -1 不行", "[0, ∞)"),
]


@pytest.mark.parametrize(("made", "start", "inside"), NETWORKS)
def test_what_a_network_is_refused_for_in_chinese(made, start, inside):
    with pytest.raises(InputError) as caught:
        made()
    said = in_language(caught.value, "zh")
    assert said.startswith(start)
    assert inside in said
    assert said.endswith("。")
    assert in_language(caught.value, "en") == str(caught.value)


def test_an_unknown_name_keeps_what_was_asked_for():
    error = unknown_name("loss", "zebra", ["mse", "mae"])
    assert error.unknown == ("loss", "zebra", ("mse", "mae"), None)
    assert in_language(error, "zh") == "未知的损失函数“zebra”，可用的有：“mse”、“mae”。"
