"""Whole answers: each statement has its verdict; what is not read is never right."""

import subprocess
import sys
import time
from contextlib import suppress
from html.parser import HTMLParser

import pytest

import chainrule as cr
from chainrule.errors import InputError, InputTypeError

SIGMOID = cr.Network.dense([4, 5, 3])
RELU = cr.Network.dense([4, 5, 3], ["relu", "softmax"], "log_loss")
DEEP = cr.Network.dense([4, 5, 6, 3], ["relu", "relu", "softmax"], "log_loss")

NG = '''
def linear_backward(self, X, Y, cache):
    """Backward pass."""
    m = X.shape[0]   # samples
    A1, A2 = cache["A1"], cache["A2"]
    Z1 = cache["Z1"]
    dZ2 = (A2 - Y) / m
    dW2, db2 = A1.T @ dZ2, dZ2.sum(0)
    dA1 = np.dot(dZ2,
                 self.W2.T)
    dZ1 = np.array(dA1, copy=True)
    dZ1[Z1 <= 0] = 0
    grads = {}
    grads["W1"] = X.T @ dZ1
    grads["b1"] = np.sum(dZ1, axis=0)
    return grads
'''
CS231N = """
dscores = (probs - y) / len(X)
dW2 = np.dot(hidden_layer.T, dscores)
db2 = np.sum(dscores, axis=0, keepdims=True)
dhidden = np.dot(dscores, W2.T)
dhidden[hidden_layer <= 0] = 0
dW1 = np.dot(X.T, dhidden)
db1 = np.sum(dhidden, axis=0, keepdims=True)
"""
LISTS = """
def backprop(self, X, Y):
    nabla_w = [np.zeros(w.shape) for w in self.weights]
    delta = (activations[-1] - Y) / len(X)
    dW[-1] = a[-2].T @ delta
    db[-1] = delta.sum(0)
    for l in reversed(range(L - 1)):
        delta = (delta @ W[l + 1].T) * (z[l] > 0)
        dW[l] = a[l].T @ delta
        db[l] = delta.sum(0)
    return dW, db
"""
NUMBERED = """
grads = {}
grads["dZ" + str(L)] = (cache["A3"] - Y) / len(X)
for l in range(L, 0, -1):
    grads["dW" + str(l)] = cache["A" + str(l - 1)].T @ grads["dZ" + str(l)]
    grads[f"db{l}"] = np.sum(grads[f"dZ{l}"], axis=0)
    if l > 1:
        grads[f"dA{l-1}"] = grads[f"dZ{l}"] @ params[f"W{l}"].T
        grads[f"dZ{l-1}"] = grads[f"dA{l-1}"] * (cache[f"Z{l-1}"] > 0)
"""
FIRST_ONE = """
delta[3] = (a[3] - Y) / len(X)
for l in range(2, 0, -1):
    delta[l] = (delta[l + 1] @ W[l + 1].T) * (z[l] > 0)
    dW[l] = a[l - 1].T @ delta[l]
dW[3] = a[2].T @ delta[3]
"""
OWN_FUNCTIONS = """
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def slope(x, of_output=False):
    if of_output:
        return x * (1 - x)
    s = sigmoid(x)
    return s * (1 - s)
class Net:
    def step(self, X, Y):
        error = self.a_o - Y
        delta_o = 2 * error / Y.size * slope(self.z_o)
        delta_h = delta_o @ self.W_ho.T
        delta_h *= slope(self.a_h, True)
        dW_ho = self.a_h.T @ delta_o
        dW_ih = X.T @ delta_h
        self.W_ho -= lr * dW_ho
        self.W_ih, self.b_ih = self.W_ih - lr * dW_ih, self.b_ih - lr * delta_h.sum(0)
"""
MATLAB = """
function [dW1, dW2] = backward(X, Y)
  delta_o = 2 * (a_o - Y) / numel(Y) .* a_o .* (1 - a_o); % the outputs
  dW2 = a_h' * delta_o;
  dW1 = X' * ((delta_o * W2') ...
      .* a_h .* (1 - a_h));
end
"""
LATEX = r"""
\begin{align}
\delta_o &= \frac{2}{B n}(a_o - Y) \odot \sigma'(z_o) \\
\frac{\partial L}{\partial W_{ho}} &= a_h^\top \delta_o
\end{align}
"""
RIGHT = [
    (RELU, NG, 7, ()),
    (RELU, CS231N, 7, ()),
    (DEEP, LISTS, 6, ()),
    (DEEP, NUMBERED, 11, ()),
    (DEEP, FIRST_ONE, 6, ("db_1", "db_2", "db_3")),
    (SIGMOID, OWN_FUNCTIONS, 9, ("db_ho",)),
    (SIGMOID, MATLAB, 3, ("db_ih", "db_ho")),
    (SIGMOID, LATEX, 2, ("dW_ih", "db_ih", "db_ho")),
]


