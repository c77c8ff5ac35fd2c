"""Every displayed line of a derivation, checked as it is displayed.

A matrix formula is computed as a matrix, by position, with its transposes and sides as they stand,
never from the expression it was arranged from; a product of partial derivatives is computed from
those derivatives.  Each is compared with what the left side is at a point that ``points`` found
without differentiating backwards.  The point is exact (residues modulo a prime, f(z) a fresh
symbol); where a line rests on a law of a function that the field does not know, the numbers are
floating point, and the verdict says so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from chainrule.arrays import Array
from chainrule.check_result import CheckResult
from chainrule.derivation.check_points import Point, evaluation, exact_point, float_point, sloped
from chainrule.derivation.optimizer_steps import stepped
from chainrule.documents.elements import (
    ChainFactors,
    Equal,
    Formula,
    Line,
    Paragraph,
    Part,
    Partials,
    Scalar,
    Statement,
)
from chainrule.formulas.arrange import Layout, orient
from chainrule.formulas.axes import Axis
from chainrule.formulas.evaluate import REALS, Evaluation
from chainrule.formulas.expressions import (
    ONE,
    Apply,
    Expression,
    Largest,
    Number,
    Power,
    Symbol,
    children,
    substitute,
)
from chainrule.formulas.fields import NoSuchNumber, PrimeField, residues
from chainrule.formulas.functions import UNITS, Function, a, a_k, z, z_k
from chainrule.formulas.matrices import (
    Indexed,
    Matrix,
    Pointwise,
    every,
)
from chainrule.formulas.positional import MatrixEvaluation, laid_out
from chainrule.network.gradients import Gradients
from chainrule.network.optimizers import STEPS, Optimizer
from chainrule.plans.plan import memory_of, updates_of

_METHODS: tuple[str, ...] = ("exact", "floating point")
TOLERANCE = 1e-9
"""The worst relative error of an equality in floating point."""
_POINTS = 3
"""Points in floating point, of which each has to agree."""
_UNITS = 4
"""The length of a layer at which an activation is checked."""
_GIVEN = Symbol("∂Loss/∂a", (UNITS,))
_ATTEMPTS = 5
"""Points of the field that may have no value (a division by zero) before none is looked for."""


@dataclass(frozen=True)
class Checked:
    """The lines of a derivation with the result of the check of every equality.

    ``results[k]`` belongs to ``lines[k]``: one result for each of a statement's right sides, none
    for headings and paragraphs.
    """

    lines: tuple[Line, ...]
    results: tuple[tuple[CheckResult, ...], ...]

    @property
    def passed(self) -> bool:
        """Whether every equality holds."""
        return not self.failures and any(self.results)

    @property
    def failures(self) -> tuple[tuple[Statement, Equal], ...]:
        """The equalities that do not hold."""
        return tuple((s, equal) for s, equal, result in self if not result.passed)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many equalities were checked by each method."""
        found: dict[str, int] = {}
        for _, _, result in self:
            found[result.method] = found.get(result.method, 0) + 1
        return found

    @property
    def marked(self) -> tuple[Line, ...]:
        """The lines, each equality with what its check found, and a sentence that sums it up."""
        marked: list[Line] = []
        for line, results in zip(self.lines, self.results, strict=True):
            if isinstance(line, Statement):
                pairs = zip(line.rights, results, strict=True)
                rights = tuple(replace(equal, holds=result.passed) for equal, result in pairs)
                line = replace(line, rights=rights)
            marked.append(line)
        exact, rounded = (str(self.counts.get(method, 0)) for method in _METHODS)
        failed = str(len(self.failures))
        summary = Paragraph(
            "checked" if self.passed else "checked_failed",
            {"exact": exact, "rounded": rounded, "failed": failed},
        )
        return (*marked, summary)

    def __iter__(self) -> Iterator[tuple[Statement, Equal, CheckResult]]:
        for line, results in zip(self.lines, self.results, strict=True):
            if isinstance(line, Statement):
                for equal, result in zip(line.rights, results, strict=True):
                    yield line, equal, result

    def __str__(self) -> str:
        methods = ", ".join(f"{count} {method}" for method, count in self.counts.items())
        total = sum(self.counts.values())
        if self.passed:
            return f"every one of {total} equalities holds ({methods})"
        lefts = ", ".join(dict.fromkeys(statement.left.name for statement, _ in self.failures))
        return f"{len(self.failures)} of {total} equalities do NOT hold: {lefts} ({methods})"


