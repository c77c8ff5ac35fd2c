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

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

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
from chainrule.table_models.table_run import TableRun
from chainrule.tensor_files import FETCH, Tensors, encoded_tensors, opened_tensors, record_of
from chainrule.training.results import Result
from chainrule.validation import is_integer, requirement

__all__ = ["FORMAT", "MODEL_NAME", "NEXT_RUN", "described", "is_model_file", "load", "save"]

FORMAT = 2
"""The number of the file format; a file with a higher one cannot be loaded."""
MODEL_NAME = "model.safetensors"
"""The model's name in a run folder."""
NEXT_RUN = ".next-run"
"""The folder in a run folder whose model is the newest, until it is moved: see run_folders."""
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
    try:
        return encoded_tensors(record, tensors)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"save: the model's settings cannot be written as JSON ({error})"
        ) from error


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
        record, tensors = opened_tensors(data, FORMAT)
        del data  # the arrays are copies: at most two are in memory at a time
        members = _members(record, tensors)
        if record.get("kind") == "network":
            return record, Result(members[0].network, members[0].parameters)
        if record.get("kind") != "table":
            raise ModelFileError(f"'kind' is {shown(record.get('kind'))}; {FETCH}")
        return record, TableModel.from_dict(record, members)
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {one_line(error)}") from error
    except OverflowError as error:
        raise ModelFileError(
            f"{source}: holds a number that is too large ({one_line(error)}); {FETCH}"
        ) from error


def is_model_file(path: Path) -> bool:
    """Return whether a file was written as a model by some version of chainrule."""
    try:
        record_of(_bytes_of(path))
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


def _members(record: Mapping[str, Any], tensors: Tensors) -> tuple[Member, ...]:
    """Return the networks with their arrays; raise ModelFileError where they do not fit."""
    described, listed = record.get("networks"), record.get("members")
    if not isinstance(described, list) or not isinstance(listed, list) or not listed:
        raise ModelFileError(f"'networks' and 'members' must be lists; {FETCH}")
    if len(described) > len(listed):
        raise ModelFileError(f"it has more networks than members; {FETCH}")
    if len(listed) > max(1, len(tensors)):
        raise ModelFileError(f"it has more members than arrays; {FETCH}")
    # Before anything is built: every layer of a dense network has an array, others at least a part.
    parts = sum(map(count_of_parts, described))
    if parts > MOST_PARTS + len(tensors):
        raise ModelFileError(
            f"its networks have more than {MOST_PARTS:,} layers beside those with arrays; {FETCH}"
        )
    entries = sum(array.size for array in tensors.values())
    networks = [network_from_dict(item, entries) for item in described]
    weights = [_weight(item, len(networks)) for item in listed]
    if abs(sum(weight for _, weight in weights) - 1.0) > 1e-9:
        raise ModelFileError(f"the weights of its members do not add up to 1; {FETCH}")
    owned: dict[int, dict[str, RealArray]] = {number: {} for number in range(len(listed))}
    for name, array in tensors.items():
        number, _, own = name.rpartition("/") if len(listed) > 1 else ("0", "", name)
        if not number.isdigit() or int(number) not in owned:
            raise ModelFileError(f"the array {shown(name)} is of no member; {FETCH}")
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
    raise ModelFileError(f"{shown(item)} does not describe a member; {FETCH}")


def _parameters(network: Network, tensors: Tensors) -> Parameters:
    """Return the arrays as the network's parameters; raise ModelFileError where they differ."""
    names = numbered_names(network)
    for name, number in names.items():
        needed = network.parameter_shapes[name]
        if number not in tensors:
            raise ModelFileError(f"the array {number} is missing; {FETCH}")
        if tensors[number].shape != needed:
            raise ModelFileError(
                f"the array {number} has the shape {tensors[number].shape}, but the network "
                f"{network} needs {needed}; {FETCH}"
            )
    others = sorted(set(tensors) - set(names.values()))
    if others:
        raise ModelFileError(
            f"the array {shown(others[0])} is not a parameter of the network; {FETCH}"
        )
    kinds = {array.dtype for array in tensors.values()}
    if len(kinds) != 1 or next(iter(kinds)) not in (np.float32, np.float64):
        listed = ", ".join(sorted(map(str, kinds)))
        raise ModelFileError(
            f"its arrays must be all float64 or all float32, got {listed}; {FETCH}"
        )
    with np.errstate(over="ignore"):
        for name, value in network.constants.items():
            if not np.isfinite(np.asarray(value).astype(next(iter(kinds)))).all():
                raise ModelFileError(f"the network's constant {name} is too large; {FETCH}")
    try:
        return gathered(
            {name: tensors[number] for name, number in names.items()}, network.parameter_shapes
        )
    except InputError as error:
        raise ModelFileError(f"{error}; {FETCH}") from error


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
