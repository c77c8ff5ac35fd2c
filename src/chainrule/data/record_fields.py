"""Reading the plain dictionaries of a model file, with a check of every field.

`to_dict` methods give dictionaries, lists, strings, numbers and None only, which JSON
can represent; Python writes floats to JSON with all their digits, so that reading restores every
bit. A file may be damaged or hostile, so `from_dict` methods read every field with the functions of
this module, which raise ModelFileError for a field that is missing or of another type.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

from chainrule.errors import ModelFileError, shown

__all__ = ["choice", "field", "number", "numbers_of", "unreadable"]

Value = TypeVar("Value")


def unreadable(what: str) -> ModelFileError:
    """Return the error for a damaged record of a model file; ``what`` describes the damage."""
    return ModelFileError(
        f"the model file's preprocessing is damaged: {what}; fetch the file again or train anew"
    )


def field(record: object, key: str, kind: type[Value]) -> Value:
    """Return ``record[key]``, which has to exist and be of the given type.

    >>> field({"name": "age"}, "name", str)
    'age'
    >>> field({"name": 3}, "name", str)
    Traceback (most recent call last):
    ...
    chainrule.errors.ModelFileError: the model file's preprocessing is damaged: \
'name' must be str, got 3; fetch the file again or train anew
    """
    if not isinstance(record, Mapping):
        raise unreadable(f"must be a dictionary with {key!r}, got {shown(record)}")
    if key not in record:
        raise unreadable(f"{key!r} is missing")
    value: object = record[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise unreadable(f"{key!r} must be {kind.__name__}, got {shown(value)}")
    return value


def number(value: object, key: str) -> float:
    """Return a finite number as float; an int is accepted because JSON may write 3.0 as 3."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unreadable(f"{key!r} must be a number, got {shown(value)}")
    try:
        converted = float(value)
    except OverflowError as error:
        raise unreadable(f"{key!r} is beyond the range of float64") from error
    if not math.isfinite(converted):
        raise unreadable(f"{key!r} must be finite, got {shown(value)}")
    return converted


def numbers_of(record: object, key: str) -> tuple[float, ...]:
    """Return a list of finite numbers."""
    return tuple(number(value, key) for value in field(record, key, list))


def choice(record: object, key: str, allowed: tuple[str, ...]) -> str:
    """Return a string that has to be one of those allowed."""
    value = field(record, key, str)
    if value not in allowed:
        raise unreadable(f"{key!r} must be one of {', '.join(allowed)}, got {shown(value)}")
    return value
