"""Long formulas on several lines: nothing is lost and nothing stands out of the margin."""

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chainrule.formulas.render.breaking import broken_latex, broken_text
from chainrule.formulas.render.latex_width import units, width


def drawn(draw: random.Random, depth: int, *, latex: bool) -> str:
    """Return a random formula of names, sums, products and brackets."""
    name = draw.choice(["W", "A", "z", "δ"]) + "_" + draw.choice("ihoB")
    if latex:
        letter = name[0].replace("δ", r"\delta")
        name = draw.choice([rf"{letter}_{{{name[2]}}}^{{\top}}", rf"\frac{{1}}{{{letter}}}"])
    if depth == 0:
        return name
    parts = [drawn(draw, draw.randrange(depth), latex=latex) for _ in range(draw.randint(2, 4))]
    signs = [r" + ", r" - ", r" \odot ", " "] if latex else [" + ", " − ", " ⊙ ", " "]
    inside = parts[0] + "".join(draw.choice(signs) + part for part in parts[1:])
    return rf"\left({inside}\right)" if latex else f"({inside})"


@pytest.mark.parametrize("seed", range(60))
def test_text_keeps_every_letter_and_its_room(seed: int) -> None:
    draw = random.Random(seed)
    formula = " + ".join(drawn(draw, 3, latex=False) for _ in range(4))
    lines = broken_text(formula, 40)
    assert " ".join(lines) == formula
    assert max(map(len, lines)) <= 40
    assert not any(line.endswith(("+", "−", "⊙")) for line in lines)


@pytest.mark.parametrize("seed", range(60))
def test_latex_keeps_every_symbol_and_its_room(seed: int) -> None:
    draw = random.Random(seed)
    formula = " + ".join(drawn(draw, 3, latex=True) for _ in range(4))
    lines = broken_latex(formula, 200)
    whole = " ".join(line.removeprefix("{} ") for line in lines)
    for opened, closed in (("left", "right"), ("Bigl", "Bigr")):
        assert whole.count("\\" + opened) == whole.count("\\" + closed)
    assert all(line.count("\\left") == line.count("\\right") for line in lines)
    even = whole.replace(r"\Bigl", r"\left").replace(r"\Bigr", r"\right")
    assert even == formula
    assert max(map(width, lines)) <= 200 + 10
    assert not any(line.endswith((" +", " -", r"\odot")) for line in lines)
    assert all(line.startswith("{} ") or line[0] not in "+-" for line in lines[1:])


def test_a_short_formula_stays_on_one_line() -> None:
    assert broken_latex(r"a_{1} + b", 400) == [r"a_{1} + b"]
    assert broken_text("a_1 + b", 40) == ["a_1 + b"]


def test_breaks_are_outside_brackets_where_that_suffices() -> None:
    assert broken_text("A (b + c) + D (e + f) + G (h + k)", 22) == [
        "A (b + c) + D (e + f)",
        "+ G (h + k)",
    ]


def test_a_break_between_factors_outside_is_better_than_one_at_a_sign_inside() -> None:
    assert broken_text("a (b + c) d", 9) == ["a (b + c)", "d"]
    assert broken_text("a [b + c] d", 9) == ["a [b + c]", "d"]
    for formula in (r"a (b + c) d", r"a [b + c] d", r"a \left(b + c\right) d"):
        outside = formula.removesuffix(" d")
        room = (width(outside) + width(formula)) / 2
        assert broken_latex(formula, room) == [outside, "d"]


def test_a_sum_is_broken_before_a_product_and_the_first_lines_are_full() -> None:
    assert broken_text("A + B ⊙ C", 7) == ["A", "+ B ⊙ C"]
    assert broken_text("a + b + c", 7) == ["a + b", "+ c"]
    room = width(r"+ B \odot C") + 1
    assert width(r"A + B") < room < width(r"A + B \odot C")
    assert broken_latex(r"A + B \odot C", room) == ["A", r"{} + B \odot C"]
    room = width("+ b + c") + 1
    assert broken_latex("a + b + c", room) == ["a + b", "{} + c"]


def test_factors_without_a_sign_are_broken_between_them() -> None:
    assert broken_text("A_1 B_2 C_3", 7) == ["A_1 B_2", "C_3"]
    room = (width("A_{1} B_{2}") + width("A_{1} B_{2} C_{3}")) / 2
    assert broken_latex("A_{1} B_{2} C_{3}", room) == ["A_{1} B_{2}", "C_{3}"]


