"""Printed formulas: as textbooks write them, and read back they are the formula.

The table was written by hand from textbook convention.  Random expressions are printed, read back
by a strict reader that refuses whatever could be taken in two ways, and evaluated.
"""

import re
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.formulas.arrange import arrange
from chainrule.formulas.axes import Axis, letters
from chainrule.formulas.expressions import (
    Apply,
    Largest,
    Number,
    Product,
    Rename,
    Size,
    Symbol,
    children,
    mean,
    power,
    product,
    square_root,
    total,
    with_axes,
)
from chainrule.formulas.functions import absolute, exp, greater, log, maximum, tanh, where
from chainrule.formulas.matrices import Indexed, every
from chainrule.formulas.positional import MatrixEvaluation
from chainrule.formulas.render import latex, text
from chainrule.network.activations import CATALOGUE, sigmoid, softmax
from tests.formulas.random_expressions import (
    AXES,
    DISTINCT,
    SYMBOLS,
    TWIN,
    H,
    I,
    O,
    evaluation,
    expressions,
    fits,
    nodes,
    numbers_for,
)
from tests.formulas.read_back import IndexReader, MatrixReader
from tests.selection import examples

SEEDS = st.integers(0, 2**32 - 1)

a, y, z, alpha, n = Symbol("a"), Symbol("y"), Symbol("z"), Symbol("α"), Size(O)
s, u = Symbol("s"), Symbol("u")
x_i, v_o, W, Y, A = (
    Symbol("x", (I,)),
    Symbol("v", (O,)),
    Symbol("W_ih", (I, H)),
    Symbol("Y_t", (O,)),
    Symbol("a_o", (O,)),
)
PI = Number(Fraction("3.141592653589793"), "π")

TABLE = [
    (1 / (1 + exp(-z)), "1/(1 + e^(−z))", r"\frac{1}{1 + e^{-z}}"),
    (a * (1 - a), "a(1 − a)", "a(1 - a)"),
    (1 - a**2, "1 − a²", "1 - a^{2}"),
    (-(a - y) / 2, "−(1/2)(a − y)", r"-\frac{1}{2}(a - y)"),
    (2 * z, "2z", "2z"),
    (z / 2, "(1/2) z", r"\frac{1}{2} z"),
    (0.01 * z, "0.01 z", "0.01 z"),
    (y / a, "y/a", r"\frac{y}{a}"),
    (y / (a * z), "y/(a z)", r"\frac{y}{a z}"),
    ((y + 1) / a, "(y + 1)/a", r"\frac{y + 1}{a}"),
    (y / (1 - a) ** 2, "y/(1 − a)²", r"\frac{y}{(1 - a)^{2}}"),
    (-y / a, "−y/a", r"-\frac{y}{a}"),
    (s - u, "s − u", "s - u"),
    (s - (u - z), "s − (u − z)", "s - (u - z)"),
    (-s - u, "−s − u", "-s - u"),
    (s * (u + z) * y, "s(u + z) y", "s(u + z) y"),
    ((s * u) ** 2, "(s u)²", "(s u)^{2}"),
    ((-s) ** 2, "(−s)²", "(-s)^{2}"),
    (power(s**2, Fraction(1, 2)), "√(s²)", r"\sqrt{s^{2}}"),
    (square_root(2 * PI), "√(2 π)", r"\sqrt{2 \pi}"),
    (square_root(s) ** 2, "(√s)²", r"(\sqrt{s})^{2}"),
    (power(s, u), "s^u", "s^{u}"),
    (power(s, 2 * u), "s^(2u)", "s^{2u}"),
    (power(power(s, u), 2), "(s^u)²", "(s^{u})^{2}"),
    (exp(z) ** 2, "(e^z)²", "(e^{z})^{2}"),
    (exp(-(z**2) / 2), "e^(−(1/2) z²)", r"e^{-\frac{1}{2} z^{2}}"),
    (log(1 + exp(z)), "log(1 + e^z)", r"\log(1 + e^{z})"),
    (log(y / a), "log(y/a)", r"\log\left(\frac{y}{a}\right)"),
    (maximum(z, 0), "max(z, 0)", r"\max(z, 0)"),
    (absolute(y - a), "|y − a|", r"\left|y - a\right|"),
    (greater(a, 0), "[a > 0]", r"\left[a > 0\right]"),
    (
        where(greater(z, 0), z, 0.01 * z),
        "(z if z > 0 else 0.01 z)",
        r"\begin{cases} z & z > 0 \\ 0.01 z & \text{otherwise} \end{cases}",
    ),
    (sigmoid(z), "sigmoid(z)", r"\operatorname{sigmoid}(z)"),
    (tanh(z) ** 2, "tanh(z)²", r"\tanh(z)^{2}"),
    (alpha * Symbol("λ_1"), "α λ_1", r"\alpha \lambda_{1}"),
    # cotangents: what looks like a fraction is bracketed like one
    (Symbol("∂Loss/∂a") * a, "∂Loss/∂a a", r"\frac{\partial \mathrm{Loss}}{\partial a} a"),
    (
        Symbol("∂Loss/∂a") / n,
        "(1/n) ∂Loss/∂a",
        r"\frac{1}{n} \frac{\partial \mathrm{Loss}}{\partial a}",
    ),
    (
        Symbol("∂Loss/∂a") ** 2,
        "(∂Loss/∂a)²",
        r"\left(\frac{\partial \mathrm{Loss}}{\partial a}\right)^{2}",
    ),
    (
        Symbol("∂Loss/∂a") / s,
        "(∂Loss/∂a)/s",
        r"\frac{\frac{\partial \mathrm{Loss}}{\partial a}}{s}",
    ),
    # index notation
    (
        mean((Y - A) ** 2, O),
        "(1/n) Σ_{i=1}^{n} (y_ti − a_oi)²",
        r"\frac{1}{n} \sum_{i=1}^{n} (y_{ti} - a_{oi})^{2}",
    ),
    (
        product(x_i, W, over=[I]) + Symbol("b_ih", (H,)),
        "Σ_{i=1}^{n_i} x_i w_ih,ij + b_ih,j",
        r"\sum_{i=1}^{n_{i}} x_{i} w_{ih,ij} + b_{ih,j}",
    ),
    (
        exp(v_o) / total(exp(v_o), O),
        "e^(v_i)/(Σ_{j=1}^{n} e^(v_j))",
        r"\frac{e^{v_{i}}}{\sum_{j=1}^{n} e^{v_{j}}}",
    ),
    (s * total(x_i, I), "s(Σ_{i=1}^{n_i} x_i)", r"s\left(\sum_{i=1}^{n_{i}} x_{i}\right)"),
    (total(x_i - s, I), "Σ_{i=1}^{n_i} (x_i − s)", r"\sum_{i=1}^{n_{i}} (x_{i} - s)"),
    (
        -total(x_i, I) - s,
        "−Σ_{i=1}^{n_i} x_i − s",
        r"-\sum_{i=1}^{n_{i}} x_{i} - s",
    ),
    (x_i - Largest(x_i, I), None, None),
]


