"""The result of one check: of a gradient, of a displayed formula, of a number in an explanation."""

from dataclasses import dataclass

NOT_COMPARED = "none"
"""The method of a check that found nothing to compare with."""


@dataclass(frozen=True)
class CheckResult:
    """How something was checked: by which method, its relative error, and the limit of the error.

    ``quantity`` names what was checked, where several things are.  An exact method has the limit 0
    and the error 0 or infinity.

    >>> CheckResult("complex step", 3e-16, 1e-12).passed
    True
    >>> CheckResult(NOT_COMPARED).passed is None
    True
    """

    method: str
    error: float = 0.0
    limit: float = 0.0
    quantity: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the error is a number within the limit; None if nothing could be compared."""
        return None if self.method == NOT_COMPARED else bool(self.error <= self.limit)
