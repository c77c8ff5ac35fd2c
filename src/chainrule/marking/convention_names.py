"""The names of a convention: which quantities of a network its letters are."""

from collections.abc import Callable, Iterator, Mapping

from chainrule.marking.quantities import (
    INPUTS,
    LEARNING_RATE,
    LOSS,
    SAMPLE_COUNT,
    TARGETS,
    Quantity,
    Role,
    cotangent,
    in_latin,
    negative_delta,
)
from chainrule.marking.stated_conventions import Convention

_FAMILIES = ("z", "a", "W", "b")
"""The letters that name a quantity of every layer."""
_PLAIN = {"Y": TARGETS, "X": INPUTS, "Loss": LOSS, "alpha": LEARNING_RATE, "B": SAMPLE_COUNT}
_HATS = {"ŷ": ("y_hat", "yhat")}
"""Further spellings of a letter."""


def stated_words(
    convention: Convention,
    values: Mapping[Quantity, tuple[str, ...]],
    output: Quantity,
    named: Callable[[str], Quantity | None],
) -> Iterator[tuple[Quantity, tuple[str, ...]]]:
    """Yield quantities with the names that a convention states.

    ``values`` are the quantities of layers with their other names, ``named`` returns the quantity
    with one of these; names of quantities that the network does not have are left out.
    """
    for word, own in convention.own_names:
        spelled = (word, *_HATS.get(word, ()))
        spelled += tuple(in_latin(each) for each in spelled if in_latin(each) != each)
        if own not in _FAMILIES:
            quantity = output if own == "output" else _PLAIN.get(own) or named(own)
            if quantity is not None:
                yield quantity, spelled
            continue
        for quantity, words in values.items():
            ends = [each[2:] for each in words if each.startswith(f"{own}_")]
            if ends and not (quantity == INPUTS and own != "a"):
                yield quantity, tuple(f"{each}_{end}" for each in spelled for end in ends)


def delta_of(convention: Convention, of: Quantity) -> Quantity:
    """Return what δ of a layer is: ∂Loss/∂z or its negative."""
    is_sum = of.role is Role.PRE_ACTIVATION
    return negative_delta(of) if is_sum and convention.delta == "negative" else cotangent(of)
