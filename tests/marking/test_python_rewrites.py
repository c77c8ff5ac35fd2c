"""Loops over zip, entries of classes and JAX's updates in answers: read as what they do."""

import pytest

import chainrule as cr
from chainrule.errors import InputError

NETWORK = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
CLASSES = """
dscores = probs
dscores[range(num_examples), y] -= 1
dscores /= num_examples
dW2 = hidden_layer.T @ dscores
"""
MASKED = "dh = dscores @ W2.T\ndh = dh.at[hidden_layer <= 0].set(0)\ndW1 = X.T @ dh\n"
ANSWERS = [
    ("for W, g in zip([W1, W2], [dW1, dW2]):\n    W -= lr * g", ("[dW1, dW2]", "[dW2, dW1]")),
    ("for W, g in zip([W1, W2], [dW1, dW2]):\n    W -= lr * g", ("W -= lr", "W += lr")),
    ("for p, g in zip((W1, b1), (dW1, db1)):\n    p -= lr * g", ("p -= lr * g", "p = p - lr * g")),
    ("for n, g in zip(['W1', 'b1'], [dW1, db1]):\n    params[n] -= lr * g", ("'b1'", "'b2'")),
    ("for W, g in zip(Ws, dWs):\n    W -= lr * g", ("lr * g", "g")),
    (CLASSES, ("-= 1", "-= 2")),
    (CLASSES, ("-= 1", "+= 1")),
    (CLASSES, ("range(num_examples)", "range(3)")),
    (CLASSES, ("/= num_examples", "/= 2")),
    (MASKED, ("<= 0", ">= 0")),
    (MASKED, ("set(0)", "set(1)")),
    (MASKED, ("set(0)", "add(0)")),
    (MASKED.replace("set(0)", "multiply(0)"), ("multiply(0)", "multiply(0.1)")),
    ("dz2 = probs.at[jnp.arange(N), y].add(-1) / N", ("add(-1)", "add(1)")),
    ("dz2 = probs.at[jnp.arange(N), y].add(-1) / N", ("/ N", "")),
]


@pytest.mark.parametrize(("text", "change"), ANSWERS)
def test_an_answer_is_right_and_wrong_or_unread_after_a_change(text, change):
    found = cr.check_answer(NETWORK, text)
    assert found.correct, found
    assert change[0] in text
    assert not cr.check_answer(NETWORK, text.replace(*change)).correct


def test_a_mask_alone_is_marked_as_a_line():
    assert cr.check_line(NETWORK, "dhidden[hidden_layer <= 0] = 0", batch=True).correct
    assert not cr.check_line(NETWORK, "dhidden[hidden_layer >= 0] = 0", batch=True).correct
    assert cr.check_line(NETWORK, "dW[1] = a[1].T @ delta[1]", batch=True).correct
    assert not cr.check_line(NETWORK, "dW[1] = a[1].T @ a[1]", batch=True).correct


def test_a_misspelled_name_in_a_program_is_no_variable_of_a_line():
    text = "dW[1] = a[1].T @ delta[1]\ndW_hoo = a[0].T @ delta[1]"
    with pytest.raises(InputError):
        cr.check_line(NETWORK, text, batch=True)
