"""Which weight a person means: ``W_ih[0,2]``, ``b_ho[1]``, or by name, ``W_ih[age,2]``.

Indices are those of the stored arrays, (inputs, outputs), from 0, in either layout.  A whole number
is always an index; other texts are names of inputs or outputs.  Refused, each with what is allowed:
unknown and frozen parameters, indices out of range, an array where one number is needed.
"""

import re
from collections.abc import Iterator, Sequence
from math import prod

from chainrule.documents.elements import ArrayEntry
from chainrule.errors import InputError, InputTypeError, nearest, shown, unknown_name
from chainrule.formulas.axes import Axis
from chainrule.network.architecture import Network
from chainrule.network.formulation import Formulation
from chainrule.validation import requirement

_FORM = re.compile(r"\s*(?P<name>[^\[\]\s]+)\s*(\[(?P<inside>.*)\]\s*)?", re.DOTALL)


def entry_of(
    network: Network,
    formulation: Formulation,
    text: object,
    input_names: Sequence[str] = (),
    output_names: Sequence[str] = (),
) -> ArrayEntry:
    """Return the single weight or bias that a text names.

    >>> network = Network.dense([2, 3, 1])
    >>> print(entry_of(network, network.formulation(), " W_ih[age, 2]", ["age", "size"]))
    W_ih[0,2]
    """
    if not isinstance(text, str):
        raise InputTypeError(requirement("weight", "a text such as 'W_ih[0,2]'", text))
    found = _FORM.fullmatch(text)
    if found is None:
        example = _example(network, network.trainable_names[0])
        raise InputError(requirement("weight", f"a name with indices such as {example}", text))
    name, inside = found["name"], found["inside"]
    if name not in network.parameter_names:
        known_names = [n for n in network.parameter_names if n not in network.running_names]
        raise unknown_name("weight", name, known_names)
    if name not in network.trainable_names:
        raise InputError(
            f"weight: {name} is frozen, so no step moves it; "
            f"choose one of {', '.join(network.trainable_names)}"
        )
    symbol = next(symbol for symbol in formulation.parameters if symbol.name == name)
    shape = network.parameter_shapes[name]
    if inside is None and shape:
        size = "×".join(map(str, shape))
        raise InputError(
            f"weight: {name} has {prod(shape):,} numbers ({size}); name one of them, such as "
            f"{_example(network, name)}"
        )
    if inside and not shape:
        raise InputError(
            f"`weight` must be {name!r} without indices, got {shown(text)}: {name} is one number"
        )
    known = {network.axes[0]: list(input_names), network.axes[-1]: list(output_names)}
    index = _index(text, inside or "", symbol.axes, shape, known)
    return ArrayEntry(symbol, tuple(zip(symbol.axes, index, strict=True)))


def _index(
    text: str,
    inside: str,
    axes: tuple[Axis, ...],
    shape: tuple[int, ...],
    known: dict[Axis, list[str]],
) -> tuple[int, ...]:
    last = max(axis.position for axis in known)
    for cells in _cut(inside, len(shape)):
        found = [
            _index_of(cell, known.get(axis, [])) for cell, axis in zip(cells, axes, strict=True)
        ]
        indices = [index for index in found if index is not None]
        if len(indices) < len(found):
            continue
        for axis, index, length in zip(axes, indices, shape, strict=True):
            if not 0 <= index < length:
                side = {0: "input", last: "output"}.get(axis.position, "unit")
                raise InputError(
                    f"`weight` must have an index of the {side} from 0 to {length - 1}, "
                    f"got {shown(text)}"
                )
        return tuple(indices)
    needed = {
        1: "one index, counted from 0",
        2: "two indices, input and output, counted from 0",
    }[len(shape)]
    every = [name for axis in axes for name in known.get(axis, [])]
    near = next(filter(None, (nearest(cell, every) for cell in inside.split(","))), None)
    meant = f". Did you mean {shown(near)}?" if near else ""
    raise InputError(f"`weight` must have {needed}, got {shown(text)}{meant}")


def _cut(inside: str, count: int) -> Iterator[tuple[str, ...]]:
    """Yield every way to read a text as so many cells: a name may hold commas itself."""
    if count == 0:
        yield ()
    elif count == 1:
        yield (inside,)
    else:
        cells = inside.split(",")
        for index in range(1, len(cells)):
            yield ",".join(cells[:index]), ",".join(cells[index:])


def _index_of(cell: str, names: Sequence[str]) -> int | None:
    text = cell.strip()
    try:
        return int(text)
    except ValueError:
        return list(names).index(text) if text in names else None


def _example(network: Network, name: str) -> str:
    zeros = ",".join("0" for _ in network.parameter_shapes[name])
    return f"{name}[{zeros}]" if zeros else name
