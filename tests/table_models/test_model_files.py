"""Model files: the same bits back, and whatever is not a whole model of ours is refused."""

import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from chainrule.errors import InputError, InputTypeError, ModelFileError
from chainrule.network.architecture import Network
from chainrule.network.losses import huber, quantile
from chainrule.network.penalties import L1, L2
from chainrule.table_models.model_files import (
    described,
    encoded,
    is_model_file,
    load,
    save,
)
from chainrule.table_models.run_folders import write_run
from chainrule.table_models.table_training import train_table
from chainrule.tensor_files import checksum_of
from chainrule.training.loop import train
from chainrule.training.results import Result

IRIS = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"

TABLE = pl.DataFrame(
    {
        "größe": [0.1, 0.2, None, 0.4, 0.5, 0.6],
        "city": ["Ulm", "北京", "Ulm", None, "北京", "a\n\"b'"],
        "price": [1.1, 2.3, 3.5, 4.7, 5.9, 7.3],
    }
)


@pytest.fixture(scope="module")
def model():
    return train_table(TABLE, "price", hidden=(2,), validation=0, epochs=2).model


def opened(data):
    """Return the header and the rest of a safetensors file."""
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def changed(data, change, *, sign=True):
    """Return the file with its record changed, and the checksum made to agree again."""
    header, rest = opened(data)
    record = json.loads(header["__metadata__"]["chainrule"])
    change(record)
    arrays = {
        name: np.frombuffer(
            rest[slice(*entry["data_offsets"])], {"F64": "<f8", "F32": "<f4"}[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }
    if sign:
        record["checksum"] = checksum_of(record, arrays)
    header["__metadata__"]["chainrule"] = json.dumps(record)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def same(one, other):
    assert type(one) is type(other)
    assert str(one.network) == str(other.network)
    assert list(one.parameters) == list(other.parameters)
    assert one.parameters.flat.dtype == other.parameters.flat.dtype
    assert one.parameters.flat.tobytes() == other.parameters.flat.tobytes()
    if hasattr(one, "preprocessor"):
        assert one.to_dict() == other.to_dict()
        assert one.preprocessor == other.preprocessor
        assert one.scaler == other.scaler


# -- round trips -----------------------------------------------------------------------------------


def test_a_table_model_comes_back_bit_for_bit(model, tmp_path):
    path = tmp_path / "m.safetensors"
    save(model, path)
    back = load(path)
    same(back, model)
    assert back.predict(TABLE).tobytes() == model.predict(TABLE).tobytes()
    save(back, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "again.safetensors",
        "m.safetensors",
    ]


def test_classes_come_back_as_they_were(tmp_path):
    for column, labels in (("a", (1, 2)), ("b", ("no", "yes")), ("c", (0.5, 1.5))):
        frame = pl.DataFrame(
            {
                "x": [1.0, 2.0, 3.0, 4.0],
                "a": [1, 2] * 2,
                "b": ["no", "yes"] * 2,
                "c": [0.5, 1.5] * 2,
            }
        )
        trained = train_table(
            frame.select("x", column), f"{column}:class", hidden=(2,), validation=0, epochs=1
        )
        save(trained, tmp_path / "m.safetensors")
        back = load(tmp_path / "m.safetensors")
        same(back, trained.model)
        assert back.classes == labels
        assert [type(label) for label in back.classes] == [type(label) for label in labels]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "network",
    [
        Network.dense([1, 1]),
        Network.dense([2, 3, 1], "tanh", huber(delta=0.1), penalty=[L2(0.1), L1(1e-300)]),
        Network.dense([2, 3, 4, 5], ["relu", "gelu", "softmax"], "log_loss"),
        Network.dense([2, 3, 2], trainable={"b_ih": "shared", "W_ho": False}),
        Network.dense([2, 1], "identity", quantile(0.9)),
    ],
    ids=str,
)
def test_bare_networks(network, dtype, tmp_path):
    path = tmp_path / "m"
    parameters = network.initialize(3, dtype=dtype)
    parameters.flat[:1] = -0.0
    parameters.flat[1:2] = 5e-324  # a denormal, 0 in float32
    save((network, parameters), path)
    back = load(path)
    assert isinstance(back, Result)
    same(back, Result(network, parameters))
    assert back.network.loss.settings == network.loss.settings
    assert back.network.penalties == network.penalties
    assert back.network.trainable == network.trainable
    assert [str(f.value) for f in back.network.loss.forms] == [
        str(f.value) for f in network.loss.forms
    ]


def test_a_result_and_the_numbered_names(tmp_path):
    network = Network.dense([2, 3, 1])
    result = train(network, [[0.0, 1.0]], [[1.0]], epochs=1)
    save(result, tmp_path / "m.safetensors")
    arrays = load_file(tmp_path / "m.safetensors")  # any reader of safetensors can read it
    assert set(arrays) == {"W_1", "b_1", "W_2", "b_2"}
    np.testing.assert_array_equal(arrays["W_2"], result.parameters["W_ho"])


def test_the_record_holds_what_the_design_promises(model, tmp_path):
    save(model, tmp_path / "m")
    record, _ = described(tmp_path / "m")
    assert record["format"] == 2
    assert record["features"] == list(model.feature_names)
    assert {
        "networks",
        "members",
        "preprocessing",
        "target",
        "versions",
        "checksum",
        "training",
    } <= set(record)
    assert {"python", "numpy", "chainrule"} <= set(record["versions"])


# -- saving refuses --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, 3, "model", (1, 2), (Network.dense([1, 1]), [1.0])])
def test_what_is_no_model_is_not_saved(given, tmp_path):
    with pytest.raises(
        InputTypeError, match="`model` must be a TableModel, the Result of train or a pair"
    ):
        save(given, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_parameters_that_do_not_suit_are_not_saved(tmp_path):
    network = Network.dense([1, 1])
    for parameters in (
        {"W_1": [[1.0]]},
        {"W_1": [[1.0]], "b_1": [float("nan")]},
        {"W_1": [[1.0, 2.0]], "b_1": [0.0]},
    ):
        with pytest.raises(InputError):
            save((network, parameters), tmp_path / "m")
    assert not list(tmp_path.iterdir())


# -- loading refuses -------------------------------------------------------------------------------


def refused(path, data):
    """Load damaged bytes; return the message, or None where it loads."""
    path.write_bytes(data)
    try:
        found = load(path)
    except ModelFileError as error:
        text = str(error)
        assert text.startswith(str(path)), text
        assert len(text.splitlines()) == 1
        assert "; " in text
        return text
    return found


def test_every_change_of_a_byte_is_refused_or_changes_nothing(model, tmp_path):
    data = encoded(model)
    header = 8 + struct.unpack("<Q", data[:8])[0]
    path = tmp_path / "m"
    for offset in range(len(data)):
        # Every bit of every byte takes a minute; one bit of each, and all of some, seconds.
        flips = (1, 2, 4, 8, 16, 32, 64, 128) if offset % 31 == 0 else (1 << (offset % 8),)
        for flip in flips:
            damaged = bytearray(data)
            damaged[offset] ^= flip
            found = refused(path, bytes(damaged))
            if not isinstance(found, str):
                assert offset < header, f"a changed number at byte {offset} was accepted"
                same(found, model)


def test_every_truncation_is_refused(model, tmp_path):
    data = encoded(model)
    for length in range(len(data)):
        assert isinstance(refused(tmp_path / "m", data[:length]), str)
    assert isinstance(refused(tmp_path / "m", data + b"\0"), str)


def test_random_bytes_and_random_headers(tmp_path):
    noise = np.random.default_rng(0)
    for _ in range(200):
        junk = noise.bytes(int(noise.integers(0, 80)))
        assert isinstance(refused(tmp_path / "m", junk), str)
        framed = struct.pack("<Q", len(junk) + 1) + b"{" + junk
        assert isinstance(refused(tmp_path / "m", framed), str)
    for text in (b"{" * 50_000, b'{"a":' * 20_000, b"[" * 9, b"{}", b'{"__metadata__":{}}'):
        framed = struct.pack("<Q", len(text)) + text
        assert isinstance(refused(tmp_path / "m", framed), str)


def test_foreign_files(tmp_path):
    table = io.BytesIO()
    np.savez(table, W=np.zeros(3))
    for data, message in (
        (b"", "is not a safetensors file; give a file that chainrule wrote"),
        (IRIS.read_bytes(), "is not a safetensors file"),
        (table.getvalue(), "is not a safetensors file"),
        (b"\x80\x04K\x01.", "is not a safetensors file"),
    ):
        assert message in refused(tmp_path / "m", data)
    save_file({"weight": np.zeros(3)}, tmp_path / "m", metadata={"format": "np"})
    assert not is_model_file(tmp_path / "m")
    with pytest.raises(ModelFileError, match="a safetensors file, but not one of chainrule"):
        load(tmp_path / "m")


def test_missing_files_and_folders(tmp_path, model):
    with pytest.raises(ModelFileError, match="no such file; give the path of a model file"):
        load(tmp_path / "zebra")
    with pytest.raises(ModelFileError, match=r"model.safetensors: no such file"):
        load(tmp_path)
    write_run(tmp_path / "iris", model, {"loss": []})
    with pytest.raises(ModelFileError, match=r"no such file; did you mean '.*iris'\?"):
        load(tmp_path / "iriss")
    with pytest.raises(ModelFileError, match="cannot be read"):
        load("a\0b")
    with pytest.raises(
        InputTypeError, match="`path` must be the path of a model file or of a run folder, got None"
    ):
        load(None)


def test_a_newer_format_is_named_before_anything_else(model, tmp_path):
    data = changed(encoded(model), lambda record: record.update(format=3), sign=False)
    text = refused(tmp_path / "m", data)
    assert "written by a newer chainrule (file format 3, this version reads up to 2); upd" in text


def drop(*keys):
    def change(record):
        for key in keys[:-1]:
            record = record[key]
        del record[keys[-1]]

    return change


def put(value, *keys):
    def change(record):
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        drop("format"),
        drop("networks"),
        drop("kind"),
        drop("preprocessing"),
        drop("target"),
        drop("naive"),
        drop("training"),
        drop("versions"),
        drop("networks", 0, "layers"),
        drop("networks", 0, "loss"),
        drop("networks", 0, "activations"),
        drop("networks", 0, "penalties"),
        drop("networks", 0, "trainable"),
        drop("preprocessing", "columns", 0),
        put(0, "format"),
        put(True, "format"),
        put("1", "format"),
        put("other", "kind"),
        put([5, 2, 2], "networks", 0, "layers"),
        put([5, 3, 1], "networks", 0, "layers"),
        put([10**12, 10**12, 1], "networks", 0, "layers"),
        put("5", "networks", 0, "layers"),
        put([5, 1], "networks", 0, "layers"),
        put([5.5, 2, 1], "networks", 0, "layers"),
        put(["relu"], "networks", 0, "activations"),
        put(["relu", "exec"], "networks", 0, "activations"),
        put([["relu"], "identity"], "networks", 0, "activations"),
        put({"name": "own", "settings": {}}, "networks", 0, "loss"),
        put({"name": "huber", "settings": {"delta": "x"}}, "networks", 0, "loss"),
        put({"name": "huber", "settings": {"delta": -1}}, "networks", 0, "loss"),
        put({"name": "mse", "settings": {"x": 1}}, "networks", 0, "loss"),
        put([{"name": "L2", "strength": "x"}], "networks", 0, "penalties"),
        put([{"name": "L3", "strength": 1}], "networks", 0, "penalties"),
        put({"W_9": False}, "networks", 0, "trainable"),
        put({"W_1": "shared"}, "networks", 0, "trainable"),
        put(None, "networks"),
        put({"kind": "class", "name": "p", "labels": [1, 2]}, "target"),
        put({"kind": "number", "names": ["a", "b"]}, "target"),
        put({"mean": [1, 2], "deviation": [1, 1]}, "scaling"),
        put({"mean": [1], "deviation": [0]}, "scaling"),
        put([], "naive"),
        put([1, 2], "naive"),
        put(["x"], "naive"),
        put(3, "training"),
        drop("members"),
        put([], "members"),
        put([{"network": 1, "weight": 1.0}], "members"),
        put([{"network": 0, "weight": 0.5}], "members"),
        put([{"network": 0, "weight": "1"}], "members"),
        put([{"network": 0, "weight": 0.5}] * 2, "members"),
        drop("temperature"),
        put(0.0, "temperature"),
        put("1", "temperature"),
        put([[2.0, 1.0]], "limits"),
        put([[1.0, 2.0]] * 2, "limits"),
        put("x", "limits"),
        put([[1.0, 2.0]], "deviations"),
        put([[-1.0] * 101], "deviations"),
    ],
)
def test_mutants_with_a_checksum_that_agrees(model, tmp_path, change):
    assert isinstance(refused(tmp_path / "m", changed(encoded(model), change)), str)


