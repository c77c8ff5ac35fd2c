"""What the page shows of a training at a moment: texts, tables and the picture of the losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from chainrule.language.phrase_books import phrases_of
from chainrule.pictures.loss_curves import LossCurves, lowest, mean_curve
from chainrule.pictures.scales import number_text
from chainrule.table_models.candidates import Run
from chainrule.table_models.recipes import Candidate
from chainrule.training.results import Progress

__all__ = ["Moment", "State", "view_of"]

State = Literal["training", "stopping", "writing", "ended", "stopped", "failed"]
NONE = "–"


@dataclass(frozen=True)
class Moment:
    """A training at a moment: its state, the latest that its listener received, and the results.

    ``bests`` are the best epochs, with their losses, of the networks finished so far.
    """

    candidates: tuple[Candidate, ...]
    state: State = "training"
    run: Run | None = None
    bests: tuple[tuple[int, float] | None, ...] = ()
    seconds: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)
    """Where the model and the report are, by "model" and "report"."""

    def after(self, run: Run) -> Moment:
        """Return the moment after the listener received a state of the run."""
        known = Run(run.candidate, run.of, tuple(run.members))
        bests = self.bests
        if self.run is not None and run.candidate > self.run.candidate:
            skipped = run.candidate - self.run.candidate - 1  # they did not fit into the time
            bests = (*bests, _curves(self.members).best, *[None] * skipped)
        return replace(self, run=known, bests=bests)

    @property
    def members(self) -> list[Progress]:
        """The networks in training that have finished an epoch."""
        given = () if self.run is None else self.run.members
        return [member for member in given if member is not None and member.done]

    @property
    def share(self) -> float:
        """The share of the epochs of all networks that is done."""
        if self.run is None:
            return 0.0
        done = sum(member.done / member.of for member in self.members)
        return (self.run.candidate + done / max(1, len(self.run.members))) / self.run.of


def view_of(moment: Moment, language: str) -> dict[str, Any]:
    """Return what the page shows, ready for JSON."""
    texts = phrases_of("live", language)
    members = moment.members
    curves = _curves(members)
    ended = moment.state in ("ended", "stopped", "failed")
    return {
        "state": moment.state,
        "status": texts[moment.state],
        "ended": ended,
        "share": 1.0 if moment.state == "ended" else moment.share,
        "facts": _facts(moment, members, curves, texts),
        "picture": curves.drawing(language).svg if members else "",
        "tables": [*_members(moment, texts), *_networks(moment, curves, texts)],
    }


def _curves(members: Sequence[Progress]) -> LossCurves:
    return LossCurves.of([member.history for member in members])


def _facts(
    moment: Moment, members: Sequence[Progress], curves: LossCurves, texts: Mapping[str, str]
) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    run = moment.run
    if run is not None and run.of > 1:
        number = texts["part"].format(done=f"{run.candidate + 1:,}", of=f"{run.of:,}")
        facts.append((texts["network"], number))
    if members:
        done = sum(member.done for member in members) // len(members)
        part = texts["part"].format(done=f"{done:,}", of=f"{members[0].of:,}")
        facts.append((texts["epoch"], part))
        if run is not None and len(members) < len(run.members):
            begun = texts["part"].format(done=len(members), of=len(run.members))
            facts.append((texts["begun"], begun))  # the losses are means over these
        facts.append((texts["training_loss"], _last(curves.training)))
        if curves.held_out:
            facts.append((texts["held_out_loss"], _last(curves.held_out)))
            facts.append((texts["best_epoch"], _best(curves.best, texts)))
    facts.append((texts["elapsed"], _duration(moment.seconds, texts)))
    share = moment.share
    if moment.state == "training" and share > 0.0:
        left = moment.seconds * (1.0 - share) / share
        facts.append((texts["left"], _duration(left, texts)))
    facts += [(texts[name], path) for name, path in moment.files.items()]
    return facts


def _members(moment: Moment, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the table of the networks in training, where there are several."""
    members = () if moment.run is None else moment.run.members
    if len(members) < 2 or not moment.members:
        return []
    held = "validation_loss" in moment.members[0].history
    head = [texts["member"], texts["epoch"], texts["training_loss"]]
    head += [texts["held_out_loss"], texts["best_epoch"]] if held else []
    rows = []
    for number, member in enumerate(members, start=1):
        if member is None or not member.done:  # its turn comes
            continue
        curves = _curves([member])
        row = [str(number), f"{member.done:,}", _last(curves.training)]
        row += [_last(curves.held_out), _best(curves.best, texts)] if held else []
        rows.append(row)
    return [{"caption": texts["members"], "head": head, "rows": rows}]


def _networks(moment: Moment, curves: LossCurves, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the table of the settings tried so far, where there are several."""
    if len(moment.candidates) < 2:
        return []
    head = [texts["network"], texts["hidden"], texts["activation"], texts["learning_rate"]]
    rows = []
    for number, (candidate, best) in enumerate(
        zip(moment.candidates, (*moment.bests, curves.best), strict=False), start=1
    ):
        settings = candidate.to_dict()
        current = number > len(moment.bests) and moment.state == "training"
        rows.append([
            texts["in_training"].format(number=number) if current else str(number),
            ", ".join(map(str, settings["hidden"])) or NONE,
            ", ".join(settings["activation"]),
            f"{candidate.optimizer.learning_rate:.3g}",
            _best(best, texts),
        ])  # fmt: skip
    return [{"caption": texts["networks"], "head": [*head, texts["best_epoch"]], "rows": rows}]


def _last(curves: Sequence[Any]) -> str:
    mean = mean_curve(curves)
    return number_text(float(mean[-1])) if lowest(mean[-1:]) else NONE


def _best(best: tuple[int, float] | None, texts: Mapping[str, str]) -> str:
    if best is None:
        return NONE
    return texts["best"].format(epoch=f"{best[0]:,}", value=number_text(best[1]))


def _duration(seconds: float, texts: Mapping[str, str]) -> str:
    whole = round(seconds)
    if whole < 60:
        return texts["seconds"].format(seconds=whole)
    return texts["minutes"].format(minutes=f"{whole // 60:,}", seconds=whole % 60)
