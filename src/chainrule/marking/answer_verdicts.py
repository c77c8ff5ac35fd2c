"""The result of marking a whole answer: a verdict for each statement, and a summary."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from chainrule.html_tables import block, table
from chainrule.language.refusals import Refusal
from chainrule.marking.verdict_messages import phrases
from chainrule.marking.verdicts import LineVerdict

Outcome = Literal["right", "wrong", "unread", "own"]
MAX_SHOWN = 120
"""The most characters of a statement that are printed."""
_MARKS = {"right": "✓", "wrong": "✗", "unread": "?", "own": "·"}


@dataclass(frozen=True)
class StatementVerdict:
    """What one statement of an answer is.

    ``outcome`` is ``right``, ``wrong``, ``unread`` (with the reason), or ``own``: it gives a value
    to a variable that the network does not have, which counts where it is used.  ``number`` is the
    line of the answer, ``verdict`` what `check_line` would return.
    """

    number: int
    text: str
    outcome: Outcome
    verdict: LineVerdict | None = None
    reason: Refusal | None = None
    language: str = field(default="en", repr=False, compare=False)

    def message(self, language: str | None = None) -> str:
        """Return the verdict or the reason as text in "en" or "zh"."""
        chosen = self.language if language is None else language
        if self.reason is not None:
            return self.reason.message(chosen)
        if self.verdict is not None:
            return self.verdict.message(chosen)
        return phrases(chosen)["part_right" if self.outcome == "right" else "own_variable"]

    @property
    def shown(self) -> str:
        """The statement as it is printed, a long one shortened."""
        return self.text if len(self.text) <= MAX_SHOWN else f"{self.text[:MAX_SHOWN]}…"

    def __str__(self) -> str:
        return f"{_MARKS[self.outcome]} {self.number}: {self.shown}"


@dataclass(frozen=True)
class AnswerVerdict:
    """The result of marking an answer of several statements.

    ``statements`` has one verdict for each, in their order; a line of a loop occurs once for each
    layer.  ``missing`` are the gradients of the network's parameters that no statement computes.
    ``recognized`` are the keys of what the convention changes that the answer was found to be in.
    ``given`` are derivatives that it uses without computing them: their values are taken as true.
    ``right_in_columns`` is how many statements are right with samples in columns, where these are
    most of an answer that is marked in rows, else 0.  ``computed`` are the names of the network's
    quantities that it computes.
    ``str()`` is the answer with its marks and a message below each fault.
    """

    statements: tuple[StatementVerdict, ...]
    missing: tuple[str, ...]
    given: tuple[str, ...] = ()
    language: str = field(default="en", repr=False, compare=False)
    recognized: tuple[str, ...] = ()
    right_in_columns: int = 0
    computed: frozenset[str] = field(default=frozenset(), repr=False)

    def count(self, outcome: Outcome) -> int:
        """Return how many statements are right, wrong, unread or of variables of one's own."""
        return sum(statement.outcome == outcome for statement in self.statements)

    @property
    def correct(self) -> bool:
        """Whether every statement is read and none is wrong, and at least one is right."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 where the answer is right, 1 where a statement is wrong, 2 where one is not read."""
        if self.count("wrong"):
            return 1
        return 2 if self.count("unread") or not self.count("right") else 0

    def summary(self, language: str | None = None) -> str:
        """Return the counts and the missing gradients as text in "en" or "zh"."""
        known = phrases(self.language if language is None else language)
        counts = {name: self.count(name) for name in ("right", "wrong", "unread")}
        text = known["answer_counts"].format(**counts)
        if self.recognized:
            changes = known["and"].join(known[key] for key in self.recognized)
            key = "answer_right_with" if not self.count("wrong") else "answer_marked_with"
            text += known["between"] + known[key].format(changes=changes)
        if self.right_in_columns:
            count = str(self.right_in_columns)
            text += known["between"] + known["answer_columns"].format(count=count)
        for key, listed in (("answer_missing", self.missing), ("answer_given", self.given)):
            if listed:
                text += known["between"] + known[key].format(names=known["comma"].join(listed))
        return text

    def text(self, language: str | None = None) -> str:
        """Return every statement with its mark, a message below each fault, and the summary."""
        rows: list[str] = []
        for statement in self.statements:
            rows.append(str(statement))
            if statement.outcome in ("wrong", "unread"):
                rows.append(f"    {statement.message(language or self.language)}")
        return "\n".join([*rows, self.summary(language)])

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        rows = [
            (
                str(each.number),
                _MARKS[each.outcome],
                each.shown,
                each.message(self.language) if each.outcome in ("wrong", "unread") else "",
                each.verdict.repaired if each.verdict is not None else "",
            )
            for each in self.statements
        ]
        headings = ("line", "mark", "statement", "fault", "repaired")
        return block(table(headings, rows, numeric=("line",), foot=self.summary()))

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(name)} {name}" for name in ("right", "wrong", "unread"))
        return f"<AnswerVerdict: {counts}>"


def joined(parts: Sequence[AnswerVerdict]) -> AnswerVerdict:
    """Return the verdict on an answer of several texts, whose lines count together."""
    first, *others = parts
    if not others:
        return first
    computed = frozenset[str]().union(*(each.computed for each in parts))
    given = {name for each in parts for name in each.given}
    return AnswerVerdict(
        tuple(
            sorted((row for each in parts for row in each.statements), key=lambda row: row.number)
        ),
        tuple(name for name in first.missing if all(name in each.missing for each in others)),
        tuple(sorted(given - computed)),
        first.language,
        tuple(dict.fromkeys(key for each in parts for key in each.recognized)),
        sum(each.right_in_columns for each in parts),
        computed,
    )
