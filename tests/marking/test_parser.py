"""Parse a line: each notation gives the same tree, and other input a clear error."""

import re
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import InputError
from chainrule.marking.grammar import MAX_DEPTH
from chainrule.marking.parser import parse
from chainrule.marking.syntax import written
from chainrule.marking.tokens import MAX_LENGTH, MAX_TOKENS
from chainrule.marking.vocabulary import Vocabulary

NETWORK = cr.Network.dense([2, 3, 2])
NAMES = Vocabulary(NETWORK)


def in_numpy(line):
    """Return the first right side in the notation of NumPy."""
    (equation, *_) = parse(line, NAMES)
    return written(equation.rights[0], "numpy")


# -- precedence and notations --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2/n (a_o - Y)", "2 / n * (a_o - Y)"),
        ("-a_o**2", "-a_o**2"),
        ("-2/n * a_o", "-2 / n * a_o"),
        ("a_h @ W_ho * 2 / n", "a_h @ W_ho * 2 / n"),
        ("a_o - Y - Y", "a_o - Y - Y"),
        ("a_o - (Y - Y)", "a_o - (Y - Y)"),
        ("a_o (1 - a_o)", "a_o * (1 - a_o)"),
        ("2**3**2 * a_o", "2**(3**2) * a_o"),
        ("a_h.T @ delta_o", "a_h.T @ delta_o"),
        ("np.dot(a_h.T, delta_o)", "a_h.T @ delta_o"),
        ("a_h.transpose().dot(delta_o)", "a_h.T @ delta_o"),
        (r"a_h^{\top} \bullet \times \delta_o", "a_h.T @ delta_o"),
        (r"a_{h}^T \cdot \delta_{o}", "a_h.T * delta_o"),
        ("(a_h)' * delta_o", "a_h.T @ delta_o"),  # MATLAB's *
        ("a_h .* a_h ./ n .^ 2", "a_h * a_h / n**2"),
        (r"\frac{2}{n} (a_o - y)", "2 / n * (a_o - y)"),
        (r"\dfrac{\partial L}{\partial W_{ho}}", "dW_ho"),
        ("∂Loss/∂W_ho", "dW_ho"),
        ("sum(delta_o, axis=0)", "sum(delta_o, axis=0)"),
        ("delta_o.sum(axis=-2, keepdims=True)", "sum(delta_o, axis=0, keepdims=True)"),
        ("|a_o - Y|", "abs(a_o - Y)"),
        ("1 if a_o > 0 else 0.01", "where(a_o > 0, 1, 0.01)"),
        ("e^(-z_h)", "e**(-z_h)"),
        ("√(a_o)", "sqrt(a_o)"),
        (r"\sqrt{a_o}", "sqrt(a_o)"),
        ("（a_o － y）", "a_o - y"),
    ],
)
def test_operators_bind_as_in_numpy_and_textbooks(text, meaning):
    line = f"dW_ho = ({text})" if " if " in text else f"dW_ho = {text}"
    found = in_numpy(line).replace("∂Loss/∂W_ho", "dW_ho").replace("∂L/∂W_ho", "dW_ho")
    assert found.replace("δ", "delta") == meaning


@pytest.mark.parametrize(
    ("spelled", "symbol"),
    [
        *((text, "∂Loss/∂W_ho") for text in ("dW_ho", "dWho", "dw_ho", "dW2", "dW_2", "grad_W_ho")),
        *((text, "∂Loss/∂W_ho") for text in ("dL_dW_ho", "dLdW_ho", "∇W_ho", r"\nabla_{W_{ho}}")),
        *((text, "∂Loss/∂W_ho") for text in ("∂E/∂W_ho", "dL/dW_ho", r"\frac{dL}{dW_{ho}}")),
        *((text, "δ_o") for text in ("delta_o", "deltao", "delta2", r"\delta_o", "δ_{o}", "dz_o")),
        (r"\delta^{(2)}", "δ_o"),
        *((text, "Loss") for text in ("Loss", "loss", "L", "MSE", "J", r"\mathrm{Loss}", "E")),
        *((text, "z_h") for text in ("z_h", "Z_h", "z1", "net_h", r"z^{(1)}", r"z^{[1]}")),
        *((text, "a_o") for text in ("a_o", "A_o", "a2", "y_hat", r"\hat{y}", "ŷ", "y_p")),
        *((text, "W_ho_new") for text in ("W_ho_new", "W_{ho}^{new}", "W_{ho}^{(t+1)}", "W_ho^+")),
        *((text, "b_ih") for text in ("b_ih", "b1", "b_1", "b_h", "b_{ih}", r"\mathbf{b}_{ih}")),
    ],
)
def test_every_spelling_of_a_name(spelled, symbol):
    (equation,) = parse(f"{spelled} = 1", NAMES)
    assert str(equation.left.quantity) == symbol


