"""What was found about a column beside its kind and its form: stored by a key, worded later.

The phrase book ``columns`` has the words of each key, in every language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.data.record_fields import field, unreadable
from chainrule.errors import shown
from chainrule.language.phrase_books import phrases_of

__all__ = ["Remark"]


@dataclass(frozen=True)
class Remark:
    """A finding about a column.

    >>> remark = Remark("marks", (("marks", "'NA'"), ("count", 1200)))
    >>> print(remark.text("en"))
    'NA' in 1,200 cells count as missing
    >>> Remark.from_dict(remark.to_dict()) == remark
    True
    """

    key: str
    values: tuple[tuple[str, str | int], ...] = ()

    def text(self, language: str) -> str:
        """Return the finding in words."""
        return phrases_of("columns", language)[self.key].format(**dict(self.values))

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values for JSON."""
        return {"key": self.key, "values": dict(self.values)}

    @classmethod
    def from_dict(cls, record: object) -> Remark:
        """Return what `to_dict` wrote; raise ModelFileError where it is damaged."""
        values = field(record, "values", dict)
        if not all(isinstance(value, str | int) for value in values.values()):
            raise unreadable(f"'values' must be texts and numbers, got {shown(values)}")
        remark = cls(field(record, "key", str), tuple(values.items()))
        try:
            remark.text("en")
        except (KeyError, ValueError, TypeError):
            raise unreadable(f"'remarks' must be known, got {shown(record)}") from None
        return remark
