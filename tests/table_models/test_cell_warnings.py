"""Categories that training did not have: a warning in Python that names the caller's line."""

import warnings

import polars as pl
import pytest

from chainrule.data import Preprocessor
from chainrule.errors import DataWarning
from chainrule.table_models.table_training import train_table


def test_unknown_categories_are_reported_where_predict_is_called():
    table = pl.DataFrame({"a": ["u", "v"] * 6, "b": ["s", "t", "t"] * 4, "y": ["p", "q"] * 6})
    model = train_table(table, "y", epochs=1).model
    new = pl.DataFrame({"a": ["w", "v", None], "b": ["s", "x", "t"]})
    for predicted in (model.predict, model.probabilities):
        with pytest.warns(DataWarning) as caught:
            predicted(new)
        assert [one.filename for one in caught] == [__file__] * 2
        assert [str(one.message) for one in caught] == [
            "cells have a category that the training rows did not have: 'a' 1, 'b' 1; their "
            "predictions are from the other columns",
            "text cells are missing where no training row had a missing one: 'a' 1; their "
            "predictions are from the other columns",
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(table)


def test_categories_that_were_too_rare_to_be_kept_are_not_called_unknown():
    cities = [f"c{n % 250}" for n in range(1000)]
    table = pl.DataFrame({"city": cities, "x": ["a", "b"] * 500, "y": ["p", "q"] * 500})
    model = train_table(table, "y", hidden=(2,), epochs=1).model
    (kept,) = [column for column in model.preprocessor.columns if column.name == "city"]
    assert (len(kept.categories), kept.rare) == (200, 50)
    rarest = table.filter(~pl.col("city").is_in(kept.categories)).head(1)
    with pytest.warns(DataWarning) as caught:
        model.predict(pl.concat([rarest, rarest.with_columns(city=pl.lit("new"), x=pl.lit("c"))]))
    assert [str(one.message).partition(";")[0] for one in caught] == [
        "cells have a category that the training rows did not have: 'x' 1",
        "cells have a category that was too rare in training to be retained, or not there: "
        "'city' 2",
    ]
    record = model.preprocessor.to_dict()
    assert Preprocessor.from_dict(record) == model.preprocessor
    del record["columns"][0]["rare"]  # as in the first files
    assert Preprocessor.from_dict(record).rare == {}
