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


@pytest.mark.parametrize("cell", ["free", "1,5", "NA", "1_000", "inf", float("inf"), [1.0], 1j])
def test_a_cell_that_is_no_number_is_an_error(cell: object) -> None:
    names = loaded(str(cr.export(case("classifier").model, "numpy")))
    rows = [{"x0": 1.0, "x1": 1.0}, {"x0": cell, "x1": 1.0}]
    with pytest.raises(ValueError, match=r"^row 1, column 'x0': .* is not a finite number$"):
        names["predict"](rows)


def test_rows_of_another_form_are_an_error() -> None:
    predict = loaded(str(cr.export(case("classifier").model, "numpy")))["predict"]
    with pytest.raises(ValueError, match=r"one cell for each row, got \{'x0': 2, 'x1': 1\}"):
        predict({"x0": [1.0, 2.0], "x1": [1.0]})
    for rows in (5, [1.0], {"x0": 1.0, "x1": 2.0}):
        with pytest.raises(TypeError, match=r"^rows must be a mapping from columns to lists"):
            predict(rows)


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


def numeric_and_boolean() -> dict:
    frame = pl.DataFrame({"x": [0.5, 1.5, 2.5] * 9, "b": [True, False, True] * 9, "y": range(27)})
    run = cr.train_table(frame, "y", hidden=(2,), epochs=1)
    return loaded(str(cr.export(run, "numpy")))


@pytest.mark.parametrize("cell", ["true", " False", True, np.True_])
def test_a_boolean_is_no_number(cell: object) -> None:
    predict = numeric_and_boolean()["predict"]
    predict([{"x": "1", "b": cell}])
    with pytest.raises(ValueError, match=r"row 0, column 'x'.* is not a"):
        predict([{"x": cell, "b": cell}])


def test_names_may_have_spaces_around_them() -> None:
    predict = numeric_and_boolean()["predict"]
    expected = predict({"x": [1.0], "b": [True]})
    for rows in ({" x ": [1.0], "b ": [True]}, [{"x\t": 1.0, "b": True}]):
        assert predict(rows).tolist() == expected.tolist()
    assert predict(pl.DataFrame({" x": [1.0], "b ": [True]})).tolist() == expected.tolist()
