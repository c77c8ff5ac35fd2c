"""The file of Python answers as the model does, whatever the model and the names in it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from tests.exports.cases import CASES, case


def loaded(program: str) -> dict:
    names: dict = {}
    exec(compile(program, "exported.py", "exec"), names)
    return names


def answers(program: str, rows: object) -> tuple:
    names = loaded(program)
    if "probabilities" in names:
        return names["probabilities"](rows), names["predict"](rows).tolist()
    return names["predict"](rows), None


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_the_model(name: str) -> None:
    model = case(name)
    model.check(*answers(str(cr.export(model.model, "numpy")), model.rows))


@pytest.mark.peers("pandas", "pyarrow")
def test_rows_may_be_dictionaries_or_a_frame() -> None:
    model = case("two classes, fast")
    program = str(cr.export(model.model, "numpy"))
    frame = pl.DataFrame(model.rows)
    model.check(*answers(program, frame))
    model.check(*answers(program, frame.to_dicts()))
    model.check(*answers(program, frame.to_pandas()))


def test_a_missing_column_is_named() -> None:
    names = loaded(str(cr.export(case("graph").model, "numpy")))
    with pytest.raises(ValueError, match=r"the column 'X_1\[0\]' is missing"):
        names["predict"]({"k_2": [1]})


@pytest.mark.parametrize("cell", ["free", "1,5", "NA"])
def test_a_cell_that_is_no_number_is_an_error(cell: str) -> None:
    names = loaded(str(cr.export(case("classifier").model, "numpy")))
    with pytest.raises(ValueError, match="could not convert string to float"):
        names["predict"]([{"x0": cell, "x1": 1.0}])


def test_the_file_runs_where_there_is_nothing_but_numpy(tmp_path: Path) -> None:
    model = case("iris, hidden")
    (tmp_path / "exported.py").write_text(str(cr.export(model.model, "numpy")), encoding="utf-8")
    code = (
        "import sys, exported; print(*exported.predict(exported.__dict__.get('rows', "
        f"{ {k: v[:3] for k, v in model.rows.items()}!r})), 'chainrule' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [*map(str, (model.labels or [])[:3]), "False"]


def test_large_arrays_are_stored_as_they_are() -> None:
    network = cr.Network.dense([9, 20, 1])
    given = network.initialize(seed=0, dtype="float32")
    names = loaded(str(cr.export((network, given), "numpy")))
    stored = [value for value in names.values() if getattr(value, "shape", None) == (9, 20)]
    np.testing.assert_array_equal(stored[0], given["W_ih"])
