"""Sets of numbers: ranges of activations and domains of losses.

A loss may follow an activation whose range is a subset of the loss's domain.
"""

import math
from dataclasses import dataclass
from numbers import Real

from chainrule.errors import InputTypeError, shown
from chainrule.language.refusals import Refusal
from chainrule.validation import as_float


@dataclass(frozen=True, slots=True)
class Domain:
    """An interval, each end open or closed; ``simplex`` where the rows also sum to one.

    >>> Domain(0, 1, open_low=True, open_high=True) <= Domain(0, math.inf, open_low=True)
    True
    >>> Domain(0, 1) <= Domain(0, 1, open_low=True)
    False
    >>> print(Domain(0, 1, open_low=True, open_high=True))
    (0, 1)
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    simplex: bool = False

    def __le__(self, other: "Domain") -> bool:
        """Whether this is a subset of the other domain."""
        if other.simplex and not self.simplex:
            return False
        low = self.low > other.low or (
            self.low == other.low and (self.open_low or not other.open_low)
        )
        high = self.high < other.high or (
            self.high == other.high and (self.open_high or not other.open_high)
        )
        return low and high

    def __contains__(self, value: float) -> bool:
        low = value > self.low if self.open_low else value >= self.low
        high = value < self.high if self.open_high else value <= self.high
        return low and high

    def __str__(self) -> str:
        if self.simplex:
            return "probabilities that sum to one"
        if self == REALS:
            return "all numbers"
        left = "(" if self.open_low or math.isinf(self.low) else "["
        right = ")" if self.open_high or math.isinf(self.high) else "]"
        ends = (
            ("−∞" if math.isinf(self.low) else f"{self.low:g}"),
            ("∞" if math.isinf(self.high) else f"{self.high:g}"),
        )
        return f"{left}{ends[0]}, {ends[1]}{right}"


def checked(value: object, name: str, allowed: Domain, example: str) -> float:
    """Return a constant as a float, checked to be in ``allowed``.

    ``name`` and ``example`` are for the message.  Raises ``InputTypeError`` where the value is not
    a number, ``Refusal`` where it is not allowed.

    >>> checked(0.5, "huber: delta", POSITIVE, "such as 1")
    0.5
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} must be a number in {allowed}, {example}, got {shown(value)}")
    number = as_float(value)
    if not (math.isfinite(number) and number in allowed):
        raise Refusal(
            "constant", name=name, value=f"{number:g}", allowed=[str(allowed)], example=example
        )
    return number


REALS = Domain()
POSITIVE = Domain(0.0, open_low=True)
NOT_NEGATIVE = Domain(0.0)
UNIT = Domain(0.0, 1.0)
BELOW_ONE = Domain(0.0, 1.0, open_high=True)
OPEN_UNIT = Domain(0.0, 1.0, open_low=True, open_high=True)
SIMPLEX = Domain(0.0, 1.0, open_low=True, open_high=True, simplex=True)
