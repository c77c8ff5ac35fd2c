"""Arrays with a JSON record as one safetensors file; reading one runs no code.

The metadata of the file has one entry, ``chainrule``: the record, with the number of the format and
a SHA-256 of all other contents. Any library that reads safetensors can read the arrays.

Errors, in one line without the file's name: not a safetensors file, not one of chainrule, cut off,
changed, written by a newer version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from chainrule.arrays import RealArray
from chainrule.errors import ModelFileError, one_line, shown

__all__ = ["FETCH", "Tensors", "checksum_of", "encoded_tensors", "opened_tensors", "record_of"]

Tensors: TypeAlias = Mapping[str, RealArray]
FETCH = "fetch the file again or train anew"
"""What to do about a damaged file."""
_KEY = "chainrule"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def encoded_tensors(record: Mapping[str, Any], tensors: Tensors) -> bytes:
    """Return the bytes of a file; equal contents give equal bytes.

    The record has plain values, ``format`` among them. Raises TypeError or ValueError for a record
    that JSON cannot hold.

    >>> data = encoded_tensors({"format": 1, "kind": "note"}, {"x": np.array([1.0, 2.0])})
    >>> record, tensors = opened_tensors(data, newest=1)
    >>> record["kind"], tensors["x"].tolist()
    ('note', [1.0, 2.0])
    """
    whole = {**record, "checksum": checksum_of(record, tensors)}
    text = json.dumps(whole, allow_nan=False, sort_keys=True)
    # One entry in the metadata, because safetensors writes several in no fixed order.
    data: bytes = format_tensors(dict(tensors), metadata={_KEY: text})
    return data


def opened_tensors(data: bytes, newest: int) -> tuple[dict[str, Any], Tensors]:
    """Return the record of a file and its arrays, both covered by the checksum.

    ``newest`` is the highest number of the format that can be read. Raises ModelFileError.
    """
    record = record_of(data)
    written_in = record.get("format")
    if isinstance(written_in, bool) or not isinstance(written_in, int) or written_in < 1:
        raise ModelFileError(
            f"'format' must be a positive integer, got {shown(written_in)}; {FETCH}"
        )
    if written_in > newest:
        raise ModelFileError(
            f"was written by a newer chainrule (file format {shown(written_in)}, this version "
            f"reads up to {newest}); update chainrule"
        )
    try:
        tensors = parse_tensors(data)
        checksum = checksum_of(record, tensors)
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise ModelFileError(f"its arrays are damaged ({one_line(error)}); {FETCH}") from error
    if record.get("checksum") != checksum:
        raise ModelFileError(f"was changed or damaged: its checksum does not match; {FETCH}")
    return record, tensors


def record_of(data: bytes) -> dict[str, Any]:
    """Return the record of a file, whose entries are not checked yet; raise ModelFileError."""
    header = _header(data)
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(_KEY), str):
        raise ModelFileError(
            "is a safetensors file, but not one of chainrule; give a file that chainrule wrote"
        )
    record = _json(metadata[_KEY])
    if not isinstance(record, dict):
        raise ModelFileError(f"its metadata must be a dictionary, got {shown(record)}; {FETCH}")
    return record


def _header(data: bytes) -> dict[str, Any]:
    """Return the header of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or data[8:9] != b"{":
        raise ModelFileError("is not a safetensors file; give a file that chainrule wrote")
    if length > len(data) - 8:
        raise ModelFileError(
            f"is cut off or damaged: it has {len(data)} bytes, but its header {length}; {FETCH}"
        )
    try:
        header = _json(data[8 : 8 + length].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its header is damaged ({one_line(error)}); {FETCH}") from error
    if not isinstance(header, dict):
        raise ModelFileError(f"its header is not a dictionary; {FETCH}")
    return header


def _json(text: str) -> Any:
    """Return the value of a JSON text; raise ModelFileError for one that chainrule did not write.

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
        raise ModelFileError(f"its header has more parts than those that chainrule writes; {FETCH}")
    try:
        value = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
        if _SURROGATE.search(text):  # half a character is no text: no file nor table can hold it
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its header is damaged ({one_line(error)}); {FETCH}") from error


def checksum_of(record: Mapping[str, Any], tensors: Tensors) -> str:
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
