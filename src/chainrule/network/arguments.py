"""What a network may be described with: every argument checked once, at the door.

Each function returns its argument in one form, or raises an error that says what came, what is
allowed and what to do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import InputError, InputTypeError
from chainrule.language.refusals import Refusal
from chainrule.network import activations
from chainrule.network.activations import Activation
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty


def real_type(dtype: Any) -> Any:
    """Return float32 or float64, the types that weights may have."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind not in (np.float32, np.float64):
        raise InputTypeError(f"dtype: {dtype!r} came; float32 or float64 is allowed")
    return kind


def penalties_of(given: Any) -> tuple[Penalty, ...]:
    """Return the penalties, one of a kind at most."""
    listed = (given,) if isinstance(given, Penalty) else given
    if not isinstance(listed, Sequence) or not all(isinstance(p, Penalty) for p in listed):
        raise InputTypeError(
            f"penalty: {given!r} came; a penalty or a list of them is needed, such as L2(0.001)"
        )
    letters = [penalty.letter for penalty in listed]
    if len(set(letters)) < len(letters):
        raise InputError("penalty: the same kind came twice; add their strengths up")
    return tuple(listed)


def whole_seed(seed: int) -> int:
    """Return a seed as a Python integer of 64 bits."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise InputTypeError(f"seed: {seed!r} came; a whole number of at least 0 is needed")
    if not 0 <= seed < 2**64:
        raise InputError(f"seed: {seed} came; a whole number from 0 to 2⁶⁴ − 1 is needed")
    return int(seed)


def options_of(given: Any) -> dict[str, bool | str]:
    """Return what was said of single parameters, with NumPy's truth values made Python's."""
    if given is not None and not isinstance(given, Mapping):
        raise InputTypeError(
            f"trainable: {given!r} came; a mapping is needed, such as {{'b_ih': False}}"
        )
    options: dict[str, bool | str] = {}
    for name, option in (given or {}).items():
        if isinstance(option, (bool, np.bool_, int)) and option in (0, 1):
            options[name] = bool(option)
        elif option == "shared":
            options[name] = "shared"
        else:
            raise InputError(
                f"trainable: {option!r} came for {name}; True, False or 'shared' is allowed"
            )
    return options


def widths_of(layers: Sequence[int]) -> tuple[int, ...]:
    """Return the widths of the layers, inputs and outputs at least."""
    try:
        widths = tuple(layers)
    except TypeError:
        raise InputTypeError(
            f"layers: {layers!r} came; a list of widths is needed, such as [4, 16, 3]"
        ) from None
    if len(widths) < 2:
        raise Refusal("layers_few", given=str(list(widths)))
    for width in widths:
        given: object = width
        whole = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
        if not whole or width < 1:
            raise Refusal("layers_width", width=repr(width), given=str(list(widths)))
    return tuple(int(width) for width in widths)


def activations_of(
    given: "str | Activation | Sequence[str | Activation]", count: int, loss: Loss, outputs: int
) -> tuple[Activation, ...]:
    """Return one activation per layer; a single name gives way to what the loss needs last."""
    single = isinstance(given, (str, Activation))
    if not single and not isinstance(given, Sequence):
        raise InputError(
            f"activation: {given!r} came; a name, an Activation or a list of one per layer is "
            "allowed, such as 'tanh'"
        )
    names = [given] * count if isinstance(given, (str, Activation)) else list(given)
    if len(names) != count:
        raise Refusal("activation_count", given=str(len(names)), count=str(count))
    chosen = [activations.find(name) for name in names]
    last = chosen[-1]
    if single and not fits(last, loss, outputs):
        wanted = [form.canonical for form in loss.forms]
        candidates = [activations.find(name) for name in wanted]
        chosen[-1] = next(entry for entry in candidates if fits(entry, loss, outputs))
    elif not fits(last, loss, outputs):
        suited = [activations.find(form.canonical) for form in loss.forms]
        fitting = [entry.name for entry in suited if fits(entry, loss, outputs)]
        raise Refusal(
            "activation_unfit",
            name=(last.name,),
            loss=(loss.name,),
            outputs=str(outputs),
            output="several" if outputs > 1 else "one",
            range=[str(last.range)],
            domains=[str(form.outputs) for form in loss.forms],
            canonical=fitting,
        )
    return tuple(chosen)


def fits(last: Activation, loss: Loss, outputs: int) -> bool:
    """Return whether a loss may follow an activation."""
    if outputs == 1 and last.range.simplex:
        return False  # one share of a whole is always 1
    return loss.form_for(last.range) is not None
