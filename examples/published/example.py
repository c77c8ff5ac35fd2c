"""What a published example is made of: its source, its conventions, and parts that recompute it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import chainrule as cr
from examples.published.figures import Figure

Part = Callable[[], list[Figure]]
"""Recomputes some figures; its name is their heading, its docstring says what they are."""


@dataclass(frozen=True)
class Example:
    """A published example: what it says, under which conventions, and how it is recomputed."""

    name: str
    title: str
    source: str
    """Author, work, place and date."""
    link: str
    story: str
    """What the example does and why it is worth having, in a few sentences."""
    conventions: Sequence[str]
    parts: Sequence[Part]
    network: cr.Network | None = None
    """The network, where the example has a dense one: its derivation is shown."""
    layout: str = "rows"
    batch: bool = True
    erratum: str = ""
    """What is wrong in the source, and the proof; the parts below it show the numbers."""
    needs: Path | None = None
    """A folder of data that the project does not carry."""

    @property
    def ready(self) -> bool:
        """Whether all that the example needs is here."""
        return self.needs is None or self.needs.is_dir()


def heading(part: Part) -> str:
    """Return the heading of a part: its name in words."""
    words = part.__name__.replace("_", " ")
    return words[:1].upper() + words[1:]


def text(part: Part) -> str:
    """Return what a part says of its figures."""
    return inspect.getdoc(part) or ""
