"""How large a network may be for a format, and what is raised for a larger one."""

from __future__ import annotations

from chainrule.errors import InputError

__all__ = ["check_weights"]


def check_weights(weights: int, name: str, most: int) -> None:
    """Raise InputError where a format, by its name, does not take so many weights."""
    if weights > most:
        raise InputError(
            f"`to` must be a format for {weights:,} weights, got {name!r}, which takes {most:,}. "
            "Choose another, or train a smaller network (--preset fast, --hidden 32)."
        )