@pytest.mark.parametrize(("tree", "plain", "tex"), TABLE[:-1])
def test_formulas_are_printed_as_textbooks_write_them(tree, plain, tex):
    assert text(tree) == plain
    assert latex(tree) == tex


def test_a_name_inside_a_subscript_keeps_its_own_subscript():
    assert latex(Symbol("m_W_ho")) == "m_{W_{ho}}"
    assert latex(Symbol("v_b_1")) == "v_{b_{1}}"


def test_the_index_of_the_largest_is_another_letter_than_the_one_outside():
    assert text(x_i - Largest(x_i, I)) == "x_i − max_j x_j"


def test_what_is_multiplied_with_the_largest_stands_outside_it():
    assert text(s * Largest(x_i, I)) in ("s max_i x_i", "s(max_i x_i)")
    assert text(Largest(x_i, I) * s) == "(max_i x_i) s"
    assert text(Largest(x_i, I) ** 2) == "(max_i x_i)²"


def test_a_renamed_axis_never_takes_the_letter_of_a_sum_around_it():
    # Σ_e g_e (Σ_i w_i x_e): the inner sum must not catch the renamed index.
    g, x = Symbol("g", (TWIN,)), Symbol("x", (I,))
    inner = Rename(total(x * g, TWIN), I, TWIN)
    tree = total(inner * g, TWIN)
    assert read_index(tree, 0) == pytest.approx(float(evaluation(DISTINCT, 0)(tree)))


# -- reading back --------------------------------------------------------------------------------


def axes_in(tree) -> set[Axis]:
    """Return the axes whose letters are printed: of a renamed one only its new name."""
    if isinstance(tree, Rename):
        tree = with_axes(tree.operand, {tree.old: tree.new})
    found = {*tree.axes, *(tree.summed if isinstance(tree, Product) else ())}
    found.update([tree.axis] if isinstance(tree, Largest) else [])
    return found.union(*map(axes_in, children(tree)))


SIZES = {axis.size: DISTINCT[axis] for axis in AXES}


