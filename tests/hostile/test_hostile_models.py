"""Model files that were made to attack: refused in a second, whatever their checksum says."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.errors import InputError, ModelFileError
from chainrule.formulas.functions import z
from chainrule.network.activations import activation
from chainrule.table_models.model_files import encoded, load
from tests.hostile import mutants

PROGRAM = Path(__file__).with_name("mutants.py")


def test_mutants_are_refused_or_work():
    """A few thousand; `scripts/soak mutants` tries 100,000 and every single bit."""
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), "1000"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
    )
    assert ran.stderr == ""
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.endswith("; departed: 0\n")


@pytest.fixture(scope="module")
def files():
    square = activation("square of mine", z * z)
    network = cr.Network.dense([2, 3, 1], [square, "identity"])
    return {**mutants.originals(), "function": encoded((network, network.initialize(seed=0)))}


def put(value, *keys):
    def change(record):
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = value

    return change


def formula(record):
    return "function", put(record, "networks", 0, "activations", 0, "value")


def text(formulas):
    return "formulas", put(formulas, "networks", 0, "formulas")


def number(digits):
    return ["number", digits]


def nodes(count):
    layers = [{"layer": "InputLayer", "settings": {"width": 2}}]
    layers += [{"layer": "PReLU", "settings": {}}] * count
    listed = [{"layer": n, "sources": [n - 1] if n else []} for n in range(count + 1)]
    described = {"layers": layers, "nodes": listed, "inputs": [0], "outputs": [count]}
    return "graph", lambda record: record["networks"][0].update(described)


def encoding(layer, settings):
    """Put an encoding in the position of the normalization."""
    return put({"layer": layer, "settings": settings}, "networks", 0, "layers", 1)


def many_columns(record):
    first, *_ = record["preprocessing"]["columns"]
    record["preprocessing"]["columns"] = [{**first, "name": str(n)} for n in range(20_000)]


ATTACKS = {
    "a power that fills the memory": formula(["power", number("10"), number("1000000000")]),
    "powers of powers": formula(
        ["power", ["power", ["power", number("1e300"), number("64")], number("64")], number("64")]
    ),
    "a tower": formula(["power", number("9"), ["power", number("9"), number("9")]]),
    "a sum as exponent": formula(["power", number("9"), ["add", number("1e9"), number("1")]]),
    "an exponent of many digits": formula(["power", number("9"), number("1e999999999")]),
    "a power of a symbol": formula(["power", ["symbol", "z"], number("1e9")]),
    "a product of huge numbers": formula(["product", *[number("1e300")] * 3000]),
    "fractions of many digits": formula(["add", *[number("1/" + "7" * 300)] * 3000]),
    "a sum of 50,000": formula(["add", *[["symbol", "z"]] * 50_000]),
    "a formula in 400 lists": formula(json.loads('["add",' * 400 + "1" + "]" * 400)),
    "parentheses": text("A = " + "(" * 5000 + "X" + ")" * 5000),
    "braces": text("A = " + "\\frac{" * 2000 + "X"),
    "powers in a text": text("H = X + 10**10**10; A = H @ W_io"),
    "digits in a text": text("H = X + " + "9" * 100_000 + "; A = H @ W_io"),
    "3,000 statements": text("\n".join(f"H{n} = X + {n}" for n in range(3000))),
    "sizes": ("formulas", put({"i": 10**14, "o": 10**14}, "networks", 0, "sizes")),
    "a wide layer": ("dense", put([2, 10**15, 1], "networks", 0, "layers")),
    "levels": ("graph", put(2**31, "networks", 0, "layers", 2, "settings", "levels")),
    "frequencies": ("graph", encoding("Periodic", {"units": 10**5, "frequencies": 10**5})),
    "units of an encoding": (
        "graph",
        encoding("PiecewiseLinear", {"edges": [[0.0, 1.0]] * 2, "units": 10**8}),
    ),
    "20,000 nodes": nodes(20_000),
    "100,000 layers": ("dense", put([1] * 100_000, "networks", 0, "layers")),
    "a million members": ("recipe", put([{"network": 0, "weight": 1e-6}] * 10**6, "members")),
    "9,000 networks": ("recipe", lambda record: put(record["networks"] * 3000, "networks")(record)),
    "20,000 columns": ("classes", many_columns),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused_in_a_second(files, tmp_path, name):
    original, change = ATTACKS[name]
    header, record, rest = mutants.parts(files[original])
    change(record)
    path = tmp_path / "m"
    path.write_bytes(mutants.signed(header, record, rest))
    load_refused(path)


@pytest.mark.parametrize("begin", ['{"a":[', '{"__metadata__":{"chainrule":"['])
def test_a_header_of_millions_of_lists_takes_no_memory(tmp_path, begin):
    header = (begin + "[]," * 3_000_000 + "0]" + '"}}' * begin.count('"[') + "}").encode()
    path = tmp_path / "m"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    before = mutants._peak()
    load_refused(path)
    assert mutants._peak() - before < 64 + len(header) / 1e6


def test_edges_that_float32_does_not_have(files, tmp_path):
    """Infinite constants predicted NaN, without an error."""
    header, record, rest = mutants.parts(files["recipe"])
    for network in record["networks"]:
        for layer in network["layers"]:
            if "edges" in layer["settings"]:
                layer["settings"]["edges"][0][0] = -1e308
    path = tmp_path / "m"
    path.write_bytes(mutants.signed(header, record, rest))
    with pytest.raises(ModelFileError, match=r"constant l_\d is too large"):
        load(path)


def load_refused(path):
    begun = time.process_time()
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert time.process_time() - begun < 1
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 700 + len(str(path))


def test_a_key_that_is_there_twice(files, tmp_path):
    """Two readers could take two different values for the file's."""
    header, record, rest = mutants.parts(files["dense"])
    header["__metadata__"]["chainrule"] = '{"kind": "table", ' + json.dumps(record)[1:]
    path = tmp_path / "m"
    path.write_bytes(mutants.joined(header, rest))
    with pytest.raises(ModelFileError, match="a key is there twice"):
        load(path)


