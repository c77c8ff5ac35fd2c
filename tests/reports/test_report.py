"""The page: what it holds, in both languages, with hostile names; where it is written."""

import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.command_line.main import command
from chainrule.language.phrase_books import phrases_of
from chainrule.network.drawing import draw
from chainrule.pictures.charts import bars, heat_table
from chainrule.pictures.scales import number_text
from chainrule.reports import make_report
from chainrule.reports.comparison import comparison_of
from chainrule.reports.report_blocks import Grid, Pictures, Section
from chainrule.reports.report_page import page_of
from chainrule.table_models.leaderboard import leaderboard_csv
from chainrule.table_models.run_folders import write_run
from tests.reports.runs import CHINESE, HOSTILE, hostile_run, iris_run, numbers_run

VOID = {"meta", "br"}


class Reading(HTMLParser):
    """The texts of a page by the elements that they are in; every element must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and "style" not in self.open:
            self.texts.append((self.open[-1], " ".join(data.split())))

    def of(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in tags]


@pytest.fixture(scope="module")
def pages():
    runs = {"hostile": hostile_run(), "iris": iris_run(), "numbers": numbers_run()}
    return {
        (name, language): run.report(language=language).html
        for name, run in runs.items()
        for language in ("en", "zh")
    }


def run_verb(*arguments, code=0):
    result = CliRunner().invoke(command, [str(word) for word in arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_page_has_every_section_and_no_script(pages):
    for (name, language), page in pages.items():
        reading = Reading(page)
        texts = phrases_of("report", language)
        answers = "residuals_title" if name == "numbers" else "classes_title"
        keys = ("summary", "data", answers, "importance_title", "wrong_title", "diagnosis")
        wanted = [texts[key] for key in (*keys, "network_title", "derivation")]
        assert reading.of("h2") == wanted, name
        assert "script" not in reading.tags
        assert not [a for a in reading.attributes if a[1].startswith("on")]
        links = [value for _, key, value in reading.attributes if key in ("href", "src")]
        assert len(links) == len(wanted)
        assert all(link.startswith("#") for link in links), name
        assert not re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", page), name


def test_every_name_is_escaped_and_comes_through(pages):
    for language in ("en", "zh"):
        reading = Reading(pages["hostile", language])
        assert HOSTILE in reading.of("td")
        assert CHINESE in reading.of("td")
        assert "<b>" not in pages["hostile", language]
        assert "<i>是</i>" in reading.of("td")
        assert "i" not in reading.tags


def test_the_page_has_the_numbers_of_the_run(pages):
    run = iris_run()
    cells = Reading(pages["iris", "en"]).of("td", "strong")
    assert f"{100 * run.score.accuracy:.1f} %" in cells
    assert "33.3 %" in cells
    assert pages["iris", "en"].count("<svg") >= 7
    assert "4-8" not in pages["iris", "en"]
    derived = pages["numbers", "en"]
    assert derived.count("<math") > 50
    assert phrases_of("report", "en")["derivation_passed"] in derived


def test_a_chinese_page_is_chinese(pages):
    reading = Reading(pages["iris", "zh"])
    prose = " ".join(reading.of("p", "h1", "h2", "caption", "th", "a"))
    words = set(re.findall("[A-Za-z]{3,}", prose))
    columns = {"sepal", "petal", "length", "width", "species", "iris", "csv", "examples"}
    named = {"ROC", "Brier", "SHA", "chainrule", "derive", "run", "model", "network", "hidden"}
    named |= {"log", "loss"}  # the loss by its name: --loss log_loss
    assert words <= columns | named | {"epochs", "group"}


def test_both_languages_have_the_same_phrases_and_every_one_is_used():
    english, chinese = phrases_of("report", "en"), phrases_of("report", "zh")
    assert list(english) == list(chinese)
    folder = Path(make_report.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    made = re.findall(r'f"(\w*)\{[^}"]+\}(\w*)"', source)
    patterns = [re.compile(f"{before}\\w+{after}") for before, after in made if before or after]
    for key, text in english.items():
        asked = set(re.findall(r"\{\w+\}", text))
        assert asked == set(re.findall(r"\{\w+\}", chinese[key])), key
        assert f'"{key}"' in source or any(p.fullmatch(key) for p in patterns), key


def test_a_run_folder_has_its_report_or_not(tmp_path, monkeypatch):
    data = Path("examples/iris.csv").resolve()
    monkeypatch.chdir(tmp_path)
    train = ["train", data, "--target", "species", "--hidden", "4", "--epochs", "3", "--quiet"]
    run_verb(*train, "--output", "a", "--language", "zh")
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<html lang="zh-Hans">')
    run_verb(*train, "--output", "a", "--no-report")
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "leaderboard.csv",
        "metrics.jsonl",
        "model.safetensors",
    ]


def test_a_report_that_fails_does_not_lose_the_model(tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("for this\ntest")

    monkeypatch.setattr(make_report, "report_of", fail)
    train = ["train", "examples/iris.csv", "--target", "species", "--hidden", "4", "--epochs", "2"]
    result = run_verb(*train, "--output", tmp_path / "a", "--quiet")
    (line,) = result.stderr.splitlines()
    assert line.startswith("chainrule: note: no report was written (ZeroDivisionError: for this")
    assert cr.load(tmp_path / "a").predict("examples/iris.csv").shape == (150,)
    assert not (tmp_path / "a" / "report.html").exists()


def test_the_verb_shows_makes_and_compares_reports(tmp_path, monkeypatch):
    data = Path("examples/iris.csv").resolve()
    monkeypatch.chdir(tmp_path)
    train = ["train", data, "--target", "species", "--hidden", "4", "--quiet"]
    run_verb(*train, "--output", "a", "--epochs", "30")
    run_verb(*train, "--output", "b", "--epochs", "1", "--no-report")
    assert run_verb("report", "a").stdout == "a/report.html\n"
    before = Path("a/report.html").read_bytes()
    result = run_verb("report", "a", "--data", data, code=2)
    assert "there is a report already" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert Path("a/report.html").read_bytes() == before
    assert run_verb("report", "a", "--data", data, "--output", "x.html").stdout == "x.html\n"
    assert "The score is on the 150 rows that were given" in Path("x.html").read_text("utf-8")
    assert run_verb("report", "b").stdout == "b/report.html\n"
    stored = Reading(Path("b/report.html").read_text("utf-8"))
    assert phrases_of("report", "en")["no_rows"] in stored.of("p")
    assert run_verb("report", "a", "b", "--language", "zh").stdout == "comparison.html\n"
    reading = Reading(Path("comparison.html").read_text("utf-8"))
    scores = {
        name: cr.load(name).training["score"]["targets"][0]["accuracy"] for name in ("a", "b")
    }
    assert scores["a"] > scores["b"]
    assert f"{100 * scores['a']:.1f} %" in reading.of("strong")
    assert f"{100 * scores['b']:.1f} %" not in reading.of("strong")
    assert {"30", "1"} <= set(reading.of("strong"))  # the epochs differ
    assert run_verb("report", "a", "b", "--data", data, code=2).stderr.count("\n") == 1
    result = run_verb("report", "a", "--output", "a/model.safetensors", code=2)
    assert len(result.stderr.splitlines()) == 1
    assert cr.load("a").task == "classification"


def test_runs_of_several_targets_are_not_compared(tmp_path):
    folders = []
    for target in ("species", "petal_width"):
        folder = tmp_path / target
        run_verb(
            *("train", "examples/iris.csv", "--target", target, "--hidden", "4"),
            *("--epochs", "2", "--quiet", "--no-report", "--output", folder),
        )
        folders.append(str(folder))
    page = comparison_of(folders).html
    assert phrases_of("report", "en")["other_targets"] in page
    assert Reading(page).of("h2") == ["Scores", "Loss by epoch", "Settings"]


def compared(tmp_path, **tables):
    """Return what is read on the page that compares runs on tables, by the folders' names."""
    for name, (frame, target) in tables.items():
        run = cr.train_table(frame, target, hidden=(2,), epochs=1)
        board = leaderboard_csv(run.trials, run.task.objective)
        write_run(tmp_path / name, run.model, run.history, board)
    return Reading(comparison_of([str(tmp_path / name) for name in tables]).html)