def read_index(tree, seed: int):
    """Return the value of the printed text."""
    named = letters(tuple(axes_in(tree)))
    ranks = {letter: AXES.index(axis) for axis, letter in named.items()}
    reader = IndexReader(text(tree), numbers_for(DISTINCT, seed), SIZES, ranks)
    found, array = reader.read()
    places = [named[axis] for axis in tree.axes]
    order = [found.index(letter) for letter in places if letter in found]
    assert len(order) == len(found)
    shape = [DISTINCT[axis] if named[axis] in found else 1 for axis in tree.axes]
    full = [DISTINCT[axis] for axis in tree.axes]
    return np.broadcast_to(np.transpose(array, order).reshape(shape), full)


@given(expressions(depth=3), SEEDS)
@examples(200)
def test_printed_text_read_back_is_the_expression(tree, seed):
    at = evaluation(DISTINCT, seed)
    assume(all(fits(at(node), 1e6) for node in nodes(tree)))
    scale = max(1.0, *(float(np.max(np.abs(at(node)))) for node in nodes(tree)))
    np.testing.assert_allclose(
        read_index(tree, seed), at(tree), rtol=1e-9, atol=1e-12 * scale, err_msg=text(tree)
    )


@given(expressions(depth=3, renamed=False), SEEDS, st.sampled_from(["rows", "columns"]))
@examples(200)
def test_printed_matrices_read_back_are_the_expression(tree, seed, layout):
    assume(not any(isinstance(n, Apply) and n.function is softmax for n in nodes(tree)))
    matrix = arrange(tree, layout)
    assume(not any(isinstance(node, Indexed) for node in every(matrix)))
    at = evaluation(DISTINCT, seed)
    assume(all(fits(at(node), 1e6) for node in nodes(tree)))
    positional = MatrixEvaluation(at)
    values = {symbol.name: positional(arrange(symbol, layout)) for symbol in SYMBOLS}
    found = np.asarray(MatrixReader(text(matrix), values, SIZES).read())
    expected = positional(matrix)
    scale = max(1.0, *(float(np.max(np.abs(at(node)))) for node in nodes(tree)))
    found = np.broadcast_to(found, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * scale, err_msg=text(matrix))


# -- LaTeX ---------------------------------------------------------------------------------------


def assert_balanced(tex: str) -> None:
    """Braces, \\left … \\right and environments close in order, and no script follows a script."""
    stack: list[str] = []
    pairs = {"{": "}", r"\left": r"\right", r"\begin": r"\end"}
    for token in re.findall(r"\\left|\\right|\\begin|\\end|\\[a-zA-Z]+|[{}]", tex):
        if token in pairs:
            stack.append(pairs[token])
        elif token in pairs.values():
            assert stack, f"{token} closes nothing in {tex}"
            assert stack.pop() == token, tex
    assert not stack, tex
    assert not _double_scripts(tex), tex
    assert all(ord(character) < 128 for character in tex), f"not ASCII: {tex}"


def _double_scripts(tex: str) -> bool:
    """Whether a superscript follows a superscript directly (TeX: double superscript)."""
    closed: dict[int, int] = {}
    opened: list[int] = []
    for place, character in enumerate(tex):
        if character == "{":
            opened.append(place)
        elif character == "}":
            closed[opened.pop()] = place
    for place, character in enumerate(tex):
        if character in "^_" and place + 1 < len(tex) and tex[place + 1] == "{":
            end = closed[place + 1]
            if tex[end + 1 : end + 2] == character:
                return True
    return False


@given(expressions(depth=3))
@examples(200)
def test_latex_is_balanced(tree):
    assert_balanced(latex(tree))
    for layout in ("rows", "columns"):
        assert_balanced(latex(arrange(tree, layout)))


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_in_latex_is_balanced(name):
    entry = CATALOGUE[name]
    for tree in (entry.value, entry.computed, entry.slope, entry.pullback, entry.logarithm):
        if tree is not None:
            assert_balanced(latex(tree))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    formulas = [latex(tree) for tree, _, _ in TABLE]
    formulas += [latex(entry.value) for entry in CATALOGUE.values()]
    body = "\n".join(f"\\[{formula}\\]" for formula in formulas)
    document = (
        "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
        f"{body}\n\\end{{document}}"
    )
    (tmp_path / "formulas.tex").write_text(document)
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "formulas.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


@given(expressions(depth=3))
@examples(100)
def test_a_formula_is_printed_on_one_line(tree):
    for written in (text(tree), latex(tree), str(tree), repr(tree)):
        assert "\n" not in written
