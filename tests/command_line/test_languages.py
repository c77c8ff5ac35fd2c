"""The verbs of tables in Chinese: the numbers of the English output, and no English sentence."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.command_line.main import command

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
NAMES = {
    *("iris", "csv", "data", "species", "setosa", "versicolor", "virginica", "model", "chainrule"),
    *("predict", "DATA", "safetensors", "report", "html", "relu", "silu", "softmax", "log", "loss"),
    *("adam", "adamw", "piecewise", "periodic", "both", "accuracy", "balanced", "auc", "brier"),
    *("f", "calibration", "error", "epochs", "learning", "rate", "hidden", "ROC", "mse", "RMSE"),
    *("sepal", "petal", "length", "width", "e", "SHA", "R", "rmse", "mae", "mape", "NA", "then"),
    *("r", "sigmoid", "parameters", "tanh"),  # a network is described as in Python
    *("x", "y", "day", "code", "leaderboard", "run", "year", "month", "relative", "squared"),
    *("of", "identity"),
}
"""Names: of files, columns, metrics, functions, options."""


def printed(language, *arguments, environment=None):
    words = [str(word) for word in arguments]
    words += ["--language", language] if language else []
    result = CliRunner().invoke(command, words, env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def numbers(text):
    """Return the numbers but for those of time: how long it took, and which epochs were seen."""
    text = re.sub(r"[\d.]+ (s\b|秒)|^(epoch|轮次).*", "", text, flags=re.MULTILINE)
    return Counter(re.findall(r"\d[\d,.]*\d|\d", text))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(IRIS, tmp_path / "iris.csv")
    lines = ["day,code,x,y"]
    lines += [
        f"2020-01-{n:02},{n % 3},{'NA' if n == 3 else n / 7:.5},{n * 1.5}" for n in range(1, 29)
    ]
    (tmp_path / "data.csv").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


RUNS = [
    ("train", "iris.csv", "--target", "species", "--epochs", 3, "--seed", 1),
    ("train", "iris.csv", "--target", "species", "--preset", "fast", "--epochs", 2),
    ("train", "data.csv", "--target", "y", "--hidden", 3, "--epochs", 2, "--time", "day"),
    ("train", "data.csv", "--target", "y", "--target", "x", "--hidden", 3, "--epochs", 2),
    ("cv", "data.csv", "--target", "y", "--hidden", 3, "--epochs", 2, "--repeats", 2),
    ("verify", "--layers", "2,3,1"),
]


@pytest.mark.parametrize("arguments", RUNS, ids=[" ".join(map(str, run[:4])) for run in RUNS])
def test_a_run_in_chinese_states_the_same_numbers(folder, arguments):
    if "x" in arguments:
        text = (folder / "data.csv").read_text(encoding="utf-8")
        (folder / "data.csv").write_text(text.replace("NA", "0.5"), encoding="utf-8")
    english, chinese = (printed(language, *arguments) for language in ("en", "zh"))
    assert numbers(chinese) == numbers(english)
    assert set(re.findall("[A-Za-z]+", chinese)) <= NAMES
    assert not set(re.findall("[\u4e00-\u9fff]", english))


def test_stored_models_in_chinese(folder):
    for data, target in (("iris", "species"), ("data", "y")):
        printed("en", "train", f"{data}.csv", "--target", target, "--hidden", 3, "--quiet")
        for verb in (
            ("evaluate", data, f"{data}.csv"),
            ("info", data),
            ("predict", data, f"{data}.csv"),
        ):
            english, chinese = (printed(language, *verb) for language in ("en", "zh"))
            assert numbers(chinese) == numbers(english)
            if verb[0] != "info":  # the settings have the names of the arguments
                assert not set(re.findall("[A-Za-z]+", chinese)) - NAMES - {"prediction"}


def test_the_locale_decides_where_no_language_is_given(folder):
    arguments = ("train", "iris.csv", "--target", "species", "--hidden", 3, "--epochs", 1)
    assert "准确率" in printed(None, *arguments, environment={"LC_ALL": "zh_CN.UTF-8"})
    assert "accuracy" in printed(None, *arguments, environment={"LC_ALL": "de_DE.UTF-8"})
    assert "准确率" in printed("zh", *arguments, environment={"LC_ALL": "C"})


def test_the_page_of_a_report_is_in_the_language_of_the_locale_or_as_stated(folder):
    train = ("train", "iris.csv", "--target", "species", "--hidden", 3, "--epochs", 1, "--quiet")
    printed("en", *train, "--output", "run", "--no-report")
    chinese = {"LC_ALL": "zh_CN.UTF-8"}
    for language, environment, expected in [
        (None, chinese, "zh"),
        (None, {"LC_ALL": "C"}, "en"),
        ("en", chinese, "en"),
        ("zh", {"LC_ALL": "C"}, "zh"),
    ]:
        printed(language, "report", "run", "--output", "page.html", environment=environment)
        page = (folder / "page.html").read_text(encoding="utf-8")
        assert f'<html lang="{expected}' in page
    # That of the locale asks for no other page where one is stored.
    printed("en", "report", "run", environment=chinese)
    assert printed(None, "report", "run", environment=chinese) == "run/report.html\n"


def test_the_figures_of_an_export_in_chinese(folder):
    printed(
        *("en", "train", "iris.csv", "--target", "species", "--hidden", 3),
        *("--epochs", 1, "--quiet"),
    )
    english, chinese = (
        printed(language, "export", "iris", "--output", "model.h", "--training")
        for language in ("en", "zh")
    )
    assert numbers(chinese) == numbers(english)
    assert len(numbers(english)) >= 4
    assert not re.findall("[A-Za-z]{2,}", re.sub(r"\d\S*", "", chinese))