def test_equal_names_of_targets_do_not_make_runs_comparable(tmp_path):
    """One target, "y", of two tables; and of one table, with fewer columns, and with other rows."""
    generator = np.random.default_rng(0)
    columns = {name: generator.normal(size=60) for name in "abcd"}
    text = np.where(columns["a"] > 0, "yes", "no")
    one = pl.DataFrame({**columns, "y": columns["a"]})
    other = pl.DataFrame(
        {**{key * 2: values for key, values in columns.items()}, "y": columns["b"]}
    )
    texts = phrases_of("report", "en")
    warnings = (texts["other_data"], texts["other_rows"], texts["other_targets"])

    def found(**tables):
        reading = compared(tmp_path, **tables)
        shown = [text for text in reading.of("p") if text in warnings]
        return shown, reading

    shown, reading = found(a=(one, "y"), b=(other, "y"))
    assert shown == [texts["other_data"]]
    assert len(reading.of("figcaption")) == 2  # losses of other data have charts of their own
    columns_of_scores = reading.of("strong")
    assert not [text for text in columns_of_scores if "." in text]  # no score is the best
    classes = one.with_columns(y=pl.Series(text))
    assert found(c=(classes, "y"), d=(classes.with_columns(y=pl.Series(text + "!")), "y"))[0] == [
        texts["other_data"]
    ]
    shown, reading = found(e=(one, "y"), f=(one.drop("c", "d"), "y"))
    assert shown == []
    assert reading.of("figcaption") == []
    assert found(g=(one, "y"), h=(one[:40], "y"))[0] == [texts["other_rows"]]


