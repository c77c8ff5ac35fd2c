"""Fields of untrusted records: present and of their type, or one line that says what is wrong."""

import pytest

from chainrule.data import records
from chainrule.errors import ModelFileError


def test_good_fields_come_through():
    record = {"name": "x", "mean": 3, "list": [1, 2.5], "kind": "a", "flag": True}
    assert records.field(record, "name", str) == "x"
    assert records.field(record, "flag", bool) is True
    assert records.number(record["mean"], "mean") == 3.0
    assert records.numbers_of(record, "list") == (1.0, 2.5)
    assert records.choice(record, "kind", ("a", "b")) == "a"


@pytest.mark.parametrize(
    "read",
    [
        lambda: records.field([], "name", str),
        lambda: records.field({}, "name", str),
        lambda: records.field({"name": None}, "name", str),
        lambda: records.field({"n": True}, "n", int),
        lambda: records.number("3", "n"),
        lambda: records.number(float("nan"), "n"),
        lambda: records.number(True, "n"),
        lambda: records.number(10**400, "n"),
        lambda: records.numbers_of({"n": [1, None]}, "n"),
        lambda: records.choice({"kind": "c"}, "kind", ("a", "b")),
    ],
)
def test_others_are_refused_in_one_line(read):
    with pytest.raises(
        ModelFileError, match=r"damaged: .*; fetch the file again or train anew"
    ) as e:
        read()
    assert len(str(e.value).splitlines()) == 1
