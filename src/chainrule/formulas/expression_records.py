"""Formulas as plain values for JSON, and back: lists whose first entry names the node.

Only scalar formulas of primitives can be written, so reading one builds a tree and runs no code.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from chainrule.errors import InputError, shown
from chainrule.formulas.expressions import (
    Add,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Symbol,
    add,
    power,
    product,
)
from chainrule.formulas.functions import PRIMITIVES, Function, Primitive

Record = list[object]

MOST_DEPTH, MOST_DIGITS = 100, 400
"""Of a formula that is read: nested nodes, and the digits of a number."""


def to_record(tree: Expression) -> Record:
    """Return a scalar formula as nested lists of text; named functions by their names.

    Raises ``InputError`` for sums over an axis and functions of a whole layer.

    >>> z = Symbol("z")
    >>> to_record(2 * z + 1)
    ['add', ['product', ['number', '2'], ['symbol', 'z']], ['number', '1']]
    """
    match tree:
        case Number():
            return ["number", str(tree.value), *([tree.name] if tree.name else [])]
        case Symbol(axes=()):
            return ["symbol", tree.name]
        case Add():
            return ["add", *map(to_record, tree.terms)]
        case Product(summed=()):
            return ["product", *map(to_record, tree.factors)]
        case Power():
            return ["power", to_record(tree.base), to_record(tree.exponent)]
        case Apply(function=Primitive() as function):
            return ["primitive", function.name, *map(to_record, tree.arguments)]
        case Apply(function=Function() as function) if function.elementwise:
            return ["function", function.name, *map(to_record, tree.arguments)]
    raise InputError(f"the formula {tree} is not one of single entries, and cannot be stored")


def from_record(record: object, functions: Mapping[str, Function], depth: int = 0) -> Expression:
    """Return the formula of a record; ``functions`` are the named functions it may use.

    Raises ``InputError`` for anything else than a record of `to_record`.

    >>> print(from_record(["add", ["symbol", "z"], ["number", "1/2"]], {}))
    z + 1/2
    """
    if depth > MOST_DEPTH:
        raise InputError(f"a formula is nested more than {MOST_DEPTH} times")
    if not isinstance(record, list) or not record or not isinstance(record[0], str):
        raise InputError(f"a part of a formula must be a list with a name, got {shown(record)}")
    kind, *rest = record
    if kind in ("number", "symbol"):
        return _leaf(kind, rest)
    if kind in ("primitive", "function"):
        name, *rest = rest or [None]
        known: Mapping[str, Callable[..., Expression]] = (
            PRIMITIVES if kind == "primitive" else functions
        )
        if not isinstance(name, str) or name not in known:
            raise InputError(f"a formula has the unknown {kind} {shown(name)}")
        arguments = [from_record(part, functions, depth + 1) for part in rest]
        needed = PRIMITIVES[name].arity if kind == "primitive" else 1
        if len(arguments) != needed:
            raise InputError(f"{name} takes {needed} arguments, got {len(arguments)}")
        return known[name](*arguments)
    parts = [from_record(part, functions, depth + 1) for part in rest]
    if kind == "power" and len(parts) == 2:
        return power(*parts)
    if kind in ("add", "product") and parts:
        return add(*parts) if kind == "add" else product(*parts)
    raise InputError(f"a formula has the unknown part {shown(kind)}")


def _leaf(kind: str, rest: list[object]) -> Expression:
    if not rest or not all(isinstance(text, str) for text in rest) or len(rest) > 2:
        raise InputError(f"a {kind} in a formula must be text, got {shown(rest)}")
    text = str(rest[0])
    if kind == "symbol":
        return Symbol(text)
    if len(text) > MOST_DIGITS:
        raise InputError(f"a number in a formula must have at most {MOST_DIGITS} digits")
    try:
        value = Fraction(text)
        finite = math.isfinite(float(value))
    except (ValueError, ZeroDivisionError, OverflowError):
        finite = False
    if not finite:
        raise InputError(f"a number in a formula must be finite, got {shown(text)}")
    return Number(value, str(rest[1]) if len(rest) == 2 else "")