def test_classifiers_are_compared_by_their_log_loss_too(tmp_path):
    x = np.linspace(0.0, 1.0, 80)
    frame = pl.DataFrame({"x": x, "y": np.where(x > 0.5, "high", "low")})
    reading = compared(tmp_path, a=(frame, "y"), b=(frame.with_columns(x=-pl.col("x")), "y"))
    texts = phrases_of("report", "en")
    assert texts["alone"] in reading.of("th")
    assert reading.of("td").count(texts["metric_log_loss"]) == 2
    board = (tmp_path / "a" / "leaderboard.csv").read_text().splitlines()
    value = float(board[1].split(",")[2])
    assert number_text(value) in reading.of("td")
    (tmp_path / "a" / "leaderboard.csv").write_text("rank,metric,value\n1,log_loss,many\n")
    page = comparison_of([str(tmp_path / "a"), str(tmp_path / "b")]).html
    assert Reading(page).of("td").count(texts["metric_log_loss"]) == 1


def test_the_columns_are_counted_and_not_only_the_listed_ones():
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({f"c{number}": generator.normal(size=30) for number in range(120)})
    run = cr.train_table(frame.with_columns(constant=1.0), "c7", hidden=(2,), epochs=1)
    reading = Reading(run.report().html)
    assert reading.of("summary")[0] == "102 of 121 columns"
    assert "19 more columns are not listed" in reading.of("caption")
    run = cr.train_table(frame[:, :15], "c7", hidden=(2,), epochs=1)
    assert Reading(run.report().html).of("summary")[0] == "All 15 columns"


def test_categories_too_rare_for_an_input_are_counted():
    kinds = [f"k{number}" for number in range(230) for _ in range(5)]
    y = np.arange(1150.0) % 13 / 3
    run = cr.train_table(pl.DataFrame({"kind": kinds, "y": y}), "y", hidden=(2,), epochs=1)
    assert run.model.preprocessor.rare == {"kind": 30}
    uses = Reading(run.report().html).of("td")
    assert "one-hot: 200 inputs; 30 rarer categories have none" in uses


