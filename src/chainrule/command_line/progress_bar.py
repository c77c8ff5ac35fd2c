"""The progress bar of a training, with a line of text below it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.progress import Progress
from rich.text import Text

__all__ = ["ProgressBar"]


class ProgressBar(Progress):
    """A bar of rich with one line below it, ``below``, which stays with the bar at the end."""

    below: str = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar and the line; rich calls this for every refresh."""
        yield from super().get_renderables()
        if self.below:
            yield Text(self.below, no_wrap=True, overflow="crop")