def test_a_model_of_several_networks(tmp_path):
    frame = pl.DataFrame({"x": np.arange(40.0), "y": np.arange(40.0) ** 2})
    several = train_table(frame, "y", epochs=2, folds=3).model
    assert len(several.members) > 3
    save(several, tmp_path / "m")
    back = load(tmp_path / "m")
    assert [member.weight for member in back.members] == [m.weight for m in several.members]
    assert len({id(member.network) for member in back.members}) < len(back.members)
    np.testing.assert_array_equal(back.predict(frame), several.predict(frame))
    same(back, several)
    assert encoded(back) == encoded(several)
    data = encoded(several)
    change = put([{"network": 0, "weight": 1.0}], "members")
    assert isinstance(refused(tmp_path / "m", changed(data, change)), str)


def test_the_changer_itself_changes_nothing(model, tmp_path):
    same(refused(tmp_path / "m", changed(encoded(model), lambda record: None)), model)


def test_arrays_that_do_not_belong(tmp_path):
    network = Network.dense([1, 1])
    data = encoded((network, network.initialize()))
    record = json.loads(opened(data)[0]["__metadata__"]["chainrule"])
    for arrays in (
        {"W_1": np.zeros((1, 1))},
        {"W_1": np.zeros((1, 1)), "b_1": np.zeros(1), "c": np.zeros(1)},
        {"W_1": np.zeros((1, 1)), "b_1": np.zeros(1, np.float32)},
        {"W_1": np.zeros((1, 1), np.int64), "b_1": np.zeros(1, np.int64)},
        {"W_1": np.full((1, 1), np.nan), "b_1": np.zeros(1)},
        {"W_1": np.zeros(1), "b_1": np.zeros(1)},
    ):
        record["checksum"] = checksum_of(record, arrays)
        save_file(arrays, tmp_path / "m", metadata={"chainrule": json.dumps(record)})
        assert isinstance(refused(tmp_path / "m", (tmp_path / "m").read_bytes()), str)


def test_loading_runs_no_code(model, tmp_path):
    """An audit hook sees every exec, import and process."""
    path = tmp_path / "m"
    save(model, path)
    load(path)  # modules that a first load brings are not the file's doing
    seen, listening = [], True  # a hook stays for ever, so it is muted

    def hook(event, _):
        if listening and event.split(".")[0] in (
            "exec",
            "compile",
            "import",
            "subprocess",
            "pickle",
        ):
            seen.append(event)

    sys.addaudithook(hook)
    load(path)
    listening = False
    assert seen == []
