"""Errors in two languages: the same keys and fields, punctuation, one line, pickling."""

import pickle
import string

import pytest

import chainrule as cr
from chainrule.errors import InputError, unknown_name
from chainrule.language.refusals import MAX_NAMES, Refusal, in_language, phrases, unknown


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_fields():
    english, chinese = phrases("en"), phrases("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        left_out = {"example"} if key == "constant" else set()  # an English text of the caller
        assert fields(chinese[key]) == fields(english[key]) - left_out, key


def test_an_unknown_language_is_an_error():
    with pytest.raises(InputError, match="unknown language 'fr'"):
        phrases("fr")


def test_names_have_the_quotes_of_the_language_and_long_lists_are_cut():
    refusal = unknown("name", "x\ny", "xy", tuple(f"n{number}" for number in range(MAX_NAMES + 3)))
    assert str(refusal).startswith("unknown name 'x\\ny'. Did you mean 'xy'? Available: 'n0', 'n1'")
    assert str(refusal).endswith("and 3 more")
    text = refusal.message("zh")
    assert "“x\\ny”" in text
    assert "“n0”、“n1”" in text
    assert text.endswith("等，另有 3 个。")


def test_braces_in_a_value_are_not_fields():
    assert "'{name}'" in str(Refusal("command", text=("{name}",)))


def test_a_refusal_survives_pickling():
    refusal = Refusal("layers_few", given="[2]")
    again = pickle.loads(pickle.dumps(refusal))
    assert str(again) == str(refusal)
    assert again.message("zh") == refusal.message("zh")


NETWORKS = [
    (lambda: cr.Network.dense([2]), "`layers` ", "至少须有输入与输出"),
    (lambda: cr.Network.dense([2, 0, 1]), "`layers` ", "宽度须为正整数"),
    (
        lambda: cr.Network.dense([2, 3, 1], ["tanh"]),
        "`activation` ",
        "每层各一个名称（此处共 2 层，含最后一层）；给出了 1 个",
    ),
    (
        lambda: cr.Network.dense([2, 3], ["identity"], "log_loss"),
        "激活函数“identity”",
        "值域为 全体实数",
    ),
    (lambda: cr.Network.dense([2, 3], "sigmod"), "未知的激活函数“sigmod”", "是否指“sigmoid”"),
    (lambda: cr.Network.dense([2, 3], loss="zebra"), "未知的损失函数“zebra”", "“mse”、"),
    (lambda: cr.derive(cr.Network.dense([2, 3]), optimizer="adan"), "未知的优化器", "“adam”"),
    (lambda: cr.SGD(nesterov=True), "SGD：", "`momentum` 须大于 0"),
    (lambda: cr.L2(-1), "L2: strength 须为", "[0, ∞) 中的有限数；给出的是 -1"),
]


@pytest.mark.parametrize(("made", "start", "inside"), NETWORKS)
def test_errors_about_a_network_in_chinese(made, start, inside):
    with pytest.raises(InputError) as caught:
        made()
    text = in_language(caught.value, "zh")
    assert text.startswith(start)
    assert inside in text
    assert text.endswith("。")
    assert in_language(caught.value, "en") == str(caught.value)


def test_the_error_on_an_unknown_name_stores_the_name_and_the_known_ones():
    error = unknown_name("loss", "zebra", ["mse", "mae"])
    assert error.unknown == ("loss", "zebra", ("mse", "mae"), None)
    assert in_language(error, "zh") == "未知的损失函数“zebra”，可用的有：“mse”、“mae”。"
