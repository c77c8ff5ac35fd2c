"""Excel workbooks, written here by hand: the package needs no writer of them."""

import io
import zipfile

import pytest

from chainrule.data import decide_kinds, read_table
from chainrule.data.workbooks import is_workbook
from chainrule.errors import DataError

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def cell(value, column, row):
    at = f'r="{chr(65 + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c {at} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c {at} t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c {at}><v>{value}</v></c>"


def workbook(rows):
    lines = "".join(
        f'<row r="{r}">{"".join(cell(v, c, r) for c, v in enumerate(row))}</row>'
        for r, row in enumerate(rows, start=1)
    )
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{lines}</sheetData></worksheet>",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return data.getvalue()


ROWS = [["x", "price", "flag"], [1, "$1,200.50", True], [2.5, "$3", False], [None, "$4", True]]


@pytest.mark.peers("fastexcel")
def test_a_workbook_is_read_as_the_same_table_in_csv(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(workbook(ROWS))
    (tmp_path / "t.csv").write_text('x,price,flag\n1,"$1,200.50",true\n2.5,$3,false\n,$4,true\n')
    table = read_table(tmp_path / "t.xlsx")
    made = decide_kinds(table)
    assert made.frame.equals(decide_kinds(read_table(tmp_path / "t.csv")).frame)
    assert made.frame.rows() == [(1.0, 1200.5, 1.0), (2.5, 3.0, 0.0), (None, 4.0, 1.0)]
    assert table.location(0, "x").endswith("t.xlsx, row 2, column 'x'")


@pytest.mark.peers("fastexcel")
@pytest.mark.parametrize("header", [["x", None, "flag"], ["x", "", "flag"]])
def test_merged_and_empty_headings_are_an_error(tmp_path, header):
    path = tmp_path / "t.xlsx"
    path.write_bytes(workbook([header, *ROWS[1:]]))
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}: column 2 of 3 has no heading (its cell in the first row is empty or merged with "
        "another); write a name into every cell of the first row, and the table below it"
    )


def test_without_the_extra_it_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = tmp_path / "t.xlsx"
    path.write_bytes(workbook(ROWS))
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}: is an Excel workbook, which needs the package fastexcel; "
        'pip install "chainrule[excel]", or save the table as CSV'
    )


def test_what_is_a_workbook():
    assert is_workbook(workbook(ROWS))
    assert not is_workbook(workbook(ROWS)[:-30])
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.txt", "a")
    assert not is_workbook(other.getvalue())
