"""A mistake in a variable of one's own counts once; what else is wrong is still found."""

import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3])
RIGHT = """
tmp = 2 * (a_o - Y) / Y.size * a_o * (1 - a_o)
dW_ho = a_h.T @ tmp
db_ho = tmp.sum(axis=0)
tmp2 = tmp @ W_ho.T * a_h * (1 - a_h)
dW_ih = X.T @ tmp2
db_ih = tmp2.sum(axis=0)
"""
MISTAKES = [
    # what is replaced, and the numbers of the statements that are wrong then, by hand
    ([], ()),
    ([("2 * (a_o", "(a_o")], (3,)),
    ([(" / Y.size", "")], (3,)),
    ([("2 * (a_o", "(a_o"), ("W_ho.T * a_h *", "W_ho.T * (-a_h) *")], (3, 6)),
    # beside the variable's mistake
    ([(" / Y.size", ""), ("dW_ho = a_h.T", "dW_ho = 2 * a_h.T")], (3, 4)),
    ([(" / Y.size", ""), ("db_ho = tmp.sum(axis=0)", "db_ho = tmp.sum(axis=1)")], (3, 4)),
    ([(" / Y.size", ""), ("dW_ih = X.T @ tmp2", "dW_ih = X.T @ tmp")], (3, 6)),
]


@pytest.mark.parametrize(("changes", "wrong"), MISTAKES)
def test_a_mistake_of_a_variable_counts_once(changes, wrong):
    text = RIGHT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    found = cr.check_answer(NETWORK, text, layout="rows")
    assert not found.count("unread")
    numbers = tuple(each.number for each in found.statements if each.outcome == "wrong")
    assert numbers == wrong, str(found)


def test_a_variable_is_not_taken_for_what_has_a_statement():
    text = """
error = a_o - Y
delta_o = 2 * error / Y.size * a_o * (1 - a_o)
dW_ho = a_h.T @ error
delta_h = error @ W_ho.T * a_h * (1 - a_h)
"""
    found = cr.check_answer(NETWORK, text)
    assert [each.number for each in found.statements if each.outcome == "wrong"] == [4, 5]


def test_the_line_after_a_mistake_is_explained_with_the_variable():
    text = RIGHT.replace(" / Y.size", "").replace("X.T @ tmp2", "-X.T @ tmp2")
    found = cr.check_answer(NETWORK, text, layout="rows")
    (_, second) = [each.verdict for each in found.statements if each.outcome == "wrong"]
    assert second.kind == "sign"
    assert "X.T @ (tmp @ W_ho.T" in second.repaired


def test_an_answer_in_another_convention_is_still_recognized():
    text = RIGHT.replace("a_o - Y", "Y - a_o")
    for name in ("W_ho", "b_ho", "W_ih", "b_ih"):
        text += f"{name} += alpha * d{name}\n"
    found = cr.check_answer(NETWORK, text)
    assert found.correct, str(found)
    assert found.recognized == ("stated_ascent",)
    wrong = cr.check_answer(NETWORK, text.replace("b_ih +=", "b_ih -="))
    assert [each.number for each in wrong.statements if each.outcome == "wrong"] == [11]
