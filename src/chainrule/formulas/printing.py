"""``str()`` and the notebook display of formulas, without an import of the writers.

The writers import the nodes, so the nodes cannot import the writers.  ``render/writer`` registers
its functions here when it is loaded, and ``formulas/__init__`` loads it.
"""

from collections.abc import Callable
from typing import Any


class Printed:
    """A formula: ``str()`` is its text form, ``repr()`` adds the type of the node."""

    def __str__(self) -> str:
        return _printers[0](self) if _printers else object.__repr__(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _repr_latex_(self) -> str | None:
        """Return the LaTeX that a notebook shows."""
        return rf"$\displaystyle {_printers[1](self)}$" if _printers else None


_printers: list[Callable[[Any], str]] = []


def print_with(text: Callable[[Any], str], latex: Callable[[Any], str]) -> None:
    """Register the writers that ``str()`` of a formula and its notebook display use."""
    _printers[:] = [text, latex]
