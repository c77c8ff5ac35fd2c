"""Losses by epoch: training and held-out, of one network or several, with the best epoch.

The training loss is the one without penalties, where it is known: the held-out loss has none
either, so that the two can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.arrays import FloatArray
from chainrule.errors import InputTypeError
from chainrule.language.phrase_books import phrases_of
from chainrule.network.drawing_elements import Drawing
from chainrule.pictures.frame import Axis, Frame, Legend, stacked
from chainrule.pictures.scales import LARGEST, Scale, number_text, usable
from chainrule.validation import requirement

Curve: TypeAlias = Sequence[float] | FloatArray
Described: TypeAlias = tuple[Frame, str, str]
"""A frame, its title and its description."""

_MOST_MEMBERS = 32
"""The most networks that have a thin line each."""
_PIECES = 800
"""Of a line with more than twice as many points, the lowest and the highest in each of so many
pieces are placed: two pieces for each unit of a picture's width."""

_LONG = 20
"""The epochs of a curve that have first ones, `_FIRST` percent of them."""
_FIRST = 5
_DOMINATED = 3.0


@dataclass(frozen=True)
class LossCurves:
    """The losses of networks by epoch.

    ``training`` and ``held_out`` have a curve for each network, ``held_out`` none without held-out
    rows. ``best_epoch`` counts from 1. ``penalized`` is whether the loss that was minimized has
    penalties beside the one that is drawn.

    >>> curves = LossCurves.of([{"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 2.5, 2.8]}])
    >>> curves.best_epoch
    2
    """

    training: tuple[Curve, ...]
    held_out: tuple[Curve, ...] = ()
    best_epoch: int | None = None
    penalized: bool = False

    @classmethod
    def of(
        cls, histories: Sequence[Mapping[str, Curve]], best_epoch: int | None = None
    ) -> "LossCurves":
        """Return the curves of histories, one for each network.

        A best epoch that is not given is that of the lowest mean held-out loss.
        """
        training = [history.get("data_loss", history.get("loss", ())) for history in histories]
        held = [history["validation_loss"] for history in histories if "validation_loss" in history]
        penalized = any(
            not np.array_equal(curve, history.get("loss", curve), equal_nan=True)
            for curve, history in zip(training, histories, strict=True)
        )
        if best_epoch is None and held:
            best = lowest(mean_curve(held))
            best_epoch = None if best is None else best[0]
        return cls(tuple(training), tuple(held), best_epoch, penalized)

    def drawing(
        self, language: str = "en", *, scores: Curve = (), best_score: int | None = None
    ) -> Drawing:
        """Return the picture; ``scores`` by epoch are drawn below the losses."""
        panels = [self._losses(language)]
        if len(scores):
            panels.append(_scores(scores, best_score, language))
        return stacked(panels)

    def on(self, ax: Any) -> Any:
        """Draw on Axes of matplotlib, and return them.

        Raises InputTypeError for anything else.
        """
        if not all(callable(getattr(ax, name, None)) for name in ("plot", "set_xlabel", "legend")):
            allowed = "Axes of matplotlib, such as those of plt.subplots()"
            raise InputTypeError(requirement("ax", allowed, ax, "Leave it out for a picture."))
        texts = phrases_of("pictures", "en")
        for members, name, color in self._groups():
            if len(members) > 1:
                for curve in members[:_MOST_MEMBERS]:
                    ax.plot(range(1, len(curve) + 1), curve, color=color, linewidth=0.8, alpha=0.4)
            mean = mean_curve(members)
            marker = "o" if len(mean) == 1 else None
            ax.plot(range(1, len(mean) + 1), mean, color=color, label=texts[name], marker=marker)
        if self.best is not None:
            epoch, value = self.best
            text = texts["best"].format(epoch=epoch, value=number_text(value))
            ax.plot([epoch], [value], "o", color="black", fillstyle="none", label=text)
            ax.axvline(epoch, color="gray", linestyle="--", linewidth=0.8)
        scale, cut = self._scale
        if scale.log:
            ax.set_yscale("log")
        if cut:
            ax.set_ylim(scale.low, scale.high)
        ax.set_xlabel(texts["epoch"])
        ax.set_ylabel(texts["loss_data" if self.penalized else "loss"])
        ax.legend()
        return ax

    @property
    def best(self) -> tuple[int, float] | None:
        """The best epoch with its mean loss: held-out where there is one."""
        mean = mean_curve(self.held_out or self.training)
        if self.best_epoch is None or not 1 <= self.best_epoch <= len(mean):
            return None
        value = mean[self.best_epoch - 1]
        return (self.best_epoch, float(value)) if usable(value) else None

    # -- the picture -------------------------------------------------------------------------------

    def _groups(self) -> list[tuple[tuple[Curve, ...], str, str]]:
        """Return the curves of each kind with their name and color: the held-out ones on top."""
        found = [(self.training, "training", "C0")]
        return [*found, (self.held_out, "held_out", "C1")] if self.held_out else found

    @property
    def _scale(self) -> tuple[Scale, bool]:
        return loss_scale([curve for members, _, _ in self._groups() for curve in members])

    def _losses(self, language: str) -> Described:
        texts = phrases_of("pictures", language)
        epochs = max((len(curve) for curve in self.training), default=0)
        groups = [
            (members, texts[name], style)
            for (members, name, _), style in zip(self._groups(), ("one", "two"), strict=False)
        ]
        legend = [Legend(name, f"line {style}") for _, name, style in groups]
        several = len(self.training) > 1
        if several:
            key = "members" if len(self.training) <= _MOST_MEMBERS else "some_members"
            text = texts[key].format(drawn=_MOST_MEMBERS, count=f"{len(self.training):,}")
            legend.append(Legend(text, f"thin {groups[-1][2]}"))
        description = " ".join(
            sentence
            for members, name, _ in groups
            if (sentence := _described("loss_described", texts, mean_curve(members), name, epochs))
        )
        if self.best is not None:
            epoch, value = self.best
            best = number_text(value)
            legend.append(Legend(texts["best"].format(epoch=f"{epoch:,}", value=best), "best"))
            description += " " + texts["loss_best"].format(
                epoch=f"{epoch:,}", curve=groups[-1][1], value=best
            )
        scale, cut = self._scale
        title = texts["loss_data" if self.penalized else "loss"]
        title = scale_title(title, scale, cut=cut, language=language)
        frame = Frame(epoch_axis(epochs, texts["epoch"]), Axis(scale, title), legend)
        if self.best is not None:
            frame.upright(self.best[0])
        for members, _, style in groups if several else ():
            for curve in members[:_MOST_MEMBERS]:
                frame.line(_points(curve), f"thin {style}")
        for members, _, style in groups:
            frame.line(_points(mean_curve(members)), f"line {style}")
        if self.best is not None:
            frame.dot(*self.best, "best", 4.5)
        if not description:
            frame.note(texts["nothing"])
            description = texts["nothing"]
        return frame, texts["loss_title"], description


