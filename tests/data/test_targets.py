"""What a target column asks for, its codes, and the way back to labels."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import LabelBinarizer, LabelEncoder

from chainrule.data import (
    ClassTarget,
    NumberTarget,
    Table,
    decide_kinds,
    decide_targets,
    parse_target,
    target_from_dict,
)
from chainrule.errors import DataError, InputError, ModelFileError


def table_of(**columns):
    return Table.from_frame(pl.DataFrame(columns, strict=False), source="f.csv")


def raw(**columns):
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    lines = np.arange(2, 2 + frame.height)
    return Table(frame, "f.csv", lines, "line", decided=False)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["b", "a", "b"], ClassTarget("t", ("a", "b"))),
        ([1, 0, 1], ClassTarget("t", (0, 1))),
        ([10, 9, -2], ClassTarget("t", (-2, 9, 10))),
        (list(range(10)), ClassTarget("t", tuple(range(10)))),
        (list(range(11)), NumberTarget(("t",))),
        ([0.5, 1.0, 0.5], NumberTarget(("t",))),
        ([True, False], ClassTarget("t", (False, True))),
        ([2**53 + 1, 2**53], ClassTarget("t", (2**53, 2**53 + 1))),
        (["10", "9"], ClassTarget("t", ("10", "9"))),
    ],
)
def test_the_rule(cells, expected):
    target = decide_targets(table_of(t=cells), "t")
    assert target == expected
    if isinstance(target, ClassTarget):
        assert [type(label) for label in target.labels] == [type(x) for x in expected.labels]


@pytest.mark.parametrize(
    ("cells", "text", "expected"),
    [
        ([1, 2, 1], "t:number", NumberTarget(("t",))),
        (list(range(20)), "t:class", ClassTarget("t", tuple(range(20)))),
        ([0.5, 1.0], "t:class", ClassTarget("t", (0.5, 1))),
    ],
)
def test_the_rule_is_overruled(cells, text, expected):
    assert decide_targets(table_of(t=cells), text) == expected


def test_csv_text_of_whole_numbers_gives_integer_labels():
    table = raw(t=["3", " 1", "2.0", "3"])
    target = decide_targets(table, "t")
    assert target.labels == (1, 2, 3)
    np.testing.assert_array_equal(target.codes(table), [2, 0, 1, 2])
    decoded = target.decode(np.eye(3))
    assert decoded.dtype == np.int64
    assert decoded.tolist() == [1, 2, 3]


def test_declared_categorical_gives_text_labels():
    table = decide_kinds(raw(t=["01", "2", "01"]), categorical=["t"])
    assert decide_targets(table, "t").labels == ("01", "2")


@given(st.lists(st.text(min_size=1).filter(lambda t: t == t.strip()), min_size=2, max_size=9))
def test_labels_and_codes_of_text_are_those_of_scikit_learn(cells):
    if len(set(cells)) < 2:
        return
    table = decide_kinds(raw(t=cells), categorical=["t"])  # undeclared, NULL and $3 are no text
    target = decide_targets(table, "t")
    oracle = LabelEncoder().fit(np.array(cells, dtype=object))
    assert list(target.labels) == list(oracle.classes_)
    np.testing.assert_array_equal(target.codes(table), oracle.transform(np.array(cells, object)))


@given(st.lists(st.integers(-3, 6), min_size=2, max_size=30))
def test_one_hot_is_that_of_scikit_learn(cells):
    if len(set(cells)) < 2:
        return
    table = table_of(t=cells)
    target = decide_targets(table, "t")
    encoded = target.encode(table)
    oracle = LabelBinarizer().fit(cells)
    np.testing.assert_array_equal(encoded, oracle.transform(cells))
    assert encoded.shape == (len(cells), target.n_outputs)
    assert encoded.dtype == np.float64
    np.testing.assert_array_equal(target.decode(encoded), cells)
    assert sum(target.counts(table).values()) == len(cells)


def test_two_classes_share_one_output():
    target = ClassTarget("t", ("no", "yes"))
    assert target.n_outputs == 1
    np.testing.assert_allclose(target.probabilities([[0.3], [0.5]]), [[0.7, 0.3], [0.5, 0.5]])
    assert target.decode([[0.3], [0.5], [0.5000001]]).tolist() == ["no", "no", "yes"]


def test_outputs_of_another_width_are_refused():
    with pytest.raises(InputError, match=r"`outputs` must .* \(rows, 1\), got \(1, 2\)"):
        ClassTarget("t", (0, 1)).decode([[0.1, 0.9]])


def test_several_numbers_are_several_outputs():
    table = table_of(a=[1, 2, 2], b=[0.5, 1.5, 1.0])
    target = decide_targets(table, ["b", "a:number"])
    assert target == NumberTarget(("b", "a"))
    np.testing.assert_array_equal(target.encode(table), [[0.5, 1], [1.5, 2], [1.0, 2]])


def test_a_class_among_several_targets_is_refused():
    table = table_of(a=["x", "y"], b=[0.5, 1.5])
    with pytest.raises(InputError, match=r"target 'a' is of classes.*name it alone, or append"):
        decide_targets(table, ["b", "a"])


@pytest.mark.parametrize("targets", [[], ["a", "a:number"]])
def test_targets_are_named_once_and_at_least_one(targets):
    with pytest.raises(InputError, match=r"`targets` must be one or more names|named twice"):
        decide_targets(table_of(a=[0.5, 1.5]), targets)


def test_a_column_of_dates_is_no_target():
    frame = pl.DataFrame({"day": ["2020-03-01", "2020-03-02"], "x": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"f.csv: column 'day' holds dates, which are inputs only"):
        decide_targets(decide_kinds(Table.from_frame(frame, "f.csv")), "day")


def test_unknown_targets():
    table = table_of(species=["a", "b"], size=[1, 2])
    with pytest.raises(DataError, match=r"f.csv: unknown column 'specie'. Did you mean 'species'"):
        decide_targets(table, "specie")
    with pytest.raises(DataError, match=r"f.csv: unknown column 'specie'. Did you mean 'species'"):
        decide_targets(table, "specie:class")
    with pytest.raises(InputError, match="unknown kind 'klass'; write 'species:class'"):
        decide_targets(table, "species:klass")


def test_a_column_whose_name_has_a_colon():
    table = table_of(**{"t:class": [0.5, 1.5, 1.0], "a:b": [1, 2, 3]})
    assert parse_target("t:class", table) == ("t:class", None)
    assert parse_target("t:class:number", table) == ("t:class", "number")
    assert parse_target("a:b", table) == ("a:b", None)


@pytest.mark.parametrize("decide", [True, False])
def test_missing_targets_are_counted_and_located(decide):
    table = raw(t=["a", "", "b", " "])
    table = decide_kinds(table) if decide else table
    with pytest.raises(DataError, match=r"f.csv, line 3, column 't': .* in 2 of 4 rows; fill"):
        decide_targets(table, "t")
    with pytest.raises(DataError, match=r"line 3.*in 2 of 4 rows"):
        ClassTarget("t", ("a", "b")).encode(table)
    with pytest.raises(DataError, match=r"line 3.*in 1 of 2 rows"):
        NumberTarget(("t",)).encode(raw(t=["1", ""]))


@pytest.mark.parametrize("cells", [["a", "a"], [3, 3]])
def test_one_class_only(cells):
    with pytest.raises(DataError, match=r"target 't' has one class only, .*at least two classes"):
        decide_targets(table_of(t=cells), "t")


def test_a_constant_number():
    with pytest.raises(DataError, match=r"target 't' is 2.5 in all 2 rows.*nothing to learn"):
        decide_targets(table_of(t=[2.5, 2.5]), "t")
    with pytest.raises(DataError, match=r"target 't' is 3 in all 2 rows"):
        decide_targets(table_of(t=[3, 3]), "t:number")


def test_a_name_or_key_is_no_target_unless_insisted():
    table = table_of(t=[f"person {i}" for i in range(60)])
    with pytest.raises(DataError, match=r"60 different values in 60 rows.*append ':class'"):
        decide_targets(table, "t")
    assert len(decide_targets(table, "t:class").labels) == 60


@pytest.mark.parametrize(("cell", "labels"), [("c", ("a", "b")), ("2.5", (2, 3)), ("9", (2, 3))])
def test_labels_that_the_model_does_not_know(cell, labels):
    target = ClassTarget("t", labels)
    table = raw(t=[str(labels[0]), cell])
    with pytest.raises(DataError, match=rf"line 3, column 't': '{cell}' is not one of the classes"):
        target.codes(table)


@pytest.mark.parametrize(
    "target",
    [
        ClassTarget("t", ("a", "é")),
        ClassTarget("t", (-1, 0, 0.1 + 0.2)),
        ClassTarget("t", (False, True)),
        ClassTarget("t", (2**53, 2**53 + 1)),
        NumberTarget(("a", "b")),
    ],
)
def test_json_restores_the_target(target):
    restored = target_from_dict(json.loads(json.dumps(target.to_dict())))
    assert restored == target
    if isinstance(target, ClassTarget):
        assert [type(a) for a in restored.labels] == [type(a) for a in target.labels]


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {"kind": "other"},
        {"kind": "number", "names": []},
        {"kind": "number", "names": [1]},
        {"kind": "class", "name": "t"},
        {"kind": "class", "name": 3, "labels": ["a", "b"]},
        {"kind": "class", "name": "t", "labels": ["a"]},
        {"kind": "class", "name": "t", "labels": ["b", "a"]},
        {"kind": "class", "name": "t", "labels": ["a", 1]},
        {"kind": "class", "name": "t", "labels": [True, 2]},
        {"kind": "class", "name": "t", "labels": [0, float("nan")]},
    ],
)
def test_damaged_records_are_refused(record):
    with pytest.raises(ModelFileError, match="damaged") as caught:
        target_from_dict(record)
    assert len(str(caught.value).splitlines()) == 1
