"""Every kind of bad input, as a person meets it: one line, exit code 2, nothing left behind."""

import json
import os
import re
import struct
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from chainrule.command_line.main import command
from chainrule.network.architecture import Network
from chainrule.table_models.model_files import save

GOOD = "x,c,t\n" + "".join(f"{row % 7}.5,{'ab'[row % 2]},{row % 2}\n" for row in range(40))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder):
    """Return every file below a folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def run(*arguments, stdin=None):
    return CliRunner().invoke(command, [str(word) for word in arguments], input=stdin)


def refused(folder, *arguments, stdin=None, code=2):
    """Run a verb that must refuse; return its one line."""
    before = everything(folder)
    result = run(*arguments, stdin=stdin)
    if not isinstance(result.exception, SystemExit):
        raise result.exception or AssertionError(f"not refused: {result.output}")
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("chainrule: error: ")
    assert "Traceback" not in line
    assert everything(folder) == before
    return line


# name: (content of data.csv, further arguments, what the line says)
TABLES = {
    "empty file": ("", (), r"data\.csv: the file is empty; it needs a header row"),
    "header only": ("x,t\n", (), r"data\.csv: has a header but no rows .*; add rows"),
    "unknown target": (
        GOOD.replace("x,c,t", "x,c,tt"),
        (),
        r"data\.csv: unknown column 't'. Did you mean 'tt'\? Available: 'x', 'c', 'tt'",
    ),
    "cell that is no number": (
        GOOD.replace("3.5", "3.5O", 1),
        (),
        r"data\.csv, line 5, column 'x': '3\.5O' is not a number, but 39 .*; correct the cell",
    ),
    "infinity": (GOOD.replace("3.5", "-inf", 1), (), r"line 5, column 'x': '-inf' is not a fin"),
    "nan as target": (
        GOOD.replace(",1\n", ",nan\n", 1),
        (),
        r"line 3, column 't': the target is missing, in 1 of 40 rows",
    ),
    "one class": (
        "x,t\n" + "1,a\n2,a\n3,a\n" * 5,
        (),
        r"data\.csv: the target 't' has one class only, 'a', in all 15 rows; give rows of at",
    ),
    "constant target": ("x,t\n" + "1,.5\n2,.5\n" * 9, (), r"target 't' is 0\.5 in all 18 rows"),
    "too few rows": (
        "x,t\n1,a\n2,b\n",
        (),
        r"data\.csv: 2 rows are too few for folds: at least 4 are needed; give more rows, or train "
        r"one network on all of them \(1 fold, validation 0\)",
    ),
    "one row": ("x,t\n1,2.5\n", ("--target", "t:number"), r"is 2\.5 in all 1 rows|named twice"),
    "constant columns": (
        "x,y,t\n" + "1,z,0\n1,z,1\n" * 9,
        (),
        r"no column is left to learn from \('x' is constant; 'y' is constant\); give at least one",
    ),
    "duplicate names": (
        GOOD.replace("x,c,t", "x,x,t"),
        (),
        r"line 1: columns 1 and 2 are both named 'x'; give every column a unique name",
    ),
    "missing target": (GOOD.replace(",1\n", ",\n", 1), (), r"line 3, column 't': the target is m"),
    "ragged": (GOOD + "1,a\n", (), r"line 42: has 2 cells where the header has 3; complete or"),
    "poisson with negatives": (
        "x,n\n1,3\n2,-4\n3,0\n4,-1\n" + "5,2\n" * 9,
        ("--target", "n:number", "--loss", "poisson"),
        r"line 3, column 'n': the target is -4, but loss poisson requires .*\(lines 3, 5 of 13 are",
    ),
    "gamma with zeros": (
        "x,n\n1,3\n2,0\n" + "5,2\n" * 9,
        ("--target", "n:number", "--loss", "gamma"),
        r"line 3, column 'n': the target is 0, but loss gamma requires targets in \(0, ∞\)",
    ),
    "gamma with classes": (GOOD, ("--loss", "gamma"), r"loss gamma requires .*use log_loss"),
    "log_loss with numbers": (
        "x,n\n" + "1,3.5\n2,0.5\n" * 9,
        ("--target", "n", "--loss", "log_loss"),
        r"line 2, column 'n': the target is 3\.5, .*append ':class' to the target",
    ),
    "classes and numbers": (
        GOOD,
        ("--target", "t", "--target", "x"),
        r"target 't' is of classes, but 2 targets are named",
    ),
    "same target twice": (GOOD, ("--target", "x", "--target", "x"), r"'x' is named twice"),
    "unknown kind": (GOOD, ("--target", "x:numbr"), r"unknown kind 'numbr'; write 'x:class"),
    "unknown categorical": (GOOD, ("--categorical", "cc"), r"unknown column 'cc'. Did you mean"),
    "keys as target": (
        "x,t\n" + "".join(f"{row},n{row}\n" for row in range(60)),
        (),
        r"60 different values in 60 rows, like a name or a key",
    ),
    "a row break in a name": ('"x\n","t\n"\n1,2\n', ("--target", "q"), r"unknown column 'q'"),
}


@pytest.mark.parametrize("name", TABLES)
def test_bad_tables(folder, name):
    content, extra, message = TABLES[name]
    Path("data.csv").write_text(content, encoding="utf-8")
    named = () if "--target" in extra else ("--target", "t")
    assert re.search(message, refused(folder, "train", "data.csv", *named, *extra))


def test_missing_files(folder):
    Path("data.csv").write_text(GOOD)
    assert "did you mean 'data.csv'?" in refused(folder, "train", "dta.csv", "--target", "t")
    assert "is a directory" in refused(folder, "train", ".", "--target", "t")
    assert "no such file" in refused(folder, "predict", "m", "data.csv")
    assert "no such file" in refused(folder, "info", "m")
    assert "no such file" in refused(folder, "verify", "m")
    assert "standard input: the file is empty" in refused(folder, "train", "-", "--target", "t")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "`epochs` must be an integer of at least 1, got 0"),
        (["--epochs", "ten"], "invalid value for '--epochs': 'ten' is not a valid integer; see"),
        (["--batch-size", "-3"], "`batch_size` must be an integer of at least 1, got -3"),
        (["--hidden", "64,"], "must be integers separated by commas, such as 64,64, got '64,'"),
        (["--hidden", "0"], "`hidden` must be an integer of at least 1, got 0"),
        (["--activation", "rely"], "unknown activation 'rely'. Did you mean 'relu'?"),
        (
            ["--hidden", "64", "--activation", "relu,relu,relu"],
            r"one name per hidden layer \(here 1\) .*, got a list of 3",
        ),
        (
            ["--hidden", "9", "--activation", "relu,tanh"],
            "'tanh' does not fit loss 'log_loss'|probabilities",
        ),
        (["--loss", "zebra"], "unknown loss 'zebra'. Available: 'mse'"),
        (["--optimizer", "adan"], "unknown optimizer 'adan'. Did you mean 'adam'?"),
        (
            ["--learning-rate", "-1"],
            r"adamw: learning_rate must be a finite number in \(0, ∞\), .* got -1",
        ),
        (
            ["--learning-rate", "nan"],
            r"adamw: learning_rate must be a finite number in \(0, ∞\), .* got nan",
        ),
        (["--l2", "-1"], r"L2: strength must be a finite number in \[0, ∞\), .* got -1"),
        (["--validation", "1"], r"`validation` must be a fraction from 0 .*, got 1\.0"),
        (["--validation", "0.999"], "too few to hold out the fraction 0.999"),
        (["--seed", "-1"], "`seed` must be an integer from 0 to 18446744073709551615, got -1"),
        (["--threads", "0"], "`threads` must be an integer of at least 1, got 0"),
        (["--epoch", "3"], "no such option.*--epochs"),
        (["more"], "got unexpected extra argument"),
    ],
)
def test_bad_settings(folder, arguments, message):
    Path("data.csv").write_text(GOOD)
    line = refused(folder, "train", "data.csv", "--target", "t", *arguments)
    assert re.search(message, line), line


def test_verbs_and_arguments_that_are_missing_or_unknown(folder):
    assert "did you mean train?" in refused(folder, "trian")
    assert "there is no such verb. The verbs are train, tune, cv, predict" in refused(
        folder, "zebra"
    )
    assert "missing argument 'DATA'" in refused(folder, "train")
    assert "missing option '--target'" in refused(folder, "train", "x.csv")
    assert "give either MODEL or --layers" in refused(folder, "verify")
    assert "give either MODEL or --layers" in refused(folder, "verify", "m", "--layers", "2,1")
    assert "--loss requires --layers" in refused(folder, "verify", "m", "--loss", "mse")
    assert "give either MODEL or --layers" in refused(folder, "derive")
    assert "missing option '--layers'" in refused(folder, "check", "z = 1")
    refusal = refused(folder, "derive", "--layers", "2,0,1")
    assert "`layers` must be positive integers, got 0" in refusal
    assert "at least 2 widths, those of the inputs and the outputs" in refused(
        folder, "derive", "--layers", "2"
    )
    assert "'row' is not one of" in refused(folder, "derive", "--layers", "2,1", "--layout", "row")
    assert "'pdf' is not one of" in refused(folder, "derive", "--layers", "2,1", "--format", "pdf")
    assert "'all' is not one of" in refused(folder, "derive", "--layers", "2,1", "--detail", "all")
    line = refused(folder, "derive", "--layers", "2,3,1", "--activation", "relu,softmax")
    assert line.count("softmax") or "fit" in line
    line = refused(folder, "derive", "--layers", "2,1", "--activation", "tanh,tanh")
    assert "one name per layer (here 1, including the last), got a list of 2" in line


def test_paths_that_cannot_be_written(folder):
    Path("data.csv").write_text(GOOD)
    Path("file").write_text("mine")
    Path("full").mkdir()
    Path("full", "other.txt").write_text("mine")
    train = ("train", "data.csv", "--target", "t", "--epochs", "1")
    for output, message in (
        ("file", r"file: is a file, not a run folder; name another folder \(--output DIR\)"),
        ("full", r"full: is a folder that holds other files, not a run of chainrule"),
        ("file/run", r"file/run: cannot be written \(Not a directory\)"),
        ("/dev/null", r"/dev/null: is a file, not a run folder"),
        ("a\0b", "."),
    ):
        assert re.search(message, refused(folder, *train, "--output", output))
    Path("data").mkdir()
    Path("data", "precious.txt").write_text("mine")
    assert "data: is a folder that holds other files" in refused(folder, *train)
    assert "file/d.tex: cannot be" in refused(
        folder, "derive", "--layers", "2,1", "--output", "file/d.tex"
    )


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(folder):
    Path("data.csv").write_text(GOOD)
    Path("closed").mkdir(mode=0o500)
    line = refused(folder, "train", "data.csv", "--target", "t", "--output", "closed/run")
    assert "closed/run: cannot be written (Permission denied)" in line


def test_unwritable_paths_are_refused_before_the_training(folder, monkeypatch):
    import chainrule.command_line.train_to_folder as verb

    Path("data.csv").write_text(GOOD)
    Path("file").write_text("mine")
    monkeypatch.setattr(verb, "train_table", lambda *_, **__: pytest.fail("it trained first"))
    refused(folder, "train", "data.csv", "--target", "t", "--output", "file")


@pytest.fixture
def model(folder):
    Path("data.csv").write_text(GOOD)
    assert run("train", "data.csv", "--target", "t", "--epochs", 1, "--output", "m").exit_code == 0
    return Path("m", "model.safetensors")


def test_corrupted_models(folder, model):
    whole = model.read_bytes()
    newer = whole.replace(b'\\"format\\": 2', b'\\"format\\": 9')
    assert newer != whole
    middle = bytearray(whole)
    middle[-40] ^= 1
    for data, message in (
        (b"", "is not a safetensors file"),
        (b"PK\x03\x04 and more bytes", "is not a safetensors file"),
        (whole[:-1], "its arrays are damaged"),
        (whole[:200], "is cut off or damaged"),
        (whole + b"x", "its arrays are damaged"),
        (bytes(middle), "was changed or damaged: its checksum does not match"),
        (newer, "was written by a newer chainrule (file format 9"),
        (struct.pack("<Q", 10**18) + b"{" + whole, "is cut off or damaged"),
    ):
        model.write_bytes(data)
        for verb in (
            ("predict", "m", "data.csv", "--output", "p.csv"),
            ("info", "m"),
            ("verify", "m"),
        ):
            line = refused(folder, *verb)
            assert message in line
            assert "m/model.safetensors: " in line


def test_a_corrupted_run_folder_is_not_trained_over(folder, model):
    model.write_bytes(b"something else")
    line = refused(folder, "train", "data.csv", "--target", "t", "--output", "m")
    assert "is a folder that holds other files" in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,d\n1,a\n", "needs the column 'c', which is missing; rename 'd'?|add it"),
        ("c\na\n", "needs the column 'x', which is missing"),
        ("x,c\none,a\n", "line 2, column 'x': 'one' is not a number"),
        ("x,c\ninf,a\n", "line 2, column 'x': 'inf' is not a finite number"),
        ("x,c\n", "has a header but no rows"),
        ("", "the file is empty"),
    ],
)
def test_data_that_does_not_suit_the_model(folder, model, content, message):
    Path("new.csv").write_text(content)
    for output in ("-", "p.csv", "p.parquet"):
        assert re.search(message, refused(folder, "predict", "m", "new.csv", "--output", output))


def test_predictions_that_cannot_be_given(folder, model):
    assert "would be lost" in refused(folder, "predict", "m", "data.csv", "--output", "./data.csv")
    assert "would be lost" in refused(folder, "predict", "m", "data.csv", "--output", "m")
    Path("folder").mkdir()
    assert "is a directory" in refused(folder, "predict", "m", "data.csv", "--output", "folder")
    assert "this format is not supported" in refused(
        folder, "predict", "m", "data.csv", "--output", "p.xlsx"
    )
    assert "cannot be written" in refused(folder, "predict", "m", "data.csv", "--output", "n/p.csv")
    run("train", "data.csv", "--target", "x:number", "--epochs", 1, "--output", "numbers")
    assert "have no probabilities" in refused(folder, "predict", "numbers", "data.csv", "--proba")
    network = Network.dense([2, 1])
    save((network, network.initialize()), "bare")
    assert "without the preprocessing of a table" in refused(folder, "predict", "bare", "data.csv")


def test_training_that_diverges_is_a_failure_and_writes_nothing(folder):
    Path("data.csv").write_text(GOOD)
    result = run(
        *("train", "data.csv", "--target", "x:number", "--optimizer", "sgd"),
        *("--learning-rate", "1e200", "--output", "run"),
    )
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "the loss became" in line
    assert re.search(r"epoch \d+, batch \d+; the first value that is not finite is", line)
    assert sorted(os.listdir()) == ["data.csv"]


def test_extreme_numbers_are_trained_on_or_refused(folder):
    for content in (
        "x,y\n" + "".join(f"{sign}1e308,{row}.5\n" for row, sign in enumerate(["", "-"] * 10)),
        "x,y\n" + "".join(f"{row},{sign}1.5e308\n" for row, sign in enumerate(["", "-"] * 10)),
        "x,y\n" + "".join(f"{row}e-320,{row}e-310\n" for row in range(1, 21)),
    ):
        Path("data.csv").write_text(content)
        result = run("train", "data.csv", "--target", "y:number", "--epochs", 2, "--json")
        if not isinstance(result.exception, SystemExit | None):
            raise result.exception
        assert result.exit_code in (0, 1, 2)
        if result.exit_code == 0:
            json.loads(result.stdout)
            assert run("predict", "data", "data.csv").exit_code == 0
        else:
            assert len(result.stderr.splitlines()) == 1


def test_names_with_odd_characters_stay_on_one_line(folder):
    odd = 'we"ird\n[bold]name[/]\x1b[31m'
    pl.DataFrame({"x": range(30), odd: [0, 1, 2] * 10}).write_csv("odd [red]file.csv")
    result = run("train", "odd [red]file.csv", "--target", odd, "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout
    assert "'odd [red]file'" in result.stdout  # quoted for the shell
    for verb in (("info", "odd [red]file"), ("verify", "odd [red]file")):
        result = run(*verb)
        assert result.exit_code == 0
        assert "\x1b" not in result.stdout
    assert len(refused(folder, "train", "no\nfile\x1b.csv", "--target", "t").splitlines()) == 1


def test_a_memory_that_does_not_suffice(folder):
    Path("data.csv").write_text(GOOD)
    line = refused(
        folder, "train", "data.csv", "--target", "t", "--hidden", "1000000000000", code=1
    )
    assert "use a smaller network" in line
