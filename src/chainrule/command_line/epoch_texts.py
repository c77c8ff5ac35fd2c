"""The losses of an epoch in words, and the line of losses below the bar of a training."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING

from chainrule.language.printed_phrases import Wording
from chainrule.language.text_columns import columns_of, padded
from chainrule.pictures.loss_curves import lowest, mean_curve
from chainrule.pictures.sparkline import sparkline
from chainrule.training.results import Progress

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["LABEL", "curve_text", "is_reported", "latest", "losses_text"]

LABEL = 10
"""The columns of a label before a line."""
PLAIN_LINES = 5
"""Epochs reported in plain lines, in addition to the first."""
CURVE = 32
"""The most characters of the line of losses."""


def latest(members: Sequence[Progress]) -> int:
    """Return the last epoch that all networks in training have finished, or the last of all."""
    running = [member.done for member in members if member.done < member.of]
    return min(running) if running else max(member.done for member in members)


def losses_text(members: Sequence[Progress], of: int, number: int, words: Wording) -> str:
    """Return the mean losses of an epoch, and the lowest mean so far.

    They are means over the networks that have finished the epoch. Where these are some of the
    ``of`` networks of the folds, the text has their number: with the next ones the means may rise.
    """
    number = min(number, max(member.done for member in members))
    reached = [member for member in members if member.done >= number]
    loss = mean(member.epoch(number).loss for member in reached)
    text = words("loss", loss=loss)
    held = [m.history["validation_loss"] for m in reached if "validation_loss" in m.history]
    if held:
        curve = mean_curve(held)[:number]
        best = lowest(curve) or (number, curve[-1])
        text = words("loss_held_out", loss=loss, held=curve[-1], best=best[1])
    if len(reached) < of:
        text = words("some_folds", losses=text, some=len(reached), of=of)
    return text


def curve_text(members: Sequence[Progress], console: Console, words: Wording) -> str:
    """Return the mean losses so far in one line: the held-out ones where there are any."""
    name = "validation_loss" if "validation_loss" in members[0].history else "loss"
    text = words("curve_held_out" if name == "validation_loss" else "curve_training")
    losses = mean_curve([member.history[name] for member in members])
    best = lowest(losses)
    if best is not None:
        text = words("curve_best", kind=text, value=best[1], epoch=best[0])
    columns = min(CURVE, console.width - LABEL - columns_of(text) - 3)
    curve = sparkline(losses, columns, console.encoding)
    return f"{padded(words('label_curve'), LABEL)}{curve}  {text}"


def is_reported(number: int, of: int, *, briefly: bool) -> bool:
    """Return whether an epoch is reported in a plain line: the first, the last and some between.

    ``briefly`` is the last one alone.
    """
    if briefly:
        return number == of
    every = max(1, of // PLAIN_LINES)
    return number in (1, of) or (number % every == 0 and of - number >= every)
