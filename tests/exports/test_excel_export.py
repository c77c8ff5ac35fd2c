"""The workbook's cells compute what the model predicts: opened in LibreOffice, recalculated."""

import csv
import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.excel_dates import PIECES, date_pieces
from chainrule.exports.excel_writer import excel_workbook
from chainrule.exports.exported_models import prediction_of
from chainrule.exports.row_values import step_values
from tests.exports.cases import CASES, case

pytestmark = pytest.mark.peers("xlsxwriter")
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
OFTEN: tuple[str, ...] = (
    "two classes, hidden",
    "numbers, limited",
    "text only",
    "graph",
    "gelu",
    "classifier",
)
OFTEN += ("dates, dmy, times", "dates, iso, times", "dates, mdy")
"""What runs with every change; the others on demand: LibreOffice takes seconds to start."""
SLOW = [name for name in CASES if "fast" in name or name in ("declared marks", "table classifier")]
ROWS = 30
RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"""
CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,1"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook_of(model, rows=ROWS):
    """Return the workbook with the first rows of a case as its rows, and these cells."""
    prediction = prediction_of(model.model)
    cells = tuple(tuple(column[:rows]) for column in model.rows.values())
    outputs = np.asarray(model.outputs)[:rows].reshape(rows, -1)
    given = replace(prediction, examples=lambda: (cells, outputs))
    return excel_workbook(given)


def without_results(workbook):
    """Return a workbook whose cells have formulas and no stored results."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data, count = re.subn(rb"(</f>)<v>[^<]*</v>", rb"\1", data)
                assert count
            new.writestr(name, data)
    return made.getvalue()


def sheet_in_office(workbook, folder):
    """Return the rows of the first sheet as LibreOffice computes them, the header left out."""
    (folder / "profile" / "user").mkdir(parents=True)
    (folder / "profile" / "user" / "registrymodifications.xcu").write_text(RECALCULATE)
    (folder / "model.xlsx").write_bytes(workbook)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [OFFICE, profile, "--headless", "--convert-to", CSV, "--outdir", folder]
    subprocess.run([*command, folder / "model.xlsx"], check=True, capture_output=True, timeout=300)
    (text,) = folder.glob("*.csv")
    with text.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in OFTEN else [pytest.mark.long])
        for name in CASES
        if name != "dates, names of months"
    ],
)
def test_libreoffice_computes_what_the_model_predicts(name, tmp_path):
    model = case(name)
    rows = 8 if name in SLOW else ROWS
    found = sheet_in_office(without_results(workbook_of(model, rows)), tmp_path)
    assert len(found) == rows
    start = len(model.rows)
    if model.labels is not None:
        labels = [row[start] for row in found]
        expected = [str(label).replace("\r\n", "\n") for label in model.labels[:rows]]
        assert [re.sub(r"\.0$", "", label).replace("\r\n", "\n") for label in labels] == expected
        start += 1
    outputs = np.asarray(model.outputs)[:rows].reshape(rows, -1)
    answers = [[float(cell) for cell in row[start : start + outputs.shape[1]]] for row in found]
    scale = np.maximum(1.0, np.abs(outputs))
    assert (np.abs(np.array(answers) - outputs) / scale).max() <= 1e-6


