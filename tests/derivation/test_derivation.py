"""The derivation as it is told: every optimizer, layout and language, and LaTeX that compiles."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.documents.wording import phrases
from chainrule.errors import InputError
from chainrule.language.phrase_books import LANGUAGES
from chainrule.network.optimizers import CATALOGUE
from tests.selection import sampled

DEEP = cr.Network.dense([7, 5, 4, 3], "relu", "log_loss", penalty=cr.L2(0.1))


def test_both_languages_have_the_same_phrases() -> None:
    assert set(phrases("en")) == set(phrases("zh"))
    for key, phrase in phrases("en").items():
        assert set(re.findall(r"\{\w+\}", phrase)) == set(
            re.findall(r"\{\w+\}", phrases("zh")[key])
        )
        assert phrase.count("$") % 2 == phrases("zh")[key].count("$") % 2 == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("optimizer", sampled(CATALOGUE, every=3))
def test_every_symbol_of_the_update_is_explained(
    optimizer: str, layout: str, language: str
) -> None:
    derivation = cr.derive(DEEP, optimizer=optimizer, layout=layout)  # type: ignore[arg-type]
    told = derivation.to_text(language)  # type: ignore[arg-type]
    constants = derivation.optimizer.constants
    for letter in ("m", "v", "t", *constants):
        used = letter in constants or (
            re.search(rf"(?<![\w^]){letter}(?=_W_1)|\^{letter}\b", told) is not None
        )
        explained = re.search(rf"(^|[ 、]){letter}([ 、,]).*\n", told, re.MULTILINE) is not None
        assert not used or explained, (optimizer, letter)
    assert "$" not in told


def test_momentum_keeps_v_and_nesterov_looks_ahead() -> None:
    told = cr.derive(cr.Network.dense([2, 1]), optimizer=cr.SGD(0.1, 0.9, nesterov=True)).to_text()
    assert "v_W_1 ← μ v_W_1 − α ∂Loss/∂W_1" in told
    assert "W_1 ← W_1 + μ v_W_1 − α ∂Loss/∂W_1" in told


def test_a_penalty_shows_in_the_loss_and_in_the_weights_only() -> None:
    gradients = cr.derive(DEEP).gradients
    assert str(gradients["W_3"]) == "λ W_3 + A_2ᵀ δ_3"
    assert str(gradients["b_3"]) == "1ᵀ δ_3"


def test_the_collapse_of_softmax_is_told_step_by_step() -> None:
    told = cr.derive(DEEP).to_text()
    for line in (
        "= A_3 ⊙ (−(1/B) Y ⊘ A_3 + (1/B)(A_3 ⊙ Y ⊘ A_3) 1)",
        "= (1/B)((Y 1) ⊙ A_3 − Y)",
        "= (1/B)(A_3 − Y)",
    ):
        assert line in told
    assert "of a sample sum to one" in told


@pytest.mark.parametrize("name", ["layout", "optimizer"])
def test_an_unknown_choice_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="rwos"):
        cr.derive(DEEP, **{name: "rwos"})  # type: ignore[arg-type]


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match=r"'de'.*'en', 'zh'"):
        cr.derive(DEEP).to_text("de")  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_latex_has_balanced_braces_and_no_plain_unicode_mathematics(layout: str) -> None:
    source = cr.derive(DEEP, layout=layout, optimizer="adam").to_latex()  # type: ignore[arg-type]
    assert source.count("{") == source.count("}")
    body = source.split("\\begin{document}")[1].split("\\end{document}")[0]
    assert not set(body) & set("⊙⊘ᵀδαβελ∂Σ√")
    for opened, closed in (("\\left", "\\right"), ("\\begin", "\\end")):
        assert len(re.findall(re.escape(opened) + r"\b", body)) == len(
            re.findall(re.escape(closed) + r"\b", body)
        )


DEEPER = cr.Network.dense([4, *[8] * 7, 3], "tanh", "log_loss", penalty=cr.L2(0.1))
WIDE_SLOPES = cr.Network.dense([4, 8, 8, 1], "mish", "huber", penalty=cr.L2(0.1))
DOCUMENTS = {
    "deeper": cr.derive(DEEPER, detail="full", optimizer=cr.SGD(0.1, 0.9)),
    "wide slopes": cr.derive(WIDE_SLOPES, detail="full", optimizer="adam", layout="columns"),
    "brief": cr.derive(DEEP, optimizer="adam"),
    "full": cr.derive(DEEP, detail="full", optimizer="adamw", layout="columns"),
    "one sample": cr.derive(
        cr.Network.dense([2, 2, 1], "elu", "huber"), batch=False, detail="full"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_line_of_text_is_longer_than_a_hundred_columns(name: str, language: str) -> None:
    told = DOCUMENTS[name].to_text(language)  # type: ignore[arg-type]
    assert max(map(len, told.splitlines())) <= 100


def compiled(source: str, program: str, folder: Path) -> str:
    """Compile a document and return the program's log."""
    (folder / "derivation.tex").write_text(source, encoding="utf-8")
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    # Characters that a font lacks are noted in the log alone.
    return (folder / "derivation.log").read_text(encoding="utf-8", errors="replace")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_english_document_compiles(name: str, tmp_path: Path) -> None:
    said = compiled(DOCUMENTS[name].to_latex(), "pdflatex", tmp_path)
    assert "Missing character" not in said
    assert not overfull(said)


def overfull(said: str) -> list[str]:
    """Return the lines that stand out of the margin by more than a letter."""
    points = re.findall(r"Overfull \\hbox \((\d+(?:\.\d+)?)pt too wide\)", said)
    return [size for size in points if float(size) > 5]


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="xelatex is not installed")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_chinese_document_compiles(name: str, tmp_path: Path) -> None:
    found = subprocess.run(["kpsewhich", "ctexart.cls"], capture_output=True, check=False)
    if not found.stdout.strip():
        pytest.skip("the LaTeX class ctexart is not installed")
    said = compiled(DOCUMENTS[name].to_latex("zh"), "xelatex", tmp_path)
    assert "Missing character" not in said
    assert not overfull(said)


def test_the_work_grows_with_the_blocks_not_with_the_paths():
    """Twenty skip connections are a million paths."""
    x = cr.Input(3)
    h = cr.Dense(3)(x)
    for _ in range(20):
        h = h + cr.Dense(3, "tanh")(h)
    derivation = cr.derive(cr.Network(x, cr.Dense(1)(h)))
    assert len(derivation.to_text()) < 40_000
    assert str(derivation.gradients["W_1"]) == "Xᵀ δ_1"
