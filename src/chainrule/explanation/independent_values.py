"""Independent values: the expected value of a displayed line, found without the derivation.

=============  =====================================================================
forward        the same equation by axis name, in index notation
gradients      the complex step through the printed forward equations
updates        the step that the reference backend runs
=============  =====================================================================

The complex step is exact to rounding.  Where a sample is exactly at a kink (z = 0 of relu) there
is no derivative, and the value is that of the index form at the declared slope.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from chainrule.arrays import Array
from chainrule.check_result import NOT_COMPARED, CheckResult
from chainrule.errors import ChainruleError
from chainrule.explanation.step_values import StepValues
from chainrule.formulas.axes import SAMPLES_POSITION, Axis, Sides
from chainrule.formulas.differentiate import depends
from chainrule.formulas.evaluate import Evaluation
from chainrule.formulas.expressions import Expression, Symbol, substitute, symbols
from chainrule.formulas.matrices import Matrix
from chainrule.formulas.positional import MatrixEvaluation, laid_out
from chainrule.formulas.simplify import safe_logarithms
from chainrule.verification import COMPLEX_STEP, distance_from_kinks

LIMIT = 1e-9
"""The largest relative error of a correct line: far above rounding, far below a mistake."""
LARGEST = 2_000_000
"""The most entries of one evaluation; batches of many samples need several evaluations."""
_DIRECTIONS = Axis("D", SAMPLES_POSITION - 1)
"""The axis of the directions of the complex step."""
ENTRIES, SINGLE, MIXED = 24, 12, 6
"""Arrays up to this size are checked entry by entry, larger ones along single and mixed entries."""


class IndependentValues:
    """The independent values of one batch, and the marks of formulas compared with them."""

    def __init__(self, batch: StepValues) -> None:
        self.batch = batch
        self._found: dict[Symbol, list[float]] = {}

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
            return _result("reference", _error(found, expected, before))
        expected = laid_out(self.batch.named(left), left.axes, sides)
        if found.shape != expected.shape:
            return _result("index", np.inf)
        if left not in self.cotangents or self.on_kink:
            return _result("index", _error(found, expected))
        mark = self._by_complex_step(found, left, sides)
        # A large array is checked along a few directions only: the rest by the index form.
        return replace(mark, error=max(mark.error, _error(found, expected)))

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
        (expected,) = self._along(symbol, [direction])
        if self.on_kink or not np.isfinite([expected, gradient]).all():
            return CheckResult(NOT_COMPARED)
        return _result("complex", _error(np.array([gradient]), np.array([expected])))

    def _by_complex_step(self, found: Array, left: Symbol, sides: Sides) -> CheckResult:
        """Return the verdict on a gradient, a matrix with these sides, along chosen directions."""
        symbol = self.cotangents[left]
        directions = list(_directions(self.batch.named(symbol).shape))
        expected = self._slopes(symbol, directions)
        if not np.isfinite(expected).all():
            return CheckResult(NOT_COMPARED)
        turned = [laid_out(direction, symbol.axes, sides) for direction in directions]
        along = np.array([np.sum(found * direction) for direction in turned])
        return _result("complex", _error(along, np.array(expected)))

    def _slopes(self, symbol: Symbol, directions: list[Array]) -> list[float]:
        """Return the derivative of the loss along each direction, in the symbol's shape."""
        if symbol not in self._found:
            together = max(1, LARGEST // sum(self.batch.named(s).size for s in self._used(symbol)))
            self._found[symbol] = [
                slope
                for start in range(0, len(directions), together)
                for slope in self._along(symbol, directions[start : start + together])
            ]
        return self._found[symbol]

    def _used(self, symbol: Symbol) -> set[Symbol]:
        """Return the symbols that depend on a symbol, and itself."""
        return depends(self.batch.formulation.equations, [symbol])

    def _along(self, symbol: Symbol, directions: list[Array]) -> list[float]:
        """Return the derivative of the loss along each direction, in the symbol's shape.

        The directions are one more axis, the first, of everything that depends on the symbol, so
        that the forward equations are evaluated once for all of them.
        """
        formulation = self.batch.formulation
        lifted: dict[Symbol, Expression] = {
            acted: Symbol(acted.name, (_DIRECTIONS, *acted.axes)) for acted in self._used(symbol)
        }
        defined = {
            left: right
            for left, right in formulation.defined.items()
            if left in lifted and left != symbol
        }
        moved = np.stack([self.batch.named(symbol) + 1j * COMPLEX_STEP * d for d in directions])
        values: dict[str, Array] = {symbol.name: moved}
        given = {name for right in defined.values() for name in symbols(right)} - lifted.keys()
        values.update({name.name: self.batch.named(name) for name in given})
        evaluation = Evaluation(values, form="value", dtype=np.complex128)
        start = lifted[symbol]
        assert isinstance(start, Symbol)
        evaluation.measure((start, *given))
        for left, right in defined.items():
            # Safe logarithms of what is moved too: otherwise 1 − a loses digits.
            stable = substitute(safe_logarithms(right, defined), lifted)
            target = lifted[left]
            assert isinstance(target, Symbol)
            evaluation.define(target, evaluation.spread(stable, target.axes))
        losses = evaluation(lifted[formulation.loss])
        return [float(slope) for slope in np.imag(losses) / COMPLEX_STEP]


def _directions(shape: tuple[int, ...]) -> Iterator[Array]:
    """Yield directions in this shape: all units of a small array, else single and mixed ones."""
    size = int(np.prod(shape))
    if size <= ENTRIES:
        for index in range(size):
            direction = np.zeros(shape)
            direction.flat[index] = 1.0
            yield direction
        return
    generator = np.random.default_rng(0)
    for index in generator.choice(size, SINGLE, replace=False):
        direction = np.zeros(shape)
        direction.flat[index] = 1.0
        yield direction
    for _ in range(MIXED):
        direction = generator.normal(size=shape)
        yield direction / np.linalg.norm(direction)


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
