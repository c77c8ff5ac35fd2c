"""CSV against the standard library's reader: same cells, and the line on which each row begins."""

import csv
import io

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule.data import csv_text, read_table, text_encodings
from chainrule.data.csv_text import parse_csv
from chainrule.errors import DataError, InputError

CELL = st.text(st.sampled_from('ab1.,;\t"\n é漢😀-') | st.characters(codec="utf-8"), max_size=6)


def cells_of(parsed):
    return [[cell or "" for cell in row] for row in parsed.frame.rows()]


def written(rows, **options):
    text = io.StringIO()
    csv.writer(text, **options).writerows(rows)
    return text.getvalue().encode()


@st.composite
def tables(draw):
    width = draw(st.integers(1, 4))
    cell = CELL.map(lambda text: text.replace("\0", "").replace("\r", ""))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8))
    return [[f"column {i}" for i in range(width)], *rows]


@given(
    tables(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.booleans(),
)
@example([["a"], [""], ["x"]], "\n", csv.QUOTE_ALL, b"", True)
@example([["a", "b"], ["", ""], ["", ""]], "\n", csv.QUOTE_MINIMAL, b"", False)
def test_what_the_standard_library_writes_is_read_back(rows, end, quoting, mark, last_end):
    data = written(rows, lineterminator=end, quoting=quoting)
    if not last_end:
        data = data[: -len(end)]
    parsed = parse_csv(mark + data, "f.csv")
    assert cells_of(parsed) == rows[1:]
    # A row begins behind all line breaks of the rows above it.
    begins = [
        written(rows[:i], lineterminator=end, quoting=quoting).count(b"\n") + 1
        for i in range(1, len(rows))
    ]
    assert parsed.lines.tolist() == begins


@given(
    tables(), st.sampled_from(["\n", "\r\n"]), st.integers(1, 40), st.integers(1, 40), st.booleans()
)
def test_both_readers_agree(rows, end, chunk, block, ended):
    data = written(rows, lineterminator=end)
    data = data if ended else data.removesuffix(end.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "CHUNK", chunk)
        patch.setattr(csv_text, "BLOCK", block)
        fast = parse_csv(data, "f.csv")
    slow = csv_text._parse_slowly(data, ",", "f.csv")
    # The exact reader drops spaces before a cell, which nobody counts: `columns` strips them all.
    assert [[c.strip() for c in row] for row in cells_of(fast)] == [
        [c.strip() for c in row] for row in cells_of(slow)
    ]
    assert fast.lines.tolist() == slow.lines.tolist()


@given(st.text(st.sampled_from('ab,"\n '), max_size=30))
def test_any_text_reads_like_the_standard_library_or_is_refused(text):
    data = b"x,y\n" + text.encode()
    try:
        expected = [
            row
            for row in csv.reader(io.StringIO(data.decode()), strict=True, skipinitialspace=True)
            if row
        ][1:]
        if all(len(row) == 3 and not row[2] for row in expected):
            return  # a separator at the end of every row, which has a test of its own
        correct = bool(expected) and all(len(row) == 2 for row in expected)
    except csv.Error:
        correct = False
    if not correct:
        with pytest.raises(DataError) as caught:
            parse_csv(data, "f.csv")
        assert len(str(caught.value).splitlines()) == 1
        return
    got = [[cell.strip() for cell in row] for row in cells_of(parse_csv(data, "f.csv"))]
    assert got == [[cell.strip() for cell in row] for row in expected]


def test_ordinary_files_take_the_fast_reader(monkeypatch):
    def refuse(*_):
        raise AssertionError("the slow reader was called")

    monkeypatch.setattr(csv_text, "_parse_slowly", refuse)
    data = b'a,b\n1,"x, ""y""\nz"\n\n,\n'
    assert parse_csv(data, "f.csv").frame.rows() == [("1", 'x, "y"\nz'), (None, None)]


def test_irregular_quotes_are_read_exactly():
    parsed = parse_csv(b'size,name\n5" pipe,a\n"3""",b\n1, "c, d"\n', "f.csv")
    assert cells_of(parsed) == [['5" pipe', "a"], ['3"', "b"], ["1", "c, d"]]
    assert parsed.lines.tolist() == [2, 3, 4]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found_in_the_header(separator):
    rows = [["a", "b, c", "d; e", "f"], ["1", "x", ",", ";"]]
    parsed = parse_csv(written(rows, delimiter=separator), "f.csv")
    assert parsed.frame.columns == rows[0]
    assert cells_of(parsed) == rows[1:]


def test_of_equals_the_comma_is_the_separator():
    assert parse_csv(b"a;b,c\n1;2,3\n", "f.csv").frame.columns == ["a;b", "c"]
    assert parse_csv(b'"a;b;c",d\n1,2\n', "f.csv").frame.columns == ["a;b;c", "d"]


def test_blank_lines_are_skipped_and_counted():
    parsed = parse_csv(b"\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n", "f.csv")
    assert cells_of(parsed) == [["1", "2"], ["3", "4"]]
    assert parsed.lines.tolist() == [5, 8]


def test_blank_lines_of_a_single_column_are_missing_but_for_the_end():
    parsed = parse_csv(b'a\n\n1\n\n"2\n"\n\n\n', "f.csv")
    assert cells_of(parsed) == [[""], ["1"], [""], ["2\n"]]
    assert parsed.lines.tolist() == [2, 3, 4, 5]


def test_line_ends_of_the_old_mac():
    assert cells_of(parse_csv(b"a,b\r1,2\r3,4", "f.csv")) == [["1", "2"], ["3", "4"]]


def test_a_header_may_span_lines():
    parsed = parse_csv(b'"a\r\nb",c\r\n1,2\r\n', "f.csv")
    assert parsed.frame.columns == ["a\r\nb", "c"]
    assert parsed.lines.tolist() == [3]


def test_structure_across_chunks(monkeypatch):
    rows = [["a", "b"], *([f"{i}", "x,\ny" if i % 3 else ""] for i in range(50))]
    data = written(rows, lineterminator="\n")
    whole = parse_csv(data, "f.csv")
    monkeypatch.setattr(csv_text, "CHUNK", 7)
    monkeypatch.setattr(csv_text, "BLOCK", 40)
    parts = parse_csv(data, "f.csv")
    assert whole.frame.equals(parts.frame)
    assert cells_of(parts) == rows[1:]
    np.testing.assert_array_equal(whole.lines, parts.lines)


def test_every_cell_is_text():
    frame = parse_csv(b"a,b,c\n1,true,2020-01-01\n", "f.csv").frame
    assert set(frame.dtypes) == {pl.String}


def test_utf16_is_read():
    assert cells_of(parse_csv("a,b\n1,é\n".encode("utf-16"), "f.csv")) == [["1", "é"]]


@pytest.mark.parametrize(
    ("text", "names", "lines"),
    [
        ("sep=;\na;b,c\n1;2\n", ["a", "b,c"], [3]),
        ("# one\n#two, three\n\na,b\n1,2\n", ["a", "b"], [5]),
        ("#a,b\n1,2\n", ["#a", "b"], [2]),
        ("#a\n1\n", ["#a"], [2]),
    ],
)
def test_lines_above_the_header(text, names, lines):
    for ends in ("\n", "\r\n"):
        parsed = parse_csv(text.replace("\n", ends).encode(), "f.csv")
        assert parsed.frame.columns == names
        assert parsed.lines.tolist() == lines


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("size, mm\tweight, g\ty\n1\t2\t3\n", ["size, mm", "weight, g", "y"]),
        ("a, N;b, mm;c, s\n1,5;2,5;3,5\n", ["a, N", "b, mm", "c, s"]),
        ("a, b, c;d\n1, 2, 3\n", ["a", "b", "c;d"]),
    ],
)
def test_a_comma_with_a_space_behind_it_may_be_part_of_a_name(text, names):
    assert parse_csv(text.encode(), "f.csv").frame.columns == names


