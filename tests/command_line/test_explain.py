"""``chainrule explain`` as a person uses it: what is printed, and the exit codes."""

import json
import re
import shutil
from pathlib import Path

import pytest

from chainrule.network.architecture import Network
from chainrule.table_models.model_files import save
from tests.command_line.verb_runs import IRIS, run_verb


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run folder of one training run."""
    place = tmp_path_factory.mktemp("trained")
    run_verb(
        *("train", IRIS, "--target", "species", "--hidden", "5", "--epochs", "3"),
        *("--output", place / "iris", "--quiet"),
    )
    return place / "iris"


def test_a_row_and_a_weight_are_explained(trained):
    shown = run_verb("explain", trained, IRIS, "--row", 3, "--weight", "W_ih[petal_width,2]").stdout
    assert shown.startswith("Backpropagation of the network 4-5-3, relu then softmax, log_loss")
    assert "row 3 (line 5 of the file)" in shown
    assert "W_ih[3,2] leads from input 3 (petal_width) to hidden unit 2" in shown
    assert re.search(r"\d+ formulas were checked and all agree", shown)


def test_the_first_row_is_explained_where_none_is_named(trained):
    named = run_verb("explain", trained, IRIS, "--row", 0).stdout
    assert run_verb("explain", trained, IRIS).stdout == named
    assert "Why" not in named


def test_several_rows_make_a_batch_in_chinese(trained):
    shown = run_verb(
        *("explain", trained / "model.safetensors", IRIS, "--row", 0, "--row", 70, "--row", 149),
        *("--weight", "b_ho[virginica]", "--language", "zh", "--layout", "columns"),
        *("--optimizer", "sgd", "--learning-rate", "0.5"),
    ).stdout
    assert "以 3 个样本（第 0、70、149 行，行号从 0 起）为一批做一步训练" in shown.replace(
        "\n  ", ""
    )
    assert "第 149 行，批内下标 2" in shown
    assert "b_ho[2] 为 2 号输出（virginica）的偏置" in shown
    assert "α = 0.5" in shown


def test_standard_input_is_read(trained):
    lines = IRIS.read_text().splitlines()[:3]
    shown = run_verb("explain", trained, "-", "--row", 1, stdin="\n".join(lines) + "\n").stdout
    assert "row 1 (line 3 of the file)" in shown


def test_pages_are_written(trained, tmp_path):
    for form, begins in (
        ("html", "<!doctype html>"),
        ("latex", "\\documentclass"),
        ("text", "Back"),
    ):
        place = tmp_path / f"page.{form}"
        done = run_verb("explain", trained, IRIS, "--format", form, "--output", place)
        assert done.output == ""
        assert place.read_text(encoding="utf-8").startswith(begins)


def test_json_has_every_number(trained):
    record = json.loads(
        run_verb("explain", trained, IRIS, "--row", 3, "--weight", "W_ho[1,0]", "--json").stdout
    )
    assert record["passed"] is True
    assert record["rows"] == [3]
    assert record["optimizer"]["name"] == "adam"
    assert [cell["column"] for cell in record["row"]][-1] == "species"
    assert {line["left"] for line in record["lines"]} >= {"z_h", "a_o", "δ_o", "∂Loss/∂W_ih"}
    weight = record["weight"]
    assert weight["name"] == "W_ho[1,0]"
    assert weight["change"] == pytest.approx(weight["after"] - weight["before"], abs=1e-16)
    assert sum(cause["value"] for cause in weight["causes"]) == pytest.approx(weight["change"])
    assert sum(share["value"] for share in weight["shares"]) == pytest.approx(weight["gradient"])
    update = next(line for line in record["lines"] if line["left"] == "W_ho")
    assert update["assigns"]
    assert update["value"][1][0] == weight["after"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--row", "150"], "`row` must be from 0 to 149, got 150: .*iris.csv has 150 rows"),
        (["--row", "-1"], "`row` must be from 0 to 149, got -1"),
        (["--row", "x"], "invalid value for '--row'"),
        (["--weight", "W_hi[0,0]"], "unknown weight 'W_hi'. Did you mean 'W_ih'"),
        (["--weight", "W_ih[petal,0]"], "two indices.*Did you mean 'petal_"),
        (["--weight", "W_ih[9,0]"], "index of the input from 0 to 3"),
        (["--optimizer", "adm"], "unknown optimizer 'adm'. Did you mean 'adam'"),
        (["--learning-rate", "0"], r"learning_rate must be a finite number in .* got 0"),
        (["--language", "de"], "invalid value for '--language'"),
    ],
)
def test_mistakes_are_one_line_and_code_2(trained, options, words):
    done = run_verb("explain", trained, IRIS, *options, code=2)
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert re.search(words, done.stderr), done.stderr


def test_a_table_without_the_target_is_refused(trained, tmp_path):
    lines = [line.rsplit(",", 1)[0] for line in IRIS.read_text().splitlines()]
    (tmp_path / "plain.csv").write_text("\n".join(lines))
    done = run_verb("explain", trained, tmp_path / "plain.csv", code=2)
    assert "target 'species' is no column" in done.stderr
    assert "chainrule predict" in done.stderr


def test_a_model_without_a_table_is_refused(tmp_path):
    network = Network.dense([2, 3, 1])
    save((network, network.initialize(seed=0)), tmp_path / "plain.safetensors")
    done = run_verb("explain", tmp_path / "plain.safetensors", IRIS, code=2)
    assert "contains a network without the preprocessing of a table" in done.stderr


def test_the_input_is_never_overwritten(trained, tmp_path):
    shutil.copy(IRIS, tmp_path / "iris.csv")
    before = Path(tmp_path / "iris.csv").read_bytes()
    done = run_verb(
        "explain", trained, tmp_path / "iris.csv", "--output", tmp_path / "iris.csv", code=2
    )
    assert "is the input, which would be lost" in done.stderr
    assert (tmp_path / "iris.csv").read_bytes() == before
