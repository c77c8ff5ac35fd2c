"""Rows of tables explained: names, preprocessing, scaling, and what is refused."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import DataError, InputError
from tests.documents.html_reading import parsed

HOUSES = pl.DataFrame(
    {
        "size": [50.0, 80.0, None, 120.0, 65.0, 90.0],
        "town": ["Ulm", "Bonn", "Ulm", None, "Bonn", "Ulm"],
        "unit": ["m"] * 6,
        "price": [150.5, 210.25, 180.0, 400.5, 160.0, 230.75],
    }
)


@pytest.fixture(scope="module")
def regression() -> cr.TableModel:
    return cr.train_table(HOUSES, "price", hidden=(5,), validation=0, epochs=3).model


@pytest.fixture(scope="module")
def classes() -> cr.TableModel:
    path = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
    return cr.train_table(path, "species", hidden=(6,), epochs=3).model


def test_the_row_is_told_by_its_columns(regression: cr.TableModel) -> None:
    found = cr.explain_table(regression, HOUSES, row=3, weight="W_ih[town=(missing),2]")
    cells = {cell.name: cell for cell in found.labels.cells}
    size = HOUSES["size"].fill_null(HOUSES["size"].median()).to_numpy()
    assert cells["size"].cell == "120"
    assert cells["size"].value == pytest.approx((120 - size.mean()) / size.std(), rel=1e-12)
    assert (cells["town"].feature, cells["town"].value) == ("town=(missing)", 1.0)
    assert "unit" not in cells
    price = HOUSES["price"].to_numpy()
    assert cells["price"].target
    assert cells["price"].value == pytest.approx((400.5 - price.mean()) / price.std(), rel=1e-12)
    assert found.labels.truth == "400.5"
    answer = regression.predict(HOUSES)[3]
    assert float(found.labels.answer) == pytest.approx(answer, rel=1e-8)
    assert found.passed
    assert str(found.entry) == "W_ih[3,2]"
    assert "input 3 (town=(missing))" in found.to_text()
    assert "3 号输入（town=(missing)）" in found.to_text("zh")


def test_missing_and_unknown_cells_are_told(regression: cr.TableModel) -> None:
    table = HOUSES.with_columns(pl.lit("Kiel").alias("town"))
    found = cr.explain_table(regression, table, row=2)
    cells = {cell.name: cell for cell in found.labels.cells}
    assert cells["size"].filled
    assert cells["town"].value is None
    assert "(missing: the median)" in found.to_text()
    assert "0 in all (unknown)" in found.to_text()


def test_the_numbers_are_those_of_training(regression: cr.TableModel) -> None:
    """The loss of the whole table is the model's own, on scaled targets."""
    found = cr.explain_table(regression, HOUSES)
    assert regression.scaler is not None
    Y = regression.scaler.transform(HOUSES["price"].to_numpy()[:, None])
    X = regression.transform(HOUSES).matrix
    loss, _ = cr.loss_and_gradients(regression.network, regression.parameters, X, Y)
    assert float(found.values["Loss"].squeeze()) == pytest.approx(loss, rel=1e-9)
    assert len(found.rows) == 6


def test_classes_are_told_by_their_labels(classes: cr.TableModel) -> None:
    path = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
    found = cr.explain_table(classes, path, row=60, weight="W_ho[2,versicolor]")
    text = found.to_text()
    assert "row 60 (line 62 of the file)" in text
    assert "target of output versicolor" in text
    assert "output 1 (versicolor)" in text
    assert found.labels.truth == "versicolor"
    assert found.labels.answer in ("setosa", "versicolor", "virginica")
    assert found.labels.cells[-1].value == 1.0
    assert np.array_equal(found.batch.data["Y_t"], [[0.0, 1.0, 0.0]])


