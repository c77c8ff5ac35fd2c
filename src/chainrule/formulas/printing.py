"""How formulas print themselves without knowing the printer.

``str()`` of a node should be readable, but the printer stands above the nodes and imports them.  It
hands itself in here when it is loaded, which ``formulas/__init__`` sees to.
"""

from collections.abc import Callable
from typing import Any


class Printed:
    """A formula: ``str()`` is its print, ``repr()`` names the node as well."""

    def __str__(self) -> str:
        return _printers[0](self) if _printers else object.__repr__(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _repr_latex_(self) -> str | None:
        """Return what a notebook shows."""
        return rf"$\displaystyle {_printers[1](self)}$" if _printers else None


_printers: list[Callable[[Any], str]] = []


def print_with(text: Callable[[Any], str], latex: Callable[[Any], str]) -> None:
    """Let ``str()`` of every formula and its display in notebooks use these printers."""
    _printers[:] = [text, latex]