@pytest.mark.parametrize("name", CASES)
def test_the_stored_results_are_those_of_the_model(name):
    model = case(name)
    prediction = prediction_of(model.model)
    cells = tuple(map(tuple, model.rows.values()))
    found = step_values(prediction, cells)[prediction.output]
    model.check(found, model.labels)


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
def test_a_cell_that_is_no_number_is_not_taken_for_a_missing_one(tmp_path):
    model = case("two classes, hidden")
    written = re.compile(rb'<c r="B2"><v>[^<]*</v></c>')  # a number in the second column
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook_of(model, 2))) as old,
        zipfile.ZipFile(made, "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                text = b'<c r="B2" t="inlineStr"><is><t>three</t></is></c>'
                data, count = written.subn(text, data)
                assert count == 1
            new.writestr(name, data)
    found = sheet_in_office(without_results(made.getvalue()), tmp_path)
    answers = [row[len(model.rows)] for row in found]
    assert answers == ["#N/A", model.labels[1]]


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("name", ["dates, dmy, times", "dates, iso, times", "dates, mdy"])
def test_libreoffice_cuts_dates_as_the_stored_results_have_it(name, tmp_path):
    model = case(name)
    sheet_in_office(without_results(workbook_of(model)), tmp_path)
    (text,) = tmp_path.glob("*.csv")
    with text.open(encoding="utf-8", newline="") as file:
        header, *found = csv.reader(file)
    (first,) = [at for at, title in enumerate(header) if title.endswith(f": {PIECES[0]}")]
    reading = prediction_of(model.model).columns[1].date
    for cell, row in zip(model.rows["the 'day'"], found, strict=False):
        if cell is None:
            continue
        for piece, expected in zip(row[first:], date_pieces(cell, reading), strict=False):
            if isinstance(expected, float):
                assert float(piece) == pytest.approx(expected, abs=1e-6)
            else:
                assert piece == expected


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
def test_cells_that_are_dates_and_texts_that_are_none(tmp_path):
    """Excel counts days from 1899-12-30 (Microsoft's documentation); texts have to be dates."""
    model = case("dates, dmy, times")
    days = ["2001-07-04 05:00:00", "1931-02-28 23:59:59"]
    serials = [37076 + 5 / 24, 11382 + 86399 / 86400]
    wrong = ["31/04/2020", "1/13/2020", "1/1/2020 24:00", "x", "1/1/2020 x", "1/2", "1/0/2020"]
    count = len(days) + len(wrong)
    cells = ([0.5] * count, [*serials, *wrong], ["a"] * count)
    blank = np.zeros((count, 1))
    given = replace(prediction_of(model.model), examples=lambda: (cells, blank))
    found = sheet_in_office(without_results(excel_workbook(given)), tmp_path)
    frame = pl.DataFrame({"x": [0.5] * 2, "the 'day'": days, "k": ["a"] * 2})
    answers = [float(row[3]) for row in found[:2]]
    np.testing.assert_allclose(answers, model.model.predict(frame), rtol=1e-6)
    assert not [row[1] for row in found[2:] if row[3] not in ("#N/A", "#VALUE!", "Err:502")]


def test_texts_are_cells_and_never_formulas():
    labels = ["=1+1", "http://example.org", "@SUM(A1)"]
    frame = pl.DataFrame({"x": [0.0, 1.0, 2.0] * 12, "=2+3": labels * 12, "y": labels * 12})
    model = cr.train_table(frame, "y", hidden=(2,), epochs=1)
    with zipfile.ZipFile(io.BytesIO(cr.export(model, "excel"))) as book:
        sheets = [name for name in book.namelist() if "worksheets/sheet" in name]
        assert not [name for name in book.namelist() if "rels" in name and "sheet" in name]
        formulas = [
            element.text
            for name in sheets
            for element in ElementTree.fromstring(book.read(name)).iter(f"{MAIN}f")
        ]
        shared = book.read("xl/sharedStrings.xml").decode()
    assert all(text in shared for text in ("=1+1", "=2+3", "http://example.org"))
    assert formulas
    assert not any("1+1" in text or "http" in text or "@" in text for text in formulas)


def test_what_a_workbook_cannot_hold_is_refused():
    large = cr.Network.dense([1001, 1000, 1])
    with pytest.raises(InputError, match=r"1,002,000 weights, got 'excel', which takes 1,000,000"):
        cr.export((large, large.initialize(0)), "excel")
    wide = cr.Network.dense([1, 17_000, 1])
    with pytest.raises(InputError, match="columns"):
        cr.export((wide, wide.initialize(0)), "excel")
    frame = pl.DataFrame({"x": [0.0, 1.0] * 9, "y": ["a\x01", "b"] * 9})
    model = cr.train_table(frame, "y", hidden=(2,), epochs=1)
    with pytest.raises(InputError, match="any text, got 'excel'"):
        cr.export(model, "excel")
