"""The module answers in Node as the model does."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.exported_models import prediction_of
from tests.exports.cases import CASES, Case, case

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node")

MAIN = """
import * as model from "./model.mjs";
import { readFileSync } from "node:fs";
const rows = JSON.parse(readFileSync("rows.json"));
const outputs = model.probabilities ? model.probabilities(rows) : model.predict(rows);
const labels = model.probabilities ? model.predict(rows) : null;
console.log(JSON.stringify({ outputs, labels, first: model.predict(rows[0]) }));
"""


def run(model: Case, folder: Path) -> Any:
    names = [column.name for column in prediction_of(model.model).columns]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*model.rows.values(), strict=True)]
    (folder / "model.mjs").write_text(str(cr.export(model.model, "javascript")), encoding="utf-8")
    (folder / "main.mjs").write_text(MAIN)
    (folder / "rows.json").write_text(json.dumps(rows))
    done = subprocess.run(
        ["node", "main.mjs"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_the_model(name: str, tmp_path: Path) -> None:
    model = case(name)
    found = run(model, tmp_path)
    model.check(found["outputs"], found["labels"])
    answers = found["labels"] or found["outputs"]
    assert found["first"] == answers[0]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.mjs").write_text(str(cr.export(case("gelu").model, "javascript")))
    code = """import("./model.mjs").then((m) => m.predict({ x0: 1 })).catch(console.log)"""
    done = subprocess.run(
        ["node", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert 'Error: the column "x1" is missing' in done.stdout


def test_labels_beyond_exact_numbers_are_refused() -> None:
    labels = [2**60 + n % 2 for n in range(20)]
    frame = {"x": [float(n % 2) for n in range(20)], "k": [str(label) for label in labels]}
    import polars as pl

    run = cr.train_table(pl.DataFrame(frame), "k:class", hidden=(2,), epochs=1)
    object.__setattr__(run.model.target, "labels", (2**60, 2**60 + 1))
    with pytest.raises(InputError, match="got 'javascript' and the label 11529215046068"):
        cr.export(run, "javascript")


def test_booleans_are_no_numbers_and_names_may_have_spaces(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [0.5, 1.5, 2.5] * 9, "b": [True, False, True] * 9, "y": range(27)})
    program = cr.export(cr.train_table(frame, "y", hidden=(2,), epochs=1), "javascript")
    (tmp_path / "model.mjs").write_text(str(program))
    code = """import("./model.mjs").then((m) => {
      console.log(m.predict({ x: 1, b: true }) === m.predict({ " x ": "1", "b ": "TRUE" }));
      for (const x of ["true", false])
        try { m.predict({ x, b: true }); } catch (error) { console.log(error.message); }
    })"""
    done = subprocess.run(
        ["node", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:3] == [
        "true",
        '"true" is not a number',
        "false is not a number",
    ]
