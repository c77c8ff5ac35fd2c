"""Explanations on paper: text, LaTeX and HTML say the same, in two languages."""

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.documents import document_writer, html_of, latex_of, text_of, wording
from chainrule.explanation.build_document import document_of
from chainrule.explanation.evaluated_lines import EvaluatedLine
from chainrule.language.phrase_books import LANGUAGES, phrases_of
from tests.documents.html_reading import check_page, parsed, words
from tests.explanation.cases import OPTIMIZERS, cases, drawn, places
from tests.selection import in_turn

Explanation = cr.Explanation


def phrases(language: str) -> Mapping[str, str]:
    return phrases_of("explanation", language)


@cache
def mazur() -> Explanation:
    """Mazur's worked example: tests/golden says what its numbers are."""
    network = cr.Network.dense([2, 2, 2], "sigmoid", "half_mse")
    parameters = {
        "W_ih": np.array([[0.15, 0.25], [0.20, 0.30]]),
        "b_ih": np.array([0.35, 0.35]),
        "W_ho": np.array([[0.40, 0.50], [0.45, 0.55]]),
        "b_ho": np.array([0.60, 0.60]),
    }
    return cr.explain(
        network,
        parameters,
        [[0.05, 0.10]],
        [[0.01, 0.99]],
        weight="W_ih[0,0]",
        optimizer=cr.SGD(0.5),
    )


@cache
def deep() -> Explanation:
    """Three layers, 40 samples, two penalties, AdamW with a memory, samples in columns."""
    generator = np.random.default_rng(0)
    network = cr.Network.dense(
        [5, 12, 7, 3], ["relu", "tanh", "softmax"], "log_loss", penalty=[cr.L2(0.01), cr.L1(0.001)]
    )
    X, Y = generator.normal(size=(40, 5)), np.eye(3)[generator.integers(3, size=40)]
    state = {
        "m_W_1": generator.normal(size=(5, 12)) * 0.01,
        "v_W_1": generator.uniform(size=(5, 12)) * 0.001,
    }
    return cr.explain(
        network,
        network.initialize(seed=0),
        X,
        Y,
        weight="W_1[2,4]",
        optimizer=cr.AdamW(0.003),
        state=state,
        step=9,
        layout="columns",
    )


