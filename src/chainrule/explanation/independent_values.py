"""Independent values: the expected value of a displayed line, found without the derivation.

=============  =====================================================================
forward        the same equation by axis name, in index notation
gradients      the complex step through the printed forward equations
updates        the step that the reference backend runs, and plain arithmetic
=============  =====================================================================

The complex step is exact to rounding.  Where a sample is exactly at a kink (z = 0 of relu) there
is no derivative, and the value is that of the index form at the declared slope.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.arrays import Array
from chainrule.check_result import NOT_COMPARED, CheckResult
from chainrule.derivation.optimizer_steps import stepped
from chainrule.errors import ChainruleError
from chainrule.explanation.step_values import StepValues
from chainrule.formulas.axes import Sides
from chainrule.formulas.differentiate import Equation
from chainrule.formulas.directions import (
    Move,
    directions_in,
    losses_along,
    most_directions,
    parts_of,
)
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Expression, Symbol, symbols
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.positional import MatrixEvaluation, laid_out
from chainrule.formulas.simplify import safe_logarithms
from chainrule.verification import COMPLEX_STEP, distance_from_kinks

LIMIT = 1e-9
"""The largest relative error of a correct line: far above rounding, far below a mistake."""
ENTRIES, SINGLE, MIXED = 24, 12, 6
"""Arrays up to this size are checked entry by entry, larger ones along single and mixed entries."""


class IndependentValues:
    """The independent values of one batch, and the marks of formulas compared with them."""

    def __init__(self, batch: StepValues) -> None:
        self.batch = batch

    @cached_property
    def on_kink(self) -> bool:
        """Whether some sample is exactly at a kink, where a slope jumps."""
        return distance_from_kinks(self.batch.formulation, self.batch.given) == 0.0

    @cached_property
    def cotangents(self) -> dict[Symbol, Symbol]:
        """The symbol of each cotangent: the loss is differentiated by it."""
        return {entry.left: entry.of for entry in self.batch.gradients.backward}

    def mark(
        self, matrix: Matrix, left: Symbol, sides: Sides, named: Evaluation, *, update: bool
    ) -> CheckResult:
        """Return the verdict on ``left = matrix`` (or ``left ← matrix``).

        ``sides`` are those of ``left`` in the layout.  Those of the formula are not used: its
        values are compared by position.
        """
        try:
            with np.errstate(all="ignore"):
                found = MatrixEvaluation(named)(matrix)
        except (ValueError, ChainruleError):
            return _result("index", np.inf)  # shapes that do not match
        if len(left.axes) > 2 or not np.isfinite(found).all():
            return CheckResult(NOT_COMPARED)
        if update:
            expected = laid_out(self.batch.after[left.name], left.axes, sides)
            before = laid_out(np.asarray(self.batch.given[left.name]), left.axes, sides)
            error = _error(found, expected, before)
            own = self._stepped.get(left)
            if own is not None:
                arithmetic = laid_out(own, left.axes, sides)
                error = max(error, _error(found, arithmetic, before))
            return _result("reference", error)
        expected = laid_out(self.batch.named(left), left.axes, sides)
        if found.shape != expected.shape:
            return _result("index", np.inf)
        if left not in self.cotangents or self.on_kink:
            return _result("index", _error(found, expected))
        mark = self._by_complex_step(found, left, sides)
        # A large array is checked along a few directions only: the rest by the index form.
        return replace(mark, error=max(mark.error, _error(found, expected)))

    @cached_property
    def _stepped(self) -> dict[Symbol, Array]:
        """The parameters and the memory after the step, in plain arithmetic."""
        batch = self.batch
        found: dict[Symbol, Array] = {}
        with np.errstate(all="ignore"):
            for parameter in batch.formulation.parameters:
                after = stepped(parameter, batch.gradients, batch.optimizer, batch.named)
                found.update(after or {})
        return found

    def mark_scalar(self, means: Expression, left: Symbol) -> CheckResult | None:
        """Return the verdict on a loss in index notation, compared with the reference backend."""
        if left.name not in self.batch.losses:
            return None
        expected = self.batch.losses[left.name]
        found = float(self.batch.named(means))
        if not np.isfinite(found):
            # log 0 in the printed form; training uses a safe form.
            return CheckResult(NOT_COMPARED)
        return _result("reference", _error(np.array([found]), np.array([expected])))

    def mark_entry(self, symbol: Symbol, index: tuple[int, ...], gradient: float) -> CheckResult:
        """Return the verdict on one entry of a gradient."""
        direction = np.zeros(self.batch.named(symbol).shape)
        direction[index] = 1.0
        (expected,) = self._along([(symbol, direction)])
        if self.on_kink or not np.isfinite([expected, gradient]).all():
            return CheckResult(NOT_COMPARED)
        return _result("complex", _error(np.array([gradient]), np.array([expected])))

    def _by_complex_step(self, found: Array, left: Symbol, sides: Sides) -> CheckResult:
        """Return the verdict on a gradient, a matrix with these sides, along chosen directions."""
        symbol = self.cotangents[left]
        directions = self._directions[symbol]
        expected = self._slopes[symbol]
        if not np.isfinite(expected).all():
            return CheckResult(NOT_COMPARED)
        turned = [laid_out(direction, symbol.axes, sides) for direction in directions]
        along = np.array([np.sum(found * direction) for direction in turned])
        return _result("complex", _error(along, np.array(expected)))

    @cached_property
    def _directions(self) -> dict[Symbol, list[Array]]:
        """The directions along which each symbol is moved; fewer where each costs more."""
        arrays = {symbol: self.batch.named(symbol) for symbol in self.cotangents.values()}
        weights = [self.batch.named(symbol) for symbol in self.batch.formulation.parameters]
        all_weights = sum(np.size(weight) for weight in weights)
        most = min(ENTRIES, most_directions(len(arrays), self.batch.samples * all_weights))
        single, mixed = max(1, most * SINGLE // ENTRIES), max(1, most * MIXED // ENTRIES)
        return {
            symbol: list(directions_in(array.shape, 0, most, single, mixed))
            for symbol, array in arrays.items()
        }

    @cached_property
    def _slopes(self) -> dict[Symbol, list[float]]:
        """The derivatives of the loss by each symbol along its directions."""
        moves = [(symbol, d) for symbol, each in self._directions.items() for d in each]
        own = {symbol for symbol in self._directions if symbol in self._logarithms}
        shared = [move for move in moves if move[0] not in own]
        slopes = iter(self._along(shared))
        found = {s: [next(slopes) for _ in d] for s, d in self._directions.items() if s not in own}
        for symbol in own:
            found[symbol] = self._along([move for move in moves if move[0] == symbol])
        return found

    @cached_property
    def _logarithms(self) -> set[Symbol]:
        """The symbols whose logarithm has a safe form: where they are moved, it is not used."""
        formulation = self.batch.formulation
        return {
            symbol
            for equation in formulation.equations
            if safe_logarithms(equation.right, formulation.defined) != equation.right
            for symbol in symbols(equation.right)
        }

    def _along(self, moves: list[Move]) -> list[float]:
        """Return the derivative of the loss along each direction, in the symbol's shape.

        Logarithms are in their safe form, since otherwise 1 − a loses digits.
        """
        formulation = self.batch.formulation
        moved = {symbol for symbol, _ in moves} & self._logarithms
        defined = {left: r for left, r in formulation.defined.items() if left not in moved}
        equations = [
            Equation(equation.left, safe_logarithms(equation.right, defined))
            for equation in formulation.equations
        ]
        named = self.batch.named
        varied = (*formulation.parameters, *formulation.defined)
        sizes = {symbol: int(np.size(named(symbol))) for symbol in varied}
        step = 1j * COMPLEX_STEP
        return [
            float(slope) / COMPLEX_STEP
            for part in parts_of(equations, sizes, moves)
            for slope in np.imag(losses_along(equations, formulation.loss, named, part, step))
        ]


def _error(found: Array, expected: Array, before: Array | None = None) -> float:
    """Return ‖found − expected‖ / size, infinity where the shapes differ.

    The size is ‖expected‖, at least 10⁻³; after a step from ``before`` it is that of the step, at
    least 10⁻⁴ ‖expected‖ because the parameters are rounded.
    """
    if found.shape != expected.shape:
        return np.inf
    size = max(float(np.linalg.norm(expected)), 1e-3)
    if before is not None:
        size = max(float(np.linalg.norm(expected - before)), 1e-4 * size)
    return float(np.linalg.norm(found - expected)) / size


def _result(method: str, error: float) -> CheckResult:
    return CheckResult(method, error, LIMIT)
