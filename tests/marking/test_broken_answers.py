"""Answers that are broken programs, and statements that are never executed."""

import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3], "relu")
RIGHT = "dW_ho = a_h.T @ delta_o"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"{RIGHT}\ndW_ih = dW_ih/\n", 2),
        (f"{RIGHT}\ndef f(:\n", 2),
        (f"def f(:\n    {RIGHT}\n", 1),
        (f"import numpy as np\n{RIGHT}\nreturn )\n", 3),
        (f"def f(X):\n    {RIGHT}\n    if X\n        return 1\n", 3),
        (rf"{RIGHT}\ndb_ho = delta_o.sum(axis=0)", 1),
    ],
)
def test_a_broken_line_is_not_read_and_has_its_number(text, number):
    found = cr.check_answer(NETWORK, text)
    assert found.exit_code == 2
    unread = [each for each in found.statements if each.outcome == "unread"]
    assert [each.number for each in unread] == [number]
    assert found.count("wrong") == 0


def test_the_reason_is_the_syntax_in_both_languages():
    text = f"import numpy as np\n{RIGHT}\ndef f(:\n"
    assert "is not Python" in cr.check_answer(NETWORK, text).text()
    assert "不是 Python" in cr.check_answer(NETWORK, text).text("zh")


@pytest.mark.parametrize(
    "text",
    [
        f"def f(X):\n    {RIGHT}\n    return dW_ho\n    dW_ih = X.T @ delta_h\n",
        f"def f(X):\n    {RIGHT}\n    for i in range(0):\n        dW_ih = X.T @ delta_h\n"
        "    return dW_ho\n",
    ],
)
def test_what_is_never_executed_is_not_right(text):
    found = cr.check_answer(NETWORK, text)
    assert (found.count("right"), found.count("unread"), found.exit_code) == (1, 1, 2)
    assert "dW_ih" in found.missing
    assert "never executed" in found.statements[-1].message()
    assert "永远不会执行" in found.statements[-1].message("zh")


def test_other_notations_have_no_syntax_of_python():
    matlab = "for i = 1:3\ndW2 = a_h' * delta_o;\nend"
    assert "not Python" not in cr.check_answer(NETWORK, matlab).text()


@pytest.mark.parametrize("name", ["ygrad", "Xin", "ŷgrd", "dA1x", "relux"])
def test_suggestions_are_available_names(name):
    with pytest.raises(ValueError, match="unknown name") as caught:
        cr.check_line(NETWORK, f"dW_ho = a_h.T @ {name}")
    text = str(caught.value)
    guess = text.split("Did you mean ")[1].split("?")[0]
    assert guess in text.split("Available: ")[1] or guess == "'relu'"
