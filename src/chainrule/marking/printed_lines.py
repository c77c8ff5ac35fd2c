"""Everything that a derivation prints, read back by the marker: in text and in LaTeX, every line.

A writer that drops a sign, a factor or a transpose prints what is not true; the marker, which
parses the text and computes it, says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from chainrule.derivation.derivation import Derivation
from chainrule.documents.elements import Part, Statement
from chainrule.documents.wording import left_side, written
from chainrule.errors import InputError
from chainrule.formulas.render import LATEX, TEXT, Style
from chainrule.html_tables import block, facts
from chainrule.marking.check_line import check_line
from chainrule.marking.tokens import MAX_LENGTH
from chainrule.network.activations import Activation
from chainrule.network.architecture import Network

_STYLES: tuple[tuple[Literal["text", "latex"], Style], ...] = (("text", TEXT), ("latex", LATEX))


@dataclass(frozen=True)
class PrintedLine:
    """One printed line and what the marker says of it: a verdict's kind, or why it refuses it.

    ``style`` is "text" or "latex"; ``part`` is the part of the derivation; ``kind`` is "right", the
    kind of mistake, or "refused"; ``message`` is the verdict's or the refusal's.
    """

    text: str
    style: Literal["text", "latex"]
    part: Part
    kind: str
    message: str

    @property
    def correct(self) -> bool:
        """Whether the marker reads the line and finds it right."""
        return self.kind == "right"


@dataclass(frozen=True)
class PrintedLines:
    """The printed lines of a derivation, read back; ``str()`` lists those that are not right."""

    title: str
    lines: tuple[PrintedLine, ...]

    @cached_property
    def right(self) -> tuple[PrintedLine, ...]:
        """The lines that are read and right."""
        return tuple(line for line in self.lines if line.correct)

    @cached_property
    def refused(self) -> tuple[PrintedLine, ...]:
        """The lines that are not read, each with the reason as its message."""
        return tuple(line for line in self.lines if line.kind == "refused")

    @cached_property
    def wrong(self) -> tuple[PrintedLine, ...]:
        """The lines that are read and found wrong: mistakes of a writer or of the marker."""
        return tuple(line for line in self.lines if not line.correct and line.kind != "refused")

    @property
    def passed(self) -> bool:
        """Whether no line is wrong; lines that are refused are not."""
        return not self.wrong

    def __str__(self) -> str:
        first = (
            f"{self.title}: {len(self.right)} of {len(self.lines)} printed lines are read back and "
            f"right, {len(self.refused)} refused, {len(self.wrong)} wrong"
        )
        others = (
            f"  {line.part}, {line.style}: {line.text}\n    {line.kind}: {line.message}"
            for line in (*self.wrong, *self.refused)
        )
        return "\n".join((first, *others))

    def __repr__(self) -> str:
        return f"<PrintedLines {len(self.right)} of {len(self.lines)} right>"

    def _repr_html_(self) -> str:
        counts = [
            ("derivation", self.title),
            ("lines", str(len(self.lines))),
            ("right", str(len(self.right))),
            ("refused", str(len(self.refused))),
            ("wrong", str(len(self.wrong))),
        ]
        return block(facts(counts))


def read_back(derivation: Derivation) -> PrintedLines:
    """Return every printed line of a derivation, in text and in LaTeX, as the marker reads it.

    Lines about one sample are marked for one sample, lines about a function for a network of one
    layer with it.

    >>> from chainrule.derivation.derivation import derive
    >>> found = read_back(derive(Network.dense([2, 3, 1]), detail="full"))
    >>> len(found.lines) > 200, found.refused, found.wrong
    (True, (), ())
    """
    found = [
        _read(derivation, statement, line, style)
        for style, writer in _STYLES
        for statement, line in printed_lines(derivation, writer)
    ]
    size = "batch" if derivation.batch else "one sample"
    title = f"{derivation.network}; {size}, samples in {derivation.layout}"
    return PrintedLines(title, tuple(found))


def printed_lines(derivation: Derivation, style: Style) -> Iterator[tuple[Statement, str]]:
    """Yield every equality that a derivation prints in a style, with its statement.

    >>> from chainrule.derivation.derivation import derive
    >>> lines = printed_lines(derive(Network.dense([2, 3, 1])), TEXT)
    >>> next(line for statement, line in lines if statement.part == "batch")
    'Z_h = X W_ih + b_ih'
    """
    for statement in derivation.statements:
        left = left_side(statement, style)
        sign = style.arrow if statement.assigns else style.equals
        for equal in statement.rights:
            yield statement, left + sign + written(equal.formula, statement, style)


def _read(
    derivation: Derivation, statement: Statement, line: str, style: Literal["text", "latex"]
) -> PrintedLine:
    network = derivation.network
    if isinstance(statement.function, Activation):
        network = Network.dense([3, 3], statement.function)
    try:
        verdict = check_line(
            network,
            line,
            batch=statement.part == "batch",
            layout=derivation.layout,
            optimizer=derivation.optimizer,
        )
    except InputError as error:
        message = f"longer than {MAX_LENGTH} characters" if len(line) > MAX_LENGTH else str(error)
        return PrintedLine(line, style, statement.part, "refused", message)
    message = "" if verdict.kind == "right" else verdict.message("en")
    return PrintedLine(line, style, statement.part, verdict.kind, message)
