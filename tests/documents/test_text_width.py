"""Text for a terminal of a stated width: no line is longer, and nothing is lost."""

import re

import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.language.text_columns import columns_of

NETWORK = cr.Network.dense([2, 3, 4, 1], "tanh", penalty=cr.L2(0.1))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("detail", ["brief", "full"])
def test_no_line_is_longer_than_the_terminal(width, language, detail):
    derivation = cr.derive(NETWORK, detail=detail)
    lines = derivation.to_text(language, width).splitlines()
    assert max(map(columns_of, lines)) <= width
    joined = "".join("".join(lines).split())
    usual = "".join(derivation.to_text(language).split())
    assert re.sub("[═─]", "", joined) == re.sub("[═─]", "", usual)


def test_an_explanation_fits_too():
    explanation = cr.explain(
        NETWORK, NETWORK.initialize(0), [[1.0, 2.0]], [[0.5]], weight="W_1[0,1]"
    )
    assert max(map(columns_of, explanation.to_text("en", 100).splitlines())) <= 100


def test_a_width_without_room_is_refused():
    with pytest.raises(InputError, match="`width` must be"):
        cr.derive(NETWORK).to_text(width=20)