def test_separators_at_the_end_of_every_row_are_ignored():
    assert cells_of(parse_csv(b"a,b\n1,2,\r\n\n3,,\n", "f.csv")) == [["1", "2"], ["3", ""]]
    with pytest.raises(DataError, match="line 2: has 3 cells where the header has 2"):
        parse_csv(b"a,b\n1,2,\n3,4,5\n", "f.csv")


def test_single_quotes_around_every_cell():
    parsed = parse_csv(b"a,b\n'1','x'\n'2','y'\n'3','z'\n", "f.csv")
    assert cells_of(parsed) == [["1", "x"], ["2", "y"], ["3", "z"]]
    parsed = parse_csv(b"a,b\n'1','x'\n'2','y'\n3,'z'\n", "f.csv")
    assert cells_of(parsed)[0] == ["'1'", "'x'"]


CHINESE = "姓名,城市\n王芳,广州\n张伟,北京\n"


def test_a_file_in_another_encoding_says_how_to_read_it():
    with pytest.raises(DataError) as caught:
        parse_csv(CHINESE.encode("gb18030"), "f.csv")
    assert str(caught.value) == (
        "f.csv, line 1: the byte 0xd0 is not UTF-8 text; save the file as CSV in UTF-8, or state "
        "its encoding: --text-encoding gb18030, in Python cr.read_table(path, encoding='gb18030') "
        "if it is Chinese"
    )
    with pytest.raises(DataError, match=r"state its encoding \(--text-encoding NAME, in Python"):
        parse_csv("name\nMüller\n".encode("latin-1"), "f.csv")


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "big5", "utf-16-le", "utf-7", "utf-8-sig"])
@pytest.mark.parametrize("block", [1, 5, 1 << 22])
def test_text_of_a_stated_encoding_is_read_by_blocks(encoding, block, monkeypatch):
    monkeypatch.setattr(text_encodings, "BLOCK", block)
    text = CHINESE.replace("张伟", "張偉").replace("广", "東") if encoding == "big5" else CHINESE
    parsed = parse_csv(text.encode(encoding), "f.csv", encoding)
    expected = [line.split(",") for line in text.splitlines()]
    assert [parsed.frame.columns, *cells_of(parsed)] == expected


