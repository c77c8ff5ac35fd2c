"""The pieces of a worked derivation: a line with its value and marks, what is given, names.

These are data; ``numbering`` makes the lines, ``worked`` holds all of them.
"""

from dataclasses import dataclass, field

from chainrule.documents.elements import Equal, Statement
from chainrule.documents.wording import distinct
from chainrule.explanation.independent_values import Mark
from chainrule.explanation.step_values import Array
from chainrule.formulas.axes import Sides
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol


@dataclass(frozen=True)
class Form:
    """One formula of a line and its mark; None where a formula has no value of its own."""

    equal: Equal
    mark: Mark | None

    @property
    def passed(self) -> bool | None:
        """The verdict; None where nothing could be compared."""
        return None if self.mark is None else self.mark.passed


@dataclass(frozen=True)
class NumberedLine:
    """A line of the derivation with its value, as a matrix in the derivation's layout.

    ``value`` is None where the line speaks of formal symbols (an activation's z and a).  ``named``
    has the values that its formulas are evaluated with.
    """

    statement: Statement
    forms: tuple[Form, ...]
    value: Array | None
    named: Evaluation = field(repr=False, compare=False)

    @property
    def shown(self) -> tuple[Form, ...]:
        """The forms without those that read like the one before."""
        kept = distinct(self.statement)
        return tuple(form for form in self.forms if form.equal in kept)


@dataclass(frozen=True)
class Given:
    """An array or a scalar that is given: data, a parameter, a constant."""

    symbol: Symbol
    sides: Sides
    value: Array


@dataclass(frozen=True)
class Cell:
    """One column of one sample: what stood in the table, and what the network is given for it.

    ``feature`` is the name of the network's input or, where ``target``, of its output; ``value``
    is the number there, None where the network is given nothing but zeros (an unknown category).
    ``filled`` says that the cell was missing and the training rows' median stands for it.
    """

    name: str
    cell: str
    feature: str
    value: float | None
    target: bool = False
    filled: bool = False


@dataclass(frozen=True)
class Labels:
    """What inputs, outputs and samples are called outside the network.

    ``numbers`` are the rows' places in their table and ``lines`` their lines in its file; ``cells``
    are the columns of a single sample, ``answer`` what the model says to it and ``truth`` what the
    table says.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    cells: tuple[Cell, ...] = ()
    answer: str = ""
    truth: str = ""
