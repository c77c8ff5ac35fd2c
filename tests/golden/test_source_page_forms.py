r"""The source page in its other forms: each of its lines in LaTeX and in the HTML page's MathML.

The LaTeX was written by hand from the page.  The MathML is turned back into a line of text and
compared with the page's line; brackets and spaces are left off, for a fraction that is stacked
needs fewer (that the structure is right is what ``tests/formulas/test_mathml.py`` is for).
"""

import re
from itertools import pairwise

import pytest

import chainrule as cr
from tests.documents.html_reading import linear, parsed
from tests.golden.test_source_page import PAGE
from tests.selection import sampled

D = r"\frac{\partial \mathrm{Loss}}{\partial %s}"


def by(below: str) -> str:
    """∂Loss/∂below."""
    return D % below


def chain(*names: str) -> str:
    """∂Loss/∂first × ∂first/∂second × …."""
    links = [by(names[0])]
    pairs = pairwise(names)
    links += [rf"\frac{{\partial {above}}}{{\partial {below}}}" for above, below in pairs]
    return r" \times ".join(links)


def under(inside: str, rows: str, columns: str) -> str:
    """A factor with its dimensions under a brace."""
    return rf"\underbrace{{{inside}}}_{{{rows} \times {columns}}}"


W_HO, W_IH, B_HO, B_IH = "W_{ho}", "W_{ih}", "b_{ho}", "b_{ih}"
A_O, A_H, Z_O, Z_H = "a_{o}", "a_{h}", "z_{o}", "z_{h}"
ERROR = r"(Y_{t} - a_{o}) \odot a_{o} \odot (1 - a_{o})"
T = r"^{\top}"
BACK = under(f"({ERROR})", "1", "o") + " " + under(f"{W_HO}{T}", "o", "h")
PLAIN = rf"(({ERROR}) W_{{ho}}^{{\top}})"
SLOPE = r"\odot a_{h} \odot (1 - a_{h})"

LATEX = [
    (r"\mathrm{Loss}", r"\sum_{i=1}^{n} \frac{1}{n}(y_{ti} - a_{oi})^{2}"),
    (by(A_O), r"-\frac{2}{n}(Y_{t} - a_{o})"),
    ("a", r"\frac{1}{1 + e^{-z}}"),
    (
        r"\frac{\partial a}{\partial z}",
        r"(-1) \times \frac{1}{(1 + e^{-z})^{2}} \times e^{-z} \times (-1)",
    ),
    (r"\frac{\partial a}{\partial z}", r"a^{2}\left(\frac{1}{a} - 1\right)"),
    (r"\frac{\partial a}{\partial z}", "a(1 - a)"),
    (by(W_HO), chain(A_O, Z_O, W_HO)),
    (
        by(W_HO),
        rf"-\frac{{2}}{{n}} {under(A_H + T, 'h', '1')} {under(f'({ERROR})', '1', 'o')}",
    ),
    (by(B_HO), chain(A_O, Z_O, B_HO)),
    (by(B_HO), rf"-\frac{{2}}{{n}}{ERROR}"),
    (W_HO, rf"\leftarrow {W_HO} - \alpha {by(W_HO)}"),
    (B_HO, rf"\leftarrow {B_HO} - \alpha {by(B_HO)}"),
    (by(W_IH), chain(A_H, Z_H, W_IH)),
    (by(A_H), chain(A_O, Z_O, A_H)),
    (by(A_H), rf"-\frac{{2}}{{n}} {BACK}"),
    (
        by(W_IH),
        under(f"X{T}", "i", "1")
        + " "
        + under(rf"\left(-\frac{{2}}{{n}}{PLAIN} {SLOPE}\right)", "1", "h"),
    ),
    (by(B_IH), chain(A_H, Z_H, B_IH)),
    (by(B_IH), rf"-\frac{{2}}{{n}}\left({BACK}\right) {SLOPE}"),
    (by(B_IH), rf"{by(A_H)} {SLOPE}"),
    (W_IH, rf"\leftarrow {W_IH} - \alpha {by(W_IH)}"),
    (B_IH, rf"\leftarrow {B_IH} - \alpha {by(B_IH)}"),
    (Z_H, rf"{under('X', '1', 'i')} {under(W_IH, 'i', 'h')} + {B_IH}"),
    (A_H, rf"\operatorname{{sigmoid}}({Z_H})"),
    (Z_O, rf"{under(A_H, '1', 'h')} {under(W_HO, 'h', 'o')} + {B_HO}"),
    (A_O, rf"\operatorname{{sigmoid}}({Z_O})"),
]


def derivation() -> cr.Derivation:
    return cr.derive(cr.Network.dense([2, 3, 1], "sigmoid", "mse"), batch=False)


def in_latex(language: str) -> list[tuple[str, str]]:
    """Return (left, right) of every line of the displays, notes left off."""
    found: list[tuple[str, str]] = []
    left = ""
    for line in derivation().to_latex(language).splitlines():  # type: ignore[arg-type]
        match = re.match(r"(.*?) ?&(=|\\leftarrow) (.*?)(?: \\tag\*\{.*\})?(?: \\\\)?$", line)
        if match:
            left = match.group(1) or left
            sign = r"\leftarrow " if match.group(2) != "=" else ""
            found.append((left, sign + match.group(3)))
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("expected", LATEX, ids=PAGE)
def test_every_line_of_the_page_in_latex(expected: tuple[str, str], language: str) -> None:
    assert expected in in_latex(language)


def test_all_lines_of_the_page_are_written_in_latex() -> None:
    assert len(LATEX) == len(PAGE)


def bare(line: str) -> str:
    return re.sub(r"[ ()]", "", line)


def in_html(language: str) -> set[str]:
    """Return every line of the page's formulas, each with its left side, as bare text."""
    root = parsed(derivation().to_html(language))  # type: ignore[arg-type]
    found, left = set(), ""
    for formula in root.iter("math"):
        if formula.get("display") != "block":
            continue
        line = linear(formula)
        sign = " ← " if " ← " in line else " = "
        start, _, right = line.partition(sign)
        left = start or left
        found.add(bare(left + sign + right))
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("expected", sampled(PAGE, every=4))
def test_every_line_of_the_page_in_html(expected: str, language: str) -> None:
    assert bare(expected) in in_html(language)