def test_an_arrow_a_sum_and_a_function_stay_with_what_follows() -> None:
    assert broken_text("A Σ_{i=1}^{n} w_i", 9) == ["A", "Σ_{i=1}^{n} w_i"]
    assert broken_text("if z > 0", 4) == ["if z > 0"]
    assert broken_text("v = 1; w = 2", 7) == ["v = 1;", "w = 2"]
    assert broken_text("a b; c d", 6) == ["a b;", "c d"]
    for whole in (
        r"\sum_{i=1}^{n} w_{i}",
        r"\max_{k} z_{k}",
        r"\operatorname{elu} Z_{1}",
        r"\tanh Z_{1}",
        r"a_{1} > b_{1}",
    ):
        assert broken_latex(whole, 5) == [whole]
        assert broken_latex(rf"A_{{1}} {whole}", width(whole) + 1) == ["A_{1}", whole]
    change = r"\leftarrow A_{1} B_{1} C_{1}"
    assert broken_latex(f"W_{{1}} {change}", width(change) + 1) == ["W_{1}", f"{{}} {change}"]
    lines = broken_latex(r"W_{1} \leftarrow W_{2} A_{3} - b", 30)
    assert not any(line.endswith(r"\leftarrow") for line in lines)


def test_no_break_inside_a_fraction_an_index_or_a_brace() -> None:
    formula = r"\frac{a + b + c}{d} + \underbrace{(e + f)}_{h \times o} \underbrace{g}_{o \times B}"
    lines = broken_latex(formula, 40)
    assert len(lines) >= 2
    assert all(line.count("{") == line.count("}") for line in lines)


MEASURED = (
    r"\frac{\partial \mathrm{Loss}}{\partial W_{ih}} + \lambda W_{ih}",
    r"\underbrace{A_{3}^{\top}}_{h_{3} \times B} \underbrace{\delta_{4}}_{B \times o}",
    r"\sum_{i=1}^{n_{h1}} \sum_{j=1}^{n_{h2}} w_{2,ij}^{2}",
    r"\operatorname{softplus}(Z_{4}) \odot (1 - \tanh(Z_{4})^{\odot 2})",
    r"\left(\begin{smallmatrix} -0.0446318 & 0.0650553 \\ 1.25 & 4.5\times 10^{-7} "
    r"\end{smallmatrix}\right)",
    r"\begin{pmatrix} 0.25 & -1.5 \\ 3.25 & 4.5 \end{pmatrix}",
    r"\begin{cases} z & z > 0 \\ 0 & \text{otherwise} \end{cases}",
    r"\frac{\alpha}{1 - \beta_{1}^{t}} m_{b_{3}} \oslash "
    r"\left(\sqrt{\frac{1}{1 - \beta_{2}^{t}} v_{b_{3}}} + \varepsilon\right)",
)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_widths_are_those_of_tex(tmp_path: Path) -> None:
    """TeX measures the same formulas: the estimate is within a quarter, and rarely too small."""
    boxes = "\n".join(
        rf"\setbox0\hbox{{$\displaystyle {formula}$}}\typeout{{WIDTH \the\wd0}}"
        for formula in MEASURED
    )
    source = (
        "\\documentclass{article}\\usepackage{amsmath}\\begin{document}\n"
        f"{boxes}\nx\\end{{document}}\n"
    )
    (tmp_path / "widths.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "widths.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    measured = [float(points) for points in re.findall(r"WIDTH ([\d.]+)pt", done.stdout)]
    assert len(measured) == len(MEASURED)
    for formula, points in zip(MEASURED, measured, strict=True):
        assert 0.96 * points <= width(formula) <= 1.25 * points + 5, (formula, points)


def test_units_give_the_formula_back() -> None:
    for formula in MEASURED:
        assert "".join(unit.tex for unit in units(formula)) == formula


def test_a_matrix_inside_cases_keeps_its_own_rows_and_columns() -> None:
    matrix = r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}"
    cases = rf"\begin{{cases}} {matrix} & x \\ y & z \end{{cases}}"
    plain = r"\begin{cases} y & x \\ y & z \end{cases}"
    assert width(cases) == pytest.approx(width(plain) - width("y") + width(matrix))
