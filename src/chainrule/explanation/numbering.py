"""A derivation's lines with numbers: each evaluated as it is laid out, and marked."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.documents.elements import Equal, Line, Scalar, Statement
from chainrule.explanation.evaluated_lines import Form, NumberedLine
from chainrule.explanation.independent_values import Mark, Witness
from chainrule.explanation.step_values import Batch
from chainrule.formulas.arrange import Layout, orient
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.positional import laid_out


@dataclass
class Numbering:
    """The lines of a derivation, one after the other, with the state that updates change."""

    batch: Batch
    witness: Witness
    layout: Layout
    changed: dict[str, Any] = field(default_factory=dict)

    def line(self, line: Line) -> Line | NumberedLine:
        """Return a statement with its numbers; headings and sentences have none."""
        if not isinstance(line, Statement):
            return line
        left = line.left
        if line.assigns:
            return self._update(line)
        known = {*self.batch.formulation.defined, *self.witness.cotangents}
        if left not in known:
            unmarked = tuple(Form(equal, None) for equal in line.rights)
            return NumberedLine(line, unmarked, None, self.batch.named)
        sides = orient(left.axes, self.layout)
        value = laid_out(self.batch.named(left), left.axes, sides)
        forms = tuple(
            Form(equal, self._mark(equal, left, self.batch.named)) for equal in line.rights
        )
        return NumberedLine(line, forms, value, self.batch.named)

    def _update(self, line: Statement) -> NumberedLine:
        left = line.left
        named = self._at_update()
        forms = tuple(Form(equal, self._mark(equal, left, named, True)) for equal in line.rights)
        # What is assigned to memory is used by the assignments that follow, and by them alone:
        # gradients stay those of the old parameters.
        self.changed[left.name] = self.batch.after[left.name]
        sides = orient(left.axes, self.layout)
        value = laid_out(self.batch.after[left.name], left.axes, sides)
        return NumberedLine(line, forms, value, named)

    def _at_update(self) -> Evaluation:
        values = {**self.batch.given, **self.changed}
        named = Evaluation(values, dtype=np.float64)
        named.sizes = self.batch.named.sizes
        for entry in self.batch.gradients.backward:
            named.define(entry.left, self.batch.named(entry.left))
        return named

    def _mark(
        self, equal: Equal, left: Symbol, named: Evaluation, update: bool = False
    ) -> Mark | None:
        if isinstance(equal.formula, Matrix):
            sides = orient(left.axes, self.layout)
            return self.witness.mark(equal.formula, left, sides, named, update=update)
        if isinstance(equal.formula, Scalar):
            return self.witness.mark_scalar(equal.formula.expression, left)
        return None