def test_the_message_on_an_unknown_name_has_the_nearest_name():
    with pytest.raises(InputError, match=r"unknown name 'detla_o'\. Did you mean 'delta_o'"):
        parse("dW_ho = a_h.T @ detla_o", NAMES)
    with pytest.raises(InputError, match=r"unknown name 'sigmod'\. Did you mean 'sigmoid'"):
        parse("a_h = sigmod(z_h)", NAMES)


REFUSED = [
    ("dW_ho = ", "a name, a number or a bracket is missing at the end"),
    ("dW_ho", "an equals sign (as in dW_ho = a_h.T @ delta_o) is missing at the end"),
    ("= a_h", "is missing at position 1"),
    ("2 = 3", "left side"),
    ("a_h.T = a_h", "equals sign"),
    ("dW_ho = a_h +", "at the end"),
    ("dW_ho = a_h)", "unexpected text at position 12, before ')'"),
    ("dW_ho = (a_h]", "')' is missing"),
    ("dW_ho = np.sum(a_h, axis=7)", "axis"),
    ("dW_ho = np.sum(a_h, dtype=1)", "keepdims"),
    ("dW_ho = np.outer(a_h)", "the number of arguments is 1 instead of 2"),
    ("dW_ho = a_h.reshape(2)", ".reshape"),
    ("dW_ho = ∂Loss", "/∂ of a quotient such as ∂Loss/∂W_ho is missing"),
    ("dW_ho = a_h ? 1", "'?' at position 13"),
    ("dW_ho = a_h \\", "backslash"),
    (r"dW_ho = \mathbf (a_h", "mathbf"),
    ("dW_ho = |a_h", "'|' is missing"),
    ("dW_ho = (1 if a_h > 0)", "else"),
    ("dW_ho = \\sum", "is missing"),
    ("dW_ho = lambda x: x", "':' at position"),
    ("dW_ho = [x for x in a_h]", "unknown name 'for'"),
    ("dW_ho = 'a'", "missing"),
]


@pytest.mark.parametrize(("line", "text"), REFUSED)
def test_an_invalid_line_is_an_error_with_the_position(line, text):
    with pytest.raises(InputError) as caught:
        parse(line, NAMES)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", [line for line, _ in REFUSED])
def test_an_invalid_line_is_an_error_in_chinese(line):
    with pytest.raises(InputError) as caught:
        cr.check_line(NETWORK, line, language="zh")
    text = str(caught.value)
    assert text.startswith(("`line`", "未知的名称"))
    assert text.endswith("。")
    assert not re.search("[\u4e00-\u9fff][,;:]|[,;:][\u4e00-\u9fff]", text), text


# -- hostile input -------------------------------------------------------------------------------

