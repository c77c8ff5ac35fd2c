"""Checks of arguments that many functions share, and the form of their messages.

A message names the argument in backticks, says what is allowed, then what was given, and what to
do if that is not obvious: "`layout` must be 'rows' or 'columns', got 'x'".  This module imports
nothing of ours but the exceptions, so that every package may use it.
"""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np

from chainrule.errors import InputError, InputTypeError, shown

__all__ = [
    "MOST_COUNT",
    "MOST_SEED",
    "as_float",
    "checked_choice",
    "checked_flag",
    "checked_integer",
    "checked_number",
    "checked_seed",
    "is_integer",
    "requirement",
]

MOST_COUNT = 10**15
"""The most of anything that is counted: more than any memory holds, and far below 64 bits."""
MOST_SEED = 2**64 - 1
"""Seeds are the keys of NumPy's Philox generator, of which the low 64 bits are used."""


def requirement(name: str, allowed: str, value: object, hint: str = "") -> str:
    """Return the message for an argument that is not as required, on one line.

    >>> requirement("epochs", "an integer of at least 1", 0)
    '`epochs` must be an integer of at least 1, got 0'
    >>> requirement("penalty", "a penalty or a list of penalties", "l2", "Use L2(0.001).")
    "`penalty` must be a penalty or a list of penalties, got 'l2'. Use L2(0.001)."
    """
    message = f"`{name}` must be {allowed}, got {shown(value)}"
    return f"{message}. {hint}" if hint else message


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer; True and False are not.

    >>> is_integer(3), is_integer(3.0), is_integer(True)
    (True, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def checked_choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return a value that has to be one of a few names.

    Raises ``InputError`` for any other.

    >>> checked_choice("layout", "rows", ("rows", "columns"))
    'rows'
    >>> checked_choice("layout", "x", ("rows", "columns"))
    Traceback (most recent call last):
    chainrule.errors.InputError: `layout` must be 'rows' or 'columns', got 'x'
    """
    if isinstance(value, str) and value in allowed:
        return value
    *first, last = map(repr, allowed)
    listed = f"{', '.join(first)} or {last}" if first else last
    raise InputError(requirement(name, listed, value))


def checked_flag(name: str, value: object) -> bool:
    """Return a value that has to be True or False: "no" would be taken for true.

    >>> checked_flag("shuffle", False)
    False
    >>> checked_flag("shuffle", "no")
    Traceback (most recent call last):
    chainrule.errors.InputTypeError: `shuffle` must be True or False, got 'no'
    """
    if not isinstance(value, bool | np.bool_):
        raise InputTypeError(requirement(name, "True or False", value))
    return bool(value)


def checked_integer(name: str, value: object, least: int = 1, most: int | None = None) -> int:
    """Return a value as an ``int`` between ``least`` and ``most``, both included.

    Without ``most`` it is `MOST_COUNT`.

    Raises ``InputTypeError`` for what is no integer and ``InputError`` outside the range.

    >>> checked_integer("epochs", 10)
    10
    >>> checked_integer("epochs", 0)
    Traceback (most recent call last):
    chainrule.errors.InputError: `epochs` must be an integer of at least 1, got 0
    """
    span = f"an integer from {least} to {MOST_COUNT if most is None else most}"
    # Without a stated end the message names the end only to those who met it.
    usual = f"an integer of at least {least}" if most is None else span
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputTypeError(requirement(name, usual, value))
    number = int(value)
    if number < least:
        raise InputError(requirement(name, usual, value))
    if number > (MOST_COUNT if most is None else most):
        raise InputError(requirement(name, span, value))
    return number


def checked_number(name: str, value: object, allowed: str = "a finite number") -> float:
    """Return a value as a finite ``float``; ``allowed`` describes what the caller accepts.

    Raises ``InputTypeError`` for what is no number and ``InputError`` for NaN and infinity.

    >>> checked_number("l2", float("nan"))
    Traceback (most recent call last):
    chainrule.errors.InputError: `l2` must be a finite number, got nan
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(requirement(name, allowed, value))
    number = as_float(value)
    if not math.isfinite(number):
        raise InputError(requirement(name, allowed, value))
    return number


def as_float(value: Any) -> float:
    """Return a real number as a float; an integer or fraction beyond the largest one is infinite.

    >>> as_float(10**400), as_float(-(10**400)), as_float(0.5)
    (inf, -inf, 0.5)
    """
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def checked_seed(value: object, name: str = "seed") -> int:
    """Return a seed: an integer from 0 to 2⁶⁴ − 1.

    >>> checked_seed(-1)
    Traceback (most recent call last):
    chainrule.errors.InputError: `seed` must be an integer from 0 to 18446744073709551615, got -1
    """
    return checked_integer(name, value, 0, MOST_SEED)