@pytest.mark.parametrize("block", [1, 3, 1 << 22])
@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (
            CHINESE.encode("gb18030") + b"a,\xff\n",
            "gb18030",
            "line 4: the byte 0xff is not gb18030",
        ),
        (CHINESE.encode("utf-8") + b"a,\x81", "utf-8-sig", "line 4: the byte 0x81 is not UTF-8"),
        (
            "a\n1\n".encode("utf-16-le") + b"\x00\xd8\x00\x00",
            "utf-16-le",
            "line 3: the byte 0x00 is not utf-16-le text",
        ),
        ("a\n1\n".encode("utf-8-sig"), "gbk", "begins with the byte-order mark of UTF-8, but is"),
    ],
)
def test_the_first_byte_that_is_not_of_the_encoding_is_named(
    data, encoding, message, block, monkeypatch
):
    monkeypatch.setattr(text_encodings, "BLOCK", block)
    with pytest.raises(DataError, match=rf"^f.csv(:|,) {message}"):
        parse_csv(data, "f.csv", encoding)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gb18300", "unknown encoding 'gb18300'. Did you mean 'gb18030'?"),
        ("zip", "unknown encoding 'zip'. "),
        ("rot13", "unknown encoding 'rot13'. "),
        ("punycode", "unknown encoding 'punycode'. "),
        ("\0", r"unknown encoding '\\x00'. Available: 'gb18030', 'gbk', 'big5'"),
    ],
)
def test_an_unknown_encoding_is_refused(name, message):
    with pytest.raises(InputError, match=f"^{message}"):
        read_table("f.csv", encoding=name)


def test_files_that_state_their_encoding(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(DataError, match="is a Parquet file, which states its encoding itself"):
        read_table(path, encoding="gbk")
    with pytest.raises(TypeError, match="`encoding` must be a name, got int"):
        read_table(path, encoding=3)