def test_bars_of_dependence_are_named_by_their_categories():
    name = "the_marital_status"
    kinds = ["Married-AF-spouse", "Married-civ-spouse", "Never-married"] * 20
    y = np.tile([1.0, 2.0, 5.0], 20) + np.linspace(0.0, 0.5, 60)
    run = cr.train_table(pl.DataFrame({name: kinds, "y": y}), "y", hidden=(4,), epochs=5)
    texts = Reading(run.report().html).of("text")
    assert {*kinds} <= set(texts)
    assert any(text.startswith(f"{name}: mean prediction") for text in texts)


def test_pictures_and_cells_have_the_room_that_they_need():
    """26 classes fill a line, a deep graph is wider than the text, and of many runs two fit."""
    labels = [chr(65 + number) for number in range(26)]
    matrix = heat_table(1000 * np.eye(26), labels)
    small = bars(["a"], [1.0], "title")
    layers = draw(cr.Network.dense([4, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 2]))
    long = "scaled: (x − 105.4) / 75.5, then into ±3 smoothly"
    blocks = (
        Pictures((matrix, small)),
        Pictures((layers,)),
        Pictures((small, small), ("one", "two")),
        Grid(("use", "count"), ((long, "1"), ("short", long)), frozenset({1})),
    )
    page = page_of("t", [Section("s", "S", blocks)], phrases_of("report", "en"), "en")
    reading = Reading(page)
    figures = [(tag, name, value) for tag, name, value in reading.attributes if tag == "figure"]
    kinds = [value for _, name, value in figures if name == "class"]
    assert kinds == ["whole", "beyond"]
    assert reading.of("figcaption") == ["one", "two"]
    assert page.count('<div class="pictures">') == 3
    cells = [value for tag, name, value in reading.attributes if tag == "td" and name == "class"]
    assert cells == ["long", "number", "number"]


def test_charts_of_many_runs_stand_beside_each_other(tmp_path):
    run = numbers_run()
    folders = [str(tmp_path / f"run {number}") for number in range(5)]
    for folder in folders:
        write_run(Path(folder), run.model, run.history)
    reading = Reading(comparison_of(folders).html)
    assert reading.tags.count("figure") == 5
    assert [v for t, n, v in reading.attributes if (t, n) == ("div", "class")].count(
        "pictures"
    ) == 1
    assert reading.of("figcaption") == [f"run {number}" for number in range(5)]


def test_damaged_metrics_have_one_clear_line(tmp_path):
    folder = tmp_path / "run"
    run_verb(
        *("train", "examples/iris.csv", "--target", "species", "--hidden", "4", "--epochs", "2"),
        *("--quiet", "--no-report", "--output", folder),
    )
    for text in ("not JSON", "[1]", '{"loss": [1]}', "[" * 100_000):
        (folder / "metrics.jsonl").write_text(text)
        result = run_verb("report", folder, code=2)
        assert "metrics.jsonl: is damaged" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_pickled_run_holds_no_data_and_still_reports():
    run = iris_run()
    stored = pickle.dumps(run)
    assert len(stored) < len(pickle.dumps(run.model)) + 20_000
    loaded = pickle.loads(stored)
    assert run.rows is not None
    assert loaded.rows is None
    assert phrases_of("report", "en")["no_rows"] in loaded.report().html


def test_a_report_in_a_notebook_is_a_frame(pages, tmp_path):
    report = numbers_run().report(tmp_path / "page.html")
    shown = Reading(report._repr_html_())
    assert [(tag, name) for tag, name, _ in shown.attributes] == [
        ("iframe", "srcdoc"),
        ("iframe", "sandbox"),
        ("iframe", "style"),
    ]
    assert shown.attributes[0][2] == report.html
    assert (tmp_path / "page.html").read_text("utf-8") == report.html
    assert len(repr(report)) < 80
    assert json.dumps(report.html)
