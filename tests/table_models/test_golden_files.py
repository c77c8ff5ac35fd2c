"""Model files of each format, as they were written once: they load for ever, with the same answers.

Never write these files anew: a format that changes gets files of its own beside them.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.table_models.model_files import FORMAT

FOLDER = Path(__file__).with_name("golden")
FRAME = pl.DataFrame(
    {
        "size": [0.1, 0.2, None, 0.4],
        "city": ["Ulm", "北京", "Ulm", None],
        "day": ["2020-01-01", "2020-01-02", "2020-01-03", "2020-02-04"],
    }
)


def test_every_format_since_2_has_files():
    for number in range(2, FORMAT + 1):
        assert len(list(FOLDER.glob(f"*-format-{number}.safetensors"))) >= 2


def test_a_network_with_a_formula_of_its_own():
    found = cr.load(FOLDER / "network-format-2.safetensors")
    assert str(found.network) == "2-3-1, square of mine then identity, mse, L2 0.1, 13 parameters"
    np.testing.assert_allclose(found.predict([[0.5, -1.0]]), [[-0.13386658125716575]], rtol=1e-14)


@pytest.mark.filterwarnings("ignore::chainrule.errors.DataWarning")
def test_a_model_of_a_table():
    model = cr.load(FOLDER / "table-format-2.safetensors")
    assert model.classes == ("u", "v", "w")
    assert model.predict(FRAME).tolist() == PREDICTIONS
    np.testing.assert_allclose(model.probabilities(FRAME), PROBABILITIES, rtol=1e-5)
    assert model.reading is not None


PREDICTIONS = ["u", "u", "v", "v"]
PROBABILITIES = [
    [0.3353560846259596, 0.32937879801805664, 0.33526511735598385],
    [0.3353560846259596, 0.32937879801805664, 0.33526511735598385],
    [0.29035274289807356, 0.3663994369851416, 0.34324782011678484],
    [0.28043195809639243, 0.4109028737839714, 0.30866516811963607],
]