@pytest.mark.parametrize(("network", "text", "count", "missing"), RIGHT)
def test_right_answers(
    network: cr.Network, text: str, count: int, missing: tuple[str, ...]
) -> None:
    found = cr.check_answer(network, text)
    assert found.correct, str(found)
    assert (found.exit_code, found.missing) == (0, missing)
    assert found.count("right") >= count, str(found)


WRONG = [
    (RELU, NG, "A1.T @ dZ2", "A1.T @ dZ2 * 2", "dW2"),
    (RELU, NG, "Z1 <= 0", "Z1 >= 0", "dZ1"),
    (RELU, NG, "X.T @ dZ1", "X.T @ dA1", "W1"),
    (RELU, NG, 'cache["A2"]', 'cache["A1"]', "A2"),
    (RELU, CS231N, "] = 0", "] = 1", "dhidden"),
    (RELU, CS231N, "dhidden[hidden_layer <= 0] = 0\n", "", "dhidden"),
    (DEEP, LISTS, "W[l + 1].T", "W[l].T", "dW_2"),
    (DEEP, LISTS, "a[l].T", "a[l + 1].T", "dW_2"),
    (DEEP, LISTS, "a[-2]", "a[-1]", "dW[-1]"),
    (DEEP, NUMBERED, 'f"Z{l-1}"', 'f"Z{l}"', "dZ2"),
    (DEEP, FIRST_ONE, "dW[3] = a[2]", "dW[3] = a[3]", "dW[3]"),
    (SIGMOID, OWN_FUNCTIONS, "return s * (1 - s)", "return s * (1 + s)", "delta_o"),
    (SIGMOID, OWN_FUNCTIONS, "slope(self.a_h, True)", "slope(self.a_h)", "delta_h"),
    (SIGMOID, OWN_FUNCTIONS, "-= lr", "+= lr", "self.W_ho"),
    (SIGMOID, OWN_FUNCTIONS, "error = self.a_o - Y", "error = self.a_o + Y", "error"),
    (SIGMOID, MATLAB, "a_h' * delta_o", "delta_o' * a_h", "dW2"),
    (SIGMOID, LATEX, r"\frac{2}{B n}", r"\frac{3}{B n}", r"\delta_o"),
]


@pytest.mark.parametrize(("network", "text", "old", "new", "left"), WRONG)
def test_one_wrong_statement_is_found(
    network: cr.Network, text: str, old: str, new: str, left: str
) -> None:
    assert old in text
    found = cr.check_answer(network, text.replace(old, new, 1))
    assert found.exit_code == 1, str(found)
    wrong = [each.text for each in found.statements if each.outcome == "wrong"]
    assert any(each.startswith((left, f'grads["{left}"]')) for each in wrong), wrong


UNREAD = [
    ("np.clip(dW_ho, -1, 1, out=dW_ho)", "'np.clip(dW_ho, -1, 1, out=dW_ho)' is not read"),
    ("for W, b in layers:\n    dW_ho = 7", "the loop over 'layers'"),
    ("if training:\n    dW_ho = 7", "whether 'training' is true"),
    ("while True:\n    dW_ho = 7", "'while True:' is not read"),
    ("return a_h.T @ delta_o * 7", "'a_h.T @ delta_o * 7' is returned without a name"),
    ("dW[5] = 7 * a_h", "'dW[5]' is not a layer"),
    ("def slope(x):\n    return [x for _ in x]\nda_h = slope(a_h)", "function 'slope' is not read"),
    ("def slope(x):\n    return x * eps\nda_h = slope(a_h)", "function 'slope' is not read"),
    ("dW_ho[0] = 7", "'dW_ho[0] = 7' is not read"),
    ("da_h[mask] = 0", "'da_h[mask] = 0' is not read"),
    ("for l in range(2):\n    l = 1\n", "'l = 1' is not read"),
    ("for l in range(3, 3):\n    dW[l] = 7", "the statement 'for l in range(3, 3):' is never"),
    ("dW_ho = a_h.T @ foo(delta_o)", "unknown name 'foo'"),
    ("sigmoid = lambda x, *rest: x\na_h = sigmoid(z_h)", "function 'sigmoid' is not read"),
    ("exec('dW_ho = 7')", "is not read"),
    ("sigmoid = a_h\nz_h = X @ W_ih + b_ih", "function 'sigmoid' is not read"),
    ("exp = a_h", "function 'exp' is not read"),
    ("from numpy import cos as exp", "'from numpy import cos as exp' is not read"),
    ("da_h = [each for each in delta_o]", "'[each for each in delta_o]' is not read"),
    ("del dW_ho", "'del dW_ho' is not read"),
]


