"""The header compiles without a warning and answers as the model does, under sanitizers too."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import InputError
from chainrule.exports.prediction_steps import Column
from tests.exports.cases import CASES, HOSTILE, Case, case, seconds, trained_on_mixed
from tests.exports.compiled_c import SANITIZED, answered, compiled

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#define MODEL_TEST_VECTORS
#include "model.h"
int main(void)
{
    static char text[MODEL_TEXTS + 1][6000];
    const char *texts[MODEL_TEXTS + 1];
    double numbers[MODEL_NUMBERS + 1], outputs[MODEL_OUTPUTS];
    int rows, row, i, length, k;
    printf("%.17g\\n", model_test_vectors());
    if (scanf("%d", &rows) != 1) return 1;
    for (row = 0; row < rows; ++row) {
        for (i = 0; i < MODEL_NUMBERS; ++i) if (scanf("%lf", &numbers[i]) != 1) return 1;
        for (i = 0; i < MODEL_TEXTS; ++i) {
            if (scanf("%d:", &length) != 1) return 1;
            texts[i] = length < 0 ? NULL : text[i];
            for (k = 0; k < length; ++k) text[i][k] = (char)getchar();
            if (length >= 0) text[i][length] = 0;
        }
        printf("%d", model_predict(numbers, texts, outputs));
        for (i = 0; i < MODEL_OUTPUTS; ++i) printf(" %.17g", outputs[i]);
        printf("\\n");
    }
    return 0;
}
"""


def numbers_of(model: Case, column: Column) -> list[Any]:
    cells = model.rows[column.name]
    return cells if column.date is None else seconds(cells, column.date.form)


def fed(model: Case) -> bytes:
    """Return the rows as the program above reads them."""
    from chainrule.exports.exported_models import prediction_of

    columns = prediction_of(model.model).columns
    numbers = [numbers_of(model, c) for c in columns if c.kind != "text"]
    texts = [model.rows[c.name] for c in columns if c.kind == "text"]
    data = f"{len(model.outputs)}\n".encode()
    for row in range(len(model.outputs)):
        cells = ("nan" if c[row] is None else repr(float(c[row])) for c in numbers)
        data += " ".join(cells).encode() + b"\n"
        for column in texts:
            cell = column[row]
            if isinstance(cell, bool):
                cell = str(cell).lower()
            encoded = b"" if cell is None else cell.encode()
            data += f"{-1 if cell is None else len(encoded)}:".encode() + encoded + b"\n"
    return data


def check(model: Case, folder: Path, options: list[str]) -> None:
    header = str(cr.export(model.model, "c"))
    (vectors,), *rows = answered(compiled(header, MAIN, folder, options), fed(model))
    (stated,) = re.findall(r"differ by (\S+) at most", header)
    assert vectors <= float(stated)
    assert float(stated) <= model.tolerance * max(1.0, np.abs(model.outputs).max())
    outputs = np.array([row[1:] for row in rows])
    labels = None
    if model.labels is not None:
        from chainrule.exports.exported_models import prediction_of

        names = prediction_of(model.model).labels or ()
        labels = [names[int(row[0])] for row in rows]
    model.check(outputs, labels)


@pytest.mark.parametrize("name", CASES)
def test_answers_are_those_of_the_model(name: str, tmp_path: Path) -> None:
    check(case(name), tmp_path, ["-O1"])


@pytest.mark.parametrize("name", ["two classes, fast", "graph", "declared marks"])
def test_answers_are_those_of_the_model_under_sanitizers(name: str, tmp_path: Path) -> None:
    check(case(name), tmp_path, SANITIZED)


def test_the_header_may_be_included_without_being_used(tmp_path: Path) -> None:
    header = str(cr.export(case("numbers, hidden").model, "c"))
    main = '#include "model.h"\n#include "model.h"\nint main(void) { return 0; }\n'
    assert answered(compiled(header, main, tmp_path, [])) == []


def test_flash_and_memory_are_stated() -> None:
    network = cr.Network.dense([4, 16, 3], "tanh", "log_loss")
    single = network.initialize(seed=0, dtype="float32")
    header = str(cr.export((network, single), "c"))
    assert f"Constants: {4 * 131} bytes of numbers and texts (flash)." in header
    assert f"Working memory: {8 * (4 + 16)} bytes" in header  # the inputs and the hidden layer
    assert "malloc" not in header


def test_a_category_with_nul_is_refused() -> None:
    model = trained_on_mixed("two", hidden=(3,), epochs=1).model
    column = model.preprocessor.columns[2]
    assert HOSTILE[2] in column.categories
    object.__setattr__(column, "categories", ("a\0b", *column.categories[1:]))
    with pytest.raises(InputError, match="the character NUL, got 'c' and"):
        cr.export(model, "c")
