"""The preprocessing against scikit-learn's, and what becomes of cells new to it."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule.data import (
    CategoricalColumn,
    DroppedColumn,
    NumericColumn,
    Preprocessor,
    Table,
    decide_kinds,
)
from chainrule.data.preprocessing import MOST_CATEGORIES
from chainrule.errors import DataError, ModelFileError


def table_of(source="f.csv", **columns):
    return Table.from_frame(pl.DataFrame(columns, strict=False), source=source)


def raw(**columns):
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return Table(frame, "new.csv", np.arange(2, 2 + frame.height), "line", decided=False)


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(3, 20), st.integers(1, 4)),
        elements=st.integers(-1000, 1000).map(lambda n: n / 8),
    ),
    st.data(),
)
def test_numbers_are_filled_and_standardized_as_by_scikit_learn(values, data):
    holes = data.draw(arrays(bool, values.shape))
    holes[0] = False
    values = np.where(holes, np.nan, values)
    names = [f"c{i}" for i in range(values.shape[1])]
    frame = pl.DataFrame(values, schema=names).fill_nan(None)
    filled = SimpleImputer(strategy="median").fit_transform(values)
    varies = filled.min(axis=0) < filled.max(axis=0)
    if not varies.any():
        return
    oracle = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit(values)
    preprocessor = Preprocessor.fit(Table.from_frame(frame))
    applied = preprocessor.apply(Table.from_frame(frame))
    np.testing.assert_allclose(
        applied.matrix, oracle.transform(values)[:, varies], rtol=1e-10, atol=1e-10
    )
    assert [d.name for d in preprocessor.dropped] == [names[i] for i in np.flatnonzero(~varies)]
    assert {d.reason for d in preprocessor.dropped} <= {"constant"}
    assert applied.filled == {
        names[i]: int(holes[:, i].sum()) for i in np.flatnonzero(varies) if holes[:, i].any()
    }


@given(
    st.lists(st.sampled_from(["red", "Red", "é", "漢", "blue", None]), min_size=2, max_size=20),
    st.lists(st.sampled_from(["red", "é", "unseen", "blue", None]), min_size=1, max_size=20),
)
def test_text_is_one_hot_as_by_scikit_learn(fitted, later):
    if len(set(fitted)) < 2:
        return
    preprocessor = Preprocessor.fit(table_of(c=fitted))
    oracle = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    oracle.fit(np.array(fitted, dtype=object)[:, None])
    assert preprocessor.columns == (CategoricalColumn("c", tuple(oracle.categories_[0])),)
    for cells in (fitted, later):
        table = Table.from_frame(pl.DataFrame({"c": pl.Series(cells, dtype=pl.String)}))
        applied = preprocessor.apply(table)
        expected = oracle.transform(np.array(cells, dtype=object)[:, None])
        np.testing.assert_array_equal(applied.matrix, expected)
        unknown = sum(cell not in fitted for cell in cells if cell is not None)
        assert applied.unknown == ({"c": unknown} if unknown else {})
        missing = 0 if None in fitted else cells.count(None)
        assert applied.missing == ({"c": missing} if missing else {})


def mixed():
    return table_of(
        size=[1.0, None, 4.0, 2.0],
        color=["red", "blue", None, "red"],
        unit=["m"] * 4,
        one=[1.0, 1.0, None, 1.0],
        gone=pl.Series([None] * 4, dtype=pl.String),
        target=[0, 1, 0, 1],
    )


def test_features_their_names_and_what_is_dropped():
    preprocessor = Preprocessor.fit(mixed(), exclude=["target"])
    assert preprocessor.feature_names == ("size", "color=blue", "color=red", "color=(missing)")
    assert preprocessor.n_features == 4
    assert preprocessor.dropped == (
        DroppedColumn("unit", "constant"),
        DroppedColumn("one", "constant"),
        DroppedColumn("gone", "empty"),
    )
    applied = preprocessor.apply(mixed())
    assert applied.filled == {"size": 1}
    assert applied.unknown == {}
    np.testing.assert_array_equal(
        applied.matrix[:, 1:], [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    )


def test_the_matrix_is_ready_for_the_kernels():
    matrix = Preprocessor.fit(mixed(), exclude=["target"]).transform(mixed())
    assert matrix.dtype == np.float64
    assert matrix.flags.c_contiguous
    assert matrix.shape == (4, 4)


def test_only_the_rows_of_fit_count():
    table = table_of(x=[0.0, 2.0, 100.0, None], c=["a", "b", "z", "y"])
    preprocessor = Preprocessor.fit(table.take([0, 1]))
    assert preprocessor.columns == (
        NumericColumn("x", 1.0, 1.0, 1.0, binary=True),
        CategoricalColumn("c", ("a", "b")),
    )
    applied = preprocessor.apply(table.take([2, 3]))
    np.testing.assert_array_equal(applied.matrix, [[99, 0, 0], [0, 0, 0]])
    assert (applied.filled, applied.unknown) == ({"x": 1}, {"c": 2})


def test_at_prediction_columns_are_found_by_name():
    preprocessor = Preprocessor.fit(mixed(), exclude=["target"])
    table = raw(color=["red", " blue "], extra=["q", "q"], size=["", "4"])
    applied = preprocessor.apply(table)
    np.testing.assert_array_equal(
        applied.matrix,
        preprocessor.transform(table_of(size=[None, 4.0], color=["red", "blue"])),
    )


def test_the_fitted_kind_decides_at_prediction():
    preprocessor = Preprocessor.fit(
        decide_kinds(raw(zip=["01", "2", "01"], x=["1", "2", "3"]), categorical=["zip"])
    )
    # Every cell is a number here, and yet "01" stays the category that it was.
    np.testing.assert_array_equal(
        preprocessor.transform(raw(zip=["01", "1"], x=["2", "2"])), [[1, 0, 0], [0, 0, 0]]
    )
    np.testing.assert_allclose(
        preprocessor.transform(raw(zip=["2", "01"], x=["3", "1"])),
        [[0, 1, 1.5**0.5], [1, 0, -(1.5**0.5)]],
    )
    with pytest.raises(DataError, match=r"new.csv, line 3, column 'x': 'b' is not a number, but"):
        preprocessor.transform(raw(zip=["01", "1"], x=["2", "b"]))


def test_a_missing_column_is_named_with_the_nearest():
    preprocessor = Preprocessor.fit(mixed(), exclude=["target"])
    with pytest.raises(DataError) as caught:
        preprocessor.transform(raw(Size=["1"], color=["red"]))
    assert str(caught.value) == (
        "new.csv: the model needs the column 'size', which is missing; rename 'Size'? "
        "The model's columns: 'size', 'color'"
    )


def test_several_missing_columns_are_counted():
    preprocessor = Preprocessor.fit(mixed(), exclude=["target"])
    with pytest.raises(DataError, match=r"'size' \(and 1 more\), which is missing; add it\. The"):
        preprocessor.transform(raw(zebra=["1"]))


def test_names_and_keys_are_dropped_and_frequent_categories_kept():
    n_rows = 4 * MOST_CATEGORIES
    table = table_of(
        key=[f"k{i}" for i in range(n_rows)],
        few=[f"f{i % 7}" for i in range(n_rows)],
        many=[f"m{i // 2:03}" if i < n_rows - 8 else "m999" for i in range(n_rows)],
    )
    preprocessor = Preprocessor.fit(table)
    assert preprocessor.dropped == (DroppedColumn("key", "identifier"),)
    assert [len(column.categories) for column in preprocessor.columns] == [7, MOST_CATEGORIES]
    categories = preprocessor.columns[1].categories
    assert "m999" in categories  # the most frequent
    assert categories == tuple(sorted(categories))
    unknown = preprocessor.apply(table).unknown
    assert unknown == {"many": n_rows - 8 - 2 * (MOST_CATEGORIES - 1)}


def test_fifty_different_texts_are_no_key():
    assert not Preprocessor.fit(table_of(c=[f"c{i}" for i in range(50)])).dropped
    with pytest.raises(DataError, match="'c' is a name or a key"):
        Preprocessor.fit(table_of(c=[f"c{i}" for i in range(51)]))


def test_nothing_left_to_learn_from():
    with pytest.raises(DataError, match=r"no column is left to learn from \('x' is constant\)"):
        Preprocessor.fit(table_of(x=[1, 1], t=[0, 1]), exclude=["t"])
    with pytest.raises(DataError, match="no column is left to learn from beside the target"):
        Preprocessor.fit(table_of(t=[0, 1]), exclude=["t"])


def test_a_column_named_count():
    assert Preprocessor.fit(table_of(count=["a", "b"])).feature_names == ("count=a", "count=b")


@given(st.floats(1e-300, 1e300), st.floats(-1e300, 1e300))
def test_json_restores_every_bit(deviation, mean):
    preprocessor = Preprocessor(
        (
            NumericColumn("x", mean, deviation, 0.1 + 0.2),
            CategoricalColumn("c", ("", "a", "é", None)),
        ),
        (DroppedColumn("k", "identifier"),),
    )
    text = json.dumps(preprocessor.to_dict(), allow_nan=False)
    assert Preprocessor.from_dict(json.loads(text)) == preprocessor


def test_restored_it_transforms_to_the_same_bits():
    preprocessor = Preprocessor.fit(mixed(), exclude=["target"])
    restored = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict())))
    np.testing.assert_array_equal(restored.transform(mixed()), preprocessor.transform(mixed()))


NUMERIC = {
    **{"kind": "numeric", "name": "x", "center": 0.0, "scale": 1.0, "median": 0.0},
    **{"robust": False, "marked": False, "binary": False},
}
CATEGORICAL = {"kind": "categorical", "name": "c", "categories": ["a", "b"], "rare": 0}


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"columns": [], "dropped": []},
        {"columns": [NUMERIC]},
        {"columns": [NUMERIC, NUMERIC], "dropped": []},
        {"columns": [3], "dropped": []},
        {"columns": [{**NUMERIC, "scale": 0.0}], "dropped": []},
        {"columns": [{**NUMERIC, "center": "0"}], "dropped": []},
        {"columns": [{**NUMERIC, "center": True}], "dropped": []},
        {"columns": [{**NUMERIC, "median": float("inf")}], "dropped": []},
        {"columns": [{**NUMERIC, "median": 10**400}], "dropped": []},
        {"columns": [{**NUMERIC, "kind": "other"}], "dropped": []},
        {"columns": [{**CATEGORICAL, "categories": []}], "dropped": []},
        {"columns": [{**CATEGORICAL, "categories": ["a", "a"]}], "dropped": []},
        {"columns": [{**CATEGORICAL, "categories": [None, "a"]}], "dropped": []},
        {"columns": [{**CATEGORICAL, "categories": ["a", 1]}], "dropped": []},
        {"columns": [CATEGORICAL], "dropped": [{"name": "k", "reason": "whim"}]},
    ],
)
def test_damaged_records_are_refused(record):
    with pytest.raises(ModelFileError, match="damaged") as caught:
        Preprocessor.from_dict(record)
    assert len(str(caught.value).splitlines()) == 1


def test_the_records_damaged_above_are_otherwise_good():
    record = {"columns": [NUMERIC, CATEGORICAL], "dropped": [{"name": "k", "reason": "empty"}]}
    assert Preprocessor.from_dict(record).to_dict() == record
