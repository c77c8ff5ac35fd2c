"""Models as files: one safetensors file, its metadata one JSON text; loading one runs no code.

The tensors are the parameters by numbered names (W_1, b_1, ..., of several members 0/W_1, ...),
float64 or float32, bit for bit. The metadata has one entry, ``chainrule``, with the networks, the
preprocessing, classes, features, settings, versions, the number of the format, and a SHA-256 of all
other contents. Any library that reads safetensors can read the arrays.

Errors, in one line with the file and the reason: not a safetensors file, not a model of chainrule,
truncated, changed, written by a newer version, incomplete or inconsistent.
Saving replaces the file as a whole: a crash leaves the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from chainrule.arrays import RealArray
from chainrule.errors import InputError, InputTypeError, ModelFileError, nearest, one_line, shown
from chainrule.files import write_atomically, written_path
from chainrule.network.architecture import Network
from chainrule.network.parameters import Parameters, gathered
from chainrule.table_models.network_records import (
    MOST_PARTS,
    count_of_parts,
    network_from_dict,
    network_to_dict,
    numbered_names,
)
from chainrule.table_models.table_model import Member, TableModel, versions
from chainrule.table_models.table_training import TableRun
from chainrule.training.loop import Result
from chainrule.validation import is_integer, requirement

__all__ = ["FORMAT", "MODEL_NAME", "NEXT_RUN", "described", "is_model_file", "load", "save"]

FORMAT = 2
"""The number of the file format; a file with a higher one cannot be loaded."""
MODEL_NAME = "model.safetensors"
"""The model's name in a run folder."""
NEXT_RUN = ".next-run"
"""The folder in a run folder whose model is the newest, until it is moved: see run_folders."""
_KEY = "chainrule"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_FETCH = "fetch the file again or train anew"

Tensors = Mapping[str, RealArray]
Saved = TableModel | TableRun | Result | tuple[Network, Mapping[str, Any]]


def save(model: Saved, path: str | os.PathLike[str]) -> None:
    """Write a model, whole or not at all: a table model, a Result, or (network, parameters).

    Raises InputError for a network with entries that are not in the catalogues, for parameters of
    other shapes and for a path that cannot be written.

    >>> import pathlib, tempfile
    >>> network = Network.dense([2, 3, 1])
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "m.safetensors"
    >>> save((network, network.initialize(seed=0)), path)
    >>> load(path)
    <Result 2-3-1, sigmoid, mse, 13 parameters>
    """
    write_atomically(path, encoded(model))


def encoded(model: Saved) -> bytes:
    """Return the bytes of a model's file; equal models give equal bytes."""
    if isinstance(model, TableRun):
        model = model.model
    members: Sequence[Member]
    if isinstance(model, TableModel):
        members = model.members
        record = {"kind": "table", **model.to_dict()}
    else:
        network, parameters = _network_and_parameters(model)
        members = [Member(network, gathered(parameters, network.parameter_shapes))]
        record = {"kind": "network", "versions": versions()}
    record |= {"format": FORMAT, **_members_to_dict(members)}
    tensors = {
        name: array
        for number, member in enumerate(members)
        for name, array in _tensors(member, _prefix(number, len(members))).items()
    }
    # One entry in the metadata, because safetensors writes several in no fixed order.
    try:
        record["checksum"] = _checksum(record, tensors)
        text = json.dumps(record, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"save: the model's settings cannot be written as JSON ({error})"
        ) from error
    data: bytes = format_tensors(tensors, metadata={_KEY: text})
    return data


def load(path: str | os.PathLike[str]) -> TableModel | Result:
    """Read a model from a file or a run folder; every bit is as it was saved.

    Returns a TableModel, or a Result without history for a network without preprocessing.
    Raises ModelFileError, in one line, for anything but a complete model of chainrule.
    """
    return described(path)[1]


def described(path: str | os.PathLike[str]) -> tuple[dict[str, Any], TableModel | Result]:
    """Return the metadata of a model file, and the model as `load` returns it."""
    file, data = _read(path)
    source = written_path(file)
    try:
        record, tensors = _opened(data)
        del data  # the arrays are copies: at most two are in memory at a time
        members = _members(record, tensors)
        if record.get("kind") == "network":
            return record, Result(members[0].network, members[0].parameters)
        if record.get("kind") != "table":
            raise ModelFileError(f"'kind' is {shown(record.get('kind'))}; {_FETCH}")
        return record, TableModel.from_dict(record, members)
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {one_line(error)}") from error
    except OverflowError as error:
        raise ModelFileError(
            f"{source}: holds a number that is too large ({one_line(error)}); {_FETCH}"
        ) from error


def is_model_file(path: Path) -> bool:
    """Return whether a file was written as a model by some version of chainrule."""
    try:
        _record(_bytes_of(path))
    except (OSError, ModelFileError):
        return False
    return True


# -- reading ---------------------------------------------------------------------------------------


