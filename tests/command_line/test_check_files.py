"""``chainrule check FILE`` and FOLDER: code and equations in files, points in a table."""

import csv
import json

import pytest
from click.testing import CliRunner

from chainrule.command_line.check_files import hand_ins, is_file_argument, statements_in
from chainrule.command_line.main import command
from chainrule.errors import InputError

RIGHT = "def backward(X, Y):\n    dW_ho = a_h.T @ delta_o\n    return dW_ho\n"
WRONG = RIGHT + "db_ho = delta_o.sum(axis=1)\n"
TEX = r"""
\section{Backward} with $W_{ho}$
\begin{align}
\frac{\partial L}{\partial W_{ho}} &= a_h^\top \delta_o \\
\delta_h &= \delta_o W_{ho}^\top \odot \sigma'(z_h)
\end{align}
so that \[ \frac{\partial L}{\partial W_{ih}} = X^\top \delta_h \]
"""


def run(*arguments, code):
    options = ("--layers", "4,5,3")
    result = CliRunner().invoke(command, ["check", *map(str, arguments), *options])
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("a.py", RIGHT, 1),
        ("a.m", "dW2 = a_h' * delta_o; % yes\nW2 = W2 - alpha * dW2;\n", 2),
        ("a.tex", TEX, 3),
        ("a.md", f"# Title\nSome text = here\n```python\n{RIGHT}```\nMore.\n", 1),
        ("b.md", "So $$dW_{ho} = a_h^\\top \\delta_o$$ as E = mc.\n", 1),
        (
            "a.ipynb",
            json.dumps(
                {
                    "cells": [
                        {"cell_type": "markdown", "source": ["x = 1"]},
                        {"cell_type": "code", "source": ["%matplotlib inline\n", RIGHT]},
                    ]
                }
            ),
            1,
        ),
    ],
)
def test_every_kind_of_file(tmp_path, name, text, count):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    shown = run(path, code=0).stdout
    assert f"Statements right: {count}, wrong: 0, not read: 0." in shown


def test_the_lines_keep_their_numbers(tmp_path):
    path = tmp_path / "a.tex"
    path.write_text(TEX, encoding="utf-8")
    rows = run(path, code=0).stdout.splitlines()
    numbers = [row.split(":")[0] for row in rows if row.startswith("✓")]
    assert numbers == ["✓ 4", "✓ 5", "✓ 7"]


def test_exit_codes_and_both_languages(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(WRONG, encoding="utf-8")
    assert "✗ 4: db_ho = delta_o.sum(axis=1)" in run(path, code=1).stdout
    assert "语句：正确 1 句，错误 1 句" in run(path, "--language", "zh", code=1).stdout
    path.write_text(RIGHT + "foo(dW_ho)\n", encoding="utf-8")
    assert "the statement 'foo(dW_ho)' is not read" in run(path, code=2).stdout


def test_json(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(WRONG, encoding="utf-8")
    record = json.loads(run(path, "--json", code=1).stdout)
    assert [each["outcome"] for each in record["statements"]] == ["right", "wrong"]
    assert record["missing"] == ["dW_ih", "db_ih"]
    assert record["given"] == ["delta_o"]


def test_a_folder_is_a_table_with_points(tmp_path):
    (tmp_path / "hand-ins" / "li").mkdir(parents=True)
    folder = tmp_path / "hand-ins"
    (folder / "ada.py").write_text(RIGHT, encoding="utf-8")
    (folder / "li" / "=bob.py").write_text(WRONG, encoding="utf-8")
    (folder / "li" / "eve.py").write_bytes(b"\xff\xfe\x00")
    (folder / "notes.docx").write_bytes(b"")
    table = tmp_path / "points.csv"
    run(folder, "--csv", table, code=2)
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [(row["file"], row["points"]) for row in rows] == [
        ("ada.py", "25"),  # 1 of 4 gradients
        ("li/=bob.py", "25"),  # 1 right, 1 wrong, 2 missing
        ("li/eve.py", ""),
    ]
    assert rows[0]["first_fault"] == ""
    assert rows[1]["first_fault"].startswith("4: The sum is over the wrong axis")
    assert "cannot be read" in rows[2]["error"]
    assert run(folder / "li", code=2).stdout.splitlines()[1].startswith("'=bob.py,1,1,0,25")


def test_what_is_no_file_is_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a = b").write_text("", encoding="utf-8")
    assert not is_file_argument("a = b")
    assert not is_file_argument("x" * 5000)
    assert not is_file_argument("a\0b")
    assert not is_file_argument("")
    assert "absent.py: no such file" in run("absent.py", code=2).stderr
    assert "--csv is for a folder" in run("dW_ho = 1", "--csv", "out.csv", code=2).stderr


def test_files_that_are_refused(tmp_path):
    (tmp_path / "a.ipynb").write_text("[1]", encoding="utf-8")
    with pytest.raises(InputError, match="not a notebook"):
        statements_in(tmp_path / "a.ipynb")
    (tmp_path / "a.docx").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"must end in \.py"):
        statements_in(tmp_path / "a.docx")
    (tmp_path / "long.py").write_text(" " * 2_000_001, encoding="utf-8")
    with pytest.raises(InputError, match="at most 2,000,000 bytes"):
        statements_in(tmp_path / "long.py")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no file"):
        hand_ins(tmp_path / "empty")


def test_the_name_of_a_file_that_does_not_exist_is_no_line():
    done = CliRunner().invoke(command, ["check", "nofile.py", "--layers", "2,3,2"])
    assert (done.exit_code, "nofile.py: no such file" in done.output) == (2, True), done.output


def test_errors_about_files_are_in_the_language(tmp_path):
    (tmp_path / "a.ipynb").write_text("[1]", encoding="utf-8")
    (tmp_path / "a.docx").write_text("", encoding="utf-8")
    (tmp_path / "long.py").write_text(" " * 2_000_001, encoding="utf-8")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").mkdir()
    for name, text in [
        ("absent.py", "没有这个文件"),
        ("a.docx", "须以 .py, .m"),
        ("long.py", "至多 2,000,000 字节"),
        ("bytes.py", "bytes.py 无法读取："),
        ("a.ipynb", "不是含有单元格的笔记本"),
        ("empty", "中没有以 .py, .m"),
    ]:
        shown = run(tmp_path / name, "--language", "zh", code=2).stderr
        assert shown.startswith("chainrule: 错误："), shown
        assert text in shown
        assert shown.count("\n") == 1
    shown = run("dW_ho = 1", "--csv", "out.csv", "--language", "zh", code=2).stderr
    assert "--csv 只用于装有作业的文件夹；给出的是“dW_ho = 1”" in shown


def test_the_table_of_a_folder_has_reasons_in_the_language(tmp_path):
    (tmp_path / "eve.py").write_bytes(b"\xff\xfe\x00")
    rows = list(csv.DictReader(run(tmp_path, "--language", "zh", code=2).stdout.splitlines()))
    assert rows[0]["error"].startswith("eve.py 无法读取：")
