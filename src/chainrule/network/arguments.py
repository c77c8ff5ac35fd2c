"""Checks of the arguments of a network.

Each function returns its argument in one form, or raises an error that states what is allowed and
what was given.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import DTypeLike

from chainrule.arrays import RealType
from chainrule.errors import InputError, InputTypeError
from chainrule.language.refusals import Refusal
from chainrule.network import activations
from chainrule.network.activations import Activation
from chainrule.network.losses import Loss
from chainrule.network.penalties import Penalty
from chainrule.validation import requirement


def real_type(dtype: DTypeLike) -> RealType:
    """Return the NumPy type, float32 or float64; ``InputTypeError`` for any other."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or kind not in (np.float32, np.float64):
        raise InputTypeError(requirement("dtype", "float32 or float64", dtype))
    return cast(RealType, kind)


def penalties_of(given: object) -> tuple[Penalty, ...]:
    """Return one penalty or a list as a tuple; each kind may occur once."""
    listed = (given,) if isinstance(given, Penalty) else given
    if not isinstance(listed, Sequence) or not all(isinstance(p, Penalty) for p in listed):
        raise InputTypeError(
            requirement("penalty", "a penalty such as L2(0.001), or a list of penalties", given)
        )
    letters = [penalty.letter for penalty in listed]
    if len(set(letters)) < len(letters):
        raise InputError("`penalty` must have each kind once; add the strengths of equal ones")
    return tuple(listed)


def options_of(given: object) -> dict[str, bool | str]:
    """Return the options of single parameters: True, False or "shared" by name."""
    if given is not None and not isinstance(given, Mapping):
        raise InputTypeError(requirement("trainable", "a mapping such as {'b_ih': False}", given))
    options: dict[str, bool | str] = {}
    for name, option in (given or {}).items():
        if isinstance(option, (bool, np.bool_, int)) and option in (0, 1):
            options[name] = bool(option)
        elif option == "shared":
            options[name] = "shared"
        else:
            raise InputError(requirement(f"trainable[{name!r}]", "True, False or 'shared'", option))
    return options


def widths_of(layers: Sequence[int]) -> tuple[int, ...]:
    """Return the widths of the layers as integers: at least inputs and outputs."""
    try:
        widths = tuple(layers)
    except TypeError:
        raise InputTypeError(
            requirement("layers", "a list of widths such as [4, 16, 3]", layers)
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
    """Return ``count`` activations, one per layer.

    Where a single one is given and the loss cannot follow it, the last layer has the loss's
    canonical activation.  ``outputs`` is the width of the last layer.
    """
    single = isinstance(given, (str, Activation))
    if not single and not isinstance(given, Sequence):
        raise InputError(
            requirement(
                "activation",
                "a name such as 'tanh', an Activation, or a list of one per layer",
                given,
            )
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
    """Return whether a loss may follow an activation with this number of outputs."""
    if outputs == 1 and last.range.simplex:
        return False  # the probability of a single class is always 1
    return loss.form_for(last.range) is not None
