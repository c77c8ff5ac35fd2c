"""A memory of what is costly to make, bounded, for several threads."""

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

_caches: "weakref.WeakSet[BoundedCache[Any]]" = weakref.WeakSet()


class BoundedCache(Generic[Value]):
    """At most ``most`` values by key; the one stored first makes room.

    Threads that ask for one key wait for the one that makes its value. The lock is reentrant,
    because a value may be made from another of the same cache.

    >>> cache: BoundedCache[int] = BoundedCache(2)
    >>> [cache.get(key, lambda: len(key)) for key in ("a", "bb", "ccc")]
    [1, 2, 3]
    >>> len(cache)
    2
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: dict[object, Value] = {}
        self._lock = threading.RLock()
        _caches.add(self)

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        """Return the value stored under a key, made and stored where there is none."""
        found = self._values.get(key)
        if found is not None:
            return found
        with self._lock:
            found = self._values.get(key)
            if found is None:
                found = make()
                while len(self._values) >= self.most:
                    self._values.pop(next(iter(self._values)))
                self._values[key] = found
            return found

    def __len__(self) -> int:
        return len(self._values)


def _renew_locks() -> None:
    for cache in _caches:
        cache._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # A thread that held a lock does not exist in the child, and would never release it.
    os.register_at_fork(after_in_child=_renew_locks)
