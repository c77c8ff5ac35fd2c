"""What students of six courses hand in: it is read, and mistakes are named as what they are."""

import pytest

import chainrule as cr
from chainrule.errors import InputError
from tests.marking.newcomer_lines import ANSWERS, LINES


def network_of(given):
    return cr.Network.dense(given["layers"], given["activation"], given["loss"])


@pytest.mark.parametrize(("given", "options", "line", "kinds"), LINES)
def test_lines_of_students(given, options, line, kinds):
    try:
        verdict = cr.check_line(network_of(given), line, **options)
    except InputError:
        assert kinds is None
        return
    if kinds:
        assert not verdict.correct
        assert verdict.kind in kinds, verdict.message()
    else:
        assert verdict.correct, verdict.message()


@pytest.mark.parametrize(("given", "options", "text", "wrong"), ANSWERS)
def test_answers_of_students(given, options, text, wrong):
    found = cr.check_answer(network_of(given), text, **options)
    numbers = tuple(each.number for each in found.statements if each.outcome == "wrong")
    assert numbers == wrong, str(found)
    assert not found.count("unread"), str(found)
    assert found.correct == (not wrong)


APPENDED = ANSWERS[2][2]


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("activation = x\n", "activation = y\n"),
        ("zs.append(z)", "zs.append(activation)"),
        ("activations.append(activation)", "activations.append(z)"),
        ("z = np.dot(w, activation) + b", "z = np.dot(w, activation)"),
        ("activations = [x]", "activations = []"),
        ("activation = sigmoid(z)", "activation = z"),
    ],
)
def test_lists_that_are_appended_to_hold_what_was_appended(part, other):
    given, options, _, _ = ANSWERS[2]
    text = APPENDED.replace(part, other)
    assert text != APPENDED
    found = cr.check_answer(network_of(given), text, **options)
    assert not found.correct, str(found)