def test_half_a_character_is_no_name(files, tmp_path):
    """No table has such a column: it loaded, and predicting failed with an error of Python."""
    header, record, rest = mutants.parts(files["numbers"])
    record["preprocessing"]["columns"][0]["name"] = "\ud800"
    path = tmp_path / "m"
    path.write_bytes(mutants.signed(header, record, rest))
    load_refused(path)


@pytest.mark.parametrize("place", ["../../outside", "/etc/outside", "C:\\outside", "a\0b", "~"])
def test_no_name_in_a_file_becomes_a_path(files, tmp_path, monkeypatch, place):
    """Names of columns, arrays and programs are texts: nothing is read or written by them."""
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    header, record, rest = mutants.parts(files["numbers"])
    record["preprocessing"]["columns"][0]["name"] = place
    record["target"]["names"] = [place]
    record["versions"] = record["training"] = {place: place}
    Path("m").write_bytes(mutants.signed(header, record, rest))
    model = load("m")
    cr.save(model, "again")
    with pytest.raises(InputError, match="the model needs the column"):
        model.predict(mutants.FRAME)
    assert {path.name for path in tmp_path.rglob("*")} <= {"deep", "er", "m", "again"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_model_of_dates_loads_in_a_forked_process(tmp_path):
    """Loading used polars to check a date, whose threads a fork does not copy: it hung."""
    code = """
import os, sys, polars as pl, chainrule as cr
frame = pl.DataFrame({"day": [f"2020-01-{d:02}" for d in range(1, 25)], "y": [1.0, 2.0, 4.0] * 8})
cr.save(cr.train_table(frame, "y", hidden=(2,), epochs=1).model, "m")
if os.fork() == 0:
    cr.load("m")
    os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]))"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "7\n", ran
