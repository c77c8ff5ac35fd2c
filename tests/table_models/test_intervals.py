"""Intervals hold the share of new targets that they promise, and the spread is the members'."""

import numpy as np
import polars as pl
import pytest

from chainrule.errors import DataError, InputError
from chainrule.table_models.model_files import load, save
from chainrule.table_models.prediction_table import prediction_frame
from chainrule.table_models.table_training import train_table


def table(rows, seed):
    draw = np.random.default_rng(seed)
    x, z = draw.normal(size=(2, rows))
    return pl.DataFrame({"x": x, "z": z, "y": np.sin(2 * x) + z + draw.normal(0.0, 0.3, rows)})


@pytest.fixture(scope="module")
def model():
    return train_table(table(1500, 0), "y", preset="fast", folds=5).model


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_the_share_of_new_targets(model, share):
    new = table(4000, 1)
    frame = prediction_frame(model, new, interval=share).frame
    assert frame.columns == ["prediction", "low", "high"]
    inside = ((frame["low"] <= new["y"]) & (new["y"] <= frame["high"])).mean()
    # The mean of all networks is a little better than those that had not seen a row.
    assert -0.03 < inside - share < 0.05


def test_the_standard_deviation_is_that_of_the_members(model, tmp_path):
    new = table(50, 2)
    frame = prediction_frame(model, new, spread=True).frame
    transformed = model.transform(new)
    each = [
        np.clip(
            model.scaler.inverse(_outputs(member, transformed.matrix)), *np.transpose(model.limits)
        )
        for member in model.members
    ]
    np.testing.assert_allclose(frame["std"], np.std(each, axis=0)[:, 0], rtol=1e-6)
    save(model, tmp_path / "m")
    again = prediction_frame(load(tmp_path / "m"), new, spread=True, interval=0.9).frame
    np.testing.assert_array_equal(again["std"], frame["std"])


def test_rows_are_predicted_in_blocks(model, monkeypatch, tmp_path):
    """The same bits and counts as at once, and a wrong cell has its line of the whole file."""
    new = table(50, 2).with_columns(
        x=pl.when(pl.int_range(50) % 7 == 0).then(None).otherwise(pl.col("x"))
    )
    new.write_csv(tmp_path / "new.csv")
    whole = prediction_frame(model, tmp_path / "new.csv", spread=True, interval=0.5)
    monkeypatch.setattr("chainrule.table_models.prediction_table.BLOCK", 9)
    blocks = prediction_frame(model, tmp_path / "new.csv", spread=True, interval=0.5)
    assert blocks.frame.equals(whole.frame)
    assert blocks.filled == whole.filled == {"x": 8}
    lines = (tmp_path / "new.csv").read_text().splitlines()
    lines[40] = lines[40].replace(lines[40].split(",")[1], "many")
    (tmp_path / "new.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"new.csv, line 41, column '\w+': 'many' is not a number"):
        prediction_frame(model, tmp_path / "new.csv")


def _outputs(member, matrix):
    from chainrule.training.single_pass import predict

    return predict(member.network, member.parameters, matrix)


def test_what_has_no_interval(model):
    classes = pl.DataFrame({"x": range(20), "c": ["a", "b"] * 10})
    for other in (
        train_table(classes, "c", hidden=(2,), epochs=1).model,
        train_table(table(9, 0), "y", hidden=(2,), validation=0, epochs=1).model,
    ):
        with pytest.raises(InputError, match="intervals need a model that predicts numbers and"):
            prediction_frame(other, table(3, 0).with_columns(c=pl.lit("a")), interval=0.9)
    with pytest.raises(
        InputError, match=r"`interval` must be a share above 0 and below 1, got 1\.5"
    ):
        prediction_frame(model, table(3, 0), interval=1.5)