@dataclass(frozen=True, eq=False)
class Checker:
    """Checks the lines of one derivation.

    ``equations`` are the gradient equations of each part of the derivation by name; ``sizes``
    are the lengths of all axes.  ``points`` are the points found so far; checkers of the same
    equations and lengths may share them.
    """

    equations: Mapping[Part, Gradients]
    sizes: Mapping[Axis, int]
    layout: Layout
    optimizer: Optimizer
    seed: int = 0
    points: dict[tuple[int, bool, int], Point] = field(default_factory=dict)

    def check(self, lines: Iterable[Line]) -> Checked:
        """Return the lines with the result of the check of every equality."""
        checked = tuple(lines)
        return Checked(checked, tuple(tuple(self._results(line)) for line in checked))

    def _results(self, line: Line) -> Iterator[CheckResult]:
        if isinstance(line, Statement):
            for equal in line.rights:
                yield self.result(line, equal)

    def result(self, statement: Statement, equal: Equal) -> CheckResult:
        """Return the result of the check of one equality of a statement."""
        exactly = self._exactly(statement, equal.formula)
        if exactly:
            return CheckResult("exact")
        if exactly is not None and not any(map(_lawless(statement), _expressions(equal.formula))):
            return CheckResult("exact", np.inf)
        worst = CheckResult("floating point", 0.0, TOLERANCE)
        for number in range(_POINTS):
            error = self._error(statement, equal.formula, False, number)
            if not error <= worst.error:
                worst = CheckResult("floating point", error, TOLERANCE)
            if not worst.passed:
                break  # a line that fails at one point needs no other
        return worst

    def _exactly(self, statement: Statement, formula: Formula) -> bool | None:
        """Return whether an equality holds in the field, None where the field cannot say."""
        if statement.stage == "function" and statement.left in (a, a_k):
            return None  # the printed form against the computed one: that is a matter of digits
        for number in range(_ATTEMPTS):
            try:
                return self._error(statement, formula, True, number) == 0.0
            except NoSuchNumber:
                continue
        return None

    def _error(self, statement: Statement, formula: Formula, exact: bool, number: int) -> float:
        """Return the relative error of a formula; infinity if it has no value or another shape."""
        try:
            if statement.stage == "function":
                pair = _of_function(statement, formula, exact, self.seed + number)
            else:
                pair = self._of_network(statement, formula, exact, number)
        except (ValueError, KeyError, IndexError):
            return np.inf  # shapes that do not match, an unknown symbol
        return _distance(*pair, exact)

    def _of_network(
        self, statement: Statement, formula: Formula, exact: bool, number: int
    ) -> tuple[Array, Array]:
        """Return what a formula gives and what it should give."""
        point = self._point(statement.part, exact, number)
        left = statement.left
        at = point.known
        if statement.assigns:
            at, truth = self._updated(point, statement)
        elif left in point.values:
            truth = point.values[left]
        else:
            truth = _jacobian_called(left.name, point)
        found, laid = _value(formula, statement, at, point)
        if laid and len(left.axes) <= 2:
            truth = laid_out(truth, left.axes, orient(left.axes, self.layout))
        return found, truth

    def _point(self, part: Part, exact: bool, number: int) -> Point:
        gradients = self.equations[part]
        # The parts about one sample have the same equations.
        key = (id(gradients), exact, self.seed + number)
        if key not in self.points:
            formulation = gradients.formulation
            make = exact_point if exact else float_point
            point = make(formulation, self.sizes, self.seed + number)
            self.points[key] = self._with_optimizer(point, number)
        return self.points[key]

    def _with_optimizer(self, point: Point, number: int) -> Point:
        """Add the optimizer's constants and memory to the values of a point."""
        generator = np.random.default_rng([4, self.seed + number])

        def draw(symbol: Symbol) -> Array:
            lengths = [self.sizes[axis] for axis in symbol.axes]
            if isinstance(point.numbers, PrimeField):
                return point.numbers.draw(*lengths)
            return np.asarray(generator.uniform(0.1, 0.9, lengths))

        extra = [Symbol(letter) for letter in self.optimizer.letters.values()]
        for parameter in point.formulation.parameters:
            extra += memory_of(parameter, self.optimizer)
        values = {**point.values, **{symbol: draw(symbol) for symbol in extra}}
        values[STEPS] = residues(3) if point.exact else np.asarray(3.0)
        return replace(point, values=values)

    def _updated(self, point: Point, statement: Statement) -> tuple[Evaluation, Array]:
        """Return the evaluation an assignment is made in, and what it assigns.

        Gradients and parameters are the old ones; the optimizer's memory is the new one as soon
        as it has been assigned.  What is assigned is known from plain arithmetic; the equations of
        an optimizer that is not of the catalogue are all that is known of it.
        """
        changed: dict[Symbol, Array] = {}
        if statement.of is None:
            raise KeyError(statement.left)
        gradients = self.equations[statement.part]
        after = stepped(statement.of, gradients, self.optimizer, point.known)
        for update in updates_of(statement.of, gradients, self.optimizer):
            at = point.at(changed)
            if after is None:
                value = at.spread(update.right, update.left.axes)
            else:
                value = after[update.left]
            if update.left == statement.left:
                return at, value
            changed[update.left] = value
        raise KeyError(statement.left)


