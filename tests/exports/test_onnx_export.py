"""The ONNX model passes onnx's checker and answers in onnxruntime as the model does."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.exported_models import prediction_of
from tests.exports.cases import CASES, Case, case, seconds

pytestmark = pytest.mark.peers("onnx", "onnxruntime")


def run(data: bytes, model: Case) -> dict[str, Any]:
    import onnx
    import onnxruntime

    stored = onnx.load_from_string(data)
    onnx.checker.check_model(stored, full_check=True)
    read = {name for node in stored.graph.node for name in node.input}
    assert {array.name for array in stored.graph.initializer} <= read  # onnxruntime warns of others
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    given = {}
    for column, cells in zip(prediction_of(model.model).columns, model.rows.values(), strict=True):
        if column.kind == "text":
            texts = [
                "" if c is None else str(c).lower() if isinstance(c, bool) else c for c in cells
            ]
            given[column.name] = np.array(texts, dtype=object)[:, None]
        else:
            if column.date is not None:
                cells = seconds(cells, column.date.form)
            given[column.name] = np.array(
                [np.nan if c is None else float(c) for c in cells], dtype=np.float64
            )[:, None]
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, given), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_the_model(name: str) -> None:
    model = case(name)
    if name == "gelu":  # onnxruntime's error function is of single precision
        model = replace(model, tolerance=1e-6)
    data = cr.export(model.model, "onnx")
    assert isinstance(data, bytes)
    found = run(data, model)
    if model.labels is None:
        model.check(found["prediction"])
    else:
        model.check(found["probabilities"], found["label"].tolist())


def test_columns_may_be_named_as_the_graph_names_things() -> None:
    draw = np.random.default_rng(0)
    names = ["/1", "prediction", "label"]
    frame = pl.DataFrame({name: draw.normal(size=40) for name in names})
    frame = frame.with_columns(y=pl.col("/1") * 2.0 + pl.col("label"))
    model = cr.train_table(frame, "y", hidden=(3,), epochs=2).model
    rows = {name: frame[name].to_list() for name in names}
    expected = Case(model, rows, model.predict(frame), None, 1e-6)
    data = cr.export(model, "onnx")
    assert isinstance(data, bytes)
    expected.check(run(data, expected)["prediction_"])


def test_without_the_package_onnx_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match="'onnx' needs the package onnx"):
        cr.export(case("classifier").model, "onnx")
