"""Counts side by side in LaTeX, as in 2/(Bn), and the numbers of equations."""

import pytest

from chainrule import Network, check_answer, check_line
from chainrule.errors import InputError

NETWORK = Network.dense([2, 3, 2])
DELTA = r"(a_o - Y) \odot a_o \odot (1 - a_o)"


ENDS = ["", r" \tag{3}", r" \tag*{3.1} \label{eq:delta}", r" \nonumber"]


@pytest.mark.parametrize(("letters", "end"), [*zip(["Bn", "mn", "Nn", "nB"], ENDS, strict=True)])
def test_letters_side_by_side_are_a_product(letters, end):
    # The loss is 1/(B n) times the sum of the squares, so that δ_o has 2/(B n).
    for factor, correct in ((2, True), (1, False)):
        line = rf"\delta_o = \frac{{{factor}}}{{{letters}}} {DELTA}{end}"
        assert check_line(NETWORK, line, batch=True).correct == correct


@pytest.mark.parametrize("text", ["2/Bn", r"2/{Bn}", r"2/(mn)"])
def test_a_product_divides_as_a_whole(text):
    assert check_line(NETWORK, rf"\delta_o = {text} {DELTA}", batch=True).correct


@pytest.mark.parametrize(
    "line",
    [
        rf"\delta_o = \frac{{2}}{{Bq}} {DELTA}",  # q is no count
        rf"\delta_o = \frac{{2}}{{Yn}} {DELTA}",
        rf"\delta_o = 2/Bn^2 {DELTA}",  # 1/(B n²) or 1/(B n)²
        "delta_o = 2/(Bn) * (a_o - Y) * a_o * (1 - a_o)",  # Bn is a name in a program
    ],
)
def test_other_words_stay_names(line):
    with pytest.raises(InputError, match="unknown name"):
        check_line(NETWORK, line, batch=True)


def test_the_number_of_an_equation_in_index_form():
    line = r"\frac{\partial L}{\partial w_{jk}} = a_j \delta_k \tag{3}"
    assert check_line(NETWORK, line).correct
    assert not check_line(NETWORK, line.replace("a_j", "-a_j")).correct


def test_the_square_of_a_product_is_that_of_its_last_letter():
    assert not check_line(NETWORK, rf"\delta_o = \frac{{2}}{{Bn^2}} {DELTA}", batch=True).correct
    assert check_line(NETWORK, rf"\delta_o = \frac{{2n}}{{Bn^2}} {DELTA}", batch=True).correct


def test_a_variable_of_ones_own_is_no_product():
    text = "Bn = 2 B n \\\\\n" + rf"\delta_o = \frac{{4}}{{Bn}} {DELTA}"
    found = check_answer(NETWORK, text)
    assert [each.outcome for each in found.statements] == ["own", "right"]
