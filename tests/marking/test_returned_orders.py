"""The order in which values are returned, and in which a caller or a docstring has them."""

import pytest

import chainrule as cr

NETWORK = cr.Network.dense([4, 5, 3])
BODY = '''
def backward(self, X, Y):
    """Backpropagation.

    Returns {listed}.
    """
    delta_o = 2 * (a_o - Y) / Y.size * a_o * (1 - a_o)
    dW2 = a_h.T @ delta_o
    db2 = delta_o.sum(axis=0)
    delta_h = delta_o @ W_ho.T * a_h * (1 - a_h)
    dW1 = X.T @ delta_h
    db1 = delta_h.sum(axis=0)
    return {returned}

{taken} = {call}(X, Y)
'''
ORDER = "dW1, db1, dW2, db2"
OTHER = "dW2, db2, dW1, db1"


def answer(listed=ORDER, returned=ORDER, taken=ORDER, call="backward"):
    return BODY.format(listed=listed, returned=returned, taken=taken, call=call)


def execute(text):
    """Return what is computed for each name, by a function that returns its own names."""
    body = text[text.index("    delta_o") : text.index("    return")]
    names = [line.split(" = ")[0].strip() for line in body.strip().split("\n")]
    code = text.replace(body, "".join(f"    {name} = '{name}'\n" for name in names))
    values = {"X": 0, "Y": 0}
    exec(code.replace("(self, X, Y)", "(X, Y)").replace("net.", ""), values)
    return {name: values[name] for name in ORDER.split(", ") if name in values}


@pytest.mark.parametrize("call", ["backward", "net.backward"])
@pytest.mark.parametrize("order", [ORDER, OTHER])
def test_the_same_order_is_right(order, call):
    text = answer(order, order, order, call)
    assert all(name == value for name, value in execute(text).items())
    found = cr.check_answer(NETWORK, text)
    assert (found.exit_code, found.count("right"), found.missing) == (0, 6, ()), str(found)


@pytest.mark.parametrize("call", ["backward", "net.backward"])
@pytest.mark.parametrize("taken", [OTHER, "db1, dW1, dW2, db2", "dW1, db1, db2, dW2"])
def test_another_order_is_the_fault_of_the_line_that_unpacks(taken, call):
    text = answer(taken=taken, call=call)
    swapped = [name for name, value in execute(text).items() if name != value]
    assert swapped
    found = cr.check_answer(NETWORK, text)
    assert (found.exit_code, found.count("wrong"), found.count("right")) == (1, 1, 6), str(found)
    (wrong,) = (each for each in found.statements if each.outcome == "wrong")
    assert wrong.text.startswith(taken)
    assert wrong.verdict.kind == "order"
    place = next(i for i, name in enumerate(taken.split(", ")) if name in swapped)
    names = ORDER.split(", ")[place], taken.split(", ")[place]
    assert f"value {place + 1} is returned as {names[0]}, and is {names[1]}" in wrong.message()
    assert f"第 {place + 1} 个返回值是 {names[0]}，此处却当作 {names[1]}" in wrong.message("zh")


def test_another_order_than_the_docstring_says_is_the_fault_of_the_return():
    found = cr.check_answer(NETWORK, answer(listed=OTHER))
    (wrong,) = (each for each in found.statements if each.outcome == "wrong")
    assert wrong.text == f"return {ORDER}"
    assert "value 1 is returned as dW1, and is dW2 here" in wrong.message()


def test_names_of_ones_own_and_other_texts_are_no_fault():
    assert cr.check_answer(NETWORK, answer(taken="u1, u2, u3, u4")).exit_code == 0
    assert cr.check_answer(NETWORK, answer(listed="the gradients, in the usual order")).correct
    assert cr.check_answer(NETWORK, answer(listed="two things, dW1 and db1")).correct


def test_a_different_count_is_not_read():
    found = cr.check_answer(NETWORK, answer(taken="dW1, db1"))
    assert (found.exit_code, found.count("unread")) == (2, 1)
    shown = found.text()
    assert "takes 2 values of 4 that are returned" in shown
    assert "取 2 个值，而返回的是 4 个" in found.text("zh")


def test_an_unknown_function_is_not_read():
    found = cr.check_answer(NETWORK, answer(call="other"))
    assert (found.exit_code, found.count("unread")) == (2, 1)


LOST = """
def backward(X, Y, W_ho, cache):
    delta_o = 2 * (a_o - Y) / Y.size * a_o * (1 - a_o)
    dW2 = a_h.T @ delta_o
    db2 = delta_o.sum(axis=0)
    delta_h = delta_o @ W_ho.T * a_h * (1 - a_h)
    dW1 = X.T @ delta_h
    db1 = delta_h.sum(axis=0)
    {end}
"""


def stays(end):
    """Return whether a gradient can be reached after such a function has run, by running one."""
    text = f"""
class Net: pass
self, cache, W_ho, alpha, seen = Net(), {{}}, [1], [2], []
def print(*values):
    seen.extend(values)
def backward(X, Y, W_ho, cache):
    dW2, dW1 = [7], [7]
    {end}
end = backward(0, 0, W_ho, cache)
reached = [end, vars(self), cache, seen, globals().get('stored'), W_ho]
"""
    values = {}
    exec(text.replace("-= alpha * dW2", "+= dW2").replace("alpha * dW2", "dW2"), values)
    return "7" in repr(values["reached"])


ENDS = [
    "pass",
    "return",
    "return None",
    "grads = {}\n    grads['W2'] = dW2",
    "grads = cache.copy()\n    grads['W2'] = dW2",
    "def inner():\n        return dW2",
    "print(X)",
    "return dW1, dW2",
    "yield dW2",
    "self.dW2 = dW2",
    "cache['dW2'] = dW2",
    "grads = {}\n    grads['dW2'] = dW2\n    self.grads = grads",
    "self.grads = {'dW2': dW2}",
    "grads = cache\n    grads['dW2'] = dW2",
    "W_ho -= alpha * dW2",
    "W = W_ho\n    W -= alpha * dW2",
    "print(dW1, dW2)",
    "global stored\n    stored = dW2",
]


@pytest.mark.parametrize("end", ENDS)
def test_gradients_that_end_with_their_function(end):
    reaches = stays(end) or end.startswith("yield")
    found = cr.check_answer(NETWORK, LOST.format(end=end), layout="rows")
    lost = [each for each in found.statements if each.verdict and each.verdict.kind == "returned"]
    assert bool(lost) == (not reaches), str(found)
    if lost:
        assert found.exit_code == 1
        assert lost[0].number == 2
        assert "dW2, db2, dW1, db1" in lost[0].message()
        assert "没有返回值" in lost[0].message("zh")


def test_a_script_that_assigns_and_a_forward_pass_return_nothing():
    script = LOST.format(end="").replace("def backward(X, Y, W_ho, cache):", "")
    assert cr.check_answer(NETWORK, script).correct
    assert cr.check_answer(NETWORK, "def forward(X):\n    z_h = X @ W_ih + b_ih").correct
