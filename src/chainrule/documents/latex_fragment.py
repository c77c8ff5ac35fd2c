"""Documents as LaTeX to be put into another with ``\\input``: equations have numbers and labels.

A label is ``eq:chainrule:STAGE:NAME``: the stage of a training step (given, forward, loss,
backward, update) and the left side as it is typed. Equations of one neuron, in index form and of
one sample have that in front of the stage, those of an activation its name. A second equation with
the same left side in the same stage ends with ``:2``. Labels are the same in every language.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from chainrule.documents.elements import Display, Element, EvaluatedStatement, GivenValue, Statement
from chainrule.documents.latex_writer import (
    LatexWriter,
    hanging,
    needs_chinese,
    noted,
    packages,
    room_beside,
)
from chainrule.network.drawing import NetworkDrawing

__all__ = ["label_of", "latex_fragment_of"]

_NUMBER = 32.0
"""Points that the number of an equation takes at the margin."""
_UNUSUAL = re.compile(r"[^A-Za-z0-9_/:.+-]+")
_SPELLED = {"∂": "d", "′": "prime", "−": "-", "√": "sqrt", "²": "2"}


def latex_fragment_of(
    elements: Iterable[Element], language: str, drawing: NetworkDrawing | None = None
) -> str:
    """Return the body of a document with labels; a comment says what it needs."""
    listed = list(elements)
    body = "\n".join(_LabeledWriter(language, drawing).blocks(listed))
    needed = ",".join(("amsmath", "amssymb", *packages(listed, drawing)))
    lines = [
        "Written by chainrule, to be put into a document with \\input.",
        f"Needs in its head: \\usepackage{{{needed}}}",
        "Every equation has a label, to be used with \\eqref: eq:chainrule:STAGE:NAME.",
    ]
    if needs_chinese(body):
        lines.insert(2, "It has Chinese letters: use the class ctexart, or the package ctex.")
    return "".join(f"% {line}\n" for line in lines) + body + "\n"


def label_of(element: Element) -> str:
    """Return the label of an equation, without what tells it from an equal one.

    >>> from chainrule.formulas.expressions import Symbol
    >>> label_of(Statement(Symbol("∂Loss/∂W_ho"), (), stage="backward"))
    'eq:chainrule:backward:dLoss/dW_ho'
    """
    match element:
        case EvaluatedStatement():
            return label_of(element.statement)
        case GivenValue():
            return f"eq:chainrule:given:{_spelled(element.symbol.name)}"
        case Statement():
            parts = [element.stage, _spelled(element.left.name)]
            if element.function is not None:
                parts.insert(1, _spelled(element.function.name))
            if element.part not in ("batch", element.stage):
                parts.insert(0, element.part)
            return ":".join(["eq:chainrule", *parts])
    return "eq:chainrule:display"


def _spelled(name: str) -> str:
    """Return a name in letters that every engine takes in a label."""
    return _UNUSUAL.sub("-", "".join(map(_letter, name))) or "-"


def _letter(letter: str) -> str:
    if letter in _SPELLED:
        return _SPELLED[letter]
    known = unicodedata.name(letter, "")
    if known.startswith("GREEK "):
        word = known.rsplit(" ", 1)[-1]
        return word.lower() if " SMALL " in known else word.capitalize()
    return unicodedata.normalize("NFKD", letter)[:1]


class _LabeledWriter(LatexWriter):
    """Numbers stand at the margin, so that notes stand beside their formulas."""

    def __init__(self, language: str, drawing: NetworkDrawing | None) -> None:
        super().__init__(language, drawing)
        self.used: Counter[str] = Counter()

    def _labeled(self, element: Element) -> str:
        label = label_of(element)
        self.used[label] += 1
        count = self.used[label]
        if count == 1 and not isinstance(element, Display):
            return f"\\label{{{label}}}"
        return f"\\label{{{label}:{count}}}"

    def _room(self, lefts: Iterable[str]) -> float:
        return room_beside(lefts, self.language) - _NUMBER

    def _aligned(self, rows: list[str]) -> str:
        numbered = [row if r"\label{" in row else rf"{row} \notag" for row in rows]
        return "\\begin{align}\n" + " \\\\\n".join(numbered) + "\n\\end{align}"

    def _alone(self, display: Display) -> str:
        first, *rest = hanging(self.mathematics(display.piece), self._room(()))
        return self._aligned([f"& {first} {self._labeled(display)}", *rest])

    def _equation(self, element: Element, room: float) -> Iterator[str]:
        first, *rest = super()._equation(element, room)
        yield f"{first} {self._labeled(element)}"
        yield from rest

    def _with_note(self, row: str, note: str, room: float) -> list[str]:
        return noted(row, note, room)
