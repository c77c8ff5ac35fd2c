"""Which weight a text names, and what is said where it names none."""

import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.explanation.weight_selector import entry_of

NETWORK = cr.Network.dense([3, 4, 2], trainable={"b_ih": "shared", "W_ho": False})
INPUTS = ["age", "color=red, dark", "7"]
OUTPUTS = ["yes", "no"]


def named(text: str) -> str:
    return str(entry_of(NETWORK, NETWORK.formulation(), text, INPUTS, OUTPUTS))


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("W_ih[0,2]", "W_ih[0,2]"),
        ("  W_ih [ 2 , 3 ] ", "W_ih[2,3]"),
        ("W_ih[age,1]", "W_ih[0,1]"),
        ("W_ih[color=red, dark,1]", "W_ih[1,1]"),
        ("b_ho[no]", "b_ho[1]"),
        ("b_ho[0]", "b_ho[0]"),
        ("b_ih", "b_ih"),
    ],
)
def test_texts_that_name_a_weight(text: str, entry: str) -> None:
    assert named(text) == entry


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("W_hi[0,0]", "unknown weight 'W_hi'. Did you mean 'W_ih'"),
        ("zebra", "unknown weight 'zebra'. Available:"),
        ("W_ho[0,0]", "W_ho is frozen.*choose one of W_ih, b_ih, b_ho"),
        ("W_ih", r"W_ih has 12 numbers \(3×4\); name one of them, such as W_ih\[0,0\]"),
        ("W_ih[3,0]", "an index of the input from 0 to 2"),
        ("W_ih[0,4]", "an index of the unit from 0 to 3"),
        ("b_ho[2]", "an index of the output from 0 to 1"),
        ("b_ho[-1]", "an index of the output from 0 to 1"),
        ("b_ih[0]", r"without indices, got .*b_ih is one number"),
        ("W_ih[0]", "two indices, input and output, counted from 0, got"),
        ("W_ih[agee,0]", "Did you mean 'age'"),
        ("b_ho[yess]", "Did you mean 'yes'"),
        ("W_ih[0,0,0]", "two indices"),
        ("[0,0]", "a name with indices such as W_ih"),
        ("", "a name with indices such as W_ih"),
        # 7 is a name here, but a whole number is an index
        ("W_ih[7,0]", "an index of the input from 0 to 2"),
    ],
)
def test_texts_that_name_none(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        named(text)
    assert "\n" not in str(caught.value)