def _read(path: str | os.PathLike[str]) -> tuple[Path, bytes]:
    """Return the path and the bytes of a model file, of the newest one in a run folder."""
    try:
        given = Path(path)
    except TypeError:
        allowed = "the path of a model file or of a run folder"
        raise InputTypeError(requirement("path", allowed, path)) from None
    file = given
    try:
        if given.is_dir():
            file = given / MODEL_NAME
            with suppress(FileNotFoundError):
                return file, _bytes_of(given / NEXT_RUN / MODEL_NAME)
        return file, _bytes_of(file)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{written_path(file)}: no such file; {_hint_for_missing(file)}"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or one_line(error)
        raise ModelFileError(
            f"{written_path(file)}: cannot be read ({reason}); check the path and its permissions"
        ) from error


def _bytes_of(file: Path) -> bytes:
    """Return the bytes of a file, only the first of a file that cannot be a model."""
    with file.open("rb", buffering=0) as opened:
        start = opened.read(9)
        if start[8:] != b"{":
            return start
        if not opened.seekable():  # a pipe
            return start + opened.read()
        opened.seek(0)
        return opened.read()  # into one object of the file's size


def _hint_for_missing(file: Path) -> str:
    """Return the hint for a missing file: the most similar name in its directory, if any."""
    try:
        names = [entry.name for entry in file.parent.iterdir()]
    except OSError:
        names = []
    suggestion = nearest(file.name, names)
    if suggestion is None:
        return "give the path of a model file, or of the run folder that `train` wrote"
    return f"did you mean {shown(str(file.with_name(suggestion)))}?"


def _opened(data: bytes) -> tuple[dict[str, Any], Tensors]:
    """Return the metadata of a file and its arrays, both covered by the checksum."""
    record = _record(data)
    written_in = record.get("format")
    if isinstance(written_in, bool) or not isinstance(written_in, int) or written_in < 1:
        raise ModelFileError(
            f"'format' must be a positive integer, got {shown(written_in)}; {_FETCH}"
        )
    if written_in > FORMAT:
        raise ModelFileError(
            f"was written by a newer chainrule (file format {shown(written_in)}, this version "
            f"reads up to {FORMAT}); update chainrule"
        )
    try:
        tensors = parse_tensors(data)
        checksum = _checksum(record, tensors)
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise ModelFileError(f"its arrays are damaged ({one_line(error)}); {_FETCH}") from error
    if record.get("checksum") != checksum:
        raise ModelFileError(f"was changed or damaged: its checksum does not match; {_FETCH}")
    return record, tensors


def _record(data: bytes) -> dict[str, Any]:
    """Return the JSON of the file's metadata, whose entries are not checked yet."""
    header = _header(data)
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(_KEY), str):
        raise ModelFileError(
            "is a safetensors file, but not a model of chainrule; give one that `train` or "
            "`save` wrote"
        )
    record = _json(metadata[_KEY])
    if not isinstance(record, dict):
        raise ModelFileError(f"its metadata must be a dictionary, got {shown(record)}; {_FETCH}")
    return record


def _header(data: bytes) -> dict[str, Any]:
    """Return the header of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or data[8:9] != b"{":
        raise ModelFileError(
            "is not a safetensors file; give a model file that `train` or `save` wrote"
        )
    if length > len(data) - 8:
        raise ModelFileError(
            f"is cut off or damaged: it has {len(data)} bytes, but its header {length}; {_FETCH}"
        )
    try:
        header = _json(data[8 : 8 + length].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its header is damaged ({one_line(error)}); {_FETCH}") from error
    if not isinstance(header, dict):
        raise ModelFileError(f"its header is not a dictionary; {_FETCH}")
    return header


def _json(text: str) -> Any:
    """Return the value of a JSON text; raise ModelFileError for a text that no `save` wrote.

    Its parts are counted first: Python takes some 70 bytes for each, where a file takes two.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is there twice")
        return found

    containers, entries = text.count("[") + text.count("{"), text.count(",")
    if containers > 100_000 + len(text) // 50 or entries > 300_000 + len(text) // 10:
        raise ModelFileError(f"its header has more parts than a model has; {_FETCH}")
    try:
        value = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
        if _SURROGATE.search(text):  # half a character is no text: no file nor table can hold it
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its header is damaged ({one_line(error)}); {_FETCH}") from error


