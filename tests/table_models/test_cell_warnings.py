"""Categories that training did not have: a warning in Python that names the caller's line."""

import warnings

import polars as pl
import pytest

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