@pytest.mark.parametrize(("text", "reason"), UNREAD)
def test_what_is_not_read_is_not_right(text: str, reason: str) -> None:
    found = cr.check_answer(SIGMOID, "dW_ho = a_h.T @ delta_o\n" + text)
    assert found.exit_code == 2, str(found)
    messages = [each.message() for each in found.statements if each.outcome == "unread"]
    assert any(reason in message for message in messages), messages
    chinese = [each.message("zh") for each in found.statements if each.outcome == "unread"]
    assert all(any("一" <= letter <= "鿿" for letter in each) for each in chinese), chinese


def test_a_value_changed_by_an_unread_statement_is_not_right_afterwards() -> None:
    text = "da_h = delta_o @ W_ho.T\nda_h[mask] = 0\nda_h *= a_h * (1 - a_h)"
    found = cr.check_answer(SIGMOID, text)
    assert [each.outcome for each in found.statements] == ["right", "unread", "unread"]
    assert found.statements[2].message() == "da_h was changed by a statement that is not read"
    assert found.statements[2].message("zh") == "da_h 已被一条无法读懂的语句改动。"


def test_both_sides_of_a_tuple_use_the_old_values() -> None:
    swapped = "one, two = a_o, a_h\none, two = two, one\ndW_ho = one.T @ delta_o"
    assert cr.check_answer(SIGMOID, swapped).correct
    assert not cr.check_answer(SIGMOID, swapped.replace("one.T", "two.T")).correct


def test_parameters_updated_before_they_are_used() -> None:
    text = "W_ho -= alpha * dW_ho\ndelta_h = delta_o @ W_ho.T * a_h * (1 - a_h)"
    found = cr.check_answer(SIGMOID, text)
    assert [each.outcome for each in found.statements] == ["right", "wrong"]
    assert found.statements[1].verdict is not None
    assert found.statements[1].verdict.kind == "sequential"


def test_the_texts_in_both_languages() -> None:
    text = "tmp = 2 * (a_o - Y) / Y.size\ndelta_o = tmp * a_o\ndW_ho = a_h.T @ delta_o"
    found = cr.check_answer(SIGMOID, text)
    assert repr(found) == "<AnswerVerdict: 1 right, 1 wrong, 0 unread>"
    rows = str(found).split("\n")
    assert rows[0] == "· 1: tmp = 2 * (a_o - Y) / Y.size"
    assert rows[1] == "✗ 2: delta_o = tmp * a_o"
    assert rows[3] == "✓ 3: dW_ho = a_h.T @ delta_o"
    assert rows[4] == (
        "Statements right: 1, wrong: 1, not read: 0. No statement computes dW_ih, db_ih, db_ho."
    )
    chinese = cr.check_answer(SIGMOID, text, language="zh")
    assert str(chinese).endswith(
        "语句：正确 1 句，错误 1 句，未能读懂 0 句。没有语句计算 dW_ih，db_ih，db_ho。"
    )
    assert found.statements[0].message() == "A variable of your own: it counts where it is used."
    assert chinese.statements[0].message() == "这是自定的变量，在用到它的地方一并判断。"


def test_a_derivative_that_is_used_too_early() -> None:
    lines = ["dW_ho = a_h.T @ delta_o", "delta_o = 2 * (a_o - Y) / Y.size * a_o * (1 - a_o)"]
    assert cr.check_answer(SIGMOID, "\n".join(reversed(lines))).correct
    found = cr.check_answer(SIGMOID, "\n".join(lines))
    assert [each.outcome for each in found.statements] == ["wrong", "right"]
    assert found.statements[0].message() == "delta_o is used here before it is computed."
    assert found.statements[0].message("zh") == "此处用到 delta_o 时，它还没有算出。"


def test_derivatives_that_are_taken_as_given() -> None:
    found = cr.check_answer(SIGMOID, "dW_ho = a_h.T @ delta_o")
    assert found.given == ("delta_o",)
    assert cr.check_answer(RELU, "delta_h[z_h <= 0] = 0").given == ("delta_h",)
    assert found.summary().endswith("Used without being computed, and taken as true: delta_o.")
    assert found.summary("zh").endswith("用到而没有计算、当作正确的量：delta_o。")


