"""The other verbs as a person uses them: what is printed, what is written, and the exit codes."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from chainrule.check_result import CheckResult
from chainrule.command_line.main import VERBS
from chainrule.network.architecture import Network
from chainrule.table_models.model_files import save
from chainrule.verification import Verification
from tests.command_line.verb_runs import IRIS, folder, run_verb, trained

__all__ = ["folder", "trained"]  # fixtures


def test_derive(folder):
    text = run_verb("derive", "--layers", "2,3,1").stdout
    assert "W_ho" in text
    assert "2-3-1" in text
    alone = run_verb("derive", "--layers", "2,3,1", "--one-sample", "--layout", "columns").stdout
    assert alone != text
    run = run_verb(
        *("derive", "--layers", "2,3,2", "--activation", "relu,softmax", "--loss", "log_loss"),
        *("--optimizer", "adam", "--language", "zh", "--format", "latex", "--output", "d.tex"),
    )
    assert run.output == ""
    latex = Path("d.tex").read_text(encoding="utf-8")
    assert latex.startswith("\\documentclass")
    assert any("\u4e00" <= character <= "\u9fff" for character in latex)


def test_derive_takes_momentum_and_a_penalty():
    layers = ("derive", "--layers", "2,3,1")
    text = run_verb(*layers, "--momentum", "0.8", "--l2", "0.1").stdout
    assert "v_W_ho ← μ v_W_ho − α ∂Loss/∂W_ho" in text
    assert "W_ho ← W_ho + v_W_ho" in text
    assert "+ λ W_ho" in text
    nesterov = run_verb(*layers, "--optimizer", "nesterov").stdout
    assert "W_ho ← W_ho + μ v_W_ho − α ∂Loss/∂W_ho" in nesterov
    assert run_verb(*layers, "--momentum", "0.9", "--nesterov").stdout == nesterov
    assert run_verb(*layers, "--momentum", "0").stdout == run_verb(*layers).stdout
    refused = run_verb(*layers, "--optimizer", "adam", "--nesterov", code=2).stderr
    assert "--nesterov requires --optimizer sgd, got adam" in refused


@pytest.mark.parametrize(("language", "heading"), [("en", "A batch"), ("zh", "一批样本")])
def test_derive_writes_a_page_of_its_own(folder, language, heading):
    run = run_verb(
        *("derive", "--layers", "2,3,1", "--detail", "full", "--language", language),
        *("--format", "html", "--output", "d.html"),
    )
    assert run.output == ""
    page = Path("d.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert heading in page
    printed = run_verb("derive", "--layers", "2,3,1", "--format", "html").stdout
    assert printed.endswith("</html>\n")
    assert len(printed) < len(page)  # brief


def test_the_ending_of_the_output_decides_the_format(folder):
    for name, begins in (
        ("d.html", "<!doctype html>"),
        ("d.tex", r"\documentclass"),
        ("d", "Back"),
    ):
        run_verb("derive", "--layers", "2,3,1", "--output", name)
        assert Path(name).read_text(encoding="utf-8").lstrip().startswith(begins)
    words = ("derive", "--layers", "2,3,1", "--format", "text", "--output", "e.html")
    refused = run_verb(*words, code=2).stderr
    assert "e.html: is the name of a file of the format html, but --format is text" in refused
    assert not Path("e.html").exists()


def test_an_ending_of_no_format_is_refused(folder):
    refused = run_verb("derive", "--layers", "2,3,1", "--output", "x.pdf", code=2).stderr
    assert "x.pdf: its ending is of no format; give one of .txt, .tex, .html" in refused
    assert not Path("x.pdf").exists()


def test_a_run_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    words = ("train", IRIS, "--target", "species", "--hidden", "2", "--epochs", "1", "--quiet")
    run_verb(*words, "--output", ".")
    assert Path("model.safetensors").exists()
    assert "/: is no folder of a run" in run_verb(*words, "--output", "/", code=2).stderr


def test_models_of_presets_are_verified(folder):
    words = ("--target", "species", "--preset", "fast", "--epochs", "1", "--output", "m")
    table = Path("iris.csv").read_text().splitlines()
    colored = [f"{line},{'color' if not at else 'red' if at % 2 else 'blue'}"
               for at, line in enumerate(table)]  # fmt: skip
    Path("two.csv").write_text("\n".join(colored))
    run_verb("train", "two.csv", *words)  # a network with two inputs: numbers and categories
    assert "every check holds" in run_verb("verify", "m").stdout


def test_a_saturated_network_is_not_called_wrong(tmp_path):
    network = Network.dense([2, 2], "sigmoid", "log_loss")
    start = network.initialize(0)
    start.flat[...] *= 1e4
    save((network, start), tmp_path / "bare")
    assert "is saturated at its parameters" in run_verb("verify", tmp_path / "bare", code=2).stderr


def test_a_fragment_has_no_head(folder):
    words = ("derive", "--layers", "2,3,1", "--fragment")
    latex = run_verb(*words, "--format", "latex").stdout
    assert "\n\\section*{Back" in latex
    assert "documentclass" not in latex
    assert "\\label{eq:chainrule:forward:Z_h}" in latex
    assert "<html" not in run_verb(*words, "--format", "html").stdout
    assert "--fragment requires --format latex or html" in run_verb(*words, code=2).stderr


def test_derive_takes_a_model_or_layers(folder):
    run_verb(
        "train", IRIS, "--target", "species", "--hidden", "4", "--epochs", "1", "--output", "m"
    )
    of_model = run_verb("derive", "m").stdout
    stated = run_verb("derive", "--layers", "4,4,3", "--activation", "relu,softmax", "--loss",
                      "log_loss").stdout  # fmt: skip
    assert of_model == stated
    for words, message in (
        ((), "give either MODEL or --layers"),
        (("m", "--layers", "2,1"), "give either MODEL or --layers"),
        (("m", "--l2", "0.1"), "--l2 requires --layers; MODEL has its own"),
    ):
        assert message in run_verb("derive", *words, code=2).stderr


def test_verify_prints_a_table_of_methods():
    run = run_verb("verify", "--layers", "5,4,3", "--activation", "tanh")
    for method in ("complex step", "central differences", "matrix form, samples in columns"):
        assert re.search(rf"^ +{method} .*worst +[\d.e-]+ .*✓$", run.stdout, re.MULTILINE)
    assert run.stdout.splitlines()[-1] == "every check holds"
    right, count = re.search(r"printed lines read back: (\d+) of (\d+) +✓", run.stdout).groups()
    assert right == count
    assert int(count) > 400


def test_verify_fails_where_a_printed_line_is_wrong(monkeypatch):
    from chainrule.marking import printed_lines

    printed = printed_lines.written
    monkeypatch.setattr(
        printed_lines, "written", lambda *given: printed(*given).replace("δ_o", "δ_h")
    )
    run = run_verb("verify", "--layers", "2,3,2", code=1)
    assert "✗ ∂Loss/∂b_ho = δ_h" in run.stdout
    assert run.stdout.splitlines()[-1] == "NOT every check holds"


def test_verify_a_model(trained, tmp_path):
    assert "every check holds" in run_verb("verify", trained).stdout
    network = Network.dense([2, 2, 2], "relu", "mae")
    save((network, network.initialize(1)), tmp_path / "bare")
    assert "2-2-2, relu, mae" in run_verb("verify", tmp_path / "bare").stdout


def test_verify_fails_when_a_check_fails(monkeypatch):
    import chainrule.command_line.verify as verb

    failed = Verification("a network", (CheckResult("complex step", 0.5, 1e-12, "∂Loss/∂W_1"),))
    monkeypatch.setattr(verb, "verify_network", lambda *_, **__: failed)
    run = run_verb("verify", "--layers", "2,1", code=1)
    assert "✗ ∂Loss/∂W_1" in run.stdout
    assert run.stdout.splitlines()[-1] == "NOT every check holds"


def test_info(trained, tmp_path):
    text = run_verb("info", trained).stdout
    settings = next(line for line in text.splitlines() if line.startswith("training "))
    assert "seed 0" in settings
    assert not any(word in settings for word in ("None", "False", "none", "["))
    for part in (
        "network     4-64-3, relu then softmax, log_loss, 515 parameters",
        "predicts    'species', 3 classes: 'setosa', 'versicolor', 'virginica'",
        "numeric     4: 'sepal_length', 'sepal_width', 'petal_length', 'petal_width'",
        "float64",
        "the most frequent class: 33.3 %",
        "which matches",
    ):
        assert part in text
    record = json.loads(run_verb("info", trained, "--json").stdout)
    assert record["target"]["labels"] == ["setosa", "versicolor", "virginica"]
    network = Network.dense([2, 1])
    save((network, network.initialize()), tmp_path / "bare")
    assert "W_1 2×1, b_1 1; float64" in run_verb("info", tmp_path / "bare").stdout


def test_info_of_numbers(folder):
    pl.DataFrame({"k": ["a"] * 6 + ["b"] * 6, "n": [7.0] * 12, "y": range(12)}).write_csv("t.csv")
    run_verb("train", "t.csv", "--target", "y:number", "--hidden", 8, "--epochs", 1, "--quiet")
    text = run_verb("info", "t").stdout
    assert "predicts    'y', numbers (scaled inside, predicted in their own units)" in text
    assert "categorical 1: 'k'" in text
    assert "left out    'n' (constant)" in text
    assert re.search(r"held out +'y': RMSE", text)


def test_help_and_version():
    text = run_verb("-h").stdout
    for verb, line in VERBS.items():
        assert f"  {verb} " in text
        assert line in text
        assert "Usage: " in run_verb(verb, "-h").stdout
    assert run_verb().stdout == text
    assert re.fullmatch(r"chainrule \S.*\n", run_verb("--version").stdout)


def test_help_names_every_entry_of_the_catalogues():
    from chainrule.network import activations, losses, optimizers

    text = " ".join(run_verb("train", "-h").stdout.split())
    for catalogue in (activations.CATALOGUE, losses.CATALOGUE, optimizers.CATALOGUE):
        assert ", ".join(catalogue) in text
