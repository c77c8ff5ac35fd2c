"""A derivation worked out with numbers: its lines, the value of each, a mark for each formula.

These are data.  ``explanation`` makes them, ``story`` puts them in order, and one module for each
medium puts them on paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.formulas.arrange import orient
from chainrule.formulas.axes import Sides
from chainrule.formulas.expressions import Symbol, symbols
from chainrule.formulas.positional import laid_out
from chainrule.network.derivation import Derivation
from chainrule.network.optimizers import STEPS
from chainrule.network.statements import Equal, Line, Statement
from chainrule.report.batch import Array, Batch
from chainrule.report.weights import WeightStory
from chainrule.report.witness import Mark


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

    ``value`` is None where the line speaks of formal symbols (an activation's z and a).
    """

    statement: Statement
    forms: tuple[Form, ...]
    value: Array | None


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


@dataclass(frozen=True, eq=False)
class Worked:
    """A derivation with the numbers of one step.

    ``lines`` are those of the derivation, statements as ``NumberedLine``; ``rows`` are the places
    of the samples in what was given; ``weight`` is the story of the chosen weight; ``on_kink`` says
    whether a sample lies where a slope jumps.
    """

    derivation: Derivation
    batch: Batch
    labels: Labels
    rows: tuple[int, ...]
    lines: tuple[Line | NumberedLine, ...]
    weight: WeightStory | None = None
    on_kink: bool = False

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Every mark, in order, that of the weight last."""
        forms = [form for line in self.numbered for form in line.forms]
        marks = [form.mark for form in forms if form.mark is not None]
        return (*marks, *((self.weight.mark,) if self.weight else ()))

    @property
    def passed(self) -> bool:
        """Whether every formula that could be checked holds, and at least one could."""
        verdicts = [mark.passed for mark in self.marks]
        return True in verdicts and False not in verdicts

    @property
    def numbered(self) -> tuple[NumberedLine, ...]:
        """The equations among the lines."""
        return tuple(line for line in self.lines if isinstance(line, NumberedLine))

    @cached_property
    def values(self) -> Mapping[str, Array]:
        """The value of every line by the name of its left side, in the derivation's layout."""
        return {
            line.statement.left.name: line.value
            for line in self.numbered
            if line.value is not None and not line.statement.assigns
        }

    @cached_property
    def given(self) -> tuple[Given, ...]:
        """The data, the parameters and the constants, in this order."""
        formulation, layout = self.batch.formulation, self.derivation.layout
        network = self.batch.network
        arrays = [s for s in formulation.inputs if s.name in ("X", network.names.target)]
        named = {s.name: s for s in (*formulation.inputs, *formulation.parameters)}
        arrays += [named[name] for name in network.parameter_names]
        kept = [
            Symbol(name, next(s.axes for s in arrays if s.name == name.split("_", 1)[1]))
            for name, array in self.batch.memory.items()
            if np.any(array)
        ]
        scalars = [Symbol(name) for name in (*network.strengths, *self.batch.optimizer.constants)]
        if any(STEPS in symbols(update.right) for update in self.batch.optimizer.updates):
            scalars.append(STEPS)
        found = []
        for symbol in (*arrays, *kept, *scalars):
            sides = orient(symbol.axes, layout)
            value = np.asarray(self.batch.given[symbol.name], dtype=float)
            found.append(Given(symbol, sides, laid_out(value, symbol.axes, sides)))
        return tuple(found)

    def shape(self, sides: Sides) -> tuple[int, int]:
        """Return the size of a matrix with these sides."""
        rows, columns = (1 if axis is None else self.batch.named.size(axis) for axis in sides)
        return rows, columns
