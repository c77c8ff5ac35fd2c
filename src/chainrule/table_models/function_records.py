"""Activations and losses as plain values: by name, or by their formulas where they are your own."""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from chainrule.errors import InputError, shown
from chainrule.formulas.expression_records import MOST_DEPTH, from_record, to_record
from chainrule.formulas.expressions import Expression
from chainrule.network import activations, losses
from chainrule.network.activations import Activation, refuse_markup
from chainrule.network.domains import Domain
from chainrule.network.losses import Form, Loss

__all__ = [
    "function_from_record",
    "function_to_record",
    "loss_from_record",
    "loss_to_record",
]

MOST_DIGITS = 20_000
"""Of a formula that is read: its parts, and the digits of its numbers."""


def function_to_record(function: Activation) -> str | dict[str, Any]:
    """Return the name of an activation of the catalogue, or the formulas of another one.

    Raises ``InputError`` for a function of a whole layer that is not the catalogue's.
    """
    if activations.CATALOGUE.get(function.name) is function:
        return function.name
    if function.slope is None:
        raise InputError(
            f"save: the activation {shown(function.name)} is one of a whole layer and not the "
            "catalogue's; use softmax, or store the parameters yourself (numpy.savez)"
        )
    return {
        "name": function.name,
        "value": to_record(function.value),
        "computed": to_record(function.computed),
        "slope": to_record(function.slope),
        "logarithm": _optional(function.logarithm),
        "log_complement": _optional(function.log_complement),
        "kinks": list(function.kinks),
        "range": _domain_to_record(function.range),
        "initializer": function.initializer,
    }


def function_from_record(record: object) -> Activation:
    """Return the activation of a record; raise ``InputError`` where it is damaged.

    >>> function_from_record("tanh").name
    'tanh'
    """
    if isinstance(record, str):
        return activations.CATALOGUE[record]
    if not isinstance(record, Mapping):
        raise InputError(f"an activation must be a name or formulas, got {shown(record)}")
    return Activation(
        name=_text(record["name"]),
        value=_formula(record["value"]),
        computed=_formula(record["computed"]),
        slope=_formula(record["slope"]),
        logarithm=_optional_formula(record["logarithm"]),
        log_complement=_optional_formula(record["log_complement"]),
        kinks=tuple(map(_number, record["kinks"])),
        range=_domain(record["range"]),
        initializer=_text(record["initializer"]),
    )


def loss_to_record(loss: Loss) -> dict[str, Any]:
    """Return the name and constants of a loss, and its formulas where it is your own."""
    record: dict[str, Any] = {"name": loss.name, "settings": dict(loss.settings)}
    if not _is_of_catalogue(loss):
        record["forms"] = [_form_to_record(form) for form in loss.forms]
    return record


def loss_from_record(record: Mapping[str, Any]) -> Loss:
    """Return the loss of a record; raise ``InputError`` where it is damaged."""
    if "forms" not in record:
        return losses.CATALOGUE[record["name"]](**record["settings"])
    settings = {_text(name): _number(value) for name, value in record["settings"].items()}
    return Loss(_text(record["name"]), tuple(map(_form, record["forms"])), settings)


def _is_of_catalogue(loss: Loss) -> bool:
    made = losses.CATALOGUE.get(loss.name)
    if made is None:
        return False
    try:
        same = [vars(form) for form in made(**loss.settings).forms]
    except (InputError, TypeError):
        return False
    return same == [vars(form) for form in loss.forms]


def _form_to_record(form: Form) -> dict[str, Any]:
    return {
        "value": to_record(form.value),
        "outputs": _domain_to_record(form.outputs),
        "targets": _domain_to_record(form.targets),
        "canonical": form.canonical,
        "averaged": form.averaged,
        "shares": form.shares,
        "kinks": [to_record(kink) for kink in form.kinks],
        "reported": _optional(form.reported),
    }


def _form(record: Mapping[str, Any]) -> Form:
    return Form(
        value=_formula(record["value"]),
        outputs=_domain(record["outputs"]),
        targets=_domain(record["targets"]),
        canonical=activations.find(_text(record["canonical"])).name,
        averaged=_flag(record["averaged"]),
        shares=_flag(record["shares"]),
        kinks=tuple(map(_formula, record["kinks"])),
        reported=_optional_formula(record["reported"]),
    )


def _domain_to_record(domain: Domain) -> list[Any]:
    limits = [None if abs(end) == float("inf") else end for end in (domain.low, domain.high)]
    return [*limits, domain.open_low, domain.open_high, domain.simplex]


def _domain(record: object) -> Domain:
    if not isinstance(record, list) or len(record) != 5:
        raise InputError(f"a range must have 5 entries, got {shown(record)}")
    low, high, open_low, open_high, simplex = record
    return Domain(
        -float("inf") if low is None else _number(low),
        float("inf") if high is None else _number(high),
        open_low=_flag(open_low),
        open_high=_flag(open_high),
        simplex=_flag(simplex),
    )


def _formula(record: object) -> Expression:
    if _digits(record) > MOST_DIGITS:
        raise InputError(f"a formula has more than {MOST_DIGITS:,} digits and parts")
    return from_record(record, activations.CATALOGUE)


def _digits(record: object, depth: int = 0) -> float:
    """Return how many parts and digits a formula has at most when its powers are multiplied out.

    Powers of numbers are computed exactly as a formula is built: 10^(10^9) would fill the memory.
    """
    if not isinstance(record, list) or not record or depth > MOST_DEPTH:
        return 1  # `from_record` refuses it
    kind, *parts = record
    if kind in ("symbol", "number"):
        for name in parts[0 if kind == "symbol" else 1 :]:
            refuse_markup("name", name)
    if kind == "number":
        return len(str(parts[0])) + _exponent_of_ten(parts[0]) if parts else 1
    if kind == "power" and len(parts) == 2:
        return _digits(parts[0], depth + 1) * max(1.0, _size(parts[1], depth + 1))
    return 1 + sum(_digits(part, depth + 1) for part in parts)


def _size(record: object, depth: int) -> float:
    """Return the largest size of an exponent that is a number, 1 of one that has a symbol."""
    if not isinstance(record, list) or not record or depth > MOST_DEPTH:
        return 1
    kind, *parts = record
    if kind == "number":
        try:
            return abs(float(Fraction(parts[0]))) if _exponent_of_ten(parts[0]) < 400 else math.inf
        except (ValueError, TypeError, ArithmeticError, IndexError):
            return 1  # `from_record` refuses it
    if _has_symbol(record, depth):
        return 1
    return math.inf if kind in ("add", "product", "power") else 1


def _has_symbol(record: object, depth: int) -> bool:
    if not isinstance(record, list) or not record or depth > MOST_DEPTH:
        return False
    return record[0] == "symbol" or any(_has_symbol(part, depth + 1) for part in record[1:])


def _exponent_of_ten(text: object) -> int:
    """Return the size of the exponent in 1e300: the digits that it stands for."""
    found = re.search(r"[eE][+-]?(\d+)", str(text))
    return int(found[1][:9]) if found else 0


def _optional(formula: Expression | None) -> list[object] | None:
    return None if formula is None else to_record(formula)


def _optional_formula(record: object) -> Expression | None:
    return None if record is None else _formula(record)


def _text(value: object) -> str:
    refuse_markup("name", value)
    return str(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"it must be a number, got {shown(value)}")
    return float(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"it must be true or false, got {shown(value)}")
    return value