def _value(
    formula: Formula, statement: Statement, at: Evaluation, point: Point
) -> tuple[Array, bool]:
    """Return the value of a displayed formula, and whether it is laid out in rows and columns."""
    match formula:
        case Matrix():
            return MatrixEvaluation(at)(formula), True
        case Scalar():
            return at.spread(formula.expression, statement.left.axes), False
        case ChainFactors():
            whole = at(ONE)
            for factor in formula.factors:
                whole = whole * at(factor)
            return np.asarray(whole), False
        case Partials():
            found = sum(_along(way, point) for way in formula.paths)
            if formula.direct is None:
                return np.asarray(found), False
            added, laid = _value(formula.direct, statement, at, point)
            if laid:
                axes = formula.paths[0][-1].axes
                assert isinstance(formula.direct, Matrix)
                found = laid_out(np.asarray(found), axes, formula.direct.sides)
            return found + added, laid
    raise TypeError(f"no value is defined for {type(formula).__name__}")


def _along(way: Sequence[Symbol], point: Point) -> Array:
    """Return ∂Loss/∂(first) · ∂first/∂second · … as products of whole Jacobians."""
    value = point.values[point.formulation.cotangent(way[0])]
    for above, below in pairwise(way):
        value = point.down(value, above, below)
    return value


def _jacobian_called(name: str, point: Point) -> Array:
    """Return the derivative that a name such as ∂a/∂z says, of one scalar by another."""
    above, _, below = name.removeprefix("∂").partition("/∂")
    known = {symbol.name: symbol for symbol in point.values}
    return point.jacobian(known[above], known[below])


def _of_function(
    statement: Statement, formula: Formula, exact: bool, seed: int
) -> tuple[Array, Array]:
    """Return what a formula about an activation gives and what it should give."""
    function = statement.function
    if function is None:
        raise KeyError(statement.left)
    if statement.left in (a, a_k):
        return _computed_and_printed(function, formula, seed)
    field = PrimeField(seed, opened=True)
    generator = np.random.default_rng([5, seed])

    def draw() -> Array:
        return field.draw(_UNITS) if exact else generator.uniform(-3.0, 3.0, _UNITS)

    argument, given = draw(), draw()
    value, slopes = sloped(function, argument, field if exact else REALS)
    values = {z_k: argument, a_k: value, _GIVEN: given}
    at = evaluation(field if exact else REALS, {UNITS: _UNITS})
    for symbol, known in values.items():
        at.define(symbol, known)
    if function.elementwise:
        truth = slopes[np.arange(_UNITS), np.arange(_UNITS)]
    else:
        truth = np.add.reduce(given.reshape(-1, 1) * slopes, axis=0)
    return _entries(formula, at), truth


def _computed_and_printed(function: Function, formula: Formula, seed: int) -> tuple[Array, Array]:
    """Return the printed form of an activation and the overflow-safe one that is evaluated."""
    argument = np.random.default_rng([6, seed]).uniform(-3.0, 3.0, _UNITS)
    at = evaluation(REALS, {UNITS: _UNITS})
    at.define(z_k, argument)
    axis = function.layer_axis(z_k)
    computed = function.body(function.computed, {"z": z_k}, axis)
    return _entries(formula, at), at.spread(computed, (UNITS,))


def _entries(formula: Formula, at: Evaluation) -> Array:
    """Return a formula about z and a, entry by entry over a layer."""
    layer: dict[Expression, Expression] = {z: z_k, a: a_k}
    match formula:
        case Scalar():
            return at.spread(substitute(formula.expression, layer), (UNITS,))
        case ChainFactors():
            whole = at.spread(ONE, (UNITS,))
            for factor in formula.factors:
                whole = whole * at.spread(substitute(factor, layer), (UNITS,))
            return np.asarray(whole)
    raise TypeError(f"{type(formula).__name__} tells nothing about a function")


def _distance(found: Array, expected: Array, exact: bool) -> float:
    """Return ‖found − expected‖ / ‖expected‖; of exact numbers 0 or infinity."""
    if np.shape(found) != np.shape(expected):
        return np.inf
    if exact:
        # A residue alone is an array of no axes.
        equal = np.all(np.asarray(found, object) == np.asarray(expected, object))
        return 0.0 if equal else np.inf
    difference = float(np.linalg.norm(np.asarray(found) - expected))
    scale = float(np.linalg.norm(expected))
    if scale == 0.0:
        return 0.0 if difference == 0.0 else np.inf
    return difference / scale


def _expressions(formula: Formula) -> Iterator[Expression]:
    match formula:
        case Matrix():
            for node in every(formula):
                if isinstance(node, Pointwise):
                    yield node.formula
                elif isinstance(node, Indexed):
                    yield node.expression
        case Scalar():
            yield formula.expression
        case ChainFactors():
            yield from formula.factors
        case Partials():
            if formula.direct is not None:
                yield from _expressions(formula.direct)


def _lawless(statement: Statement) -> Callable[[Expression], bool]:
    """Return what tells whether an expression may rest on a law that the field does not know.

    Statements about a function are checked with its own formula.  Elsewhere functions are atoms,
    and only roots are left: in the field √x √x is x or −x.
    """
    of_function = statement.stage == "function"

    def lawless(tree: Expression) -> bool:
        if isinstance(tree, Power):
            exponent = tree.exponent
            if isinstance(exponent, Number) and exponent.value.denominator != 1:
                return True
        if of_function and isinstance(tree, (Apply, Largest)):
            return True
        return any(map(lawless, children(tree)))

    return lawless
