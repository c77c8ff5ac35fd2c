"""A derivation evaluated with numbers: its lines, the value of each, a mark for each formula.

These are data.  ``explain`` makes them and ``build_document`` arranges them in a document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.arrays import Array
from chainrule.check_result import CheckResult
from chainrule.derivation.derivation import Derivation
from chainrule.documents.elements import ArrayEntry, GivenValue, Line
from chainrule.explanation.evaluated_lines import EvaluatedLine, LineEvaluator
from chainrule.explanation.independent_values import IndependentValues
from chainrule.explanation.sample_labels import SampleLabels
from chainrule.explanation.step_values import StepValues
from chainrule.explanation.weight_account import WeightAccount, account_of
from chainrule.formulas.arrange import orient
from chainrule.formulas.expressions import Symbol, symbols
from chainrule.formulas.positional import laid_out
from chainrule.network.optimizers import STEPS


@dataclass(frozen=True, eq=False)
class EvaluatedDerivation:
    """A derivation with the numbers of one step.

    ``rows`` are the indices of the samples in the given data, ``entry`` the chosen weight.
    """

    derivation: Derivation
    batch: StepValues
    labels: SampleLabels
    rows: tuple[int, ...]
    entry: ArrayEntry | None = None

    @cached_property
    def independent(self) -> IndependentValues:
        """What the formulas are compared with."""
        return IndependentValues(self.batch)

    @property
    def on_kink(self) -> bool:
        """Whether a sample is exactly at a jump of a slope."""
        return self.independent.on_kink

    @cached_property
    def lines(self) -> tuple[Line | EvaluatedLine, ...]:
        """The lines of the derivation, statements with their numbers."""
        evaluator = LineEvaluator(self.batch, self.independent, self.derivation.layout)
        return tuple(evaluator.line(line) for line in self.derivation.lines)

    @cached_property
    def weight(self) -> WeightAccount | None:
        """The account of the chosen weight."""
        if self.entry is None:
            return None
        return account_of(self.batch, self.independent, self.entry)

    @property
    def marks(self) -> tuple[CheckResult, ...]:
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
    def numbered(self) -> tuple[EvaluatedLine, ...]:
        """The equations among the lines."""
        return tuple(line for line in self.lines if isinstance(line, EvaluatedLine))

    @cached_property
    def values(self) -> Mapping[str, Array]:
        """The value of every line by the name of its left side, in the derivation's layout."""
        return {
            line.statement.left.name: line.value
            for line in self.numbered
            if line.value is not None and not line.statement.assigns
        }

    @cached_property
    def given(self) -> tuple[GivenValue, ...]:
        """The data, the parameters, what is drawn at random and the constants, in this order."""
        formulation, layout = self.batch.formulation, self.derivation.layout
        network = self.batch.network
        arrays = [s for s in formulation.inputs if s.name in self.batch.data]
        named = {s.name: s for s in (*formulation.inputs, *formulation.parameters)}
        # A training step uses the statistics of its batch, not the running ones.
        arrays += [named[n] for n in network.parameter_names if n not in network.running_names]
        memory = [
            Symbol(name, next(s.axes for s in arrays if s.name == name.split("_", 1)[1]))
            for name, array in self.batch.memory.items()
            if np.any(array)
        ]
        drawn = list(formulation.draws)
        weights = [s for s in formulation.inputs if s.name in network.constants and not s.axes]
        names = (*network.strengths, *self.batch.optimizer.constants)
        scalars = [*weights, *(Symbol(name) for name in names)]
        if any(STEPS in symbols(update.right) for update in self.batch.optimizer.updates):
            scalars.append(STEPS)
        found = []
        for symbol in (*arrays, *drawn, *memory, *scalars):
            sides = orient(symbol.axes, layout)
            value = np.asarray(self.batch.given[symbol.name], dtype=float)
            found.append(GivenValue(symbol, laid_out(value, symbol.axes, sides)))
        return tuple(found)
