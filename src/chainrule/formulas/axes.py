"""Named axes, from which the order and the transposes of every matrix product follow.

An axis is a *name* with a position in the network (samples, inputs, hidden units, outputs): two
axes of equal length are different axes.  ``None`` stands for the unit axis, the missing second axis
of a vector.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

SAMPLES_POSITION = -1
"""The position of the axis of samples: before every axis of features."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One named axis.

    ``name`` is printed in dimensions (``B``, ``i``, ``h``, ``o``).  ``size`` is the letter of its
    length in formulas (``n`` for the outputs), by default the name.  ``position`` orders axes:
    −1 for the samples, 0 for the inputs, then each layer up to the outputs.

    >>> outputs = Axis("o", position=2, size="n")
    >>> outputs.name, outputs.size
    ('o', 'n')
    >>> Axis("h", position=1).size
    'h'
    """

    name: str
    position: int
    size: str = field(default="")

    def __post_init__(self) -> None:
        if not self.size:
            object.__setattr__(self, "size", self.name)

    @property
    def is_samples(self) -> bool:
        """Whether this is the axis of samples."""
        return self.position == SAMPLES_POSITION


Sides = tuple[Axis | None, Axis | None]
"""The row axis and the column axis of a matrix; ``None`` is the unit axis."""


def in_order(axes: "frozenset[Axis] | tuple[Axis, ...]") -> tuple[Axis, ...]:
    """Return the axes from the samples to the outputs, each once."""
    return tuple(sorted(set(axes), key=lambda axis: (axis.position, axis.name)))


_LETTERS = "ijklmpqrstuvw"


def letters(axes: "frozenset[Axis] | tuple[Axis, ...]") -> dict[Axis, str]:
    """Return an index letter for each axis: b for the samples, i, j, k ... from the inputs on.

    >>> hidden, outputs = Axis("h", 1), Axis("o", 2)
    >>> [letters((outputs, hidden))[axis] for axis in (hidden, outputs)]
    ['i', 'j']
    >>> letters((outputs,))[outputs]
    'i'
    """
    ordered = in_order(axes)
    features = [axis for axis in ordered if not axis.is_samples]
    named = {axis: "b" for axis in ordered if axis.is_samples}
    for number, axis in enumerate(features):
        named[axis] = _LETTERS[number] if number < len(_LETTERS) else f"i{number}"
    return named


def unused_letter(used: Collection[str]) -> str:
    """Return the first index letter that is not among those used.

    >>> unused_letter({"b", "i"})
    'j'
    """
    return next((letter for letter in _LETTERS if letter not in used), "i′")
