"""Fields of untrusted records: present and of their type, or one line that says what is wrong."""

import pytest

from chainrule.data import record_fields
from chainrule.errors import ModelFileError


def test_good_fields_come_through():
    record = {"name": "x", "mean": 3, "list": [1, 2.5], "kind": "a", "flag": True}
    assert record_fields.field(record, "name", str) == "x"
    assert record_fields.field(record, "flag", bool) is True
    assert record_fields.number(record["mean"], "mean") == 3.0
    assert record_fields.numbers_of(record, "list") == (1.0, 2.5)
    assert record_fields.choice(record, "kind", ("a", "b")) == "a"


@pytest.mark.parametrize(
    "read",
    [
        lambda: record_fields.field([], "name", str),
        lambda: record_fields.field({}, "name", str),
        lambda: record_fields.field({"name": None}, "name", str),
        lambda: record_fields.field({"n": True}, "n", int),
        lambda: record_fields.number("3", "n"),
        lambda: record_fields.number(float("nan"), "n"),
        lambda: record_fields.number(True, "n"),
        lambda: record_fields.number(10**400, "n"),
        lambda: record_fields.numbers_of({"n": [1, None]}, "n"),
        lambda: record_fields.choice({"kind": "c"}, "kind", ("a", "b")),
    ],
)
def test_others_are_refused_in_one_line(read):
    with pytest.raises(
        ModelFileError, match=r"damaged: .*; fetch the file again or train anew"
    ) as e:
        read()
    assert len(str(e.value).splitlines()) == 1
