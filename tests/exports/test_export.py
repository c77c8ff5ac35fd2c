"""What may be exported, to where, and what is refused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command
from chainrule.errors import InputError, InputTypeError
from chainrule.exports.export_model import FORMATS, format_for
from tests.exports.cases import case


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    cr.save(case("iris, hidden").model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


PEERS = {"onnx": "onnx", "excel": "xlsxwriter"}
"""Formats whose files are bytes, and what writes them."""


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(command, ["export", *map(str, words)])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.peers(PEERS[n])] if n in PEERS else []) for n in FORMATS],
)
def test_the_verb_writes_what_the_function_returns(name: str, saved: Path) -> None:
    output = saved.with_name(f"model{FORMATS[name].suffixes[0]}")
    assert run(saved, "--output", output) == (0, "")
    expected = cr.export(cr.load(saved), name)
    written = output.read_bytes()
    assert written == (expected.encode() if isinstance(expected, str) else expected)
    assert cr.export(cr.load(saved), output=output) == expected
    if name not in PEERS:
        assert run(saved, "--to", name) == (0, expected)


def test_the_ending_and_the_format_have_to_agree(saved: Path) -> None:
    code, text = run(saved, "--to", "numpy", "--output", saved.with_suffix(".h"))
    assert code == 2
    assert "`output` must end in .py for the format 'numpy'" in text
    code, text = run(saved, "--output", saved.with_suffix(".txt"))
    assert code == 2
    assert "must be a path that ends in one of " in text
    code, text = run(saved)
    assert code == 2
    assert "got no path. Name the format" in text
    assert format_for("numpy", "x.txt") == "numpy"
    with pytest.raises(InputError, match="`to` must be 'c'"):
        cr.export(case("iris, hidden").model, "pickle")


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        ("--training", {"training": True}),
        ("--int8", {"int8": True}),
        ("--no-libm", {"libm": False}),
    ],
)
def test_options_of_c(option: str, setting: dict[str, Any], saved: Path) -> None:
    """The verb writes what the function returns, and states the figures that are in the header."""
    output = saved.with_suffix(".h")
    code, text = run(saved, "--output", output, option)
    header = str(cr.export(cr.load(saved), "c", **setting))
    assert code == 0
    assert output.read_text(encoding="utf-8") == header
    flash, ram, *learning, worst = re.findall(r"(?:^| )([\d.,e+-]+) (?:bytes|at most)", text)
    assert f"Constants: {flash.replace(',', '')} bytes" in header
    assert f"Working memory: {ram.replace(',', '')} bytes" in header
    assert f"differ by {worst} at most" in header
    if learning:
        assert f"{learning[0].replace(',', '')} bytes of stack while a step runs" in header
    assert bool(learning) == (option == "--training")
    ((name, value),) = setting.items()
    for other in FORMATS:
        if other != "c":
            code, text = run(saved, "--to", other, option)
            assert code == 2
            assert f"`{name}` must be {not value} for the format '{other}'" in text
    with pytest.raises(InputTypeError, match=f"`{name}` must be True or False, got 'yes'"):
        cr.export(cr.load(saved), "c", **{**setting, name: "yes"})


def test_the_model_is_not_overwritten(saved: Path) -> None:
    code, text = run(saved, "--to", "numpy", "--output", saved)
    assert code == 2
    assert "is the input" in text


@pytest.mark.parametrize("model", [3, "model", None, cr.MLPClassifier(), (1, 2), ()])
def test_what_is_no_model_is_refused(model: object) -> None:
    with pytest.raises(InputTypeError, match="`model` must be"):
        cr.export(model, "numpy")


def test_infinite_parameters_are_refused() -> None:
    network = cr.Network.dense([1, 1], "identity")
    with pytest.raises(InputError, match="finite"):
        cr.export((network, {"W_1": [[np.inf]], "b_1": [0.0]}), "numpy")
