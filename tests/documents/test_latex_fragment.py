"""LaTeX to be put into another document: numbers, labels and what it needs."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr


def graph() -> cr.Network:
    x, k = cr.Input(3), cr.Categories(4)
    h = cr.LayerNorm()(cr.Dense(4, "silu")(x))
    h = h + cr.Dense(4, "mish")(h)
    return cr.Network([x, k], cr.Dense(3, "softmax")(h, cr.Embedding(2)(k)), "log_loss")


def two_heads() -> cr.Network:
    x = cr.Input(2)
    h = cr.Dense(3, "tanh")(x)
    return cr.Network(x, [cr.Dense(2)(h), cr.Dense(1, "sigmoid")(h)], ["mse", "log_loss"])


def explained() -> Any:
    network = cr.Network.dense([2, 3, 1], "tanh")
    X, Y = np.array([[0.5, -1.0], [1.0, 2.0]]), np.array([[1.0], [0.0]])
    return cr.explain(network, network.initialize(seed=0), X, Y, weight="W_ih[0,1]")


DENSE = cr.Network.dense([2, 3, 1])
DOCUMENTS: dict[str, Callable[[], Any]] = {
    "brief": lambda: cr.derive(DENSE),
    "full": lambda: cr.derive(cr.Network.dense([2, 4, 3, 2], "relu", "log_loss"), detail="full"),
    "one sample": lambda: cr.derive(DENSE, batch=False, optimizer="adam"),
    "graph": lambda: cr.derive(graph()),
    "two heads": lambda: cr.derive(two_heads(), detail="full"),
    "explanation": explained,
}
LABEL = re.compile(r"\\label\{([^}]*)\}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_equation_has_a_number_and_a_label_of_its_own(name: str) -> None:
    document = DOCUMENTS[name]()
    fragment = document.to_latex(document=False)
    labels = LABEL.findall(fragment)
    assert len(labels) > 5
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"eq:chainrule(:[A-Za-z0-9_/.+-]+)+", label) for label in labels)
    displays = re.findall(r"\\begin\{align\}\n(.*?)\n\\end\{align\}", fragment, re.DOTALL)
    rows = [row for display in displays for row in display.split(" \\\\\n")]
    assert all(("\\label{" in row) != (r"\notag" in row) for row in rows)
    assert not re.search(r"\\\[|align\*|\\tag\b", fragment)
    assert sum(row.count("\\label{") for row in rows) == len(labels)
    assert LABEL.findall(document.to_latex("zh", document=False)) == labels
    assert "\\label" not in document.to_latex()


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_fragment_is_balanced(name: str, language: Any) -> None:
    fragment = DOCUMENTS[name]().to_latex(language, document=False)
    opened = re.findall(r"\\begin\{([a-z*]+)\}", fragment)
    assert sorted(opened) == sorted(re.findall(r"\\end\{([a-z*]+)\}", fragment))
    assert fragment.replace(r"\{", "").replace(r"\}", "").count("{") == fragment.replace(
        r"\{", ""
    ).replace(r"\}", "").count("}")


def test_the_labels_are_those_that_the_documentation_names() -> None:
    labels = LABEL.findall(cr.derive(DENSE, detail="full").to_latex(document=False))
    assert {
        "eq:chainrule:forward:Z_h",
        "eq:chainrule:loss:dLoss/dA_o",
        "eq:chainrule:backward:delta_o",
        "eq:chainrule:backward:dLoss/dW_ih",
        "eq:chainrule:update:b_ho",
        "eq:chainrule:function:sigmoid:da/dz",
        "eq:chainrule:neuron:forward:z",
        "eq:chainrule:index:backward:delta_h",
        "eq:chainrule:sample:forward:a_o",
    } <= set(labels)
    given = LABEL.findall(explained().to_latex(document=False))
    assert {"eq:chainrule:given:X", "eq:chainrule:given:W_ih"} <= set(given)
    brief = LABEL.findall(cr.derive(DENSE).to_latex(document=False))
    assert set(brief) <= set(labels)


def test_labels_do_not_depend_on_what_else_is_derived() -> None:
    few = LABEL.findall(cr.derive(DENSE).to_latex(document=False))
    many = LABEL.findall(cr.derive(DENSE, optimizer="adam", detail="full").to_latex(document=False))
    assert set(few) - set(many) == set()


def test_a_comment_says_what_a_fragment_needs() -> None:
    lines = cr.derive(DENSE).to_latex(document=False).splitlines()
    assert lines[0].startswith("% Written by chainrule")
    assert r"\usepackage{amsmath,amssymb" in lines[1]
    assert not any("ctex" in line for line in lines)
    assert "ctex" in cr.derive(DENSE).to_latex("zh", document=False).splitlines()[2]
    head = explained().to_latex(document=False).splitlines()[1]
    assert "graphicx" in head


def test_what_a_notebook_shows_has_no_labels() -> None:
    """Two cells with the same labels would be an error of MathJax."""
    assert "\\label" not in cr.derive(DENSE)._repr_latex_()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_paper_can_refer_to_the_equations(name: str, tmp_path: Path) -> None:
    fragment = DOCUMENTS[name]().to_latex(document=False)
    (tmp_path / "derivation.tex").write_text(fragment, encoding="utf-8")
    (needed,) = re.findall(r"% Needs in its head: (.*)", fragment)
    references = " ".join(rf"\eqref{{{label}}}" for label in LABEL.findall(fragment))
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}" + needed + "\\begin{document}"
        f"{references}\\input{{derivation}}\\end{{document}}\n"
    )
    for _ in range(2):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-2000:]
    assert "undefined" not in done.stdout
    assert "multiply" not in done.stdout
