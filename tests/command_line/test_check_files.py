"""``chainrule check FILE`` and FOLDER: code and equations in files, points in a table."""

import csv
import json

import pytest
from click.testing import CliRunner

from chainrule.command_line.check_files import is_file_argument, statements_in
from chainrule.command_line.hand_in_tables import hand_ins
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
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["file"], row["points"]) for row in rows] == [
        ("ada.py", "25"),  # 1 of 4 gradients
        ("li/=bob.py", "25"),  # 1 right, 1 wrong, 2 missing
        ("li/eve.py", ""),
        ("notes.docx", ""),
    ]
    assert rows[0]["first_fault"] == ""
    assert rows[1]["first_fault"].startswith("4: The sum is over the wrong axis")
    assert rows[2]["error"].startswith("eve.py is not UTF-8 text. ")
    assert rows[3]["error"].startswith("notes.docx: a file to check must end in .py, ")
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
        ("bytes.py", "bytes.py 不是 UTF-8 文本；"),
        ("a.ipynb", "不是含有单元格的笔记本"),
        ("empty", "中没有以 .py, .m"),
    ]:
        shown = run(tmp_path / name, "--language", "zh", code=2).stderr
        assert shown.startswith("chainrule: 错误："), shown
        assert text in shown
        assert shown.count("\n") == 1
    shown = run("dW_ho = 1", "--csv", "out.csv", "--language", "zh", code=2).stderr
    assert "--csv 只用于装有作业的文件夹；给出的是“dW_ho = 1”" in shown


def test_the_table_of_a_folder_is_in_the_language(tmp_path):
    (tmp_path / "eve.py").write_bytes(b"\xff\xfe\x00")
    rows = list(csv.DictReader(run(tmp_path, "--language", "zh", code=2).stdout.splitlines()))
    assert [*rows[0]][:5] == ["文件", "正确", "错误", "未读懂", "分数"]
    assert rows[0]["未能批改的原因"].startswith("eve.py 不是 UTF-8 文本；")


def test_the_table_can_be_opened_in_a_spreadsheet_and_is_no_hand_in(tmp_path):
    (tmp_path / "王芳.py").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "照片.JPG").write_bytes(b"\xff\xd8")
    table = tmp_path / "分数.csv"
    for language, line in [
        ("en", f"The table of 2 files is in {table}.\n"),
        ("zh", f"2 个文件的表格已写入 {table}。\n"),
    ]:
        shown = run(tmp_path, "--csv", table, "--language", language, code=2)
        assert (shown.stdout, shown.stderr) == (line, "")
        # Without this mark Excel reads the system's encoding.
        assert table.read_bytes().startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
        assert {row[0] for row in rows[1:]} == {"照片.JPG", "王芳.py"}


def test_a_folder_as_json(tmp_path):
    (tmp_path / "a.py").write_text(WRONG, encoding="utf-8")
    (tmp_path / "b.doc").write_bytes(b"")
    table = tmp_path / "t.csv"
    shown = run(tmp_path, "--json", "--csv", table, code=2)
    assert shown.stderr == f"The table of 2 files is in {table}.\n"
    first, second = json.loads(shown.stdout)["files"]
    assert [first[key] for key in ("file", "right", "wrong", "points")] == ["a.py", 1, 1, 25]
    assert first["missing"] == ["dW_ih", "db_ih"]
    assert (second["points"], second["error"] != "") == (None, True)


CHINESE = "# 输出层的梯度\ndW_ho = a_h.T @ delta_o\n"


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_hand_ins_in_the_encoding_of_chinese_windows(tmp_path, encoding):
    path = tmp_path / "a.py"
    path.write_bytes(CHINESE.encode(encoding))
    shown = run(path, code=2).stderr
    assert "Add --text-encoding gb18030" in shown
    assert "codec" not in shown
    assert "请加上 --text-encoding gb18030" in run(path, "--language", "zh", code=2).stderr
    assert "Statements right: 1," in run(path, "--text-encoding", encoding, code=0).stdout
    (tmp_path / "b.py").write_text(CHINESE, encoding="utf-8")  # a folder with both
    rows = run(tmp_path, "--text-encoding", encoding, code=0).stdout.splitlines()
    assert [row[:8] for row in rows[1:]] == ["a.py,1,0", "b.py,1,0"]