def mean_curve(members: Sequence[Curve]) -> FloatArray:
    """Return the mean of curves, (epochs,), up to the last epoch that all have.

    >>> mean_curve([[4.0, 2.0, 1.0], [2.0, 1.0]]).tolist()
    [3.0, 1.5]
    """
    epochs = min(map(len, members), default=0)
    arrays = [np.asarray(curve[:epochs], dtype=np.float64) for curve in members]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not drawn
        return np.mean(arrays, axis=0) if epochs else np.empty(0)


def lowest(curve: Curve) -> tuple[int, float] | None:
    """Return the epoch of the lowest value, from 1, and the value; None where none is finite.

    >>> lowest([3.0, float("nan"), 1.0]), lowest([])
    ((3, 1.0), None)
    """
    values = np.asarray(curve, dtype=np.float64)
    known = np.flatnonzero(np.abs(values) <= LARGEST)
    if not len(known):
        return None
    best = int(known[np.argmin(values[known])])
    return best + 1, float(values[best])


def loss_scale(curves: Sequence[Curve]) -> tuple[Scale, bool]:
    """Return the scale of losses by epoch, and whether it ends below those of the first epochs.

    It does where these would leave all the others less than a third of the height.

    >>> loss_scale([[9.0, 2.0] + [1.0] * 18])
    (Scale(low=1.0, high=2.0, log=False), True)
    >>> loss_scale([[4.0, 3.0, 2.0, 1.0] * 5])
    (Scale(low=1.0, high=4.0, log=False), False)
    """
    found = [values for curve in curves if len(values := _usable(curve))]
    ends = [float(end) for values in found for end in (values.min(), values.max())]
    scale = Scale.around(ends)
    later = [values[_FIRST * len(values) // 100 :] for values in found if len(values) >= _LONG]
    if scale.log or len(later) < len(found) or not found:
        return scale, False
    low, high = min(ends), max(float(values.max()) for values in later)
    if low < high and max(ends) - low > _DOMINATED * (high - low):
        return Scale.around([low, high]), True
    return scale, False


def scale_title(quantity: str, scale: Scale, *, cut: bool, language: str) -> str:
    """Return the title of an axis of losses, with what is special about its scale."""
    texts = phrases_of("pictures", language)
    if scale.log:
        return texts["log_scale"].format(quantity=quantity)
    if cut:
        return texts["cut_scale"].format(quantity=quantity, high=number_text(scale.high))
    return quantity


def epoch_axis(epochs: int, title: str) -> Axis:
    """Return the axis from the first epoch to the last."""
    scale = Scale(1.0, float(epochs)) if epochs > 1 else Scale(0.5, 1.5)
    return Axis(scale, title, whole=True)


def _usable(curve: Curve) -> FloatArray:
    """Return the values of a curve that can be drawn."""
    values = np.asarray(curve, dtype=np.float64)
    return values[np.abs(values) <= LARGEST]


def _points(curve: Curve) -> list[tuple[float, float]]:
    """Return the points of a curve; of a very long one those that a picture can show."""
    values = np.asarray(curve, dtype=np.float64)
    chosen = np.arange(len(values))
    if len(values) > 2 * _PIECES and len(_usable(values)) == len(values):
        size = -(-len(values) // _PIECES)
        pieces = np.pad(values, (0, size * _PIECES - len(values)), "edge").reshape(_PIECES, size)
        starts = size * np.arange(_PIECES)
        found = [0, *(starts + pieces.argmin(axis=1)), *(starts + pieces.argmax(axis=1))]
        chosen = np.unique(np.minimum([*found, len(values) - 1], len(values) - 1))
    return [(float(number + 1), float(values[number])) for number in chosen]


def _described(key: str, texts: Mapping[str, str], curve: Curve, name: str, epochs: int) -> str:
    known = np.flatnonzero(np.abs(np.asarray(curve, dtype=np.float64)) <= LARGEST) + 1
    if not len(known):
        return ""
    first, last = (number_text(curve[number - 1]) for number in (known[0], known[-1]))
    return texts[key].format(
        epochs=f"{epochs:,}", curve=name, first=first, start=known[0], last=last, end=known[-1]
    )


def _scores(scores: Curve, best: int | None, language: str) -> Described:
    texts = phrases_of("pictures", language)
    scale = Scale.around(scores, log=False)
    legend = []
    if best is not None and 1 <= best <= len(scores):
        text = texts["best"].format(epoch=f"{best:,}", value=number_text(scores[best - 1]))
        legend.append(Legend(text, "best"))
    frame = Frame(epoch_axis(len(scores), texts["epoch"]), Axis(scale, texts["score"]), legend)
    if legend:
        assert best is not None
        frame.upright(best)
    frame.line(_points(scores), "line two")
    if legend and best is not None:
        frame.dot(best, scores[best - 1], "best", 4.5)
    described = _described("score_described", texts, scores, "", len(scores))
    if not described:
        frame.note(texts["nothing"])
    return frame, texts["score_title"], described or texts["nothing"]