def _members(record: Mapping[str, Any], tensors: Tensors) -> tuple[Member, ...]:
    """Return the networks with their arrays; raise ModelFileError where they do not fit."""
    described, listed = record.get("networks"), record.get("members")
    if not isinstance(described, list) or not isinstance(listed, list) or not listed:
        raise ModelFileError(f"'networks' and 'members' must be lists; {_FETCH}")
    if len(described) > len(listed):
        raise ModelFileError(f"it has more networks than members; {_FETCH}")
    if len(listed) > max(1, len(tensors)):
        raise ModelFileError(f"it has more members than arrays; {_FETCH}")
    # Before anything is built: every layer of a dense network has an array, others at least a part.
    parts = sum(map(count_of_parts, described))
    if parts > MOST_PARTS + len(tensors):
        raise ModelFileError(
            f"its networks have more than {MOST_PARTS:,} layers beside those with arrays; {_FETCH}"
        )
    entries = sum(array.size for array in tensors.values())
    networks = [network_from_dict(item, entries) for item in described]
    weights = [_weight(item, len(networks)) for item in listed]
    if abs(sum(weight for _, weight in weights) - 1.0) > 1e-9:
        raise ModelFileError(f"the weights of its members do not add up to 1; {_FETCH}")
    owned: dict[int, dict[str, RealArray]] = {number: {} for number in range(len(listed))}
    for name, array in tensors.items():
        number, _, own = name.rpartition("/") if len(listed) > 1 else ("0", "", name)
        if not number.isdigit() or int(number) not in owned:
            raise ModelFileError(f"the array {shown(name)} is of no member; {_FETCH}")
        owned[int(number)][own] = array
    return tuple(
        Member(networks[index], _parameters(networks[index], owned[number]), weight)
        for number, (index, weight) in enumerate(weights)
    )


def _weight(item: object, networks: int) -> tuple[int, float]:
    """Return the number of a member's network, and its weight."""
    if isinstance(item, Mapping):
        index, weight = item.get("network"), item.get("weight")
        if is_integer(index) and 0 <= index < networks and isinstance(weight, float | int):
            return index, float(weight)
    raise ModelFileError(f"{shown(item)} does not describe a member; {_FETCH}")


def _parameters(network: Network, tensors: Tensors) -> Parameters:
    """Return the arrays as the network's parameters; raise ModelFileError where they differ."""
    names = numbered_names(network)
    for name, number in names.items():
        needed = network.parameter_shapes[name]
        if number not in tensors:
            raise ModelFileError(f"the array {number} is missing; {_FETCH}")
        if tensors[number].shape != needed:
            raise ModelFileError(
                f"the array {number} has the shape {tensors[number].shape}, but the network "
                f"{network} needs {needed}; {_FETCH}"
            )
    others = sorted(set(tensors) - set(names.values()))
    if others:
        raise ModelFileError(
            f"the array {shown(others[0])} is not a parameter of the network; {_FETCH}"
        )
    kinds = {array.dtype for array in tensors.values()}
    if len(kinds) != 1 or next(iter(kinds)) not in (np.float32, np.float64):
        listed = ", ".join(sorted(map(str, kinds)))
        raise ModelFileError(
            f"its arrays must be all float64 or all float32, got {listed}; {_FETCH}"
        )
    with np.errstate(over="ignore"):
        for name, value in network.constants.items():
            if not np.isfinite(np.asarray(value).astype(next(iter(kinds)))).all():
                raise ModelFileError(f"the network's constant {name} is too large; {_FETCH}")
    try:
        return gathered(
            {name: tensors[number] for name, number in names.items()}, network.parameter_shapes
        )
    except InputError as error:
        raise ModelFileError(f"{error}; {_FETCH}") from error


# -- writing ---------------------------------------------------------------------------------------


def _prefix(number: int, members: int) -> str:
    """Return what the names of a member's arrays begin with: nothing for the only one."""
    return f"{number}/" if members > 1 else ""


def _members_to_dict(members: Sequence[Member]) -> dict[str, Any]:
    """Return each network once, and each member as the number of its network and its weight."""
    networks = list({id(member.network): member.network for member in members}.values())
    numbers = {id(network): number for number, network in enumerate(networks)}
    return {
        "networks": [network_to_dict(network) for network in networks],
        "members": [
            {"network": numbers[id(member.network)], "weight": float(member.weight)}
            for member in members
        ],
    }


def _tensors(member: Member, prefix: str) -> dict[str, RealArray]:
    names = numbered_names(member.network)
    return {
        f"{prefix}{names[name]}": np.asarray(array, order="C")
        for name, array in member.parameters.items()
    }


def _network_and_parameters(model: object) -> tuple[Network, Mapping[str, Any]]:
    if isinstance(model, Result):
        return model.network, model.parameters
    if (
        isinstance(model, tuple)
        and len(model) == 2
        and isinstance(model[0], Network)
        and isinstance(model[1], Mapping)
    ):
        return model
    raise InputTypeError(
        "`model` must be a TableModel, the Result of train or a pair (network, parameters), "
        f"got {type(model).__name__}"
    )


def _checksum(record: Mapping[str, Any], tensors: Tensors) -> str:
    """Return the SHA-256 of the metadata without its checksum, and of every array.

    It covers names, types, shapes and values, not the bytes of the file: a change of the file that
    changes none of these (a space in the header) is accepted.
    """
    rest = {key: value for key, value in record.items() if key != "checksum"}
    text = json.dumps(rest, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(text.encode("ascii"))
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode("ascii"))
        digest.update(np.asarray(array, order="C").data)
    return digest.hexdigest()
