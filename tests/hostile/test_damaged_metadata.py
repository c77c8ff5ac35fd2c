"""Metadata of a model file with one entry replaced, under a checksum that fits: short refusals."""

import copy
import json
import struct

import polars as pl
import pytest
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from chainrule.errors import LONGEST_MESSAGE, ModelFileError
from chainrule.table_models.model_files import encoded, load
from chainrule.table_models.table_training import train_table
from chainrule.tensor_files import checksum_of, record_of

LONG = "x" * 20_000
WRONG: tuple = (LONG, [LONG], {LONG: 1}, 10**4000, "a " * 9000, -1, None, [], "\n")


@pytest.fixture(scope="module")
def data():
    table = pl.DataFrame({"x": [1.0, 2.0, 3.0] * 5, "c": list("abc") * 5, "t": list("uvw") * 5})
    return encoded(train_table(table, "t", hidden=(2,), validation=0, epochs=1).model)


def paths(node, path=()):
    """Yield the path of every entry of nested dictionaries and of the first entry of lists."""
    if path:
        yield path
    entries = node.items() if isinstance(node, dict) else ()
    entries = enumerate(node[:1]) if isinstance(node, list) else entries
    for key, entry in entries:
        yield from paths(entry, (*path, key))


def changed(record, path, value):
    found = copy.deepcopy(record)
    node = found
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return found


def refused(file, data):
    """Return whether a file is refused, with a short message; other errors fail the test."""
    file.write_bytes(data)
    try:
        load(file)
        return False
    except ModelFileError as error:
        message = str(error)
    assert len(message) <= LONGEST_MESSAGE + len(f"{file}: ")
    assert len(message.splitlines()) == 1
    return True


def test_every_entry_replaced(data, tmp_path):
    record, tensors = record_of(data), parse_tensors(data)
    refusals = 0
    for path in paths(record):
        for value in WRONG:
            wrong = changed(record, path, value)
            wrong["checksum"] = checksum_of(wrong, tensors)
            text = json.dumps(wrong)
            refusals += refused(
                tmp_path / "m", format_tensors(tensors, metadata={"chainrule": text})
            )
    assert refusals > 300


@pytest.mark.parametrize("entry", ["dtype", "shape", "data_offsets"])
def test_the_description_of_an_array_replaced(data, tmp_path, entry):
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    name = next(name for name in header if name != "__metadata__")
    for value in WRONG:
        text = json.dumps(changed(header, (name, entry), value)).encode()
        assert refused(tmp_path / "m", struct.pack("<Q", len(text)) + text + data[end:])


def test_of_a_large_file_that_is_no_model_only_the_start_is_read(tmp_path):
    file = tmp_path / "film"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)  # a hole of a terabyte
    with pytest.raises(ModelFileError, match="is not a safetensors file"):
        load(file)
