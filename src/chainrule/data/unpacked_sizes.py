"""How large the table in a compressed or binary file may become in memory.

A megabyte can unpack to a terabyte. What unpacks to more than a hundred times its size is most
likely no table but made to exhaust the memory, and is refused before it does. Tables that repeat
themselves so much can still be read: the message says how.
"""

from __future__ import annotations

import io
import os

from chainrule.errors import DataError, InputError, shown

__all__ = ["LONGEST_CELL", "VARIABLE", "most_bytes", "read_all", "refuse_size", "zstd_bytes"]

VARIABLE = "CHAINRULE_MOST_UNPACKED_MB"
"""The environment variable that states a limit of its own, in megabytes."""
LONGEST_CELL = 131_072
"""Characters of a cell or a name, as in the standard library's reader of CSV."""
EXPANSION = 100
FEWEST_BYTES = 32 << 20
CHUNK = 1 << 20
ZSTD, ZSTD_BLOCK = b"\x28\xb5\x2f\xfd", 1 << 17


def most_bytes(packed: int) -> int:
    """Return how many bytes a file of ``packed`` bytes may become.

    >>> most_bytes(1_000_000)
    100000000
    """
    stated = os.environ.get(VARIABLE)
    if not stated:
        return max(FEWEST_BYTES, EXPANSION * packed)
    if not stated.isdecimal():
        raise InputError(
            f"the environment variable {VARIABLE} must be a number of megabytes, got "
            f"{shown(stated)}"
        )
    return int(stated) * 1_000_000


def refuse_size(size: int, packed: int, source: str) -> None:
    """Raise DataError where ``packed`` bytes would become ``size`` or more."""
    most = most_bytes(packed)
    if size > most:
        raise DataError(
            f"{source}: becomes more than {most // 1_000_000} MB, from {packed / 1e6:.2g} MB in "
            f"the file; if it is meant, set the environment variable {VARIABLE} to the megabytes "
            "that it may take"
        )


def read_all(unpacking: io.BufferedIOBase, packed: int, source: str) -> bytes:
    """Return what a decompressing file gives; raise DataError as soon as it is too much."""
    unpacked = io.BytesIO()
    while chunk := unpacking.read(CHUNK):
        unpacked.write(chunk)
        refuse_size(unpacked.tell(), packed, source)
    return unpacked.getvalue()


def zstd_bytes(data: bytes) -> int:
    """Return an upper bound of what zstd data unpack to, from the headers of its blocks.

    Damaged data give some number, at most that of their undamaged part.

    >>> zstd_bytes(bytes.fromhex("28b52ffd200c610000782c790a312c610a322c620a"))
    12
    """
    total = position = 0
    while position + 5 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position + 1 : position + 4] == b"\x2a\x4d\x18":  # a frame to skip
            position += 8 + size
            continue
        if data[position : position + 4] != ZSTD:
            break
        flags = data[position + 4]
        single, checksum = flags & 0x20, flags & 0x04
        position += 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
        position += (1 if single else 0, 2, 4, 8)[flags >> 6]
        last = False
        while not last and position + 3 <= len(data):
            header = int.from_bytes(data[position : position + 3], "little")
            last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            total += size if kind in (0, 1) else ZSTD_BLOCK
            position += 3 + (1 if kind == 1 else size)
        position += 4 if checksum else 0
    return total