def test_other_encodings(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes("# Müller\ndW_ho = a_h.T @ delta_o\n".encode("latin-1"))
    shown = run(path, code=2).stderr
    assert "is not UTF-8 text. Save it in UTF-8" in shown
    assert "请另存为 UTF-8" in run(path, "--language", "zh", code=2).stderr
    assert "is not ascii text" in run(path, "--text-encoding", "ascii", code=2).stderr
    zh = run(path, "--text-encoding", "ascii", "--language", "zh", code=2).stderr
    assert "不是用 ascii 编码的文本" in zh
    assert "unknown encoding" in run(path, "--text-encoding", "gbkk", code=2).stderr
    path.write_bytes(CHINESE.encode("utf-16"))
    assert "right: 1," in run(path, "--text-encoding", "utf-16", code=0).stdout


# By hand, for the mean of squares over B samples and n sigmoid outputs.
TRUE = r"\delta_o = \frac{2}{B n} (a_o - Y) \odot a_o \odot (1 - a_o)"
SIGN = r"\delta_o = \frac{2}{B n} (Y - a_o) \odot a_o \odot (1 - a_o)"
CODE = "```python\ndW_ho = a_h.T @ delta_o\n```\n"


@pytest.mark.parametrize(
    "shape",
    [
        "$${}$$\n",
        "\\[\n{}\n\\]\n",
        "\\begin{{align}}\n{}\n\\end{{align}}\n",
        "误差${}$，所以\n",
        "```math\n{}\n```\n",
        "~~~latex\n{}\n~~~\n",
    ],
)
@pytest.mark.parametrize("kind", ["md", "ipynb"])
def test_formulas_beside_code(tmp_path, shape, kind):
    path = tmp_path / f"a.{kind}"
    for formula, code in ((TRUE, 0), (SIGN, 1)):
        text = shape.format(formula)
        if kind == "md":
            path.write_text(f"# Title\n{text}\n{CODE}", encoding="utf-8")
        else:
            cells = [("markdown", text), ("code", "dW_ho = a_h.T @ delta_o"), ("raw", "x = 1")]
            made = [{"cell_type": each, "source": [source]} for each, source in cells]
            path.write_text(json.dumps({"cells": made}), encoding="utf-8")
        record = json.loads(run(path, "--json", code=code).stdout)
        outcomes = [each["outcome"] for each in record["statements"]]
        assert outcomes == ["wrong" if code else "right", "right"]
        assert record["given"] == []  # the formula computes delta_o
        assert record["missing"] == ["dW_ih", "db_ih", "db_ho"]


def test_what_stands_in_markdown_beside_formulas_is_no_statement(tmp_path):
    path = tmp_path / "a.md"
    text = f"Costs $5 and $6, `$x = y$`, $B = 4$.\n${TRUE}$ and ${SIGN}$\n{CODE}"
    path.write_text(text + "```python\ndb_ho = delta_o.sum(axis=0)", encoding="utf-8")
    rows = run(path, code=1).stdout.splitlines()
    assert [row[:4] for row in rows if row[0] in "✓✗?"] == ["✓ 2:", "✗ 2:", "✓ 4:", "✓ 7:"]
    (tmp_path / "b.md").write_text(f"$${TRUE}$$\n```python\nimport numpy\n```\n", encoding="utf-8")
    run(tmp_path / "b.md", code=0)
    (tmp_path / "c.md").write_text("```python\nimport numpy\n```\nText\n", encoding="utf-8")
    assert "must have statements" in run(tmp_path / "c.md", code=2).stderr