def test_a_returned_table_has_derivatives_in_the_backward_pass_only() -> None:
    text = 'def backward(X):\n    return {"W2": a_h.T @ delta_o, "db2": delta_o.sum(0)}'
    assert cr.check_answer(SIGMOID, text).correct
    assert cr.check_answer(SIGMOID, text.replace("backward", "step")).count("wrong") == 1
    assert cr.check_answer(SIGMOID, text.replace("a_h.T", "2 * a_h.T")).count("wrong") == 1


def test_parts_of_a_value_are_right_together() -> None:
    found = cr.check_answer(SIGMOID, "delta_h = delta_o @ W_ho.T\ndelta_h *= a_h * (1 - a_h)")
    assert [each.outcome for each in found.statements] == ["right", "right"]
    assert found.statements[0].message().startswith("Right together")
    assert found.statements[0].message("zh") == "与后面补全它的语句合在一起是正确的。"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got none"),
        ("# nothing", "got none"),
        ("x = 1\n" * 5000, "at most 20000 characters"),
        ("d = a_o\n" + "d = d + d\n" * 1000, "at most 400 statements"),
    ],
)
def test_refused_answers(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cr.check_answer(SIGMOID, text)
    with pytest.raises(InputError, match=r"[一-鿿]"):
        cr.check_answer(SIGMOID, text, language="zh")


def test_arguments_of_other_types() -> None:
    with pytest.raises(InputTypeError, match="`text` must be a string"):
        cr.check_answer(SIGMOID, ["dW_ho = 1"])  # type: ignore[arg-type]


HOSTILE = [
    *("(" * 10_000, "a = " + "-" * 19_000 + "1", "dW2 = " + "[" * 9_000, "x = 9**9**9"),
    "dW2 = " + "+".join("a" for _ in range(9_000)),
    "dW2 = " + ".T" * 9_000,
    "dW2 = x" + "[0]" * 6_000,
    "def f(x):\n    return x + x + x + x\ny = " + "f(" * 40 + "a_o" + ")" * 40,
    "f = lambda x: f(f(x))\ny = f(a_o)",
    "\n".join(" " * depth + "if 1 > 0:" for depth in range(90)) + "\n" + " " * 90 + "dW2 = 7",
    "for i in range(9999):\n  for j in range(9999):\n    dW2 = i * j",
    "\x00",
    "\ud800",
    "dW2 \u202e= 7",
    "ｄＷ２ = 7",
    "dW2 = '" + "a" * 15_000 + "'",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_answers_end_soon_and_are_not_right(text: str) -> None:
    cr.check_answer(SIGMOID, "dW_ho = a_h.T @ delta_o")
    began = time.process_time()
    with suppress(InputError):
        assert not cr.check_answer(SIGMOID, text).correct
    assert time.process_time() - began < 2


def test_nothing_is_executed() -> None:
    text = (
        "import sys\ndW_ho = __import__('os').system('echo executed')\nexec('raise SystemExit(3)')"
    )
    program = (
        "import chainrule as cr; print(repr(cr.check_answer(cr.Network.dense([4, 5, 3]), "
        f"{text!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "<AnswerVerdict: 0 right, 0 wrong, 2 unread>"


def test_a_notebook_shows_a_table_of_the_statements() -> None:
    text = 'note = "<b>"\ndW_ho = delta_o.T @ a_h\ndb_ho = delta_o.sum(0) if 1 < 2 else 3'
    page = cr.check_answer(SIGMOID, text, language="zh")._repr_html_()
    rows = html_rows(page)
    assert [row[:3] for row in rows[1:4]] == [
        ["1", "?", 'note = "<b>"'],
        ["2", "✗", "dW_ho = delta_o.T @ a_h"],
        ["3", "?", "db_ho = delta_o.sum(0) if 1 < 2 else 3"],
    ]
    found = cr.check_answer(SIGMOID, text, language="zh")
    assert [row[3] for row in rows[1:4]] == [each.message() for each in found.statements]
    assert rows[2][4] == "dW_ho = a_h.T @ delta_o"
    assert rows[4] == [found.summary()]


def html_rows(page: str) -> list[list[str]]:
    """Return the texts of a table's cells, as a parser of HTML reads them."""
    rows: list[list[str]] = []

    class Cells(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag == "tr":
                rows.append([])
            elif tag in ("td", "th"):
                rows[-1].append("")

        def handle_data(self, data: str) -> None:
            if rows:
                rows[-1][-1] += data

    Cells().feed(page.partition("</style>")[2])
    return rows
