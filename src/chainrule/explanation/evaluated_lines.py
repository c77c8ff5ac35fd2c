"""The lines of a derivation with numbers: each formula evaluated as it is laid out, and checked."""

from dataclasses import dataclass, field

import numpy as np

from chainrule.check_result import CheckResult
from chainrule.documents.elements import Array, Equal, Line, Scalar, Statement
from chainrule.documents.wording import distinct
from chainrule.explanation.independent_values import IndependentValues
from chainrule.explanation.step_values import StepValues
from chainrule.formulas.arrange import Layout, orient
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.positional import laid_out


@dataclass(frozen=True)
class EvaluatedForm:
    """One formula of a line and its mark; None for a formula that has no value of its own."""

    equal: Equal
    mark: CheckResult | None

    @property
    def passed(self) -> bool | None:
        """The verdict; None if nothing could be compared."""
        return None if self.mark is None else self.mark.passed


@dataclass(frozen=True)
class EvaluatedLine:
    """A statement of the derivation with its value, as a matrix in the derivation's layout.

    ``value`` is None for statements about formal symbols (an activation's z and a).  ``named``
    has the values that its formulas are evaluated with.
    """

    statement: Statement
    forms: tuple[EvaluatedForm, ...]
    value: Array | None
    named: Evaluation = field(repr=False, compare=False)

    @property
    def shown(self) -> tuple[EvaluatedForm, ...]:
        """The forms without those that print like the one before."""
        printed = distinct(self.statement)
        return tuple(form for form in self.forms if form.equal in printed)


@dataclass
class LineEvaluator:
    """Evaluates the lines of a derivation in order, with the state that updates change."""

    values: StepValues
    independent: IndependentValues
    layout: Layout
    changed: dict[str, Array] = field(default_factory=dict)

    def line(self, line: Line) -> Line | EvaluatedLine:
        """Return a statement with its value; headings and paragraphs have none."""
        if not isinstance(line, Statement):
            return line
        left = line.left
        if line.assigns:
            return self._update(line)
        known = {*self.values.formulation.defined, *self.independent.cotangents}
        if left not in known:
            unmarked = tuple(EvaluatedForm(equal, None) for equal in line.rights)
            return EvaluatedLine(line, unmarked, None, self.values.named)
        sides = orient(left.axes, self.layout)
        value = laid_out(self.values.named(left), left.axes, sides)
        forms = tuple(
            EvaluatedForm(equal, self._mark(equal, left, self.values.named))
            for equal in line.rights
        )
        return EvaluatedLine(line, forms, value, self.values.named)

    def _update(self, line: Statement) -> EvaluatedLine:
        left = line.left
        named = self._at_update()
        forms = tuple(
            EvaluatedForm(equal, self._mark(equal, left, named, True)) for equal in line.rights
        )
        # The assignments that follow use the new memory; gradients stay those of the old
        # parameters.
        self.changed[left.name] = self.values.after[left.name]
        sides = orient(left.axes, self.layout)
        value = laid_out(self.values.after[left.name], left.axes, sides)
        return EvaluatedLine(line, forms, value, named)

    def _at_update(self) -> Evaluation:
        values = {**self.values.given, **self.changed}
        named = Evaluation(values, dtype=np.float64)
        named.sizes = self.values.named.sizes
        for entry in self.values.gradients.backward:
            named.define(entry.left, self.values.named(entry.left))
        return named

    def _mark(
        self, equal: Equal, left: Symbol, named: Evaluation, update: bool = False
    ) -> CheckResult | None:
        if isinstance(equal.formula, Matrix):
            sides = orient(left.axes, self.layout)
            return self.independent.mark(equal.formula, left, sides, named, update=update)
        if isinstance(equal.formula, Scalar):
            return self.independent.mark_scalar(equal.formula.expression, left)
        return None
