"""Numbers and dates as text are read by exported programs as chainrule reads tables."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.data.number_texts import NumberForm, parse
from chainrule.exports.number_cells import number_pattern
from tests.exports.cases import case

FORMS = [
    NumberForm(decimal, thousands, unit)
    for decimal in ".,"
    for thousands in ("", ",", ".", " ", "'")
    if thousands != decimal
    for unit in ("", "€", "kg", "%", "US$", "EUR", "m/s", "°C")
] + [NumberForm(".", ",", unit, ("万",)) for unit in ("", "元", "kg")]
DIGITS = ["0", "12", "1.5", "1,5", "1.234", "1,234", "1 234,5", "1'234.5", "1e5", "1E-3", "1D+03"]
DIGITS += ["1.2万", "1,234 亿", "3万亿", "1e5万", "4.35萬"]
DIGITS += [".5", ",5", "01,234", "1.234.567,89", "x", "12a", "1\u202f234"]


def cells() -> list[str]:
    found = dict.fromkeys(["3.2万元", "(1,234.5 亿元)", "-元 3万", "12号", "5千元"])
    for digits in DIGITS:
        for sign in ("", "-", "+", "−", "- "):
            for unit in ("", "€", "kg", " %", "US$ ", "EUR", "m/s", "°C"):
                n = sign + digits
                made = [n + unit, unit + n, sign + unit + digits, f"({n}{unit})", f"({unit}-{n})"]
                found |= dict.fromkeys(text.strip() for text in [*made, unit + n + unit])
    return list(found)


@cache
def with_forms() -> tuple[Any, pl.DataFrame, list[float]]:
    """A model of prices, weights and flags as text, and rows in these forms and others."""
    frame = pl.DataFrame(
        {
            "price": ["1.200,50 €", "€ 3", "-4,5 €", "(7 €)"] * 10,
            "weight": ["3 kg", "4.5kg", "NA", "7 kg"] * 10,
            "worth": ["3.2万元", "1,200元", "0.8 万元", "9000 元"] * 10,
            "flag": ["TRUE", "False"] * 20,
            "y": np.arange(40.0),
        }
    )
    model = cr.train_table(frame, "y", hidden=(3,), epochs=2, seed=0).model
    rows = pl.DataFrame(
        {
            "price": ["1.201,5 €", "−4 €", "", "1.000.000 €", "n/a"],
            "weight": ["1e3 kg", "3 kg", "-", "０．５ kg", "missing"],
            "worth": ["1.25 万元", "12,500元", "0.0001亿元", "NA", "(元 1万)"],
            "flag": ["true", "FALSE", "?", "True", "false"],
        }
    )
    return model, rows, [float(value) for value in model.predict(rows)]


def program(model: Any) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(str(cr.export(model, "numpy")), names)
    return names


def test_the_program_of_python_reads_what_chainrule_reads() -> None:
    model, rows, expected = with_forms()
    names = program(model)
    np.testing.assert_allclose(names["predict"](rows), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="'12' is not a number as in the training table"):
        names["predict"]([{"price": "12", "weight": 3, "worth": 1, "flag": True}])
    plain = [{"price": 1201.5, "weight": 1000, "worth": 12500, "flag": True}]
    np.testing.assert_allclose(names["predict"](plain), expected[:1], rtol=1e-5)


def test_dates_that_are_none_are_errors() -> None:
    names = program(case("dates, dmy").model)
    for text in ("31/04/2020", "1/13/2020", "1/1/2020 24:00", "1/1/2020 0:00 am", "x"):
        with pytest.raises(ValueError, match="is not a date as in the training table"):
            names["predict"]([{"x": 0.5, "the 'day'": text, "k": "a"}])


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_numbers_of_every_form_in_python(form: NumberForm) -> None:
    given = cells()
    read = program(with_forms()[0])["_written"]
    expected = parse(pl.Series(given), form).to_list()
    for text, number in zip(given, expected, strict=True):
        try:
            found = read(text, number_pattern(form), form.thousands, form.decimal)
        except ValueError:
            found = None
        assert found == number, text


MAIN = """
import * as model from "./model.mjs";
import { readFileSync } from "node:fs";
const { rows, wrong } = JSON.parse(readFileSync("rows.json"));
const errors = wrong.map((row) => {
  try { return model.predict(row); } catch (error) { return error.message; }
});
console.log(JSON.stringify({ found: model.predict(rows), errors }));
"""


def in_node(folder: Path, text: str, main: str, data: Any) -> Any:
    (folder / "model.mjs").write_text(text, encoding="utf-8")
    (folder / "main.mjs").write_text(main, encoding="utf-8")
    (folder / "rows.json").write_text(json.dumps(data), encoding="utf-8")
    done = subprocess.run(
        ["node", "main.mjs"], cwd=folder, capture_output=True, encoding="utf-8", check=True
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_module_reads_what_chainrule_reads(tmp_path: Path) -> None:
    model, rows, expected = with_forms()
    wrong = {"price": "12", "weight": 3, "worth": 1, "flag": True}
    data = {"rows": rows.to_dicts(), "wrong": [wrong]}
    answer = in_node(tmp_path, str(cr.export(model, "javascript")), MAIN, data)
    np.testing.assert_allclose(answer["found"], expected, rtol=1e-5)
    assert answer["errors"] == ['"12" is not a number']


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_dates_that_are_none_are_errors_in_node(tmp_path: Path) -> None:
    texts = ["31/04/2020", "1/13/2020", "1/1/2020 24:00", "1/1/2020 13:00 PM", "x"]
    wrong = [{"x": 0.5, "the 'day'": text, "k": "a"} for text in texts]
    text = str(cr.export(case("dates, dmy").model, "javascript"))
    answer = in_node(tmp_path, text, MAIN, {"rows": [], "wrong": wrong})
    assert answer["errors"] == [f'"{t}" is not a date as in the training table' for t in texts]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_numbers_of_every_form_in_node(tmp_path: Path) -> None:
    given = cells()
    forms = [[number_pattern(form), form.thousands, form.decimal] for form in FORMS]
    text = str(cr.export(with_forms()[0], "javascript")) + "\nexport { written };\n"
    main = """
    import { written } from "./model.mjs";
    import { readFileSync } from "node:fs";
    const { cells, forms } = JSON.parse(readFileSync("rows.json"));
    const of = (form) => cells.map((cell) => written(cell, form));
    console.log(JSON.stringify(forms.map(of)));
    """
    found = in_node(tmp_path, text, main, {"cells": given, "forms": forms})
    for form, numbers in zip(FORMS, found, strict=True):
        assert numbers == parse(pl.Series(given), form).to_list(), form
