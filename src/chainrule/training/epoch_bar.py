"""The bar that ``verbose="bar"`` shows: one text that is replaced, in a notebook or on a terminal.

Elsewhere, where nothing can be replaced, the last state is printed as one line.
"""

import shutil
import sys
from collections.abc import Callable
from typing import Any, Literal

from chainrule.pictures.loss_curves import lowest
from chainrule.pictures.sparkline import sparkline
from chainrule.training.epoch_lines import EpochLines, Losses

_BAR = 16
_CURVE = 24


class EpochBar(EpochLines):
    """Shows the state of a run: the epochs done, the losses so far and the best one.

    >>> bar = EpochBar(print)
    >>> bar.show({"loss": [0.5, 0.25]}, of=4)
    2 of 4 ████████········ █▁ loss 0.25, best 0.25 in epoch 2
    """

    def __init__(self, replace: Callable[[str], object] | None = None) -> None:
        super().__init__(1)
        self._replace = replace or _in_notebook() or _on_terminal()
        self._text = ""

    def show(self, history: Losses, of: int, *, ended: bool = False) -> None:
        """Replace the text, and end its line where training has ended."""
        losses = history.get("loss", ())
        if len(losses):
            self._text = _text(history, of, _encoding())
        if self._replace is None:
            if ended and self._text:
                print(self._text, flush=True)
            return
        if len(losses) > self.done:
            self._replace(self._text)
        self.done = max(self.done, len(losses))
        if ended and isinstance(self._replace, _Terminal):
            self._replace.end()


def epochs_shown(verbose: bool | int | Literal["bar"]) -> EpochLines | None:
    """Return what shows the epochs as the argument ``verbose`` asks, or None; check it."""
    return EpochBar() if verbose == "bar" else EpochLines.of(verbose)


class _Terminal:
    """Writes a text over the one before it, in the same line."""

    def __init__(self) -> None:
        self.length = 0

    def __call__(self, text: str) -> None:
        shown = text[: shutil.get_terminal_size().columns - 1]
        sys.stdout.write("\r" + shown.ljust(self.length))
        sys.stdout.flush()
        self.length = len(shown)

    def end(self) -> None:
        """Leave the line, where there is one."""
        if self.length:
            sys.stdout.write("\n")
            sys.stdout.flush()
        self.length = 0


class _Plain:
    """A text as IPython displays it: without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class _Notebook:
    """A display of IPython, made with the first text and then replaced."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def __call__(self, text: str) -> None:
        if self._handle is None:
            self._handle = self._display(_Plain(text), display_id=True)
        else:
            self._handle.update(_Plain(text))


def _in_notebook() -> _Notebook | None:
    """Return a display of the notebook that runs this, if one does; IPython is not imported."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return _Notebook(display)


def _on_terminal() -> _Terminal | None:
    return _Terminal() if sys.stdout is not None and sys.stdout.isatty() else None


def _encoding() -> str | None:
    return getattr(sys.stdout, "encoding", None)


def _text(history: Losses, of: int, encoding: str | None) -> str:
    losses, held = history["loss"], history.get("validation_loss")
    watched = losses if held is None else held
    curve = sparkline(watched, _CURVE, encoding)
    full, empty = ("#", "-") if curve.isascii() else ("█", "·")
    filled = _BAR * len(losses) // max(1, of)
    text = f"{len(losses):,} of {of:,} {full * filled}{empty * (_BAR - filled)} {curve} "
    text += f"loss {losses[-1]:.4g}" + ("" if held is None else f", held-out loss {held[-1]:.4g}")
    best = lowest(watched)
    return text if best is None else f"{text}, best {best[1]:.4g} in epoch {best[0]:,}"