def others() -> list[Explanation]:
    """A dead unit, a kink, an infinite derivative, a shared bias, a frozen matrix, two samples."""
    relu = cr.Network.dense([2, 2, 1], ["relu", "identity"])
    dead = {
        "W_ih": -np.ones((2, 2)),
        "b_ih": np.zeros(2),
        "W_ho": np.ones((2, 1)),
        "b_ho": np.ones(1),
    }
    sure = cr.Network.dense([1, 2], ["softmax"], "log_loss")
    certain = {"W_1": np.array([[1e3, -1e3]]), "b_1": np.zeros(2)}
    one = cr.Network.dense([2, 3, 2], trainable={"b_ih": "shared", "W_ho": False})
    plain = cr.Network.dense([2, 3, 2])
    X, Y = [[0.5, -1.0], [1.0, 2.0], [3.0, 0.0]], [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    return [
        cr.explain(relu, dead, [[1.0, 1.0]], [2.0], weight="W_ih[0,0]"),
        cr.explain(relu, dead, [[1.0, -1.0]], [2.0], weight="W_ih[0,0]", optimizer="adam"),
        cr.explain(
            sure,
            certain,
            [[1.0]],
            [[0, 1]],
            weight="b_1[1]",
        ),
        cr.explain(
            one, one.initialize(seed=0), X, Y, rows=[2, 0], weight="b_ih", optimizer="rmsprop"
        ),
        cr.explain(plain, plain.initialize(seed=0), X, Y, weight="b_ho[1]", optimizer="adam"),
        cr.explain(plain, plain.initialize(seed=0), X, Y, row=1, weight="W_ho[2,1]"),
    ]


# -- text ------------------------------------------------------------------------------------------


def test_symbol_numbers_dimensions_and_mark_stand_on_one_line() -> None:
    text = mazur().to_text()
    for symbol, numbers, dimensions in (
        ("z_h", "[0.3775  0.392500]", "(1×2)"),
        ("a_o", "[0.751365  0.772928]", "(1×2)"),
        ("δ_o", "[0.138499  −0.0380982]", "(1×2)"),
        ("∂Loss/∂W_ho", "⎡0.0821670  −0.0226025⎤", "(2×2)"),
        ("Loss", "0.298371", ""),
    ):
        shown = " +".join(map(re.escape, filter(None, (numbers, dimensions, "✓"))))
        assert re.search(rf"^    {symbol} = {shown}$", text, re.MULTILINE), symbol
    zh = mazur().to_text("zh").splitlines()
    assert any(re.fullmatch(r" +δ_o = \[0\.138499  −0\.0380982\] +\(1×2\)  ✓", line) for line in zh)


def test_numbers_are_put_into_the_formula() -> None:
    text = mazur().to_text()
    assert "= [0.05  0.1] [0.15  0.25; 0.2  0.3] + [0.35  0.35]" in text
    assert "= [0.4  0.5; 0.45  0.55] − 0.5 × [0.0821670  −0.0226025; 0.0826676  −0.0227402]" in text


def test_numbers_put_into_a_second_assignment_are_those_just_assigned() -> None:
    """Momentum: W ← W + v with the new v, not the one before the step."""
    network = cr.Network.dense([1, 1], "identity", "half_mse")
    found = cr.explain(
        network,
        {"W_1": np.array([[2.0]]), "b_1": np.zeros(1)},
        [[1.0]],
        [[5.0]],
        optimizer=cr.SGD(0.5, momentum=0.9),
        state={"v_W_1": [[0.25]]},
    )
    text = found.to_text()
    assert "= 0.9 × [0.25] − 0.5 × [−3]" in text  # v ← μ v − α ∂Loss/∂W
    assert "= [2] + [1.725]" in text  # W ← W + v
    assert re.search(r"W_1 = 3\.725 +✓", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_large_matrices_are_summarized(language: Any) -> None:
    text = deep().to_text(language)
    assert "⋯" in text
    assert max(len(line) for line in text.splitlines() if "⋯" in line) < 110
    width, height = ("from −", "to 2.") if language == "en" else ("最小值 −", "最大值 2.")
    assert width in text
    assert height in text


def columns(text: str) -> list[tuple[list[str], str]]:
    """Return the columns of shares in a text: the parts, and the sum below the second rule."""
    found: list[tuple[list[str], str]] = []
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if not re.match(r"^    (sum|合计)", line):
            continue
        parts = []
        back = place - 2
        last = lines[place - 1].rindex(" ") + 1
        while not lines[back].startswith("    ─"):
            # A row whose formulas are broken has its share on its first line.
            across = re.sub("[\u2e80-\u9fff\uff00-\uffef]", "  ", lines[back])
            parts.extend(across[last:].split())
            back -= 1
        found.append((parts[::-1], line.split()[-1]))
    return found


def number(text: str) -> Decimal:
    return Decimal(text.replace("−", "-"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_printed_columns_add_up_exactly(language: Any) -> None:
    """Read the page as a reader does: the printed digits of every column make its printed sum."""
    for explanation in (mazur(), deep(), *others()):
        found = columns(explanation.to_text(language))
        for parts, total in found:
            assert sum(map(number, parts)) == number(total)
    assert len(columns(deep().to_text(language))) == 4
    assert len(columns(mazur().to_text(language))) == 2


@pytest.mark.parametrize(("case", "optimizer"), in_turn(cases()[::16], OPTIMIZERS, every=2))
def test_printed_columns_of_random_networks_add_up(case: Any, optimizer: Any) -> None:
    parameters, X, Y = drawn(case)
    for weight in places(case.network, np.random.default_rng(1), 1)[:2]:
        found = cr.explain(case.network, parameters, X, Y, weight=weight, optimizer=optimizer)
        for parts, total in columns(found.to_text()):
            assert sum(map(number, parts)) == number(total)


def test_a_line_that_fails_is_shown_as_failed() -> None:
    found = mazur()
    lines: list[Any] = []
    for line in found.lines:
        if isinstance(line, EvaluatedLine) and line.statement.left.name == "δ_o":
            forms = tuple(
                replace(f, mark=f.mark and replace(f.mark, error=1.0)) for f in line.forms
            )
            line = replace(line, forms=forms)
        lines.append(line)
    wrong = cr.explain(found.batch.network, found.batch.parameters, *found.batch.data.values())
    wrong.__dict__["lines"] = tuple(lines)
    assert not wrong.passed
    assert re.search(r"δ_o = .*✗", wrong.to_text())
    assert "do NOT agree" in wrong.to_text()
    assert "不一致" in wrong.to_text("zh")
    assert 'class="mark wrong"' in wrong.to_html()
    assert r"\boldsymbol{\times}" in wrong.to_latex()


# -- phrases ---------------------------------------------------------------------------------------


class Recorded(dict):
    """Phrases that remember which were asked for."""

    def __init__(self, known: dict) -> None:
        super().__init__(known)
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.used.add(key)
        return super().__getitem__(key)


def test_both_languages_have_the_same_phrases_with_the_same_places() -> None:
    en, zh = phrases("en"), phrases("zh")
    assert en.keys() == zh.keys()
    for key in en:
        assert sorted(re.findall(r"\{\w+\}", en[key])) == sorted(re.findall(r"\{\w+\}", zh[key])), (
            key
        )


@pytest.mark.slow
def test_every_phrase_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = {language: Recorded(dict(wording.phrases(language))) for language in LANGUAGES}
    monkeypatch.setattr(document_writer, "phrases", lambda language: known[language])
    for explanation in (mazur(), deep(), *others(), *of_tables(tmp_path), categories()):
        for language in LANGUAGES:
            elements = list(document_of(explanation))
            text_of(elements, language)
            latex_of(elements, language)
            html_of(elements, language)
    unsaid = {language: set(phrases(language)) - known[language].used for language in LANGUAGES}
    # What only a failure says, and what no optimizer of the catalogue needs.
    rare = {"disagrees", "some_failed", "mark_wrong", "cause_other"}
    assert unsaid == {"en": rare, "zh": rare}


def categories() -> Explanation:
    color = cr.Categories(3)
    h = cr.Dropout(0.3)(cr.BatchNorm()(cr.Dense(2)(cr.Embedding(2)(color))))
    network = cr.Network(color, cr.Dense(1)(h))
    return cr.explain(
        network, network.initialize(0), [0, 2, 1, 2], [1.0, 2.0, 3.0, 4.0], weight="E_1[2,0]"
    )


def test_categories_masks_and_the_statistics_of_the_batch() -> None:
    written = categories().to_text()
    assert "E_1[2,0] leads from category 2 to unit 0 of hidden layer 1" in written
    given = written.split("Conventions")[0]
    assert "D_4 = " in given  # the mask of this step
    assert "running_mean" not in given  # a training step does not read it


def test_an_explanation_leaves_the_parameters_as_they_are() -> None:
    x = cr.Input(2)
    network = cr.Network(x, cr.Dense(1)(cr.BatchNorm()(x)))
    parameters = network.initialize(0)
    before = {name: array.copy() for name, array in parameters.items()}
    assert cr.explain(network, parameters, np.eye(2), [1.0, 2.0]).passed
    for name, array in parameters.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def of_tables(folder: Path) -> list[Explanation]:
    path = folder / "data.csv"
    path.write_text("x,color,y\n1,red,0.5\n2,blue,1.5\n,green,3\n4,red,4.5\n5,blue,5\n")
    model = cr.train_table(path, "y", hidden=(3,), validation=0, epochs=1).model
    other = folder / "other.csv"
    other.write_text("x,color,y\n,violet,1\n1,red,2\n7,blue,3\n")
    return [
        cr.explain_table(model, other, row=0, weight="W_ih[x,1]"),
        cr.explain_table(model, other, rows=[2, 0], weight="W_ih[color=red,1]"),
        cr.explain_table(model, other, row=1, weight="b_ho[y]"),
    ]


@pytest.mark.parametrize("key", phrases("zh"))
def test_chinese_phrases_have_chinese_punctuation(key: str) -> None:
    prose = phrases("zh")[key]
    assert not re.search(r"[\u4e00-\u9fff]\s*[,;:!?](?!\w)", prose), prose
    assert not re.search(r"[\u4e00-\u9fff]\.", prose), prose
    assert prose.count("（") == prose.count("）")


# -- HTML ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_well_formed(language: Any, tmp_path: Path) -> None:
    for explanation in (mazur(), deep(), *others(), *of_tables(tmp_path)):
        written = explanation.to_html(language)
        root = parsed(written)
        check_page(root)
        assert not re.search(
            r"<script|javascript:|<link|<img|<iframe|@import|url\((?!#)|https?:", written
        )
        assert "{" not in words(root)


def test_a_page_says_what_the_text_says() -> None:
    """Every number of the text stands on the page, too, there with all its digits."""
    for explanation in (mazur(), deep()):
        root = parsed(explanation.to_html())
        body = root.find("body")
        assert body is not None
        plain = " ".join(body.itertext())
        numbers = set(map(Decimal, re.findall(r"\d\.\d{5,}", plain)))
        for shown in map(Decimal, set(re.findall(r"\d\.\d{5,}", explanation.to_text()))):
            half = Decimal(5).scaleb(int(shown.as_tuple().exponent) - 1)
            assert shown in numbers or any(abs(n - shown) <= half for n in numbers), shown


def test_a_part_of_a_page_is_for_notebooks() -> None:
    part = mazur()._repr_html_()
    root = parsed(part)
    assert root.tag == "div"
    assert not [element for element in root.iter() if "id" in element.attrib]
    (sheet,) = root.iter("style")
    rules = re.findall(r"^\s*([^@{}\n][^{}]*)\{", sheet.text or "", re.MULTILINE)
    assert rules
    assert all(rule.strip().startswith(".chainrule") for rule in rules)


def test_names_from_a_table_cannot_break_a_page(tmp_path: Path) -> None:
    """Columns and classes may be called anything."""
    names = ["<b>&amp;", "a_b$%#{}~^\\", "</style><script>"]
    path = tmp_path / "data.csv"
    quoted = ",".join(f'"{name}"' for name in names)
    path.write_text(f'{quoted},"t&<x>"\n1,2,3,<no>\n2,1,4,&yes\n3,1,1,<no>\n4,0,2,&yes\n')
    model = cr.train_table(path, "t&<x>", hidden=(2,), validation=0, epochs=1).model
    found = cr.explain_table(model, path, row=1, weight=f"W_ih[{names[1]},0]")
    written = found.to_html()
    check_page(parsed(written))
    assert "<script" not in written
    plain = "".join(parsed(written).itertext())
    assert all(name in plain for name in names)
    latex = found.to_latex()
    assert r"a\_b\$\%\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in latex


# -- LaTeX -----------------------------------------------------------------------------------------


def test_latex_has_no_letters_that_pdflatex_lacks() -> None:
    for explanation in (mazur(), deep(), *others()):
        written = explanation.to_latex()
        assert set(written) <= {*map(chr, range(32, 127)), "\n", "’"}, set(written) - {
            *map(chr, range(127))
        }
        for pair in ("{}", "()", "[]"):
            if pair == "{}":
                plain = written.replace(r"\{", "").replace(r"\}", "")
                assert plain.count("{") == plain.count("}")


def narrow() -> Explanation:
    """Four hidden layers, samples in rows, momentum and names of columns for the weight."""
    generator = np.random.default_rng(1)
    network = cr.Network.dense([3, 4, 4, 5, 4, 2], ["elu", "softplus", "gelu", "tanh", "identity"])
    X, Y = generator.normal(size=(6, 3)), generator.normal(size=(6, 2))
    optimizer = cr.SGD(0.1, momentum=0.9, nesterov=True)
    parameters = network.initialize(seed=1)
    return cr.explain(network, parameters, X, Y, weight="W_3[1,2]", optimizer=optimizer)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "engine"), [("en", "pdflatex"), ("zh", "xelatex")])
def test_latex_compiles_and_stays_on_the_page(language: Any, engine: str, tmp_path: Path) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    found: dict[str, Callable[[], Explanation]] = {
        "mazur": mazur,
        "deep": deep,
        "dead": lambda: others()[0],
        "narrow": narrow,
    }
    for name, explained in found.items():
        source = explained().to_latex(language)
        (tmp_path / f"{name}.tex").write_text(source, encoding="utf-8")
        done = subprocess.run(
            [engine, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        wide = [
            float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)
        ]
        assert max(wide, default=0.0) < 10, (name, wide)
        log = (tmp_path / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        assert "Missing character" not in log, name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_title_is_that_of_the_derivation(language: Any) -> None:
    """So that a Chinese page names the network in Chinese, in its window's title as well."""
    explanation = deep()
    derived = cr.derive(explanation.batch.network).to_html(language)
    title = re.search(r"<title>.*</title>", derived)
    assert title is not None
    assert title[0] in explanation.to_html(language)
    told = title[0].removeprefix("<title>").removesuffix("</title>")
    first = explanation.to_text(language).split("═")[0]
    assert "".join(first.split()) == "".join(told.split())
