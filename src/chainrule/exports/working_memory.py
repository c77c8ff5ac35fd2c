"""Where values are in one working array: the memory of a value that is not read again is reused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["Assignment", "WorkingMemory"]


class Assignment(NamedTuple):
    """A value of ``size`` numbers made at ``time``, and the values that it may replace.

    A value may replace another if entry i of the other is read before entry i is written, and not
    afterwards.
    """

    time: int
    target: str
    size: int
    replaced: frozenset[str] = frozenset()


class WorkingMemory:
    """The first entry of each value (``starts``), and the number of entries of all (``size``).

    ``ends`` are the times at which the values are read last.

    >>> chain = [Assignment(0, "a", 4), Assignment(1, "b", 2), Assignment(2, "c", 3)]
    >>> memory = WorkingMemory(chain, {"a": 1, "b": 2, "c": 3})
    >>> memory.starts, memory.size
    ({'a': 0, 'b': 4, 'c': 0}, 6)
    """

    def __init__(self, assignments: Iterable[Assignment], ends: Mapping[str, int]) -> None:
        self.starts: dict[str, int] = {}
        self.size = 0
        sizes: dict[str, int] = {}
        for time, target, size, replaced in assignments:
            sizes = {name: other for name, other in sizes.items() if ends[name] >= time}
            # The first gap that fits begins at a replaced value or before it.
            spans = sorted(
                (self.starts[name], self.starts[name] + other)
                for name, other in sizes.items()
                if not (name in replaced and ends[name] == time and other == size)
            )
            start = 0
            for first, end in spans:
                if start + size <= first:
                    break
                start = max(start, end)
            self.starts[target] = start
            self.size = max(self.size, start + size)
            sizes[target] = size
