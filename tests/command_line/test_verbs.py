"""The verbs as a person uses them: what is printed, what is written, and the exit codes."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import chainrule.command_line.training_report as training_report
from chainrule.check_result import CheckResult
from chainrule.command_line.epoch_texts import curve_text
from chainrule.command_line.human_numbers import figure
from chainrule.command_line.main import VERBS, command
from chainrule.errors import DataWarning
from chainrule.language.printed_phrases import Wording
from chainrule.network.architecture import Network
from chainrule.pictures.sparkline import sparkline
from chainrule.table_models.model_files import load, save
from chainrule.table_models.table_training import train_table
from chainrule.training.results import Progress
from chainrule.verification import Verification

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with iris.csv and nothing else."""
    shutil.copy(IRIS, tmp_path / "iris.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run folder of one training run."""
    place = tmp_path_factory.mktemp("trained")
    run = run_verb(
        *("train", IRIS, "--target", "species", "--hidden", 64),
        *("--output", place / "iris", "--quiet"),
    )
    assert run.output == ""
    return place / "iris"


def run_verb(*arguments, code=0, stdin=None):
    result = CliRunner().invoke(command, [str(word) for word in arguments], input=stdin)
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def names(place):
    return sorted(entry.name for entry in place.iterdir())


# -- train -----------------------------------------------------------------------------------------


def test_train_shows_what_a_person_wants_to_see(folder):
    run = run_verb("train", "iris.csv", "--target", "species", "--hidden", 64)
    lines = run.stdout.splitlines()
    for place, pattern in enumerate(
        [
            "data      iris.csv",
            "          150 rows, 5 columns: 4 numeric, 1 target",
            "          target 'species' of 3 classes: 'setosa' 50, 'versicolor' 50, 'virginica' 50",
            "          no missing cells",
            "inputs    4 columns",
            "network   4-64-3, relu then softmax, log_loss, 515 parameters",
            "          adam at 0.003, batches of 32, 50 epochs",
            "training  120 rows, 30 others held out; seed 0",
        ]
    ):
        assert lines[place] == pattern
    epochs = [line for line in lines if line.startswith("epoch")]
    assert 3 <= len(epochs) <= 8
    assert all(
        re.fullmatch(
            r"epoch +\d+ of 50: loss [\d.e-]+, held-out loss [\d.e-]+, best [\d.e-]+", line
        )
        for line in epochs
    )
    assert re.fullmatch(r"trained   in \d+\.\d s", lines[-5])
    score = re.fullmatch(
        r"held out  accuracy (\d+\.\d) % \(\d+ of 30 rows\); always 'setosa', the most frequent "
        r"class: 33\.3 %",
        lines[-4],
    )
    assert float(score[1]) > 85
    assert lines[-3:] == [
        "model     iris/model.safetensors",
        "report    iris/report.html",
        "next      chainrule predict iris DATA",
    ]
    assert names(folder) == ["iris", "iris.csv"]
    files = ["leaderboard.csv", "metrics.jsonl", "model.safetensors", "report.html"]
    assert names(folder / "iris") == files
    metrics = [
        json.loads(line) for line in (folder / "iris" / "metrics.jsonl").read_text().splitlines()
    ]
    assert [line["epoch"] for line in metrics] == list(range(1, 51))
    assert {"loss", "data_loss", "validation_loss"} <= set(metrics[0])


def test_train_again_replaces_the_run(folder):
    for seed in (0, 1):
        run_verb("train", "iris.csv", "--target", "species", "--epochs", 1, "--seed", seed)
        assert load("iris").training["seed"] == seed


def test_train_on_numbers_and_a_mixed_table(folder):
    rng = np.random.default_rng(0)
    rows = 200
    x = rng.normal(size=rows)
    pl.DataFrame(
        {
            "x": [None, *x[1:]],
            "group": rng.choice(["a", "b"], rows),
            "one": ["same"] * rows,
            "y": 40_000 + 5_000 * x,
        }
    ).write_csv("mixed.csv")
    lines = run_verb("train", "mixed.csv", "--target", "y", "--hidden", 64).stdout.splitlines()
    assert "          1 missing cell: 'x' 1" in lines
    assert "          target 'y': numbers (regression)" in lines
    assert (
        "inputs    2 columns as 3 numbers (categories one-hot); left out: 'one' (constant)" in lines
    )
    assert re.fullmatch(
        r"held out  'y': RMSE [\d,.]+, R² [01]\.\d+, mean absolute error [\d,.]+ \(40 rows\); "
        r"always [\d,.]+, the mean: RMSE [\d,.]+",
        lines[-4],
    )


def test_train_reports_a_score_no_better_than_the_baseline(folder):
    run = run_verb(
        *("train", "iris.csv", "--target", "species", "--hidden", 64),
        *("--epochs", 1, "--learning-rate", 1e-9),
    )
    assert "no better than that: add columns that predict the target" in run.stdout


def test_train_without_validation_states_the_rows_of_the_score(folder):
    run = run_verb(
        *("train", "iris.csv", "--target", "species", "--hidden", 64),
        *("--validation", 0, "--epochs", 2),
    )
    assert "150 rows, none held out" in run.stdout
    assert re.search(r"^seen rows accuracy .* \(\d+ of 150 rows\)", run.stdout, re.MULTILINE)
    assert "held-out loss" not in run.stdout


def test_train_json_is_one_object(folder):
    run = run_verb(
        "train", "iris.csv", "--target", "species", "--json", "--hidden", 64, "--epochs", 3
    )
    record = json.loads(run.stdout)
    assert run.stderr == ""
    assert record["data"]["rows"] == 150
    assert record["data"]["classes"] == [["setosa", 50], ["versicolor", 50], ["virginica", 50]]
    assert record["networks"] == ["4-64-3, relu then softmax, log_loss, 515 parameters"]
    assert len(record["history"]["loss"]) == 3
    assert record["training"]["score"]["targets"][0]["baseline"]["accuracy"] == pytest.approx(1 / 3)
    assert Path(record["model"]).is_file()


def test_train_with_every_option(folder):
    run_verb(
        *("train", "iris.csv", "--target", "petal_length", "--target", "petal_width:number"),
        *("--hidden", "5,4", "--activation", "tanh,relu", "--loss", "huber", "--optimizer", "sgd"),
        *("--learning-rate", "0.05", "--batch-size", "7", "--epochs", "2", "--validation", "0.5"),
        *("--categorical", "sepal_width", "--seed", "9", "--threads", "1", "--l2", "0.01"),
        *("--output", "deep/er/run", "--quiet"),
    )
    model = load("deep/er/run")
    assert re.match(r"\d\d-5-4-2, tanh\W.* relu\W.* identity, huber, L2 0.01", str(model.network))
    assert model.training["optimizer"] == {
        "name": "sgd",
        "learning_rate": 0.05,
        "momentum": 0.0,
        "nesterov": False,
    }
    assert (model.training["batch_size"], model.training["seed"]) == (7, 9)
    with pytest.warns(DataWarning, match="'sepal_width' 2"):  # widths of held-out rows alone
        assert model.predict("iris.csv").shape == (150, 2)


def test_train_states_how_columns_are_read_and_takes_declarations(folder):
    rows = [f"{n},$1,{n % 28 + 1}/2/2020,{n % 7},x{n},{n % 2 == 0}" for n in range(30)]
    (folder / "t.csv").write_text(
        "\n".join(["a,price,day,code,note,sold", *rows]).replace("$1", "$2")
    )
    options = (
        "--column",
        "code:categorical",
        "--drop",
        "note",
        "--na",
        "3",
        "--epochs",
        "1",
        "--hidden",
        "4",
    )
    text = run_verb("train", "t.csv", "--target", "sold", *options).output
    start = text.index("columns ")
    assert text[start : text.index("inputs ")].splitlines() == [
        "columns   price: currency $, read as numbers",
        "          day: dates (day/month/year), read as year, month, day of week, day of year and "
        "days since the earliest",
        "          note: left out, as declared",
        "          sold: true and false, read as one feature",
    ]
    assert load("t").classes == ("False", "True")
    run_verb("predict", "t", "t.csv", "--output", "out.csv")
    assert set((folder / "out.csv").read_text().split()[1:]) <= {"False", "True"}
    run_verb("explain", "t", "t.csv", "--row", "0")
    error = run_verb("train", "t.csv", "--target", "sold", "--column", "code:text", code=2).output
    assert (
        "must be NAME:KIND with KIND one of numeric, categorical, date, date_dmy, date_mdy, drop"
        in error
    )
    (folder / "u.csv").write_text("a,sold\n" + '"1,234",x\n"2,345",y\n' * 5)
    assert (
        "declare the decimal sign" in run_verb("train", "u.csv", "--target", "sold", code=2).output
    )
    run_verb("train", "u.csv", "--target", "sold", "--decimal", ",", "--epochs", "1")


def test_train_from_standard_input_and_without_hidden_layers(folder):
    run_verb(
        *("train", "-", "--target", "species", "--hidden", "none", "--epochs", "1"),
        stdin=IRIS.read_bytes(),
    )
    assert load("standard-input").network.layers == (4, 3)


def test_the_command_line_and_the_library_agree(folder):
    run_verb("train", "iris.csv", "--target", "species", "--epochs", 4, "--quiet")
    same = train_table("iris.csv", "species", epochs=4).model
    assert load("iris").parameters.flat.tobytes() == same.parameters.flat.tobytes()


def test_on_a_terminal_there_is_a_bar_and_it_always_ends(folder, monkeypatch):
    """A real pseudo-terminal is met in test_processes; here the bar is met by its own console."""
    from rich.console import Console

    written = io.StringIO()
    report = training_report.TrainingReport("en", quiet=False, as_json=False)
    report._console = Console(file=written, force_terminal=True, width=100, highlight=False)
    with report:
        run = train_table("iris.csv", "species", hidden=(64,), epochs=3, on_start=report.starts,
                          on_progress=report.progress)  # fmt: skip
        report.ends(run, Path("iris"), Path("iris/model.safetensors"))
    text = written.getvalue()
    assert "3 of 3" in text
    assert "held-out loss" in text
    curves = re.findall(r"curve     ([▁-█]+)  held-out loss, best (\S+) in epoch (\d)", text)
    held = run.history["validation_loss"]
    assert curves[-1] == (sparkline(held), f"{min(held):.4g}", str(1 + held.index(min(held))))
    assert "\x1b[?25l" in text  # the cursor is hidden for the bar ...
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # ... and shown again
    with report:
        report.starts(run.task)
        assert report._progress is not None
    assert report._progress is None  # ended without an end, as an exception would


def test_the_curve_is_of_the_training_loss_without_rows_held_out_and_fits_the_terminal():
    from rich.console import Console

    narrow = Console(file=io.StringIO(), force_terminal=True, width=60)
    progress = Progress(200, 200, {"loss": [float(200 - n) for n in range(200)]})
    words = Wording("tables", "en")
    line = curve_text([progress], narrow, words)
    assert line.endswith("  loss, best 1 in epoch 200")
    assert len(line) == 59 < len(curve_text([progress], Console(width=100), words))
    nothing = Progress(1, 1, {"loss": [float("nan")]})
    assert curve_text([nothing], narrow, words) == "curve     x  loss"


def test_figures():
    assert [figure(value) for value in (0.0, 1.0, -0.5, 999.96, 123456.7, 1e12, 3.14159e-7)] == [
        "0",
        "1",
        "-0.5",
        "1,000",
        "123,457",
        "1e+12",
        "3.142e-07",
    ]
    assert figure(float("inf")) == "inf"


# -- predict ---------------------------------------------------------------------------------------


def test_predict_to_standard_output(trained):
    run = run_verb("predict", trained, IRIS)
    rows = list(csv.reader(io.StringIO(run.stdout)))
    assert rows[0] == ["prediction"]
    assert [row[0] for row in rows[1:]] == load(trained).predict(IRIS).tolist()


def test_predict_with_probabilities_to_files(trained, folder):
    frames = []
    for name in ("p.csv", "p.csv.gz", "p.parquet"):
        run = run_verb("predict", trained / "model.safetensors", IRIS, "--proba", "--output", name)
        assert run.output == ""
        read = pl.read_parquet if name.endswith("parquet") else pl.read_csv
        frames.append(read(name))
    assert names(folder) == ["iris.csv", "p.csv", "p.csv.gz", "p.parquet"]
    assert frames[0].columns == [
        "prediction",
        "probability_setosa",
        "probability_versicolor",
        "probability_virginica",
    ]
    for frame in frames:
        assert frame.equals(frames[0])
    chances = load(trained).probabilities(IRIS)
    np.testing.assert_array_equal(frames[0].select(pl.exclude("prediction")).to_numpy(), chances)


def test_predict_finds_columns_by_name_and_reports_the_filled_cells(folder):
    pl.DataFrame(
        {"y": [1.5, 2.5, 3.5] * 4, "a": [1.0, 2.0, 3.0] * 4, "c": ["u", "v", "u"] * 4}
    ).write_csv("t.csv")
    run_verb("train", "t.csv", "--target", "y", "--epochs", 1, "--quiet")
    Path("new.csv").write_text("extra,c,a\n1,u,2\n2,w,\n3,v,1\n3,,1\n4, ,1\n")
    run = run_verb("predict", "t", "new.csv")
    assert len(run.stdout.splitlines()) == 6
    assert run.stderr.splitlines() == [
        "chainrule: note: missing cells were filled with the training rows' median: 'a' 1",
        "chainrule: note: cells have a category that the training rows did not have: 'c' 1",
        "chainrule: note: text cells are missing where no training row had a missing one: 'c' 2",
    ]
    assert run_verb("predict", "t", "new.csv", "--language", "zh").stderr.splitlines()[2] == (
        "chainrule: 注意：有文字单元格缺失，而训练行中该列没有缺失：'c' 2"
    )


def test_every_verb_reads_a_table_of_a_stated_encoding(folder):
    rows = [f"{n},{'广州' if n % 2 else '北京'},{n % 2}" for n in range(40)]
    Path("旧.csv").write_text("\n".join(["面积,城市,已售", *rows]), encoding="gb18030")
    data, encoded = ("旧.csv",), ("--text-encoding", "gb18030")
    settings = ("--target", "已售", "--hidden", 3, "--epochs", 2)
    assert "--text-encoding gb18030" in run_verb("train", *data, *settings, code=2).stderr
    run_verb("train", *data, *settings, *encoded, "--output", "run", "--quiet", "--no-report")
    assert load("run").preprocessor.feature_names == ("面积", "城市=北京", "城市=广州")
    cells = pl.read_csv(
        run_verb("predict", "run", *data, *encoded, "--keep", "城市").stdout.encode()
    )
    assert cells["城市"].to_list() == ["北京", "广州"] * 20
    assert "40 rows" in run_verb("evaluate", "run", *data, *encoded, "--resamples", 0).stdout
    assert run_verb("explain", "run", *data, *encoded, "--json").stdout
    assert run_verb("cv", *data, *settings, *encoded, "--folds", 2, "--json").stdout
    run_verb("report", "run", "--data", *data, *encoded)
    assert Path("run", "report.html").exists()
    refused = run_verb("predict", "run", *data, "--text-encoding", "gb1803", code=2).stderr
    assert "unknown encoding 'gb1803'. Did you mean 'gb18030'?" in refused


def test_predict_several_targets(folder):
    run_verb(
        "train", "iris.csv", "--target", "petal_length", "--target", "petal_width",
        "--epochs", 1, "--quiet",
    )  # fmt: skip
    run = run_verb("predict", "iris", "-", stdin=IRIS.read_bytes())
    assert run.stdout.splitlines()[0] == "prediction_petal_length,prediction_petal_width"


# -- derive, verify, info --------------------------------------------------------------------------


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


# -- the command itself ----------------------------------------------------------------------------


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
