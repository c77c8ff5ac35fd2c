"""``explain``: the derivation of a network with the numbers of chosen samples, every line marked.

An ``Explanation`` is data: the lines of the derivation, the value of each, a mark for each formula
of a line, and for one chosen weight its story.  ``report.pages`` puts it on paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import InputError, InputTypeError, shown
from chainrule.formulas.arrange import Layout, orient
from chainrule.formulas.axes import Sides
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Symbol, symbols
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.positional import laid_out
from chainrule.network.architecture import Network
from chainrule.network.derivation import Derivation, derive
from chainrule.network.optimizers import STEPS, Optimizer
from chainrule.network.optimizers import find as find_optimizer
from chainrule.network.statements import Equal, Line, Scalar, Statement
from chainrule.report.batch import Array, Batch, memory_from
from chainrule.report.naming import entry_of
from chainrule.report.weights import WeightStory, weight_story
from chainrule.report.witness import Mark, Witness
from chainrule.training.inputs import inputs_of, parameters_of, targets_of


@dataclass(frozen=True)
class Form:
    """One formula of a line and its mark; None where a formula has no value of its own."""

    equal: Equal
    mark: Mark | None


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

    ``feature`` is the name of the network's input, ``value`` its number.
    """

    name: str
    cell: str
    feature: str
    value: float


@dataclass(frozen=True)
class Labels:
    """What inputs, outputs and samples are called outside the network.

    ``cells`` are the inputs of a single sample with what stood in the table, ``truth`` the target
    as it stood there and ``answer`` what the network says to the sample.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    truth: str = ""
    answer: str = ""


@dataclass(frozen=True, eq=False)
class Explanation:
    """A derivation with the numbers of one step.

    ``lines`` are those of the derivation, statements as ``NumberedLine``; ``rows`` are the places
    of the samples in what was given; ``weight`` is the story of the chosen weight; ``on_kink`` says
    whether a sample lies where a slope jumps.  Make one with ``explain``.
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

    def __repr__(self) -> str:
        verdict = "every line checked" if self.passed else "a line failed"
        return f"<Explanation {self.batch.network}; {len(self.rows)} samples; {verdict}>"


# -- lines -----------------------------------------------------------------------------------------


@dataclass
class _Numbering:
    """The lines of a derivation, one after the other, with the state that updates change."""

    batch: Batch
    witness: Witness
    layout: Layout
    changed: dict[str, Any] = field(default_factory=dict)

    def line(self, line: Line) -> "Line | NumberedLine":
        if not isinstance(line, Statement):
            return line
        left = line.left
        if line.assigns:
            return self._update(line)
        known = {*self.batch.formulation.defined, *self.witness.cotangents}
        if left not in known:
            return NumberedLine(line, tuple(Form(equal, None) for equal in line.rights), None)
        sides = orient(left.axes, self.layout)
        value = laid_out(self.batch.named(left), left.axes, sides)
        forms = tuple(
            Form(equal, self._mark(equal, left, self.batch.named)) for equal in line.rights
        )
        return NumberedLine(line, forms, value)

    def _update(self, line: Statement) -> NumberedLine:
        left = line.left
        named = self._at_update()
        forms = tuple(Form(equal, self._mark(equal, left, named, True)) for equal in line.rights)
        # What is assigned to memory is used by the assignments that follow, and by them alone:
        # gradients stay those of the old parameters.
        self.changed[left.name] = self.batch.after[left.name]
        sides = orient(left.axes, self.layout)
        return NumberedLine(line, forms, laid_out(self.batch.after[left.name], left.axes, sides))

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
            return self.witness.mark(equal.formula, left, named, update=update)
        if isinstance(equal.formula, Scalar):
            return self.witness.mark_scalar(equal.formula.expression, left)
        return None


# -- the door --------------------------------------------------------------------------------------