def test_the_step_is_that_of_the_models_own_optimizer(regression: cr.TableModel) -> None:
    found = cr.explain_table(regression, HOUSES, row=0)
    assert found.batch.optimizer == cr.Adam(0.003)
    slower = cr.explain_table(regression, HOUSES, row=0, learning_rate=0.5)
    assert slower.batch.optimizer == cr.Adam(0.5)
    other = cr.explain_table(regression, HOUSES, row=0, optimizer="sgd", learning_rate=0.5)
    assert other.batch.optimizer == cr.SGD(0.5)


def test_rows_are_taken_in_the_order_they_are_named(regression: cr.TableModel) -> None:
    found = cr.explain_table(regression, HOUSES, rows=[4, 1], weight="W_ho[0,0]")
    assert found.labels.numbers == (4, 1)
    assert "row 4 (index 0 in the batch)" in found.to_text()
    X = regression.transform(HOUSES).matrix
    assert np.array_equal(found.batch.data["X"], X[[4, 1]])


def test_tables_that_cannot_be_explained(regression: cr.TableModel) -> None:
    with pytest.raises(InputError, match="must be from 0 to 5, got 6: the table has 6"):
        cr.explain_table(regression, HOUSES, row=6)
    without = HOUSES.drop("price")
    with pytest.raises(DataError, match="target 'price' is no column; an explanation"):
        cr.explain_table(regression, without, row=0)
    renamed = HOUSES.rename({"price": "Price"})
    with pytest.raises(DataError, match="rename 'Price'"):
        cr.explain_table(regression, renamed, row=0)
    with pytest.raises(DataError, match="needs the column 'size'"):
        cr.explain_table(regression, HOUSES.drop("size"), row=0)
    holes = HOUSES.with_columns(pl.lit(None, dtype=pl.Float64).alias("price"))
    with pytest.raises(DataError, match="the target is missing"):
        cr.explain_table(regression, holes, row=0)
    with pytest.raises(InputError, match="Did you mean 'town=Ulm'"):
        cr.explain_table(regression, HOUSES, row=0, weight="W_ih[town=Ulmm,0]")


def test_a_hole_in_another_row_does_not_matter(regression: cr.TableModel) -> None:
    price = HOUSES["price"].to_list()
    price[5] = None
    table = HOUSES.with_columns(pl.Series("price", price))
    assert cr.explain_table(regression, table, row=0).passed


LONG = "the floor area of all rooms that are heated " * 6
ODD = pl.DataFrame(
    {
        LONG: [1.0, 2.5, 3.0, 4.0],
        "two\nlines\x1b[31m": [4.0, 3.0, 2.0, 1.5],
        "y": [1.0, 2.0, 3.0, 4.5],
    }
)


def test_names_of_many_letters_and_lines_leave_their_rows_in_shape() -> None:
    """Each value stands beside its name, on a terminal and on a page."""
    model = cr.train_table(ODD, "y", hidden=(3,), validation=0, epochs=1).model
    found = cr.explain_table(model, ODD, row=1)
    text = found.to_text()
    rows = text.split("input of the network")[1].split("Given")[0].splitlines()
    assert max(map(len, rows)) <= 100
    assert "\x1b" not in text
    for begin, cell in zip(("the floor", "two lines"), found.labels.cells[:2], strict=True):
        (line,) = (row for row in rows if row.strip().startswith(begin))
        numbers = re.findall(r"[-−]?\d+(?:\.\d+)?(?:e[-−]?\d+)?", line)
        found_values = [float(number.replace("−", "-")) for number in numbers]
        assert any(value == pytest.approx(cell.value, rel=1e-5) for value in found_values)
    page = parsed(found.to_html())
    cells = [(each.get("class"), "".join(each.itertext())) for each in page.iter("td")]
    long = [text for _, text in cells if text.startswith("the floor")]
    assert len(long) == 2
    assert max(map(len, long)) <= 60
    assert {kind for kind, text in cells if text.startswith("the floor")} == {"long"}
    assert all(kind is None for kind, text in cells if text.startswith("two\nlines"))
