"""Statements that compute nothing of the network: they are no part of the marking."""

import pytest

from chainrule import Network, check_answer

NETWORK = Network.dense([2, 3, 2])
# Ten statements, each right for sigmoids and the mean of squares; derived by hand.
ROUND = """
    z_h = X @ W_ih + b_ih
    a_h = 1 / (1 + np.exp(-z_h))
    z_o = a_h @ W_ho + b_ho
    a_o = 1 / (1 + np.exp(-z_o))
    loss = np.mean((a_o - Y) ** 2)
    delta_o = 2 * (a_o - Y) / Y.size * a_o * (1 - a_o)
    delta_h = delta_o @ W_ho.T * a_h * (1 - a_h)
    W_ho -= lr * a_h.T @ delta_o
    W_ih -= lr * X.T @ delta_h
    b_ih -= lr * delta_h.sum(axis=0)
"""
HEAD = "import numpy as np\nlosses = []\n"
SHOWS = {
    "nothing": ("", 0),
    "the counter": ("    print(epoch)\n", 0),
    "now and then": ("    if epoch % 100 == 0: print(epoch, loss)\n", 0),
    "otherwise": (
        "    if epoch % 100 == 0:\n        print(epoch)\n    else:\n        pass\n",
        0,
    ),
    "its own loss": (
        "    if epoch % 9 == 0:\n        loss = np.mean((a_o - Y) ** 2)\n        print(loss)\n",
        1,
    ),
    "a record": ("    losses.append((epoch, loss.item()))\nplt.plot(losses)\nplt.show()\n", 0),
    "a bar": ("    pbar.set_description(f'{epoch}: {loss}')\n", 0),
}


LOOPS = ["range(10)", "range(1000)", "tqdm(range(1000))", "trange(9)"]


@pytest.mark.parametrize(
    ("shown", "loop"),
    [*((each, "range(1000)") for each in SHOWS), *(("now and then", each) for each in LOOPS)],
)
def test_a_counter_that_is_only_shown_unrolls_no_loop(shown, loop):
    end, more = SHOWS[shown]
    found = check_answer(NETWORK, f"{HEAD}for epoch in {loop}:{ROUND}{end}")
    assert [found.count(each) for each in ("right", "wrong", "unread")] == [10 + more, 0, 0]
    wrong = ROUND.replace("(1 - a_h)", "(1 + a_h)")
    found = check_answer(NETWORK, f"{HEAD}for epoch in {loop}:{wrong}{end}")
    assert found.count("wrong") == 1


@pytest.mark.parametrize(
    "line",
    [
        "np.random.seed(0)",
        "plt.plot(delta_o)",
        "fig, ax = plt.subplots()\nax.plot(delta_o)\nfig.savefig('a.png')",
        "print(dW_ho, np.linalg.norm(dW_ho))",
        "seen = []\nseen.append(float(delta_o))\nprint(seen)",
        "if verbose:\n    print(dW_ho)",
        "torch.manual_seed(1)",
        "import matplotlib.pyplot as plt\nplt.show()",
    ],
)
def test_what_is_shown_and_recorded_does_not_count(line):
    found = check_answer(NETWORK, f"dW_ho = a_h.T @ delta_o\n{line}")
    assert [each.outcome for each in found.statements] == ["right"]


@pytest.mark.parametrize(
    "line",
    [
        "print(dW_ho.fill(0))",  # these change what they show
        "print(dW_ho := dW_ho * 2)",
        "print(dW_ho.mul_(2))",
        "print(np.negative(dW_ho, out=dW_ho))",
        "if dW_ho.fill(0): print(1)",
        "if verbose:\n    dW_ho = 2 * dW_ho",
        "if verbose:\n    dW_ih = X.T @ delta_h\n    print(dW_ih)",
        "grads = []\ngrads.append(dW_ho)",  # and these are gradients
        "seen = []\nseen.append(dW_ho * 2)",
        "seen = []\nseen.append(dW_ho)\nW_ho -= lr * seen[0]",
        "import numpy as plt\nplt.copyto(dW_ho, 0)",  # and these are something else
        "plt = dW_ho\nplt.fill(0)",
        "ax = dW_ho\nax.fill(0)",
        "class plt:\n    pass\nplt.show()",
    ],
)
def test_what_computes_something_counts(line):
    found = check_answer(NETWORK, f"dW_ho = a_h.T @ delta_o\n{line}")
    assert found.count("unread") + found.count("wrong") >= 1


def test_a_counter_that_is_used_unrolls_the_loop():
    loop = "for epoch in range(3):\n    print(epoch)\n    tmp = epoch * delta_o\n"
    found = check_answer(NETWORK, f"{loop}dW_ho = a_h.T @ tmp")
    assert [each.outcome for each in found.statements] == ["own"] * 3 + ["wrong"]
