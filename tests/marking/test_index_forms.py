"""Lines in index form and lines for every layer: those of books are right, changed ones are not."""

import re

import pytest

import chainrule as cr
from chainrule.errors import InputError

MSE = cr.Network.dense([4, 5, 3])
HALF = cr.Network.dense([4, 5, 3], loss="half_mse")
DEEP = cr.Network.dense([4, 6, 5, 3], loss="half_mse")
SOFTMAX = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
LINEAR = cr.Network.dense([4, 5, 3], ["tanh", "identity"])
LINES = [
    (MSE, r"\frac{\partial L}{\partial w_{jk}} = \delta_k a_j", {}),
    (MSE, r"\delta_j = a_j (1 - a_j) \sum_k w_{jk} \delta_k", {}),
    (MSE, r"\delta_j = f'(z_j) \sum_k w_{jk} \delta_k", {}),
    (MSE, r"\frac{\partial L}{\partial w_{ho,jk}} = \delta_{o,k}\, a_{h,j}", {}),
    (MSE, r"z_j = \sum_i w_{ij} a_i + b_j", {}),
    (MSE, r"w_{jk} \leftarrow w_{jk} - \eta \delta_k a_j", {}),
    (MSE, r"\frac{\partial L}{\partial b_k} = \delta_k", {}),
    (HALF, r"\frac{\partial E}{\partial w_{jk}} = (o_k - t_k) o_k (1 - o_k) o_j", {}),
    (HALF, r"\Delta w_{jk} = -\eta\, \delta_k\, o_j", {}),
    (HALF, r"E = \frac12 \sum_k (t_k - o_k)^2", {}),
    (SOFTMAX, r"L = -\sum_k y_k \log a_k", {}),
    (SOFTMAX, r"\delta_k = a_k - y_k", {}),
    (DEEP, r"\frac{\partial C}{\partial w^{l}_{jk}} = a^{l-1}_k \delta^l_j", {"layout": "columns"}),
    (LINEAR, r"\delta_j = (1 - z_j^2) \sum_k w_{kj} \delta_k", {"convention": "bishop"}),
    (LINEAR, r"\frac{\partial E}{\partial w_{kj}} = \delta_k z_j", {"convention": "bishop"}),
    (LINEAR, r"\frac{\partial E}{\partial w_{ji}} = \delta_j x_i", {"convention": "bishop"}),
    (LINEAR, r"a_j = \sum_i w_{ji} x_i + b_j", {"convention": "bishop"}),
    (MSE, r"g_j = \hat{y}_j (1 - \hat{y}_j) (y_j - \hat{y}_j)", {"convention": "xigua"}),
    (MSE, r"e_h = b_h (1 - b_h) \sum_j w_{hj} g_j", {"convention": "xigua"}),
    (MSE, r"\Delta w_{hj} = \eta g_j b_h", {"convention": "xigua"}),
    (MSE, r"\Delta v_{ih} = \eta e_h x_i", {"convention": "xigua"}),
    (MSE, r"\Delta\gamma_h = -\eta e_h", {"convention": "xigua"}),
    (MSE, r"\beta_j = \sum_h w_{hj} b_h", {"convention": "xigua"}),
    (DEEP, r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", {"convention": "nielsen"}),
    (DEEP, r"\delta^L = (a^L - y) \odot \sigma'(z^L)", {"convention": "nielsen"}),
    (DEEP, r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T", {"convention": "nielsen"}),
    (DEEP, r"W^{(l)} \leftarrow W^{(l)} - \alpha \frac{\partial L}{\partial W^{(l)}}", {}),
    (DEEP, r"z^l = w^l a^{l-1} + b^l", {"convention": "nielsen"}),
]


@pytest.mark.parametrize(("network", "line", "given"), LINES, ids=[line for _, line, _ in LINES])
def test_the_lines_of_books_are_right(network, line, given):
    verdict = cr.check_line(network, line, **given)
    assert verdict.correct, verdict.message()


def changed(line):
    """Yield the line with another letter at one place, another sign, or another number."""
    for match in re.finditer(r"(?<=[_{,hijkl])[hijk](?=[}\s,)hijk^]|$)|(?<=_)[hijk]", line):
        for letter in "hijk":
            if letter != match[0]:
                yield line[: match.start()] + letter + line[match.end() :]
    for old, new in ((" - ", " + "), ("= ", "= 2 "), ("= ", "= -"), ("l+1}", "l}"), ("l-1}", "l}")):
        for match in re.finditer(re.escape(old), line):
            yield line[: match.start()] + new + line[match.end() :]


@pytest.mark.parametrize(("network", "line", "given"), LINES, ids=[line for _, line, _ in LINES])
def test_changed_lines_are_wrong_or_refused(network, line, given):
    found = 0
    for each in {*changed(line)} - {line}:
        found += 1
        try:
            verdict = cr.check_line(network, each, **given)
        except InputError:
            continue
        assert not verdict.correct, each
    assert found


def test_entries_keep_their_names_in_messages():
    verdict = cr.check_line(MSE, r"w_{jk} \leftarrow w_{jk} + \eta \delta_k a_j")
    assert verdict.kind == "sign"
    assert verdict.repaired == "w_jk ← w_jk − η δ_k ⊙ a_j"


def test_a_line_for_no_layer_is_refused():
    with pytest.raises(InputError, match="no layer for which all"):
        cr.check_line(MSE, r"\delta^{l+1} = w^{l-1}")


@pytest.mark.parametrize(
    ("network", "line", "repaired"),
    [
        (MSE, "δ_j = Σ_k w_jk δ_k", "a_j ⊙ (1 − a_j)"),
        (MSE, "δ_hj = Σ_{k=1}^{n} δ_ok w_ho,jk", "a_hj ⊙ (1 − a_hj)"),
        (MSE, r"\delta_{hj} = a_{hj} \sum_{k=1}^{n} \delta_{ok} w_{ho,jk}", "(1 − a_hj)"),
        (HALF, "δ_k = a_k − y_k", "a_k ⊙ (1 − a_k)"),
    ],
)
def test_a_missing_slope_is_named_with_the_letters_of_its_line(network, line, repaired):
    verdict = cr.check_line(network, line)
    assert verdict.kind == "slope", verdict.message()
    assert repaired in verdict.repaired
