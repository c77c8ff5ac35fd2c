"""The convention that an answer is in, where it states none: its own signs, slopes or averages.

Only conventions of names are recognized, in which an answer computes the same updates.  One is
recognized if it makes at least two wrong statements right and leaves none wrong, or one of three
or more: then that one is the mistake.  Single statements could be mistakes all the same, and so
could all that use a derivative without computing it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from chainrule.marking.answer_run import AnswerRun
from chainrule.marking.answer_verdicts import StatementVerdict
from chainrule.marking.line_marker import LineMarker
from chainrule.marking.python_sources import parsed_program
from chainrule.marking.quantities import Role
from chainrule.marking.stated_conventions import OWN, Convention

_NEGATIVE, _ASCENT = Convention(delta="negative"), Convention(delta="ascent")
_OF_OUTPUT = Convention(slope_of="output")
_AVERAGES = Convention(average="gradient"), Convention(average="update")
_SUGGESTED_BY = {
    "sign": (_NEGATIVE, _ASCENT),
    **dict.fromkeys(("slope_argument", "slope_wrong", "slope_applied"), (_OF_OUTPUT,)),
    **dict.fromkeys(("convention_batch", "convention_batch_surplus", "factor"), _AVERAGES),
    **dict.fromkeys(
        ("beside_batch", "factor_sign", "factor_surplus"), (*_AVERAGES, _NEGATIVE, _ASCENT)
    ),
}
"""The conventions that a mistake can be, by the phrase that names it."""
MAX_CHANGES = 2


@dataclass(frozen=True)
class Recognized:
    """A convention, the keys of the phrases that name it, and the statements marked in it."""

    convention: Convention
    keys: tuple[str, ...]
    run: AnswerRun
    verdicts: Sequence[StatementVerdict]


def recognized(
    marker: LineMarker,
    text: str,
    verdicts: Sequence[StatementVerdict],
    run_of: Callable[[LineMarker], AnswerRun],
) -> Recognized | None:
    """Return the one convention that an answer with wrong statements is in, None without one."""
    wrong = [each.verdict for each in verdicts if each.outcome == "wrong" and each.verdict]
    if marker.convention != OWN or len(wrong) < 2:
        return None
    suggested: dict[Convention, None] = {}
    for verdict in wrong:
        for part in verdict.message_parts:
            suggested.update(dict.fromkeys(_SUGGESTED_BY.get(part.key, ())))
    left: dict[Convention, int] = {}
    for convention in _combined([*suggested]):
        left[convention] = -run_of(replace(marker, convention=convention)).score()[0]
    unread = sum(each.outcome == "unread" for each in verdicts)
    fewest = min(left.values(), default=len(wrong)) - unread
    if fewest > (max(1, (len(wrong) - 1) // 2) if len(wrong) >= 3 else 0):
        return None  # most of what is wrong is right there
    best = [each for each, count in left.items() if count - unread == fewest]
    best = [each for each in best if len(each.changes) == len(best[0].changes)]
    for name, first, other in (("delta", "negative", "ascent"), ("average", "update", "gradient")):
        if any(getattr(each, name) == first for each in best):  # without dW they are the same
            best = [each for each in best if getattr(each, name) != other]
    if len(best) != 1:
        return None
    (convention,) = best
    run = run_of(replace(marker, convention=convention))
    found = run.verdicts()
    is_given = bool((run.used - run.computed) | run.assumed)
    if is_given and convention.changes != ("slope_of",):
        return None  # the answer does not say which sign or average it begins with
    if convention.delta == "ascent" and not _is_seen_to_ascend(run, text):
        return None
    keys = tuple(f"stated_{getattr(convention, name)}" for name in convention.changes)
    return Recognized(convention, keys, run, found)


def _combined(suggested: Sequence[Convention]) -> list[Convention]:
    """Return conventions and pairs of them, those with fewer changes first."""
    found: list[Convention] = []
    for count in range(1, MAX_CHANGES + 1):
        for chosen in combinations(suggested, count):
            changes = {name: getattr(each, name) for each in chosen for name in each.changes}
            if len(changes) == count:
                found.append(replace(OWN, **changes))
    return found


def _is_seen_to_ascend(run: AnswerRun, text: str) -> bool:
    """Return whether dW is a name of a program, and each parameter's update has the other sign.

    What is written as ∂Loss/∂W, or without an update, has one sign.
    """
    if parsed_program(text) is None or "grad" in text:
        return False
    updated = {each.plain for each in run.computed if each.is_parameter or each.is_updated}
    gradients = {each.of for each in run.computed if each.role is Role.COTANGENT}
    return all(each in updated for each in gradients if each is not None and each.is_parameter)