HOSTILE = [
    "dW_ho = " + "(" * 500,
    "dW_ho = " + "(" * 100 + "a_h" + ")" * 100,
    "dW_ho = " + "-" * 900 + "a_h",
    "dW_ho = " + "2**" * 200 + "2",
    "dW_ho = 9**9**9**9**9**9",
    "dW_ho = " + "a_h @ " * 140 + "a_h",
    "dW_ho = " + "a_h + " * 140 + "a_h",
    "dW_ho = " + "np.outer(W_ih, " * 12 + "W_ho" + ")" * 12,
    "dW_ho = a_h" + ".T" * 400,
    "dW_ho = " + "'" * 900,
    "dW_ho = 1e999999 * a_h",
    "dW_ho = " + "9" * 900,
    "dW_ho = 0/0 + 1/0 * a_h.T @ delta_o",
    "dW_ho = log(-1) * a_h.T @ delta_o",
    "dW_ho = " + "{" * 900,
    "dW_ho = " + r"\frac{" * 150,
    "dW_ho = W_{" + "{" * 400,
    "dW_ho = " + "|" * 900,
    "dW_ho = " + "∂" * 900,
    "dW_ho = " + "exp(" * 25 + "a_h" + ")" * 25,
    "dW_ho = " + "1 if a_h > 0 else " * 40 + "1",
    "=" * 1000,
    ";" * 1000,
    "a_h = " * 160,
    "\\" * 999,
    "x" * 100_000,
    "dW_ho = __import__('os').system('true')",
    "dW_ho = a_h.__class__.__mro__",
    "dW_ho = open('/etc/passwd')",
    "dW_ho = eval(1)",
    "dW_ho = W_ho.tofile(1)",
    "dW_ho = \x00\ud800",
    "∂L",
    "∂L/∂",
    "dW_ho = 1 +",
    r"\frac{\partial L",
    "dW_ho = np.sum(a_h, axis",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("batch", [False, True])
def test_hostile_lines_end_quickly_in_a_verdict_or_an_error(line, batch):
    start = time.process_time()
    try:
        verdict = cr.check_line(NETWORK, line, batch=batch)
    except InputError:
        pass
    else:
        assert not verdict.correct
        assert verdict.message("en")
        assert verdict.message("zh")
    assert time.process_time() - start < 2.0


def test_the_documented_limits_apply():
    with pytest.raises(InputError, match=f"at most {MAX_LENGTH}"):
        parse("dW_ho = " + "a" * MAX_LENGTH, NAMES)
    with pytest.raises(InputError, match=f"at most {MAX_TOKENS}"):
        parse("dW_ho = " + "+1" * MAX_TOKENS, NAMES)
    inside = MAX_DEPTH - 2
    assert parse("dW_ho = " + "(" * inside + "a_h" + ")" * inside, NAMES)
    with pytest.raises(InputError, match=f"at most {MAX_DEPTH}"):
        parse("dW_ho = " + "(" * MAX_DEPTH + "a_h" + ")" * MAX_DEPTH, NAMES)


PIECES = [
    *("dW_ho", "δ_o", "delta_h", "a_h", "z_o", "W_ho", "X", "Y_t", "Loss", "α", "n", "B", "np."),
    *("=", "+", "-", "−", "*", "**", "@", "/", "⊙", "×", "·", "•", ".T", "ᵀ", "^T", "'", "|", "²"),
    *("(", ")", "[", "]", "{", "}", ",", ";", "\n", " ", "\\", "_", "^", "∂", "Σ", "√", "<", ">"),
    *("\\frac", "\\partial", "\\sum", "\\top", "\\left", "\\delta", "\\mathbf", "\\begin{cases}"),
    *("\\end{cases}", "&", "\\\\", "{}", "$", "1", "2", "0.5", "1e3", "np.dot(", "sum(", "axis=0"),
    *("sigmoid(", "f'(", "where(", "if", "else", "new", "keepdims=True", "←", "+=", "-=", "ŷ", "#"),
]
ANY_TIME = settings(deadline=None, suppress_health_check=list(HealthCheck))


def ends_well(line):
    start = time.process_time()
    try:
        verdict = cr.check_line(NETWORK, line)
    except InputError:
        pass
    else:
        assert verdict.message("zh")
    assert time.process_time() - start < 2.0


@settings(ANY_TIME, max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@example("dW_ho = np.sum(a_h, axis=")
@example("dW_ho = {2")
def test_pieces_in_any_order_never_raise_anything_else(line):
    ends_well(line)
    ends_well(f"dW_ho = {line}")


@settings(ANY_TIME, max_examples=300)
@given(st.text(max_size=60))
def test_any_text_never_raises_anything_else(line):
    ends_well(line)
    ends_well(f"δ_o = {line}")


RIGHT = r"∂L/∂W_{ho} = -\frac{2}{n} a_h^{\top} ((Y_t - a_o) ⊙ a_o \left(1 - a_o\right))"


@settings(ANY_TIME, max_examples=300)
@given(st.integers(0, len(RIGHT)), st.integers(0, 5), st.sampled_from(["", *PIECES]))
def test_a_damaged_line_never_raises_anything_else(position, length, piece):
    ends_well(RIGHT[:position] + piece + RIGHT[position + length :])