def explain(
    network: Network,
    parameters: Mapping[str, Any],
    X: Any,
    Y: Any,
    *,
    row: int | None = None,
    rows: Sequence[int] | None = None,
    weight: str | None = None,
    optimizer: str | Optimizer = "sgd",
    state: Mapping[str, Any] | None = None,
    step: int = 1,
    layout: Layout = "rows",
    labels: Labels | None = None,
) -> Explanation:
    """Explain one step of training: the derivation with the numbers of the chosen samples.

    ``X`` is (samples, inputs) and ``Y`` (samples, outputs); ``row`` chooses one sample, ``rows``
    several, otherwise all are taken as one batch.  A single sample is told as one.  ``weight``
    names one weight or bias to be followed (``"W_ih[0,2]"``: indices as stored, from 0).  The step
    is that of ``optimizer``; ``state`` is what it remembers before it, by the Plan's names
    (``{"m_W_ih": ..., "v_W_ih": ...}``, zeros where nothing is given), and ``step`` counts from 1.
    ``labels`` say what inputs, outputs and samples are called.

    Numbers are computed unrounded in float64, whatever the type of the parameters, and only shown
    with fewer digits.  Each formula of a line is evaluated as it is laid out and compared with a
    value that owes the derivation nothing: ``Explanation.passed``.

    Raises ``InputError`` for arrays that do not suit the network, a row that does not exist and an
    unknown weight, with what is allowed.

    >>> network = Network.dense([2, 2, 1])
    >>> explanation = explain(
    ...     network, network.initialize(seed=0), [[0.5, -1.0], [1.0, 2.0]], [0, 1],
    ...     row=1, weight="W_ih[0,1]", optimizer="adam")
    >>> explanation.passed
    True
    >>> explanation.weight.gradient.adds_up, explanation.weight.step.adds_up
    (True, True)
    """
    if layout not in ("rows", "columns"):
        raise InputError(f"layout: {layout!r} came; 'rows' or 'columns' is allowed")
    kept = parameters_of(network, parameters, 0)
    inputs = inputs_of(network, np.atleast_2d(np.asarray(X)) if np.ndim(X) == 1 else X, float)
    targets = np.asarray(Y)
    if targets.ndim == 1 and len(inputs) == 1 and targets.size == network.layers[-1]:
        targets = targets[None, :]
    targets = targets_of(network, targets, len(inputs), float)
    chosen = _rows(row, rows, len(inputs))
    found = find_optimizer(optimizer)
    derivation = derive(network, layout=layout, batch=len(chosen) > 1, optimizer=found)
    batch = Batch(
        network,
        derivation.equations,
        found,
        {name: np.array(array, dtype=float) for name, array in kept.items()},
        inputs[list(chosen)],
        targets[list(chosen)],
        memory_from(network, derivation.formulation, found, state),
        _step(step),
    )
    witness = Witness(batch)
    numbering = _Numbering(batch, witness, layout)
    named = labels or Labels()
    story = None
    if weight is not None:
        entry = entry_of(network, derivation.formulation, weight, named.inputs, named.outputs)
        story = weight_story(batch, witness, entry)
    lines = tuple(numbering.line(line) for line in derivation.lines)
    return Explanation(derivation, batch, named, chosen, lines, story, witness.on_kink)


def _rows(row: int | None, rows: Sequence[int] | None, samples: int) -> tuple[int, ...]:
    if row is not None and rows is not None:
        raise InputError("row: came beside rows; give one of the two")
    if row is None and rows is None:
        return tuple(range(samples))
    chosen: list[int] = []
    for place in [row] if rows is None else list(rows):
        if isinstance(place, bool) or not isinstance(place, (int, np.integer)):
            raise InputTypeError(f"row: {shown(place)} came; a whole number is needed")
        if not 0 <= place < samples:
            raise InputError(
                f"row: {place} came; there are {samples:,} rows, counted from 0 to {samples - 1:,}"
            )
        chosen.append(int(place))
    if not chosen:
        raise InputError("rows: none came; name at least one")
    return tuple(chosen)


def _step(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"step: {shown(value)} came; a whole number of at least 1 is needed")
    return int(value)
